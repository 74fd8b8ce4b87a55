"""Texts of the languages: filled safely, numbers written as readers expect, remarks recognised."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from provenance import Provenance
from provenance.decode import decode
from provenance.errors import UsageError
from provenance.languages import Language, languages, load_language, read_texts
from provenance.records import Pixels

ENGLISH = load_language("en")


def made_up(**texts: str) -> Language:
    return Language("xx", {"number.decimal": ",", **texts})


def test_a_bracket_is_left_out_when_one_of_its_slots_is_empty() -> None:
    language = made_up(crop="cropped[ to {kept} of {whole}]", cut="{amount} off")
    assert language.say("crop", kept="62 %", whole="it") == "cropped to 62 % of it"
    assert language.say("crop", kept="", whole="it") == "cropped"
    assert language.say("crop") == "cropped"
    with pytest.raises(KeyError):
        language.say("cut")


def test_what_is_filled_in_is_no_template() -> None:
    language = made_up(quote="“{text}”[ {where}]", clause="{text} | was | added")
    assert language.say("quote", text="{text} [x] {where}", where="[here]") == "“{text} [x] {where}” [here]"
    assert language.parts("clause", text="a | b") == ("a | b", "was", "added")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (24.6, "25 %"),
        (3.14, "3.1 %"),
        (3.0, "3 %"),
        (0.02, "less than 0.1 %"),
        (99.98, "99.9 %"),
        (100, "100 %"),
        (250.4, "250 %"),
    ],
)
def test_percentages_claim_no_false_precision(value: float, text: str) -> None:
    assert ENGLISH.percent(value) == text


def test_numbers_follow_the_language() -> None:
    assert (ENGLISH.number(3.14159, 2), ENGLISH.number(3.0, 1), ENGLISH.signed(-1.0, 1)) == (
        "3.14",
        "3",
        "−1.0",
    )
    assert (made_up().number(3.14159, 2), made_up().signed(0.34, 1), made_up().signed(0.04, 1)) == (
        "3,14",
        "+0,3",
        "0",
    )


def test_lists_and_counts_are_said_as_words() -> None:
    assert ENGLISH.join([]) == ""
    assert ENGLISH.join(["a"]) == "a"
    assert ENGLISH.join(["a", "b", "c"]) == "a, b and c"
    assert (ENGLISH.count_word(2), ENGLISH.count_word(12)) == ("two", "12")
    assert (ENGLISH.count("copies", 1), ENGLISH.count("copies", 7)) == ("1 copy", "7 copies")


def test_an_unknown_language_names_the_known_ones() -> None:
    assert "en" in languages()
    with pytest.raises(UsageError, match="known: en"):
        load_language("../en")


@pytest.mark.parametrize("code", languages())
def test_a_language_has_the_texts_of_english_with_the_same_slots(code: str) -> None:
    language, texts = load_language(code), read_texts(code)
    assert set(texts) - OWN[code] == set(ENGLISH.texts) - OWN["en"]
    for key, text in texts.items():
        assert text.strip(), key
        if key in ENGLISH.texts:
            assert sorted(re.findall(r"\{\w+\}", text)) == sorted(
                re.findall(r"\{\w+\}", ENGLISH.texts[key])
            ), key
            assert text.count("|") == ENGLISH.texts[key].count("|"), key
        if key.startswith(("edit.", "together.")):
            assert f"hedge.{language.parts(key, **AnySlot())[1]}" in language.texts, key


class AnySlot(dict[str, str]):
    """Every slot there can be."""

    def __init__(self) -> None:
        slots = {slot for text in ENGLISH.texts.values() for slot in re.findall(r"\{(\w+)\}", text)}
        super().__init__(dict.fromkeys(slots, "x"))


OWN = {code: {key for key in read_texts(code) if key.startswith("hedge.")} for code in languages()}
"""Verbs are each language's own."""


@pytest.mark.parametrize("code", [code for code in languages() if code != "en"])
def test_texts_are_translated(code: str) -> None:
    texts = read_texts(code)
    same = {key for key, text in texts.items() if len(text) > 3 and text == ENGLISH.texts.get(key)}
    assert {key for key in same if re.search("[a-z]{3}", re.sub(r"\{\w+\}", "", texts[key]))} <= {
        "record.source", "record.license", "kind.image_style", "copies.many",
        "site.name", "site.interface", "site.history_page.verdict", "site.library_page.collection",
        "site.library_page.collections", "site.library_page.license", "site.library_page.source",
        "page.fact.versions", "page.fact.psnr", "page.fact.exact",
        "color.magenta", "color.orange", "color.turquoise", "color.beige",
    }  # fmt: skip


def test_remarks_of_other_rooms_are_recognised() -> None:
    french = load_language("fr")
    assert french.translate("first frame of 12") == "première image sur 12"
    assert french.translate("first frame of an animation") == "première image d’une animation"
    assert french.translate(
        "37 of 80 keypoint matches fit one geometry (mirrored), 61% of the detail agrees; "
        "other trusted pictures share that part"
    ) == (
        "37 correspondances de points sur 80 suivent une même géométrie (en miroir), "
        "61% du détail concorde\u00a0; d’autres images de confiance ont cette partie en commun"
    )
    assert french.translate("37 of 80 keypoint matches fit one geometry, 61% of the detail agrees") == (
        "37 correspondances de points sur 80 suivent une même géométrie, 61% du détail concorde"
    )
    assert french.translate("quite another remark") == "quite another remark"
    assert ENGLISH.translate("first frame of 12") == "first frame of 12"


def test_remarks_that_rooms_make_are_known() -> None:
    made = {*_decoder_notes(), *_verdict_reasons()}
    assert len(made) >= 6
    for code in languages():
        if code != "en":
            assert not [remark for remark in made if load_language(code).translate(remark) == remark]


def _decoder_notes() -> Iterator[str]:
    def decoded(*pictures: Image.Image, format: str, **options: Any) -> tuple[str, ...]:
        file = io.BytesIO()
        pictures[0].save(file, format, append_images=pictures[1:], save_all=len(pictures) > 1, **options)
        return decode(file.getvalue()).notes

    red, blue = (Image.new("RGB", (8, 8), color) for color in ("red", "blue"))
    yield from decoded(red, blue, format="WEBP")
    yield from decoded(red, blue, format="GIF")
    yield from decoded(red, blue, format="TIFF")
    yield from decoded(Image.new("RGBA", (8, 8)), format="PNG")
    yield from decoded(red, format="PNG", icc_profile=b"no profile")
    yield from decoded(Image.fromarray(np.full((8, 8), 1e6, np.float32)), format="TIFF")


def _verdict_reasons() -> Iterator[str]:
    source = np.random.default_rng(3).integers(0, 255, (24, 24, 3), np.uint8)
    texture = np.asarray(Image.fromarray(source).resize((400, 400), Image.Resampling.BICUBIC))
    other = np.asarray(Image.fromarray(source[::-1, ::-1, ::-1].copy()).resize((400, 400)))
    with Provenance() as library:
        for query in (texture[:300, :300], texture[:, ::-1], other):
            report = library.explain(_png(texture), _png(np.ascontiguousarray(query)))
            yield from (one.reason for one in report.candidates)


def _png(pixels: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
