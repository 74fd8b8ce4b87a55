"""Files and folders -> references: found, read, described and committed in batches.

Content hash is identity: an unchanged file is not read again, a moved or doubled one is linked only.
Everything reported as done is committed; what a killed run leaves out, the next run adds.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import os
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from provenance.db import Database
from provenance.decode import CredentialReader, Limits, decode, read_source, reduce, thumbnail
from provenance.describe import Describer
from provenance.errors import (
    DatabaseError,
    DecodeError,
    InputError,
    NotFoundError,
    StorageFullError,
    UnreadableError,
    UsageError,
)
from provenance.records import (
    DecodedImage,
    Description,
    EmbeddedDetails,
    IngestSummary,
    KnownFile,
    NewReference,
    SkippedFile,
)

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".dib"}
    | {".avif", ".heic", ".heif"}
)
"""What counts as a picture inside a folder; a file named on the command line is always tried."""

Progress = Callable[[int, int], None]
"""Called with (files done, files in all) each time work has been committed."""

DETAILS = ("source", "title", "creator", "credit", "license", "caption", "captured_at")


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to ingest, as the folder shows it."""

    path: str
    byte_size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that was read: either known content, or a new picture."""

    found: FoundFile
    sha256: str
    reference_id: int | None
    image: DecodedImage | None = None
    thumbnail: bytes = b""


@dataclass(slots=True)
class Tally:
    """Counts of a running ingest."""

    added: int = 0
    unchanged: int = 0
    updated: int = 0
    moved: int = 0
    duplicates: int = 0
    skipped: list[SkippedFile] = field(default_factory=list)

    @property
    def done(self) -> int:
        return self.added + self.unchanged + self.updated + self.moved + self.duplicates + len(self.skipped)

    def summary(self, started: float) -> IngestSummary:
        """The counts as a record."""
        return IngestSummary(
            self.added, self.unchanged, self.updated, self.moved, self.duplicates,
            tuple(self.skipped), time.perf_counter() - started,
        )  # fmt: skip


def walk(paths: Sequence[Path | str], skipped: list[SkippedFile]) -> Iterator[Path]:
    """All picture files under `paths`, sorted by folder; what cannot be entered is added to `skipped`.

    Links are followed, each real folder is entered once, hidden files and folders are left out.
    """
    visited: set[tuple[int, int]] = set()

    def enter(folder: str) -> Iterator[os.DirEntry[str]]:
        try:
            status = os.stat(folder)  # noqa: PTH116 - pathlib splits the name anew at every level
            key = (status.st_dev, status.st_ino)
            if key in visited:
                return iter(())
            visited.add(key)
            return iter(sorted(os.scandir(folder), key=lambda entry: entry.name))
        except OSError as error:
            skipped.append(SkippedFile(printable(folder), f"cannot be opened: {error.strerror}"))
            return iter(())

    def visit(folder: Path) -> Iterator[Path]:
        open_folders = [enter(os.fspath(folder))]  # a stack: folders may be deeper than calls
        while open_folders:
            entry = next(open_folders[-1], None)
            if entry is None:
                open_folders.pop()
                continue
            if entry.name.startswith("."):
                continue
            try:
                is_folder = entry.is_dir()
            except OSError as error:
                skipped.append(SkippedFile(printable(entry.path), f"cannot be opened: {error.strerror}"))
                continue
            if is_folder:
                open_folders.append(enter(entry.path))
            elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:  # noqa: PTH122
                yield Path(entry.path)

    for given in paths:
        path = Path(os.path.abspath(given))  # noqa: PTH100 - links in the name are kept as the user wrote them
        if not path.exists():
            raise NotFoundError(f"{printable(path)!r}: no such file or folder")
        if path.is_dir():
            yield from visit(path)
        else:
            yield path


def printable(path: Path | str) -> str:
    """A path as text that any database and terminal can hold."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def read_manifest(manifest: Path) -> dict[str, dict[str, str]]:
    """Details by absolute path from a CSV with a column `path` and any of DETAILS.

    Commas, semicolons or tabs part the columns; paths are relative to the CSV's folder. Raises
    NotFoundError, UnreadableError or UsageError naming what is wrong.
    """
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as handle:
            header = handle.readline()
            # Spreadsheets write semicolons where the comma is the decimal sign.
            delimiter = max(",;\t", key=header.count)
            columns = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), ())]
            if "path" not in columns:
                raise UsageError(f"{manifest}: a manifest needs a header line with a column 'path'")
            rows = list(csv.DictReader(handle, columns, delimiter=delimiter, strict=True))
    except FileNotFoundError as error:
        raise NotFoundError(f"{manifest}: no such manifest") from error
    except PermissionError as error:
        raise UnreadableError(f"{manifest}: may not be read; check its permissions") from error
    except IsADirectoryError as error:
        raise UsageError(f"{manifest}: is a folder; give the CSV file") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{manifest}: not a CSV file in UTF-8 ({error})") from error
    base = Path(os.path.abspath(manifest)).parent  # noqa: PTH100
    return {
        os.path.normpath(base / row["path"]): {
            key: row[key].strip() for key in DETAILS if (row.get(key) or "").strip()
        }
        for row in rows
        if row["path"]
    }


