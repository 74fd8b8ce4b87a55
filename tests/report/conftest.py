"""Reports of every verdict, on small made-up pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from provenance.explain import explain
from provenance.records import (
    CandidateSummary,
    Change,
    Comparison,
    DecodedImage,
    EmbeddedDetails,
    Evidence,
    Match,
    Pixels,
    QueryInfo,
    ReferenceRecord,
    Report,
)

WIDTH, HEIGHT = 400, 300


def decoded(pixels: Pixels, name: str) -> DecodedImage:
    height, width = pixels.shape[:2]
    sha256 = hashlib.sha256(pixels.tobytes()).hexdigest()
    return DecodedImage(pixels, name, sha256, sha256, "PNG", pixels.nbytes, width, height)


def compared(reference: Pixels, *, working_scale: float = 0.5) -> tuple[Pixels, Comparison]:
    """A query with the left tenth cropped off, a square added and a caption; working at half size."""
    offset = WIDTH // 10
    query = reference[:, offset:].copy()
    labels = np.zeros(query.shape[:2], np.int32)
    for label, (x0, y0, x1, y1) in {1: (30, 40, 90, 100), 2: (40, 250, 320, 280)}.items():
        query[y0:y1, x0:x1] = (200, 40, 40)
        labels[y0:y1, x0:x1] = label
    step = round(1 / working_scale)
    small = labels[::step, ::step]
    reference_from_query: NDArray[np.float64] = np.array([[1.0, 0, offset], [0, 1, 0], [0, 0, 1]])
    changes = (
        Change(
            "crop",
            0.98,
            {"kept_percent": 90.0, "left_percent": 10.0},
            reference_box=(offset, 0, WIDTH, HEIGHT),
        ),
        Change("object_added", 0.93, {"area_percent": 3.3}, box=(30, 40, 90, 100), label=1),
        Change("text_added", 0.5, {"area_percent": 7.8}, box=(40, 250, 320, 280), text_after="NEWS", label=2),
    )
    return query, Comparison(
        query=query[::step, ::step],
        reference=reference[::step, offset::step],
        replayed=reference[::step, offset::step],
        overlap=np.ones(small.shape, np.bool_),
        change_map=(small > 0).astype(np.float32),
        labels=small,
        changes=changes,
        working_scale=working_scale,
        reference_from_query=reference_from_query,
        identical_pixels=False,
        query_overlap=1.0,
        reference_overlap=0.9,
        unexplained_fraction=0.02,
        replay_psnr_db=41.234,
        measurements={"alignment_error_px": 0.21},
    )


@pytest.fixture(scope="session")
def modified() -> Report:
    """A modified copy with every part of a report filled in."""
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    reference = np.stack([x % 256, y % 256, (x + y) % 256], axis=2).astype(np.uint8)
    query, comparison = compared(reference)
    record = ReferenceRecord(
        reference_id=17,
        path="archive/tower.png",
        sha256="ab" * 32,
        pixel_sha256=None,
        byte_size=1234,
        width=WIDTH,
        height=HEIGHT,
        format="PNG",
        status="active",
        source="City archive",
        title="The tower",
        creator="Cleo Example",
        credit="Ana Example",
        license="CC0 1.0",
        caption="The tower before the storm.",
        captured_at="2019-06-14T10:22:31",
    )
    said = EmbeddedDetails(
        title="The tower", caption="The tower on fire!", digital_source="trainedAlgorithmicMedia"
    )
    return Report(
        query=QueryInfo("web/tower.jpg", "cd" * 32, query.shape[1], query.shape[0], embedded=said),
        verdict="modified",
        confidence=0.9912345,
        match=Match(record, ("phash", "copy", "local"), 412, 1.0, 0.9, comparison.reference_from_query),
        candidates=(CandidateSummary(17, record.path, 0.92, True, "412 matches agree"),),
        explanation=explain(comparison),
        timings_ms={"decode": 12.345, "compare": 200.0},
        versions={"provenance": "0.1.0"},
        notes=("first frame of 12",),
        evidence=Evidence(decoded(query, "query"), decoded(reference, "reference"), comparison),
    )


@pytest.fixture(scope="session")
def collage(modified: Report) -> Report:
    """A picture put together from three trusted ones, of which the first is stored in several files."""
    if modified.match is None:
        raise ValueError("the modified report holds a match")
    copies = tuple(f"copies/tower {number}.jpg" for number in range(1, 8))
    match = replace(modified.match, confidence=0.9912, query_box=(0, 0, 200, 300), copies=copies)
    sea = replace(
        match.reference, reference_id=18, path="archive/sea.png", title="The sea", credit="Bo Example"
    )
    hill = replace(sea, reference_id=19, path="archive/hill.png", title=None, creator=None, credit=None)
    return replace(
        modified,
        match=match,
        other_matches=(
            replace(match, reference=sea, confidence=0.97, query_box=(210, 0, 360, 140), copies=()),
            replace(match, reference=hill, confidence=0.62, query_box=None, copies=("archive/knoll.png",)),
        ),
        notes=("The picture is put together from 3 trusted pictures.",),
    )


@pytest.fixture(scope="session")
def every_report(modified: Report, collage: Report) -> dict[str, Report]:
    """One report of each verdict, one of a given pair, and one whose original is lost."""
    if modified.evidence is None or modified.match is None:
        raise ValueError("the modified report holds evidence")
    comparison = replace(modified.evidence.comparison, changes=(), labels=np.zeros((150, 180), np.int32))
    unmodified = replace(
        modified,
        verdict="unmodified",
        explanation=explain(comparison),
        evidence=replace(modified.evidence, comparison=comparison),
    )
    identical = explain(replace(comparison, identical_pixels=True))
    alone = replace(modified, match=None, explanation=None, evidence=None)
    refused = CandidateSummary(
        3, "archive/sea.png", 0.31, False, "7 keypoint matches, no consistent geometry"
    )
    return {
        "modified": modified,
        "collage": collage,
        "unmodified": unmodified,
        "identical": replace(unmodified, verdict="identical", explanation=identical),
        "related": replace(unmodified, verdict="related", explanation=None),
        "no_match": replace(alone, verdict="no_match", confidence=0.1, candidates=(refused,)),
        "pair": replace(
            alone, verdict="no_match", confidence=0.1, candidates=(replace(refused, reference_id=0),)
        ),
        "error": replace(
            alone,
            verdict="error",
            confidence=0.0,
            candidates=(),
            query=QueryInfo("web/broken.jpg", "", 0, 0, "'web/broken.jpg': the file ends early"),
        ),
        "lost": replace(modified, explanation=None, evidence=None, notes=("the original's file is gone",)),
    }


@pytest.fixture
def renamed(modified: Report) -> Callable[[str], Report]:
    """Make a report whose names and captions are hostile."""

    def rename(name: str) -> Report:
        if modified.match is None or modified.explanation is None:
            raise ValueError("the modified report holds a match")
        record = replace(modified.match.reference, path=name, title=name, credit=name)
        return replace(
            modified,
            query=replace(modified.query, name=name),
            match=replace(modified.match, reference=record, copies=(name,)),
            other_matches=(replace(modified.match, reference=record, copies=(name,)),),
            explanation=replace(modified.explanation, caption=name),
            notes=(name,),
        )

    return rename
