"""Faces in changed regions: the one thing that is named, where the detector is sure of the sides concerned.

CenterFace (Xu et al. 2019, arXiv:1911.03599), one small ONNX file in the package, run by onnxruntime on the
CPU. The face of a statue or on a poster is one too: the picture of a face is all that can be seen.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.errors import ModelError
from provenance.records import Box, Change, Operation, Pixels

MODEL_FILE = Path(__file__).parent / "models" / "centerface.onnx"
SURE = 0.75
"""Score from which a face is said to be there: 139 in 713 photos, none wrong (benchmarks/faces.py)."""
ABSENT = 0.4
"""Score below which a face is said not to be there."""
_MAIN_SHARE = 0.2
"""A face that fills less of a region is a part of what was changed, not the thing itself."""
_INSIDE = 0.5
"""Share of a face, or of the region, that the other must cover for the face to belong to the region."""
_OVERLAP = 0.3
"""Non-maximum suppression, and the least overlap (intersection over union) of the same face on both sides."""
_STRIDE, _MULTIPLE = 4, 32
"""Of the network's output grid, and of the sides of its input."""
_SIDES_PX = (224, 640)
"""Long side that a region is looked at with: small faces are enlarged, large ones need no more."""
_MAX_ENLARGEMENT = 3.0
_CONTEXT = 0.6
"""Surroundings looked at on each side of a region, of its longer side."""

_NAMED: frozenset[Operation] = frozenset(
    {"object_added", "object_removed", "object_replaced", "object_blurred"}
)


@dataclass(frozen=True, slots=True)
class Face:
    """A face [x0, y0, x1, y1] in pixels, and how sure the detector is, 0..1."""

    box: NDArray[np.float32]
    score: float

    @property
    def area(self) -> float:
        """Pixels."""
        return float(np.prod(self.box[2:] - self.box[:2]))


def name_faces(
    changes: Sequence[Change], query: Pixels, reference: Pixels, labels: NDArray[np.int32]
) -> tuple[Change, ...]:
    """Add `noun` to the changes that are of a face: "face", or "with_face" where it is only a part.

    `query`, `reference` (aligned) and `labels` are at working size.
    """
    return tuple(
        _name(change, query, reference, labels) if change.operation in _NAMED and change.label else change
        for change in changes
    )


def detect_faces(pixels: Pixels, *, least: float = SURE) -> list[Face]:
    """Find faces of about 12 px and more in uint8 [h, w, 3], the surest first."""
    height, width = pixels.shape[:2]
    size = tuple(max(-(-side // _MULTIPLE), 1) * _MULTIPLE for side in (width, height))
    blob = cv2.dnn.blobFromImage(np.ascontiguousarray(pixels), 1.0, size)
    score, extent, offset = _session().run(None, {"input.1": blob})
    rows, columns = np.nonzero(score[0, 0] >= least)
    found = score[0, 0, rows, columns]
    tall, wide = (np.exp(extent[0, axis, rows, columns]) * _STRIDE for axis in (0, 1))
    y, x = (
        (place + offset[0, axis, rows, columns] + 0.5) * _STRIDE for axis, place in enumerate((rows, columns))
    )
    scale = np.array([width / size[0], height / size[1]] * 2, np.float32)
    boxes = np.stack([x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2], axis=1) * scale
    faces = [Face(box, float(sure)) for box, sure in zip(boxes.astype(np.float32), found, strict=True)]
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if all(_overlap(face, other) < _OVERLAP for other in kept):
            kept.append(face)
    return kept


def _name(change: Change, query: Pixels, reference: Pixels, labels: NDArray[np.int32]) -> Change:
    region = labels == change.label
    window = _window(region)
    if window is None:
        return change
    now, before = (_faces_of(side, region, window) for side in (query, reference))
    noun = _choose(change.operation, now, before, float(region.sum()))
    return replace(change, parameters={**change.parameters, "noun": noun}) if noun else change


def _choose(operation: Operation, now: Sequence[Face], before: Sequence[Face], region: float) -> str:
    """The noun that both sides bear out, or "" for none."""
    there, gone = ([face for face in side if face.score >= SURE] for side in (now, before))
    if operation == "object_added":
        faces = [face for face in there if not _seen(face, before, ABSENT)]
    elif operation == "object_removed":
        faces = [face for face in gone if not _seen(face, now, ABSENT)]
    elif operation == "object_replaced":
        faces = [face for face in there if _seen(face, gone, SURE)]
    else:
        faces = gone
    if len(faces) != 1:
        return ""
    if faces[0].area >= _MAIN_SHARE * region:
        return "face"
    return "with_face" if operation in ("object_added", "object_removed") else ""


def _seen(face: Face, others: Sequence[Face], least: float) -> bool:
    return any(other.score >= least and _overlap(face, other) >= _OVERLAP for other in others)


def _faces_of(side: Pixels, region: NDArray[np.bool_], window: Box) -> list[Face]:
    """The faces that belong to a region, from the score of doubt on, in working pixels."""
    x0, y0, x1, y1 = window
    crop = side[y0:y1, x0:x1]
    long = max(crop.shape[:2])
    scale = (
        min(max(_SIDES_PX[0] / long, 1.0), _MAX_ENLARGEMENT) if long < _SIDES_PX[1] else _SIDES_PX[1] / long
    )
    if scale != 1.0:
        how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        crop = np.asarray(cv2.resize(crop, None, fx=scale, fy=scale, interpolation=how), np.uint8)
    corner = np.array([x0, y0] * 2, np.float32)
    faces = (Face(face.box / scale + corner, face.score) for face in detect_faces(crop, least=ABSENT))
    return [face for face in faces if _belongs(face, region)]


def _belongs(face: Face, region: NDArray[np.bool_]) -> bool:
    x0, y0, x1, y1 = np.maximum(np.rint(face.box), 0).astype(int)
    shared = float(region[y0:y1, x0:x1].sum())
    return shared >= _INSIDE * min(face.area, float(region.sum()))


def _window(region: NDArray[np.bool_]) -> Box | None:
    """The region with its surroundings, inside the picture; None where there is no such region."""
    rows, columns = np.nonzero(region.any(axis=1))[0], np.nonzero(region.any(axis=0))[0]
    if not len(rows):
        return None
    x0, y0, x1, y1 = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    margin = round(_CONTEXT * max(x1 - x0, y1 - y0))
    height, width = region.shape
    return max(x0 - margin, 0), max(y0 - margin, 0), min(x1 + margin, width), min(y1 + margin, height)


def _overlap(one: Face, other: Face) -> float:
    """Intersection over union."""
    low, high = np.maximum(one.box[:2], other.box[:2]), np.minimum(one.box[2:], other.box[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    return shared / max(one.area + other.area - shared, 1e-9)


@functools.cache
def _session() -> Any:
    """The detector, loaded when first used. Raises ModelError when the model file is missing or damaged."""
    import onnxruntime
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf

    cure = "reinstall the package with 'pip install --force-reinstall'"
    if not MODEL_FILE.is_file():
        raise ModelError(f"{str(MODEL_FILE)!r} is missing: {cure}")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(
            MODEL_FILE.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    except (Fail, InvalidGraph, InvalidProtobuf) as error:
        raise ModelError(f"{str(MODEL_FILE)!r} is damaged: {cure}") from error
