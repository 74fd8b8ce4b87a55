"""What EXIF says: which way is up, and when the picture was taken. Tolerant to nonsense."""

from __future__ import annotations

import re
from datetime import datetime

from PIL import ExifTags, Image

from provenance.decode.formats import DAMAGE

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_DATE = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")


def turn_upright(picture: Image.Image) -> tuple[Image.Image, bool]:
    """Turn a loaded picture as EXIF says; True if width and height changed places.

    Asked after loading: Pillow's TIFF reader turns while it loads and then forgets the tag.
    """
    try:
        turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except DAMAGE:
        return picture, False
    if turn is None:
        return picture, False
    swapped = turn.name in ("TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90")
    return picture.transpose(turn), swapped


def capture_time(picture: Image.Image) -> str | None:
    """Return EXIF's DateTimeOriginal as ISO 8601, with its zone if it has one; None if absent or nonsense."""
    # Broken EXIF is common in sound pictures, and is as good as none.
    try:
        exif = picture.getexif().get_ifd(ExifTags.IFD.Exif)
        taken = _text(exif.get(ExifTags.Base.DateTimeOriginal))
        offset = _text(exif.get(ExifTags.Base.OffsetTimeOriginal))
    except DAMAGE:
        return None
    date = _DATE.match(taken)
    if date is None:
        return None
    local = "{}-{}-{}T{}:{}:{}".format(*date.groups())
    return _iso(local + offset) or _iso(local)


def iso_date(moment: str) -> str | None:
    """Return an ISO 8601 date or time as IPTC and XMP write it, None for nonsense; a year may stand alone."""
    moment = moment.strip()
    if re.fullmatch(r"\d{4}(-\d\d)?", moment):
        return moment if _iso(f"{moment}-01-01"[:10]) else None
    if len(moment) > 10 and (found := _iso(moment)):
        return found
    day = _iso(re.split("[T ]", moment)[0])
    return day and day[:10]


def _iso(moment: str) -> str | None:
    """ISO 8601 in full, or None for a moment that no calendar has."""
    try:
        return datetime.fromisoformat(moment).isoformat()
    except ValueError:
        return None


def _text(value: object) -> str:
    """An EXIF string, whatever type a careless writer gave it."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.strip("\0 ") if isinstance(value, str) else ""
