"""The page in a real browser: its script runs under its policy, and does what hands and keys ask for."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from provenance.records import Report
from provenance.report import to_html

_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')

_TOOLS = """
const one = (selector) => document.querySelector(selector);
const choose = (mode) => one(`[value="${mode}"]`).click();
const press = (target, key) => target.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
const shown = (selector) => getComputedStyle(one(selector)).visibility !== "hidden"
  && one(selector).getClientRects().length > 0;
const view = () => ["--z", "--x", "--y"].map((name) => Number(one(".viewer").style.getPropertyValue(name)));
const point = (type, x, y) => {
  const box = one(".query .frame").getBoundingClientRect();
  const at = {clientX: box.left + x * box.width, clientY: box.top + y * box.height};
  one(".query .base").dispatchEvent(new PointerEvent(type, {...at, bubbles: true, pointerId: 1, button: 0}));
};
Element.prototype.setPointerCapture = () => {};
"""

_SCRIPTS = {
    "test_each_way_to_compare_shows_its_pictures": """
        const found = {};
        for (const mode of ["side", "swipe", "onion", "flicker", "difference", "map"]) {
          choose(mode);
          found[mode] = [".whole", ".query", ".aligned", ".map", ".mix", ".turning"].filter(shown);
        }
        return found;
    """,
    "test_the_slider_moves_by_key_and_by_hand": """
        choose("swipe");
        const slider = one(".mix input"), at = [];
        const note = () => at.push(Number(one(".viewer").style.getPropertyValue("--at")));
        slider.value = 20; slider.dispatchEvent(new Event("input")); note();
        point("pointerdown", 0.7, 0.5); note();
        point("pointermove", 0.9, 0.5); note();
        point("pointerup", 0.9, 0.5); point("pointermove", 0.1, 0.5); note();
        return [at, Number(slider.value)];
    """,
    "test_keys_zoom_and_move_all_pictures_in_step": """
        const stage = one(".stage"), states = [];
        const matrix = (selector) => getComputedStyle(one(selector)).transform.replace(/matrix|[()]/g, "");
        press(stage, "0"); press(stage, "ArrowRight"); states.push(view());
        press(stage, "+"); press(stage, "ArrowRight"); states.push(view());
        const scales = [".lined .view", ".query .view"].map((one) => matrix(one).split(",")[0]);
        states.push([one(".zoom output").textContent, shown(".lined"), shown(".whole")]);
        states.push(scales[0] === scales[1]);
        press(stage, "0"); states.push(view());
        for (let step = 0; step < 20; step++) press(stage, "+");
        states.push(view()[0]);
        return states;
    """,
    "test_dragging_moves_a_zoomed_picture_and_no_further_than_its_edge": """
        one('[data-zoom="in"]').click();
        point("pointerdown", 0.5, 0.5); point("pointermove", 0.6, 0.45); const moved = view();
        point("pointermove", 3, 0.45); point("pointerup", 3, 0.45);
        return [moved, view()];
    """,
    "test_sentences_and_regions_choose_each_other": """
        const button = (number) => one(`li[data-edit="${number}"] button`);
        const active = () => {
          const parts = [...document.querySelectorAll(".active[data-edit]")];
          return [...new Set(parts.map((part) => part.dataset.edit))];
        };
        const states = [];
        button(1).click(); states.push(active(), button(1).getAttribute("aria-pressed"));
        point("pointerdown", 0.5, 0.9); point("pointerup", 0.5, 0.9);
        one('.query .region[data-edit="2"] .line').dispatchEvent(new MouseEvent("click", {bubbles: true}));
        states.push(active(), button(2).getAttribute("aria-pressed"));
        press(button(2), "Escape"); states.push(active());
        one('[data-zoom="in"]').click(); button(1).click(); states.push(view());
        return states;
    """,
    "test_the_flicker_stops_when_asked_and_shows_either_picture": """
        choose("flicker");
        const [run, once] = [one('[data-turn="run"]'), one('[data-turn="once"]')];
        const states = [run.textContent];
        once.click(); states.push(run.textContent, shown(".aligned"), shown(".tag-original"));
        once.click(); states.push(shown(".aligned"), shown(".tag-query"));
        return states;
    """,
}
"""What each test does on the page, and what it then looks at."""


@pytest.fixture(scope="module")
def browse(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Open a page in a browser that reaches no network, and return what became of it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    folder = tmp_path_factory.mktemp("browser")
    options = (
        "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --dump-dom "
        f"--window-size=1280,900 --user-data-dir={folder / 'profile'}"
    )

    def browse(page: str) -> str:
        path = folder / "page.html"
        path.write_text(page, "utf-8")
        command = [chromium, *options.split(), path.as_uri()]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout

    return browse


@pytest.fixture(scope="module")
def everything_told(modified: Report, browse: Callable[[str], str]) -> dict[str, Any]:
    """Play all scripts on one page, each from the same state; return what they saw by name of the test."""
    played = ",".join(f"{name}: (() => {{{script}}})" for name, script in _SCRIPTS.items())
    run = (
        f"{_TOOLS}const told = {{}}; for (const [name, script] of Object.entries({{{played}}})) "
        "{ told[name] = script(); choose('side'); one('[data-zoom=\"fit\"]').click(); } "
        "document.title = JSON.stringify(told);"
    )
    page = browse(_POLICY.sub("", to_html(modified)).replace("</body>", f"<script>{run}</script></body>"))
    title = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    assert title is not None
    told: dict[str, Any] = json.loads(html.unescape(title[1]))
    return told


@pytest.fixture
def told(request: pytest.FixtureRequest, everything_told: dict[str, Any]) -> Any:
    return everything_told[request.node.name]


def test_the_script_runs_under_the_policy(modified: Report, browse: Callable[[str], str]) -> None:
    page = browse(to_html(modified))
    assert '<html lang="en" class="js">' in page
    assert re.search(r'class="badge"[^>]*style="left: clamp\(', page)


def test_each_way_to_compare_shows_its_pictures(told: Any) -> None:
    assert told == {
        "side": [".whole", ".query"],
        "swipe": [".query", ".aligned", ".mix"],
        "onion": [".query", ".aligned", ".mix"],
        "flicker": [".query", ".turning"],
        "difference": [".query", ".aligned"],
        "map": [".map"],
    }


def test_the_slider_moves_by_key_and_by_hand(told: Any) -> None:
    assert told == [[20, pytest.approx(70), pytest.approx(90), pytest.approx(90)], 90]


def test_keys_zoom_and_move_all_pictures_in_step(told: Any) -> None:
    assert told == [[1, 0, 0], [1.5, -35, -25], ["150 %", True, False], True, [1, 0, 0], 8]


def test_dragging_moves_a_zoomed_picture_and_no_further_than_its_edge(told: Any) -> None:
    assert told[0] == [1.5, pytest.approx(-15, abs=0.1), pytest.approx(-30, abs=0.1)]
    assert told[1] == [1.5, 0, pytest.approx(-30, abs=0.1)]


def test_sentences_and_regions_choose_each_other(told: Any) -> None:
    *states, zoomed = told
    assert states == [["1"], "true", ["2"], "true", []]
    # The middle of the first region, at (60, 70) of 360 x 300, is brought to the middle, as far as that goes.
    assert zoomed == [1.5, 0, pytest.approx(0, abs=18)]


def test_the_flicker_stops_when_asked_and_shows_either_picture(told: Any) -> None:
    assert told == ["Stop", "Start", True, True, False, True]
