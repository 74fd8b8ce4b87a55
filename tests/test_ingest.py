"""Ingest is incremental: content is identity, and every file is accounted for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from provenance import IngestSummary, Provenance
from provenance.errors import NotFoundError, UsageError
from provenance.ingest import Ingest, ReadFile, read_manifest, walk
from provenance.records import SkippedFile
from tests.decode.embedding import FULL, HOSTILE, items, packet, with_iptc, with_xmp


@pytest.fixture
def trusted(tmp_path: Path, photos: list[Path]) -> Path:
    """A folder with three photos, one of them in a folder below."""
    folder = tmp_path / "trusted"
    (folder / "below").mkdir(parents=True)
    for photo, name in zip(photos[:3], ["a.webp", "b.webp", "below/c.webp"], strict=True):
        shutil.copy(photo, folder / name)
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Provenance]:
    with Provenance(tmp_path / "home") as opened:
        yield opened


def counts(summary: IngestSummary) -> tuple[int, int, int, int, int, int]:
    """Added, unchanged, updated, moved, duplicates, skipped."""
    first = (summary.added, summary.unchanged, summary.updated)
    return (*first, summary.moved, summary.duplicates, len(summary.skipped))


def test_a_second_run_changes_nothing_and_reads_nothing(
    library: Provenance, trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert counts(library.ingest([trusted])) == (3, 0, 0, 0, 0, 0)
    digest = library.database.digest()
    monkeypatch.setattr("provenance.ingest.read_source", lambda *_: pytest.fail("an unchanged file was read"))
    assert counts(library.ingest([trusted])) == (0, 3, 0, 0, 0, 0)
    assert library.database.digest() == digest


def test_a_touched_file_is_unchanged(library: Provenance, trusted: Path) -> None:
    library.ingest([trusted])
    (trusted / "a.webp").touch()
    assert counts(library.ingest([trusted])) == (0, 3, 0, 0, 0, 0)


def test_a_changed_file_is_updated_and_its_old_content_no_longer_matches(
    library: Provenance, trusted: Path, photos: list[Path]
) -> None:
    library.ingest([trusted])
    shutil.copy(photos[5], trusted / "a.webp")
    assert counts(library.ingest([trusted])) == (0, 2, 1, 0, 0, 0)
    assert library.check(photos[5]).verdict == "identical"
    assert library.check(photos[0]).verdict == "no_match"
    assert library.database.stats().superseded == 1


def test_a_moved_file_keeps_its_number(library: Provenance, trusted: Path, photos: list[Path]) -> None:
    library.ingest([trusted])
    before = library.check(photos[0]).match
    (trusted / "a.webp").rename(trusted / "below" / "renamed.webp")
    assert counts(library.ingest([trusted])) == (0, 2, 0, 1, 0, 0)
    after = library.check(photos[0]).match
    assert before is not None
    assert after is not None
    assert after.reference.reference_id == before.reference.reference_id
    assert after.reference.path.endswith("renamed.webp")


def test_a_copy_is_linked_not_added(library: Provenance, trusted: Path, photos: list[Path]) -> None:
    shutil.copy(trusted / "a.webp", trusted / "twin.webp")
    assert counts(library.ingest([trusted])) == (3, 0, 0, 0, 1, 0)
    match = library.check(photos[0]).match
    assert match is not None
    assert {Path(path).name for path in (match.reference.path, *match.reference.other_paths)} == {
        "a.webp",
        "twin.webp",
    }


def test_unreadable_files_are_listed_and_skipped(library: Provenance, trusted: Path) -> None:
    (trusted / "empty.jpg").touch()
    (trusted / "text.jpg").write_text("no picture")
    (trusted / "notes.txt").write_text("not even tried")
    summary = library.ingest([trusted])
    assert counts(summary) == (3, 0, 0, 0, 0, 2)
    assert {Path(file.path).name for file in summary.skipped} == {"empty.jpg", "text.jpg"}
    assert all(file.reason for file in summary.skipped)


def test_progress_counts_to_the_end(library: Provenance, trusted: Path) -> None:
    seen: list[tuple[int, int]] = []
    library.ingest([trusted], progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (3, 3)
    assert seen == sorted(seen)


def test_the_manifest_describes_new_and_known_files(
    library: Provenance, trusted: Path, tmp_path: Path, photos: list[Path]
) -> None:
    library.ingest([trusted], source="the archive")
    manifest = tmp_path / "credits.csv"
    manifest.write_text(
        "path,title,credit,license,captured_at\n"
        "trusted/a.webp,A title,A. Photographer,CC0-1.0,2020-02-03\n"
        "trusted/never-there.webp,x,y,z,\n"
    )
    library.ingest([trusted], manifest=manifest)
    match = library.check(photos[0]).match
    assert match is not None
    record = match.reference
    assert (record.source, record.title, record.credit, record.license, record.captured_at) == (
        "the archive", "A title", "A. Photographer", "CC0-1.0", "2020-02-03",
    )  # fmt: skip


def test_files_speak_for_themselves_unless_the_manifest_or_the_source_does(
    library: Provenance, trusted: Path, tmp_path: Path
) -> None:
    picture = trusted / "spoken.jpg"
    picture.write_bytes(with_xmp("JPEG", FULL))
    manifest = tmp_path / "credits.csv"
    manifest.write_text("path;title;caption\ntrusted/spoken.jpg;From the manifest;\n")
    library.ingest([picture], source="the archive", manifest=manifest)
    record = library.database.find(str(picture))
    assert (record.title, record.caption) == ("From the manifest", "The harbour & the tower, at dawn.")
    assert (record.creator, record.credit) == ("Ana Example, Bo Example", "Example Agency")
    assert (record.source, record.license) == ("the archive", "Editorial use only")
    assert library.check(picture).query.embedded.title == "Harbour at dawn"


def test_hostile_metadata_never_fails_an_ingest(library: Provenance, tmp_path: Path) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    for number, xmp in enumerate(HOSTILE.values()):
        (folder / f"{number}.jpg").write_bytes(with_xmp("JPEG", xmp))
    odd = items("dc:title", "Alt", "nul &#xFFFD; \u202e right to left")
    (folder / "odd.jpg").write_bytes(with_iptc(with_xmp("JPEG", packet(odd)), (2, 80, b"\xff\0\x1b[31m")))
    summary = library.ingest([folder])
    assert (summary.skipped, summary.added) == ((), len(HOSTILE) + 1)
    assert library.problems() == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"title,credit\nx,y\n", "column 'path'"),
        (b"", "column 'path'"),
        (b"path\n\xff\xfe\x00x\n", "UTF-8"),
        (b'path,title\na.jpg,"open', "not a CSV file"),
    ],
    ids=["no path", "empty", "binary", "open quote"],
)
def test_a_wrong_manifest_says_what_is_wrong(tmp_path: Path, content: bytes, message: str) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_manifest(manifest)
    with pytest.raises(UsageError, match="is a folder"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_manifest_of_any_spreadsheet_is_read(tmp_path: Path, separator: str) -> None:
    manifest = tmp_path / "manifest.csv"
    lines = (["Path", " Title "], ["a.jpg", f'"x{separator} y"'], ["b.jpg"])
    manifest.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(map(separator.join, lines)).encode())
    details = read_manifest(manifest)
    assert details == {str(tmp_path / "a.jpg"): {"title": f"x{separator} y"}, str(tmp_path / "b.jpg"): {}}


def test_a_missing_manifest_or_folder_is_not_found(library: Provenance, trusted: Path) -> None:
    with pytest.raises(NotFoundError):
        library.ingest([trusted], manifest="nowhere.csv")
    with pytest.raises(NotFoundError):
        library.ingest(["nowhere"])


def test_walking_ends_in_a_loop_of_links(trusted: Path) -> None:
    (trusted / "below" / "up").symlink_to(trusted, target_is_directory=True)
    (trusted / "below" / "nothing.jpg").symlink_to(trusted / "gone.jpg")
    skipped: list[SkippedFile] = []
    names = [path.name for path in walk([trusted], skipped)]
    assert names == ["a.webp", "b.webp", "c.webp", "nothing.jpg"]


def test_folders_may_be_very_deep(tmp_path: Path, photos: list[Path]) -> None:
    folders = [tmp_path.joinpath(*["d"] * depth) for depth in range(1, 1201)]
    for folder in folders:
        folder.mkdir()
    deepest = shutil.copy(photos[0], folders[-1] / "a.webp")
    skipped: list[SkippedFile] = []
    try:
        assert list(walk([tmp_path], skipped)) == [deepest]
        assert skipped == []
    finally:  # shutil.rmtree, by which pytest cleans up, cannot go so deep before Python 3.13
        deepest.unlink()
        for folder in reversed(folders):
            folder.rmdir()


def test_odd_names_are_kept_or_reported(library: Provenance, tmp_path: Path, photos: list[Path]) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    for photo, name in zip(photos, ["žluťoučký 猫.webp", "two\nlines.webp", "  space .webp"], strict=False):
        shutil.copy(photo, folder / name)
    broken = bytes(folder) + b"/not-utf8-\xff.webp"
    with open(broken, "wb") as handle:  # noqa: PTH123 - pathlib takes no bytes
        handle.write(photos[4].read_bytes())
    summary = library.ingest([folder])
    assert counts(summary) == (3, 0, 0, 0, 0, 1)
    assert "UTF-8" in summary.skipped[0].reason
    match = library.check(photos[1]).match
    assert match is not None
    assert match.reference.path.endswith("two\nlines.webp")


def test_an_empty_folder_is_no_error(library: Provenance, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert counts(library.ingest([tmp_path / "empty"])) == (0, 0, 0, 0, 0, 0)


def test_a_withdrawn_picture_stays_withdrawn(library: Provenance, trusted: Path, photos: list[Path]) -> None:
    library.ingest([trusted])
    library.database.withdraw(library.database.find(str(trusted / "a.webp")).reference_id)
    assert library.check(photos[0]).verdict == "no_match"
    (trusted / "a.webp").touch()
    library.ingest([trusted])
    assert library.check(photos[0]).verdict == "no_match"
    library.database.restore(library.database.find(str(trusted / "a.webp")).reference_id)
    assert library.check(photos[0]).verdict == "identical"


def test_what_another_run_stored_meanwhile_is_unchanged(
    library: Provenance, trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Ingest._store

    def store(self: Ingest, batch: Sequence[ReadFile]) -> None:
        monkeypatch.undo()
        with Provenance(library.settings.home) as other:
            assert counts(other.ingest([trusted])) == (3, 0, 0, 0, 0, 0)
        run(self, batch)

    monkeypatch.setattr(Ingest, "_store", store)
    assert counts(library.ingest([trusted])) == (0, 3, 0, 0, 0, 0)
    assert library.database.stats().references == 3
    assert library.problems() == []
