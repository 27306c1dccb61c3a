// Two members on one case see each other. An event only says that something changed; what, the page asks then.

const here = document.querySelector("[data-here]");

if (here) {
  let told = here.dataset.told;
  const source = new EventSource(here.dataset.here);

  source.addEventListener("here", async ({ data }) => {
    if (data === told) return;
    told = data;
    const answer = await fetch(here.dataset.who).catch(() => null);
    if (answer?.status !== 200) return;
    const part = new DOMParser().parseFromString(await answer.text(), "text/html");
    here.replaceChildren(...part.body.childNodes);
  });
}
