"""The pages for people: every form works without a script, in three languages, behind a strict policy."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from provenance.languages import languages, load_language
from provenance.ledger import COMMAND_LINE
from provenance.service.site import POLICY, TEMPLATES, static_files
from tests.service.conftest import gray

# What the pages show does not depend on the database; the contract is tested on both.
on_sqlite = pytest.mark.parametrize("library", ["sqlite"], indirect=True, scope="module")

PAGES = ("/", "/library", "/history", "/docs", "/login")
BROWSER = {"accept": "text/html,application/xhtml+xml"}


def report_page(client: TestClient, content: bytes, name: str = "web.jpg") -> tuple[str, str]:
    """Send the form, wait for the report; returns its place and its text."""
    answer = client.post("/checks", files={"file": (name, content)}, headers=BROWSER, follow_redirects=False)
    assert answer.status_code == 303
    place = answer.headers["location"]
    for _ in range(600):
        page = client.get(place, headers=BROWSER)
        if 'id="progress"' not in page.text:
            return place, page.text
        time.sleep(0.05)
    raise AssertionError("the check did not end")


# ---------------------------------------------------------------- a check, its report, a mark


@on_sqlite
def test_a_picture_is_checked_and_marked_by_forms_alone(client: TestClient, trusted: list[Path]) -> None:
    place, page = report_page(client, gray(trusted[0]))
    assert load_language("en").say("verdict.title.modified") in page
    assert "data:image/webp" in page
    assert 'name="kind" value="not_same"' in page
    for link in re.findall(r'href="(/v1/reports/[^"]+)"', page):
        assert client.get(link).status_code == 200, link
    marked = client.post(f"{place}/feedback", data={"kind": "right", "note": "<b>"}, headers=BROWSER)
    assert 'aria-pressed="true">Yes, right' in marked.text
    assert "<b>" not in marked.text
    assert place in client.get("/history", headers=BROWSER).text


@on_sqlite
def test_without_a_match_nothing_can_be_another_picture(client: TestClient) -> None:
    buffer = io.BytesIO()
    Image.radial_gradient("L").save(buffer, "PNG")
    _, page = report_page(client, buffer.getvalue())
    assert load_language("en").say("verdict.title.no_match") in page
    assert "not_same" not in page


@on_sqlite
def test_names_are_shown_as_text(client: TestClient, trusted: list[Path]) -> None:
    place, page = report_page(client, trusted[0].read_bytes(), "<script>alert(1)</script>.jpg")
    for text in (page, client.get("/history", headers=BROWSER).text, client.get(f"{place}").text):
        assert "<script>alert" not in text


def test_neither_picture_nor_address_asks_for_one(empty: Callable[..., TestClient]) -> None:
    client = empty()
    answer = client.post("/checks", data={"url": ""}, headers=BROWSER)
    assert (answer.status_code, 'role="alert"' in answer.text) == (400, True)
    inside = client.post("/checks", data={"url": "file:///etc/passwd"}, headers=BROWSER)
    assert (inside.status_code, 'role="alert"' in inside.text) == (400, True)


def test_an_address_that_another_page_names_is_filled_in_and_not_sent(
    empty: Callable[..., TestClient],
) -> None:
    client = empty()
    page = client.get("/", params={"url": 'https://example.org/a.jpg"><script>'}, headers=BROWSER).text
    assert 'value="https://example.org/a.jpg&#34;&gt;&lt;script&gt;"' in page
    assert client.get("/v1/jobs").json()["items"] == []


# ---------------------------------------------------------------- the trusted pictures


@on_sqlite
def test_a_picture_is_added_described_withdrawn_and_trusted_again(
    client: TestClient, photos: list[Path]
) -> None:
    photo = photos[7]
    answer = client.post(
        "/library", headers=BROWSER, data={"title": "Störche", "credit": "Somebody"},
        files=[("file", (photo.name, photo.read_bytes())), ("file", ("bad.svg", b"<svg onload=alert(1)>"))],
    )  # fmt: skip
    assert "1 added, 0 known before, 1 refused" in answer.text
    found = client.get("/library", params={"q": "störche"}, headers=BROWSER).text
    [place] = set(re.findall(r'href="(/library/\d+)"', found))
    saved = client.post(place, data={"title": "Zwei Störche", "license": "CC0"}, headers=BROWSER).text
    assert 'value="Zwei Störche"' in saved
    assert 'value="Somebody"' not in saved  # an emptied field is emptied
    withdrawn = client.post(f"{place}/status", data={"status": "withdrawn"}, headers=BROWSER).text
    assert "<strong>Withdrawn</strong>" in withdrawn
    assert client.post("/v1/check", files={"file": photo.read_bytes()}).json()["verdict"] == "no_match"
    client.post(f"{place}/status", data={"status": "active"}, headers=BROWSER)
    assert client.post("/v1/check", files={"file": photo.read_bytes()}).json()["verdict"] == "identical"
    client.post(f"{place}/status", data={"status": "withdrawn"}, headers=BROWSER)


@on_sqlite
def test_filters_that_mean_nothing_show_everything(client: TestClient) -> None:
    for params in ({"status": "nonsense"}, {"q": "%"}, {"collection": "nowhere"}, {"before": "1"}):
        assert client.get("/library", params=params, headers=BROWSER).status_code == 200


# ---------------------------------------------------------------- who, in which language


def test_a_browser_signs_in_with_a_key_and_out_again(empty: Callable[..., TestClient]) -> None:
    client = empty()
    keys = client.app.state.office.library.database.keys  # type: ignore[attr-defined]
    made, key = keys.create("Ana", "checker", by=COMMAND_LINE)
    asked = client.get("/history", headers=BROWSER, follow_redirects=False)
    assert (asked.status_code, asked.headers["location"]) == (303, "/login")
    assert client.post("/login", data={"key": "prov_wrong"}, headers=BROWSER).status_code == 401
    entered = client.post("/login", data={"key": key}, headers=BROWSER, follow_redirects=False)
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    page = client.get("/library", headers=BROWSER).text
    assert "Ana" in page
    assert 'action="/library" enctype' not in page  # a checker adds nothing
    forged = client.post("/checks", data={"url": "x"}, headers={**BROWSER, "origin": "http://evil.example"})
    assert forged.status_code == 403
    client.post("/logout", headers=BROWSER)
    assert client.get("/history", headers=BROWSER, follow_redirects=False).status_code == 303
    keys.revoke(made.key_id, by=COMMAND_LINE)


@pytest.mark.parametrize("code", languages())
@pytest.mark.parametrize("page", PAGES)
def test_every_page_speaks_every_language(empty: Callable[..., TestClient], code: str, page: str) -> None:
    text = empty().get(page, headers={**BROWSER, "accept-language": f"{code}-XX,en;q=0.5"}).text
    assert f'<html lang="{code}">' in text
    key = {"/": "site.ask.title", "/docs": "site.interface_page.title"}.get(page, f"site.{page[1:]}")
    assert load_language(code).say(key) in text


def test_a_language_that_was_chosen_stays(empty: Callable[..., TestClient]) -> None:
    client = empty()
    answer = client.post("/language", data={"code": "fr", "place": "/history"}, follow_redirects=False)
    assert answer.headers["location"] == "/history"
    assert '<html lang="fr">' in client.get("/", headers={**BROWSER, "accept-language": "es"}).text
    for place in ("//evil.example", "https://evil.example", "/\\evil.example"):
        away = client.post("/language", data={"code": "fr", "place": place}, follow_redirects=False)
        assert away.headers["location"] == "/"


def test_templates_say_only_what_the_languages_know() -> None:
    texts = load_language("en").texts
    for template in TEMPLATES.glob("*.j2"):
        for key in re.findall(r"""say\(["']([\w.]+)["'][,)]""", template.read_text("utf-8")):
            assert key in texts, f"{template.name}: {key}"


# ---------------------------------------------------------------- policy


@pytest.mark.parametrize("page", PAGES)
def test_pages_load_nothing_from_elsewhere(empty: Callable[..., TestClient], page: str) -> None:
    answer = empty().get(page, headers=BROWSER)
    assert answer.headers["content-security-policy"] == POLICY
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", answer.text)
    for place in re.findall(r'(?:src|href)="([^"]+)"', answer.text):
        assert place.startswith(("/", "#", "javascript:(()")), place


def test_styles_and_scripts_may_be_kept_by_browsers(empty: Callable[..., TestClient]) -> None:
    client = empty()
    for name in static_files():
        answer = client.get(f"/static/{name}")
        assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True)
    assert client.get("/static/site.py").status_code == 404


def test_a_mistake_is_a_page_for_browsers_and_a_problem_for_programs(
    empty: Callable[..., TestClient],
) -> None:
    client = empty()
    page = client.get("/library/999", headers=BROWSER)
    assert (page.status_code, 'role="alert"' in page.text) == (404, True)
    assert client.get("/library/999").headers["content-type"] == "application/problem+json"
    unknown: Any = client.get("/nowhere", headers=BROWSER)
    assert (unknown.status_code, "<h1>" in unknown.text) == (404, True)
