"""Words before and after: exact strings, no words in leaves, no change where the words stayed."""

from __future__ import annotations

import logging

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from provenance.compare.text import compare_text, normalize, read_lines
from provenance.records import Box, Pixels

SIGN: Box = (40, 60, 360, 130)


def sign(words: str, *, fill: tuple[int, int, int] = (20, 20, 20)) -> Pixels:
    """A plate with words on a flat wall."""
    picture = Image.new("RGB", (400, 220), (150, 160, 175))
    draw = ImageDraw.Draw(picture)
    draw.rectangle(SIGN, fill=(240, 238, 225))
    draw.text((60, 72), words, fill=fill, font_size=40)
    return np.asarray(picture)


def difference(one: Pixels, other: Pixels) -> tuple[np.ndarray, Box]:
    """A region's mask as grouping hands it on, gaps of strokes closed; and its box."""
    mask = np.abs(one.astype(int) - other).max(axis=2) > 30
    mask = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)) > 0
    ys, xs = np.nonzero(mask)
    return mask, (int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)


def test_reads_the_words_and_where_they_are() -> None:
    lines = read_lines(sign("STATION 42"), (0, 0, 400, 220))
    assert [line.text.replace(" ", "") for line in lines] == ["STATION42"]
    x0, y0, x1, y1 = lines[0].box
    assert 40 <= x0 <= 66
    assert 60 <= y0 <= 90
    assert x1 > 240
    assert y1 <= 135


def test_a_changed_digit_is_a_changed_text() -> None:
    before, after = sign("STATION 42"), sign("STATION 47")
    change = compare_text(after, before, *difference(after, before))
    assert change is not None
    assert change.operation == "text_changed"
    assert (change.before or "").endswith("42")
    assert (change.after or "").endswith("47")


@pytest.mark.parametrize("operation", ["text_added", "text_removed"])
def test_new_and_painted_out_words(operation: str) -> None:
    empty, written = sign(""), sign("OPEN DAILY")
    query, reference = (written, empty) if operation == "text_added" else (empty, written)
    change = compare_text(query, reference, *difference(query, reference))
    assert change is not None
    assert change.operation == operation
    words = change.after if operation == "text_added" else change.before
    other = change.before if operation == "text_added" else change.after
    assert (words or "").replace(" ", "") == "OPENDAILY"
    assert other is None


def test_dotted_letters_are_read() -> None:
    empty, written = sign(""), sign("OPEN 24")
    x, y = np.meshgrid(np.arange(400), np.arange(220))
    dots = (np.hypot(x % 4 - 2, y % 4 - 2) < 1.6)[..., None]
    dotted = np.where(dots, written, empty).astype(np.uint8)
    change = compare_text(empty, dotted, *difference(empty, dotted))
    assert change is not None
    assert change.operation == "text_removed"
    assert normalize(change.before or "") == normalize("OPEN 24")


def test_recoloured_words_are_no_change_of_text() -> None:
    before, after = sign("OPEN DAILY"), sign("OPEN DAILY", fill=(160, 20, 30))
    assert compare_text(after, before, *difference(after, before)) is None


def test_noise_holds_no_words() -> None:
    rng = np.random.default_rng(0)
    plain = sign("")
    noisy = plain.copy()
    noisy[60:130, 40:360] = rng.integers(0, 255, (70, 320, 3), np.uint8)
    assert compare_text(noisy, plain, *difference(noisy, plain)) is None


def test_the_reader_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    read_lines(sign("QUIET"), (0, 0, 400, 220))
    read_lines(np.full((60, 60, 3), 128, np.uint8), (0, 0, 60, 60))
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""
    assert logging.getLogger().level == logging.WARNING


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("Stop", "STOP!", True), ("1O", "10", True), ("Berlin 2019", "Berlin 2020", False), ("", "", True)],
)
def test_normalize_folds_case_marks_and_misreadings(one: str, other: str, same: bool) -> None:
    assert (normalize(one) == normalize(other)) is same
