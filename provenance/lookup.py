"""Hashes from elsewhere -> trusted pictures, and the hashes of trusted pictures to give away.

For exchange with trust-and-safety systems: PDQ, the own perceptual hash, sha256. A hash match says that two
pictures look alike as a whole; `check` is what proves it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

import numpy as np

from provenance.db import Database
from provenance.describe import pdq_hash
from provenance.describe.hashes import perceptual_hash
from provenance.errors import UsageError
from provenance.records import DecodedImage, HashKind, HashLevel, HashMatch, KnownHash
from provenance.search import Searcher

MATCH_BITS, SUGGEST_BITS, AUTO_BITS = 31, 28, 12
"""Differing bits at most: practice of trust-and-safety systems with PDQ."""
MIN_QUALITY = 50
"""A PDQ of less quality is of a picture with too little in it: systems ignore it, and so does this module."""

_DIGITS = 64
_AT_ONCE = 500


def parse_hash(text: str) -> str:
    """A hash as 64 lower-case hexadecimal digits. Raises UsageError for any other text."""
    digits = text.strip().lower()
    if len(digits) != _DIGITS or set(digits) - set("0123456789abcdef"):
        shown = ascii(text if len(text) < 80 else f"{text[:77]}...")
        raise UsageError(f"{shown} is no hash: PDQ, phash and sha256 have {_DIGITS} hexadecimal digits")
    return digits


def hashes_of(image: DecodedImage, *, pdq: bool) -> dict[HashKind, str]:
    """The hashes of a picture that is not trusted, to be looked up here or elsewhere."""
    found: dict[HashKind, str] = {
        "sha256": image.sha256,
        "phash": perceptual_hash(image.pixels).tobytes().hex(),
    }
    return found | ({"pdq": pdq_hash(image.pixels).bits.tobytes().hex()} if pdq else {})


class Lookup:
    """Looks hashes up in the trusted pictures; may be shared between threads."""

    def __init__(self, database: Database, searcher: Searcher, versions: Mapping[str, str]) -> None:
        self._database = database
        self._searcher = searcher
        self._versions = versions

    def find(
        self, hashes: Sequence[str], kind: HashKind, *, max_bits: int = MATCH_BITS, limit: int = 100
    ) -> Iterator[list[HashMatch]]:
        """For each hash the trusted pictures whose hash differs in at most `max_bits`, the nearest first.

        Raises UsageError for what is no hash, and where the database has none of the kind.
        """
        self._require(kind)
        digits = [parse_hash(one) for one in hashes]
        if kind == "sha256":
            return self._by_content(digits)
        return self._by_bits(digits, kind, max_bits, limit)

    def known(self, kind: HashKind, *, min_quality: int = MIN_QUALITY) -> Iterator[KnownHash]:
        """The hashes of all trusted pictures that are searched, by ascending number.

        PDQ hashes below `min_quality` are left out. Raises UsageError where there are none of the kind.
        """
        self._require(kind)
        return self._known(kind, min_quality)

    def _known(self, kind: HashKind, min_quality: int) -> Iterator[KnownHash]:
        active = self._database.active_ids().tolist()
        for start in range(0, len(active), _AT_ONCE):
            ids = active[start : start + _AT_ONCE]
            records = self._database.references(ids)
            qualities = self._qualities(kind, ids)
            if kind == "sha256":
                found = {one: records[one].sha256 for one in ids if one in records}
            else:
                found = {
                    one: row.tobytes().hex()
                    for numbers, rows in self._database.vectors(kind, self._versions[kind], ids)
                    for one, row in zip(numbers.tolist(), rows, strict=True)
                }
            for one, digits in found.items():
                quality = qualities.get(one)
                if one in records and (quality is None or quality >= min_quality):
                    yield KnownHash(digits, quality, records[one])

    def _by_content(self, digits: Sequence[str]) -> Iterator[list[HashMatch]]:
        for one in digits:
            record = self._database.reference_by_sha256(one)
            yield [HashMatch(record, 0, "auto")] if record else []

    def _by_bits(
        self, digits: Sequence[str], kind: HashKind, max_bits: int, limit: int
    ) -> Iterator[list[HashMatch]]:
        for start in range(0, len(digits), _AT_ONCE):
            chunk = digits[start : start + _AT_ONCE]
            rows = np.frombuffer(bytes.fromhex("".join(chunk)), np.uint8).reshape(-1, 32)
            nearest = [
                {one: bits for one, bits in found.items() if bits <= max_bits}
                for found in self._searcher.hashes_near(kind, rows, limit)
            ]
            yield from self._matches(kind, nearest)

    def _matches(self, kind: HashKind, nearest: Sequence[Mapping[int, int]]) -> Iterator[list[HashMatch]]:
        """What is left of the nearest references: those that are searched, with hashes worth matching."""
        ids = sorted({one for found in nearest for one in found})
        records, qualities = self._database.references(ids), self._qualities(kind, ids)
        for found in nearest:
            yield [
                HashMatch(records[one], bits, _level(bits))
                for one, bits in found.items()
                if one in records
                and records[one].status == "active"
                and qualities.get(one, MIN_QUALITY) >= MIN_QUALITY
            ]

    def _qualities(self, kind: HashKind, ids: Sequence[int]) -> dict[int, int]:
        return self._database.pdq_qualities(ids, self._versions[kind]) if kind == "pdq" else {}

    def _require(self, kind: HashKind) -> None:
        if kind not in get_args(HashKind):
            raise UsageError(f"no kind of hash {kind!r}: give {', '.join(get_args(HashKind))}")
        if kind == "pdq" and kind not in self._versions:
            raise UsageError(
                "this database has no PDQ hashes: run 'provenance ingest --pdq' on its folders again"
            )


def _level(bits: int) -> HashLevel:
    """What practice does at so many differing bits."""
    if bits <= AUTO_BITS:
        return "auto"
    return "suggest" if bits <= SUGGEST_BITS else "match"
