/* Pieces that several panels are made of. */

const unit = (text) => h("span", { class: "unit" }, ` ${text}`);
const toneOf = (value) => (Number(value) > 0 ? "good" : Number(value) < 0 ? "bad" : null);

/* A signed amount with its unit, in the tone of its sign. */
function gain(value, units, decimals = decimalsOf(units)) {
  return h(
    "span",
    { class: "number", "data-tone": known(value) ? toneOf(Number(value).toFixed(decimals)) : null },
    signed(value, decimals),
    unit(units),
  );
}

const number = (text, units) => h("span", { class: "number" }, text, units ? unit(units) : null);
const badge = (text, tone) => h("span", { class: "badge", "data-tone": tone }, text);
const empty = (...children) => h("p", { class: "empty" }, children);

/* How long ago a moment was; the clock of the page keeps it right between two refreshes. */
const ago = (iso, nowMs) =>
  h(
    "time",
    { datetime: iso, "data-ago": true, title: `${day(iso)} ${clock(iso)} UTC` },
    `${roughly(Math.max(0, nowMs - Date.parse(iso)))} ago`,
  );
const at = (iso, nowMs) =>
  h("time", { datetime: iso, title: `${day(iso)} ${clock(iso)} UTC` }, moment(iso, nowMs));

/* What the address says when a detail is open. */
const linkTo = (what, id) => `#${new URLSearchParams({ [what]: id })}`;

/* A loop: its venues, then what is bought and sold; with a link both are its name. */
function route(path, link, ...below) {
  const found = legs(path);
  const venues = found
    .map((leg) => venueName(leg.venue))
    .filter((name, index, all) => name !== all[index - 1]);
  const orders = found.map((leg) => h("span", { class: "order" }, `${leg.side} ${leg.symbol}`));
  const title = venues.length > 1 ? venues.join(" → ") : `${venues[0]} only`;
  const name = [h("b", null, title), h("span", { class: "orders" }, orders)];
  return h("div", { class: "route" }, link ? h("a", { href: link }, name) : name, below);
}

function decision(verdict) {
  if (!verdict) return h("span", { class: "muted" }, "not judged yet");
  const tone = { approve: "good", caution: "warn", reject: "bad" }[verdict.decision];
  return badge(DECISIONS[verdict.decision] ?? verdict.decision, tone);
}

const STATUS_TONES = { filled: "good", partial: "warn", missed: "plain", refused: "bad" };

function status(trade) {
  return h(
    "span",
    { class: "status" },
    badge(STATUSES[trade.status] ?? trade.status, STATUS_TONES[trade.status]),
    trade.reason ? h("small", null, reasonText(trade.reason)) : null,
  );
}

/* A table with a caption for those who cannot see its heading. Columns are [title, class] and rows [key, cells]. */
function table(caption, columns, rows, rowHeaders = true) {
  return h(
    "table",
    null,
    h("caption", { class: "unseen" }, caption),
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        columns.map(([title, kind]) => h("th", { scope: "col", class: kind }, title)),
      ),
    ),
    h(
      "tbody",
      null,
      rows.map(([id, cells, attributes]) =>
        h(
          "tr",
          { "data-key": id, ...attributes },
          cells.map((cell, index) =>
            index === 0 && rowHeaders
              ? h("th", { scope: "row", class: columns[index][1] }, cell)
              : h("td", { class: columns[index][1] }, cell),
          ),
        ),
      ),
    ),
  );
}

const expanded = new Set();

/* The first rows of a list that may be long, and the button for the rest. */
function firstOf(name, rows, few, build) {
  const all = expanded.has(name);
  const more = rows.length > few;
  return [
    build(all ? rows : rows.slice(0, few)),
    more
      ? h(
          "button",
          {
            type: "button",
            class: "expand",
            "data-action": "expand",
            value: name,
            "aria-expanded": String(all),
          },
          all ? "Show fewer" : `Show all ${rows.length}`,
        )
      : null,
  ];
}

/* A table that may be wider than its place: it scrolls by keyboard too. */
const wide = (label, content) =>
  h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": label }, content);

const asTable = (content) => h("details", { class: "as-table" }, h("summary", null, "As a table"), content);

const facts = (pairs) =>
  h(
    "dl",
    { class: "facts" },
    pairs.map(([term, value]) => h("div", null, h("dt", null, term), h("dd", null, value))),
  );

const placeWidth = (slot) => Math.max(240, document.querySelector(`[data-slot="${slot}"]`).clientWidth);
