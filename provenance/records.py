"""What passes the doors between rooms: frozen dataclasses, no behaviour beyond derived properties.

Coordinates are (x, y) pixels of the upright full-size picture unless said otherwise, an integer is the
centre of a pixel, boxes are [x0, y0, x1, y1] with x1 and y1 exclusive. Images are uint8 [h, w, 3] sRGB.
Homographies are named by direction and are float64 [3, 3].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]
Box: TypeAlias = tuple[int, int, int, int]

Verdict = Literal["identical", "unmodified", "modified", "related", "no_match", "error"]
MatchedBy = Literal["sha256", "phash", "copy", "clip", "local"]
Form = Literal["upright", "mirrored", "negative", "mirrored negative"]
"""How a query is held against references: as it is, left-right mirrored, with inverted levels, or both."""
Category = Literal["background", "text", "local_object", "image_style"]
Operation = Literal[
    "crop", "pad", "rotate", "flip", "perspective", "stretch",
    "brightness", "contrast", "saturation", "color_balance", "grayscale", "tone",
    "blur", "sharpen", "noise",
    "composite",
    "object_added", "object_removed", "object_replaced", "object_recolored", "object_duplicated",
    "object_blurred",
    "text_added", "text_removed", "text_changed",
    "background_replaced", "background_changed",
]  # fmt: skip

# ---------------------------------------------------------------- decode


@dataclass(frozen=True, slots=True)
class EmbeddedDetails:
    """What a file says of its picture in EXIF, IPTC and XMP: claims of whoever wrote it, proof of nothing."""

    title: str | None = None
    creator: str | None = None
    credit: str | None = None
    license: str | None = None
    """Licence, terms of use or where they are to be had, otherwise the copyright notice."""
    source: str | None = None
    caption: str | None = None
    captured_at: str | None = None
    """ISO 8601, without a zone where the file has none; IPTC and XMP may know the day or the year only."""
    digital_source: str | None = None
    """IPTC's code of how the picture came to be: "digitalCapture", "trainedAlgorithmicMedia" ..."""


CredentialState = Literal["trusted", "valid", "invalid"]
"""trusted: intact, and signed by a trusted signer. valid: intact. invalid: they do not hold."""


@dataclass(frozen=True, slots=True)
class CredentialAction:
    """One thing that a signer says was done to the picture."""

    action: str
    """C2PA's name: "c2pa.created", "c2pa.cropped" ..."""
    when: str | None = None
    software: str | None = None
    digital_source: str | None = None
    """As in EmbeddedDetails."""
    description: str | None = None


@dataclass(frozen=True, slots=True)
class CredentialIngredient:
    """A picture that another one was made from, as its signer says."""

    title: str | None
    relationship: str
    """parentOf: it was edited; componentOf: it was put in; inputTo: it was fed to a generator."""
    manifest_id: str | None = None


