"""Report -> schema.org MediaReview and ClaimReview as JSON-LD: a proposal that a person confirms or changes.

What is proposed when is told in docs/mediareview.md. Only what was measured is proposed, never an intention,
and nothing about a picture whose original was not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from provenance.records import Edit, Match, Operation, QueryInfo, ReferenceRecord, Report
from provenance.report.json import dump
from provenance.report.words import name_verdict, speak

# What shows something else than the original did: schema.org's "adding or deleting visual elements".
_ELEMENTS: frozenset[Operation] = frozenset(
    {
        "composite", "object_added", "object_removed", "object_replaced", "object_recolored",
        "object_duplicated", "text_added", "text_removed", "text_changed",
        "background_replaced", "background_changed",
    }
)  # fmt: skip
_MIME_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
    "AVIF": "image/avif",
    "HEIF": "image/heif",
}
_SCHEMA = "https://schema.org"


def to_jsonld(report: Report, indent: int | None = None) -> str:
    """Return the proposal as JSON-LD text that may stand in a page's script element as it is."""
    return dump(propose_reviews(report), indent).replace("<", "\\u003c")


def propose_reviews(report: Report) -> dict[str, Any]:
    """Return a graph of a MediaReview and a ClaimReview, an empty one where nothing can be proposed."""
    categories = propose_categories(report)
    graph = _graph(report, report.match, categories) if report.match and categories else []
    return {"@context": _SCHEMA, "@graph": graph}


def propose_categories(report: Report) -> list[str]:
    """Return schema.org's names of what the measurements speak for; none where they do not."""
    if report.verdict in ("identical", "unmodified"):
        return ["OriginalMediaContent"]
    if report.verdict != "modified" or report.explanation is None:
        return []
    operations = {edit.operation for edit in report.explanation.edits}
    proposed = {
        "TransformedContent": operations & _ELEMENTS,
        "EditedOrCroppedContent": operations - _ELEMENTS,
    }
    return [category for category, found in proposed.items() if found]


def _graph(report: Report, match: Match, categories: list[str]) -> list[dict[str, Any]]:
    say, reference = speak(report).say, match.reference
    originals = [_original(one.reference) for one in (match, *report.other_matches)]
    common = {
        "creativeWorkStatus": "Draft",
        "inLanguage": report.language,
        "description": say("jsonld.draft", version=report.versions.get("provenance", "")),
    }
    media = {
        "@type": "MediaReview",
        "@id": "#media-review",
        **common,
        "mediaAuthenticityCategory": _one_or_list([f"{_SCHEMA}/{category}" for category in categories]),
        "originalMediaLink": _one_or_list(originals),
        "originalMediaContextDescription": reference.caption,
        "reviewBody": report.explanation.caption if report.explanation else None,
        "itemReviewed": {
            "@type": "MediaReviewItem",
            "mediaItemAppearance": _appearance(
                report.query, report.explanation.edits if report.explanation else ()
            ),
        },
        "associatedClaimReview": {"@id": "#claim-review"},
    }
    original = reference.title or _file_name(reference.path)
    claim = {
        "@type": "ClaimReview",
        "@id": "#claim-review",
        **common,
        "claimReviewed": say("jsonld.claim", picture=_file_name(report.query.name), original=original),
        "itemReviewed": {"@type": "Claim", "appearance": {"@id": "#picture"}},
        # No number: how false something is, is not measured.
        "reviewRating": {"@type": "Rating", "alternateName": name_verdict(report)},
        "associatedMediaReview": {"@id": "#media-review"},
    }
    return [_known(media), _known(claim)]


def _appearance(query: QueryInfo, edits: Iterable[Edit]) -> dict[str, Any]:
    """The picture that was checked, as it was at that time."""
    lettering = [edit.text_after for edit in edits if edit.text_after]
    return _known(
        {
            "@type": "ImageObjectSnapshot",
            "@id": "#picture",
            "name": _file_name(query.name),
            "contentUrl": _address(query.name),
            "sha256": query.sha256,
            "embeddedTextCaption": " / ".join(lettering) or None,
        }
    )


def _original(reference: ReferenceRecord) -> dict[str, Any]:
    """A trusted picture; of a path on this machine only the file's name is told."""
    web_source = _address(reference.source)
    return _known(
        {
            "@type": "ImageObject",
            "name": reference.title or _file_name(reference.path),
            "contentUrl": _address(reference.path),
            "url": web_source,
            "sourceOrganization": None if web_source else _named("Organization", reference.source),
            "caption": reference.caption,
            "creator": _named("Person", reference.creator),
            "creditText": reference.credit,
            "license": _address(reference.license) or _named("CreativeWork", reference.license),
            "dateCreated": reference.captured_at,
            "encodingFormat": _MIME_TYPES.get(reference.format),
            "sha256": reference.sha256,
        }
    )


def _named(kind: str, name: str | None) -> dict[str, str] | None:
    return {"@type": kind, "name": name} if name else None


def _known(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that have a value."""
    return {name: value for name, value in properties.items() if value}


def _one_or_list(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _address(text: str | None) -> str | None:
    """A web address, None for any other text."""
    return text if text and re.fullmatch(r"https?://\S+", text, re.IGNORECASE) else None


def _file_name(path: str) -> str:
    """The last part of a path or address."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]
