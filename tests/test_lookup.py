"""Hashes from elsewhere find trusted pictures, and those of trusted pictures are given away."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from provenance import Provenance
from provenance.commands.hashes import hashes_app
from provenance.errors import MissingExtraError, UsageError
from provenance.lookup import parse_hash
from provenance.records import PdqHash
from tests.db.pictures import picture, sha256_of


def pdq_of(number: int, flipped: int = 0) -> np.ndarray:
    """A made-up hash uint8 [32] for a number, with some of its bits flipped."""
    bits = np.random.default_rng(number).integers(0, 2, 256, dtype=np.uint8)
    bits[:flipped] ^= 1
    return np.packbits(bits)


def digits_of(number: int, flipped: int = 0) -> str:
    return pdq_of(number, flipped).tobytes().hex()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Provenance]:
    """Four made-up references with PDQ hashes, the last one's of low quality, and a home to open again."""
    with Provenance(tmp_path / "home", describe={"pdq": True}) as opened:
        versions = opened.describer.versions
        new = []
        for number in range(1, 5):
            one = picture(number, title=f"Picture {number}", credit="A, B")
            pdq = PdqHash(pdq_of(number), 20 if number == 4 else 100)
            embeddings = {"copy": np.eye(512, dtype=np.float32)[number]}
            new.append(replace(one, description=replace(one.description, pdq=pdq, embeddings=embeddings)))
        opened.database.add_references(new, versions)
        opened.database.set_meta("pdq", "yes")
        yield opened


def test_distance_decides_what_a_match_is_worth(library: Provenance) -> None:
    levels = {0: "auto", 12: "auto", 13: "suggest", 28: "suggest", 29: "match", 31: "match", 32: None}
    asked = [digits_of(2, flipped) for flipped in levels]
    for (flipped, level), found in zip(levels.items(), library.lookup.find(asked, "pdq"), strict=True):
        assert [(one.reference.title, one.bits, one.level) for one in found] == (
            [("Picture 2", flipped, level)] if level else []
        )


def test_hashes_are_looked_up_in_the_order_given(library: Provenance) -> None:
    asked = [digits_of(3), digits_of(99), digits_of(1).upper()]
    found = [[one.reference.title for one in matches] for matches in library.lookup.find(asked, "pdq")]
    assert found == [["Picture 3"], [], ["Picture 1"]]


def test_the_content_and_the_own_hash_are_kinds_too(library: Provenance) -> None:
    [by_content] = library.lookup.find([sha256_of(2)], "sha256")
    assert [(one.reference.title, one.bits) for one in by_content] == [("Picture 2", 0)]
    own = picture(1).description.phash.tobytes().hex()
    [by_hash] = library.lookup.find([own], "phash")
    assert [one.reference.title for one in by_hash] == ["Picture 1"]


def test_a_hash_of_low_quality_neither_matches_nor_is_given_away(library: Provenance) -> None:
    assert list(library.lookup.find([digits_of(4)], "pdq")) == [[]]
    assert [one.digits for one in library.lookup.known("pdq")] == [digits_of(n) for n in (1, 2, 3)]
    assert [one.quality for one in library.lookup.known("pdq", min_quality=0)] == [100, 100, 100, 20]


def test_a_withdrawn_picture_is_neither_found_nor_given_away(library: Provenance) -> None:
    reference = library.database.reference_by_sha256(sha256_of(2))
    assert reference is not None
    library.database.withdraw(reference.reference_id)
    for kind, digits in (("pdq", digits_of(2)), ("sha256", sha256_of(2))):
        assert list(library.lookup.find([digits], kind)) == [[]]  # type: ignore[arg-type]
        assert digits not in [one.digits for one in library.lookup.known(kind)]  # type: ignore[arg-type]


def test_a_database_without_the_hash_says_how_to_make_it(tmp_path: Path) -> None:
    with Provenance(tmp_path) as library:
        with pytest.raises(UsageError, match="ingest --pdq"):
            library.lookup.find([digits_of(1)], "pdq")
        with pytest.raises(UsageError, match="ingest --pdq"):
            library.lookup.known("pdq")
        assert list(library.lookup.find([sha256_of(1)], "sha256")) == [[]]
        with pytest.raises(UsageError, match="no kind of hash"):
            library.lookup.find([], "md5")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "abc", "g" * 64, "a" * 63, "a" * 65, "\u0660" * 64, "x" * 10_000])
def test_what_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        parse_hash(text)


