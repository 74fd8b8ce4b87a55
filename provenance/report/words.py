"""What the terminal and the page say alike, in the language of the report, and text made safe to show."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from provenance.languages import Language, load_language
from provenance.places import name_place
from provenance.records import Match, QueryInfo, Report

_LISTED_COPIES = 5
_JOINERS = "\u200c\u200d"


def make_printable(text: str) -> str:
    """Return text on one line, with control and direction characters written out as escapes."""
    return "".join(_escape(character) for character in text)


def _escape(character: str) -> str:
    category = unicodedata.category(character)
    if character in _JOINERS or category[0] not in "CZ" or character in " \u00a0":
        return character
    if category == "Zs":
        return " "
    return character.encode("unicode_escape").decode("ascii")


def speak(report: Report) -> Language:
    """The language that a report is told in."""
    return load_language(report.language)


def name_verdict(report: Report) -> str:
    """Return the headline; of a given pair it claims nothing about a collection."""
    return speak(report).say(f"verdict.title.{_case(report)}")


def describe_verdict(report: Report) -> str:
    """Return one line of what the verdict means, with the reason of an error."""
    if report.verdict == "error" and report.query.error:
        return make_printable(report.query.error)
    return speak(report).say(f"verdict.meaning.{_case(report)}")


def _case(report: Report) -> str:
    """The verdict, told apart where a pair was given (its candidate has no number) or not compared."""
    if report.verdict == "no_match" and any(one.reference_id == 0 for one in report.candidates):
        return "pair"
    if report.verdict == "modified" and report.explanation is None:
        return "not_compared"
    return report.verdict


def describe_confidence(confidence: float, language: Language) -> str:
    """0.973 -> "97 % sure"; never claims certainty above what was measured."""
    if not confidence >= 0.005:
        return language.say("sure.less", share=language.percent(1))
    if confidence >= 0.99:
        return language.say("sure.more", share=language.percent(99))
    return language.say("sure.exactly", share=language.percent(round(confidence * 100)))


def describe_match(match: Match, language: Language) -> str:
    """Return one sentence of why this original was matched, with the numbers behind it."""
    means = [language.say(f"match.means.{kind}") for kind in match.matched_by or ("other",)]
    return language.say(
        "match.found",
        means=language.join(means),
        points=str(match.inliers or ""),
        visible=_whole_percent(match.reference_overlap, language),
        filled=_whole_percent(match.query_overlap, language),
    )


def _whole_percent(share: float, language: Language) -> str:
    percent = share * 100
    return language.percent(round(percent) if percent >= 1 else percent)


def describe_source(match: Match, query: QueryInfo, language: Language) -> str:
    """Where in the query a source lies, and how sure that is: "in the upper right, 97 % sure"."""
    sure = describe_confidence(match.confidence, language)
    if match.query_box is None or not query.width or not query.height:
        return sure
    place = name_place(match.query_box, width=query.width, height=query.height)
    return language.say("match.placed", place=language.say(f"place.at.{place}"), sure=sure)


def list_notes(report: Report) -> list[str]:
    """The remarks of a report in its language."""
    language = speak(report)
    return [make_printable(language.translate(note)) for note in report.notes if note]


def count_copies(copies: Sequence[str], language: Language) -> str:
    """("a.jpg", "b.jpg") -> "2 copies"."""
    return language.count("copies", len(copies))


def list_copies(copies: Sequence[str], language: Language) -> str:
    """("a.jpg", "b.jpg") -> "2 copies: a.jpg, b.jpg"; of many only the first few are named."""
    names = ", ".join(make_printable(path) for path in copies[:_LISTED_COPIES])
    more = len(copies) - _LISTED_COPIES
    key = "copies.cut" if more > 0 else "copies.listed"
    return language.say(key, copies=count_copies(copies, language), names=names, more=str(more))


def capitalize(text: str) -> str:
    """ "more than 99 % sure" -> "More than 99 % sure"."""
    return text[:1].upper() + text[1:]
