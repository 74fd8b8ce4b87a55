"""Every language says every change: completely, with the same numbers, in its own words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from provenance.explain.caption import Speaker
from provenance.explain.clauses import WORDINGS
from provenance.explain.measures import Frame, number
from provenance.languages import Language, languages, load_language
from provenance.places import Place
from provenance.records import Box, Change, Operation

FRAME = Frame(1600, 1200)
BOXES: dict[Place, Box] = {
    "upper_left_corner": (0, 0, 200, 200),
    "upper_right_corner": (1400, 0, 1600, 200),
    "lower_left_corner": (0, 1000, 200, 1200),
    "lower_right_corner": (1400, 1000, 1600, 1200),
    "upper_left": (150, 150, 500, 400),
    "top": (700, 0, 900, 300),
    "upper_right": (1100, 150, 1450, 400),
    "left": (100, 500, 300, 700),
    "middle": (700, 500, 900, 700),
    "right": (1300, 500, 1500, 700),
    "lower_left": (150, 800, 500, 1050),
    "bottom": (700, 850, 900, 1150),
    "lower_right": (1100, 800, 1450, 1050),
    "upper_half": (0, 0, 1600, 600),
    "lower_half": (0, 600, 1600, 1200),
    "left_half": (0, 0, 800, 1200),
    "right_half": (800, 0, 1600, 1200),
    "top_edge": (100, 0, 1500, 150),
    "across_upper": (100, 150, 1500, 400),
    "across_middle": (100, 500, 1500, 700),
    "across_lower": (100, 850, 1500, 1050),
    "bottom_edge": (100, 1050, 1500, 1200),
    "left_edge": (0, 100, 150, 1100),
    "down_left": (150, 100, 400, 1100),
    "down_middle": (700, 100, 900, 1100),
    "down_right": (1200, 100, 1400, 1100),
    "right_edge": (1450, 100, 1600, 1100),
    "everywhere": (0, 0, 1600, 1200),
}
COLORS = ("black", "white", "gray", "red", "orange", "brown", "beige", "yellow", "green", "turquoise",
          "dark blue", "light purple", "magenta", "pink")  # fmt: skip


def cases() -> Iterator[Change]:
    """Changes that, together, are said by every text there is for one change."""

    def case(operation: Operation, box: Box | None = None, **parameters: Any) -> Change:
        texts = {key: parameters.pop(key) for key in ("text_before", "text_after") if key in parameters}
        return Change(operation, 0.9, parameters, box=box, **texts)

    box, sides = BOXES["upper_left"], ("left", "top", "right", "bottom")
    yield case("crop", kept_percent=61.7, **{f"{side}_percent": 7.3 + n for n, side in enumerate(sides)})
    yield case("crop", kept_percent=4.2, left_percent=0.2, top_percent=1.3)
    for color in ("#000000", "#ff8800", "#101060", "#e0e0ff", None):
        yield case("pad", color=color, left_px=8, top_px=0, right_px=12, bottom_px=0)
    yield case("pad", color="#ffffff", left_px=9, top_px=9, right_px=9, bottom_px=9)
    for degrees in (3.04, -90.0, 180.0, -0.04, None):
        yield case("rotate", degrees=degrees)
    for axis in ("horizontal", "vertical"):
        yield case("flip", axis=axis)
    yield case("perspective", corner_shift_percent=3.13)
    for factor in (1.25, 0.8, None):
        yield case("stretch", factor=factor)
    for sign in (1, -1):
        yield case("brightness", percent=sign * 24.8, stops=sign * 0.32, sign=sign)
        yield case("contrast", percent=sign * 44.0, factor=1.44, sign=sign)
        yield case("saturation", percent=sign * 8.4, factor=1.08, sign=sign)
        for kind in ("curve", "vignette", "shadows", "highlights"):
            falloff = (-10.0, -27.0)
            yield case("tone", kind=kind, mean_shift_levels=sign * 12.0, sign=sign, falloff_percent=falloff)
    yield case("tone", kind="inverted", mean_shift_levels=60.0, sign=1)
    yield case("tone", kind="posterized", levels=4, mean_shift_levels=2.0, sign=1)
    for tint in ("warmer", "cooler", "greener", "more magenta", None):
        yield case("color_balance", sign=0, tint=tint, red_percent=5.2, green_percent=0.1, blue_percent=-7.0)
    for kind in ("gray", "sepia", "tinted"):
        yield case("grayscale", kind=kind)
    yield case("blur", sigma_px=2.04)
    yield case("sharpen", percent=80.0, sigma_px=1.23)
    yield case("noise", sigma_levels=6.2)
    yield case("composite", box, area_percent=23.0)
    for operation in ("object_added", "object_removed", "object_replaced", "background_replaced"):
        for noun in ("face", "with_face", None):
            yield case(operation, box, area_percent=2.2, noun=noun)
    for place in BOXES.values():
        yield case("object_added", place, area_percent=0.03)
        source = BOXES["middle"] if place != BOXES["middle"] else BOXES["top"]
        yield case("object_duplicated", place, area_percent=3.1, source_box=source, moved=False)
        yield case("object_duplicated", source, area_percent=3.1, source_box=place, moved=True)
    for moved in (True, False):
        yield case("object_duplicated", box, area_percent=3.1, source_box=None, moved=moved)
    for color in COLORS:
        yield case("object_recolored", box, area_percent=1.1, from_color=color, to_color="red")
        yield case("object_recolored", box, area_percent=1.1, from_color="green", to_color=color)
    yield case("object_recolored", box, area_percent=1.1)
    for kind in ("blurred", "pixelated", "filled"):
        for noun in ("face", None):
            yield case(
                "object_blurred", box, area_percent=1.2, kind=kind, noun=noun, sigma_px=7.9, block_px=12
            )
    for kind in ("blurred", "darkened", "brightened", "recolored", "desaturated", "other"):
        yield case("background_changed", box, area_percent=66.0, kind=kind)
    for text in ("NEWS 24", None):
        yield case("text_added", box, area_percent=7.8, text_after=text)
        yield case("text_removed", box, area_percent=7.8, text_before=text)
        for after in ("1998", None):
            yield case("text_changed", box, area_percent=0.4, text_before=text, text_after=after)


CASES = list(cases())


class Recording(dict[str, str]):
    """Texts that remember which of them were said."""

    def __init__(self, texts: dict[str, str]) -> None:
        super().__init__(texts)
        self.said: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.said.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.said.add(key)
        return super().get(key, default)


def numbers_in(text: str) -> list[float]:
    """The numbers of a sentence outside quotes, commas read as points."""
    unquoted = re.sub(r"“[^”]*”|«[^»]*»", "", text).replace(",", ".")
    return sorted(float(found) for found in re.findall(r"\d+(?:\.\d+)?", unquoted))


def test_the_cases_are_said_by_every_text_of_one_change() -> None:
    texts = Recording(dict(load_language("en").texts))
    speaker = Speaker(Language("en", texts), FRAME)
    for change in CASES:
        speaker.sentence(change)
    tables = (
        "edit.",
        "place.",
        "color",
        "shade.",
        "border.",
        "side.",
        "tint.",
        "channel.",
        "fact.",
        "thing.",
    )
    rest = {key for key in texts if key.startswith(tables)} - texts.said
    assert rest == {"fact.change"}
    assert {change.operation for change in CASES} == set(WORDINGS)


@pytest.mark.parametrize("code", languages())
def test_a_sentence_states_measured_numbers_only(code: str) -> None:
    speaker, english = Speaker(load_language(code), FRAME), Speaker(load_language("en"), FRAME)
    for change in CASES:
        sentence = speaker.sentence(change)
        measured = [abs(value) for key in change.parameters if (value := number(change, key)) is not None]
        measured += [abs(100 * (factor - 1)) for factor in [number(change, "factor")] if factor]
        measured += [255, 180, 0.1, 37]  # levels, upside down, "less than 0.1", the corners of the vignette
        for told in numbers_in(sentence):
            assert any(abs(told - value) <= max(0.06, 0.06 * value) for value in measured), sentence
        assert numbers_in(sentence) == numbers_in(english.sentence(change)), sentence


@pytest.mark.parametrize("code", languages())
def test_sentences_are_well_formed(code: str) -> None:
    speaker = Speaker(load_language(code), FRAME)
    for change in CASES:
        for confidence in (0.9, 0.4):
            sentence = speaker.sentence(
                Change(change.operation, confidence, change.parameters, change.box, None,
                       change.text_before, change.text_after)
            )  # fmt: skip
            unquoted = re.sub(r"“[^”]*”|«[^»]*»", "X", sentence)
            assert sentence[0].isupper() or sentence[0] in "«“"
            assert re.search(r"[^.]\.$", sentence)
            assert not re.search(r"  | [,.;:)]|\( |[{}|\[\]]|None", unquoted), sentence
            assert unquoted.count("(") == unquoted.count(")")
        assert speaker.sentence(change) != sentence  # hedged


@pytest.mark.parametrize("code", [code for code in languages() if code != "en"])
def test_no_english_is_left_in_sentences(code: str) -> None:
    speaker = Speaker(load_language(code), FRAME)
    english = re.compile(r"\b(the|was|were|is|are|of|and|in|to|from|by|about|picture|something)\b", re.I)
    for change in CASES:
        sentence = speaker.sentence(change)
        assert not english.search(re.sub(r"«[^»]*»", "", sentence)), sentence
    for group in (CASES[:9], CASES[60:70], CASES[-9:], CASES[::20]):
        caption = speaker.caption(group, identical=False, unexplained_fraction=0.5)
        assert not english.search(re.sub(r"«[^»]*»", "", caption)), caption


def test_spanish_never_says_y_before_i() -> None:
    spanish = load_language("es")
    said = [part for key in spanish.texts if key.startswith(("edit.", "together.", "place.at", "place.to"))
            for part in spanish.texts[key].split("|")]  # fmt: skip
    starts = {part.strip(" [").lower() for part in said} - {"invertido, como en un negativo fotográfico"}
    assert not [part for part in starts if re.match(r"h?[ií]", part)]


@pytest.mark.parametrize(
    ("change", "spanish", "french"),
    [
        (
            Change("crop", 0.9, {"kept_percent": 62.0, "left_percent": 20.0, "top_percent": 15.5}),
            "La imagen se ha recortado al 62 % del original; se ha quitado un 20 % por la izquierda "
            "y un 16 % por arriba.",
            "L’image a été recadrée à 62 % de l’original\u00a0; coupe de 20 % à gauche et de 16 % en haut.",
        ),
        (
            Change("object_recolored", 0.9, {"from_color": "orange", "to_color": "dark blue"},
                   box=BOXES["lower_right"]),
            "Un elemento abajo a la derecha ha cambiado de color, de naranja a azul oscuro.",
            "Un élément en bas à droite est passé de l’orange au bleu foncé.",
        ),
        (
            Change("text_changed", 0.5, {}, box=BOXES["bottom_edge"], text_before="1990", text_after="1998"),
            "Un texto a lo largo del borde inferior parece haberse cambiado de «1990» a «1998».",
            "Un texte le long du bord inférieur semble avoir été changé de «\u00a01990\u00a0» "
            "en «\u00a01998\u00a0».",
        ),
        (
            Change("object_duplicated", 0.9, {"moved": True, "source_box": BOXES["upper_right"]},
                   box=BOXES["middle"]),
            "Una parte de la imagen se ha trasladado de la parte superior derecha al centro.",
            "Une partie de l’image a été déplacée depuis la partie supérieure droite vers le centre.",
        ),
    ],
)  # fmt: skip
def test_sentences_in_spanish_and_french(change: Change, spanish: str, french: str) -> None:
    assert Speaker(load_language("es"), FRAME).sentence(change) == spanish
    assert Speaker(load_language("fr"), FRAME).sentence(change) == french


def test_captions_in_spanish_and_french() -> None:
    changes = [
        Change("object_removed", 0.9, {}, box=BOXES["upper_left"]),
        Change("text_added", 0.4, {}, box=BOXES["bottom"], text_after="NEWS"),
        Change("brightness", 0.9, {"percent": 24.8, "sign": 1}),
        Change("crop", 0.9, {"kept_percent": 62.0}),
    ]

    def caption(code: str) -> str:
        speaker = Speaker(load_language(code), FRAME)
        return speaker.caption(changes, identical=False, unexplained_fraction=0.5)

    assert caption("es") == (
        "Se ha eliminado un elemento arriba a la izquierda y parece haberse añadido el texto «NEWS» "
        "en la parte inferior. La imagen es aproximadamente un 25 % más clara y se ha recortado al 62 % "
        "del original; otros cambios no se han podido describir."
    )
    assert caption("fr") == (
        "Un élément a été supprimé en haut à gauche, et le texte «\u00a0NEWS\u00a0» semble avoir été ajouté "
        "en bas. L’image est environ 25 % plus claire et a été recadrée à 62 % de l’original\u00a0; "
        "d’autres changements n’ont pas pu être décrits."
    )
