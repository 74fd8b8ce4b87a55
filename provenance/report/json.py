"""Report <-> JSON as in report.schema.json; always valid, also for untidy names and numbers."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from provenance.errors import InputError
from provenance.records import (
    Box,
    CandidateSummary,
    Claim,
    ContentCredentials,
    Edit,
    EmbeddedDetails,
    Explanation,
    Match,
    QueryInfo,
    ReferenceRecord,
    Report,
)

SCHEMA = "provenance.report/1"
# Legal in JSON, but able to steer a terminal, to reorder a line, or (lone surrogates) impossible to encode.
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def to_json(report: Report, indent: int | None = None) -> str:
    """Return the report as one JSON object; without `indent` on one line, ready for JSON Lines."""
    return dump(to_dict(report), indent)


def dump(content: Mapping[str, Any], indent: int | None = None) -> str:
    """Return what is ready for JSON as text that is safe to show in a terminal."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=indent)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def to_dict(report: Report) -> dict[str, Any]:
    """Return the report as a dictionary of report.schema.json, plus "notes"; numbers finite and rounded."""
    query = report.query
    return {
        "schema": SCHEMA,
        "query": {
            "name": query.name,
            "sha256": query.sha256,
            "width": int(query.width),
            "height": int(query.height),
            "error": query.error,
            "embedded": _embedded_to_dict(query.embedded),
            "content_credentials": _credentials_to_dict(query.credentials),
        },
        "verdict": report.verdict,
        "confidence": _share(report.confidence),
        "match": None if report.match is None else _match_to_dict(report.match),
        "other_matches": [_match_to_dict(one) for one in report.other_matches],
        "candidates": [
            {
                "reference_id": int(candidate.reference_id),
                "path": candidate.path,
                "score": _plain(candidate.score),
                "verified": bool(candidate.verified),
                "reason": candidate.reason,
            }
            for candidate in report.candidates
        ],
        "explanation": _explanation_to_dict(report.explanation),
        "timings_ms": {name: _plain(value, digits=1) for name, value in report.timings_ms.items()},
        "versions": {name: str(version) for name, version in report.versions.items()},
        "notes": [note for note in report.notes if note],
    }


