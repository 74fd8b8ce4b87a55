"""Real edits by eye: what is said of pairs that somebody edited on demand, laid out to be gone through.

    python benchmarks/gallery.py pairs.json OUT [--language en]

pairs.json is a list of {"original", "edited", "instruction"}, paths relative to it, as in MagicBrush (Zhang
et al. 2023). The folder OUT gets gallery.html (original, edited with numbered regions, heat map, instruction
and sentences) and gallery.txt, one block a pair, with a line for the verdict; gallery.md keeps the verdicts.
The photos stay where they are: OUT shall lie outside the repository.
"""

from __future__ import annotations

import argparse
import base64
import html
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from provenance import Provenance, Report
from provenance.records import Pixels
from provenance.report.evidence import heat_map, outlined

SIDE_PX = 520
PAGE = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Gallery of real edits</title>
<style>body{font:16px/1.45 system-ui,sans-serif;margin:1.5rem;max-width:100rem}
section{border-top:1px solid #ccc;padding:1rem 0}div{display:flex;gap:.5rem;flex-wrap:wrap}
img{max-width:32%;height:auto}h2{font-size:1.1rem}.said{color:#333}</style>
"""


@dataclass(frozen=True)
class Shown:
    """One pair with what is said of it."""

    number: int
    name: str
    instruction: str
    report: Report


def explain_all(file: Path, language: str) -> list[Shown]:
    """Explain every pair of a list."""
    library = Provenance(explain={"language": language})
    shown = []
    for number, row in enumerate(json.loads(file.read_text("utf-8")), start=1):
        report = library.explain(file.parent / row["original"], file.parent / row["edited"])
        shown.append(Shown(number, row["edited"], row["instruction"], report))
    return shown


def as_text(one: Shown) -> str:
    """A block of plain text: the instruction, the caption, the edits with their boxes."""
    explanation = one.report.explanation
    lines = [f"{one.number}. {one.name}: {one.instruction}", f"   {one.report.verdict}"]
    if explanation is not None:
        lines.append(f"   said: {explanation.caption}")
        for number, edit in enumerate(explanation.edits, start=1):
            area = edit.parameters.get("area_percent")
            size = f", {area} % of the picture" if area is not None else ""
            lines.append(f"   {number}. {edit.operation} {edit.box}{size}, sure to {edit.confidence:.2f}")
        lines.append(f"   unexplained {explanation.unexplained_fraction:.3f}")
    return "\n".join([*lines, "   verdict: place found?  false regions?  sentence true?"])


def as_html(one: Shown) -> str:
    """A section with the three pictures."""
    head = f"<h2>{one.number}. {html.escape(one.instruction)} <small>{html.escape(one.name)}</small></h2>"
    evidence, explanation = one.report.evidence, one.report.explanation
    if evidence is None:
        return f"<section>{head}<p>{one.report.verdict}</p></section>"
    pictures = (evidence.reference.pixels, outlined(evidence.comparison), heat_map(evidence.comparison))
    images = "".join(f'<img alt="" src="data:image/jpeg;base64,{_encoded(pixels)}">' for pixels in pictures)
    said = ""
    if explanation is not None:
        items = "".join(f"<li>{html.escape(edit.sentence)}</li>" for edit in explanation.edits)
        said = f'<p class="said">{html.escape(explanation.caption)}</p><ol>{items}</ol>'
    return f"<section>{head}<div>{images}</div>{said}</section>"


def _encoded(pixels: Pixels) -> str:
    image = Image.fromarray(np.asarray(pixels))
    image.thumbnail((SIDE_PX, SIDE_PX))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=88)
    return base64.b64encode(stream.getvalue()).decode()


def main() -> None:
    """Parse, explain, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pairs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--language", default="en")
    options = parser.parse_args()
    shown = explain_all(options.pairs, options.language)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "gallery.txt").write_text("\n\n".join(map(as_text, shown)) + "\n", "utf-8")
    (options.out / "gallery.html").write_text(PAGE + "\n".join(map(as_html, shown)), "utf-8")
    print(f"{options.out / 'gallery.html'}: {len(shown)} pairs")


if __name__ == "__main__":
    main()
