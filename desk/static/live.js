// Mail that comes in while the queue is open is told of in a line above it, and rows stay where they are until the reader wants them.

const line = document.querySelector("[data-mail]");

if (line) {
  const link = line.querySelector("a");
  const source = new EventSource(line.dataset.mail);

  source.addEventListener("mail", ({ data }) => {
    if (data === (line.dataset.said ?? "")) return;
    line.dataset.said = data;
    link.textContent = data && `${data}. ${line.dataset.show}`;
    link.hidden = !data;
  });
}
