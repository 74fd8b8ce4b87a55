"""Trusted pictures that invite mistakes: copies, mirrors, frames in common, pictures with nothing in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provenance.evaluate.edits.picture import resize
from provenance.evaluate.edits.traps import TRAPS
from provenance.evaluate.photos import load
from provenance.records import Report
from tests.hostile.conftest import COPIES, TRUSTED_OF_A_FAMILY, Check
from tests.hostile.pictures import FAMILIES, Pixels, encoded, small


def fails(names: Iterable[str], failing: Mapping[str, str]) -> list[Any]:
    """Parameters, those expected to fail today marked with the reason."""
    return [
        pytest.param(
            name, marks=pytest.mark.xfail(strict=False, reason=failing[name]) if name in failing else ()
        )
        for name in names
    ]


def answer(report: Report) -> str | None:
    """The name of the match, without its suffix."""
    return Path(report.match.reference.path).stem if report.match is not None else None


def edited(pixels: Pixels) -> Pixels:
    """Cropped, darker and a little larger."""
    height, width = pixels.shape[:2]
    part = pixels[height // 10 :, : width * 9 // 10] * 0.8
    return resize(np.ascontiguousarray(part.astype(np.uint8)), width, height * 11 // 10)


# ---------------------------------------------------------------- copies


def test_a_further_edit_of_a_photo_trusted_fifty_times_matches_one_of_its_copies(
    check_among_copies: Check, all_photos: list[Path]
) -> None:
    report = check_among_copies(edited(small(all_photos[0], 330)))
    assert (answer(report) or "").startswith("copy-")
    assert report.confidence > 0.9
    assert not report.other_matches


def test_the_match_lists_its_copies(check_among_copies: Check, all_photos: list[Path]) -> None:
    report = check_among_copies(edited(small(all_photos[0], 330)))
    assert report.match is not None
    named = {Path(path).stem for path in (report.match.reference.path, *report.match.copies)}
    assert named == {f"copy-{number}" for number in range(COPIES)}


def test_another_photo_is_found_among_the_copies(check_among_copies: Check, all_photos: list[Path]) -> None:
    assert answer(check_among_copies(edited(small(all_photos[3])))) == "photo-2"
    assert answer(check_among_copies(small(all_photos[8]))) is None


# ---------------------------------------------------------------- families with little in them


@pytest.mark.parametrize("family", fails(FAMILIES, {"uniform": "one colour has nothing that is compared"}))
def test_each_of_a_family_finds_itself_when_it_is_saved_again(family: str, check: Check) -> None:
    for number in range(TRUSTED_OF_A_FAMILY):
        assert answer(check(encoded(FAMILIES[family](number)))) == f"{family}-{number}"


@pytest.mark.parametrize("family", FAMILIES)
def test_another_of_the_family_that_is_not_trusted_matches_nothing(family: str, check: Check) -> None:
    for number in (TRUSTED_OF_A_FAMILY, TRUSTED_OF_A_FAMILY + 1):
        assert answer(check(FAMILIES[family](number))) is None


@pytest.mark.parametrize("name", [*(f"{family}-1" for family in FAMILIES), "photo-2", "shared frame-0"])
def test_a_reference_itself_is_identical(name: str, trusted: Path, check: Check) -> None:
    for report in (check(trusted / f"{name}.png"), check((trusted / f"{name}.png").read_bytes())):
        assert (report.verdict, answer(report)) == ("identical", name)


# ---------------------------------------------------------------- something in common


@pytest.mark.parametrize("kind", TRAPS)
def test_a_stranger_with_the_same_is_no_match(
    kind: str, check: Check, trapped: dict[str, list[Pixels]]
) -> None:
    assert answer(check(trapped[kind][2])) is None


@pytest.mark.parametrize("kind", TRAPS)
def test_trusted_photos_with_the_same_find_their_own(
    kind: str, check: Check, trapped: dict[str, list[Pixels]]
) -> None:
    for number in range(2):
        pixels = trapped[kind][number]
        smaller = resize(pixels, pixels.shape[1] * 4 // 5, pixels.shape[0] * 4 // 5)
        assert answer(check(encoded(smaller, quality=70))) == f"{kind}-{number}"


@pytest.mark.parametrize("name", ["photo-0", "mirrored-photo-0"])
def test_a_crop_matches_its_own_of_a_photo_and_its_mirror(name: str, trusted: Path, check: Check) -> None:
    pixels = load(trusted / f"{name}.png")
    height, width = pixels.shape[:2]
    crop = np.ascontiguousarray(pixels[height // 8 :, width // 6 :])
    report = check(encoded(crop))
    assert answer(report) == name
    matrix = report.match.reference_from_query if report.match is not None else None
    assert matrix is not None
    assert np.linalg.det(matrix[:2, :2]) > 0
