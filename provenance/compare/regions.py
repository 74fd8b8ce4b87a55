"""Local changes of an aligned pair: residual -> regions -> what happened in each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.compare.align import AlignedPair
from provenance.compare.backgrounds import join_background, name_background
from provenance.compare.classify import Finding, classify_region
from provenance.compare.evidence import Evidence, cut_crop, measure_evidence
from provenance.compare.grouping import Region, group_regions, join_lines, join_regions
from provenance.compare.residual import Residual, measure_residual
from provenance.compare.sources import find_source
from provenance.records import Box, Change, Pixels

Mask = NDArray[np.bool_]
MAX_TEXT_PLACES = 3
MAX_COPY_SEARCHES = 4
VACATED = ("object_removed", "object_replaced", "object_recolored")
FAINT = 4.0
"""Mean level shift, smoothed by 4 px, that a change of content exceeds; painting out leaves 8.6 at least."""
FAINT_SHARPENED = 22.0
"""The same in a sharpened picture, where clipping moves dark and light places by up to 16 levels."""
MIN_TEXT_DETAIL = 7.0
"""Mean gradient, levels a pixel, that writing exceeds on at least one side."""


@dataclass(frozen=True, slots=True, eq=False)
class LocalChanges:
    """Where a pair differs beyond whole-picture edits; arrays are [h, w] at working size."""

    labels: NDArray[np.int32]
    """0 unchanged, else `Change.label`."""
    changes: tuple[Change, ...]
    """Most visible first."""
    change_map: NDArray[np.float32]
    """0..1, about 0.2 = just beyond what encoding explains."""
    changed: NDArray[np.bool_]
    """The thresholded difference before grouping."""
    whole_picture_refuted: bool = False
    """A subject looks as in the reference: what seemed a whole-picture edit of tone or sharpness is the
    background's alone, is among `changes` as such, and the caller must drop it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Draft:
    """A region on its way to a Change."""

    region: Region
    finding: Finding
    evidence: Evidence
    box: Box
    """Of the change, working pixels; smaller than the region's for a move."""
    source_box: Box | None = None
    text_before: str | None = None
    text_after: str | None = None


def find_local_changes(
    pair: AlignedPair, predicted: Pixels, *, read_text: bool = True, sharpened: bool = False
) -> LocalChanges:
    """Find and name what was edited locally.

    `predicted` [h, w, 3] is the aligned reference after the whole-picture edits: what the query would be had
    nothing been edited locally. `read_text` compares the words in changed regions, half a second a region;
    `sharpened` pictures must show more, for sharpening clips.
    """
    faintest = FAINT_SHARPENED if sharpened else FAINT
    local = _find(pair, predicted, faintest, read_text=read_text)
    if _leaves_subject(pair, predicted, local):
        plain = _find(pair, pair.reference, faintest, read_text=read_text)
        if any(change.operation == "background_changed" for change in plain.changes):
            return replace(plain, whole_picture_refuted=True)
    return local


def _leaves_subject(pair: AlignedPair, predicted: Pixels, local: LocalChanges) -> bool:
    """Whether what differs from `predicted` is as it was in the reference."""
    labelled = local.labels > 0
    if np.count_nonzero(labelled) < 0.015 * labelled.size:
        return False
    if float(cv2.absdiff(predicted, pair.reference)[labelled].mean()) < 2:
        return False
    plain = measure_residual(pair.query, pair.reference, pair.overlap, error_px=pair.error_px)
    return bool(np.mean(plain.strength[labelled] < 0.7) > 0.6)


def _find(pair: AlignedPair, predicted: Pixels, faintest: float, *, read_text: bool) -> LocalChanges:
    residual = measure_residual(
        pair.query, predicted, pair.overlap, error_px=pair.error_px, unedited=pair.reference
    )
    regions = group_regions(residual)
    unchanged = _unchanged(pair.overlap, regions)
    drafts = [_draft(pair, predicted, region, unchanged, residual) for region in regions]
    drafts = _join_background(pair, predicted, drafts, residual)
    drafts = _drop_faint(pair.query, predicted, drafts, faintest)
    if read_text:
        drafts = _read_text(pair, predicted, drafts)
    drafts = _find_copies(pair, predicted, drafts)
    labels = np.zeros(pair.overlap.shape, np.int32)
    for label, draft in enumerate(drafts, start=1):
        labels[draft.region.mask] = label
    changes = tuple(_change(draft, label, pair) for label, draft in enumerate(drafts, start=1))
    strength = np.where(pair.overlap, residual.strength, 0)
    change_map = np.clip((strength - 0.3) / 3.7, 0, 1).astype(np.float32)
    return LocalChanges(labels, changes, change_map, residual.changed)


