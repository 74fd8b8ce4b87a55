"""The pictures behind reports as PNG files in a folder, named after the queries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from provenance.records import Comparison, Pixels, Report
from provenance.report.evidence import heat_map, outlined
from provenance.report.writing import replaced, told

_UNSAFE = re.compile(r"[^\w.-]+")
_LONGEST_NAME = 80


class EvidenceFolder:
    """A folder that gets five PNG files for each compared pair, all of one size, in the query's frame.

    NAME-original.png (lined up), NAME-difference.png, NAME-heat-map.png, NAME-outlines.png, NAME-mask.png.
    NAME is the query's without its folder and ending; a second query of that name gets NAME-2.
    """

    def __init__(self, path: str | Path) -> None:
        """Make the folder. Raises UsageError when it cannot be made there."""
        self.path = Path(path)
        self._used: dict[str, int] = {}
        with told("folder", self.path):
            self.path.mkdir(parents=True, exist_ok=True)

    def add(self, report: Report) -> list[Path]:
        """Write the pictures of a report and return their paths; none where no pair was compared.

        Raises StorageFullError when the disk is full.
        """
        if report.evidence is None:
            return []
        stem = self._name(report.query.name)
        edits = report.explanation.edits if report.explanation else ()
        numbers = {edit.label: number for number, edit in enumerate(edits, start=1) if edit.label}
        written: list[Path] = []
        for name, pixels in draw_evidence(report.evidence.comparison, numbers).items():
            path = self.path / f"{stem}-{name}.png"
            with replaced("picture", path) as file, told("picture", path):
                Image.fromarray(pixels).save(file, "PNG")
            written.append(path)
        return written

    def _name(self, query: str) -> str:
        last = re.split(r"[/\\]", query.split("?")[0].rstrip("/\\"))[-1]
        stem = _UNSAFE.sub("_", Path(last).stem).strip("._")[:_LONGEST_NAME] or "picture"
        folded = stem.casefold()  # one file on many systems
        self._used[folded] = self._used.get(folded, 0) + 1
        return stem if self._used[folded] == 1 else f"{stem}-{self._used[folded]}"


def draw_evidence(comparison: Comparison, numbers: Mapping[int, int] | None = None) -> dict[str, Pixels]:
    """Return the pictures of a pair by name, uint8 [h, w, 3] or [h, w]; `numbers` as for `outlined`.

    "difference" is that of the levels, black where equal or outside the original; "mask" is white where
    something in the picture was changed.
    """
    difference = cv2.absdiff(comparison.query, comparison.reference)
    difference[~comparison.overlap] = 0
    mask = np.where(comparison.labels > 0, np.uint8(255), np.uint8(0))
    return {
        "original": comparison.reference,
        "difference": np.asarray(difference, np.uint8),
        "heat-map": heat_map(comparison),
        "outlines": outlined(comparison, numbers),
        "mask": mask,
    }
