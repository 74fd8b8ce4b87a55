"""The HTTP service: requests become library calls, records become JSON, errors problem details."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from PIL import Image

from provenance import Provenance

pytest.importorskip("fastapi", reason="the extra service is not installed")

from fastapi.testclient import TestClient

from provenance.service import create_app

SCHEMA = json.loads((Path(__file__).parents[2] / "provenance" / "report" / "report.schema.json").read_text())


@pytest.fixture
def client(stocked: Provenance) -> TestClient:
    return TestClient(create_app(stocked), raise_server_exceptions=False)


def test_an_upload_gets_a_valid_report(client: TestClient, photos: list[Path]) -> None:
    answer = client.post("/v1/check", files={"file": ("web.webp", photos[0].read_bytes())})
    assert answer.status_code == 200
    jsonschema.validate(answer.json(), SCHEMA)
    assert (answer.json()["verdict"], answer.json()["query"]["name"]) == ("identical", "web.webp")


def test_a_browser_gets_a_page(client: TestClient, photos: list[Path]) -> None:
    answer = client.post("/v1/check", files={"file": photos[0].read_bytes()}, headers={"accept": "text/html"})
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("explain", [True, False])
def test_the_explanation_can_be_left_out(client: TestClient, photos: list[Path], explain: bool) -> None:
    buffer = io.BytesIO()
    Image.open(photos[0]).convert("L").save(buffer, "JPEG")
    report = client.post(
        "/v1/check", params={"explain": explain}, files={"file": ("web.jpg", buffer.getvalue())}
    ).json()
    assert (report["verdict"], Path(report["match"]["path"]).name) == ("modified", photos[0].name)
    assert (report["explanation"] is not None) == explain


def test_two_uploads_are_compared(client: TestClient, photos: list[Path]) -> None:
    files = {"original": photos[0].read_bytes(), "edited": photos[1].read_bytes()}
    answer = client.post("/v1/compare", files=files)
    assert (answer.status_code, answer.json()["verdict"]) == (200, "no_match")


def test_what_is_wrong_with_an_upload_is_said_by_its_name(client: TestClient, photos: list[Path]) -> None:
    wrong = ("web.jpg", b"not a picture")
    answer = client.post("/v1/compare", files={"original": photos[0].read_bytes(), "edited": wrong})
    assert (answer.status_code, answer.json()["title"]) == (415, "UnsupportedFormatError")
    assert answer.json()["detail"].startswith("'web.jpg': ")
    page = client.post("/v1/check", files={"file": wrong}, headers={"accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (422, "text/html; charset=utf-8")
    assert "web.jpg" in page.text


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "/etc/passwd", "ftp://example.org/a.jpg", "sample_db/photos"]
)
def test_no_request_opens_a_local_file(client: TestClient, url: str) -> None:
    answer = client.post("/v1/check", data={"url": url})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/a.jpg", "http://localhost/a.jpg", "http://[::1]/a.jpg"])
def test_internal_hosts_are_refused(client: TestClient, url: str) -> None:
    answer = client.post("/v1/check", data={"url": url})
    assert (answer.status_code, answer.json()["verdict"]) == (422, "error")
    assert "refused" in answer.json()["query"]["error"] or "private" in answer.json()["query"]["error"]


def test_neither_or_both_inputs_are_a_wrong_call(client: TestClient, photos: list[Path]) -> None:
    assert client.post("/v1/check").status_code == 400
    both = client.post(
        "/v1/check", files={"file": photos[0].read_bytes()}, data={"url": "http://example.org/"}
    )
    assert both.status_code == 400


def test_a_broken_upload_is_an_error_report(client: TestClient) -> None:
    answer = client.post("/v1/check", files={"file": ("x.jpg", b"not a picture")})
    assert (answer.status_code, answer.json()["verdict"]) == (422, "error")


def test_a_request_too_long_is_cut_off_also_when_it_does_not_say_its_length(
    tmp_path: Path, photos: list[Path]
) -> None:
    with Provenance(tmp_path, decode={"max_bytes": 100_000}) as library:
        client = TestClient(create_app(library), raise_server_exceptions=False)
        boundary = {"content-type": "multipart/form-data; boundary=x"}
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="x.jpg"\r\n\r\n'

        def endless() -> Iterator[bytes]:
            yield head
            for _ in range(100):
                yield bytes(10_000)

        answer = client.post("/v1/check", content=endless(), headers=boundary)
        assert (answer.status_code, answer.json()["status"]) == (413, 413)
        picture = client.post("/v1/check", files={"file": ("web.jpg", bytes(100_001))})
        assert (picture.status_code, picture.json()["verdict"]) == (422, "error")
        assert "max_bytes" in picture.json()["query"]["error"]


def test_wrong_fields_are_named(client: TestClient, photos: list[Path]) -> None:
    answer = client.post("/v1/compare", files={"original": photos[0].read_bytes()})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert "edited" in answer.json()["detail"]
    assert client.get("/nowhere").headers["content-type"] == "application/problem+json"


def test_health_and_version(client: TestClient, photos: list[Path]) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["references"] == len(photos)
    assert "copy" in client.get("/version").json()
