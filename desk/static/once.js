// A form that takes long is sent once: its button closes, and it is said that it is being read. What a form says by its token holds without this.

const closeTo = (form, isSent) => {
  for (const button of form.querySelectorAll("button:not([name])")) button.disabled = isSent;
  const said = form.querySelector("[data-busy]");
  said.textContent = isSent ? said.dataset.busy : "";
};

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", ({ submitter }) => { if (!submitter?.name) closeTo(form, true); });
  addEventListener("pageshow", () => closeTo(form, false)); // it came back as it was left
}