def _drop_faint(query: Pixels, predicted: Pixels, drafts: list[_Draft], floor: float) -> list[_Draft]:
    """Leave out regions whose levels agree but for their finest structure; hiding is about just that."""
    if all(draft.finding.operation == "object_blurred" for draft in drafts):
        return drafts
    query_levels, predicted_levels = (
        cv2.GaussianBlur(side, (0, 0), 4.0).astype(np.float32) for side in (query, predicted)
    )
    shift = np.abs(query_levels - predicted_levels).max(axis=2)
    return [
        draft
        for draft in drafts
        if draft.finding.operation == "object_blurred" or shift[draft.region.mask].mean() >= floor
    ]


def _unchanged(overlap: Mask, regions: list[Region]) -> Mask:
    """The overlap without the regions and the rim that edits blend over."""
    if not regions:
        return overlap
    changed = np.any([region.mask for region in regions], axis=0).astype(np.uint8)
    rim = cv2.dilate(changed, np.ones((5, 5), np.uint8)) > 0
    return np.asarray(overlap & ~rim, np.bool_)


def _draft(
    pair: AlignedPair, predicted: Pixels, region: Region, unchanged: Mask, residual: Residual
) -> _Draft:
    crop = cut_crop(pair.query, predicted, region.mask, unchanged, region.box)
    evidence = measure_evidence(crop)
    finding = classify_region(crop, evidence, full_scale=1 / pair.working_scale)
    if finding.operation == "object_replaced":
        finding = _judge_core(pair, predicted, region, unchanged, residual) or finding
    return _Draft(region, finding, evidence, region.box)


def _judge_core(
    pair: AlignedPair, predicted: Pixels, region: Region, unchanged: Mask, residual: Residual
) -> Finding | None:
    """What happened in the strong middle of a region whose wide rim differs faintly.

    Generative editors redraw the surroundings of what they add or take away. None where there is no such
    middle, or where it does not tell.
    """
    strength = np.where(region.mask, residual.strength, 0)
    bar = 0.4 * float(np.quantile(strength[region.mask], 0.95))
    core = cv2.morphologyEx((strength > bar).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)) > 0
    share = float(core.sum() / region.mask.sum())
    if not 0.05 < share < 0.6:
        return None
    near = cv2.dilate(core.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    crop = cut_crop(pair.query, predicted, core, (unchanged | region.mask) & ~near, _bounds(core))
    finding = classify_region(crop, measure_evidence(crop), full_scale=1 / pair.working_scale)
    surely_removed = finding.operation == "object_removed" and finding.confidence > 0.85
    if finding.operation != "object_added" and not surely_removed:
        return None
    return replace(finding, confidence=0.8 * finding.confidence)


def _join_background(
    pair: AlignedPair, predicted: Pixels, drafts: list[_Draft], residual: Residual
) -> list[_Draft]:
    """Replace the regions that together are the background by one change."""
    operations = [draft.finding.operation for draft in drafts]
    regions = [draft.region for draft in drafts]
    joined = join_background(regions, operations, residual, predicted, pair.overlap)
    if joined is None:
        return drafts
    mask, members = joined
    region = Region(mask, _bounds(mask), sum(drafts[place].region.weight for place in members))
    crop = cut_crop(pair.query, predicted, mask, _unchanged(pair.overlap, [region]), region.box)
    evidence = measure_evidence(crop)
    finding = classify_region(crop, evidence, full_scale=1 / pair.working_scale)
    whole = _Draft(region, name_background(finding, evidence, crop), evidence, region.box)
    return [whole, *(draft for place, draft in enumerate(drafts) if place not in members)]


def _read_text(pair: AlignedPair, predicted: Pixels, drafts: list[_Draft]) -> list[_Draft]:
    """Give regions whose words differ their text operation; only the few likeliest places are read."""
    from provenance.compare.text import MIN_EXPLAINED, compare_text, explained_share

    likely = [place for place, draft in enumerate(drafts) if _may_hold_text(draft)]
    groups = [[likely[k] for k in group] for group in join_lines([drafts[place].box for place in likely])]
    groups.sort(key=lambda group: -max(_stroke_contrast(drafts[place].evidence) for place in group))
    read, gone = list(drafts), set[int]()
    for group in groups[:MAX_TEXT_PLACES]:
        members = [drafts[place].region for place in group]
        joined = join_regions(members)
        text = compare_text(pair.query, predicted, joined.mask, joined.box)
        if text is None:
            continue
        written = [
            place
            for place in group
            if explained_share(drafts[place].region.mask, drafts[place].box, text.boxes) > MIN_EXPLAINED
        ]
        if not written:
            continue
        first = drafts[written[0]]
        region = join_regions([drafts[place].region for place in written])
        read[written[0]] = replace(
            first,
            region=region,
            box=region.box,
            finding=Finding(text.operation, text.confidence, {}),
            text_before=text.before,
            text_after=text.after,
        )
        gone.update(written[1:])
    return [draft for place, draft in enumerate(read) if place not in gone]


def _stroke_contrast(evidence: Evidence) -> float:
    return max(evidence.q_detail, evidence.p_detail)


def _may_hold_text(draft: _Draft) -> bool:
    """A cheap test before the dear reading: strokes need size and contrast."""
    e, (x0, y0, x1, y1) = draft.evidence, draft.box
    wanted = ("object_added", "object_removed", "object_replaced", "object_recolored")
    if draft.finding.operation not in wanted or max(x1 - x0, y1 - y0) < 8:
        return False
    floor = MIN_TEXT_DETAIL if draft.finding.operation != "object_recolored" else 2 * MIN_TEXT_DETAIL
    return _stroke_contrast(e) > floor


def _find_copies(pair: AlignedPair, predicted: Pixels, drafts: list[_Draft]) -> list[_Draft]:
    """Turn added objects whose content lies elsewhere in the original into copies, or moves."""
    found, gone = list(drafts), set[int]()
    for place, draft in enumerate(drafts[:MAX_COPY_SEARCHES]):
        if draft.finding.operation not in ("object_added", "object_replaced") or place in gone:
            continue
        vacated = [other.box for other in drafts if other.finding.operation in VACATED]
        region = draft.region
        source = find_source(pair.query, predicted, region.mask, region.box, vacated=vacated)
        if source is None:
            continue
        left = [
            other
            for other, candidate in enumerate(drafts)
            if other != place and other not in gone and _lies_in(candidate.box, source)
        ]
        mask = draft.region.mask
        for other in left:
            # What was left behind belongs to the same change: one move, not a copy and a removal.
            mask = mask | drafts[other].region.mask
        gone.update(left)
        finding = Finding("object_duplicated", 0.9, {"moved": bool(left)})
        found[place] = replace(
            draft, region=replace(draft.region, mask=mask), finding=finding, source_box=source
        )
    return [draft for place, draft in enumerate(found) if place not in gone]


def _lies_in(box: Box, source: Box) -> bool:
    """Whether two boxes cover nearly the same place."""
    width = min(box[2], source[2]) - max(box[0], source[0])
    height = min(box[3], source[3]) - max(box[1], source[1])
    if width <= 0 or height <= 0:
        return False
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (box, source)]
    return width * height > 0.5 * max(areas)


