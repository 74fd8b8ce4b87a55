"""compare(): the whole pair at once, on real photos."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from provenance.compare import compare
from provenance.compare.motion import resize_matrix


def test_equal_pixels_return_early(pictures, decoded):
    result = compare(decoded(pictures[0]), decoded(pictures[0].copy()), np.eye(3))
    assert result.identical_pixels
    assert result.changes == ()
    assert result.replay_psnr_db is None
    assert result.unexplained_fraction == 0


def test_unedited_copies_have_no_change(pictures, decoded, jpeg):
    for picture in pictures:
        half = (picture.width // 2, picture.height // 2)
        copies = [
            (jpeg(picture, quality=35), np.eye(3)),
            (jpeg(jpeg(picture, quality=90), quality=60), np.eye(3)),
            (
                jpeg(picture.resize(half, Image.Resampling.LANCZOS), quality=80),
                resize_matrix(half, picture.size),
            ),
        ]
        for query, matrix in copies:
            result = compare(decoded(query), decoded(picture), matrix, read_text=False)
            assert result.changes == ()
            assert not result.labels.any()
            assert not result.identical_pixels
            assert result.replay_psnr_db > 20


def test_crop_brightness_and_a_pasted_block_are_three_edits(pictures, decoded, jpeg):
    for picture in pictures:
        w, h = picture.size
        query = ImageEnhance.Brightness(picture.crop((30, 0, w, h))).enhance(1.25)
        ImageDraw.Draw(query).ellipse((60, 60, 140, 140), fill=(30, 200, 40))
        matrix = np.array([[1, 0, 30], [0, 1, 0], [0, 0, 1.0]])
        result = compare(decoded(jpeg(query, quality=85)), decoded(picture), matrix, read_text=False)
        whole = {change.operation: change.parameters for change in result.changes if change.label == 0}
        assert set(whole) == {"crop", "brightness"}
        assert whole["brightness"]["percent"] == pytest.approx(25, abs=4)
        local = [change for change in result.changes if change.label > 0]
        assert local
        assert result.labels[100, 100] == local[0].label
        assert (result.labels > 0).mean() < 0.2
        assert result.replay_psnr_db > 25
        assert result.reference_overlap == pytest.approx((w - 30) / w, abs=0.01)


def test_the_replay_repeats_what_is_listed(pictures, decoded, jpeg):
    for picture in pictures:
        query = ImageEnhance.Color(ImageEnhance.Contrast(picture).enhance(0.7)).enhance(1.5)
        result = compare(decoded(jpeg(query, quality=92)), decoded(picture), np.eye(3), read_text=False)
        before = np.abs(result.query.astype(int) - result.reference).mean()
        after = np.abs(result.query.astype(int) - result.replayed).mean()
        assert after < 0.5 * before
        assert result.replay_psnr_db > 26


def test_a_small_blur_of_a_large_picture_is_seen(photos, decoded, jpeg):
    for path in photos[:2]:
        photo = Image.open(path).convert("RGB")
        for query, expected in [(photo, None), (photo.filter(ImageFilter.GaussianBlur(1.2)), 1.2)]:
            copy = decoded(jpeg(query, quality=85))
            result = compare(copy, decoded(photo), np.eye(3), side_px=400, read_text=False)
            blurs = [c.parameters["sigma_px"] for c in result.changes if c.operation == "blur"]
            assert blurs == ([] if expected is None else [pytest.approx(expected, rel=0.2)])
            assert len(result.changes) == len(blurs)


def test_arrays_share_the_working_frame(pictures, decoded, jpeg):
    result = compare(
        decoded(jpeg(pictures[0])), decoded(pictures[0]), np.eye(3), side_px=200, read_text=False
    )
    shape = result.query.shape[:2]
    assert max(shape) == 200
    for array in (result.reference, result.replayed):
        assert array.shape == (*shape, 3)
        assert array.dtype == np.uint8
    for array in (result.overlap, result.labels, result.change_map):
        assert array.shape == shape
    assert 0 <= result.change_map.min() <= result.change_map.max() <= 1


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_side_is_compared_without_an_error(pictures, decoded, level):
    photo = pictures[0]
    blank = Image.new("RGB", photo.size, (level, level, level))
    for query, reference in ((blank, photo), (photo, blank), (blank, Image.new("RGB", photo.size, "navy"))):
        result = compare(decoded(query), decoded(reference), np.eye(3), read_text=False)
        assert result.changes
