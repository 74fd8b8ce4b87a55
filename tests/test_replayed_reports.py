"""Replay: a report's recipe, applied to the original, gives the query; what no recipe holds is left out."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from provenance import Provenance, ProvenanceError, replay_report
from provenance.errors import InputError, UsageError
from provenance.replay import Replayed, read_report
from provenance.report import to_dict, to_json

SCHEMA = json.loads((Path(__file__).parent.parent / "provenance/report/report.schema.json").read_text())


def encoded(picture: Image.Image, quality: int = 95) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality, subsampling=0)
    return stream.getvalue()


@pytest.fixture(scope="module")
def original(photos: list[Path]) -> Image.Image:
    picture = Image.open(photos[1]).convert("RGB")
    picture.thumbnail((500, 500))
    return picture


@pytest.fixture(scope="module")
def library() -> Provenance:
    return Provenance(compare={"text": False})


@pytest.fixture
def told(library: Provenance, original: Image.Image) -> Callable[[Image.Image], tuple[dict[str, Any], bytes]]:
    """The report of an edited picture, as JSON gives it back, and the picture's file."""

    def explain(edited: Image.Image) -> tuple[dict[str, Any], bytes]:
        query = encoded(edited)
        report = json.loads(to_json(library.explain(encoded(original), query)))
        jsonschema.validate(report, SCHEMA)
        return report, query

    return explain


def chained(picture: Image.Image) -> Image.Image:
    """Mirrored, cropped, darker, warmer."""
    picture = ImageOps.mirror(picture).crop((40, 20, picture.width - 10, picture.height - 30))
    picture = ImageEnhance.Brightness(picture).enhance(0.75)
    return Image.fromarray(np.clip(np.asarray(picture) * [1.12, 1, 0.85], 0, 255).astype(np.uint8))


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "chain": chained,
    "turned on white": lambda p: p.rotate(7, Image.Resampling.BICUBIC, expand=True, fillcolor="white"),
    "darker on grey": lambda p: ImageOps.expand(ImageEnhance.Brightness(p).enhance(0.7), 40, (90, 110, 130)),
    "resized grey": lambda p: p.convert("L").convert("RGB").resize((400, 300)),
    "blurred": lambda p: ImageEnhance.Contrast(p.filter(ImageFilter.GaussianBlur(2))).enhance(1.3),
    "upside down": lambda p: ImageEnhance.Color(p.transpose(Image.Transpose.ROTATE_180)).enhance(1.6),
}


@pytest.mark.parametrize("edit", EDITS)
def test_the_recipe_gives_the_query_back(edit: str, told: Any, original: Image.Image) -> None:
    report, query = told(EDITS[edit](original))
    made = replay_report(report, encoded(original), fill_from=query)
    assert made.pixels.shape == np.asarray(Image.open(io.BytesIO(query))).shape
    assert made.psnr_db is not None
    assert made.psnr_db >= 32
    assert made.left_out == made.filled == ()
    said = report["explanation"]["replay_psnr_db"]
    assert made.psnr_db == pytest.approx(said, abs=1.5), "what the report says of itself"


def test_edits_are_listed_by_importance_and_repeated_by_step(told: Any, original: Image.Image) -> None:
    report, _ = told(chained(original))
    edits = report["explanation"]["edits"]
    names = {edit["operation"] for edit in edits}
    assert names == {"flip", "crop", "brightness", "color_balance"}, "of a nearly symmetric building, too"
    assert sorted(edit["step"] for edit in edits) == list(range(1, len(edits) + 1))
    shuffled = copy.deepcopy(report)
    shuffled["explanation"]["edits"] = edits[::-1]
    one, other = (replay_report(each, encoded(original)) for each in (report, shuffled))
    assert np.array_equal(one.pixels, other.pixels)


def test_what_was_pasted_is_left_out_or_copied_in_an_outline(told: Any, original: Image.Image) -> None:
    edited = ImageEnhance.Brightness(original).enhance(1.2)
    ImageDraw.Draw(edited).ellipse((160, 100, 260, 200), fill=(220, 20, 20))
    report, query = told(edited)
    plain = replay_report(report, encoded(original))
    assert plain.left_out
    assert plain.psnr_db is None
    assert not is_red(plain, 210, 150), "nothing is pasted unasked"
    filled = replay_report(report, encoded(original), fill_from=query)
    assert filled.filled == plain.left_out
    assert is_red(filled, 210, 150)
    assert filled.psnr_db is not None
    assert filled.psnr_db > 32
    outline = (filled.pixels == (214, 0, 110)).all(axis=2)
    assert outline.any()
    assert not (plain.pixels == (214, 0, 110)).all(axis=2).any()


def is_red(made: Replayed, x: int, y: int) -> bool:
    red, green, blue = made.pixels[y, x].tolist()
    return bool(red > 180 and green < 70 and blue < 70)


def test_an_original_of_another_size_serves_too(told: Any, original: Image.Image) -> None:
    report, query = told(chained(original))
    larger = original.resize((original.width * 2, original.height * 2), Image.Resampling.BICUBIC)
    made = replay_report(report, encoded(larger), fill_from=query)
    assert made.psnr_db is not None
    assert made.psnr_db > 30
    assert "not the very file" in made.notes[0]


