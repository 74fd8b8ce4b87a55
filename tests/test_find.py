"""Finding, stage by stage: the cheap stages end most checks, the dear ones find what the others cannot."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from provenance import Provenance, Report

DEAR = {
    "keypoints": "query_keypoints",
    "embedding": "embed_query",
    "deep": "fine_keypoints",
}
"""What the describer does in each stage after that of the hash."""


@pytest.fixture(scope="module")
def pictures(sample: Path) -> dict[str, Image.Image]:
    """Six photos at the size of the web."""
    names = ("lemur", "colosseum", "brandenburgGate", "chameleon", "montStMichel", "italy")
    found = {name: Image.open(sample / "photos" / f"{name}.webp").convert("RGB") for name in names}
    for one in found.values():
        one.thumbnail((640, 640))
    return found


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory, pictures: dict[str, Image.Image]) -> Path:
    """Their files; the lemur also mirrored, and the colosseum in further copies."""
    folder = tmp_path_factory.mktemp("trusted")
    for name, picture in pictures.items():
        picture.save(folder / f"{name}.png")
    ImageOps.mirror(pictures["lemur"]).save(folder / "mirrored-lemur.png")
    (folder / "same-bytes.png").write_bytes((folder / "colosseum.png").read_bytes())
    pictures["colosseum"].save(folder / "a-copy.jpg", quality=70)
    pictures["colosseum"].resize((400, 260)).save(folder / "z-copy.webp", quality=80)
    return folder


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, trusted: Path) -> Iterator[Provenance]:
    """A library of these files."""
    with Provenance(tmp_path_factory.mktemp("home"), compare={"text": False}) as library:
        assert library.ingest([trusted]).added == 9
        yield library


def encoded(picture: Image.Image, format: str = "JPEG", **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, format, **options)
    return stream.getvalue()


def crop(picture: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = picture.size
    return picture.crop((int(left * width), int(top * height), int(right * width), int(bottom * height)))


def found(library: Provenance, picture: Image.Image) -> Report:
    """The report for a picture saved as JPEG, without a comparison."""
    return library.check(encoded(picture, quality=85), explain=False)


def answer(report: Report) -> str | None:
    return Path(report.match.reference.path).stem if report.match else None


def forbid(monkeypatch: pytest.MonkeyPatch, library: Provenance, *stages: str) -> None:
    """Let stages fail."""
    for stage in stages:

        def reached(*_: object, stage: str = stage) -> None:
            raise AssertionError(f"the stage {stage!r} was reached")

        monkeypatch.setattr(library.describer, DEAR[stage], reached)


# ---------------------------------------------------------------- which stage ends a check


def test_a_copy_in_another_encoding_and_size_is_known_by_its_hash(
    library: Provenance, pictures: dict[str, Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid(monkeypatch, library, "keypoints", "embedding", "deep")
    for name in ("brandenburgGate", "montStMichel"):
        smaller = pictures[name].resize((320, 240))
        for picture in (pictures[name], smaller, ImageOps.mirror(smaller)):
            report = found(library, picture)
            assert answer(report) == name
            assert report.match is not None
            assert report.match.matched_by == ("phash",)
            assert report.confidence > 0.98


def test_a_crop_is_known_by_its_keypoints(
    library: Provenance, pictures: dict[str, Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid(monkeypatch, library, "embedding", "deep")
    report = found(library, crop(pictures["chameleon"], 0.3, 0.1, 0.9, 0.8))
    assert answer(report) == "chameleon"
    assert report.match is not None
    assert "local" in report.match.matched_by
    assert report.confidence > 0.98
    mirrored = found(library, ImageOps.mirror(crop(pictures["italy"], 0.0, 0.2, 0.7, 1.0)))
    assert answer(mirrored) == "italy"
    matrix = mirrored.match.reference_from_query if mirrored.match else None
    assert matrix is not None
    assert np.linalg.det(matrix[:2, :2]) < 0


def test_a_part_of_a_negative_is_found_without_the_deep_stage(
    library: Provenance, pictures: dict[str, Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid(monkeypatch, library, "deep")
    negative = ImageOps.invert(crop(pictures["brandenburgGate"], 0.1, 0.1, 0.9, 0.9))
    assert answer(found(library, negative)) == "brandenburgGate"
    assert answer(found(library, ImageOps.mirror(negative))) == "brandenburgGate"


def test_a_blurred_thumbnail_is_found(library: Provenance, pictures: dict[str, Image.Image]) -> None:
    for name in ("montStMichel", "italy"):
        thumbnail = pictures[name].resize((120, 80)).filter(ImageFilter.GaussianBlur(2.0))
        assert answer(found(library, thumbnail)) == name


def test_an_inset_of_an_eighth_of_the_area_is_found_where_it_lies(
    library: Provenance, sample: Path, pictures: dict[str, Image.Image]
) -> None:
    page = Image.open(sample / "photos" / "pig.webp").convert("RGB").resize((960, 720))
    inset = pictures["brandenburgGate"].resize((332, 249))
    page.paste(inset, (580, 60))
    report = found(library, page)
    assert answer(report) == "brandenburgGate"
    assert report.match is not None
    assert report.match.query_box == pytest.approx((580, 60, 912, 309), abs=6)


def test_strangers_and_flat_pictures_go_through_all_stages_and_match_nothing(
    library: Provenance, sample: Path
) -> None:
    stranger = Image.open(sample / "photos" / "pig.webp").convert("RGB").resize((480, 360))
    report = found(library, stranger)
    assert (report.verdict, report.match, report.other_matches) == ("no_match", None, ())
    assert report.candidates
    assert report.confidence < 0.5
    for size in ((400, 300), (3, 3), (1, 900)):
        flat = found(library, Image.new("RGB", size, (90, 140, 200)))
        assert (flat.verdict, flat.match, flat.explanation) == ("no_match", None, None)


def test_an_empty_database_matches_nothing(tmp_path: Path, pictures: dict[str, Image.Image]) -> None:
    with Provenance(tmp_path / "empty") as library:
        for picture in (pictures["lemur"], Image.new("RGB", (90, 60))):
            report = found(library, picture)
            assert (report.verdict, report.candidates, report.confidence) == ("no_match", (), 0.0)


# ---------------------------------------------------------------- copies, twins, several originals


@pytest.mark.parametrize("whole", [True, False])
def test_copies_are_listed_once_and_sorted(
    library: Provenance, trusted: Path, pictures: dict[str, Image.Image], whole: bool
) -> None:
    picture = pictures["colosseum"].resize((500, 325))
    report = found(library, picture if whole else crop(picture, 0.1, 0.1, 0.9, 0.9))
    assert report.match is not None
    files = [str(trusted / name) for name in ("a-copy.jpg", "colosseum.png", "same-bytes.png", "z-copy.webp")]
    assert report.match.reference.path in files
    files.remove(report.match.reference.path)
    assert report.match.copies == tuple(files)
    assert report.other_matches == ()


def test_a_mirrored_twin_is_no_copy_and_does_not_win_for_an_upright_crop(
    library: Provenance, pictures: dict[str, Image.Image]
) -> None:
    upright = pictures["lemur"]
    pairs = {"lemur": upright, "mirrored-lemur": ImageOps.mirror(upright)}
    for name, picture in pairs.items():
        for query in (picture.resize((400, 267)), crop(picture, 0.05, 0.1, 0.8, 0.9)):
            report = found(library, query)
            assert answer(report) == name
            assert report.match is not None
            assert report.match.copies == ()
            assert report.other_matches == ()
            matrix = report.match.reference_from_query
            assert matrix is not None
            assert np.linalg.det(matrix[:2, :2]) > 0


def test_a_collage_names_both_photos_each_with_its_half(
    library: Provenance, pictures: dict[str, Image.Image]
) -> None:
    collage = Image.new("RGB", (960, 360))
    collage.paste(pictures["chameleon"].resize((480, 360)), (0, 0))
    collage.paste(pictures["brandenburgGate"].resize((480, 360)), (480, 0))
    report = found(library, collage)
    assert report.match is not None
    boxes = {
        Path(match.reference.path).stem: match.query_box for match in (report.match, *report.other_matches)
    }
    assert set(boxes) == {"chameleon", "brandenburgGate"}
    assert boxes["chameleon"] == pytest.approx((0, 0, 480, 360), abs=8)
    assert boxes["brandenburgGate"] == pytest.approx((480, 0, 960, 360), abs=8)
    assert all(match.confidence > 0.5 for match in report.other_matches)


# ---------------------------------------------------------------- options, and changes between checks


@pytest.mark.parametrize("kind", ["same file", "same pixels", "copy", "crop"])
def test_without_explanation_nothing_is_compared(
    library: Provenance, trusted: Path, pictures: dict[str, Image.Image], kind: str
) -> None:
    photo = pictures["italy"]
    query = {
        "same file": trusted / "italy.png",
        "same pixels": encoded(photo, "WEBP", lossless=True),
        "copy": encoded(photo, quality=70),
        "crop": encoded(crop(photo, 0.2, 0.2, 1, 1)),
    }[kind]
    report = library.check(query, explain=False)
    assert answer(report) == "italy"
    assert report.verdict == ("identical" if kind.startswith("same") else "modified")
    assert (report.explanation, report.evidence) == (None, None)
    assert "compare" not in report.timings_ms


def test_a_photo_withdrawn_between_two_checks_is_not_found_until_it_is_restored(
    library: Provenance, pictures: dict[str, Image.Image], trusted: Path
) -> None:
    queries = [
        encoded(pictures["chameleon"], quality=60),
        encoded(crop(pictures["chameleon"], 0.2, 0.1, 0.9, 0.9)),
        (trusted / "chameleon.png").read_bytes(),
    ]
    key = library.database.find(str(trusted / "chameleon.png")).reference_id
    assert [answer(library.check(one, explain=False)) for one in queries] == ["chameleon"] * 3
    library.database.withdraw(key)
    try:
        for one in queries:
            report = library.check(one, explain=False)
            assert report.verdict == "no_match"
            assert all(candidate.reference_id != key for candidate in report.candidates)
    finally:
        library.database.restore(key)
    assert [answer(library.check(one, explain=False)) for one in queries] == ["chameleon"] * 3


def test_a_withdrawn_copy_is_listed_no_more(
    library: Provenance, pictures: dict[str, Image.Image], trusted: Path
) -> None:
    key = library.database.find(str(trusted / "z-copy.webp")).reference_id
    library.database.withdraw(key)
    try:
        report = found(library, pictures["colosseum"].resize((500, 325)))
        assert report.match is not None
        assert "z-copy" not in " ".join((report.match.reference.path, *report.match.copies))
        assert len(report.match.copies) == 2
    finally:
        library.database.restore(key)


def test_a_photo_withdrawn_during_a_check_is_held_against_no_other(
    library: Provenance, trusted: Path
) -> None:
    one, other = (library.database.find(str(trusted / f"{name}.png")) for name in ("lemur", "italy"))
    assert not library.finder._same_picture(one, other)
    library.database.withdraw(other.reference_id)
    try:
        assert library.finder._same_picture(one, other)
    finally:
        library.database.restore(other.reference_id)
