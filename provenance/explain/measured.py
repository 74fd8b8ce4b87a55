"""The default captioner: it says what was measured and nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence

from provenance.explain.caption import Speaker
from provenance.explain.measures import Frame, number
from provenance.languages import load_language
from provenance.records import Category, Change, Comparison, Edit, Evidence, Explanation, Operation

# What a reader must know first: what was put in or taken out, then words, background, look, framing.
_IMPORTANCE: tuple[tuple[Operation, ...], ...] = (
    ("composite",),
    ("object_added", "object_removed", "object_replaced",
     "object_duplicated", "object_recolored", "object_blurred"),
    ("text_added", "text_removed", "text_changed"),
    ("background_replaced", "background_changed"),
    ("grayscale",),
    ("tone", "color_balance", "brightness", "contrast", "saturation"),
    ("blur", "sharpen", "noise"),
    ("flip", "crop", "rotate", "stretch", "perspective", "pad"),
)  # fmt: skip
_RANKS = {operation: rank for rank, group in enumerate(_IMPORTANCE) for operation in group}


class MeasuredCaptioner:
    """Sentences from the texts of a language, filled with the measured numbers."""

    name = "measured"

    def explain(self, pairs: Sequence[Evidence], *, language: str) -> list[Explanation]:
        """Return, for each pair, a sentence per change, most important first, and a caption of the whole."""
        return [measure(pair.comparison, language=language) for pair in pairs]


def measure(comparison: Comparison, *, language: str = "en") -> Explanation:
    """Say what was measured of one pair. Raises UsageError when the language is unknown."""
    speaker = speak(comparison, language)
    changes = in_order(comparison)
    steps = {id(change): step for step, change in enumerate(comparison.changes, start=1)}
    caption = speaker.caption(
        changes,
        identical=comparison.identical_pixels,
        unexplained_fraction=comparison.unexplained_fraction,
    )
    return Explanation(
        caption=caption,
        captioner=MeasuredCaptioner.name,
        edits=tuple(_put_in_words(change, speaker.sentence(change), steps[id(change)]) for change in changes),
        unexplained_fraction=comparison.unexplained_fraction,
        replay_psnr_db=comparison.replay_psnr_db,
    )


def speak(comparison: Comparison, language: str) -> Speaker:
    """Who says changes of this pair in that language."""
    height, width = comparison.query.shape[:2]
    scale = comparison.working_scale
    return Speaker(load_language(language), Frame(round(width / scale), round(height / scale)))


def in_order(comparison: Comparison) -> list[Change]:
    """The changes as `Explanation.edits` has them, the most important first."""
    return sorted(comparison.changes, key=importance)


def importance(change: Change) -> tuple[int, float, int]:
    """Sort key: the kind of change, then the larger area, then the order of the framing operations."""
    area = number(change, "area_percent") if change.box is not None else None
    group = _IMPORTANCE[_RANKS[change.operation]]
    return _RANKS[change.operation], -(area or 0.0), group.index(change.operation)


def categorize(operation: Operation) -> Category:
    """Return which of the four categories of the DiffTell paper an operation belongs to."""
    if operation.startswith("text_"):
        return "text"
    if operation.startswith("background_") or operation == "composite":
        return "background"
    return "local_object" if operation.startswith("object_") else "image_style"


def _put_in_words(change: Change, sentence: str, step: int) -> Edit:
    confidence = change.confidence if math.isfinite(change.confidence) else 0.0
    return Edit(
        operation=change.operation,
        category=categorize(change.operation),
        sentence=sentence,
        confidence=min(max(confidence, 0.0), 1.0),
        parameters=change.parameters,
        box=change.box,
        reference_box=change.reference_box,
        text_before=change.text_before,
        text_after=change.text_after,
        step=step,
        label=change.label,
    )