def store_original(folder: Path, picture: bytes, image: DecodedImage) -> Path:
    """Write a picture that came without a file into `folder`, under the name of its content.

    What is there already is left as it is; a killed write leaves no file of that name. Raises
    StorageFullError or DatabaseError.
    """
    path = folder / image.sha256[:2] / f"{image.sha256}.{image.format.lower()}"
    if path.exists():
        return path
    temporary = path.with_suffix(f".{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(picture)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFullError(
                "no space is left to keep the picture: free some and send it again"
            ) from error
        raise DatabaseError(f"the picture cannot be kept in {str(folder)!r}: {error.strerror}") from error
    return path


class Ingest:
    """One run over a list of files; `run` returns the summary."""

    def __init__(
        self,
        database: Database,
        describer: Describer,
        *,
        limits: Limits,
        side_px: int,
        batch: int,
        threads: int,
        source: str | None = None,
        details: Mapping[str, Mapping[str, str]] | None = None,
        credentials: CredentialReader | None = None,
        reread: bool = False,
    ) -> None:
        self._database = database
        self._describer = describer
        self._limits = limits
        self._side_px = side_px
        self._batch = batch
        self._threads = threads
        self._source = source
        self._details = details or {}
        self._credentials = credentials
        self._reread = reread
        self._tally = Tally()

    def run(self, paths: Sequence[Path | str], progress: Progress | None = None) -> IngestSummary:
        """Ingest everything under `paths`; unreadable files are listed in the summary, not raised."""
        started = time.perf_counter()
        tally = self._tally
        files = list(self._stat(walk(paths, tally.skipped)))
        total = tally.done + len(files)
        run_id = self._database.start_run([printable(path) for path in paths])
        status = "interrupted"
        try:
            with ThreadPoolExecutor(self._threads) as pool:
                for batch in self._batches(self._read_changed(pool, files)):
                    self._store(batch)
                    if progress:
                        progress(tally.done, total)
            if progress:
                progress(tally.done, total)
            status = "finished"
        finally:
            self._database.finish_run(run_id, tally.summary(started), status)
        return tally.summary(started)

    def _stat(self, paths: Iterable[Path]) -> Iterator[FoundFile]:
        seen: set[str] = set()
        for path in paths:
            name = os.fspath(path)
            if name in seen:
                continue
            seen.add(name)
            if printable(name) != name:
                reason = "its name is not valid UTF-8; rename it"
            else:
                try:
                    status = path.stat()
                    yield FoundFile(name, status.st_size, status.st_mtime_ns)
                    continue
                except OSError as error:
                    reason = f"cannot be read: {error.strerror}"
            self._tally.skipped.append(SkippedFile(printable(name), reason))

    def _read_changed(self, pool: ThreadPoolExecutor, files: Sequence[FoundFile]) -> Iterator[ReadFile]:
        """Read and decode what changed, a window of files ahead of the one asked for."""
        window: deque[tuple[FoundFile, Future[ReadFile]]] = deque()
        for found, incomplete in self._changed(files):
            window.append((found, pool.submit(self._read, found, incomplete)))
            if len(window) > 2 * self._threads:
                yield from self._collect(*window.popleft())
        while window:
            yield from self._collect(*window.popleft())

    def _changed(self, files: Sequence[FoundFile]) -> Iterator[tuple[FoundFile, bool]]:
        """Files to read; True beside those whose reference may lack something (CLIP came later)."""
        todo = iter(files)
        while chunk := list(islice(todo, 1000)):
            known = self._database.known_files([found.path for found in chunk])
            ids = [file.reference_id for file in known.values()]
            lacking = self._database.missing_descriptors(ids, self._describer.versions)
            for found in chunk:
                old = known.get(found.path)
                if old is None or (old.byte_size, old.mtime_ns) != (found.byte_size, found.mtime_ns):
                    yield found, False
                elif self._reread or old.reference_id in lacking:
                    yield found, True
                else:
                    self._tally.unchanged += 1
                    self._refresh(found.path)

    def _refresh(self, path: str) -> None:
        """Give an unchanged file the details of a new manifest or source."""
        if details := self._origin(path):
            self._database.update_details(path, **details)

    def _origin(self, path: str) -> dict[str, str]:
        """What the manifest and --source say of a file."""
        base = {"source": self._source} if self._source else {}
        return {**base, **self._details.get(path, {})}

    def _read(self, found: FoundFile, incomplete: bool) -> ReadFile:
        data, _ = read_source(Path(found.path), self._limits)
        sha256 = hashlib.sha256(data).hexdigest()
        reference_id = self._database.reference_ids([sha256]).get(sha256)
        if reference_id is not None and not incomplete:
            return ReadFile(found, sha256, reference_id)
        image = decode(data, name=found.path, limits=self._limits, min_side=self._side_px)
        if self._credentials:
            image = self._credentials.attach(image, data)
        return ReadFile(found, sha256, reference_id, reduce(image, self._side_px), thumbnail(image))

    def _collect(self, found: FoundFile, future: Future[ReadFile]) -> Iterator[ReadFile]:
        try:
            yield future.result()
        except InputError as error:
            reason = error.reason if isinstance(error, DecodeError) else str(error)
            self._tally.skipped.append(SkippedFile(found.path, reason))

    def _batches(self, files: Iterator[ReadFile]) -> Iterator[list[ReadFile]]:
        while batch := list(islice(files, self._batch)):
            yield batch

    def _store(self, batch: Sequence[ReadFile]) -> None:
        """Commit one batch: known contents are linked, new pictures described and added."""
        known = self._database.known_files([read.found.path for read in batch])
        pictures = {read.sha256: read for read in reversed(batch) if read.image is not None}
        described = dict(
            zip(
                pictures,
                self._describer.describe([read.image for read in pictures.values() if read.image]),
                strict=True,
            )
        )
        for sha256, read in pictures.items():
            if read.reference_id is not None and read.image is not None:
                self._database.add_descriptors(read.reference_id, described[sha256], self._describer.versions)
                self._database.fill_details(
                    read.reference_id, _said(read.image.embedded), read.image.credentials
                )
        fresh = {sha256: read for sha256, read in pictures.items() if read.reference_id is None}
        new = [self._new_reference(read, described[sha256]) for sha256, read in fresh.items()]
        ids = self._database.add_references(new, self._describer.versions) if new else []
        self._link(batch, dict(zip(fresh, ids, strict=True)), known)

    def _new_reference(self, read: ReadFile, description: Description) -> NewReference:
        image = read.image
        if image is None:
            raise ValueError("a new reference needs its picture")
        return NewReference(
            read.found.path,
            read.found.mtime_ns,
            image,
            description,
            read.thumbnail,
            **{**_said(image.embedded), **self._origin(read.found.path)},
        )

    def _link(
        self, batch: Sequence[ReadFile], new_ids: Mapping[str, int], known: Mapping[str, KnownFile]
    ) -> None:
        links, stored = [], set()
        for read in batch:
            path = read.found.path
            if read.sha256 in new_ids and read.sha256 not in stored and read.image is not None:
                stored.add(read.sha256)
                if path not in known:
                    self._tally.added += 1
                elif known[path].sha256 == read.sha256:  # another run stored it meanwhile
                    self._tally.unchanged += 1
                else:
                    self._tally.updated += 1
                continue
            reference_id = read.reference_id if read.reference_id is not None else new_ids[read.sha256]
            links.append(
                KnownFile(path, reference_id, read.sha256, read.found.byte_size, read.found.mtime_ns)
            )
        if not links:
            return
        gone = self._count_links(links, known)
        self._database.link_files(links)
        if gone:
            self._database.unlink_files(gone)
        for link in links:
            self._refresh(link.path)

    def _count_links(self, links: Sequence[KnownFile], known: Mapping[str, KnownFile]) -> list[str]:
        """Count touched, updated, moved and doubled files; return the former paths of the moved ones."""
        gone: list[str] = []
        records = self._database.references([link.reference_id for link in links])
        for link in links:
            old = known.get(link.path)
            if old is not None:
                if old.reference_id == link.reference_id:
                    self._tally.unchanged += 1
                else:
                    self._tally.updated += 1
                continue
            record = records[link.reference_id]
            former = [
                path
                for path in (record.path, *record.other_paths)
                if path != link.path and not Path(path).exists()
            ]
            if former:
                gone += former
                self._tally.moved += 1
            else:
                self._tally.duplicates += 1
        return gone


def _said(embedded: EmbeddedDetails) -> dict[str, str | None]:
    """Those of DETAILS that a file says of itself."""
    return {detail: getattr(embedded, detail) for detail in DETAILS}
