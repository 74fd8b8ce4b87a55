"""The pages in a real browser: a picture is dropped, its report read, the slider moved; no barrier found."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import uvicorn

pytest.importorskip("axe_core_python", reason="needs the package axe-core-python")

from provenance import Provenance
from provenance.service import create_app
from tests.browser import Browser
from tests.service.conftest import gray

DROP = """
document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
"""
CHOOSE = """document.getElementById("files").files = data.files;"""


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
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def give(browser: Browser, content: bytes, name: str, then: str) -> None:
    """Let the page have a file, as if it came from the reader's disk."""
    encoded = base64.b64encode(content).decode()
    browser.value(f"""{{
        const bytes = Uint8Array.from(atob("{encoded}"), (one) => one.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], {json.dumps(name)}, {{ type: "image/jpeg" }}));
        {then}
    }}""")


def barriers(browser: Browser) -> list[str]:
    """What axe-core finds, in words."""
    browser.value((files("axe_core_python") / "axe.min.js").read_text("utf-8"))
    found: list[Any] = browser.value("axe.run().then((result) => result.violations)")
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]


def click(browser: Browser, words: str) -> None:
    """Press the button, or follow the link, that says so."""
    browser.value(
        f"[...document.querySelectorAll('button, a, label')].find((one) => one.textContent.trim()"
        f".startsWith({json.dumps(words)})).click()"
    )


def test_a_dropped_picture_is_explained_compared_and_marked(
    browser: Browser, address: str, trusted: list[Path]
) -> None:
    browser.open(f"{address}/")
    assert barriers(browser) == []
    give(browser, gray(trusted[0]), "dropped.jpg", DROP)
    browser.until("!!document.querySelector('article.report')", seconds=60)
    assert "Modified copy" in browser.value("document.querySelector('h1').innerText")
    assert "black and white" in browser.value("document.querySelector('article .lead').innerText")
    assert barriers(browser) == []
    click(browser, "Swipe")
    before = browser.value("document.querySelector('.mix input').value")
    browser.value("document.querySelector('.mix input').focus()")
    browser.press("ArrowRight", "ArrowRight")
    assert browser.value("document.querySelector('.mix input').value") != before
    click(browser, "Yes, right")
    browser.until("!!document.querySelector('#feedback [role=status]')")
    assert browser.value("document.querySelector('[aria-pressed=true]').value") == "right"


def test_a_trusted_picture_is_added_and_withdrawn(browser: Browser, address: str, photos: list[Path]) -> None:
    browser.open(f"{address}/library")
    give(browser, photos[9].read_bytes(), "added.webp", CHOOSE)
    browser.value("document.getElementById('add-title').value = 'Added in a browser'")
    click(browser, "Add")
    browser.until("!!document.querySelector('[role=status]')")
    assert "1 added" in browser.text()
    assert barriers(browser) == []
    click(browser, "Added in a browser")
    browser.until("!!document.querySelector('button.danger')")
    assert barriers(browser) == []
    click(browser, "Withdraw")
    browser.until("!!document.querySelector('[role=status]')")
    assert "Withdrawn" in browser.value("document.querySelector('dl.rows').innerText")


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_no_page_has_a_barrier_or_a_second_scroll_bar(
    browser: Browser, address: str, width: int, scheme: str
) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.call("Emulation.setDeviceMetricsOverride", **size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.call("Emulation.setEmulatedMedia", features=features)
    for place in ("/", "/library", "/library/1", "/history", "/docs", "/login"):
        browser.open(address + place)
        assert barriers(browser) == [], place
        assert browser.value("document.documentElement.scrollWidth") <= width, place
    browser.call("Emulation.clearDeviceMetricsOverride")


def test_the_menu_is_reached_by_keyboard_and_can_be_skipped(browser: Browser, address: str) -> None:
    browser.open(f"{address}/login")
    browser.press("Tab")
    assert browser.value("document.activeElement.className") == "skip"
    browser.press("Enter")
    browser.until("document.activeElement.id == 'content'")
