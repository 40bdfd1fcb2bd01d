/* The page's life: it asks every few seconds, shows what comes, and says so when nothing comes. */

const REFRESH_MS = 5000;
const RETRY_MS = [1000, 2000, 4000, 8000, 15_000];
const THEMES = ["auto", "light", "dark"];

let latest = null;
let serverAheadMs = 0;
let failures = 0;
let away = null;
let timer = 0;
let wasOld = false;
let asking = false;
let askAgain = false;

const nowMs = () => Date.now() + serverAheadMs;

function failureText(error) {
  if (error instanceof KeyRefused) return "The key was not accepted.";
  if (error instanceof Away) return `The server ${error.message}.`;
  if (error instanceof Problem)
    return error.errors.length ? `${error.message}: ${error.errors.join("; ")}` : `${error.message}.`;
  console.error(error);
  return "The page could not make sense of the answer.";
}

function refreshSoon(ms = 0) {
  clearTimeout(timer);
  timer = setTimeout(refresh, ms);
}

async function refresh() {
  const used = key.get();
  if (document.hidden || !used) return;
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  try {
    const data = await ask("overview");
    if (key.get() !== used) return;
    serverAheadMs = Date.parse(data.now) - Date.now();
    if (away) announce("The server answers again");
    tellNews(data);
    away = null;
    failures = 0;
    latest = data;
    showAll();
    refreshSoon(REFRESH_MS);
  } catch (error) {
    if (key.get() !== used) return;
    if (error instanceof KeyRefused) {
      askForKey(failureText(error));
    } else {
      if (!away) announce(failureText(error));
      away = failureText(error);
      refreshSoon(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
      failures += 1;
      showNotes();
    }
  } finally {
    asking = false;
    if (askAgain) refreshSoon();
    askAgain = false;
  }
}

function tellNews(data) {
  if (!latest) return;
  if (data.scan?.opportunities && data.scan.scan_id !== latest.scan?.scan_id)
    announce(`A scan found ${plural(data.scan.opportunities, "opportunity", "opportunities")}`);
  if (data.kill_switch.tripped && !latest.kill_switch.tripped)
    announce("The kill switch has stopped execution");
}

function showAll() {
  const data = latest;
  byId("key-section").hidden = true;
  byId("dashboard").hidden = false;
  byId("forget-key").hidden = false;
  byId("market").hidden = false;
  const [market, meaning] = MARKETS[data.market] ?? [data.market, ""];
  show(byId("market"), market, h("span", { class: "more" }, meaning));
  byId("market").dataset.tone = data.market === "simulated" ? "warn" : "good";
  byId("version").textContent = `Version ${data.version}`;
  showNotes();
  showFigures(data);
  showOpportunities(data, nowMs());
  showRefused(data, nowMs());
  showProfit(data, nowMs());
  showTrades(data, nowMs());
  showInventory(data);
  showVenues(data, nowMs());
  showSwitch(data, nowMs());
  showScanVenues(data);
  showDistribution(data);
  showLifetimes(data, nowMs());
  showVerdicts(data, nowMs());
}

/* What a person must know before reading on: no server, old data, a stopped desk, alarms. */
function showNotes() {
  const notes = [];
  const note = (id, tone, ...text) =>
    notes.push(h("p", { class: "note", "data-key": id, "data-tone": tone }, text));
  const age = latest?.scan ? nowMs() - Date.parse(latest.scan.time) : 0;
  const old = latest?.scan && age > staleAfterMs(latest);
  if (away)
    note(
      "away",
      "bad",
      `${away} ${latest ? `What you see is from ${clock(latest.now)}. ` : ""}Trying again by itself.`,
    );
  if (old)
    note(
      "old",
      "warn",
      `This data is old: the newest scan was ${duration(age)} ago, and one is due every ${duration(latest.scan_every_ms)}.`,
    );
  for (const alarm of latest?.alarms ?? [])
    note(
      `alarm-${alarm.name}`,
      alarm.severity === "critical" ? "bad" : "warn",
      h("b", null, "Alarm: "),
      alarm.detail,
    );
  if (latest?.loads.poisoned)
    note(
      "poisoned",
      "bad",
      `${plural(latest.loads.poisoned, "record")} cannot be loaded into the warehouse, so the numbers below lack them.`,
    );
  show(byId("notes"), notes);
  if (old && !wasOld) announce("The data is old");
  wasOld = old;
  const connection = byId("connection");
  connection.dataset.state = away ? "away" : old ? "old" : latest ? "live" : "loading";
  const when = latest?.scan ? ["last scan ", ago(latest.scan.time, nowMs())] : "no scan yet";
  show(
    connection,
    h("b", null, away ? "No answer" : old ? "Old data" : latest ? "Live" : "Loading"),
    latest ? [" · ", when] : null,
  );
}

function askForKey(error = "") {
  key.forget();
  clearTimeout(timer);
  latest = null;
  byId("dashboard").hidden = true;
  byId("forget-key").hidden = true;
  byId("key-section").hidden = false;
  byId("key-error").textContent = error;
  show(byId("notes"));
  byId("connection").dataset.state = "loading";
  byId("connection").textContent = "No key";
  byId("key").focus();
}

function applyTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  byId("theme").setAttribute("aria-label", `Theme: ${theme}`);
  show(byId("theme"), h("span", { class: "more" }, "Theme: "), theme);
}

