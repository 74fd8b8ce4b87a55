"""Compare a verified pair: align, then framing, tone, style, local changes, and the replay that checks."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.compare.align import AlignedPair, align
from provenance.compare.faces import name_faces
from provenance.compare.framing import Framing, describe_framing, with_border
from provenance.compare.motion import Motion, jacobian
from provenance.compare.quantized import find_palette, lift_quantization, lift_steps
from provenance.compare.regions import LocalChanges, find_local_changes
from provenance.compare.replay import psnr_db, replay
from provenance.compare.style import StyleFit, fit_style
from provenance.compare.tone import ToneFit, fit_tone
from provenance.compare.warp import Frame, Picture, size_of, to_working_size, warp
from provenance.records import Change, Comparison, DecodedImage, Pixels

HALO = 0.012
"""How far beyond a change its encoding noise reaches, of the long side."""
SPECK = 0.0005
"""Changed parts smaller than this share of the overlap are specks."""
WHOLE_PICTURE = 0.3
"""Share of the pixels beyond which more than a palette and local edits is at work."""


def compare(
    query: DecodedImage,
    reference: DecodedImage,
    reference_from_query: NDArray[np.float64],
    *,
    side_px: int = 1024,
    read_text: bool = True,
    find_faces: bool = True,
) -> Comparison:
    """Name and measure every difference between a query and its verified reference.

    `reference_from_query` is a homography of keypoint precision, full-size pixels; it is refined here.
    Pictures are compared with their long side at most `side_px`; `read_text` reads words in changed regions
    (OCR), `find_faces` looks whether what was changed there is a face.
    """
    if query.pixels.shape == reference.pixels.shape and np.array_equal(query.pixels, reference.pixels):
        return _identical(query, side_px)
    pair = align(query, reference, reference_from_query, side_px=side_px)
    framing = describe_framing(pair)
    seen = pair.query
    palette = find_palette(query.pixels)
    if palette is not None:
        lifted = lift_quantization(seen, pair.reference, palette)
        if np.mean(np.any(lifted != pair.reference, axis=2)) < WHOLE_PICTURE:
            pair = replace(pair, query=lifted)
    tone = fit_tone(pair.reference, pair.query, pair.overlap)
    close = _look_closer(pair, query, reference) if palette is None else pair
    style = _style(close, reference, tone)
    blurs = [change for change in style.changes if change.operation == "blur"]
    if blurs:
        # A strong blur takes contrast from texture: fit the tone again on equally blurred sides.
        blurred = replay(pair.reference, blurs, working_scale=pair.working_scale)
        tone = fit_tone(blurred, pair.query, pair.overlap)
        style = _style(close, reference, tone)
    whole = (*framing.changes, *tone.changes, *style.changes)
    replayed = replay(pair.reference, whole, working_scale=pair.working_scale)
    if framing.fill is not None:
        pair, replayed = with_border(pair, replayed, framing.fill)
    pair = replace(pair, query=_without_steps(seen, pair, replayed, palette, tone))
    sharpened = any(change.operation == "sharpen" for change in style.changes)
    local = find_local_changes(pair, replayed, read_text=read_text, sharpened=sharpened)
    if local.whole_picture_refuted:
        whole, replayed = framing.changes, pair.reference
    if find_faces:
        local = replace(local, changes=name_faces(local.changes, seen, pair.reference, local.labels))
    measurements = {
        "alignment_error_px": round(pair.error_px, 3),
        "alignment_agreement": round(pair.agreement, 3),
        "tone_misfit_levels": round(tone.misfit_levels, 2),
        "untouched_misfit_levels": round(tone.untouched_misfit_levels, 2),
        "sharpness_ratio": round(style.sharpness_ratio, 3),
        "added_noise_levels": round(style.noise_levels, 2),
    }
    return Comparison(
        query=seen,
        reference=pair.reference,
        replayed=replayed,
        overlap=pair.overlap,
        change_map=local.change_map,
        labels=local.labels,
        changes=(*whole, *_within(local.changes, pair, framing)),
        working_scale=pair.working_scale,
        reference_from_query=pair.reference_from_query,
        identical_pixels=False,
        query_overlap=framing.query_overlap,
        reference_overlap=framing.reference_overlap,
        unexplained_fraction=_unexplained(pair, local),
        replay_psnr_db=psnr_db(seen, replayed, pair.overlap & (local.labels == 0)),
        measurements=measurements,
    )


def _without_steps(
    seen: Pixels,
    pair: AlignedPair,
    replayed: Pixels,
    palette: NDArray[np.float32] | None,
    tone: ToneFit,
) -> Pixels:
    """The query as replayed wherever few colours or few levels are reason enough for how it looks."""
    if palette is not None:
        return lift_quantization(seen, replayed, palette)
    steps = next((c.parameters for c in tone.changes if c.parameters.get("kind") == "posterized"), None)
    return lift_steps(seen, replayed, pair.reference, steps) if steps is not None else seen


def _look_closer(pair: AlignedPair, query: DecodedImage, reference: DecodedImage) -> AlignedPair:
    """A tile from the middle of the overlap at the decoded resolution, where working size is much smaller.

    What is three pixels wide in a large picture is not seen in a small copy.
    """
    decoded = (query.pixels.shape[1], query.pixels.shape[0])
    side = max(pair.query.shape[:2])
    if side > 0.8 * max(decoded) or not pair.overlap.any():
        return pair
    rows, columns = np.nonzero(pair.overlap)
    middle = np.array([columns.mean(), rows.mean()]) * max(decoded) / side
    size = np.minimum(side, decoded)
    x, y = np.clip(middle - size / 2, 0, np.array(decoded) - size).astype(int)
    tile = query.pixels[y : y + size[1], x : x + size[0]]
    shift = np.eye(3)
    shift[:2, 2] = np.array([x, y]) / query.scale
    motion = Motion("homography", pair.reference_from_query @ shift, np.zeros(0, np.bool_), pair.error_px)
    full_size = (round(size[0] / query.scale), round(size[1] / query.scale))
    warped, overlap = warp(Picture.of(reference), motion, Frame(full_size, (int(size[0]), int(size[1]))))
    return replace(
        pair,
        query=np.ascontiguousarray(tile),
        reference=warped,
        overlap=overlap,
        model=motion.model,
        reference_from_query=motion.reference_from_query,
        query_size=full_size,
        working_scale=query.scale,
    )


def _style(pair: AlignedPair, reference: DecodedImage, tone: ToneFit) -> StyleFit:
    """Style after tone; noise only where careless resizing would not have made as much of it."""
    if any(change.parameters.get("kind") == "posterized" for change in tone.changes):
        return StyleFit((), 1.0, 0.0)
    enlarged = _enlargement(pair)

    def fit(pixels: Pixels) -> StyleFit:
        # A close look has another centre than the picture, and a vignette is no style anyway.
        toned = replay(pixels, [c for c in tone.changes if c.parameters.get("kind") != "vignette"])
        return fit_style(toned, pair.query, pair.overlap, working_scale=pair.working_scale, enlarged=enlarged)

    style = fit(pair.reference)
    if enlarged > 0.95 or not any(change.operation == "noise" for change in style.changes):
        return style
    motion = Motion(pair.model, pair.reference_from_query, np.zeros(0, np.bool_), pair.error_px)
    frame = Frame(pair.query_size, size_of(pair.query))
    skipped, _ = warp(Picture.of(reference), motion, frame, low_pass=False)
    if any(change.operation == "noise" for change in fit(skipped).changes):
        return style
    kept = tuple(change for change in style.changes if change.operation != "noise")
    return replace(style, changes=kept)


def _identical(query: DecodedImage, side_px: int) -> Comparison:
    """The result for equal pixels: nothing to measure."""
    small = to_working_size(query, side_px)
    shape = small.shape[:2]
    return Comparison(
        query=small,
        reference=small,
        replayed=small,
        overlap=np.ones(shape, np.bool_),
        change_map=np.zeros(shape, np.float32),
        labels=np.zeros(shape, np.int32),
        changes=(),
        working_scale=small.shape[1] / query.width,
        reference_from_query=np.eye(3),
        identical_pixels=True,
        query_overlap=1.0,
        reference_overlap=1.0,
        unexplained_fraction=0.0,
        replay_psnr_db=None,
    )


def _enlargement(pair: AlignedPair) -> float:
    """Working pixels that a pixel of the decoded reference takes along a side."""
    centre = (np.array(pair.query_size, np.float64) - 1) / 2
    linear = jacobian(pair.reference_from_query, centre)
    decoded = pair.reference_full.shape[1] / pair.reference_size[0]
    reference_per_query = float(np.sqrt(abs(np.linalg.det(linear)))) * decoded
    return float(pair.working_scale / max(reference_per_query, 1e-6))


def _within(changes: tuple[Change, ...], pair: AlignedPair, framing: Framing) -> tuple[Change, ...]:
    """Local changes on an added border have no place in the reference."""
    bordered = any(change.operation == "pad" for change in framing.changes)
    if not bordered:
        return changes
    box = next(change.box for change in framing.changes if change.operation == "pad")
    kept = []
    for change in changes:
        outside = box is not None and change.box is not None and not _overlap(change.box, box)
        kept.append(replace(change, reference_box=None) if outside else change)
    return tuple(kept)


def _overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _unexplained(pair: AlignedPair, local: LocalChanges) -> float:
    """Share of the overlap's changed pixels that no local change accounts for.

    The halo that encoding leaves around a change belongs to it. Specks that no person would call a change are
    not counted, and where no place is worth naming none is left unexplained.
    """
    if not local.changes:
        return 0.0
    changed = local.changed & pair.overlap
    reach = max(3, round(HALO * max(changed.shape)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    near = cv2.dilate((local.labels > 0).astype(np.uint8), disc) > 0
    _, _, stats, _ = cv2.connectedComponentsWithStats((changed & ~near).astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    left = int(areas[areas >= SPECK * pair.overlap.sum()].sum())
    total = left + int((changed & near).sum())
    return round(left / total, 4) if total else 0.0
