// Single keys, unless their reader turned them off: j and k go through the cases of a list, and from a case to the next of its list, u back to that, / to the search box, ? opens the sheet that names them.

const page = document.body.dataset.keys;

// From the page of a case.
const go = (where) => document.querySelector(`[data-go="${where}"]`)?.click();

const step = (by) => {
  const cases = [...document.querySelectorAll("main a.open")];
  if (!cases.length) return go(by > 0 ? "next" : "previous");
  const at = cases.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : -1) : Math.min(Math.max(at + by, 0), cases.length - 1);
  cases.at(next)?.focus();
};

const search = () => {
  const box = document.querySelector("[data-search]");
  box?.focus();
  box?.select();
};

const sheet = async () => {
  const answer = await fetch(page).catch(() => null);
  if (!answer?.ok || answer.redirected) return location.assign(page);
  const made = new DOMParser().parseFromString(await answer.text(), "text/html");
  const dialog = document.createElement("dialog");
  const close = document.createElement("button");
  close.textContent = document.body.dataset.close;
  close.addEventListener("click", () => dialog.close());
  dialog.append(made.querySelector("h1"), made.querySelector("#keys-sheet"), close);
  dialog.setAttribute("aria-label", made.querySelector("title").textContent);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
};

const does = { "j": () => step(1), "k": () => step(-1), "u": () => go("back"), "/": search, "?": sheet };

if (page) {
  document.addEventListener("keydown", (event) => {
    const elsewhere = event.target.closest("input, textarea, select, [contenteditable], dialog");
    if (elsewhere || event.isComposing || event.ctrlKey || event.metaKey || event.altKey || !(event.key in does)) return;
    event.preventDefault();
    does[event.key]();
  });
}
