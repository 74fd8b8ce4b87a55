"""The properties of an XMP packet (ISO 16684-1), those that say something of the whole picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.decode.formats import DAMAGE

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_PREFIXES = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/xap/1.0/rights/": "xmpRights",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://creativecommons.org/ns#": "cc",
    "http://ns.useplus.org/ldf/xmp/1.0/": "plus",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
}
_MAX_BYTES = 1 << 20
"""A JPEG segment holds 64 KB; what is far longer carries thumbnails or a trap, not words."""


def read_xmp(packet: object) -> dict[str, str]:
    """Return the texts of a packet by "prefix:name"; empty where it is damaged, hostile or no packet.

    Of several languages the default one is taken, the items of a list are joined by commas. Of the
    structures only PLUS's licensors are entered: others tell of ingredients, which are other pictures.
    """
    from defusedxml.ElementTree import fromstring

    if not isinstance(packet, bytes | str) or len(packet) > _MAX_BYTES:
        return {}
    try:
        trimmed = packet.strip(b"\0 \n") if isinstance(packet, bytes) else packet.strip("\0 \n")
        # No sound packet declares entities or a document type; bombs do.
        root = fromstring(trimmed, forbid_dtd=True)
    except DAMAGE:
        return {}
    found: dict[str, str] = {}
    for rdf in root.iter(f"{_RDF}RDF"):
        for description in rdf.findall(f"{_RDF}Description"):
            for name, text in _properties(description):
                found.setdefault(name, text)
    return found


def _properties(description: Element) -> list[tuple[str, str]]:
    """Names and texts of a structure's attributes and elements; empty texts are left out."""
    pairs = [(_name(key), value) for key, value in description.items()]
    for element in description:
        name = _name(element.tag)
        if name == "plus:Licensor":
            for item in element.iter():
                pairs += [(_name(key), value) for key, value in item.items()]
                pairs += [(_name(item.tag), item.text or "")] if item is not element else []
        elif name:
            pairs.append((name, _text(element)))
    return [(name, text.strip()) for name, text in pairs if name and text.strip()]


def _text(element: Element) -> str:
    """The value of a property: a plain text, an address, a list, or one text in several languages."""
    items = element.findall(f"{_RDF}*/{_RDF}li")
    if not items:
        return element.get(f"{_RDF}resource") or element.text or ""
    if element.find(f"{_RDF}Alt") is not None:
        chosen = next((item for item in items if item.get(_LANGUAGE) == "x-default"), items[0])
        return chosen.text or ""
    return ", ".join(text for item in items if (text := (item.text or "").strip()))


def _name(tag: str) -> str:
    """ "{http://purl.org/dc/elements/1.1/}title" -> "dc:title"; empty for a namespace nobody asks for."""
    namespace, _, name = tag[1:].partition("}")
    prefix = _PREFIXES.get(namespace)
    return f"{prefix}:{name}" if prefix else ""
