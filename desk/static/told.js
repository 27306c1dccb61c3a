// What was done is said on top of the page that comes back. Who hears a page is told of a region only what changes in it, so it is put there once more.

const said = document.querySelector(".said");

if (said) addEventListener("load", () => said.replaceChildren(...[...said.children].map((each) => each.cloneNode(true))));
