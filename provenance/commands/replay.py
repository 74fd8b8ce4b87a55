"""`provenance replay`: repeat a report's edits on the original."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenance.errors import UsageError

if TYPE_CHECKING:
    from provenance.records import Pixels

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}


def replay(
    report: Annotated[
        Path, typer.Argument(metavar="REPORT.json", help="Printed by check or explain with --format json.")
    ],
    original: Annotated[str, typer.Argument(help="The original that the report is about: path or URL.")],
    out: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.png", help="Gets the edited original.")],
    fill_from: Annotated[
        str | None,
        typer.Option(
            metavar="QUERY", help="Copy the places of local edits from the checked picture, outlined."
        ),
    ] = None,
) -> None:
    """Repeat a report's edits on the original, at full size: framing and what was done to the whole picture.

    What was pasted or painted over is not in a report. Those places stay as in the original, or are copied
    from the checked picture and outlined with --fill-from.
    """
    from provenance.replay import read_report, replay_report

    kind = _FORMATS.get(out.suffix.lower())
    if kind is None:
        raise UsageError(f"cannot write {str(out)!r}: end its name in {', '.join(_FORMATS)}")
    given = [path for path in (str(report), original, fill_from) if path is not None]
    if any(Path(path).exists() and out.exists() and out.samefile(path) for path in given):
        raise UsageError(f"{str(out)!r} is one of the files given: name another one")
    made = replay_report(read_report(report, original), original, fill_from=fill_from)
    _write(made.pixels, out, kind)
    height, width = made.pixels.shape[:2]
    typer.echo(f"{out}: {width} x {height} pixels, repeated: {_listed(made.repeated)}")
    if made.filled:
        typer.echo(f"copied from the checked picture, outlined: {_listed(made.filled)}")
    if made.left_out:
        typer.echo(f"left out, for a report does not hold it: {_listed(made.left_out)}")
    if made.psnr_db is not None:
        typer.echo(f"agrees with the checked picture elsewhere: {made.psnr_db:.1f} dB")
    for note in made.notes:
        typer.echo(f"note: {note}", err=True)


def _write(pixels: Pixels, out: Path, kind: str) -> None:
    from PIL import Image

    from provenance.report.writing import replaced, told

    with replaced("picture", out) as file, told("picture", out):
        Image.fromarray(pixels).save(file, kind, quality=95)


def _listed(operations: Sequence[str]) -> str:
    """Each once, in words."""
    return ", ".join(dict.fromkeys(one.replace("_", " ") for one in operations)) or "nothing"
