"""The pages in a real browser: a picture is dropped, its report read, the slider moved; no barrier found."""

from __future__ import annotations

import base64
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")

from provenance import Provenance  # noqa: E402
from provenance.service import create_app  # noqa: E402
from tests.service.conftest import gray  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")

DROP = """
([encoded, name]) => {
  const bytes = Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: "image/jpeg" }));
  document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
}
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, trusted: list[Path]) -> Iterator[str]:
    """A real service that trusts four photos."""
    with Provenance(tmp_path_factory.mktemp("browsed"), search={"deep_k": 0}) as library:
        library.ingest(trusted)
        server = uvicorn.Server(uvicorn.Config(create_app(library), port=0, log_config=None))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        host, port = server.servers[0].sockets[0].getsockname()
        yield f"http://{host}:{port}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page that collects what goes wrong in it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    opened = context.new_page()
    opened.faults = []
    opened.on("pageerror", lambda error: opened.faults.append(str(error)))
    opened.on("console", lambda said: said.type == "error" and opened.faults.append(said.text))
    yield opened
    context.close()


def barriers(page: Any) -> list[str]:
    """What axe-core finds, in words."""
    found = axe.Axe().run(page).response["violations"]
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]


def test_a_dropped_picture_is_explained_compared_and_marked(
    page: Any, address: str, trusted: list[Path]
) -> None:
    page.goto(address)
    assert barriers(page) == []
    encoded = base64.b64encode(gray(trusted[0])).decode()
    page.evaluate(DROP, [encoded, "dropped.jpg"])
    page.wait_for_selector("article.report", timeout=60_000)
    assert "Modified copy" in page.inner_text("h1")
    assert "black and white" in page.inner_text("article .lead")
    assert barriers(page) == []
    page.locator("input[value=swipe]").check()
    slider = page.locator(".mix input")
    before = slider.input_value()
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert slider.input_value() != before
    page.get_by_role("button", name="Yes, right").click()
    page.wait_for_selector("#feedback [role=status]")
    assert page.get_by_role("button", name="Yes, right").get_attribute("aria-pressed") == "true"
    assert page.faults == []


def test_a_trusted_picture_is_added_and_withdrawn(page: Any, address: str, photos: list[Path]) -> None:
    page.goto(f"{address}/library")
    page.set_input_files("#files", str(photos[9]))
    page.fill("#add-title", "Added in a browser")
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_selector("[role=status]")
    assert "1 added" in page.inner_text("[role=status]")
    assert barriers(page) == []
    page.get_by_text("Added in a browser").click()
    assert barriers(page) == []
    page.get_by_role("button", name="Withdraw").click()
    page.wait_for_selector("[role=status]")
    assert "Withdrawn" in page.inner_text("dl.rows")
    assert page.faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_has_a_barrier_or_a_second_scroll_bar(
    browser: Any, address: str, width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    for place in ("/", "/library", "/library/1", "/history", "/docs", "/login"):
        page.goto(address + place)
        assert barriers(page) == [], place
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place
    context.close()


def test_the_menu_is_reached_by_keyboard_and_can_be_skipped(page: Any, address: str) -> None:
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
