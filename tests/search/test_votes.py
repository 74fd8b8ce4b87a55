"""Votes: near keypoints count where they agree on one geometry."""

from __future__ import annotations

import numpy as np
import pytest

from index.keypoints import KeypointIndex
from provenance.describe.keypoints import mirrored
from provenance.records import LocalFeatures
from provenance.search.votes import LOOKED_AT, places, vote
from tests.search.made_up import SIZE, keypoints, moved, resaved, scattered

COUNT = 70


def index_of(pictures: dict[int, LocalFeatures]) -> KeypointIndex:
    index = KeypointIndex()
    index.add(
        np.array(list(pictures)),
        [one.descriptors for one in pictures.values()],
        [places(one, SIZE) for one in pictures.values()],
    )
    return index


@pytest.fixture(scope="module")
def library() -> KeypointIndex:
    """Twenty pictures that have nothing in common."""
    return index_of({number: keypoints(number, COUNT) for number in range(20)})


@pytest.mark.parametrize(
    ("factor", "degrees", "by"),
    [(1, 0, (0, 0)), (0.4, 0, (900, 300)), (1.7, 90, (2500, -40)), (0.6, 33, (700, 100)), (1, 180, SIZE)],
)
def test_a_scaled_turned_and_shifted_copy_gets_the_votes(
    library: KeypointIndex, factor: float, degrees: float, by: tuple[float, float]
) -> None:
    query = resaved(moved(keypoints(7, COUNT), factor=factor, degrees=degrees, by=by), 1)
    votes = vote(library, query, (3600, 3000))
    best = max(votes, key=lambda one: votes[one].weight)
    assert best == 7
    assert votes[7].matches > 0.8 * COUNT
    assert max(one.matches for number, one in votes.items() if number != 7) < 0.2 * COUNT
    assert max(one.weight for number, one in votes.items() if number != 7) < 0.1 * votes[7].weight


def test_a_part_of_a_picture_among_other_things_gets_its_votes(library: KeypointIndex) -> None:
    part, rest = moved(keypoints(3, COUNT).strongest(30), factor=0.3, by=(1500, 800)), keypoints(999, 300)
    query = LocalFeatures(
        *(np.concatenate([getattr(part, name), getattr(rest, name)]) for name in LocalFeatures.__slots__)
    )
    votes = vote(library, query, SIZE)
    assert max(votes, key=lambda one: votes[one].weight) == 3
    assert 24 <= votes[3].matches <= 45


def test_a_mirrored_copy_gets_votes_only_when_it_is_mirrored_back(library: KeypointIndex) -> None:
    query = resaved(mirrored(keypoints(5, COUNT), SIZE[0]), 2)
    back = vote(library, mirrored(query, SIZE[0]), SIZE)
    assert back[5].matches > 0.8 * COUNT
    as_it_is = vote(library, query, SIZE)
    assert max(one.weight for one in as_it_is.values()) < 0.1 * back[5].weight


def test_near_keypoints_without_a_common_geometry_get_few_votes(library: KeypointIndex) -> None:
    votes = vote(library, scattered(keypoints(4, COUNT), 50), SIZE)
    assert max(one.matches for one in votes.values()) < 0.15 * COUNT


def test_strangers_get_few_votes(library: KeypointIndex) -> None:
    votes = vote(library, keypoints(1234, 400), SIZE)
    assert max(one.matches for one in votes.values()) < 12
    assert max(one.weight for one in votes.values()) < 6


def test_no_more_keypoints_vote_than_are_asked(library: KeypointIndex) -> None:
    assert vote(library, keypoints(7, COUNT).strongest(20), SIZE)[7].matches <= 20
    assert vote(library, keypoints(7, COUNT).strongest(0), SIZE) == {}


def test_fifty_copies_of_one_picture_share_the_votes_and_leave_none_without() -> None:
    copies = {number: resaved(keypoints(1, COUNT), 100 + number) for number in range(50)}
    index = index_of({**copies, **{number: keypoints(number, COUNT) for number in range(50, 70)}})
    votes = vote(index, resaved(moved(keypoints(1, COUNT), factor=0.7), 9), SIZE)
    strong = {number for number, one in votes.items() if one.matches >= 8 and one.weight >= 4}
    assert strong <= set(copies)
    # As many as are looked at; what is left out are copies of those.
    assert len(strong) == min(LOOKED_AT, len(copies))
    other = vote(index, resaved(keypoints(60, COUNT), 10), SIZE)
    assert max(other, key=lambda one: other[one].weight) == 60


def test_pictures_without_keypoints_get_and_give_no_votes() -> None:
    index = index_of({1: keypoints(1, 0), 2: keypoints(2, COUNT)})
    assert vote(index, keypoints(1, 0), SIZE) == {}
    assert set(vote(index, keypoints(2, COUNT), SIZE)) == {2}
    assert vote(KeypointIndex(), keypoints(2, COUNT), SIZE) == {}
