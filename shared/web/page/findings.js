/* What the scans found, what was refused, and how the venues answered. */

const ROWS_AT_FIRST = 6;
const STALE_SCANS = 4;
const STALE_AT_LEAST_MS = 60_000;

/* How long a scan may be the newest one before the data counts as old. */
const staleAfterMs = (data) => Math.max(STALE_AT_LEAST_MS, STALE_SCANS * data.scan_every_ms);

/* Which venues the newest scan went without: those that did not answer, and those we could not ask. */
function missingText(venues) {
  const missing = venues.filter((venue) => venue.in_newest_scan && venue.status !== "ok");
  const names = (some) => some.map((venue) => venueName(venue.venue)).join(" and ");
  const silent = missing.filter((venue) => !leftOut(venue.status));
  const left = missing.filter((venue) => leftOut(venue.status));
  const parts = [];
  if (silent.length) parts.push(`${names(silent)} did not answer`);
  if (left.length) parts.push(`${names(left)} ${left.length > 1 ? "were" : "was"} left out: our rate limit`);
  return parts.length ? ` (${parts.join("; ")})` : "";
}

/* In one sentence: what the newest scan did, and where nothing was found, why. */
function summaryText(data) {
  const scan = data.scan;
  if (!scan)
    return "No scan has been recorded yet. The first one comes with the timer, or start one by hand.";
  const asked = `The ${scan.triggered_by === "http" ? "manual scan" : "scan"} of ${clock(scan.time)} compared ${plural(scan.instruments_compared, "instrument")} on ${scan.venues_ok} of ${plural(scan.venues_asked, "venue")}`;
  const without = missingText(data.venues);
  if (!scan.venues_ok) return `${asked}${without}: no venue gave prices, so there was nothing to compare.`;
  if (scan.opportunities) {
    return `${asked}${without}, found ${plural(scan.opportunities, "opportunity", "opportunities")} and refused ${plural(scan.rejections, "loop")}.`;
  }
  if (!scan.rejections)
    return `${asked}${without} and found nothing: no loop returned more than it took, after fees.`;
  const reasons = data.refused.reasons.filter((each) => each.in_newest_scan);
  const why = reasons
    .slice(0, 3)
    .map((each) => `${reasonText(each.reason).toLowerCase()} (${count(each.in_newest_scan)})`);
  const more = reasons.length > 3 ? ` and ${plural(reasons.length - 3, "other reason")}` : "";
  return `${asked}${without} and found nothing: all ${plural(scan.rejections, "promising loop")} were refused. ${why.length ? `Most often: ${why.join(", ")}${more}.` : ""}`;
}

function showFigures(data) {
  const scan = data.scan;
  const down = (scan?.venues_asked ?? 0) - (scan?.venues_ok ?? 0);
  const unasked = data.venues.length - (scan?.venues_asked ?? data.venues.length);
  const figure = (term, value, below, tone) =>
    h(
      "div",
      { "data-key": term },
      h("dt", null, term),
      h("dd", { class: "value", "data-tone": tone }, value),
      h("dd", { class: "below" }, below),
    );
  const profit = data.profit;
  const found = data.scans.map((each) => each[1]);
  show(
    byId("figures"),
    figure("Simulated profit", gain(profit.total, "USDT"), [gain(profit.today, "USDT"), " today"]),
    figure("Below the peak", number(fixed(profit.drawdown), "USDT"), [
      number(count(Number(profit.traded_today).toFixed(0)), "USDT"),
      " traded today",
    ]),
    figure(
      "Found, newest scan",
      number(scan ? count(scan.opportunities) : DASH),
      spark(
        found,
        `Opportunities in the last ${found.length} scans: ${found.reduce((sum, each) => sum + each, 0)}`,
      ),
    ),
    figure(
      "Refused, newest scan",
      number(scan ? count(scan.rejections) : DASH),
      scan ? `of ${plural(scan.loops_screened, "loop")} screened` : "no scan yet",
    ),
    figure(
      "Venues, newest scan",
      number(scan ? `${scan.venues_ok} of ${scan.venues_asked}` : DASH),
      down ? `${down} missing` : unasked ? `${unasked} not asked` : "all answered",
      down ? "bad" : null,
    ),
    figure(
      "Execution",
      data.kill_switch.tripped ? "Stopped" : "Running",
      data.kill_switch.tripped ? "kill switch" : "simulated only",
      data.kill_switch.tripped ? "bad" : null,
    ),
  );
  show(byId("summary"), summaryText(data));
}

