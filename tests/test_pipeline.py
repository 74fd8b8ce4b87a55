"""check and explain, from end to end, on real photos."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from provenance import Provenance, Report
from provenance.errors import ConflictError, DecodeError, InputError, NotFoundError, UsageError


def encoded(image: Image.Image, format: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, format, **options)
    return buffer.getvalue()


def operations(report: Report) -> set[str]:
    assert report.explanation is not None
    return {edit.operation for edit in report.explanation.edits}


def matched(report: Report) -> str | None:
    return Path(report.match.reference.path).name if report.match else None


def test_the_same_file_is_identical(stocked: Provenance, photos: list[Path]) -> None:
    report = stocked.check(photos[0])
    assert (report.verdict, report.confidence, matched(report)) == ("identical", 1.0, photos[0].name)
    assert report.match is not None
    assert report.match.matched_by == ("sha256",)


def test_the_same_pixels_in_another_format_are_identical(stocked: Provenance, photos: list[Path]) -> None:
    report = stocked.check(encoded(Image.open(photos[0]), "PNG"))
    assert (report.verdict, matched(report)) == ("identical", photos[0].name)


@pytest.mark.parametrize("quality", [40, 90])
@pytest.mark.parametrize("size", [1.0, 0.5])
def test_encoding_and_size_are_no_edit(
    stocked: Provenance, photos: list[Path], quality: int, size: float
) -> None:
    for photo in photos[:4]:
        image = Image.open(photo)
        smaller = image.resize(
            (round(image.width * size), round(image.height * size)), Image.Resampling.LANCZOS
        )
        report = stocked.check(encoded(smaller, quality=quality))
        assert (report.verdict, matched(report)) == ("unmodified", photo.name)
        assert operations(report) == set()


def test_a_crop_a_mirror_and_a_brightening_are_named(stocked: Provenance, photos: list[Path]) -> None:
    image = Image.open(photos[1]).convert("RGB")
    width, height = image.size
    crop = stocked.check(encoded(image.crop((width // 5, height // 6, width, height)), quality=90))
    assert (crop.verdict, matched(crop), operations(crop)) == ("modified", photos[1].name, {"crop"})
    mirror = stocked.check(encoded(ImageOps.mirror(image), quality=90))
    assert (mirror.verdict, matched(mirror), operations(mirror)) == ("modified", photos[1].name, {"flip"})
    bright = stocked.check(encoded(ImageEnhance.Brightness(image).enhance(0.7), quality=90))
    assert (bright.verdict, matched(bright)) == ("modified", photos[1].name)
    assert operations(bright) == {"brightness"}


def test_a_collage_names_each_of_its_sources(stocked: Provenance, photos: list[Path]) -> None:
    collage = Image.new("RGB", (1200, 500), "white")
    for place, photo in ((0, photos[1]), (610, photos[4])):
        collage.paste(ImageOps.fit(Image.open(photo).convert("RGB"), (590, 500)), (place, 0))
    report = stocked.check(encoded(collage, quality=90), explain=False)
    assert report.match is not None
    boxes = {Path(one.reference.path).name: one.query_box for one in (report.match, *report.other_matches)}
    assert set(boxes) == {photos[1].name, photos[4].name}
    left, right = boxes[photos[1].name], boxes[photos[4].name]
    assert left is not None
    assert right is not None
    assert left[0] < right[0]
    assert report.notes == ("The picture is put together from 2 trusted pictures.",)


def test_a_stranger_matches_nothing(stocked: Provenance, sample: Path, photos: list[Path]) -> None:
    strangers = [path for path in sorted((sample / "photos").iterdir()) if path not in photos][::9]
    for stranger in strangers:
        report = stocked.check(stranger)
        assert (report.verdict, report.match, report.explanation) == ("no_match", None, None)
        assert report.candidates
        assert report.confidence < 0.5


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_picture_matches_nothing(stocked: Provenance, level: int) -> None:
    flat = Image.fromarray(np.full((300, 400, 3), level, np.uint8))
    assert stocked.check(encoded(flat)).verdict == "no_match"


def test_noise_matches_nothing(stocked: Provenance) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (400, 500, 3)).astype(np.uint8)
    assert stocked.check(encoded(Image.fromarray(noise))).verdict == "no_match"


def test_nothing_is_found_in_an_empty_database(tmp_path: Path, photos: list[Path]) -> None:
    with Provenance(tmp_path / "empty") as library:
        report = library.check(photos[0])
    assert (report.verdict, report.candidates) == ("no_match", ())


def test_an_unreadable_query_is_reported_and_the_others_go_on(
    stocked: Provenance, photos: list[Path]
) -> None:
    reports = list(stocked.check_many([b"", "nowhere.jpg", photos[0]]))
    assert [report.verdict for report in reports] == ["error", "error", "identical"]
    assert reports[0].query.error
    assert "nowhere.jpg" in (reports[1].query.error or "")


def test_explain_needs_no_database(tmp_path: Path, photos: list[Path]) -> None:
    image = Image.open(photos[2]).convert("RGB")
    edited = tmp_path / "edited.jpg"
    edited.write_bytes(encoded(ImageOps.mirror(image), quality=92))
    with Provenance(tmp_path / "unused") as library:
        report = library.explain(photos[2], edited)
    assert (report.verdict, operations(report)) == ("modified", {"flip"})
    assert not (tmp_path / "unused").exists()


def test_explain_of_two_different_pictures_is_no_match(photos: list[Path]) -> None:
    with Provenance() as library:
        assert library.explain(photos[0], photos[1]).verdict == "no_match"


def test_a_senseless_top_k_is_refused(stocked: Provenance, photos: list[Path]) -> None:
    with pytest.raises(UsageError, match="top_k"):
        stocked.check(photos[0], top_k=0)


def test_a_pair_of_the_same_pixels_is_identical_even_where_nothing_can_be_matched(tmp_path: Path) -> None:
    blank = Image.new("RGB", (300, 200), "white")
    with Provenance(tmp_path) as library:
        report = library.explain(encoded(blank, "PNG"), encoded(blank, "BMP"), edited_name="blank.bmp")
        assert (report.verdict, report.query.name) == ("identical", "blank.bmp")
        assert report.match is not None
        assert report.match.matched_by == ("sha256",)


def test_explain_raises_for_an_unreadable_side(photos: list[Path], tmp_path: Path) -> None:
    with Provenance() as library:
        with pytest.raises(NotFoundError):
            library.explain("nowhere.jpg", photos[0])
        with pytest.raises(DecodeError):
            library.explain(photos[0], b"not a picture")


def test_a_lost_original_is_still_named(tmp_path: Path, photos: list[Path]) -> None:
    original = tmp_path / "original.webp"
    original.write_bytes(photos[3].read_bytes())
    with Provenance(tmp_path / "home") as library:
        library.ingest([original])
        original.unlink()
        report = library.check(encoded(Image.open(photos[3]), quality=85))
    assert matched(report) == "original.webp"
    assert report.explanation is None
    assert any("gone" in note for note in report.notes)


def test_threads_share_one_library(stocked_home: Path, photos: list[Path]) -> None:
    queries = [encoded(Image.open(photo).convert("L"), quality=85) for photo in photos[:6]]
    verdicts: dict[int, str | None] = {}
    with Provenance(stocked_home) as library:

        def work(number: int) -> None:
            verdicts[number] = matched(library.check(queries[number]))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert verdicts == {number: photos[number].name for number in range(6)}


def test_settings_and_options_exclude_each_other(tmp_path: Path) -> None:
    with Provenance(tmp_path) as library, pytest.raises(UsageError):
        Provenance(tmp_path, settings=library.settings)


def odd_pictures() -> dict[str, bytes]:
    """Small, huge, animated, deep and oddly coloured pictures, all of them readable."""
    random = np.random.default_rng(3)
    noise = random.integers(0, 256, (120, 160, 3)).astype(np.uint8)
    picture = Image.fromarray(noise)

    def saved(image: Image.Image, format: str, **options: object) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, format, **options)
        return buffer.getvalue()

    return {
        "one pixel": saved(Image.new("RGB", (1, 1), "red"), "PNG"),
        "a line": saved(Image.new("RGB", (20_000, 1)), "PNG"),
        "a ribbon": saved(picture.resize((20_000, 30)), "JPEG"),
        "a column": saved(picture.resize((3, 2_000)), "PNG"),
        "animated": saved(picture, "GIF", save_all=True, append_images=[picture.rotate(90)]),
        "CMYK": saved(picture.convert("CMYK"), "JPEG"),
        "16 bit": saved(Image.fromarray(noise[..., 0].astype(np.uint16) * 257), "PNG"),
        "palette": saved(picture.quantize(16), "PNG", transparency=3),
        "bilevel": saved(picture.convert("1"), "TIFF"),
    }


@pytest.mark.parametrize("kind", odd_pictures())
def test_odd_pictures_are_ingested_found_and_compared(tmp_path: Path, kind: str, photos: list[Path]) -> None:
    data = odd_pictures()[kind]
    path = tmp_path / "odd"
    path.write_bytes(data)
    with Provenance(tmp_path / "home") as library:
        assert library.ingest([path, photos[0]]).skipped == ()
        assert library.check(data).verdict == "identical"
        decoded = Image.open(io.BytesIO(data)).convert("RGB")
        again = library.check(encoded(decoded, quality=70))
        assert again.verdict in {"identical", "unmodified", "modified", "no_match"}
        # Against a photo of quite another shape, nothing may break or be claimed.
        assert library.explain(photos[1], data).verdict == "no_match"


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("zero bytes", lambda photo: b""),
        ("text", lambda photo: b"this is not a picture, whatever its name says"),
        ("truncated JPEG", lambda photo: encoded(Image.open(photo), quality=90)[:5000]),
        ("truncated PNG", lambda photo: encoded(Image.open(photo), "PNG")[:5000]),
        ("bomb", lambda photo: encoded(Image.new("1", (12_000, 12_000)), "PNG")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unusable_pictures_are_refused_with_a_reason(
    stocked: Provenance, tmp_path: Path, photos: list[Path], name: str, make: Any
) -> None:
    path = tmp_path / f"{name}.jpg"
    path.write_bytes(make(photos[0]))
    report = stocked.check(path)
    assert report.verdict == "error"
    assert path.name in (report.query.error or "")
    with Provenance(tmp_path / "home") as library:
        summary = library.ingest([path, photos[0]])
    assert (summary.added, len(summary.skipped)) == (1, 1)
    assert summary.skipped[0].reason


def test_a_library_speaks_another_language_and_shares_what_is_open(
    stocked: Provenance, photos: list[Path]
) -> None:
    content = io.BytesIO()
    Image.open(photos[0]).convert("L").save(content, "JPEG")
    english, spanish = stocked.check(content.getvalue()), stocked.speaking("es").check(content.getvalue())
    assert (english.language, spanish.language) == ("en", "es")
    assert english.explanation is not None
    assert spanish.explanation is not None
    assert english.explanation.caption != spanish.explanation.caption
    assert stocked.speaking("es").database is stocked.database
    assert stocked.speaking("en") is stocked
    with pytest.raises(UsageError, match="known: "):
        stocked.speaking("tlh")


def test_a_picture_without_a_file_is_added_kept_and_known_again(tmp_path: Path, photos: list[Path]) -> None:
    with Provenance(tmp_path) as library:
        content = photos[0].read_bytes()
        record, new = library.add(content, name="a.webp", details={"title": "A", "credit": "B"})
        assert (new, record.title, Path(record.path).read_bytes()) == (True, "A", content)
        assert Path(record.path).is_relative_to(tmp_path / "originals")
        again, new = library.add(content, details={"title": "C"})
        assert (new, again.reference_id, again.title, again.credit) == (False, record.reference_id, "C", "B")
        # A lost file is put back.
        Path(record.path).unlink()
        library.add(content)
        assert library.check(content).verdict == "identical"
        library.database.withdraw(record.reference_id)
        with pytest.raises(ConflictError, match="withdrawn"):
            library.add(content)
        with pytest.raises(InputError):
            library.add(b"no picture")
        assert library.check(content, explain=False).verdict == "no_match"
        assert library.problems(files=True) == []
