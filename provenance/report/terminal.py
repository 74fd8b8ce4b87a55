"""A report as a panel in the terminal: the verdict first, then the account, then where it comes from."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from provenance.languages import Language
from provenance.records import Edit, Match, Report, Verdict
from provenance.report.origin import Row, list_claims, list_credentials, list_details
from provenance.report.said import list_said
from provenance.report.words import (
    capitalize,
    describe_confidence,
    describe_match,
    describe_source,
    describe_verdict,
    list_copies,
    list_notes,
    make_printable,
    name_verdict,
    speak,
)

_COLORS: dict[Verdict, str] = {
    "identical": "green",
    "unmodified": "green",
    "modified": "yellow",
    "related": "blue",
    "no_match": "cyan",
    "error": "red",
}
_SHOWN_CANDIDATES = 3
_MAX_WIDTH = 100
"""Longer lines are harder to read."""


def print_report(report: Report, console: Console) -> None:
    """Print one report; file names and captions can neither style the output nor steer the terminal."""
    color = _COLORS[report.verdict]
    console.print(
        Panel(
            Group(*_sections(report, color)),
            title=Text(make_printable(report.query.name), style="bold", overflow="ellipsis"),
            title_align="left",
            border_style=color,
            padding=(0, 1),
            width=min(console.width, _MAX_WIDTH),
        )
    )


def _sections(report: Report, color: str) -> Iterable[RenderableType]:
    language = speak(report)
    yield Text(name_verdict(report), style=f"bold {color}")
    explanation, match = report.explanation, report.match
    yield Text(make_printable(explanation.caption) if explanation else describe_verdict(report))
    if explanation and explanation.edits:
        yield _titled(language.say("heading.changes"), _edit_table(explanation.edits, language))
    if said := list(list_said(report)):
        yield _titled(language.say("said.heading"), _row_table(said))
    if match:
        heading = "heading.related" if report.verdict == "related" else "heading.original"
        rows = _match_rows(match, report.confidence, language)
        yield _titled(language.say(heading), _row_table(rows))
        if report.other_matches:
            yield _titled(language.say("heading.other_sources"), _source_table(report, language))
    elif report.candidates:
        yield _titled(language.say("heading.candidates"), _candidate_table(report, language))
    for heading, credentials in (
        ("heading.query_credentials", report.query.credentials),
        ("heading.reference_credentials", match.reference.credentials if match else None),
    ):
        if credentials:
            yield _titled(language.say(heading), _row_table(list_credentials(credentials, language)))
    if claims := list_claims(report):
        yield _titled(language.say("terminal.claims"), _row_table(claims))
    notes = [Text(language.say("terminal.note", note=note), style="italic") for note in list_notes(report)]
    if notes:
        yield Group(Text(), *notes)
    if report.timings_ms:
        steps = " · ".join(f"{make_printable(name)} {ms:.0f} ms" for name, ms in report.timings_ms.items())
        yield Group(Text(), Text(steps, style="dim"))


def _titled(title: str, body: RenderableType) -> Group:
    return Group(Text(), Text(title, style="bold"), body)


def _edit_table(edits: Iterable[Edit], language: Language) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for number, edit in enumerate(edits, start=1):
        measured = [describe_confidence(edit.confidence, language)]
        if edit.box:
            corners = dict(zip(("x0", "y0", "x1", "y1"), map(str, edit.box), strict=True))
            measured.insert(0, language.say("terminal.box", **corners))
        sentence = Text(make_printable(edit.sentence))
        sentence.append(f"\n{' · '.join(measured)}", style="dim")
        table.add_row(f"{number}.", sentence)
    return table


def _match_rows(match: Match, confidence: float, language: Language) -> Iterable[Row]:
    say = language.say
    yield from list_details(match.reference, language)
    yield say("record.file"), make_printable(match.reference.path)
    if match.copies:
        yield say("heading.also_trusted"), list_copies(match.copies, language)
    sure = capitalize(describe_confidence(confidence, language))
    yield say("record.match"), f"{sure}. {describe_match(match, language)}"


def _row_table(rows: Iterable[Row]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(value))
    return table


def _source_table(report: Report, language: Language) -> Table:
    table = Table.grid()
    table.add_column(overflow="fold")
    for source in report.other_matches:
        line = Text(make_printable(source.reference.path))
        line.append(f" ({describe_source(source, report.query, language)})", style="dim")
        if source.copies:
            also = f"{language.say('heading.also_trusted')}: {list_copies(source.copies, language)}"
            line.append(f"\n{also}", style="dim")
        table.add_row(line)
    return table


def _candidate_table(report: Report, language: Language) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(overflow="fold")
    table.add_column(style="dim", overflow="fold")
    for candidate in report.candidates[:_SHOWN_CANDIDATES]:
        reason = language.translate(candidate.reason)
        table.add_row(Text(make_printable(candidate.path)), Text(make_printable(reason)))
    return table
