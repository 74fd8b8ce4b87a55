"""C2PA manifests: who signed, what was done, and whether it holds; never the network, never a failure."""

from __future__ import annotations

import io
import json
import random
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("c2pa", reason="needs the extra c2pa")
pytest.importorskip("cryptography", reason="the tests sign with the package cryptography")

import c2pa

from provenance.decode import CredentialReader, decode
from provenance.decode.credentials import MARKER, _credentials
from provenance.errors import SettingsError
from provenance.records import ContentCredentials, CredentialAction, CredentialIngredient
from tests.decode.pictures import encoded, gradient
from tests.decode.signing import CREATED, OPENED, SIGNER, sign, signature

MIME_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "TIFF": "image/tiff",
              "GIF": "image/gif"}  # fmt: skip


@pytest.fixture(scope="module")
def signed() -> bytes:
    return sign(encoded(gradient(200, 150), "JPEG"))


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    file = tmp_path / "anchors.pem"
    file.write_bytes(signature().root)
    return file


def told(data: bytes, anchors: Path | None = None) -> ContentCredentials | None:
    return CredentialReader(anchors).attach(decode(data), data).credentials


@pytest.mark.parametrize("picture_format", MIME_TYPES)
def test_manifests_are_read_in_every_format(picture_format: str) -> None:
    found = told(sign(encoded(gradient(), picture_format), MIME_TYPES[picture_format]))
    assert found is not None
    assert (found.state, found.signed_by, found.generator) == ("valid", SIGNER, "Example Editor 1.2")
    assert found.problems == ("signingCredential.untrusted",)
    assert found.actions == (
        CredentialAction("c2pa.created", "2024-05-06T07:08:09Z", "Example Camera 2", "digitalCapture"),
    )


def test_trust_is_configured(signed: bytes, anchors: Path) -> None:
    found = told(signed, anchors)
    assert found is not None
    assert (found.state, found.problems) == ("trusted", ())


def test_a_tampered_file_is_invalid(signed: bytes, anchors: Path) -> None:
    found = told(signed[:-40] + b"\x11\x22" + signed[-38:], anchors)
    assert found is not None
    assert (found.state, found.problems) == ("invalid", ("assertion.dataHash.mismatch",))
    assert found.signed_by == SIGNER


def test_what_a_picture_was_made_from_is_told(signed: bytes) -> None:
    edits = [OPENED, {"action": "c2pa.cropped"}]
    found = told(sign(encoded(gradient(90, 60), "PNG"), "image/png", actions=edits, parent=signed))
    before = told(signed)
    assert found is not None
    assert before is not None
    assert [action.action for action in found.actions] == ["c2pa.opened", "c2pa.cropped"]
    assert found.ingredients == (CredentialIngredient("before.jpg", "parentOf", before.manifest_id),)


def test_a_picture_without_a_manifest_does_not_even_load_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    data = encoded(gradient(), "JPEG")
    image = CredentialReader().attach(decode(data), data)
    assert (image.credentials, image.notes) == (None, ())


def test_without_the_extra_a_note_says_the_cure(signed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    image = CredentialReader().attach(decode(signed), signed)
    assert image.credentials is None
    assert "pip install 'provenance[c2pa]'" in image.notes[-1]


def test_damage_of_any_kind_ends_in_a_finding_or_a_note(signed: bytes) -> None:
    reader, image, dice = CredentialReader(), decode(signed), random.Random(5)
    start = signed.index(MARKER)
    states = set()
    for _ in range(60):
        data = bytearray(signed)
        for _ in range(dice.choice([1, 6, 40])):
            data[dice.randrange(start + len(MARKER), start + 9_000)] = dice.randrange(256)
        found = reader.attach(image, bytes(data))
        states.add(found.credentials.state if found.credentials else found.notes[-1])
    assert states <= {"invalid", "valid", "content credentials (C2PA) damaged"}
    assert len(states) >= 2


def test_a_marker_alone_is_damage() -> None:
    data = encoded(gradient(), "JPEG") + MARKER
    image = CredentialReader().attach(decode(data), data)
    assert (image.credentials, image.notes) == (None, ("content credentials (C2PA) damaged",))


@pytest.mark.parametrize(
    "store",
    [
        {},
        {"active_manifest": 3, "manifests": [], "validation_state": "Valid"},
        {"active_manifest": "a", "manifests": {"a": {}}, "validation_state": "Valid"},
        {"active_manifest": "a", "manifests": {"a": {"x": 1}}, "validation_state": "Splendid"},
    ],
)
def test_an_unknown_shape_is_not_guessed_at(store: dict[str, Any]) -> None:
    assert _credentials(store) is None


def test_odd_values_inside_are_left_out() -> None:
    manifest = {
        "signature_info": {"issuer": ["x"], "common_name": "A\nB"},
        "claim_generator": "old editor",
        "assertions": [3, {"label": "c2pa.actions.v2", "data": {"actions": [{"action": None}, "x"]}}],
        "ingredients": {"title": "no list"},
    }
    store = {"active_manifest": "a", "manifests": {"a": manifest}, "validation_state": "Valid"}
    assert _credentials(store) == ContentCredentials(
        "a", "valid", signed_by="A B", generator="old editor", actions=(CredentialAction(""),)
    )


def test_one_reader_serves_many_threads(signed: bytes, anchors: Path) -> None:
    reader, image = CredentialReader(anchors), decode(signed)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: reader.attach(image, signed).credentials, range(40)))
    assert {one.state if one else None for one in found} == {"trusted"}


@pytest.mark.parametrize("content", [None, b"", b"junk", b"\xff\xfe"])
def test_wrong_anchors_are_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "anchors.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"credentials\.trust_anchors.*PEM"):
        CredentialReader(file)


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest that is stored elsewhere is not asked for: its server hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        builder = c2pa.Builder(
            json.dumps({"assertions": [{"label": "c2pa.actions", "data": {"actions": [CREATED]}}]})
        )
        builder.set_no_embed()
        builder.set_remote_url(f"http://127.0.0.1:{server.getsockname()[1]}/manifest.c2pa")
        made = signature()
        info = c2pa.C2paSignerInfo(alg=b"es256", sign_cert=made.chain, private_key=made.key, ta_url=None)
        remote = io.BytesIO()
        builder.sign(
            c2pa.Signer.from_info(info), "image/jpeg", io.BytesIO(encoded(gradient(), "JPEG")), remote
        )
        assert CredentialReader().read(remote.getvalue(), "image/jpeg") is None
        with pytest.raises(TimeoutError):
            server.accept()
