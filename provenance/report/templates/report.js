
"use strict";
document.documentElement.classList.add("js");

for (const badge of document.querySelectorAll(".badge")) {
  // Kept inside the frame by half its size.
  badge.style.left = `clamp(14px, ${100 * badge.dataset.x}%, calc(100% - 14px))`;
  badge.style.top = `clamp(14px, ${100 * badge.dataset.y}%, calc(100% - 14px))`;
}

for (const report of document.querySelectorAll(".report")) {
  let pinned = null;

  const show = (edit) => {
    report.classList.toggle("focused", edit !== null);
    for (const part of report.querySelectorAll("[data-edit]")) {
      part.classList.toggle("active", part.dataset.edit === edit);
    }
  };
  const pin = (edit) => {
    pinned = pinned === edit ? null : edit;
    for (const item of report.querySelectorAll("li[data-edit]")) {
      item.querySelector("button").setAttribute("aria-pressed", String(item.dataset.edit === pinned));
    }
    show(pinned);
  };

  for (const part of report.querySelectorAll("li[data-edit], .region")) {
    const edit = part.dataset.edit;
    part.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && show(edit));
    part.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && show(pinned));
    part.addEventListener("click", () => pin(edit));
  }
  for (const button of report.querySelectorAll("li[data-edit] button")) {
    button.addEventListener("focus", () => button.matches(":focus-visible") && show(button.closest("li").dataset.edit));
    button.addEventListener("blur", () => show(pinned));
  }
  report.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && pinned !== null) pin(pinned);
  });
}

if (document.fullscreenEnabled) {
  for (const button of document.querySelectorAll(".enlarge")) {
    const viewer = button.closest(".viewer");
    button.hidden = false;
    button.addEventListener("click", () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else viewer.requestFullscreen();
    });
    viewer.addEventListener("fullscreenchange", () => {
      button.textContent = document.fullscreenElement === viewer ? "Leave full screen" : "Full screen";
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
