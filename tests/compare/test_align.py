"""Alignment: exact where the truth is simple, precise where it is not, and undisturbed by edits."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from provenance.compare.align import align
from provenance.compare.motion import corners_of, nearest_dihedral, project, resize_matrix, whole_frame


def shaken(matrix, size, *, px=1.5, seed=0):
    """A homography with corners off by about `px`, as keypoints give it."""
    corners = corners_of(size)
    moved = project(matrix, corners + np.random.default_rng(seed).uniform(-px, px, corners.shape))
    return cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32)).astype(float)


def corner_error(pair, truth):
    corners = corners_of(pair.query_size)
    there, where = (project(matrix, corners) for matrix in (pair.reference_from_query, truth))
    return np.abs(there - where).max()


@pytest.mark.parametrize("quality", [30, 90])
def test_a_reencoded_copy_needs_no_motion_at_all(pictures, decoded, jpeg, quality):
    for seed, picture in enumerate(pictures):
        query = jpeg(picture, quality=quality)
        pair = align(decoded(query), decoded(picture), shaken(np.eye(3), picture.size, seed=seed))
        assert pair.model == "frame"
        assert np.array_equal(pair.reference_from_query, np.eye(3))
        assert np.array_equal(pair.reference, np.asarray(picture))
        assert pair.overlap.all()


@pytest.mark.parametrize("factor", [0.35, 0.7, 1.6])
def test_a_resize_is_taken_exactly(pictures, decoded, jpeg, factor):
    for picture in pictures:
        size = (round(picture.width * factor), round(picture.height * factor))
        truth = resize_matrix(size, picture.size)
        query = jpeg(picture.resize(size, Image.Resampling.LANCZOS), quality=92)
        pair = align(decoded(query), decoded(picture), shaken(truth, size))
        assert pair.model == "frame"
        assert corner_error(pair, truth) < 1e-9
        difference = np.abs(pair.query.astype(int) - pair.reference).mean()
        assert difference < 7


def test_a_crop_is_found_to_the_pixel(pictures, decoded, jpeg):
    truth = np.array([[1, 0, 31], [0, 1, 17], [0, 0, 1.0]])
    for picture in pictures:
        query = jpeg(picture.crop((31, 17, picture.width - 20, picture.height - 25)), quality=70)
        pair = align(decoded(query), decoded(picture), shaken(truth, query.size))
        assert pair.model == "crop"
        assert np.array_equal(pair.reference_from_query, truth)


def test_mirrored_and_inverted_queries_align(pictures, decoded):
    for picture in pictures:
        truth = np.array([[-1, 0, picture.width - 1], [0, 1, 0], [0, 0, 1.0]])
        query = ImageOps.invert(ImageOps.mirror(picture))
        pair = align(decoded(query), decoded(picture), shaken(truth, picture.size))
        assert corner_error(pair, truth) < 1e-9


def test_a_small_rotation_is_measured_to_a_fraction_of_a_pixel(pictures, decoded, jpeg):
    for picture in pictures:
        centre = (np.array(picture.size) - 1) / 2
        turn = np.vstack([cv2.getRotationMatrix2D(centre, 2.0, 1.0), [0, 0, 1]])
        warped = cv2.warpPerspective(np.asarray(picture), turn, picture.size, flags=cv2.INTER_CUBIC)
        query = jpeg(Image.fromarray(warped), quality=80)
        truth = np.linalg.inv(turn)
        pair = align(decoded(query), decoded(picture), shaken(truth, picture.size))
        assert corner_error(pair, truth) < 0.3


def test_a_large_local_edit_does_not_bend_the_alignment(pictures, decoded, jpeg):
    for picture in pictures:
        edited = picture.copy()
        other = pictures[0] if picture is not pictures[0] else pictures[1]
        edited.paste(other.resize((picture.width // 2, picture.height // 2)), (20, 20))
        ImageDraw.Draw(edited).rectangle((0, 150, 90, 190), fill=(250, 40, 40))
        pair = align(decoded(jpeg(edited, quality=80)), decoded(picture), shaken(np.eye(3), picture.size))
        assert pair.model == "frame"
        assert np.array_equal(pair.reference_from_query, np.eye(3))


def test_a_flat_picture_keeps_the_frame(decoded):
    sky = Image.fromarray(np.full((120, 200, 3), (90, 140, 220), np.uint8))
    pair = align(decoded(sky), decoded(sky), shaken(np.eye(3), sky.size))
    assert np.allclose(pair.reference_from_query, np.eye(3))


def test_a_tiny_picture_does_not_fail(pictures, decoded):
    small = pictures[0].resize((9, 7))
    pair = align(decoded(small), decoded(pictures[0]), resize_matrix(small.size, pictures[0].size))
    assert pair.query.shape == (7, 9, 3)
    assert pair.reference.shape == (7, 9, 3)


def test_the_working_size_bounds_the_long_side(pictures, decoded):
    pair = align(decoded(pictures[0]), decoded(pictures[0]), np.eye(3), side_px=160)
    assert max(pair.query.shape[:2]) == 160
    assert pair.working_scale == pytest.approx(160 / max(pictures[0].size), abs=0.01)


@pytest.mark.parametrize("linear", [[[1, 0], [0, 1]], [[-1, 0], [0, 1]], [[0, -1], [1, 0]], [[0, 1], [1, 0]]])
def test_whole_frame_maps_corners_onto_corners(linear):
    linear = np.array(linear, float)
    matrix = whole_frame((60, 40), (120, 200), linear)
    mapped = project(matrix, corners_of((60, 40)))
    assert {tuple(p) for p in mapped} == {tuple(p) for p in corners_of((120, 200))}
    assert np.array_equal(nearest_dihedral(matrix[:2, :2]), linear)
