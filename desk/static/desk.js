// Comforts; every page works without them. While a person types, the session stays open; when nobody does anything
// until the session has ended, the page leaves the screen. Without JavaScript the page's own refresh does the latter.

import "./keep.js";
import "./keys.js";
import "./live.js";
import "./once.js";
import "./presence.js";
import "./told.js";
import { forget } from "./unsent.js";

const idle = Number(document.body.dataset.idle) * 1000;

if (idle) {
  const pause = idle / 3;
  let lastSign = Date.now();
  let lastCall = Date.now();

  for (const sign of ["input", "keydown", "pointerdown", "scroll"]) {
    document.addEventListener(sign, () => { lastSign = Date.now(); }, { passive: true });
  }

  const leave = () => { forget(); location.replace(document.body.dataset.leave); };

  setInterval(async () => {
    const now = Date.now();
    if (now - lastSign > idle) return leave();
    if (lastSign > lastCall && now - lastCall > pause) {
      lastCall = now;
      const answer = await fetch(document.body.dataset.alive, { redirect: "manual" }).catch(() => null);
      if (answer && answer.status !== 204) leave();
    }
  }, 10_000);
}
