"""PNG files of each pair: named after the query, of one size, true to the comparison."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from provenance.errors import UsageError
from provenance.records import Report
from provenance.report import EvidenceFolder

NAMES = ["difference", "heat-map", "mask", "original", "outlines"]


def named(report: Report, name: str) -> Report:
    return replace(report, query=replace(report.query, name=name))


def test_a_pair_leaves_five_pictures_of_one_size(modified: Report, tmp_path: Path) -> None:
    written = EvidenceFolder(tmp_path / "new" / "evidence").add(modified)
    assert sorted(path.name for path in written) == [f"tower-{name}.png" for name in NAMES]
    assert sorted(path.name for path in (tmp_path / "new" / "evidence").iterdir()) == sorted(
        path.name for path in written
    )
    assert {Image.open(path).size for path in written} == {(180, 150)}


def test_mask_and_difference_show_what_was_changed(modified: Report, tmp_path: Path) -> None:
    assert modified.evidence is not None
    EvidenceFolder(tmp_path).add(modified)
    pictures = {name: np.asarray(Image.open(tmp_path / f"tower-{name}.png")) for name in NAMES}
    changed = modified.evidence.comparison.labels > 0
    assert np.array_equal(pictures["mask"] == 255, changed)
    assert set(np.unique(pictures["mask"])) == {0, 255}
    assert (pictures["difference"][changed].max(axis=-1) > 0).all()
    assert pictures["difference"][~changed].max() == 0
    assert np.array_equal(pictures["original"], modified.evidence.comparison.reference)


@pytest.mark.parametrize(
    ("query", "stem"),
    [
        ("https://example.org/a/b.c.jpeg?size=2", "b.c"),
        ("..\\..\\evil\u202e|<name>.png", "evil_name"),
        ("..", "picture"),
        ("(bytes)", "bytes"),
        ("x" * 300 + ".jpg", "x" * 80),
    ],
)
def test_names_are_safe_in_any_folder(modified: Report, tmp_path: Path, query: str, stem: str) -> None:
    folder = EvidenceFolder(tmp_path / "inside")
    assert {path.parent for path in folder.add(named(modified, query))} == {tmp_path / "inside"}
    assert (tmp_path / "inside" / f"{stem}-mask.png").is_file()


def test_pictures_of_one_name_are_kept_apart(modified: Report, tmp_path: Path) -> None:
    folder = EvidenceFolder(tmp_path)
    for name in ("a/tower.jpg", "b/tower.png"):
        folder.add(named(modified, name))
    assert (tmp_path / "tower-mask.png").is_file()
    assert (tmp_path / "tower-2-mask.png").is_file()


def test_what_was_not_compared_leaves_nothing(every_report: dict[str, Report], tmp_path: Path) -> None:
    assert EvidenceFolder(tmp_path).add(every_report["no_match"]) == []
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(UsageError, match="cannot write the folder"):
        EvidenceFolder(tmp_path / "file")
