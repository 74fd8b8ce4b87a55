"use strict";
document.documentElement.classList.add("js");

const MAX_ZOOM = 8;
const STEP = 1.5;
const TURN_MS = 800; // well under three flashes a second
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

for (const badge of document.querySelectorAll(".badge")) {
  // Kept inside the frame by half its size.
  badge.style.left = `clamp(14px, ${100 * badge.dataset.x}%, calc(100% - 14px))`;
  badge.style.top = `clamp(14px, ${100 * badge.dataset.y}%, calc(100% - 14px))`;
}

// Zoom and pan: one view for all pictures of a pair, in percent of the frame, so that they move in step.
const makeView = (viewer) => {
  const view = { zoom: 1, x: 0, y: 0 };
  const lineUp = viewer.querySelector(".line-up");
  const output = viewer.querySelector(".zoom output");

  const apply = () => {
    view.zoom = clamp(view.zoom, 1, MAX_ZOOM);
    view.x = clamp(view.x, 100 * (1 - view.zoom), 0);
    view.y = clamp(view.y, 100 * (1 - view.zoom), 0);
    viewer.style.setProperty("--z", view.zoom);
    viewer.style.setProperty("--x", view.x);
    viewer.style.setProperty("--y", view.y);
    const zoomed = view.zoom > 1;
    if (zoomed && lineUp) lineUp.checked = true;
    viewer.classList.toggle("zoomed", zoomed);
    viewer.classList.toggle("lined-up", zoomed || Boolean(lineUp?.checked));
    const told = `${Math.round(100 * view.zoom)} %`;
    if (output.textContent !== told) output.textContent = told;
  };
  view.by = (factor, x = 50, y = 50) => {
    const zoom = clamp(view.zoom * factor, 1, MAX_ZOOM);
    view.x = x - ((x - view.x) * zoom) / view.zoom;
    view.y = y - ((y - view.y) * zoom) / view.zoom;
    view.zoom = zoom;
    apply();
  };
  view.move = (x, y) => {
    view.x += x;
    view.y += y;
    apply();
  };
  view.fit = () => view.by(0);
  view.showRegion = (region) => {
    if (view.zoom === 1) return;
    const box = region.querySelector("path").getBBox();
    const { width, height } = region.ownerSVGElement.viewBox.baseVal;
    view.x = 50 - (view.zoom * 100 * (box.x + box.width / 2)) / width;
    view.y = 50 - (view.zoom * 100 * (box.y + box.height / 2)) / height;
    apply();
  };
  lineUp?.addEventListener("change", () => (lineUp.checked ? apply() : view.fit()));
  return view;
};

const prepare = (viewer) => {
  const copy = viewer.querySelector(".aligned").cloneNode(); // once in the file, twice on the page
  copy.className = "";
  viewer.querySelector(".lined .view").prepend(copy);
  for (const frame of viewer.querySelectorAll(".frame")) {
    const image = frame.querySelector("img");
    frame.style.setProperty("--aspect", image.getAttribute("width") / image.getAttribute("height"));
  }
};

const addButtonsAndKeys = (viewer, view) => {
  const stage = viewer.querySelector(".stage");
  const actions = { in: () => view.by(STEP), out: () => view.by(1 / STEP), fit: view.fit };
  for (const button of viewer.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", actions[button.dataset.zoom]);
  }
  const keys = {
    "+": actions.in, "=": actions.in, "-": actions.out, 0: actions.fit,
    ArrowLeft: () => view.move(10, 0), ArrowRight: () => view.move(-10, 0),
    ArrowUp: () => view.move(0, 10), ArrowDown: () => view.move(0, -10),
  };
  stage.addEventListener("keydown", (event) => {
    const arrow = event.key.startsWith("Arrow");
    if (event.target !== stage || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!keys[event.key] || (arrow && view.zoom === 1)) return;
    keys[event.key]();
    event.preventDefault();
  });
};

