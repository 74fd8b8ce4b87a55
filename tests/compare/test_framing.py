"""Framing: every change of the frame is named with its numbers; nothing is named where nothing was done."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from provenance.compare.align import align
from provenance.compare.framing import describe_framing, with_border
from provenance.compare.motion import resize_matrix


def shift(x, y):
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


@pytest.fixture
def framed(decoded, jpeg):
    """Describes the framing of a JPEG copy; edits by operation."""

    def describe(query, reference, matrix):
        framing = describe_framing(align(decoded(jpeg(query, quality=85)), decoded(reference), matrix))
        return framing, {change.operation: change for change in framing.changes}

    return describe


@pytest.fixture
def bordered(decoded, jpeg):
    """The aligned pair of a JPEG copy after its border was painted in."""

    def paint(query, reference, matrix):
        pair = align(decoded(jpeg(query, quality=85)), decoded(reference), matrix)
        return with_border(pair, pair.reference, describe_framing(pair).fill)[0]

    return paint


@pytest.mark.parametrize("factor", [0.3, 0.77, 1.0, 1.5])
def test_copies_have_no_framing_edit(pictures, framed, factor):
    for picture in pictures:
        size = (round(picture.width * factor), round(picture.height * factor))
        framing, edits = framed(picture.resize(size), picture, resize_matrix(size, picture.size))
        assert edits == {}
        assert framing.query_overlap == framing.reference_overlap == 1.0


def test_crop_says_what_each_side_lost(pictures, framed):
    for picture in pictures:
        w, h = picture.size
        framing, edits = framed(picture.crop((40, 10, w - 16, h)), picture, shift(40, 10))
        assert set(edits) == {"crop"}
        crop = edits["crop"]
        assert crop.parameters["left_percent"] == pytest.approx(100 * 40 / w, abs=0.1)
        assert crop.parameters["top_percent"] == pytest.approx(100 * 10 / h, abs=0.1)
        assert crop.parameters["right_percent"] == pytest.approx(100 * 16 / w, abs=0.1)
        assert crop.parameters["bottom_percent"] == 0
        assert crop.parameters["kept_percent"] == pytest.approx(100 * (w - 56) * (h - 10) / w / h, abs=0.1)
        assert crop.reference_box == (40, 10, w - 16, h)
        assert framing.query_overlap == 1.0


def test_crop_of_a_mirrored_picture_names_the_sides_of_the_original(pictures, framed):
    picture = pictures[0]
    w, _ = picture.size
    query = ImageOps.mirror(picture.crop((50, 0, w, picture.height)))
    matrix = np.array([[-1, 0, w - 1], [0, 1, 0], [0, 0, 1.0]])
    _, edits = framed(query, picture, matrix)
    assert set(edits) == {"flip", "crop"}
    assert edits["flip"].parameters == {"axis": "horizontal"}
    assert edits["crop"].parameters["left_percent"] == pytest.approx(100 * 50 / w, abs=0.1)
    assert edits["crop"].parameters["right_percent"] == 0


def test_upside_down_mirror_is_one_flip(pictures, framed):
    picture = pictures[1]
    matrix = np.array([[1, 0, 0], [0, -1, picture.height - 1], [0, 0, 1.0]])
    _, edits = framed(ImageOps.flip(picture), picture, matrix)
    assert set(edits) == {"flip"}
    assert edits["flip"].parameters == {"axis": "vertical"}


@pytest.mark.parametrize(
    ("turn", "degrees", "matrix"),
    [
        (Image.Transpose.ROTATE_90, 90, lambda w, h: [[0, -1, w - 1], [1, 0, 0], [0, 0, 1]]),
        (Image.Transpose.ROTATE_180, 180, lambda w, h: [[-1, 0, w - 1], [0, -1, h - 1], [0, 0, 1]]),
        (Image.Transpose.ROTATE_270, -90, lambda w, h: [[0, 1, 0], [-1, 0, h - 1], [0, 0, 1]]),
    ],
)
def test_quarter_turns(pictures, framed, turn, degrees, matrix):
    picture = pictures[2]
    _, edits = framed(picture.transpose(turn), picture, np.array(matrix(*picture.size), float))
    assert set(edits) == {"rotate"}
    assert edits["rotate"].parameters["degrees"] == degrees


@pytest.mark.parametrize("degrees", [-7.0, 3.0])
def test_small_rotation_counts_counter_clockwise_and_keeps_the_corner_color(pictures, framed, degrees):
    for picture in pictures:
        query = picture.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=(255, 255, 255))
        t, c = np.radians(degrees), (np.array(picture.size) - 1) / 2
        matrix = np.eye(3)
        matrix[:2, :2] = [[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]]
        matrix[:2, 2] = c - matrix[:2, :2] @ c
        _, edits = framed(query, picture, matrix)
        assert set(edits) == {"rotate"}
        assert edits["rotate"].parameters["degrees"] == pytest.approx(degrees, abs=0.1)
        assert edits["rotate"].parameters["fill"] in ("#ffffff", "#fefefe")


@pytest.mark.parametrize("factor", [0.8, 1.1])
def test_stretch(pictures, framed, factor):
    for picture in pictures:
        size = (round(picture.width * factor), picture.height)
        _, edits = framed(picture.resize(size), picture, resize_matrix(size, picture.size))
        assert set(edits) == {"stretch"}
        assert edits["stretch"].parameters["factor"] == pytest.approx(factor, abs=0.01)


def test_border_is_padding_and_belongs_to_the_prediction(pictures, framed, bordered):
    picture = pictures[0]
    query = ImageOps.expand(picture, (0, 20, 0, 30), (0, 0, 0))
    framing, edits = framed(query, picture, shift(0, -20))
    assert set(edits) == {"pad"}
    pad = edits["pad"]
    sides = [pad.parameters[f"{side}_px"] for side in ("left", "top", "right", "bottom")]
    assert sides == [0, 20, 0, 30]
    assert pad.parameters["color"] == "#000000"
    assert pad.box == (0, 20, picture.width, 20 + picture.height)
    assert bordered(query, picture, shift(0, -20)).overlap.mean() > 0.95
    assert framing.query_overlap == pytest.approx(picture.height / (picture.height + 50), abs=0.01)


def test_writing_on_a_border_stays_visible_to_the_local_half(pictures, framed, bordered):
    picture = pictures[0]
    query = ImageOps.expand(picture, (0, 40, 0, 0), (255, 255, 255))
    ImageDraw.Draw(query).text((20, 6), "SHOCKING NEWS", fill=(0, 0, 0), font=ImageFont.load_default(24))
    assert set(framed(query, picture, shift(0, -40))[1]) == {"pad"}
    pair = bordered(query, picture, shift(0, -40))
    strip = pair.overlap[5:32]
    difference = np.abs(pair.query.astype(int) - pair.reference).max(axis=2)
    assert strip.mean() > 0.9
    assert difference[5:32].max() > 150


def test_inset_in_another_picture_is_a_composite(pictures, framed):
    ground = pictures[1].resize((400, 300))
    inset = pictures[0].resize((200, round(200 * pictures[0].height / pictures[0].width)))
    ground.paste(inset, (150, 60))
    framing, edits = framed(
        ground, pictures[0], resize_matrix(inset.size, pictures[0].size) @ shift(-150, -60)
    )
    assert set(edits) == {"composite"}
    share = inset.width * inset.height / (400 * 300)
    assert edits["composite"].parameters["area_percent"] == pytest.approx(100 * share, abs=1)
    assert edits["composite"].box == (150, 60, 350, 60 + inset.height)
    assert framing.fill is None


def test_a_thin_border_is_seen(pictures, framed):
    for picture in pictures:
        _, edits = framed(ImageOps.expand(picture, 3, (0, 0, 0)), picture, shift(-3, -3))
        assert set(edits) == {"pad"}
        assert [edits["pad"].parameters[f"{side}_px"] for side in ("left", "top", "right", "bottom")] == [
            3
        ] * 4


def test_a_rotation_on_a_larger_canvas_has_no_border_of_its_own(pictures, framed):
    picture = pictures[3]
    query = picture.rotate(20, Image.Resampling.BICUBIC, expand=True, fillcolor=(255, 255, 255))
    t = np.radians(20)
    matrix = np.eye(3)
    matrix[:2, :2] = [[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]]
    matrix[:2, 2] = (np.array(picture.size) - 1) / 2 - matrix[:2, :2] @ (np.array(query.size) - 1) / 2
    framing, edits = framed(query, picture, matrix)
    assert set(edits) == {"rotate"}
    assert edits["rotate"].parameters["degrees"] == pytest.approx(20, abs=0.1)
    assert framing.reference_overlap > 0.98


def test_one_pixel_lost_to_rounding_is_no_crop(pictures, framed):
    for picture in pictures:
        w, h = picture.size
        assert framed(picture.crop((1, 1, w, h - 1)), picture, shift(1, 1))[1] == {}
