"""Fusing rankings: what is near in several ways stands before what is near in one."""

from __future__ import annotations

from provenance.search import Vote, fuse


def order(candidates: list) -> list[int]:  # type: ignore[type-arg]
    return [one.reference_id for one in candidates]


def test_nothing_ranked_gives_no_candidates() -> None:
    assert fuse() == []
    assert fuse(bits={}, similarities={"copy": {}}, votes={}, parts=[{}]) == []


def test_one_ranking_keeps_its_order_and_ties_stand_by_id() -> None:
    assert order(fuse(bits={5: -9.0, 1: -30.0, 8: -9.0, 2: -2.0})) == [2, 5, 8, 1]
    assert order(fuse(similarities={"copy": {4: 0.1, 9: 0.7, 3: 0.4}})) == [9, 3, 4]
    assert order(fuse(votes={4: (Vote(2.0, 9), "upright"), 9: (Vote(3.0, 4), "upright")})) == [9, 4]
    assert order(fuse(parts=[{4: 0.1, 9: 0.7}])) == [9, 4]


def test_references_equal_in_all_rankings_stand_by_id() -> None:
    assert order(fuse(bits={7: -1.0, 3: -2.0}, similarities={"copy": {3: 0.9, 7: 0.8}})) == [3, 7]


def test_the_order_does_not_depend_on_that_of_the_rankings() -> None:
    bits = {7: -1.0, 3: -1.0, 5: -4.0}
    copy = {5: 0.5, 3: 0.5, 7: 0.1}
    one = fuse(bits=bits, similarities={"copy": copy})
    other = fuse(bits=dict(reversed(bits.items())), similarities={"copy": dict(reversed(copy.items()))})
    assert one == other


def test_what_two_rankings_name_stands_before_what_leads_one() -> None:
    candidates = fuse(
        bits={1: -5.0, 2: -6.0},
        similarities={"copy": {3: 0.9, 2: 0.8}},
        votes={4: (Vote(50.0, 60), "upright"), 2: (Vote(40.0, 50), "upright")},
    )
    assert order(candidates) == [2, 1, 3, 4]
    scores = [one.score for one in candidates]
    assert scores == sorted(scores, reverse=True)


def test_each_part_of_the_query_ranks_for_itself() -> None:
    assert order(fuse(parts=[{1: 0.9, 2: 0.8}, {3: 0.7, 2: 0.6}])) == [2, 1, 3]


def test_candidates_carry_their_bits_similarities_votes_and_form() -> None:
    found = {
        one.reference_id: one
        for one in fuse(
            bits={1: -12.0},
            similarities={"copy": {1: 0.75, 3: 0.5}, "clip": {}},
            votes={2: (Vote(6.5, 9), "mirrored"), 1: (Vote(1.5, 3), "upright")},
        )
    }
    assert found[1].phash_bits == 12
    assert (found[1].votes, found[1].form) == (3, "upright")
    assert found[1].similarities == {"copy": 0.75, "clip": 0.0}
    assert found[2].phash_bits is None
    assert (found[2].votes, found[2].form) == (9, "mirrored")
    assert (found[3].votes, found[3].form) == (0, "upright")


def test_a_reference_outside_an_embeddings_ranking_is_no_nearer_than_its_last() -> None:
    found = {one.reference_id: one for one in fuse(bits={9: -1.0}, similarities={"copy": {1: 0.6, 2: 0.4}})}
    assert found[9].similarities["copy"] == 0.4
