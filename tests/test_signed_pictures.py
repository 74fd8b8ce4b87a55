"""Content credentials along the corridor: kept at ingest, told of query and original, found by their id."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

pytest.importorskip("c2pa", reason="needs the extra c2pa")
pytest.importorskip("cryptography", reason="the tests sign with the package cryptography")

from provenance import Provenance
from provenance.report import from_dict, print_report, to_dict, to_html
from tests.decode.signing import OPENED, SIGNER, sign, signature


@pytest.fixture(scope="module")
def signed(photos: list[Path]) -> bytes:
    """A trusted photo as JPEG, signed by its camera."""
    return sign(jpeg(Image.open(photos[0])))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Provenance]:
    anchors = tmp_path / "anchors.pem"
    anchors.write_bytes(signature().root)
    with Provenance(tmp_path / "home", credentials={"trust_anchors": anchors}) as opened:
        yield opened


def jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def test_credentials_of_query_and_original_are_told(
    library: Provenance, tmp_path: Path, signed: bytes
) -> None:
    (tmp_path / "camera.jpg").write_bytes(signed)
    library.ingest([tmp_path / "camera.jpg"])
    picture = Image.open(io.BytesIO(signed))
    edited = picture.crop((0, 0, picture.width * 3 // 4, picture.height))
    query = sign(jpeg(edited), actions=[OPENED, {"action": "c2pa.cropped"}], parent=signed)
    report = library.check(query, name="web.jpg")
    assert report.match is not None
    kept, own = report.match.reference.credentials, report.query.credentials
    assert kept is not None
    assert own is not None
    assert (kept.state, kept.signed_by) == ("trusted", SIGNER)
    assert own.ingredients[0].manifest_id == kept.manifest_id
    assert to_dict(from_dict(to_dict(report))) == to_dict(report)
    [found] = library.database.references_by_manifest(kept.manifest_id)
    assert found.credentials == kept

    page = to_html(report)
    assert "Content credentials of this picture" in page
    assert "Content credentials of the trusted original" in page
    console = Console(file=io.StringIO(), width=100)
    print_report(replace(report, language="en"), console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "opened for editing; cropped" in text
    assert "before.jpg (what it was edited from)" in text

    library.database.withdraw(found.reference_id)
    assert library.database.references_by_manifest(kept.manifest_id) == []


def test_a_stripped_copy_still_leads_to_the_credentials(
    library: Provenance, tmp_path: Path, signed: bytes
) -> None:
    (tmp_path / "camera.jpg").write_bytes(signed)
    library.ingest([tmp_path / "camera.jpg"])
    stripped = io.BytesIO()
    Image.open(io.BytesIO(signed)).save(stripped, "PNG")
    report = library.check(stripped.getvalue())
    assert report.verdict == "identical"
    assert report.query.credentials is None
    assert report.match is not None
    assert report.match.reference.credentials is not None


def test_what_was_ingested_unread_is_read_on_demand(tmp_path: Path, signed: bytes) -> None:
    picture = tmp_path / "camera.jpg"
    picture.write_bytes(signed)
    with Provenance(tmp_path / "home", credentials={"read": False}) as library:
        library.ingest([picture])
        before = library.database.digest()
        library.database.update_details(str(picture), title="By hand")
        assert library.database.find(str(picture)).credentials is None
    with Provenance(tmp_path / "home") as library:
        assert library.ingest([picture]).unchanged == 1
        assert library.database.find(str(picture)).credentials is None
        assert library.ingest([picture], reread=True).unchanged == 1
        record = library.database.find(str(picture))
        assert record.credentials is not None
        assert (record.credentials.state, record.title) == ("valid", "By hand")
        assert library.problems() == []
        assert library.database.digest() != before
