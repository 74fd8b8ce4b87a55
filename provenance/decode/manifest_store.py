"""The C2PA manifest store in a file, as bytes: nested boxes (JUMBF, ISO 19566-5) that other readers take."""

from __future__ import annotations

import struct
from collections.abc import Iterator

# The type of the box that holds a manifest store (C2PA 2.1, section 11.1.4.1).
MARKER = b"c2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"
_HEADER = struct.Struct(">I4s")
_APP11, _COMMON_IDENTIFIER = 0xEB, b"JP"


def find_store(data: bytes) -> bytes | None:
    """Return the manifest store of a picture's bytes; None where it has none, or a damaged one.

    JPEG cuts it into segments, all other formats but GIF hold it in one piece.
    """
    whole = b"".join(_segments(data)) if data.startswith(b"\xff\xd8") else data
    place = whole.find(MARKER)
    start = place - 2 * _HEADER.size
    if place < 0 or start < 0:
        return None
    length, kind = _HEADER.unpack_from(whole, start)
    store = whole[start : start + length]
    return store if kind == b"jumb" and len(store) == length > 2 * _HEADER.size else None


def active_manifest(store: bytes) -> bytes | None:
    """Return a store with the active manifest alone, the last one; None where the boxes are damaged."""
    boxes = list(_boxes(store, _HEADER.size))
    if len(boxes) < 2 or sum(map(len, boxes)) + _HEADER.size != len(store):
        return None
    content = boxes[0] + boxes[-1]
    return _HEADER.pack(_HEADER.size + len(content), b"jumb") + content


def _boxes(data: bytes, place: int) -> Iterator[bytes]:
    """The boxes one after the other; ends at the first that is cut off."""
    while place + _HEADER.size <= len(data):
        length, _ = _HEADER.unpack_from(data, place)
        if length < _HEADER.size or place + length > len(data):
            return
        yield data[place : place + length]
        place += length


def _segments(data: bytes) -> Iterator[bytes]:
    """The JUMBF content of a JPEG, segment by segment; each repeats the header of the box: kept once."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] not in (0xD9, 0xDA):
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        if data[place + 1] == _APP11 and data[place + 4 : place + 6] == _COMMON_IDENTIFIER:
            number = int.from_bytes(data[place + 8 : place + 12], "big")
            content = data[place + 12 : place + 2 + length]
            yield content if number == 1 else content[_HEADER.size :]
        place += 2 + length
