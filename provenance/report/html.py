"""Reports as one self-contained HTML file: it makes no request, and works from a mail or a memory stick."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from provenance.languages import load_language
from provenance.records import Report, Verdict
from provenance.report.card import Card, make_card
from provenance.report.writing import replaced, told

_TEMPLATES = Path(__file__).parent / "templates"
# Long side of the pictures by their place in the page, so that a page of many reports can still be mailed.
_SIDES = ((2, 1800), (6, 1400), (16, 1000))
_SMALLEST_SIDE = 720


def to_html(reports: Report | Iterable[Report]) -> str:
    """Return one page for one or several reports; of an iterator, one report at a time is held in memory."""
    given = [reports] if isinstance(reports, Report) else reports
    cards, codes = [], []
    for place, report in enumerate(given):
        cards.append(make_card(report, side=_choose_side(place)))
        codes.append(report.language)
    language = load_language(codes[0] if codes else "en")
    title = cards[0].title if len(cards) == 1 else language.say("page.checked", count=str(len(cards)))
    style = (_TEMPLATES / "report.css").read_text("utf-8")
    script = (_TEMPLATES / "report.js").read_text("utf-8")
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        cards=cards,
        title=title,
        say=language.say,
        language=language.code,
        counts=_count_verdicts(cards),
        style=style,
        script=script,
        policy=_make_policy(style, script),
    )


def write_html(reports: Report | Iterable[Report], path: str | Path) -> None:
    """Write the page, and the folders above it; an old one is replaced only when the new one is complete.

    Raises StorageFullError when the disk is full, UsageError when the page cannot be written there; the
    latter before the first report is made.
    """
    path = Path(path)
    with replaced("page", path) as file:
        page = to_html(reports)
        with told("page", path):
            file.write_text(page, encoding="utf-8", errors="backslashreplace")


def _choose_side(place: int) -> int:
    return next((side for limit, side in _SIDES if place < limit), _SMALLEST_SIDE)


def _count_verdicts(cards: Iterable[Card]) -> list[tuple[str, str, int]]:
    """Return (tone, words, count) of each verdict on the page, in the order of the vocabulary."""
    counted = Counter((card.verdict, card.tone, card.short_title) for card in cards)
    order = get_args(Verdict)
    found = sorted(counted.items(), key=lambda item: order.index(item[0][0]))
    return [(tone, words, count) for (_, tone, words), count in found]


def _make_policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy that allows this style, this script and inline pictures only."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash_source(style)}'; "
        f"script-src '{_hash_source(script)}'; base-uri 'none'; form-action 'none'"
    )


def _hash_source(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")
