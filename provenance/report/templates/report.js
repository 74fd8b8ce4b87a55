
"use strict";
document.documentElement.classList.add("js");

for (const badge of document.querySelectorAll(".badge")) {
  // Kept inside the frame by half its size.
  badge.style.left = `clamp(14px, ${100 * badge.dataset.x}%, calc(100% - 14px))`;
  badge.style.top = `clamp(14px, ${100 * badge.dataset.y}%, calc(100% - 14px))`;
}

// Items of a list and their outlines belong together: the edits of a pair, and the sources of a collage.
const link = (section, kind) => {
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
      item.querySelector("button").setAttribute("aria-pressed", String(item.dataset[kind] === pinned));
    }
    show(pinned);
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
for (const section of document.querySelectorAll(".columns")) link(section, "edit");
for (const section of document.querySelectorAll(".sources")) link(section, "source");

if (document.fullscreenEnabled) {
  for (const button of document.querySelectorAll(".enlarge")) {
    const viewer = button.closest(".viewer");
    const enter = button.textContent;
    button.hidden = false;
    button.addEventListener("click", () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else viewer.requestFullscreen();
    });
    viewer.addEventListener("fullscreenchange", () => {
      button.textContent = document.fullscreenElement === viewer ? button.dataset.leave : enter;
    });
  }
}

for (const range of document.querySelectorAll(".swipe")) {
  const frame = range.closest(".frame");
  const swiping = () => frame.closest(".viewer").querySelector('[value="swipe"]').checked;
  const move = (percent) => {
    range.value = percent;
    frame.style.setProperty("--at", `${range.value}%`);
  };
  const follow = (event) => {
    const box = frame.getBoundingClientRect();
    range.step = "any";
    move((100 * (event.clientX - box.left)) / box.width);
    range.step = "1";
  };
  range.addEventListener("input", () => move(range.value));
  frame.addEventListener("pointerdown", (event) => {
    if (!swiping() || event.button !== 0) return;
    frame.setPointerCapture(event.pointerId);
    range.focus({ preventScroll: true, focusVisible: false });
    follow(event);
    event.preventDefault();
  });
  frame.addEventListener("pointermove", (event) => frame.hasPointerCapture(event.pointerId) && follow(event));
}