def run(home: Path, *arguments: str, given: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(hashes_app, list(arguments), obj=home, input=given, catch_exceptions=True)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_what_is_exported_matches_again(library: Provenance, tmp_path: Path) -> None:
    home = tmp_path / "home"
    code, sheet, _ = run(home, "export")
    assert code == 0
    assert rows(sheet)[0] == {
        "hash": digits_of(1), "quality": "100", "reference_id": "1", "sha256": sha256_of(1),
        "path": "/photos/1.jpg", "title": "Picture 1", "credit": "A, B", "source": "",
    }  # fmt: skip
    _, found, errors = run(home, "match", "-", given=sheet)
    assert [(one["hash"], one["bits"], one["level"]) for one in rows(found)] == [
        (digits_of(number), "0", "auto") for number in (1, 2, 3)
    ]
    assert errors == ""
    _, lines, _ = run(home, "export", "--format", "lines")
    assert lines.splitlines()[0] == f"pdq {digits_of(1)}"
    assert rows(run(home, "match", "-", given=lines)[1]) == rows(found)


@pytest.mark.parametrize(
    "sheet",
    [
        "id,PDQ,note\n7,{hash},x\n",
        "{hash}\n",
        "\n{hash},100,a.jpg\n\n",
        "signal_type,signal_value\npdq,{hash}\n",
        "pdq {hash}",
    ],
)
def test_sheets_of_many_makers_are_read(library: Provenance, tmp_path: Path, sheet: str) -> None:
    given = sheet.format(hash=digits_of(2, 20))
    _, found, errors = run(tmp_path / "home", "match", "-", given=given)
    assert [(one["title"], one["bits"]) for one in rows(found)] == [("Picture 2", "20")]
    assert errors == ""


def test_lines_that_are_no_hash_are_named_and_left_out(library: Provenance, tmp_path: Path) -> None:
    given = f"hash\nnonsense\n{digits_of(1)}\n"
    _, found, errors = run(tmp_path / "home", "match", "-", given=given)
    assert len(rows(found)) == 1
    assert "line 2 left out" in errors
    with pytest.raises(Exception, match="holds no hash"):
        run(tmp_path / "home", "match", "-", given="hash\nnonsense\n")


def test_the_own_hash_of_a_database_is_exported_without_the_extra(tmp_path: Path) -> None:
    with Provenance(tmp_path) as library:
        library.database.add_references([], library.describer.versions)
    assert run(tmp_path, "export", "--kind", "phash")[1].splitlines() == [
        "hash,quality,reference_id,sha256,path,title,credit,source"
    ]


def test_without_the_extra_the_cure_is_said_and_nothing_is_remembered(
    tmp_path: Path, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pdqhash", None)
    with Provenance(tmp_path, describe={"pdq": True}) as library:
        with pytest.raises(MissingExtraError, match=r"provenance\[pdq\]"):
            library.ingest(photos[:1])
        assert library.database.meta("pdq") is None
    with pytest.raises(MissingExtraError, match=r"provenance\[pdq\]"):
        run(tmp_path, "make", str(photos[0]))


def test_real_pictures_are_hashed_as_other_systems_do(tmp_path: Path, photos: list[Path]) -> None:
    pdqhash = pytest.importorskip("pdqhash", reason="needs the extra pdq")
    home, copy = tmp_path / "home", tmp_path / "copy.jpg"
    with Provenance(home, describe={"pdq": True}) as library:
        library.ingest(photos[:3])
    with Provenance(home) as library:  # remembered
        assert library.ingest(photos[:3]).unchanged == 3
        assert library.problems() == []
        known = {Path(one.reference.path).name: one.digits for one in library.lookup.known("pdq")}
    with Image.open(photos[1]) as original:
        bits, _ = pdqhash.compute(np.asarray(original.convert("RGB")))
        original.convert("RGB").resize((400, 300)).save(copy, quality=60)
    other = np.packbits(bits.astype(np.uint8))
    own = np.frombuffer(bytes.fromhex(known[photos[1].name]), np.uint8)
    assert np.unpackbits(own ^ other).sum() <= 10
    sheet = run(home, "make", str(copy))[1]
    [found] = rows(run(home, "match", "-", given=sheet)[1])
    assert Path(found["path"]).name == photos[1].name


def test_pdq_may_come_later(tmp_path: Path, photos: list[Path]) -> None:
    pytest.importorskip("pdqhash", reason="needs the extra pdq")
    with Provenance(tmp_path) as library:
        library.ingest(photos[:2])
    with Provenance(tmp_path, describe={"pdq": True}) as library:
        assert library.ingest(photos[:2]).unchanged == 2
        assert len(list(library.lookup.known("pdq"))) == 2
        assert library.check(photos[0]).verdict == "identical"
