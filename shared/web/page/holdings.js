/* What the desk holds, whether it may trade, and how long opportunities last. */

const DRIFT_SHOWN = 0.005;
const ASSETS_AT_FIRST = 10;

function showInventory(data) {
  const { assets, in_transit: underWay, value } = data.inventory;
  if (!assets.length) {
    show("inventory-meta");
    show("inventory", empty("The desk is funded by its first scan."));
    return;
  }
  const venues = data.venues.map((venue) => venue.venue);
  const rows = assets.map((each) => [
    each.asset,
    [each.asset, number(fixed(each.value, 0)), ...venues.map((venue) => held(each.venues[venue]))],
  ]);
  const columns = [
    ["Asset"],
    ["Value, USDT", "right"],
    ...venues.map((venue) => [venueName(venue), "right"]),
  ];
  show("inventory-meta", [number(fixed(value, 0), "USDT"), " at the newest mids"]);
  show(
    "inventory",
    firstOf("inventory", rows, ASSETS_AT_FIRST, (shown) =>
      wide(
        "Inventory by venue, scrolls sideways",
        table("Balances of each asset at each venue, with the change since funding", columns, shown),
      ),
    ),
    underWay.length
      ? h(
          "p",
          { class: "caption" },
          "Under way: ",
          underWay
            .map(
              (each) =>
                `${amount(each.amount)} ${each.asset} from ${venueName(each.source)} to ${venueName(each.target)}, there at ${clock(each.arrives)}`,
            )
            .join("; "),
        )
      : null,
    h(
      "p",
      { class: "caption" },
      `Below each amount: its change since the desk was funded. Prices alone have moved the value by ${signed(data.inventory.revaluation, 0)} USDT since then.`,
    ),
  );
}

function held(balance) {
  if (!balance) return h("span", { class: "muted" }, DASH);
  const funded = Number(balance.funded);
  const change = funded ? Number(balance.amount) / funded - 1 : 0;
  const moved = Math.abs(change) >= DRIFT_SHOWN;
  return [
    number(amount(balance.amount)),
    h(
      "small",
      { "data-tone": change <= -0.5 ? "warn" : null },
      moved ? `${signed(100 * change, 0)} %` : funded ? "" : "new",
    ),
  ];
}

function showSwitch(data, nowMs) {
  const { tripped, setting, ready, history } = data.kill_switch;
  const cause = tripped ? history[0] : null;
  const says = setting
    ? "The setting KILL_SWITCH is on: nothing is executed, whatever the switch says. Scanning goes on."
    : tripped
      ? [
          "Stopped by ",
          h("b", null, stopper(cause?.by)),
          ": ",
          cause?.reason,
          ". Scanning goes on; a person has to clear the switch.",
        ]
      : ready
        ? "Simulated execution is running."
        : "There is nothing to stop before the first scan.";
  const events = history.map((event) =>
    h(
      "li",
      { "data-key": event.at },
      at(event.at, nowMs),
      " ",
      h("b", null, event.tripped ? "stopped" : "cleared"),
      ` by ${stopper(event.by)}: ${event.reason}`,
    ),
  );
  show(
    "switch",
    h(
      "p",
      { class: "state", "data-tone": tripped ? "bad" : null },
      h("span", { class: "lamp", "data-state": tripped ? "down" : ready ? "ok" : "unknown" }),
      h("span", null, says),
    ),
    h(
      "button",
      {
        type: "button",
        "data-action": "open-switch",
        value: tripped ? "clear" : "trip",
        disabled: !ready || setting,
        class: tripped ? "primary" : "danger",
      },
      tripped ? "Clear the switch" : "Stop execution",
    ),
    events.length
      ? h(
          "details",
          null,
          h("summary", null, `History (${events.length})`),
          h("ul", { class: "log" }, events),
        )
      : null,
  );
}

/* From the first scan that saw it to the last: nothing, where one scan saw it and the next did not. */
const lasted = (ms) => (ms ? duration(ms) : "one scan");

function showLifetimes(data, nowMs) {
  const { seconds, seen_once: once, recent } = data.lifetimes;
  show("lifetimes-meta", seconds.count ? `the last ${seconds.count}` : "");
  if (!seconds.count) {
    show("lifetimes", empty("No opportunity has come to its end yet."));
    return;
  }
  const label = `How long opportunities lasted, in seconds: median ${lasted(1000 * seconds.median)}, longest ${lasted(1000 * seconds.most)}`;
  const rows = recent
    .slice(0, 6)
    .map((each) => [
      `${each.path}${each.first_seen}`,
      [
        [h("span", { class: "best" }, pathText(each.path))],
        [number(lasted(each.lifetime_ms)), h("small", null, plural(each.scans_seen, "scan"))],
        number(`${fixed(each.peak_net_bps, 1)}`, "bps"),
        ago(each.last_seen, nowMs),
      ],
    ]);
  show(
    "lifetimes",
    facts([
      ["Median", number(lasted(1000 * seconds.median))],
      ["Longest", number(lasted(1000 * seconds.most))],
      ["Seen in one scan only", number(fixed((100 * once) / seconds.count, 0), "%")],
    ]),
    seconds.bins.length > 1
      ? histogram({
          bins: seconds.bins,
          binWidth: seconds.width,
          width: placeWidth("lifetimes"),
          height: 110,
          label,
          tick: (value) => (value ? duration(1000 * value) : "0 s"),
        })
      : null,
    h(
      "details",
      { class: "as-table" },
      h("summary", null, "The last that ended"),
      table(
        "The last opportunities that ended",
        [["Loop"], ["Lasted", "right"], ["Peak", "right"], ["Last seen", "more"]],
        rows,
      ),
    ),
  );
}
