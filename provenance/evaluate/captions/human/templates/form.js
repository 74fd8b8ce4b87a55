// Marks by key, and the two pictures in one place. Without this script the form works by mouse and Tab.
"use strict";
const questions = [...document.querySelectorAll("fieldset[data-question]")];
const marked = (question) => question.querySelector("input:checked");
const flick = document.getElementById("flick");
const before = document.getElementById("before");
const shown = { before: before.src, after: document.getElementById("after").src };

function ask() {
  const next = questions.find((question) => !marked(question));
  for (const question of questions) question.classList.toggle("asked", question === next);
}

function turn() {
  const after = flick.getAttribute("aria-pressed") !== "true";
  flick.setAttribute("aria-pressed", String(after));
  before.src = after ? shown.after : shown.before;
  before.alt = after ? "The picture after the change" : "The picture before the change";
  before.parentElement.querySelector("figcaption").textContent = after ? "After, in the place of before" : "Before";
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key >= "1" && event.key <= "5") {
    const here = event.target.closest?.("fieldset[data-question]");
    const question = here ?? questions.find((one) => !marked(one)) ?? questions.at(-1);
    const mark = question.querySelector(`input[value="${event.key}"]`);
    mark.checked = true;
    const next = questions.find((one) => !marked(one));
    if (here && next) next.querySelector("input").focus();
    ask();
  } else if (event.key === "Enter" && !event.target.closest?.("button, a")) {
    event.preventDefault();
    document.querySelector("form").requestSubmit();
  } else if (event.key.toLowerCase() === "f") {
    turn();
  }
});
document.addEventListener("change", ask);
flick.addEventListener("click", turn);
flick.hidden = false;
document.querySelector(".keys").hidden = false;
ask();