@dataclass(frozen=True, slots=True)
class ContentCredentials:
    """The active C2PA manifest of a file: who signed it, and what they say was done."""

    manifest_id: str
    state: CredentialState
    problems: tuple[str, ...] = ()
    """C2PA's status codes of what does not hold: "assertion.dataHash.mismatch"."""
    signed_by: str | None = None
    signed_at: str | None = None
    """Only where an authority for time stamps vouches for it."""
    generator: str | None = None
    """The program or camera that made the manifest."""
    actions: tuple[CredentialAction, ...] = ()
    ingredients: tuple[CredentialIngredient, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """A picture, upright and in sRGB.

    `width` and `height` are of the full-size upright picture; `pixels` is smaller when the decoder was asked
    for a reduced size, and then `pixel_sha256` is None.
    """

    pixels: Pixels
    name: str
    sha256: str
    pixel_sha256: str | None
    format: str
    byte_size: int
    width: int
    height: int
    embedded: EmbeddedDetails = EmbeddedDetails()
    credentials: ContentCredentials | None = None
    notes: tuple[str, ...] = ()
    """What the decoder had to do that a user may want to know: "first frame of 12", "ICC profile ignored"."""

    @property
    def scale(self) -> float:
        """Decoded pixels per full-size pixel, (0, 1]."""
        return float(self.pixels.shape[1] / self.width)


# ---------------------------------------------------------------- describe


@dataclass(frozen=True, slots=True, eq=False)
class LocalFeatures:
    """RootSIFT keypoints of one picture, strongest first, in full-size coordinates."""

    points: NDArray[np.float32]
    """[n, 2] (x, y)."""
    scales: NDArray[np.float32]
    """[n] keypoint diameters in full-size pixels."""
    angles: NDArray[np.float32]
    """[n] degrees, clockwise in image coordinates as OpenCV gives them."""
    descriptors: NDArray[np.uint8]
    """[n, 128] RootSIFT times 512, rounded and clipped to 255 (Arandjelović & Zisserman 2012)."""

    def __len__(self) -> int:
        return len(self.points)

    def strongest(self, count: int) -> LocalFeatures:
        """The first `count` keypoints."""
        part = slice(count)
        return LocalFeatures(self.points[part], self.scales[part], self.angles[part], self.descriptors[part])


@dataclass(frozen=True, slots=True, eq=False)
class PdqHash:
    """The hash that trust-and-safety systems exchange."""

    bits: NDArray[np.uint8]
    """[32] packed, in the order of its hexadecimal form."""
    quality: int
    """0..100: how much there is in the picture to go by; practice ignores hashes below 50."""


@dataclass(frozen=True, slots=True, eq=False)
class Description:
    """All descriptors of one reference."""

    phash: NDArray[np.uint8]
    """[32] packed 256-bit perceptual hash."""
    embeddings: Mapping[str, NDArray[np.float32]]
    """By descriptor name ("copy", "clip"): unit vectors [d]."""
    local: LocalFeatures
    pdq: PdqHash | None = None


# ---------------------------------------------------------------- search, verify


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reference that may be the original of the query, before verification."""

    reference_id: int
    score: float
    """Fused score, higher is closer; comparable only within one query."""
    phash_bits: int | None = None
    """Hamming distance of the best form, 0..256."""
    similarities: Mapping[str, float] = field(default_factory=dict)
    """Cosine similarity by embedding name."""
    votes: int = 0
    """Keypoints near to the reference's that agree on one geometry."""
    form: Form = "upright"
    """The form of the query that got the votes."""


@dataclass(frozen=True, slots=True, eq=False)
class Verification:
    """What geometry says of one candidate."""

    reference_id: int
    verified: bool
    reason: str
    """Plain words, for a match as well as for a rejection."""
    inliers: int
    matches: int
    confidence: float
    """Calibrated probability that the pair shares a picture (or scene), 0..1."""
    reference_from_query: NDArray[np.float64] | None = None
    form: Form = "upright"
    """The form of the query that fits; mirroring is part of the homography."""
    query_overlap: float = 0.0
    reference_overlap: float = 0.0
    explained: float = 0.0
    """Share of the detail of the query, or of the reference where that is more, that the other one shows."""
    agreeing: NDArray[np.bool_] | None = None
    """[24, 24] over the query: where the two were seen to agree."""
    same_picture: bool = False
    """True: a copy of the reference; False though verified: another photo of the same scene."""


@dataclass(frozen=True, slots=True)
class ReferenceRecord:
    """One trusted picture as the database knows it."""

    reference_id: int
    path: str
    sha256: str
    pixel_sha256: str | None
    byte_size: int
    width: int
    height: int
    format: str
    status: Literal["active", "disabled", "withdrawn", "superseded"]
    """Only what is active is found; "disabled": held by collections that are switched off."""
    source: str | None = None
    title: str | None = None
    creator: str | None = None
    credit: str | None = None
    license: str | None = None
    caption: str | None = None
    captured_at: str | None = None
    ingested_at: str | None = None
    credentials: ContentCredentials | None = None
    """As they were when the file was ingested."""
    other_paths: tuple[str, ...] = ()
    """Further files with the same bytes."""
    collections: tuple[str, ...] = ()
    """Names of the collections that hold it."""


# ---------------------------------------------------------------- compare


@dataclass(frozen=True, slots=True)
class Change:
    """One measured difference, named by its operation but not yet put in words.

    `parameters` are numbers and short words with their unit in the name; each operation's keys are listed in
    `provenance/compare/__init__.py`. `label` is the value of its pixels in `Comparison.labels`, 0 for a
    change of the whole picture.
    """

    operation: Operation
    confidence: float
    parameters: Mapping[str, Any]
    box: Box | None = None
    """Query pixels; None for a change of the whole picture."""
    reference_box: Box | None = None
    text_before: str | None = None
    text_after: str | None = None
    label: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A pair, aligned and measured. Arrays are in the frame of the query at working size.

    `working_scale` is working pixels per full-size query pixel.
    """

    query: Pixels
    """[h, w, 3] the query at working size."""
    reference: Pixels
    """[h, w, 3] the reference warped into the query's frame, tone untouched; black outside `overlap`."""
    replayed: Pixels
    """[h, w, 3] the listed whole-picture edits applied to the reference, in the query's frame."""
    overlap: NDArray[np.bool_]
    """[h, w] where the query shows the reference's area."""
    change_map: NDArray[np.float32]
    """[h, w] strength of the unexplained-by-global-edits difference, 0..1 (0 outside `overlap`)."""
    labels: NDArray[np.int32]
    """[h, w] 0 where unchanged, else `Change.label`."""
    changes: tuple[Change, ...]
    """In the order of a recipe: frame, tone, style, places."""
    working_scale: float
    reference_from_query: NDArray[np.float64]
    """Refined, in full-size pixels."""
    identical_pixels: bool
    query_overlap: float
    reference_overlap: float
    unexplained_fraction: float
    replay_psnr_db: float | None
    """None when the replay equals the query exactly (infinite)."""
    measurements: Mapping[str, float] = field(default_factory=dict)
    """Everything else worth showing, unit in the name: "alignment_error_px", "residual_p99"."""


# ---------------------------------------------------------------- explain, report


@dataclass(frozen=True, slots=True)
class Edit:
    """A change in words: one item of `explanation.edits` in the report."""

    operation: Operation
    category: Category
    sentence: str
    confidence: float
    parameters: Mapping[str, Any]
    box: Box | None = None
    reference_box: Box | None = None
    text_before: str | None = None
    text_after: str | None = None
    step: int = 0
    """Place in the recipe, 1 is done first; 0 where it is not known."""
    label: int = 0
    """Ties the sentence to its pixels in `Comparison.labels`; not part of the JSON."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement about the pair, judged by what was measured.

    kept: a model said it and the pixels bear it; dropped: they do not; added: measured, but left out by the
    model.
    """

    text: str
    status: Literal["kept", "dropped", "added"]
    reason: str
    """Plain words: what bears the claim, or why nothing does."""
    edits: tuple[int, ...] = ()
    """Places in `Explanation.edits` of the edits that bear it."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The plain-language account of a pair."""

    caption: str
    captioner: str
    """Who wrote the caption; a model with its revision."""
    edits: tuple[Edit, ...]
    unexplained_fraction: float
    replay_psnr_db: float | None
    claims: tuple[Claim, ...] = ()
    """What a model said, in its order, then what it left out; empty where no model was asked."""
    notes: tuple[str, ...] = ()
    """What a reader should know of how the caption came about: "the answer was cut off"."""
    answered: bool = True
    """False where a model was asked and gave no answer: the caption is then the measured one."""


@dataclass(frozen=True, slots=True)
class QueryInfo:
    """The query as the user gave it."""

    name: str
    sha256: str
    width: int
    height: int
    error: str | None = None
    embedded: EmbeddedDetails = EmbeddedDetails()
    credentials: ContentCredentials | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """The trusted original that was found, and how."""

    reference: ReferenceRecord
    matched_by: tuple[MatchedBy, ...]
    inliers: int | None
    query_overlap: float
    reference_overlap: float
    reference_from_query: NDArray[np.float64] | None
    confidence: float = 1.0
    """Calibrated probability that the match is right, 0..1."""
    query_box: Box | None = None
    """Where the query shows the reference; None where no homography is known."""
    copies: tuple[str, ...] = ()
    """Paths of further trusted files that show the same picture."""


@dataclass(frozen=True, slots=True)
class CandidateSummary:
    """One line of `candidates` in the report."""

    reference_id: int
    path: str
    score: float
    verified: bool
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The pictures behind a report: for HTML and PNG, never part of the JSON."""

    query: DecodedImage
    reference: DecodedImage
    comparison: Comparison


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What `check` gives for one query; `provenance.report` renders it as JSON, text or HTML."""

    query: QueryInfo
    verdict: Verdict
    confidence: float
    match: Match | None
    candidates: tuple[CandidateSummary, ...]
    explanation: Explanation | None
    timings_ms: Mapping[str, float]
    versions: Mapping[str, str]
    notes: tuple[str, ...] = ()
    """Remarks for the reader: "the original's file is no longer there", "first frame of 12"."""
    evidence: Evidence | None = None
    other_matches: tuple[Match, ...] = ()
    """Further trusted pictures that other parts of the query were taken from, the surest first."""
    language: str = "en"
    """What it is told in; not part of the JSON."""


# ---------------------------------------------------------------- ingest, db


@dataclass(frozen=True, slots=True, eq=False)
class NewReference:
    """A described picture, ready to be stored in one transaction."""

    path: str
    mtime_ns: int
    image: DecodedImage
    description: Description
    thumbnail: bytes
    """WebP, long side at most 320 px."""
    source: str | None = None
    title: str | None = None
    creator: str | None = None
    credit: str | None = None
    license: str | None = None
    caption: str | None = None
    captured_at: str | None = None


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file that a former ingest saw; unchanged size and mtime mean it is not read again."""

    path: str
    reference_id: int
    sha256: str
    byte_size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that ingest left out, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class IngestSummary:
    """What one ingest did; the counts add up to the files seen."""

    added: int = 0
    unchanged: int = 0
    updated: int = 0
    moved: int = 0
    duplicates: int = 0
    skipped: tuple[SkippedFile, ...] = ()
    seconds: float = 0.0

    @property
    def seen(self) -> int:
        """All files the ingest looked at."""
        return self.added + self.unchanged + self.updated + self.moved + self.duplicates + len(self.skipped)


HashKind = Literal["pdq", "phash", "sha256"]
HashLevel = Literal["auto", "suggest", "match"]
"""What trust-and-safety practice does at a distance: act by itself, suggest to a person, call it a match."""


@dataclass(frozen=True, slots=True)
class HashMatch:
    """A trusted picture whose hash is near to one from elsewhere."""

    reference: ReferenceRecord
    bits: int
    """Differing bits of 256."""
    level: HashLevel


@dataclass(frozen=True, slots=True)
class KnownHash:
    """A hash of a trusted picture, to be given away."""

    digits: str
    """64 hexadecimal digits."""
    quality: int | None
    """Of PDQ, 0..100."""
    reference: ReferenceRecord


@dataclass(frozen=True, slots=True)
class DatabaseStats:
    """What `provenance db stats` prints."""

    references: int
    withdrawn: int
    superseded: int
    files: int
    descriptors: Mapping[str, int]
    """"name version" -> count."""
    schema_revision: str
    disabled: int = 0
    bytes_on_disk: int | None = None
    url: str = ""
    home: Path | None = None
