// Asks the browser for a passkey when a form with data-passkey is sent, and sends the passkey's answer along.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
// What a passkey is to compute its bytes from (the extension PRF).
const extended = (asked) => asked?.prf?.eval ? { prf: { eval: { first: bytes(asked.prf.eval.first) } } } : asked;
const described = (known = []) => known.map((one) => ({ ...one, id: bytes(one.id) }));

const questions = {
  create: (asked) => navigator.credentials.create({
    publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: described(asked.excludeCredentials),
      extensions: extended(asked.extensions),
    },
  }),
  get: (asked) => navigator.credentials.get({
    publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      allowCredentials: described(asked.allowCredentials),
      extensions: extended(asked.extensions),
    },
  }),
};

// Each part by its name: what extensions gave is not among them.
const answer = ({ id, rawId, type, response }) => {
  const parts = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) parts[name] = text(response[name]);
  }
  if (response.getTransports) parts.transports = response.getTransports();
  return JSON.stringify({ id, rawId: text(rawId), type, response: parts });
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const trouble = form.querySelector("[data-trouble]");
  const withoutPrf = form.querySelector("[data-without-prf]");
  const computed = form.elements.prf;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    trouble.hidden = true;
    try {
      const credential = await questions[form.dataset.passkey](JSON.parse(form.dataset.asked));
      if (computed) {
        const first = credential.getClientExtensionResults().prf?.results?.first;
        withoutPrf.hidden = Boolean(first);
        if (!first) return;
        computed.value = text(first);
      }
      form.elements.credential.value = answer(credential);
      form.submit();
    } catch {
      trouble.hidden = false;
    }
  });

  if ("now" in form.dataset) form.requestSubmit();
}