def _change(draft: _Draft, label: int, pair: AlignedPair) -> Change:
    """Put a draft in full-size pixels."""
    parameters: dict[str, Any] = {
        "area_percent": round(100 * float(draft.region.mask.mean()), 2),
        "difference_levels": round(draft.evidence.difference, 1),
        **draft.finding.parameters,
    }
    if draft.source_box is not None:
        parameters["source_box"] = list(_full_box(draft.source_box, pair))
    box = _full_box(draft.box, pair)
    return Change(
        operation=draft.finding.operation,
        confidence=round(draft.finding.confidence, 3),
        parameters=parameters,
        box=box,
        reference_box=_reference_box(box, pair),
        text_before=draft.text_before,
        text_after=draft.text_after,
        label=label,
    )


def _full_box(box: Box, pair: AlignedPair) -> Box:
    """Working pixels -> full-size query pixels."""
    h, w = pair.overlap.shape
    width, height = round(w / pair.working_scale), round(h / pair.working_scale)
    x0, y0, x1, y1 = (value / pair.working_scale for value in box)
    return int(x0), int(y0), min(width, int(np.ceil(x1))), min(height, int(np.ceil(y1)))


def _reference_box(box: Box, pair: AlignedPair) -> Box | None:
    """The bounds of a query box in the reference, clipped to it; None where it lies outside."""
    x0, y0, x1, y1 = box
    corners = np.array([[[x0, y0], [x1 - 1, y0], [x1 - 1, y1 - 1], [x0, y1 - 1]]], np.float64)
    points = cv2.perspectiveTransform(corners, pair.reference_from_query)[0]
    h, w = pair.reference_full.shape[:2]
    low = np.clip(np.floor(points.min(axis=0)), 0, [w, h])
    high = np.clip(np.ceil(points.max(axis=0)) + 1, 0, [w, h])
    if np.any(high <= low):
        return None
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _bounds(mask: Mask) -> Box:
    x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
    return int(x), int(y), int(x + w), int(y + h)
