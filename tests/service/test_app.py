"""The HTTP service: requests become library calls, records become JSON, errors problem details."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image


def test_a_browser_gets_a_page(empty: Callable[..., TestClient]) -> None:
    page = empty().post("/v1/check", files={"file": ("web.jpg", b"?")}, headers={"accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (422, "text/html; charset=utf-8")
    assert "web.jpg" in page.text


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_report_speaks_the_language_that_is_asked_for(
    empty: Callable[..., TestClient], language: str
) -> None:
    from provenance.languages import languages

    if language not in languages():
        pytest.skip(f"there is no catalogue of {language!r} yet")
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(buffer, "PNG")
    page = empty().post(
        "/v1/check", params={"language": language}, files={"file": buffer.getvalue()},
        headers={"accept": "text/html"},
    )  # fmt: skip
    assert f'<html lang="{language}"' in page.text


def test_an_unknown_language_is_a_wrong_call(empty: Callable[..., TestClient]) -> None:
    answer = empty().post("/v1/check", params={"language": "tlh"}, files={"file": b"?"})
    assert (answer.status_code, "known: " in answer.json()["detail"]) == (400, True)


def test_what_is_wrong_with_an_upload_is_said_by_its_name(
    empty: Callable[..., TestClient], photos: list[Path]
) -> None:
    files = {"original": photos[0].read_bytes(), "edited": ("web.jpg", b"not a picture")}
    answer = empty().post("/v1/compare", files=files)
    assert (answer.status_code, answer.json()["title"]) == (415, "UnsupportedFormatError")
    assert answer.json()["detail"].startswith("'web.jpg': ")


def test_neither_or_both_inputs_are_a_wrong_call(empty: Callable[..., TestClient]) -> None:
    client = empty()
    assert client.post("/v1/check").status_code == 400
    both = client.post("/v1/check", files={"file": b"?"}, data={"url": "http://example.org/"})
    assert both.status_code == 400
    callback = {"callback": "http://example.org/"}
    assert client.post("/v1/check", files={"file": b"?"}, data=callback).status_code == 400


def test_wrong_fields_are_named(empty: Callable[..., TestClient]) -> None:
    client = empty()
    answer = client.post("/v1/compare", files={"original": b"?"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert "edited" in answer.json()["detail"]
    assert client.get("/nowhere").headers["content-type"] == "application/problem+json"


def test_a_mistake_of_the_service_tells_nothing_of_its_inside(
    empty: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    from provenance.db.collections import Collections

    def fail(_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(Collections, "all", fail)
    answer = empty().get("/v1/collections")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in answer.text


def test_a_full_queue_asks_to_come_back(empty: Callable[..., TestClient]) -> None:
    client = empty(service={"queue": 2})
    answers = [
        client.post("/v1/check", params={"mode": "job"}, files={"file": b"x"}, data={}) for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert int(answers[-1].headers["retry-after"]) > 0


def test_a_check_that_takes_too_long_is_told_to_be_a_job(empty: Callable[..., TestClient]) -> None:
    client = empty(service={"check_timeout_s": 0.2, "checks": 1})
    office = client.app.state.office  # type: ignore[attr-defined]
    with office.bench.place():
        answer = client.post("/v1/check", files={"file": b"x"})
    assert (answer.status_code, "mode=job" in answer.json()["detail"]) == (503, True)
    assert int(answer.headers["retry-after"]) > 0
    assert client.post("/v1/check", files={"file": b"x"}).status_code == 422


def test_without_a_history_nothing_is_kept(empty: Callable[..., TestClient]) -> None:
    client = empty(service={"keep_reports_days": 0})
    answer = client.post("/v1/check", files={"file": b"x"})
    assert "location" not in answer.headers
    assert client.get("/v1/jobs").json()["items"] == []


def test_a_picture_is_kept_only_where_the_settings_say_so(empty: Callable[..., TestClient]) -> None:
    client = empty(service={"keep_queries_days": 1})
    place = client.post("/v1/check", files={"file": b"x"}).headers["location"]
    kept = client.get(f"{place}/evidence/query")
    assert (kept.content, kept.headers["content-type"]) == (b"x", "application/octet-stream")
    assert kept.headers["content-disposition"].startswith("attachment")