def from_dict(data: Mapping[str, Any]) -> Report:
    """Read a report back; what the JSON does not hold (pictures, sizes of the reference) is left empty.

    Raises InputError when the dictionary is no report of this schema.
    """
    if data.get("schema") != SCHEMA:
        raise InputError(f"not a report: schema is {data.get('schema')!r}, expected {SCHEMA!r}")
    try:
        query = data["query"]
        return Report(
            query=QueryInfo(
                query["name"],
                query["sha256"],
                query["width"],
                query["height"],
                query.get("error"),
                EmbeddedDetails(**query.get("embedded") or {}),
                _credentials_from_dict(query.get("content_credentials")),
            ),
            verdict=data["verdict"],
            confidence=float(data["confidence"]),
            match=None if data["match"] is None else _match_from_dict(data["match"], data["confidence"]),
            candidates=tuple(
                CandidateSummary(
                    one["reference_id"], one["path"], float(one["score"]), one["verified"], one["reason"]
                )
                for one in data["candidates"]
            ),
            explanation=_explanation_from_dict(data["explanation"]),
            timings_ms=dict(data["timings_ms"]),
            versions=dict(data["versions"]),
            notes=tuple(data.get("notes", ())),
            other_matches=tuple(_match_from_dict(one) for one in data.get("other_matches", ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"not a report of {SCHEMA}: {type(error).__name__} {error}") from error


def _embedded_to_dict(embedded: EmbeddedDetails) -> dict[str, str | None] | None:
    """What a file says of itself; None where that is nothing."""
    return None if embedded == EmbeddedDetails() else asdict(embedded)


def _credentials_to_dict(credentials: ContentCredentials | None) -> dict[str, Any] | None:
    return None if credentials is None else _plain(asdict(credentials))


def _credentials_from_dict(data: Mapping[str, Any] | None) -> ContentCredentials | None:
    return None if data is None else TypeAdapter(ContentCredentials).validate_python(data)


def _match_to_dict(match: Match) -> dict[str, Any]:
    reference, homography = match.reference, match.reference_from_query
    known = homography is not None and bool(np.isfinite(homography).all())
    return {
        "reference_id": int(reference.reference_id),
        "path": reference.path,
        "sha256": reference.sha256,
        "width": int(reference.width),
        "height": int(reference.height),
        "source": reference.source,
        "title": reference.title,
        "creator": reference.creator,
        "credit": reference.credit,
        "license": reference.license,
        "caption": reference.caption,
        "captured_at": reference.captured_at,
        "content_credentials": _credentials_to_dict(reference.credentials),
        "matched_by": list(match.matched_by),
        "inliers": None if match.inliers is None else int(match.inliers),
        "query_overlap": _share(match.query_overlap),
        "reference_overlap": _share(match.reference_overlap),
        # Nine digits: the lower right entry multiplies coordinates of thousands of pixels.
        "reference_from_query": (
            [[float(f"{value:.9g}") for value in row] for row in np.asarray(homography, np.float64)]
            if known
            else None
        ),
        "confidence": _share(match.confidence),
        "query_box": _box(match.query_box),
        "copies": list(match.copies),
    }


def _match_from_dict(data: Mapping[str, Any], confidence: float = 0.0) -> Match:
    """Read a match; reports from before it had a confidence of its own give that of the report."""
    homography = data["reference_from_query"]
    reference = ReferenceRecord(
        reference_id=data["reference_id"],
        path=data["path"],
        sha256=data["sha256"],
        pixel_sha256=None,
        byte_size=0,
        width=int(data.get("width", 0)),
        height=int(data.get("height", 0)),
        format="",
        status="active",
        source=data.get("source"),
        title=data.get("title"),
        creator=data.get("creator"),
        credit=data.get("credit"),
        license=data.get("license"),
        caption=data.get("caption"),
        captured_at=data.get("captured_at"),
        credentials=_credentials_from_dict(data.get("content_credentials")),
    )
    return Match(
        reference=reference,
        matched_by=tuple(data["matched_by"]),
        inliers=data.get("inliers"),
        query_overlap=float(data["query_overlap"]),
        reference_overlap=float(data["reference_overlap"]),
        reference_from_query=None if homography is None else np.asarray(homography, np.float64),
        confidence=float(data.get("confidence", confidence)),
        query_box=_box_from(data.get("query_box")),
        copies=tuple(data.get("copies", ())),
    )


def _explanation_to_dict(explanation: Explanation | None) -> dict[str, Any] | None:
    if explanation is None:
        return None
    return {
        "caption": explanation.caption,
        "captioner": explanation.captioner,
        "edits": [
            {
                "operation": edit.operation,
                "category": edit.category,
                "sentence": edit.sentence,
                "box": _box(edit.box),
                "reference_box": _box(edit.reference_box),
                "text_before": edit.text_before,
                "text_after": edit.text_after,
                "confidence": _share(edit.confidence),
                "parameters": _plain(edit.parameters),
                "step": int(edit.step),
            }
            for edit in explanation.edits
        ],
        "claims": [
            {"text": one.text, "status": one.status, "reason": one.reason, "edits": list(one.edits)}
            for one in explanation.claims
        ],
        "unexplained_fraction": _share(explanation.unexplained_fraction),
        "replay_psnr_db": _plain(explanation.replay_psnr_db, digits=2),
    }


def _explanation_from_dict(data: Mapping[str, Any] | None) -> Explanation | None:
    if data is None:
        return None
    edits = tuple(
        Edit(
            operation=edit["operation"],
            category=edit["category"],
            sentence=edit["sentence"],
            confidence=float(edit["confidence"]),
            parameters=dict(edit["parameters"]),
            box=_box_from(edit["box"]),
            reference_box=_box_from(edit["reference_box"]),
            text_before=edit.get("text_before"),
            text_after=edit.get("text_after"),
            step=int(edit.get("step", 0)),
        )
        for edit in data["edits"]
    )
    return Explanation(
        caption=data["caption"],
        captioner=data["captioner"],
        edits=edits,
        unexplained_fraction=float(data["unexplained_fraction"]),
        replay_psnr_db=data["replay_psnr_db"],
        claims=tuple(
            Claim(one["text"], one["status"], one["reason"], tuple(one["edits"]))
            for one in data.get("claims", ())
        ),
    )


def _box(box: Box | None) -> list[int] | None:
    return None if box is None else [int(value) for value in box]


def _box_from(values: list[int] | None) -> Box | None:
    if values is None:
        return None
    x0, y0, x1, y1 = (int(value) for value in values)
    return x0, y0, x1, y1


def _share(value: float) -> float:
    """Clamp to 0..1 and round to four digits; what is not a number counts as 0."""
    return round(min(max(float(value), 0.0), 1.0), 4) if math.isfinite(value) else 0.0


def _plain(value: Any, *, digits: int = 4) -> Any:
    """Turn numpy values, tuples and mappings into what JSON has; round numbers, infinite ones become null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item, digits=digits) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item, digits=digits) for item in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return round(float(value), digits) if math.isfinite(value) else None
    return value if value is None or isinstance(value, str) else str(value)
