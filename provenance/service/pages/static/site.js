"use strict";
document.documentElement.classList.add("js");

// A picture may be dropped anywhere on the page that asks for one, or pasted.
const form = document.getElementById("ask");
if (form) {
  const [drop, input, url] = ["drop", "file", "url"].map((id) => document.getElementById(id));

  const take = (file) => {
    const files = new DataTransfer();
    files.items.add(file);
    input.files = files.files;
    shown();
    form.requestSubmit();
  };
  const shown = () => {
    const [file] = input.files;
    const preview = document.getElementById("preview");
    document.getElementById("chosen").textContent = file ? form.dataset.chosen.replace("%s", file.name) : "";
    preview.hidden = !file;
    if (file) preview.src = URL.createObjectURL(file);
  };

  input.addEventListener("change", shown);
  addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  addEventListener("dragleave", (event) => event.relatedTarget || drop.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const [file] = event.dataTransfer.files;
    const address = event.dataTransfer.getData("text/uri-list").split("\n")[0];
    if (file) take(file);
    else if (address) url.value = address;
  });
  addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (file) take(file);
    else if (event.target !== url) {
      const text = event.clipboardData.getData("text").trim();
      if (/^https?:\/\//.test(text)) url.value = text;
    }
  });
  form.addEventListener("submit", () => form.setAttribute("aria-busy", "true"));
}

// The progress of a check is told as it happens; then its report takes the place of this page.
const progress = document.getElementById("progress");
if (progress) {
  const stage = document.getElementById("stage");
  const events = new EventSource(progress.dataset.events);
  events.addEventListener("job", (event) => {
    const job = JSON.parse(event.data);
    if (job.finished_at) {
      events.close();
      location.reload();
    } else if (job.state === "queued") {
      stage.textContent = job.ahead ? progress.dataset.queued.replace("%s", job.ahead) : progress.dataset.next;
    } else {
      stage.textContent = progress.dataset[job.stage] ?? progress.dataset.running;
    }
  });
}
