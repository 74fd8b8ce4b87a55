"""The terminal panel: readable in 80 columns, safe against what names contain."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.cells import cell_len
from rich.console import Console

from provenance.records import Report
from provenance.report import print_report
from provenance.report.words import describe_confidence, make_printable


def render(report: Report, *, width: int = 80, color: bool = False) -> str:
    file = io.StringIO()
    print_report(
        report,
        Console(file=file, width=width, force_terminal=color, color_system="truecolor" if color else None),
    )
    return file.getvalue()


def plain(report: Report) -> str:
    """The words of the panel on one line."""
    return " ".join(render(report).replace("│", " ").split())


def test_a_modified_copy_is_told_in_full(modified: Report) -> None:
    text = plain(modified)
    for expected in (
        "web/tower.jpg",
        "Modified copy of a trusted original",
        "Something was added in the upper left",
        "1. Something was added",
        "x 30 to 90, y 40 to 100 px · 93 % sure",
        "“NEWS”",
        "City archive",
        "Ana Example",
        "CC0 1.0",
        "2019-06-14 10:22:31",
        "412 points of detail agree",
        "Note: first frame of 12",
        "decode 12 ms",
    ):
        assert expected in text
    assert text.index("Modified copy") < text.index("1. Something") < text.index("City archive")


def test_each_verdict_has_its_words(every_report: dict[str, Report]) -> None:
    texts = {name: plain(report) for name, report in every_report.items()}
    assert "only the encoding or the size" in texts["unmodified"]
    assert "identical to the original" in texts["identical"]
    assert "same scene" in texts["related"]
    assert "No trusted original found" in texts["no_match"]
    assert "does not mean that the picture is fake" in texts["no_match"]
    assert "archive/sea.png" in texts["no_match"]
    assert "the file ends early" in texts["error"]
    assert "could not be compared" in texts["lost"]
    assert "Modified" not in texts["lost"]
    assert "The two pictures do not match" in texts["pair"]
    assert "collection" not in texts["pair"]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(every_report: dict[str, Report], width: int) -> None:
    for report in every_report.values():
        assert all(cell_len(line) <= width for line in render(report, width=width).splitlines())


@pytest.mark.parametrize("color", [False, True])
def test_names_can_neither_style_nor_steer(renamed: Callable[[str], Report], color: bool) -> None:
    text = render(renamed("[red]x[/red]\x1b]0;owned\x07\x1b[2J\u202egpj\n\r"), color=color)
    assert "[red]x[/red]" in text
    assert "owned" in text
    assert "\x1b]0;" not in text
    assert "\x1b[2J" not in text
    assert not set(text) & set("\x07\u202e\r")


def test_escapes_are_shown_and_letters_are_kept() -> None:
    assert make_printable("a\x1b\n\u202e\udcff") == "a\\x1b\\n\\u202e\\udcff"
    assert make_printable("Fotó ñ 写真 👩‍🚀 می‌خواهم") == "Fotó ñ 写真 👩‍🚀 می‌خواهم"


@pytest.mark.parametrize(
    ("confidence", "words"),
    [
        (0.0, "less than 1 %"),
        (0.62, "62 %"),
        (0.994, "more than 99 %"),
        (1.0, "more than 99 %"),
        (float("nan"), "less than 1 %"),
    ],
)
def test_confidence_claims_no_certainty(confidence: float, words: str) -> None:
    assert describe_confidence(confidence) == words
