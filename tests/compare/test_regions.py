"""Local changes on real photos: what was done, where, and nothing where nothing was done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from provenance.compare.align import AlignedPair
from provenance.compare.regions import LocalChanges, find_local_changes
from provenance.records import Pixels

Jpeg = Callable[..., Image.Image]
IDENTITY = np.eye(3)


def pair_of(query: Pixels, reference: Pixels, *, scale: float = 1.0) -> AlignedPair:
    """A pair in perfect register; `scale` as if both had been larger."""
    h, w = reference.shape[:2]
    full = np.zeros((round(h / scale), round(w / scale), 3), np.uint8)
    return AlignedPair(query, reference, np.ones((h, w), bool), scale, IDENTITY, full, 0.0)


def changes_of(edited: Pixels, original: Pixels, jpeg: Jpeg, *, quality: int = 85) -> LocalChanges:
    query = np.asarray(jpeg(Image.fromarray(edited), quality=quality))
    return find_local_changes(pair_of(query, original), original, read_text=False)


def with_disc(original: Pixels, at: tuple[int, int] = (150, 130), radius: int = 34) -> Pixels:
    """A striped ball, unlike anything in the photos, with a dark rim."""
    x, y = np.meshgrid(np.arange(original.shape[1]), np.arange(original.shape[0]))
    stripes = np.where(
        ((x - at[0] + y - at[1]) // 7 % 2 == 0)[..., None], (215, 90, 60), (250, 230, 110)
    ).astype(np.uint8)
    inside = np.hypot(x - at[0], y - at[1]) < radius
    rim = inside & (np.hypot(x - at[0], y - at[1]) > radius - 3)
    edited = np.where(inside[..., None], stripes, original)
    edited[rim] = 10
    return edited


def ellipse_of(shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape[:2], np.uint8)
    cv2.ellipse(mask, (shape[1] // 2, shape[0] // 2), (60, 45), 0, 0, 360, 1, -1)
    return mask > 0


@pytest.fixture(scope="module")
def originals(pictures: list[Image.Image]) -> list[Pixels]:
    return [np.asarray(picture) for picture in pictures]


@pytest.mark.parametrize("quality", [35, 60, 90])
def test_encoding_alone_is_no_change(originals: list[Pixels], jpeg: Jpeg, quality: int) -> None:
    for original in originals:
        local = changes_of(original, original, jpeg, quality=quality)
        assert local.changes == ()
        assert local.labels.max() == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (3, 200), (16, 16)])
def test_tiny_pictures_are_compared_too(shape: tuple[int, int]) -> None:
    one, other = np.random.default_rng(0).integers(0, 255, (2, *shape, 3), np.uint8)
    assert find_local_changes(pair_of(one, one), one).changes == ()
    labels = find_local_changes(pair_of(one, other), other, read_text=False).labels
    assert labels.shape == shape


def test_without_an_overlap_nothing_can_differ(originals: list[Pixels]) -> None:
    pair = replace(pair_of(originals[0], originals[0][::-1]), overlap=np.zeros(originals[0].shape[:2], bool))
    assert find_local_changes(pair, pair.reference, read_text=False).changes == ()


def test_a_pasted_object_is_added(originals: list[Pixels], jpeg: Jpeg) -> None:
    for original in originals:
        local = changes_of(with_disc(original), original, jpeg)
        assert [change.operation for change in local.changes] == ["object_added"]
        x0, y0, x1, y1 = local.changes[0].box or (0, 0, 0, 0)
        assert np.abs(np.array([x0, y0, x1, y1]) - [116, 96, 184, 164]).max() <= 8
        assert set(local.changes[0].parameters) == {"area_percent", "difference_levels"}
        assert local.change_map[100:160, 120:180].max() > 0.5


def test_an_object_painted_out_is_removed(originals: list[Pixels], jpeg: Jpeg) -> None:
    for original in originals:
        reference = with_disc(original)
        local = changes_of(original, reference, jpeg)
        assert [change.operation for change in local.changes] == ["object_removed"]


def test_labels_tie_changes_to_pixels(originals: list[Pixels], jpeg: Jpeg) -> None:
    original = originals[0]
    twice = with_disc(with_disc(original, (70, 70), 24), (300, 180), 40)
    local = changes_of(twice, original, jpeg)
    assert {change.label for change in local.changes} == set(np.unique(local.labels)) - {0}
    assert local.labels[70, 70] != local.labels[180, 300]
    # The most visible comes first.
    assert local.changes[0].label == local.labels[180, 300]


def test_a_recoloured_place_names_its_colours(jpeg: Jpeg) -> None:
    rng = np.random.default_rng(3)
    texture = cv2.GaussianBlur(rng.integers(0, 255, (300, 400), np.uint8), (0, 0), 2.0).astype(np.float32)
    light = 110 + 3 * (texture - texture.mean())
    original = np.clip(np.stack([light + 60, light - 40, light - 40], 2), 0, 255).astype(np.uint8)
    edited = original.copy()
    inside = ellipse_of(original.shape)
    edited[inside] = original[inside][:, ::-1]
    local = changes_of(edited, original, jpeg)
    assert [change.operation for change in local.changes] == ["object_recolored"]
    parameters = local.changes[0].parameters
    assert parameters["from_color"] in ("red", "brown", "dark red")
    assert parameters["to_color"] in ("blue", "dark blue", "purple", "dark purple")
    assert abs(parameters["hue_degrees"]) > 60


@pytest.mark.parametrize("kind", ["blurred", "pixelated", "filled"])
def test_hidden_places_say_how(originals: list[Pixels], jpeg: Jpeg, kind: str) -> None:
    rng = np.random.default_rng(5)
    grain = rng.integers(-60, 60, originals[0].shape[:2]).astype(np.float32)
    grain = 2.5 * cv2.GaussianBlur(grain, (0, 0), 1.2)[..., None]
    original = np.clip(originals[0] * 0.5 + 60 + grain, 0, 255).astype(np.uint8)
    h, w = original.shape[:2]
    if kind == "blurred":
        layer = cv2.GaussianBlur(original, (0, 0), 5)
    elif kind == "pixelated":
        small = cv2.resize(original, (w // 12, h // 12), interpolation=cv2.INTER_AREA)
        layer = np.kron(small, np.ones((12, 12, 1), np.uint8))
        layer = cv2.copyMakeBorder(layer, 0, h - len(layer), 0, w - layer.shape[1], cv2.BORDER_REPLICATE)
    else:
        layer = np.zeros_like(original)
    edited = np.where(ellipse_of(original.shape)[..., None], layer, original)
    local = changes_of(edited, original, jpeg)
    assert [change.operation for change in local.changes] == ["object_blurred"]
    parameters = local.changes[0].parameters
    assert parameters["kind"] == kind
    if kind == "blurred":
        assert parameters["sigma_px"] == pytest.approx(5, rel=0.35)
    if kind == "pixelated":
        assert parameters["block_px"] == pytest.approx(12, abs=1)


def test_a_copy_names_its_source(originals: list[Pixels], jpeg: Jpeg) -> None:
    reference = with_disc(originals[1], (90, 90))
    local = changes_of(with_disc(reference, (280, 170)), reference, jpeg)
    assert [change.operation for change in local.changes] == ["object_duplicated"]
    parameters = local.changes[0].parameters
    assert parameters["moved"] is False
    assert np.abs(np.array(parameters["source_box"]) - [56, 56, 124, 124]).max() <= 8


def test_a_move_is_one_change(originals: list[Pixels], jpeg: Jpeg) -> None:
    original = originals[1]
    local = changes_of(with_disc(original, (280, 170)), with_disc(original, (90, 90)), jpeg)
    assert [change.operation for change in local.changes] == ["object_duplicated"]
    assert local.changes[0].parameters["moved"] is True
    assert local.labels[90, 90] == local.labels[170, 280] != 0


@pytest.mark.parametrize(
    ("kind", "operation"),
    [
        ("darkened", "background_changed"),
        ("desaturated", "background_changed"),
        ("replaced", "background_replaced"),
    ],
)
def test_a_background_leaves_its_subject(
    originals: list[Pixels], jpeg: Jpeg, kind: str, operation: str
) -> None:
    original = originals[0]
    gray = cv2.cvtColor(original, cv2.COLOR_RGB2GRAY)
    other = cv2.resize(originals[2], original.shape[1::-1])
    layer = {"darkened": original // 2, "desaturated": np.dstack([gray] * 3), "replaced": other[::-1]}[kind]
    edited = np.where(ellipse_of(original.shape)[..., None], original, layer)
    changes = changes_of(edited, original, jpeg).changes
    assert [change.operation for change in changes] == [operation]
    if kind != "replaced":
        assert changes[0].parameters["kind"] == kind


@pytest.mark.parametrize("kind", ["darkened", "blurred"])
def test_a_whole_picture_edit_is_refuted_by_an_untouched_subject(
    originals: list[Pixels], jpeg: Jpeg, kind: str
) -> None:
    original = originals[0]
    layer = original // 2 if kind == "darkened" else cv2.GaussianBlur(original, (0, 0), 4)
    edited = np.where(ellipse_of(original.shape)[..., None], original, layer)
    pair = pair_of(np.asarray(jpeg(Image.fromarray(edited), quality=90)), original)
    # The whole-picture fit follows the majority of the pixels, which is the background.
    local = find_local_changes(pair, layer, read_text=False)
    assert local.whole_picture_refuted
    assert [change.operation for change in local.changes] == ["background_changed"]
    honest = find_local_changes(replace(pair, query=layer), layer, read_text=False)
    assert not honest.whole_picture_refuted
    assert honest.changes == ()


def test_boxes_are_full_size_pixels(originals: list[Pixels], jpeg: Jpeg) -> None:
    original = originals[0]
    query = np.asarray(jpeg(Image.fromarray(with_disc(original)), quality=90))
    plain = find_local_changes(pair_of(query, original), original, read_text=False)
    shrunk = find_local_changes(pair_of(query, original, scale=0.25), original, read_text=False)
    small, large = plain.changes[0].box, shrunk.changes[0].box
    assert small is not None
    assert large is not None
    assert np.abs(np.array(large) - 4 * np.array(small)).max() <= 4
    assert shrunk.changes[0].reference_box is not None


def test_words_are_read_only_when_asked(originals: list[Pixels], jpeg: Jpeg) -> None:
    picture = Image.fromarray(originals[0])
    draw = ImageDraw.Draw(picture)
    draw.rectangle((60, 100, 330, 160), fill=(245, 245, 240))
    draw.text((80, 108), "HARBOUR 1962", fill=(15, 15, 15), font_size=36)
    query = np.asarray(jpeg(picture, quality=90))
    pair = pair_of(query, originals[0])
    silent = find_local_changes(pair, originals[0], read_text=False)
    assert all(change.text_after is None for change in silent.changes)
    read = find_local_changes(pair, originals[0], read_text=True)
    assert [change.operation for change in read.changes] == ["text_added"]
    assert read.changes[0].text_before is None
    assert (read.changes[0].text_after or "").replace(" ", "") == "HARBOUR1962"
