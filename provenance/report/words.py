"""Words that the terminal and the page share, and text made safe to show."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from provenance.places import Place, name_place
from provenance.records import Match, MatchedBy, QueryInfo, Report, Verdict

VERDICTS: dict[Verdict, str] = {
    "identical": "Identical to a trusted original",
    "unmodified": "Unmodified copy of a trusted original",
    "modified": "Modified copy of a trusted original",
    "related": "Another photo of a scene in the trusted collection",
    "no_match": "No trusted original found",
    "error": "The picture could not be read",
}
SHORT_VERDICTS: dict[Verdict, str] = {
    "identical": "Identical",
    "unmodified": "Unmodified",
    "modified": "Modified",
    "related": "Same scene",
    "no_match": "No original found",
    "error": "Unreadable",
}
REMARKS: dict[Verdict, str] = {
    "identical": "The file, or every pixel of it, is the same.",
    "unmodified": "The same picture; only its encoding or size differs.",
    "modified": "A trusted original was found, and this picture differs from it.",
    "related": "It seems to show the same scene, but it is not a copy of the trusted photo.",
    "no_match": "This does not mean that the picture is fake: no original of it was found in the collection.",
    "error": "Nothing can be said about it.",
}
_MEANS: dict[MatchedBy, str] = {
    "sha256": "the same file or pixels (SHA-256)",
    "phash": "a perceptual hash",
    "copy": "the copy descriptor",
    "clip": "CLIP",
    "local": "matching details",
}
# Where the name of a place is not said as it is written: a source fills its part, to the edge or not.
_PARTS: dict[Place, str] = {
    "top_edge": "top",
    "across_upper": "upper part",
    "across_middle": "middle",
    "across_lower": "lower part",
    "bottom_edge": "bottom",
    "left_edge": "left",
    "down_left": "left side",
    "down_middle": "middle",
    "down_right": "right side",
    "right_edge": "right",
    "everywhere": "most of the picture",
}
_LISTED_COPIES = 5
_JOINERS = "\u200c\u200d"


def make_printable(text: str) -> str:
    """Return text on one line, with control and direction characters written out as escapes."""
    return "".join(_escape(character) for character in text)


def _escape(character: str) -> str:
    category = unicodedata.category(character)
    if character in _JOINERS or category[0] not in "CZ" or character == " ":
        return character
    if category == "Zs":
        return " "
    return character.encode("unicode_escape").decode("ascii")


def name_verdict(report: Report) -> str:
    """Return the headline; of a given pair it claims nothing about a collection."""
    if report.verdict == "no_match" and _is_given_pair(report):
        return "The two pictures do not match"
    if report.verdict == "modified" and report.explanation is None:
        return "Copy of a trusted original, not compared"
    return VERDICTS[report.verdict]


def describe_verdict(report: Report) -> str:
    """Return one line of what the verdict means, with the reason of an error."""
    if report.verdict == "error" and report.query.error:
        return make_printable(report.query.error)
    if report.verdict == "no_match" and _is_given_pair(report):
        return "They agree in too little to be compared. This does not mean that either of them is fake."
    if report.verdict == "modified" and report.explanation is None:
        return "A trusted original was found, but it was not compared with this picture."
    return REMARKS[report.verdict]


def _is_given_pair(report: Report) -> bool:
    """Whether both pictures were given: the one candidate has no number in a database."""
    return any(candidate.reference_id == 0 for candidate in report.candidates)


def describe_confidence(confidence: float) -> str:
    """0.973 -> "97 %"; never claims certainty above what was measured."""
    if not confidence >= 0.005:
        return "less than 1 %"
    return "more than 99 %" if confidence >= 0.99 else f"{confidence:.0%}".replace("%", " %")


def describe_match(match: Match) -> str:
    """Return one sentence of why this original was matched, with the numbers behind it."""
    means = [_MEANS[kind] for kind in match.matched_by] or ["its geometry"]
    joined = means[0] if len(means) == 1 else f"{', '.join(means[:-1])} and {means[-1]}"
    points = f"; {match.inliers} points of detail agree" if match.inliers else ""
    overlap = (
        f"; {match.reference_overlap:.0%} of the original is visible"
        f" and fills {match.query_overlap:.0%} of this picture"
    ).replace("%", " %")
    return f"Found by {joined}{points}{overlap}."


def describe_source(match: Match, query: QueryInfo) -> str:
    """Where in the query a source lies, and how sure that is: "upper right, 97 % sure"."""
    sure = f"{describe_confidence(match.confidence)} sure"
    if match.query_box is None or not query.width or not query.height:
        return sure
    place = name_place(match.query_box, width=query.width, height=query.height)
    return f"{_PARTS.get(place, place.replace('_', ' '))}, {sure}"


def count_copies(copies: Sequence[str]) -> str:
    """("a.jpg", "b.jpg") -> "2 copies"."""
    return f"{len(copies)} {'copy' if len(copies) == 1 else 'copies'}"


def list_copies(copies: Sequence[str]) -> str:
    """("a.jpg", "b.jpg") -> "2 copies: a.jpg, b.jpg"; of many only the first few are named."""
    named, more = copies[:_LISTED_COPIES], len(copies) - _LISTED_COPIES
    listed = ", ".join(make_printable(path) for path in named)
    return f"{count_copies(copies)}: {listed}{f' and {more} more' if more > 0 else ''}"
