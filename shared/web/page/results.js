/* What trading brought: profit over time, how it is distributed, the trades, and what the analyst said. */

const CURVE_HEIGHT = 220;
const HISTOGRAM_HEIGHT = 150;
const VERDICTS_SHOWN = 5;
const DISTRIBUTIONS = {
  opportunities: { title: "Found", says: "net profit of the newest opportunities when they were found" },
  trades: { title: "Traded", says: "result of the newest simulated trades" },
};

let distributionShown = "opportunities";

function showProfit(data, nowMs) {
  const { curve, statuses, winners, of_newest: newest } = data.profit;
  const filled = (statuses.filled ?? 0) + (statuses.partial ?? 0);
  show("profit-meta", newest ? `the last ${plural(newest, "trade")}, USDT` : "");
  if (!curve.length) {
    show("profit", empty(newest ? "No simulated trade has had a fill yet." : "Nothing has been traded yet."));
    return;
  }
  const last = curve.at(-1)[1];
  const values = curve.map((point) => point[1]);
  const label = `Simulated profit of all trades, in USDT, from ${moment(new Date(curve[0][0]).toISOString(), nowMs)} to now: it is ${signed(last)}, was ${signed(Math.min(...values))} at the lowest and ${signed(Math.max(...values))} at the highest`;
  show(
    "profit",
    stepChart({
      points: curve,
      untilMs: Math.max(nowMs, curve.at(-1)[0] + 1000),
      width: placeWidth("profit"),
      height: CURVE_HEIGHT,
      label,
    }),
    facts([
      ["With fills", number(count(filled))],
      ["Earned something", number(filled ? fixed((100 * winners) / filled, 0) : DASH, "%")],
      ["Partly filled", number(count(statuses.partial ?? 0))],
      ["Missed", number(count(statuses.missed ?? 0))],
      ["Refused", number(count(statuses.refused ?? 0))],
    ]),
    asTable(curveTable(curve, nowMs)),
  );
}

/* The curve's last value of each minute, hour or day, whichever gives a table that can be read. */
function curveTable(curve, nowMs) {
  const size = [60_000, 3_600_000, 86_400_000].find((each) => nowMs - curve[0][0] <= 30 * each) ?? 86_400_000;
  const ends = new Map(curve.map(([ms, value]) => [Math.floor(ms / size) * size, value]));
  const rows = [...ends]
    .reverse()
    .slice(0, 30)
    .map(([ms, value]) => [String(ms), [at(new Date(ms).toISOString(), nowMs), gain(value, "USDT")]]);
  return table(
    "Simulated profit of all trades at the end of each period in which there was one",
    [["From"], ["Profit", "right"]],
    rows,
  );
}

function showDistribution(data) {
  const chosen = DISTRIBUTIONS[distributionShown];
  const found = data.distribution[distributionShown];
  const choices = h(
    "div",
    { class: "choices", role: "group", "aria-label": "Which profits" },
    Object.entries(DISTRIBUTIONS).map(([name, each]) =>
      h(
        "button",
        {
          type: "button",
          "data-key": name,
          "data-action": "distribution",
          value: name,
          "aria-pressed": String(name === distributionShown),
        },
        each.title,
      ),
    ),
  );
  if (!found.count) {
    show(
      "distribution",
      choices,
      empty(
        distributionShown === "trades"
          ? "No simulated trade has had a fill yet."
          : "No opportunity has been found yet.",
      ),
    );
    return;
  }
  const label = `Distribution in USDT: ${chosen.says}; ${found.count} in all, median ${fixed(found.median)}, from ${fixed(found.least)} to ${fixed(found.most)}`;
  const rows = found.bins
    .filter((bin) => bin[1])
    .map(([from, held]) => [
      String(from),
      [number(`${amount(from)} to ${amount(from + found.width)}`, "USDT"), number(count(held))],
    ]);
  show(
    "distribution",
    choices,
    histogram({
      bins: found.bins,
      binWidth: found.width,
      width: placeWidth("distribution"),
      height: HISTOGRAM_HEIGHT,
      label,
      tick: fixed,
    }),
    h(
      "p",
      { class: "caption" },
      `USDT, ${chosen.says}: ${count(found.count)}, median ${fixed(found.median)}`,
    ),
    asTable(table(label, [["Profit"], ["How many", "right"]], rows)),
  );
}

function showTrades(data, nowMs) {
  const rows = data.trades.map((trade) => [
    `${trade.scan_id}/${trade.trade_id}`,
    [
      route(trade.path, linkTo("trade", trade.trade_id)),
      at(trade.time, nowMs),
      status(trade),
      number(signed(trade.decision_profit, decimalsOf(trade.start_asset)), trade.start_asset),
      trade.status === "refused" || trade.status === "missed"
        ? h("span", { class: "muted" }, DASH)
        : gain(trade.result, trade.start_asset),
    ],
  ]);
  show("trades-meta", rows.length ? `the last ${rows.length}; open one for every fill` : "");
  show(
    "trades",
    rows.length
      ? firstOf("trades", rows, ROWS_AT_FIRST, (shown) =>
          table(
            "The newest simulated trades: what was decided and what came of it",
            [["Loop"], ["Decided", "more"], ["Outcome"], ["Expected", "right more"], ["Result", "right"]],
            shown,
          ),
        )
      : empty(
          "Nothing has been traded yet. A trade follows when a scan finds an opportunity that the analyst, the limits and the kill switch let pass.",
        ),
  );
}

function showVerdicts(data, nowMs) {
  const found = new Map();
  for (const each of [...data.opportunities, ...data.trades]) {
    const id = `${each.scan_id}/${each.opportunity_id}`;
    if (each.verdict && !found.has(id)) found.set(id, each);
  }
  const items = [...found]
    .slice(0, VERDICTS_SHOWN)
    .map(([id, each]) =>
      h(
        "li",
        { "data-key": id },
        h(
          "div",
          { class: "row spread" },
          route(each.path, linkTo("opportunity", id)),
          h("span", null, decision(each.verdict)),
        ),
        h("p", null, each.verdict.explanation),
        h(
          "p",
          { class: "caption" },
          ago(each.time, nowMs),
          ` · confidence ${fixed(each.verdict.confidence, 2)} · ${judge(each.verdict)}`,
        ),
      ),
    );
  show(
    "verdicts",
    items.length ? h("ul", { class: "items" }, items) : empty("The analyst has not been asked yet."),
  );
}

function judge(verdict) {
  if (verdict.fallback) return `by rules, because ${verdict.fallback}`;
  return verdict.source === "model" ? `by ${verdict.model ?? "the model"}` : "by rules";
}
