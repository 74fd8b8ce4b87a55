"""`provenance hashes`: exchange hashes with trust-and-safety systems."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provenance.commands.console import Home, open_library
from provenance.errors import InputError, UsageError

if TYPE_CHECKING:
    from provenance.records import ReferenceRecord

hashes_app = typer.Typer(
    no_args_is_help=True,
    help="Exchange hashes with trust-and-safety systems such as Hasher-Matcher-Actioner: PDQ, phash, sha256.",
)


class Kind(StrEnum):
    """Which hash."""

    pdq = "pdq"
    phash = "phash"
    sha256 = "sha256"


class Sheet(StrEnum):
    """How hashes are written."""

    csv = "csv"
    lines = "lines"


HashKind = Annotated[Kind, typer.Option("--kind", help="Which hash; pdq needs 'ingest --pdq'.")]
_COLUMNS = ("hash", "pdq", "phash", "sha256", "signal_value", "signal_str", "value")


@hashes_app.command()
def export(
    context: typer.Context,
    kind: HashKind = Kind.pdq,
    sheet: Annotated[
        Sheet,
        typer.Option(
            "--format", "-f", help="csv, or lines: 'pdq HASH', as threatexchange's file exchange reads them."
        ),
    ] = Sheet.csv,
    min_quality: Annotated[
        int, typer.Option(min=0, max=100, help="Leave out PDQ hashes below this quality.")
    ] = 50,
    home: Home = None,
) -> None:
    """Print the hashes of all trusted pictures that are searched."""
    with open_library(context, home) as library:
        known = library.lookup.known(kind.value, min_quality=min_quality)
        if sheet is Sheet.lines:
            for one in known:
                typer.echo(f"{kind.value} {one.digits}")
            return
        _write(
            ("hash", "quality", *_TOLD), ((one.digits, one.quality, *_told(one.reference)) for one in known)
        )


@hashes_app.command()
def match(
    context: typer.Context,
    file: Annotated[
        typer.FileText,
        typer.Argument(
            metavar="FILE.csv|-",
            help="Hashes from elsewhere: a CSV with a column 'hash', or a hash a line, 'pdq HASH' too.",
        ),
    ],
    kind: HashKind = Kind.pdq,
    max_bits: Annotated[
        int, typer.Option(min=0, max=64, help="Bits that may differ: 31 is a match, 28 suggests, 12 is sure.")
    ] = 31,
    home: Home = None,
) -> None:
    """Find the trusted pictures behind hashes from elsewhere; prints a CSV with a row a match."""
    from provenance.lookup import parse_hash

    hashes = []
    for line, text in _read(file):
        try:
            hashes.append(parse_hash(text))
        except UsageError as error:
            typer.echo(f"line {line} left out: {error}", err=True)
    if not hashes:
        raise InputError(f"{file.name!r} holds no hash: give a CSV with a column 'hash', or a hash a line")
    with open_library(context, home) as library:
        found = library.lookup.find(hashes, kind.value, max_bits=max_bits)
        rows = (
            (digits, one.bits, one.level, *_told(one.reference))
            for digits, matches in zip(hashes, found, strict=True)
            for one in matches
        )
        _write(("hash", "bits", "level", *_TOLD), rows)


@hashes_app.command()
def make(
    context: typer.Context,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", help="Pictures to hash.")],
    home: Home = None,
) -> None:
    """Print the PDQ hash of pictures (extra 'pdq'); uses no database."""
    from provenance.decode import Limits, decode
    from provenance.describe import load_pdq, pdq_hash

    load_pdq()
    failed: list[InputError] = []

    def rows() -> Iterator[tuple[Any, ...]]:
        for image in images:
            try:
                hashed = pdq_hash(decode(image, limits=limits).pixels)
            except InputError as error:
                failed.append(error)
                typer.echo(f"left out: {error}", err=True)
            else:
                yield hashed.bits.tobytes().hex(), hashed.quality, image

    with open_library(context, home) as library:
        limits = Limits(**library.settings.decode.model_dump())
        _write(("hash", "quality", "path"), rows())
    if len(failed) == len(images):
        raise typer.Exit(failed[0].exit_code)


_TOLD = ("reference_id", "sha256", "path", "title", "credit", "source")


def _told(reference: ReferenceRecord) -> tuple[Any, ...]:
    return tuple(getattr(reference, name) for name in _TOLD)


def _write(header: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    """A CSV on stdout, each row as soon as it is known."""
    sheet = csv.writer(sys.stdout, lineterminator="\n")
    sheet.writerow(header)
    sheet.writerows(rows)


def _read(file: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Line numbers and hashes of a CSV with a header, or of plain lines."""
    column = 0
    for line, row in enumerate(csv.reader(file), start=1):
        cells = [cell.strip() for cell in row]
        names = [cell.lower() for cell in cells]
        if line == 1 and (named := [names.index(name) for name in _COLUMNS if name in names]):
            column = named[0]
        elif any(cells):
            yield line, cells[column].split()[-1] if column < len(cells) and cells[column] else ""
