"""What a file says of its picture in EXIF, IPTC and XMP: title, creator, licence ... Tolerant to nonsense.

All three are read into one vocabulary, the names that XMP uses; what is said twice counts as XMP has it,
then IPTC, then EXIF, where cameras write their own name as a description.
"""

from __future__ import annotations

from collections.abc import Mapping

from PIL import ExifTags, Image, ImageFile

from provenance.decode.formats import DAMAGE
from provenance.decode.metadata import capture_time, iso_date
from provenance.decode.xmp import read_xmp
from provenance.records import EmbeddedDetails

# Detail -> where it may be said, the best place first.
_PLACES = {
    # Agencies put a number where others put the title, but a headline is always for people.
    "title": ("photoshop:Headline", "dc:title"),
    "creator": ("dc:creator",),
    "credit": ("photoshop:Credit",),
    "license": (
        "cc:license", "xmpRights:UsageTerms", "xmpRights:WebStatement", "plus:LicensorURL", "dc:rights",
    ),
    "source": ("photoshop:Source",),
    "caption": ("dc:description",),
    "captured_at": ("exif:DateTimeOriginal", "photoshop:DateCreated"),
    "digital_source": ("Iptc4xmpExt:DigitalSourceType",),
}  # fmt: skip

# (record, data set) -> the same in XMP, as "IPTC Photo Metadata Standard" maps them.
_IPTC = {
    (2, 5): "dc:title",
    (2, 80): "dc:creator",
    (2, 105): "photoshop:Headline",
    (2, 110): "photoshop:Credit",
    (2, 115): "photoshop:Source",
    (2, 116): "dc:rights",
    (2, 120): "dc:description",
}
_IPTC_DATE, _IPTC_TIME = (2, 55), (2, 60)

_EXIF = {
    ExifTags.Base.ImageDescription: "dc:description",
    ExifTags.Base.Artist: "dc:creator",
    ExifTags.Base.Copyright: "dc:rights",
}

_LONGEST = 2000
"""Characters kept of a text; IPTC allows a caption as many."""


def read_embedded(picture: ImageFile.ImageFile) -> EmbeddedDetails:
    """Return what a loaded picture's file says of it; nothing where it says nothing that can be read."""
    said = {**_exif(picture), **_iptc(picture), **read_xmp(picture.info.get("xmp"))}
    found = {
        detail: next((text for place in places if (text := _tidy(said.get(place)))), None)
        for detail, places in _PLACES.items()
    }
    found["captured_at"] = capture_time(picture) or next(
        (date for place in _PLACES["captured_at"] if (date := iso_date(said.get(place, "")))), None
    )
    if code := found["digital_source"]:
        found["digital_source"] = code.rstrip("/").rpartition("/")[2]
    return EmbeddedDetails(**found)


def _exif(picture: Image.Image) -> dict[str, str]:
    try:
        exif = picture.getexif()
        return {name: text for tag, name in _EXIF.items() if (text := _decode(exif.get(tag)))}
    except DAMAGE:
        return {}


def _iptc(picture: ImageFile.ImageFile) -> dict[str, str]:
    """IPTC's older "information interchange model", in JPEG and TIFF files."""
    from PIL.IptcImagePlugin import getiptcinfo

    try:
        told: Mapping[tuple[int, int], bytes | list[bytes]] = getiptcinfo(picture) or {}
    except DAMAGE:
        return {}
    found = {name: text for key, name in _IPTC.items() if (text := _decode(told.get(key)))}
    date, time = _decode(told.get(_IPTC_DATE)), _decode(told.get(_IPTC_TIME))
    if date:  # 20210704 and 123005+0200
        found["photoshop:DateCreated"] = f"{date}T{time}" if time else date
    return found


def _decode(value: object) -> str:
    """Text of bytes in whatever encoding, or of several such as one list."""
    if isinstance(value, list | tuple):
        return ", ".join(text for one in value if (text := _decode(one)))
    if isinstance(value, str):  # Pillow reads EXIF as Latin-1, where many write UTF-8
        try:
            value = value.encode("latin-1")
        except UnicodeEncodeError:
            return str(value).strip("\0 ")
    if not isinstance(value, bytes):
        return ""
    try:
        return value.decode("utf-8").strip("\0 ")
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace").strip("\0 ")


def _tidy(text: str | None) -> str | None:
    """Text on one line and not endless."""
    return " ".join((text or "")[: 4 * _LONGEST].split())[:_LONGEST] or None
