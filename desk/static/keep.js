// What is being typed into a form with data-keep is kept on the server, sealed, once typing pauses, and the page says so. Nothing of it is kept in the browser.

import { keep } from "./unsent.js";

const PAUSE = 3_000;

for (const form of document.querySelectorAll("form[data-keep]")) {
  const line = form.querySelector("[data-said]");
  let timer = null;
  let saving = null;

  const say = (said) => { if (line.textContent !== said) line.textContent = said; };

  const save = async () => {
    const sent = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
    const typed = [...form.elements].filter(({ type }) => type !== "hidden").map((control) => [control, control.value]);
    const answer = await fetch(form.dataset.keep, { method: "POST", body: sent, redirect: "manual" }).catch(() => null);
    const told = await answer?.json().catch(() => null);
    say(told?.said ?? form.dataset.lost);
    if (!answer?.ok || !told) return;
    form.elements.draft.value = told.draft;
    keep(typed.filter(([control, value]) => control.value === value).map(([control]) => control));
  };

  const start = () => { saving = save().finally(() => { saving = null; }); };

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => (saving ? saving.finally(start) : start()), PAUSE);
  });

  // A draft that is being kept has no version yet to go on from.
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    if (!saving) return;
    event.preventDefault();
    saving.finally(() => form.requestSubmit(event.submitter));
  });
}
