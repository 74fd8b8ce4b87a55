"""What files say of themselves in EXIF, IPTC and XMP is read in every format, and nonsense does no harm."""

from __future__ import annotations

import time

import pytest
from PIL import Image

from provenance.decode import decode
from provenance.decode.xmp import read_xmp
from provenance.records import EmbeddedDetails
from tests.decode.embedding import FULL, HOSTILE, items, packet, with_iptc, with_xmp
from tests.decode.pictures import encoded, gradient


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_xmp_is_read_in_every_format(picture_format: str) -> None:
    assert decode(with_xmp(picture_format, FULL)).embedded == EmbeddedDetails(
        title="Harbour at dawn",
        creator="Ana Example, Bo Example",
        credit="Example Agency",
        license="Editorial use only",
        source="Ana Example",
        caption="The harbour & the tower, at dawn.",
        captured_at="2021-07-04",
        digital_source="trainedAlgorithmicMedia",
    )


@pytest.mark.parametrize(
    ("properties", "attributes", "expected"),
    [
        ('<cc:license rdf:resource="https://creativecommons.org/licenses/by/4.0/"/>', "",
         "https://creativecommons.org/licenses/by/4.0/"),
        (items("xmpRights:UsageTerms", "Alt", "BY"), 'xmpRights:WebStatement="https://a.example"', "BY"),
        (items("dc:rights", "Alt", "© A"), 'xmpRights:WebStatement="https://a.example"', "https://a.example"),
        ("<plus:Licensor><rdf:Seq><rdf:li rdf:parseType='Resource'><plus:LicensorURL>https://a.example/buy"
         "</plus:LicensorURL></rdf:li></rdf:Seq></plus:Licensor>", "", "https://a.example/buy"),
        ("<plus:Licensor><rdf:Seq><rdf:li><rdf:Description plus:LicensorURL='https://a.example/buy'/></rdf:li>"
         "</rdf:Seq></plus:Licensor>", "", "https://a.example/buy"),
        (items("dc:rights", "Alt", "© A"), "", "© A"),
        ("", "", None),
    ],
)  # fmt: skip
def test_the_licence_is_the_clearest_word_on_rights(
    properties: str, attributes: str, expected: str | None
) -> None:
    assert decode(with_xmp("JPEG", packet(properties, attributes))).embedded.license == expected


def test_iptc_is_read_and_xmp_counts_more() -> None:
    told = (
        (1, 90, b"\x1b%G"), (2, 5, b"A 17"), (2, 80, "Bjørn Example".encode()), (2, 80, b"Ana Example"),
        (2, 105, b"From IPTC"), (2, 110, b"Agency"), (2, 115, b"Stringer"), (2, 116, b"(c) Agency"),
        (2, 120, b"A\rcaption"), (2, 55, b"20210704"), (2, 60, b"123005+0200"),
    )  # fmt: skip
    found = decode(with_iptc(encoded(gradient(), "JPEG"), *told)).embedded
    assert found == EmbeddedDetails(
        "From IPTC", "Bjørn Example, Ana Example", "Agency", "(c) Agency", "Stringer", "A caption",
        "2021-07-04T12:30:05+02:00",
    )  # fmt: skip
    both = decode(with_iptc(with_xmp("JPEG", packet("", 'photoshop:Headline="From XMP"')), *told)).embedded
    assert (both.title, both.credit) == ("From XMP", "Agency")


def test_exif_fills_what_is_left() -> None:
    exif = Image.Exif()
    exif[270], exif[315], exif[33432] = "OLYMPUS DIGITAL CAMERA", "José Example".encode(), "© José".encode()
    found = decode(encoded(gradient(), "JPEG", exif=exif)).embedded
    assert (found.caption, found.creator, found.license) == (
        "OLYMPUS DIGITAL CAMERA",
        "José Example",
        "© José",
    )
    better = packet(items("dc:description", "Alt", "The harbour"))
    assert decode(encoded(gradient(), "JPEG", exif=exif, xmp=better)).embedded.caption == "The harbour"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1936", "1936"),
        ("1936-05", "1936-05"),
        ("1936-13", None),
        ("2021-07-04T12:30", "2021-07-04T12:30:00"),
        ("2021-07-04T12:30:05Z", "2021-07-04T12:30:05+00:00"),
        ("2021-07-04T99:99", "2021-07-04"),
        ("20210704", "2021-07-04"),
        ("20210000", None),
        ("0000-00-00", None),
        ("long ago", None),
    ],
)
def test_dates_of_archives_may_be_vague(written: str, expected: str | None) -> None:
    xmp = packet("", f'photoshop:DateCreated="{written}"')
    assert decode(with_xmp("JPEG", xmp)).embedded.captured_at == expected


def test_the_camera_knows_the_time_better_than_the_editor() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2021:07:04 12:30:05"
    xmp = packet("", 'photoshop:DateCreated="2023-01-01"')
    found = decode(encoded(gradient(), "JPEG", exif=exif, xmp=xmp)).embedded
    assert found.captured_at == "2021-07-04T12:30:05"


def test_ingredients_are_other_pictures() -> None:
    creator = items("dc:creator", "Seq", "Someone else")
    pantry = f"<xmpMM:Pantry><rdf:Bag><rdf:li>{creator}</rdf:li></rdf:Bag></xmpMM:Pantry>"
    assert decode(with_xmp("JPEG", packet(pantry))).embedded.creator is None


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("picture_format", ["JPEG", "WEBP", "TIFF"])
def test_hostile_xmp_says_nothing_and_harms_nothing(picture_format: str, kind: str) -> None:
    image = decode(with_xmp(picture_format, HOSTILE[kind]))
    assert image.embedded == EmbeddedDetails()
    assert (image.width, image.height) == gradient().size


def test_a_huge_packet_is_not_parsed() -> None:
    huge = packet(items("dc:title", "Alt", "x" * 2_000_000))
    started = time.perf_counter()
    assert read_xmp(huge) == {}
    assert time.perf_counter() - started < 0.05


def test_many_elements_take_no_time_worth_naming() -> None:
    started = time.perf_counter()
    read_xmp(packet("<plus:Licensor><rdf:li/></plus:Licensor>" * 25_000))
    read_xmp(packet("<rdf:RDF>" * 20_000 + "</rdf:RDF>" * 20_000))
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    "sets",
    [
        [(2, 80, b"\xe5\xff\x81")],
        [(2, 120, b"x" * 30_000)],
        [(2, 55, b"\0" * 8), (2, 60, b"junk")],
        [(2, 5, b"\0\0"), (0, 0, b""), (255, 255, b"?")],
        [(2, 80, b"a")] * 2_000,
    ],
)
def test_odd_iptc_harms_nothing(sets: list[tuple[int, int, bytes]]) -> None:
    found = decode(with_iptc(encoded(gradient(), "JPEG"), *sets)).embedded
    for text in (found.title, found.creator, found.caption):
        assert text is None or (len(text) <= 2_000 and text == " ".join(text.split()))
    assert found.captured_at is None


def test_a_damaged_iptc_block_is_as_good_as_none() -> None:
    data = with_iptc(encoded(gradient(), "JPEG"), (2, 105, b"A headline"))
    assert decode(data).embedded.title == "A headline"
    assert decode(data.replace(b"\x1c\x02\x69", b"\x1c\xff\x69")).embedded.title is None
    assert decode(data.replace(b"\x1c\x02\x69\x00", b"\x1c\x02\x69\xff")).embedded.title is None
