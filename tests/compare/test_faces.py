"""A face is named where one was added, removed, exchanged or blurred, and nothing else is called one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from provenance.compare.faces import detect_faces, name_faces
from provenance.decode import decode
from provenance.records import Box, Change, Operation, Pixels

PHOTOS = Path(__file__).parent.parent.parent / "sample_db" / "photos"
FACE: Box = (373, 132, 432, 212)
OTHER_FACE: Box = (815, 258, 965, 441)
SCARF: Box = (560, 560, 640, 660)
"""Faces in the photo of musicians, and a part of it without one."""


@pytest.fixture(scope="module")
def musicians() -> Pixels:
    return decode(PHOTOS / "mexico.webp").pixels


@pytest.fixture(scope="module")
def bison() -> Pixels:
    return decode(PHOTOS / "bison.webp").pixels


def grown(box: Box, by: float) -> Box:
    x0, y0, x1, y1 = box
    x, y = round(by * (x1 - x0)), round(by * (y1 - y0))
    return x0 - x, y0 - y, x1 + x, y1 + y


def part(pixels: Pixels, box: Box) -> Pixels:
    return pixels[box[1] : box[3], box[0] : box[2]]


def put(pixels: Pixels, content: Pixels, box: Box) -> Pixels:
    result = pixels.copy()
    part(result, box)[:] = cv2.resize(
        content, (box[2] - box[0], box[3] - box[1]), interpolation=cv2.INTER_AREA
    )
    return result


def noun(operation: Operation, query: Pixels, reference: Pixels, box: Box) -> object:
    labels = np.zeros(query.shape[:2], np.int32)
    part(labels[..., None], box)[:] = 1
    change = Change(operation, 0.9, {"area_percent": 1.0}, box=box, label=1)
    (named,) = name_faces([change], query, reference, labels)
    return named.parameters.get("noun")


def test_faces_are_found_where_they_are(musicians: Pixels, bison: Pixels) -> None:
    boxes = [face.box for face in detect_faces(musicians)]
    for truth in (FACE, OTHER_FACE):
        assert any(np.abs(box - truth).max() < 15 for box in boxes)
    assert len(boxes) >= 4
    assert detect_faces(bison) == []


def test_a_face_is_named_when_added_or_removed(musicians: Pixels, bison: Pixels) -> None:
    head = grown(FACE, 0.3)
    there = (100, 100, 100 + head[2] - head[0], 100 + head[3] - head[1])
    with_face = put(bison, part(musicians, head), there)
    assert noun("object_added", with_face, bison, there) == "face"
    assert noun("object_removed", bison, with_face, there) == "face"
    # Not where the side that should show it does not, or where both do.
    assert noun("object_removed", with_face, bison, there) is None
    assert noun("object_added", with_face, with_face, there) is None
    assert noun("background_replaced", with_face, bison, there) is None


def test_a_face_that_is_only_a_part_is_said_to_be_one(musicians: Pixels, bison: Pixels) -> None:
    figure = grown(FACE, 1.0)
    there = (100, 100, 100 + figure[2] - figure[0], 100 + figure[3] - figure[1])
    with_figure = put(bison, part(musicians, figure), there)
    assert noun("object_added", with_figure, bison, there) == "with_face"
    assert noun("object_replaced", with_figure, bison, there) is None


def test_an_exchanged_or_blurred_face_is_named(musicians: Pixels) -> None:
    exchanged = put(musicians, part(musicians, OTHER_FACE), FACE)
    assert noun("object_replaced", exchanged, musicians, FACE) == "face"
    blurred = put(musicians, cv2.GaussianBlur(part(musicians, FACE), (0, 0), 12), FACE)
    assert noun("object_blurred", blurred, musicians, FACE) == "face"


@pytest.mark.parametrize("operation", ["object_added", "object_removed", "object_replaced", "object_blurred"])
def test_other_things_are_not_called_a_face(operation: Operation, musicians: Pixels) -> None:
    changed = put(musicians, part(musicians, (0, 560, 80, 660)), SCARF)
    assert noun(operation, changed, musicians, SCARF) is None


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (300, 2)])
def test_odd_sizes_are_looked_at(shape: tuple[int, int]) -> None:
    pixels = np.zeros((*shape, 3), np.uint8)
    assert detect_faces(pixels) == []
    assert noun("object_added", pixels, pixels, (0, 0, shape[1], shape[0])) is None
