// What was typed and not sent is not left unseen: whoever leaves a page with a changed form is asked first. A form that came back with something wrong, or says so itself, was not sent either.

const CHANGED_BY_CHOICE = new Set(["checkbox", "radio"]);

const isChanged = (control) => {
  if (control.type === "file") return control.files.length > 0;
  if (CHANGED_BY_CHOICE.has(control.type)) return control.checked !== control.defaultChecked;
  if (control.options) return !([...control.options].find((one) => one.defaultSelected) ?? control.options[0])?.selected;
  return control.type !== "hidden" && "defaultValue" in control && control.value !== control.defaultValue;
};

const isUnsent = (form) =>
  "unsent" in form.dataset || form.querySelector(".error:not([hidden])") || [...form.elements].some(isChanged);

let leaving = null;
let mayLeave = false;

// The page is left on purpose, whatever stands in it.
export const forget = () => { mayLeave = true; };

// What stands in these controls is kept elsewhere: from now on that is what they began with.
export const keep = (controls) => {
  for (const control of controls) {
    if (control.options) for (const one of control.options) one.defaultSelected = one.selected;
    else if (control.type !== "file") control.defaultValue = control.value;
  }
};

// A button that takes a form along without the files that were chosen in it says so first.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-loses-files]");
  const chosen = button && [...button.form.elements].some(({ type, files }) => type === "file" && files.length);
  if (chosen && !confirm(button.dataset.losesFiles)) event.preventDefault();
});

document.addEventListener("submit", (event) => { leaving = event.target; });
document.addEventListener("click", (event) => { if (event.target.closest("[data-drops]")) forget(); });

addEventListener("beforeunload", (event) => {
  const forms = [...document.querySelectorAll("main form[method=post]:not([role=search])")];
  if (mayLeave || !forms.some((form) => form !== leaving && isUnsent(form))) return;
  leaving = null;
  event.preventDefault();
});