const ACTIONS = {
  theme: () => {
    const theme = THEMES[(THEMES.indexOf(localStorage.getItem("theme") ?? "auto") + 1) % THEMES.length];
    localStorage.setItem("theme", theme);
    applyTheme(theme);
  },
  "forget-key": () => askForKey(),
  "give-key": () => {
    const given = byId("key").value.trim();
    if (!given) return;
    byId("key").value = "";
    byId("key-error").textContent = "";
    key.set(given);
    refreshSoon();
    openDetail();
  },
  distribution: (button) => {
    distributionShown = button.value;
    showDistribution(latest);
  },
  expand: (button) => {
    if (!expanded.delete(button.value)) expanded.add(button.value);
    showAll();
  },
  scan: (form) => scanByHand(form),
  "open-switch": (button) => openSwitch(button.value),
  "turn-switch": () => turnSwitch(),
  "close-switch": () => byId("switch-dialog").close(),
  "close-detail": () => closeDetail(),
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-action]");
  if (button) ACTIONS[button.dataset.action](button);
});
document.addEventListener("submit", (event) => {
  event.preventDefault();
  ACTIONS[event.target.dataset.action](event.target);
});
document.addEventListener("visibilitychange", () => refreshSoon());
byId("detail").addEventListener("cancel", (event) => {
  event.preventDefault();
  closeDetail();
});
addEventListener("online", () => refreshSoon());
addEventListener("hashchange", () => {
  const had = key.get();
  takeKeyFromAddress();
  if (key.get() !== had) refreshSoon();
  openDetail();
});
let drawnWidth = 0;
new ResizeObserver(([{ contentRect }]) => {
  if (!latest || contentRect.width === drawnWidth) return;
  drawnWidth = contentRect.width;
  requestAnimationFrame(showCharts);
}).observe(byId("main"));
setInterval(() => {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const text = `${roughly(Math.max(0, nowMs() - Date.parse(time.dateTime)))} ago`;
    if (time.textContent !== text) time.firstChild.data = text;
  }
  if (latest) showNotes();
}, 1000);

function showCharts() {
  showProfit(latest, nowMs());
  showDistribution(latest);
  showLifetimes(latest, nowMs());
}

takeKeyFromAddress();
applyTheme(localStorage.getItem("theme") ?? "auto");
if (key.get()) {
  refreshSoon();
  openDetail();
} else {
  askForKey();
}