function showOpportunities(data, nowMs) {
  const newest = data.scan?.scan_id;
  const rows = data.opportunities.map((found) => {
    const now = found.scan_id === newest;
    const reference = `${found.scan_id}/${found.opportunity_id}`;
    return [
      reference,
      [
        route(
          found.path,
          linkTo("opportunity", reference),
          h("small", { class: "less" }, seen(found, now, nowMs)),
        ),
        seen(found, now, nowMs),
        number(signed(found.net_bps, 1), "bps"),
        [
          number(money(found.net_profit, found.start_asset), found.start_asset),
          h("small", null, `of ${money(found.start_amount, found.start_asset)}`),
        ],
        decision(found.verdict),
        outcome(found),
      ],
      { class: now ? "current" : null },
    ];
  });
  show("opportunities-meta", data.opportunities.length ? `the last ${data.opportunities.length}` : "");
  show(
    "opportunities",
    rows.length
      ? firstOf("opportunities", rows, ROWS_AT_FIRST, (shown) =>
          table(
            "The newest opportunities, with what the analyst said and what trading them brought",
            [
              ["Loop"],
              ["Seen", "more"],
              ["Net edge", "right"],
              ["Net profit", "right more"],
              ["Verdict", "more"],
              ["Simulated trade", "right"],
            ],
            shown,
          ),
        )
      : empty(
          "None has been found yet. ",
          data.scan
            ? "What looked like one was refused: the reasons stand below."
            : "There has been no scan.",
        ),
  );
}

const seen = (found, now, nowMs) => (now ? h("span", { class: "now" }, "now") : ago(found.time, nowMs));

function outcome(found) {
  if (!found.trade) return h("span", { class: "muted" }, found.verdict ? "under way" : DASH);
  const link = h(
    "a",
    { href: linkTo("trade", found.trade.trade_id), class: "quiet" },
    STATUSES[found.trade.status] ?? found.trade.status,
  );
  if (found.trade.status === "refused" || found.trade.status === "missed")
    return [link, h("small", null, found.trade.reason ? reasonText(found.trade.reason) : "no fill")];
  return [gain(found.trade.result, found.start_asset), h("small", null, link)];
}

function showRefused(data, nowMs) {
  const { reasons, scans } = data.refused;
  const most = Math.max(...reasons.map((each) => each.in_newest_scan), 1);
  const best = (each) => [
    h(
      "span",
      { class: "best" },
      known(each.best_net_bps) ? number(signed(each.best_net_bps, 1), "bps") : null,
      " ",
      pathText(each.best_path),
    ),
    h("small", null, each.best_detail, each.in_newest_scan ? null : [", ", ago(each.time, nowMs)]),
  ];
  const rows = reasons.map((each) => [
    each.reason,
    [
      [
        h("b", null, reasonText(each.reason)),
        h("code", null, each.reason),
        h("div", { class: "less" }, best(each)),
      ],
      [number(count(each.in_newest_scan)), share(each.in_newest_scan, most)],
      number(count(each.refused)),
      best(each),
    ],
  ]);
  show("refused-meta", scans ? `last ${plural(scans, "scan")}` : "");
  show(
    "refused",
    rows.length
      ? firstOf("refused", rows, ROWS_AT_FIRST, (shown) =>
          table(
            `Refused loops by reason, in the newest scan and in the last ${scans}, each with its best example`,
            [["Reason"], ["Newest scan", "right"], [`Last ${scans}`, "right more"], ["Best example", "more"]],
            shown,
          ),
        )
      : empty(
          scans
            ? `Nothing was refused in the last ${plural(scans, "scan")}: no loop looked profitable.`
            : "There has been no scan.",
        ),
  );
}

const pathText = (path) =>
  legs(path)
    .map((leg) => `${leg.side} ${leg.symbol} ${venueName(leg.venue)}`)
    .join(" → ");

function showVenues(data, nowMs) {
  const rows = data.venues.map((venue) => {
    const good = venue.status === "ok" && venue.in_newest_scan;
    const below =
      venue.status === null
        ? "not asked lately"
        : good
          ? `${count(venue.books)} books`
          : venue.in_newest_scan
            ? (venue.error ?? (leftOut(venue.status) ? "our rate limit" : inWords(venue.status)))
            : "not part of the newest scan";
    const asked = venue.status !== null && venue.in_newest_scan;
    const state = good ? "ok" : !asked ? "unknown" : leftOut(venue.status) ? "left" : "down";
    return [
      venue.venue,
      [
        [
          h("span", { class: "lamp", "data-state": state }),
          h("b", null, venueName(venue.venue)),
          h(
            "small",
            null,
            below,
            !good && venue.last_answer ? [", last answer ", ago(venue.last_answer, nowMs)] : null,
          ),
        ],
        badge(
          { ok: "up", left: "left out", down: inWords(venue.status ?? ""), unknown: DASH }[state],
          { ok: "good", left: "warn", down: "bad", unknown: "plain" }[state],
        ),
        [
          number(count(venue.latency_ms), "ms"),
          h("small", null, known(venue.clock_drift_ms) ? `clock ${signed(venue.clock_drift_ms, 0)} ms` : ""),
        ],
        number(venue.asked ? `${fixed((100 * venue.answered) / venue.asked, 0)}` : DASH, "%"),
      ],
    ];
  });
  show(
    "venues-meta",
    data.venues.some((venue) => venue.asked)
      ? `last ${plural(Math.max(...data.venues.map((venue) => venue.asked)), "scan")}`
      : "",
  );
  show(
    "venues",
    table(
      "The venues as the newest scan found them",
      [["Venue"], ["State"], ["Latency", "right"], ["Answered", "right"]],
      rows,
    ),
  );
}
