"""Another photo of a trusted scene is related: no copy, no edits, and no stranger either."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFilter

from provenance import Provenance


def encoded(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=85)
    return stream.getvalue()


def from_the_side(picture: Image.Image, *, shift_px: float, seed: int = 0) -> Image.Image:
    """The scene from a little further right: what is nearer, by a made-up depth, moves more."""
    pixels = np.asarray(picture)
    height, width = pixels.shape[:2]
    rough = np.random.default_rng(seed).uniform(-1, 1, (4, 5)).astype(np.float32)
    depth = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return Image.fromarray(
        cv2.remap(pixels, x + shift_px * depth, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    )


@pytest.fixture(scope="module")
def photos(sample: Path) -> dict[str, Image.Image]:
    found = {}
    for name in ("colosseum", "lemur", "italy", "chameleon"):
        found[name] = Image.open(sample / "photos" / f"{name}.webp").convert("RGB")
        found[name].thumbnail((640, 640))
    return found


@pytest.mark.parametrize("name", ["colosseum", "lemur", "italy"])
@pytest.mark.parametrize("shift_px", [6.0, 12.0])
def test_another_viewpoint_is_related_and_has_no_edits(
    photos: dict[str, Image.Image], name: str, shift_px: float, tmp_path: Path
) -> None:
    with Provenance(tmp_path) as library:
        seen = encoded(from_the_side(photos[name], shift_px=shift_px))
        report = library.explain(encoded(photos[name]), seen)
    assert report.verdict == "related"
    assert report.explanation is None


@pytest.mark.parametrize("name", ["colosseum", "lemur", "italy"])
def test_a_tilted_soft_copy_is_still_the_same_picture(
    photos: dict[str, Image.Image], name: str, tmp_path: Path
) -> None:
    width, height = photos[name].size
    frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = frame + np.array([[10, 5], [-15, 12], [-12, -20], [0, 0]], np.float32)
    homography = cv2.getPerspectiveTransform(moved, frame)
    pixels = cv2.warpPerspective(np.asarray(photos[name]), homography, (width, height), flags=cv2.INTER_CUBIC)
    tilted = Image.fromarray(pixels)
    with Provenance(tmp_path) as library:
        report = library.explain(encoded(photos[name]), encoded(tilted.filter(ImageFilter.GaussianBlur(1))))
    assert report.verdict == "modified"


def test_the_copy_is_found_beside_other_photos_of_its_scene(
    photos: dict[str, Image.Image], tmp_path: Path
) -> None:
    folder = tmp_path / "trusted"
    folder.mkdir()
    for number, shift in enumerate((0.0, 7.0, -9.0)):
        taken = from_the_side(photos["colosseum"], shift_px=shift, seed=number)
        taken.save(folder / f"taken-{number}.png")
    photos["lemur"].save(folder / "lemur.png")
    width, height = photos["colosseum"].size
    cut = from_the_side(photos["colosseum"], shift_px=7.0, seed=1).crop((60, 40, width - 30, height - 20))
    with Provenance(tmp_path / "home") as library:
        library.ingest([folder])
        report = library.check(encoded(cut))
        elsewhere = library.check(encoded(from_the_side(photos["colosseum"], shift_px=11.0, seed=7)))
    assert report.verdict == "modified"
    assert report.match is not None
    assert report.match.reference.path.endswith("taken-1.png")
    assert elsewhere.verdict == "related"
