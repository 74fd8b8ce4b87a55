"""Made-up pictures to store: everything is derived from a number, so that equal numbers are equal content."""

from __future__ import annotations

import hashlib

import numpy as np

from provenance.records import DecodedImage, Description, KnownFile, LocalFeatures, NewReference

VERSIONS = {"phash": "1", "local": "1", "copy": "1"}


def some_features(number: int, count: int = 20) -> LocalFeatures:
    rng = np.random.default_rng(number)
    return LocalFeatures(
        points=(rng.random((count, 2)) * 4000).astype(np.float32),
        scales=(rng.random(count) * 40 + 1).astype(np.float32),
        angles=(rng.random(count) * 360).astype(np.float32),
        descriptors=rng.integers(0, 256, (count, 128), dtype=np.uint8),
    )


def some_description(number: int, *, clip: bool = False) -> Description:
    rng = np.random.default_rng(number)
    vectors = {"copy": rng.standard_normal(8)} | ({"clip": rng.standard_normal(4)} if clip else {})
    hashes = rng.integers(0, 256, (8, 32), dtype=np.uint8)
    return Description(
        phash=hashes[0],
        embeddings={key: (v / np.linalg.norm(v)).astype(np.float32) for key, v in vectors.items()},
        local=some_features(number),
    )


def sha256_of(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def picture(number: int, path: str | None = None, **details: str) -> NewReference:
    path = path or f"/photos/{number}.jpg"
    image = DecodedImage(
        pixels=np.zeros((2, 3, 3), np.uint8),
        name=path,
        sha256=sha256_of(number),
        pixel_sha256=sha256_of(-number),
        format="JPEG",
        byte_size=1000 + number,
        width=3000,
        height=2000,
    )
    return NewReference(
        path,
        1_700_000_000_000_000_000 + number,
        image,
        some_description(number),
        b"RIFF%d" % number,
        **details,
    )


def file_of(number: int, reference_id: int, path: str | None = None, *, mtime_ns: int = 5) -> KnownFile:
    return KnownFile(
        path or f"/photos/{number}.jpg", reference_id, sha256_of(number), 1000 + number, mtime_ns
    )
