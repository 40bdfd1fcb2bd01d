/* One opportunity or one trade in full, in a dialog that the address names: #trade=... or #opportunity=... */

async function openDetail() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const asked = location.hash;
  const dialog = byId("detail");
  const trade = wanted.get("trade");
  const opportunity = wanted.get("opportunity");
  if (!(trade || opportunity) || !key.get()) {
    if (dialog.open) dialog.close();
    return;
  }
  byId("detail-title").textContent = trade ? "Simulated trade" : "Opportunity";
  show("detail", empty("Loading"));
  if (!dialog.open) dialog.showModal();
  let content;
  try {
    content = trade ? await tradeDetail(trade) : await opportunityDetail(...opportunity.split("/"));
  } catch (error) {
    content = h("p", { class: "error" }, failureText(error));
  }
  if (location.hash === asked) show("detail", content);
}

/* Close the dialog and take what it showed out of the address. */
function closeDetail() {
  if (location.hash) history.pushState(null, "", location.pathname + location.search);
  if (byId("detail").open) byId("detail").close();
}

async function tradeDetail(id) {
  const { items } = await ask(`trades?id=${encodeURIComponent(id)}`);
  if (!items.length) return empty(`No trade ${id} has been recorded.`);
  const trade = items[0];
  const asset = trade.start_asset;
  const result = Number(trade.realised_profit) + Number(trade.unrealised_profit);
  const exposure = Object.entries(trade.exposure ?? {});
  const causes = Object.entries(CAUSES)
    .map(([name, title]) => [title, trade[`cause_${name}`]])
    .filter(([, value]) => Number(value));
  return [
    h("div", { class: "row spread" }, route(trade.path), status(trade)),
    trade.detail ? h("p", { class: "note" }, trade.detail) : null,
    facts([
      ["Decided", `${day(trade.time)} ${clock(trade.time)}`],
      ["Took", number(duration(Date.parse(trade.completed) - Date.parse(trade.time)))],
      ["Size", number(money(trade.start_amount, asset), asset)],
      ["Expected", gain(trade.decision_profit, asset, decimalsOf(asset) + 2)],
      ["Result", gain(result, asset, decimalsOf(asset) + 2)],
      ["of it realised", gain(trade.realised_profit, asset, decimalsOf(asset) + 2)],
      ["left long or short", gain(trade.unrealised_profit, asset, decimalsOf(asset) + 2)],
    ]),
    exposure.length
      ? h(
          "p",
          { class: "caption" },
          "Left over: ",
          exposure.map(([name, size]) => `${signed(size, 8)} ${name}`).join(", "),
        )
      : null,
    causes.length
      ? [
          h("h3", null, "Why the result differs from what was expected"),
          table(
            "Parts of the difference",
            [["Cause"], ["Part", "right"]],
            causes.map(([title, value]) => [title, [title, gain(value, asset, decimalsOf(asset) + 2)]]),
          ),
        ]
      : null,
    h("h3", null, trade.fills.length ? `Every fill (${trade.fills.length})` : "Fills"),
    trade.fills.length ? wide("Fills, scrolls sideways", fillTable(trade)) : empty("No order was filled."),
    h("p", { class: "caption" }, `Trade ${trade.trade_id} of scan ${trade.scan_id}`),
  ];
}

function fillTable(trade) {
  const rows = trade.fills.map((fill) => [
    String(fill.fill),
    [
      number(String(fill.fill + 1)),
      fill.purpose === "unwind" ? `unwind of leg ${fill.leg}` : `leg ${fill.leg}`,
      venueName(fill.venue),
      `${fill.side} ${fill.symbol}`,
      number(amount(fill.amount), fill.base),
      number(price(fill.price), fill.quote),
      number(amount(fill.notional), fill.quote),
      number(amount(fill.fee), fill.fee_asset),
      h("time", { datetime: fill.time }, fill.time.slice(11, 23)),
    ],
  ]);
  return table(
    `The fills of trade ${trade.trade_id}`,
    [
      ["No.", "right"],
      ["For"],
      ["Venue"],
      ["Order"],
      ["Amount", "right"],
      ["Price", "right"],
      ["Notional", "right"],
      ["Fee", "right"],
      ["Time, UTC", "right"],
    ],
    rows,
  );
}

async function opportunityDetail(scanId, opportunityId) {
  const query = `limit=500&scan_id=${encodeURIComponent(scanId)}`;
  const [opportunities, trades] = await Promise.all([ask(`opportunities?${query}`), ask(`trades?${query}`)]);
  const ours = (each) => each.opportunity_id === opportunityId;
  const found = opportunities.items.find(ours);
  const trade = trades.items.find(ours);
  if (!found) return empty(`Scan ${scanId} has no opportunity ${opportunityId}.`);
  const verdict = [...(latest?.opportunities ?? []), ...(latest?.trades ?? [])].find(
    (each) => ours(each) && each.scan_id === scanId,
  )?.verdict;
  const asset = found.start_asset;
  return [
    h("div", { class: "row spread" }, route(found.path), verdict ? decision(verdict) : null),
    verdict ? h("p", { class: "note" }, verdict.explanation) : null,
    facts([
      ["Seen", `${day(found.time)} ${clock(found.time)}`],
      ["Puts in", number(money(found.start_amount, asset), asset)],
      ["Gets back", number(money(found.end_amount, asset), asset)],
      ["Net profit", gain(found.net_profit, asset, decimalsOf(asset) + 2)],
      ["before fees", gain(found.gross_profit, asset, decimalsOf(asset) + 2)],
      ["Net edge", number(signed(found.net_bps, 2), "bps")],
      ["at the top of the books", number(signed(found.top_net_bps, 2), "bps")],
      ["Oldest book", number(duration(found.oldest_book_ms))],
      ["Books apart", number(duration(found.skew_ms))],
    ]),
    found.marks.length
      ? h("p", { class: "note" }, "Allowed, but doubtful: ", found.marks.map(inWords).join(", "))
      : null,
    h("h3", null, "Orders"),
    wide(
      "Orders, scrolls sideways",
      table(
        "The orders of the loop",
        [
          ["Leg", "right"],
          ["Venue"],
          ["Order"],
          ["Amount", "right"],
          ["Average price", "right"],
          ["Limit", "right"],
          ["Fee", "right"],
        ],
        found.legs.map((leg) => {
          const [base, quote] = leg.symbol.split("/");
          return [
            String(leg.leg),
            [
              number(String(leg.leg)),
              venueName(leg.venue),
              `${leg.side} ${leg.symbol}`,
              number(amount(leg.amount), base),
              number(price(leg.average_price), quote),
              number(price(leg.limit_price), quote),
              number(amount(leg.fee), leg.fee_asset),
            ],
          ];
        }),
      ),
    ),
    trade
      ? h("p", null, h("a", { href: linkTo("trade", trade.trade_id) }, "The simulated trade with every fill"))
      : null,
    h("p", { class: "caption" }, `Opportunity ${found.opportunity_id} of scan ${found.scan_id}`),
  ];
}