def test_the_picture_filled_from_must_be_the_query(told: Any, original: Image.Image) -> None:
    report, _ = told(chained(original))
    with pytest.raises(UsageError, match="give the very picture"):
        replay_report(report, encoded(original), fill_from=encoded(original))


def test_reports_are_read_from_objects_arrays_and_lines(
    tmp_path: Path, told: Any, library: Provenance, original: Image.Image
) -> None:
    report, _ = told(original.convert("L").convert("RGB"))
    file, source = tmp_path / "reports.json", encoded(original)
    stranger = copy.deepcopy(report)
    stranger["match"]["sha256"] = "0" * 64
    for text in (
        json.dumps(report),
        json.dumps([stranger, report], indent=1),
        f"{json.dumps(report)}\n{json.dumps(stranger)}\n",
    ):
        file.write_text(text)
        assert to_dict(read_report(file, source))["match"]["sha256"] == report["match"]["sha256"]
    for text, words in (
        (json.dumps([report, report]), "2 reports, 2 of them"),
        ("not json", "no report"),
        ("[]", "no report"),
        ("[" * 100_000, "no report"),
        (json.dumps({"schema": "other"}), "not a report"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=words):
            read_report(file, source)


HOSTILE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no match": lambda r: r.update(match=None),
    "no explanation": lambda r: r.update(explanation=None),
    "a huge query": lambda r: r["query"].update(width=10**6, height=10**6),
    "a query without size": lambda r: r["query"].update(width=0),
    "a query of text": lambda r: r["query"].update(width="wide"),
    "a match of text": lambda r: r.update(match="yes"),
    "no numbers in the matrix": lambda r: r["match"].update(reference_from_query=[[None] * 3] * 3),
    "a flat matrix": lambda r: r["match"].update(reference_from_query=[[0.0] * 3] * 3),
    "a folding matrix": lambda r: r["match"].update(
        reference_from_query=[[1, 0, 0], [0, 1, 0], [-0.01, 0, 1]]
    ),
    "a ragged matrix": lambda r: r["match"].update(reference_from_query=[[1, 0], [0, 1, 0]]),
    "a box of text": lambda r: r["explanation"]["edits"][0].update(box=["a", 0, 1, 1]),
    "an endless box": lambda r: r["explanation"]["edits"][0].update(box=[0, 0, float("inf"), 1]),
    "a blur of text": lambda r: edit(r, "blur", {"sigma_px": "wide"}),
    "a blur without end": lambda r: edit(r, "blur", {"sigma_px": 1e12}),
    "a blur without width": lambda r: edit(r, "blur", {}),
    "a gain that is none": lambda r: edit(r, "brightness", {"percent": float("nan")}),
    "a truth for a number": lambda r: edit(r, "contrast", {"factor": True, "pivot_level": 128}),
    "a short curve": lambda r: edit(r, "tone", {"kind": "curve", "curve_rgb": [[0, 0, 0, 0]]}),
    "a curve that turns back": lambda r: edit(r, "tone", {"kind": "curve", "curve_rgb": [[9] * 4, [5] * 4]}),
    "a curve of text": lambda r: edit(r, "tone", {"kind": "curve", "curve_rgb": "bent"}),
    "a tone of no kind": lambda r: edit(r, "tone", {"kind": 5}),
    "no steps": lambda r: edit(r, "tone", {"kind": "posterized"}),
    "a vignette of one number": lambda r: edit(r, "tone", {"kind": "vignette", "falloff_percent": [5]}),
    "a matrix of two rows": lambda r: edit(r, "color_balance", {"matrix": [[1, 0, 0, 0]] * 2}),
    "a balance of one colour": lambda r: edit(r, "color_balance", {"red_percent": 5}),
}


def edit(report: dict[str, Any], operation: str, parameters: dict[str, Any]) -> None:
    report["explanation"]["edits"][0].update(operation=operation, parameters=parameters)


@pytest.fixture(scope="module")
def grayed(library: Provenance, original: Image.Image) -> dict[str, Any]:
    """A report of one edit."""
    return to_dict(library.explain(encoded(original), encoded(original.convert("L"))))


@pytest.mark.parametrize("harm", HOSTILE)
def test_a_hostile_report_is_refused_in_plain_words(
    harm: str, grayed: dict[str, Any], original: Image.Image
) -> None:
    report = copy.deepcopy(grayed)
    HOSTILE[harm](report)
    with pytest.raises(ProvenanceError, match="report"):
        replay_report(report, encoded(original))


def test_odd_reports_that_can_be_repeated_are(grayed: dict[str, Any], original: Image.Image) -> None:
    source, report = encoded(original), copy.deepcopy(grayed)
    edit(report, "blur", {"sigma_px": 400.0, "unheard": "of"})
    report["explanation"]["edits"].append({**report["explanation"]["edits"][0], "operation": "enchanted"})
    made = replay_report(report, source)
    assert made.repeated == ("blur",)
    assert made.left_out == ("enchanted",)
    assert made.pixels.std(axis=(0, 1)).max() < np.asarray(original).std(axis=(0, 1)).max()
