"""Pictures with metadata: sound as editors write it, and hostile."""

from __future__ import annotations

import struct
from typing import Any

from PIL import PngImagePlugin, TiffImagePlugin

from tests.decode.pictures import encoded, gradient

NAMESPACES = (
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:cc="http://creativecommons.org/ns#"'
    ' xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/"'
    ' xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"'
    ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
)


def packet(properties: str = "", attributes: str = "") -> bytes:
    """An XMP packet as cameras and editors write it."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF {NAMESPACES}><rdf:Description rdf:about="" {attributes}>{properties}'
        '</rdf:Description></rdf:RDF></x:xmpmeta>   <?xpacket end="w"?>'
    ).encode()


def items(name: str, kind: str, *texts: str, language: str = "x-default") -> str:
    shown = "".join(f'<rdf:li xml:lang="{language}">{text}</rdf:li>' for text in texts)
    return f"<{name}><rdf:{kind}>{shown}</rdf:{kind}></{name}>"


def with_iptc(data: bytes, *sets: tuple[int, int, bytes]) -> bytes:
    """A JPEG with a Photoshop segment of IPTC data sets (record, number, value)."""
    told = b"".join(b"\x1c" + struct.pack(">BBH", *key, len(value)) + value for *key, value in sets)
    resource = b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(told)) + told + b"\0" * (len(told) % 2)
    segment = b"Photoshop 3.0\0" + resource
    return data[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + data[2:]


def with_xmp(picture_format: str, xmp: bytes) -> bytes:
    options: dict[str, Any] = {"xmp": xmp}
    if picture_format == "PNG":
        chunk = PngImagePlugin.PngInfo()
        chunk.add_itxt("XML:com.adobe.xmp", xmp.decode())
        options = {"pnginfo": chunk}
    elif picture_format == "TIFF":
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[700] = xmp
        options = {"tiffinfo": tags}
    return encoded(gradient(), picture_format, **options)


FULL = packet(
    items("dc:title", "Alt", "IMG 4711")
    + items("dc:creator", "Seq", "Ana Example", "Bo Example")
    + "<dc:description><rdf:Alt><rdf:li xml:lang='de'>Der Hafen</rdf:li>"
    "<rdf:li xml:lang='x-default'>The harbour &amp;\n the tower, at dawn.</rdf:li></rdf:Alt></dc:description>"
    + items("dc:rights", "Alt", "© Example Agency")
    + items("xmpRights:UsageTerms", "Alt", "Editorial use only"),
    'photoshop:Headline="Harbour at dawn" photoshop:Credit="Example Agency" photoshop:Source="Ana Example"'
    ' photoshop:DateCreated="2021-07-04"'
    ' Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"',
)


BOMB = (
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">&c;</x:xmpmeta>'
)
FILE = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>'
HOSTILE = {
    "entities": BOMB,
    "an outside file": FILE,
    "half a packet": FULL[: len(FULL) // 2],
    "no XML": b"\xff\xfe\x00junk" * 50,
    "an unknown encoding": b'<?xml version="1.0" encoding="utf-99"?><x/>',
    "a lying encoding": b'<?xml version="1.0" encoding="utf-16"?>' + FULL,
    "deep": b"<a>" * 20_000,
    "deep and closed": b"<a>" * 9_000 + b"</a>" * 9_000,
    "empty": b"",
    "wrong bytes": FULL.replace("©".encode(), b"\xff\xc3"),
    "a broken namespace": b'<x:xmpmeta><rdf:RDF/></x:xmpmeta>',
}  # fmt: skip