// Pointers: one drags the picture, or the line of the swipe; two pinch.
const addPointers = (viewer, view, mix) => {
  const stage = viewer.querySelector(".stage");
  const swipe = viewer.querySelector('[value="swipe"]');
  const held = new Map();
  let line = false;
  let travelled = 0;

  const place = (event) => {
    const box = event.target.closest(".frame").getBoundingClientRect();
    return { x: (100 * (event.clientX - box.left)) / box.width, y: (100 * (event.clientY - box.top)) / box.height };
  };
  const spread = () => {
    const [one, two] = [...held.values()];
    return { gap: Math.hypot(one.x - two.x, one.y - two.y), x: (one.x + two.x) / 2, y: (one.y + two.y) / 2 };
  };
  stage.addEventListener("pointerdown", (event) => {
    travelled = 0;
    const frame = event.target.closest(".frame");
    if (!frame || event.button !== 0) return;
    const at = place(event);
    const near = 48 / frame.clientWidth;
    line = swipe.checked && (view.zoom === 1 || Math.abs(at.x - mix.value) < 100 * near);
    if (!line && view.zoom === 1 && event.pointerType === "mouse") return;
    if (line) mix.set(at.x);
    held.set(event.pointerId, at);
    event.target.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const pinched = held.size === 2 && spread();
    const at = place(event);
    travelled += Math.hypot(at.x - before.x, at.y - before.y);
    held.set(event.pointerId, at);
    if (pinched) {
      const now = spread();
      view.by(now.gap / pinched.gap, now.x, now.y);
    } else if (line) {
      mix.set(at.x);
    } else {
      view.move(at.x - before.x, at.y - before.y);
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, (event) => held.delete(event.pointerId));
  }
  // The end of a drag is no click on an outline.
  stage.addEventListener("click", (event) => travelled > 1 && event.stopPropagation(), true);
  stage.addEventListener("wheel", (event) => {
    const frame = event.ctrlKey && event.target.closest(".frame");
    if (!frame) return;
    event.preventDefault();
    const at = place(event);
    view.by(Math.exp(-event.deltaY / 200), at.x, at.y);
  }, { passive: false });
};

// One slider for the line of the swipe and for the onion skin.
const makeMix = (viewer) => {
  const range = viewer.querySelector(".mix input");
  const mix = { value: 50 };
  mix.set = (percent) => {
    mix.value = clamp(percent, 0, 100);
    range.value = mix.value;
    viewer.style.setProperty("--at", mix.value);
  };
  range.addEventListener("input", () => mix.set(Number(range.value)));
  return mix;
};

const addFlicker = (viewer) => {
  const run = viewer.querySelector('[data-turn="run"]');
  const start = run.textContent;
  let timer = null;
  const turn = () => viewer.classList.toggle("turned");
  const play = (on) => {
    clearInterval(timer);
    timer = on ? setInterval(turn, TURN_MS) : null;
    run.textContent = on ? run.dataset.stop : start;
  };
  run.addEventListener("click", () => play(timer === null));
  viewer.querySelector('[data-turn="once"]').addEventListener("click", () => {
    play(false);
    turn();
  });
  viewer.querySelector(".modes").addEventListener("change", (event) => {
    play(event.target.value === "flicker" && !calm);
  });
};

const addFullScreen = (viewer) => {
  const button = viewer.querySelector(".enlarge");
  const enter = button.textContent;
  button.hidden = false;
  button.addEventListener("click", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else viewer.requestFullscreen();
  });
  viewer.addEventListener("fullscreenchange", () => {
    button.textContent = document.fullscreenElement === viewer ? button.dataset.leave : enter;
  });
};

// Items of a list and their outlines belong together: the edits of a pair, and the sources of a collage.
const link = (section, kind, view) => {
  let pinned = null;

  const show = (number) => {
    section.classList.toggle("focused", number !== null);
    for (const part of section.querySelectorAll(`[data-${kind}]`)) {
      part.classList.toggle("active", part.dataset[kind] === number);
    }
  };
  const pin = (number) => {
    pinned = pinned === number ? null : number;
    for (const item of section.querySelectorAll(`li[data-${kind}]`)) {
      const chosen = item.dataset[kind] === pinned;
      item.querySelector("button").setAttribute("aria-pressed", String(chosen));
      if (chosen) item.scrollIntoView({ block: "nearest" });
    }
    show(pinned);
    const drawn = section.querySelectorAll(`:is(.query, .map) .region[data-${kind}="${pinned}"]`);
    const region = [...drawn].find((one) => one.getClientRects().length);
    if (region) view?.showRegion(region);
  };

  for (const part of section.querySelectorAll(`li[data-${kind}], .region[data-${kind}]`)) {
    const number = part.dataset[kind];
    part.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && show(number));
    part.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && show(pinned));
    part.addEventListener("click", (event) => event.target.closest("details") || pin(number));
  }
  for (const button of section.querySelectorAll(`li[data-${kind}] button`)) {
    button.addEventListener("focus", () => button.matches(":focus-visible") && show(button.closest("li").dataset[kind]));
    button.addEventListener("blur", () => show(pinned));
  }
  section.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && pinned !== null) pin(pinned);
  });
};

for (const section of document.querySelectorAll(".columns")) {
  const viewer = section.querySelector(".viewer");
  const view = viewer && makeView(viewer);
  if (viewer) {
    prepare(viewer);
    addButtonsAndKeys(viewer, view);
    addPointers(viewer, view, makeMix(viewer));
    addFlicker(viewer);
    if (document.fullscreenEnabled) addFullScreen(viewer);
  }
  link(section, "edit", view);
}
for (const section of document.querySelectorAll(".sources")) link(section, "source");
