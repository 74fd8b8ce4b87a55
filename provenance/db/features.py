"""Local features -> one blob and back: a small header, then plain little-endian arrays; never pickle.

header       magic "PLF1", uint32 number of keypoints, uint32 CRC-32 of the body
points       float32 [n, 2]
scales       float16 [n]
angles       uint16  [n], 1/65536 of a turn
descriptors  uint8   [n, 128]
"""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise

import numpy as np

from provenance.errors import DatabaseError
from provenance.records import LocalFeatures

_HEADER = struct.Struct("<4sII")
_MAGIC = b"PLF1"
_DESCRIPTOR_BYTES = 128
_KEYPOINT_BYTES = 8 + 2 + 2 + _DESCRIPTOR_BYTES
_ANGLE_STEPS = 1 << 16
_LARGEST_SCALE = float(np.finfo(np.float16).max)


def pack_features(features: LocalFeatures) -> bytes:
    """Pack keypoints into 140 bytes each: points exact, scales to 0.05 %, angles to 0.003 degrees."""
    turns = np.rint(features.angles.astype(np.float64) / 360.0 * _ANGLE_STEPS) % _ANGLE_STEPS
    body = b"".join(
        (
            features.points.astype("<f4").tobytes(),
            np.minimum(features.scales, _LARGEST_SCALE).astype("<f2").tobytes(),
            turns.astype("<u2").tobytes(),
            features.descriptors.astype(np.uint8).tobytes(),
        )
    )
    if len(body) != len(features) * _KEYPOINT_BYTES:
        raise ValueError(f"{len(features)} keypoints, but {len(body)} bytes of them")
    return _HEADER.pack(_MAGIC, len(features), zlib.crc32(body)) + body


def unpack_features(blob: bytes) -> LocalFeatures:
    """Unpack what `pack_features` made. Raises DatabaseError when the blob is damaged."""
    if len(blob) < _HEADER.size:
        raise DatabaseError("stored keypoints are damaged: no header")
    magic, count, checksum = _HEADER.unpack_from(blob)
    body = memoryview(blob)[_HEADER.size :]
    if magic != _MAGIC or len(body) != count * _KEYPOINT_BYTES or zlib.crc32(body) != checksum:
        raise DatabaseError("stored keypoints are damaged: length or checksum differs")
    ends = np.cumsum([0, 8, 2, 2, _DESCRIPTOR_BYTES]) * count
    points, scales, turns, descriptors = (body[start:end] for start, end in pairwise(ends.tolist()))
    angles = np.frombuffer(turns, "<u2").astype(np.float64) * (360.0 / _ANGLE_STEPS)
    return LocalFeatures(
        points=np.frombuffer(points, "<f4").astype(np.float32).reshape(count, 2),
        scales=np.frombuffer(scales, "<f2").astype(np.float32),
        angles=angles.astype(np.float32),
        descriptors=np.frombuffer(descriptors, np.uint8).reshape(count, _DESCRIPTOR_BYTES).copy(),
    )
