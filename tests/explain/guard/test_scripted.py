"""The scripted answers of claims.toml: what is true is kept, what is false is dropped."""

from __future__ import annotations

from typing import Any

import pytest

from provenance.explain.guard import Frames, GuardParts, check_answer
from provenance.explain.measured import measure
from tests.explain.pairs import HEIGHT, WIDTH, make_changes, make_pair, read_scenes

Scenes = list[dict[str, Any]]
KINDS = ("invented", "direction", "place", "text")
FRAMES = Frames((WIDTH, HEIGHT), (2000, 1500))
SCENES = read_scenes()
LATER = read_scenes("claims_later.toml")


def count(kind: str, parts: GuardParts | None = None, scenes: Scenes = SCENES) -> tuple[int, int]:
    """Answers of that kind that were judged right, and all of them."""
    right = told = 0
    for scene in scenes:
        edits = measure(make_pair(make_changes(scene)).comparison).edits
        for answer in scene.get(kind, ()):
            claims = [
                c for one in check_answer(answer, edits, FRAMES, parts or GuardParts()) for c in one.claims
            ]
            kept = [claim.status == "kept" for claim in claims]
            told += 1
            right += (bool(kept) and all(kept)) if kind == "true" else not any(kept)
    return right, told


def test_true_claims_are_kept() -> None:
    right, told = count("true")
    assert told == 200
    assert right >= 190


def test_false_claims_are_dropped() -> None:
    counts = [count(kind) for kind in KINDS]
    right, told = (sum(column) for column in zip(*counts, strict=True))
    assert told >= 200
    assert right >= 0.975 * told


def test_sentences_written_later_are_judged_as_well() -> None:
    right, told = count("true", scenes=LATER)
    assert right >= 0.95 * told
    right, told = (sum(column) for column in zip(*(count(kind, scenes=LATER) for kind in KINDS), strict=True))
    assert right >= 0.975 * told


@pytest.mark.parametrize(
    ("part", "kind"),
    [("direction", "direction"), ("place", "place"), ("text", "text"), ("claims", "invented")],
)
def test_each_part_of_the_guard_drops_what_it_is_for(part: str, kind: str) -> None:
    without: dict[str, Any] = {part: False}
    assert count(kind, GuardParts(**without))[0] < 0.75 * count(kind)[0]
    assert count("true", GuardParts(**without))[0] >= count("true")[0]
