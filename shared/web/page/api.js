/* The functions behind the page: the key, requests, and what their failures mean. */

const PATIENCE_MS = 15_000;
const SCAN_PATIENCE_MS = 90_000;

class KeyRefused extends Error {}

class Away extends Error {}

/* An answer that tells what is wrong; `errors` are its sentences. */
class Problem extends Error {
  constructor(status, title, errors) {
    super(title);
    this.status = status;
    this.errors = errors;
  }
}

const key = {
  get: () => sessionStorage.getItem("function-key"),
  set: (value) => sessionStorage.setItem("function-key", value),
  forget: () => sessionStorage.removeItem("function-key"),
};

/* Take the key out of the fragment, and out of the address bar and the history. */
function takeKeyFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (!given.get("key")) return;
  key.set(given.get("key"));
  given.delete("key");
  history.replaceState(null, "", location.pathname + location.search + (given.size ? `#${given}` : ""));
}

async function ask(path, body) {
  const options = { headers: { "x-functions-key": key.get() ?? "" }, cache: "no-store" };
  if (body !== undefined) {
    options.method = "POST";
    options.body = JSON.stringify(body);
    options.headers["content-type"] = "application/json";
  }
  options.signal = AbortSignal.timeout(path === "scan" ? SCAN_PATIENCE_MS : PATIENCE_MS);
  let response;
  let text;
  try {
    response = await fetch(path, options);
    text = await response.text();
  } catch (error) {
    throw new Away(error.name === "TimeoutError" ? "did not answer in time" : "cannot be reached");
  }
  if (response.status === 401 || response.status === 403) throw new KeyRefused();
  let parsed = null;
  try {
    parsed = JSON.parse(text);
  } catch {
    if (response.ok) throw new Away("answered with something that is not JSON");
  }
  if (!response.ok) {
    const title = parsed?.title ?? `The server answered ${response.status}`;
    throw new Problem(response.status, title, parsed?.errors ?? []);
  }
  return parsed;
}
