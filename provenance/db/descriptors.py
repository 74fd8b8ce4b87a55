"""Descriptions -> blobs by descriptor name, and back.

"phash"     32 bytes of packed bits
"pdq"       the same, and a byte of quality
"local"     see features.py
any other   an embedding: a unit vector as little-endian float16
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.db.features import pack_features, unpack_features
from provenance.errors import DatabaseError
from provenance.records import Description

HASH_BYTES = 32


def pack_description(description: Description, names: Mapping[str, str]) -> dict[str, bytes]:
    """Return the blobs of a description for the descriptors in `names` (name -> version).

    Raises DatabaseError when one of them is not in the description.
    """
    blobs = {
        "phash": np.ascontiguousarray(description.phash, np.uint8).tobytes(),
        "local": pack_features(description.local),
    }
    if description.pdq is not None:
        blobs["pdq"] = description.pdq.bits.tobytes() + bytes([description.pdq.quality])
    for name, vector in description.embeddings.items():
        blobs[name] = np.asarray(vector).astype("<f2").tobytes()
    if missing := set(names) - set(blobs):
        raise DatabaseError(f"nothing to store for the descriptor {min(missing)!r}: it was not computed")
    return {name: blobs[name] for name in names}


def unpack_vectors(name: str, blobs: Sequence[bytes]) -> NDArray[Any]:
    """Return hashes uint8 [n, 32], or embeddings as unit vectors float32 [n, d].

    Raises DatabaseError when the blobs are damaged or of different lengths.
    """
    lengths = {len(blob) for blob in blobs}
    if len(lengths) > 1 or not all(lengths):
        raise DatabaseError(f"stored descriptors {name!r} are damaged: lengths {sorted(lengths)}")
    data = b"".join(blobs)
    if name in ("phash", "pdq"):
        length = HASH_BYTES + (name == "pdq")
        if lengths - {length}:
            raise DatabaseError(f"a stored hash is damaged: {lengths.pop()} bytes instead of {length}")
        return np.frombuffer(data, np.uint8).reshape(len(blobs), length)[:, :HASH_BYTES]
    if len(data) % 2:
        raise DatabaseError(f"stored descriptors {name!r} are damaged: an odd number of bytes")
    vectors = np.frombuffer(data, "<f2").astype(np.float32).reshape(len(blobs), -1)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    # Float16 moves the length of a unit vector by less than a thousandth.
    if not np.all(np.abs(norms - 1) < 0.01):
        raise DatabaseError(f"stored descriptors {name!r} are damaged: no unit vectors")
    return np.asarray(vectors / norms, np.float32)


def check_blob(name: str, blob: bytes) -> None:
    """Raise DatabaseError when a blob cannot be read as the descriptor `name`."""
    if name == "local":
        unpack_features(blob)
    else:
        unpack_vectors(name, [blob])
