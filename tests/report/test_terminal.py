"""The terminal panel: readable in 80 columns, safe against what names contain."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from provenance.languages import load_language
from provenance.records import QueryInfo, Report
from provenance.report import print_report
from provenance.report.words import describe_confidence, describe_source, make_printable

ENGLISH = load_language("en")


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
    assert "was not compared" in texts["lost"]
    assert "Modified" not in texts["lost"]
    assert "The two pictures do not match" in texts["pair"]
    assert "collection" not in texts["pair"]


def test_what_the_file_says_of_itself_is_told_unless_the_record_says_it_too(modified: Report) -> None:
    text = plain(modified)
    assert "Caption The tower before the storm." in text
    assert "Creator Cleo Example" in text
    assert (
        "What its file says of itself (anyone can write that)"
        " Caption The tower on fire! Origin made by generative AI" in text
    )
    silent = replace(modified, query=QueryInfo("web.jpg", "", 400, 300))
    assert "says of itself" not in plain(silent)


def test_every_source_of_a_collage_is_named_with_its_place(collage: Report, modified: Report) -> None:
    text = plain(collage)
    copies = ", ".join(f"copies/tower {number}.jpg" for number in range(1, 6))
    assert f"Also trusted 7 copies: {copies} and 2 more" in text
    assert (
        "Other parts come from archive/sea.png (in the upper right, 97 % sure)"
        " archive/hill.png (62 % sure) Also trusted: 1 copy: archive/knoll.png" in text
    )
    assert "Also trusted" not in plain(modified)
    assert "Other parts" not in plain(modified)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((0, 0, 400, 100), "along the top edge, 97 % sure"),
        ((200, 0, 400, 300), "across the right half, 97 % sure"),
        ((210, 160, 400, 300), "in the lower right, 97 % sure"),
        ((0, 0, 400, 300), "all over the picture, 97 % sure"),
        (None, "97 % sure"),
    ],
)
def test_the_place_of_a_source_is_said_in_a_few_words(
    collage: Report, box: tuple[int, int, int, int] | None, words: str
) -> None:
    source = replace(collage.other_matches[0], query_box=box)
    assert describe_source(source, QueryInfo("web.jpg", "", 400, 300), ENGLISH) == words
    assert describe_source(source, QueryInfo("web.jpg", "", 0, 0), ENGLISH) == "97 % sure"


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
        (0.0, "less than 1 % sure"),
        (0.62, "62 % sure"),
        (0.994, "more than 99 % sure"),
        (1.0, "more than 99 % sure"),
        (float("nan"), "less than 1 % sure"),
    ],
)
def test_confidence_claims_no_certainty(confidence: float, words: str) -> None:
    assert describe_confidence(confidence, ENGLISH) == words
