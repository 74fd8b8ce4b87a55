"""Pairs with known edits: the truth is measured on the pictures, and the same call makes the same pairs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from provenance.errors import NotFoundError, UsageError
from provenance.evaluate.pairs.draft import Draft, bounds, measure_change, scaling, shifting
from provenance.evaluate.pairs.kinds import BENIGN, KINDS, make
from provenance.evaluate.pairs.making import make_pairs, part_of
from provenance.evaluate.pairs.stock import Stock
from provenance.evaluate.pairs.truth import OPERATIONS, read_pairs
from provenance.records import Pixels


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three made-up photos, smooth and grained, of two equal halves: patches are to be found."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(3):
        rng = np.random.default_rng(number)
        coarse = rng.integers(30, 225, (5, 4, 3), dtype=np.uint8)
        smooth = np.asarray(Image.fromarray(coarse).resize((160, 240), Image.Resampling.BICUBIC), np.int16)
        grain = np.repeat(np.repeat(rng.integers(-20, 21, (60, 40, 1)), 4, axis=0), 4, axis=1)
        half = np.clip(smooth + grain, 0, 255).astype(np.uint8)
        Image.fromarray(np.tile(half, (1, 2, 1))).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def stock(photos: Path) -> Stock:
    return Stock(tuple(sorted(photos.iterdir())))


@pytest.fixture(scope="module")
def photo(photos: Path) -> Pixels:
    return np.asarray(Image.open(photos / "0.png"))


@pytest.fixture(scope="module")
def drafts(photo: Pixels, stock: Stock) -> dict[str, Draft]:
    """One pair of each kind of edit."""
    made = {}
    for kind in KINDS:
        for seed in range(6):
            draft = make(kind, Draft(photo, photo), "visible", stock, np.random.default_rng(seed))
            if draft is not None:
                made[kind] = draft
                break
    return made


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_changed_lies_in_the_boxes(kind: str, drafts: dict[str, Draft]) -> None:
    made = drafts[kind]
    edits = made.finished()
    assert edits
    assert any(edit.strength for edit in edits if not edit.optional)
    local = [edit for edit in edits if edit.operation.startswith(("object_", "text_", "background_"))]
    if len(local) < len(edits):
        return
    difference = np.abs(made.reference.astype(np.int16) - made.query).max(axis=2)
    outside = np.ones(difference.shape, bool)
    for edit in local:
        assert edit.box is not None
        x0, y0, x1, y1 = edit.box
        assert (difference[y0:y1, x0:x1] > 10).any()
        outside[max(0, y0 - 6) : y1 + 6, max(0, x0 - 6) : x1 + 6] = False
    assert np.percentile(difference[outside], 99.5) < 40 if outside.any() else True


def test_every_operation_is_made(drafts: dict[str, Draft]) -> None:
    assert {edit.operation for draft in drafts.values() for edit in draft.finished()} == set(OPERATIONS)


def test_boxes_follow_the_frame(photo: Pixels) -> None:
    after = photo.copy()
    after[100:140, 200:260] = 255 - photo[100:140, 200:260] // 2
    draft = Draft(photo, photo).with_local("object_added", after)
    assert draft is not None
    moved = draft.moved(after[50:, 80:], shifting(-80, -50))
    assert moved.finished()[0].box == (120, 50, 180, 90)
    assert moved.finished()[0].reference_box == (200, 100, 260, 140)
    large = moved.resized(480, 380, Image.Resampling.BICUBIC)
    assert np.allclose(large.finished()[0].box, (240, 100, 360, 180), atol=1)
    there = large.reference_from_query @ (scaling((240, 190), (480, 380)) @ [120, 50, 1])
    assert np.allclose(there, [200, 100, 1])


def test_what_left_the_frame_may_be_left_unsaid(photo: Pixels) -> None:
    after = photo.copy()
    after[100:140, 200:260] = 255 - photo[100:140, 200:260] // 2
    draft = Draft(photo, photo).with_local("object_added", after)
    assert draft is not None
    assert draft.moved(after[:, 300:], shifting(-300, 0)).finished() == ()
    assert draft.moved(after[:, 250:], shifting(-250, 0)).finished()[0].optional


def test_faint_changes_are_none(photo: Pixels) -> None:
    after = photo.copy()
    after[100:104, 200:204] ^= 4
    assert measure_change(photo, after)[1] is None
    assert Draft(photo, photo).with_local("object_added", after) is None


def test_specks_do_not_widen_a_box(photo: Pixels) -> None:
    after = photo.copy()
    after[100:180, 200:300] = 255 - photo[100:180, 200:300] // 2
    after[5, 5] = 255 - photo[5, 5]
    assert bounds(measure_change(photo, after)[0]) == (200, 100, 300, 180)


def test_the_same_call_makes_the_same_pairs(photos: Path, tmp_path: Path) -> None:
    made = [make_pairs([photos], tmp_path / name, count=6, seed=3) for name in ("a", "b")]
    assert (tmp_path / "a" / "pairs.json").read_bytes() == (tmp_path / "b" / "pairs.json").read_bytes()
    for one, other in zip(*made, strict=True):
        assert one.query.read_bytes() == other.query.read_bytes()
        assert one.reference.read_bytes() == other.reference.read_bytes()
    assert read_pairs(tmp_path / "a" / "pairs.json") == made[0]


def test_benign_kinds_have_no_edits(photos: Path, tmp_path: Path) -> None:
    made = make_pairs([photos], tmp_path / "out", count=14, benign=1.0)
    assert {pair.kind for pair in made} == set(BENIGN)
    assert all(pair.benign for pair in made)


def test_parts_share_no_photo(photos: Path) -> None:
    assert {part_of(path) for path in photos.iterdir()} <= {"development", "test"}


def test_wrong_calls_say_what_to_do(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="known are object added"):
        make_pairs([photos], tmp_path / "x", kinds=["explode"])
    with pytest.raises(NotFoundError, match="holds no PNG cut-outs"):
        make_pairs([photos], tmp_path / "y", count=1, stamps=tmp_path)
    make_pairs([photos], tmp_path / "z", count=1, kinds=["crop"], benign=0)
    with pytest.raises(UsageError, match="already holds pairs"):
        make_pairs([photos], tmp_path / "z", count=1)


def test_pairs_from_elsewhere_need_little(photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "pairs.json"
    row = {"reference": str(photos / "0.png"), "query": str(photos / "1.png"), "operations": ["crop"]}
    file.write_text(json.dumps([row]))
    (pair,) = read_pairs(file)
    assert pair.operations[0].operation == "crop"
    file.write_text(json.dumps([row | {"operations": ["croped"]}]))
    with pytest.raises(UsageError, match="croped"):
        read_pairs(file)
    file.write_text(json.dumps([row | {"query": "missing.png"}]))
    with pytest.raises(NotFoundError, match=r"missing\.png"):
        read_pairs(file)
    with pytest.raises(NotFoundError, match="make-edits"):
        read_pairs(tmp_path / "none.json")
