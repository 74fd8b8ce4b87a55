"""The manifest store of a file is found in every format, and other readers take it."""

from __future__ import annotations

import io
import json
import random

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("c2pa", reason="needs the extra c2pa")
pytest.importorskip("cryptography", reason="the tests sign with the package cryptography")

import c2pa

from provenance.decode import CredentialReader, active_manifest, decode, find_store
from tests.decode.pictures import encoded, gradient
from tests.decode.signing import OPENED, sign


def manifests(store: bytes) -> tuple[str, int]:
    """The active manifest of a store as c2pa reads it alone, and how many there are."""
    with c2pa.Reader("application/c2pa", io.BytesIO(store)) as reader:
        told = json.loads(reader.json())
    return told["active_manifest"], len(told["manifests"])


@pytest.mark.parametrize(
    ("picture_format", "mime_type"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp"), ("TIFF", "image/tiff"),
     ("AVIF", "image/avif")],
)  # fmt: skip
def test_a_store_is_found_and_read_by_others(picture_format: str, mime_type: str) -> None:
    data = sign(encoded(gradient(), picture_format), mime_type)
    credentials = CredentialReader().attach(decode(data), data).credentials
    store = find_store(data)
    assert credentials is not None
    assert store is not None
    assert manifests(store) == (credentials.manifest_id, 1)


def test_a_store_of_many_segments_is_put_together() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (1200, 1200, 3), dtype=np.uint8)
    parent = sign(encoded(Image.fromarray(noise), "JPEG", quality=95))
    data = sign(encoded(gradient(), "JPEG"), actions=[OPENED], parent=parent)
    store = find_store(data)
    assert store is not None
    assert len(store) > 2 * 65_536
    name, count = manifests(store)
    assert count == 2
    alone = active_manifest(store)
    assert alone is not None
    assert name.encode() in alone
    assert len(alone) < len(store)


def test_a_file_without_or_with_a_damaged_store_has_none() -> None:
    plain, data = encoded(gradient(), "JPEG"), sign(encoded(gradient(), "JPEG"))
    assert find_store(plain) is None
    assert find_store(b"") is None
    assert find_store(data[: len(data) // 3]) is None
    dice = random.Random(2)
    for _ in range(300):
        broken = bytearray(data)
        for _ in range(5):
            broken[dice.randrange(len(broken) // 2)] = dice.randrange(256)
        store = find_store(bytes(broken))
        if store is not None:
            active_manifest(store)
    assert active_manifest(b"") is None
    assert active_manifest(b"\0\0\0\x10jumb" + b"\0" * 8) is None
