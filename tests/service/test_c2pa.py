"""The Soft Binding Resolution API: credentials of the original for a picture that lost its own."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the extra service is not installed")
pytest.importorskip("c2pa", reason="needs the extra c2pa")
pytest.importorskip("cryptography", reason="the tests sign with the package cryptography")

import c2pa
from fastapi.testclient import TestClient

from provenance import Provenance
from provenance.service import create_app
from tests.decode.signing import OPENED, sign

API = json.loads((Path(__file__).parent / "soft_binding_api.json").read_text("utf-8"))
PHASH = "provenance.phash.256"


@pytest.fixture(scope="module")
def signed(photos: list[Path]) -> bytes:
    """A trusted photo, signed by its camera and again by an editor."""
    with Image.open(photos[0]) as photo:
        picture = jpeg(photo)
    return sign(picture, actions=[OPENED], parent=sign(picture))


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, signed: bytes, photos: list[Path]
) -> Iterator[TestClient]:
    """A service that trusts the signed photo and one without credentials."""
    home = tmp_path_factory.mktemp("c2pa")
    with Provenance(home, search={"deep_k": 0}, service={"requests_per_minute": 0}) as library:
        library.add(signed, name="camera.jpg")
        library.ingest(photos[1:2])
        with TestClient(create_app(library), base_url="http://localhost") as running:
            yield running


def jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def stripped(signed: bytes, *, kept: float = 1.0) -> bytes:
    """The signed photo saved anew without its credentials, the right part of it cut off."""
    with Image.open(io.BytesIO(signed)) as picture:
        return jpeg(picture.crop((0, 0, round(picture.width * kept), picture.height)))


def active(store: bytes) -> str:
    with c2pa.Reader("application/c2pa", io.BytesIO(store)) as reader:
        return str(json.loads(reader.json())["active_manifest"])


def by_content(client: TestClient, content: bytes, **params: Any) -> Any:
    answer = client.post(
        "/c2pa/matches/byContent", params=params, content=content, headers={"content-type": "image/jpeg"}
    )
    assert answer.status_code == 200, answer.text
    jsonschema.validate(answer.json(), API["schemas"]["c2pa.softBindingQueryResult"])
    return answer.json()["matches"]


def binding(client: TestClient, picture: bytes) -> str:
    """The perceptual hash of a picture, as the API takes it."""
    hashes = client.post("/v1/hash", files={"file": picture}).json()
    return base64.b64encode(bytes.fromhex(hashes["phash"])).decode()


@pytest.mark.parametrize("operation", API["operations"])
def test_the_document_has_what_c2pa_publishes(client: TestClient, operation: str) -> None:
    method, path = operation.split()
    paths = client.get("/openapi.json").json()["paths"]
    own = paths[f"/c2pa{path.replace('{manifestId}', '{manifest_id}')}"][method.lower()]
    published = API["operations"][operation]
    told = {
        parameter["name"].replace("manifest_id", "manifestId"): parameter["required"]
        for parameter in own.get("parameters", [])
    }
    assert told == published["parameters"]
    if media_type := published.get("media_type"):
        assert media_type in own["responses"]["200"]["content"]


def test_a_picture_without_credentials_leads_to_those_of_its_original(
    client: TestClient, signed: bytes
) -> None:
    [match] = by_content(client, stripped(signed, kept=0.6))
    assert match["similarityScore"] >= 90
    answer = client.get(f"/c2pa/manifests/{match['manifestId']}")
    assert answer.headers["content-type"] == "application/c2pa"
    assert active(answer.content) == match["manifestId"]
    alone = client.get(f"/c2pa/manifests/{match['manifestId']}", params={"returnActiveManifest": True})
    assert match["manifestId"].encode() in alone.content
    assert len(alone.content) < len(answer.content)


def test_a_hash_leads_there_by_both_methods(client: TestClient, signed: bytes) -> None:
    asked = {"alg": PHASH, "value": binding(client, stripped(signed))}
    for answer in (
        client.get("/c2pa/matches/byBinding", params=asked),
        client.post("/c2pa/matches/byBinding", json=asked),
    ):
        assert answer.status_code == 200
        jsonschema.validate(answer.json(), API["schemas"]["c2pa.softBindingQueryResult"])
        [match] = answer.json()["matches"]
        assert match["similarityScore"] > 60
    assert by_content(client, stripped(signed), alg=PHASH) == [match]


def test_a_hint_helps_where_the_content_does_not(client: TestClient, signed: bytes) -> None:
    stranger = jpeg(Image.new("RGB", (300, 200), "teal"))
    assert by_content(client, stranger) == []
    hint = {"hintAlg": PHASH, "hintValue": binding(client, stripped(signed))}
    assert len(by_content(client, stranger, **hint)) == 1


def test_an_original_without_credentials_is_no_match_here(client: TestClient, photos: list[Path]) -> None:
    with Image.open(photos[1]) as photo:
        assert by_content(client, jpeg(photo)) == []


def test_the_algorithms_are_listed_for_everybody(client: TestClient) -> None:
    answer = client.get("/c2pa/services/supportedAlgorithms")
    jsonschema.validate(answer.json(), API["schemas"]["c2pa.softBindingAlgList"])
    assert answer.json() == {"watermarks": [], "fingerprints": [{"alg": PHASH}]}


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"alg": "com.example.none", "value": "AAAA"}, 400),
        ({"alg": PHASH, "value": "not base64!"}, 400),
        ({"alg": PHASH, "value": "AAAA"}, 400),
        ({"alg": PHASH, "value": ""}, 400),
        ({"alg": "provenance.pdq.256", "value": base64.b64encode(bytes(32)).decode()}, 400),
        ({"alg": PHASH}, 422),
        ({"alg": PHASH, "value": "A" * 5000}, 422),
        ({"alg": PHASH, "value": "AAAA", "maxResults": 0}, 422),
    ],
)
def test_a_wrong_query_is_told(client: TestClient, params: dict[str, Any], status: int) -> None:
    answer = client.get("/c2pa/matches/byBinding", params=params)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"not a picture", "image/jpeg"),
        (b"", "image/png"),
        (b"%PDF-1.7", "application/pdf"),
        (b"x", "text/html"),
    ],
)
def test_what_is_no_picture_is_refused(client: TestClient, content: bytes, media_type: str) -> None:
    headers = {"content-type": media_type}
    answer = client.post("/c2pa/matches/byContent", content=content, headers=headers)
    assert answer.status_code == 415
    hashed = client.post("/c2pa/matches/byContent", params={"alg": PHASH}, content=content, headers=headers)
    assert hashed.status_code in (415, 422)


@pytest.mark.parametrize("name", ["urn:c2pa:nobody", "..%2F..%2Fetc%2Fpasswd", "%00", "x" * 300])
def test_an_unknown_manifest_is_404(client: TestClient, name: str) -> None:
    assert client.get(f"/c2pa/manifests/{name}").status_code == 404


def test_a_report_is_downloaded_as_json_ld(client: TestClient, signed: bytes) -> None:
    kept = client.post("/v1/check", files={"file": ("web.jpg", stripped(signed))}).headers["location"]
    answer = client.get(f"{kept}/jsonld")
    assert answer.headers["content-type"] == "application/ld+json"
    assert answer.headers["content-disposition"].endswith('.jsonld"')
    assert [one["@type"] for one in answer.json()["@graph"]] == ["MediaReview", "ClaimReview"]
