/* A scan by hand: the form, its progress, and what came of it. */

const POLL_MS = 1000;
const POLLS = 180;
const REFUSED_SHOWN = 6;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function showScanVenues(data) {
  show(
    "scan-venues",
    data.venues.map(({ venue }) =>
      h(
        "label",
        { "data-key": venue },
        h("input", { type: "checkbox", name: "venue", value: venue, checked: true }),
        venueName(venue),
      ),
    ),
  );
}

/* A number with commas as people type them; what could mean several numbers is sent as it was typed. */
function typedNumber(text) {
  const typed = text.trim();
  if (/^[1-9]\d{0,2}(,\d{3})+(\.\d+)?$/.test(typed)) return typed.replaceAll(",", "");
  return /^\d*,\d+$/.test(typed) ? typed.replace(",", ".") : typed;
}

/* What the form asks for; the server checks it and names what is wrong. */
function overrides(form) {
  const boxes = [...form.querySelectorAll("input[name=venue]")];
  const venues = boxes.filter((box) => box.checked).map((box) => box.value);
  const symbols = byId("scan-symbols")
    .value.toUpperCase()
    .split(/[\s,;]+/)
    .filter(Boolean);
  const asked = {};
  if (venues.length < boxes.length) asked.venues = venues;
  if (symbols.length) asked.symbols = symbols;
  for (const [name, id] of [
    ["min_net_bps", "scan-edge"],
    ["capital", "scan-capital"],
  ]) {
    const value = typedNumber(byId(id).value);
    if (value) asked[name] = value;
  }
  return asked;
}

function progress(text) {
  show(
    "scan-result",
    h("p", { class: "progress" }, h("progress", { "aria-label": "Scanning" }), h("span", null, text)),
  );
  announce(text);
}

async function scanByHand(form) {
  const button = byId("scan-button");
  if (button.getAttribute("aria-disabled") === "true") return;
  const asked = overrides(form);
  if (asked.venues?.length === 0) {
    show("scan-result", h("p", { class: "note", "data-tone": "bad" }, "Tick at least one venue."));
    announce("Tick at least one venue");
    form.querySelector("input[name=venue]").focus();
    return;
  }
  button.setAttribute("aria-disabled", "true");
  try {
    progress("Scanning: asking the venues");
    const found = await ask("scan", asked);
    await followed(found);
    refreshSoon();
  } catch (error) {
    show("scan-result", scanFailure(error));
    announce(`The scan failed: ${failureText(error)}`);
    byId("scan-result").focus();
    if (error instanceof KeyRefused) refreshSoon();
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

/* Show what a scan found; while its opportunities are judged and traded, ask again. */
async function followed(found) {
  const howMany = plural(found.opportunities.length, "opportunity", "opportunities");
  let told = { ...found, state: found.orchestration ? "trading" : "done", verdicts: [], trades: [] };
  progress(`${howMany} found: judging and trading in simulation`);
  for (let poll = 0; told.state !== "done" && poll < POLLS; poll += 1) {
    await pause(POLL_MS);
    try {
      told = await ask(`scans/${encodeURIComponent(found.scan_id)}`);
    } catch (error) {
      if (!(error instanceof Away)) throw error;
      progress(`${howMany} found; ${failureText(error)} Trying again`);
    }
  }
  show("scan-result", scanResult(told));
  announce(`The scan is done: ${howMany} found, ${plural(told.rejections.length, "loop")} refused`);
}

function scanResult(scan) {
  const down = Object.entries(scan.venues).filter(([, venue]) => venue.status !== "ok");
  const verdicts = new Map(scan.verdicts.map((verdict) => [verdict.opportunity_id, verdict]));
  const trades = new Map(scan.trades.map((trade) => [trade.opportunity_id, trade]));
  const rows = scan.opportunities.map((found) => {
    const trade = trades.get(found.id);
    const path = found.legs.map((leg) => `${leg.venue}:${leg.symbol}:${leg.side}`);
    return [
      found.id,
      [
        [route(path, trade ? linkTo("trade", trade.trade_id) : null)],
        [
          number(signed(found.net_bps, 1), "bps"),
          h("small", null, `${money(found.net_profit, found.start_asset)} ${found.start_asset}`),
        ],
        [decision(verdicts.get(found.id)), trade ? h("small", null, tradeText(trade)) : null],
      ],
    ];
  });
  return [
    h(
      "p",
      { class: "state", "data-done": true },
      `Compared ${plural(scan.instruments_compared, "instrument")} in ${duration(scan.elapsed_ms)}: found ${count(scan.opportunities.length)}, refused ${count(scan.rejections.length)} of ${plural(scan.loops_screened, "loop")}.`,
    ),
    scan.state === "done"
      ? null
      : h("p", { class: "note" }, "It is still being traded; the panels will show the outcome."),
    down.length
      ? h(
          "p",
          { class: "note", "data-tone": "warn" },
          down
            .map(([venue, each]) =>
              leftOut(each.status)
                ? `${venueName(venue)} was left out: ${each.error ?? "our rate limit"}`
                : `${venueName(venue)} is missing: ${each.error ?? inWords(each.status)}`,
            )
            .join("; "),
        )
      : null,
    rows.length
      ? table(
          "Opportunities of this scan",
          [["Loop"], ["Net edge", "right"], ["Verdict and trade", "right"]],
          rows,
        )
      : null,
    scan.rejections.length
      ? refusedOf(scan.rejections)
      : empty("No loop returned more than it took, after fees."),
  ];
}

function tradeText(trade) {
  const result = Number(trade.realised_profit) + Number(trade.unrealised_profit);
  const traded = trade.status === "filled" || trade.status === "partial";
  return `${STATUSES[trade.status] ?? trade.status} ${traded ? `${signed(result, decimalsOf(trade.start_asset))} ${trade.start_asset}` : trade.reason ? reasonText(trade.reason).toLowerCase() : ""}`;
}

function refusedOf(rejections) {
  const reasons = new Map();
  for (const each of rejections) {
    const found = reasons.get(each.reason) ?? { held: 0, best: each };
    reasons.set(each.reason, {
      held: found.held + 1,
      best: Number(each.net_bps) > Number(found.best.net_bps) ? each : found.best,
    });
  }
  const ranked = [...reasons].sort((one, other) => other[1].held - one[1].held).slice(0, REFUSED_SHOWN);
  return h(
    "details",
    { open: true },
    h("summary", null, "Why loops were refused"),
    h(
      "ul",
      { class: "items" },
      ranked.map(([reason, { held: times, best }]) =>
        h(
          "li",
          { "data-key": reason },
          h("div", { class: "row spread" }, h("b", null, reasonText(reason)), number(count(times))),
          h(
            "p",
            { class: "caption" },
            `Best: ${signed(best.net_bps, 1)} bps, ${pathText(best.path)}. ${best.detail}`,
          ),
        ),
      ),
    ),
  );
}

function scanFailure(error) {
  const errors = error instanceof Problem && error.errors.length ? error.errors : [failureText(error)];
  return h(
    "div",
    { class: "note", "data-tone": "bad" },
    h("p", null, error instanceof Problem ? `${error.message}.` : "The scan failed."),
    h(
      "ul",
      null,
      errors.map((text) => h("li", null, text)),
    ),
  );
}
