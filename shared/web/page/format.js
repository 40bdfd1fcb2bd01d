/* Numbers, lengths of time and moments as people read them; what is unknown is a dash. */

const DASH = "–";
const MINUS = "−";

const known = (value) =>
  value !== null && value !== undefined && value !== "" && Number.isFinite(Number(value));
const typeset = (text) => text.replace("-", MINUS);

/* A number with fixed decimals. */
function fixed(value, decimals = 2) {
  if (!known(value)) return DASH;
  const rounded = Number(Number(value).toFixed(decimals)) || 0;
  return typeset(
    rounded.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }),
  );
}

/* The same with its sign always shown. */
function signed(value, decimals = 2) {
  if (!known(value)) return DASH;
  return Number(Number(value).toFixed(decimals)) > 0 ? `+${fixed(value, decimals)}` : fixed(value, decimals);
}

/* Decimals of an asset in which loops start, so that a cent's worth of it can be seen. */
const DECIMALS = { USDT: 2, USDC: 2, USD: 2, EUR: 2, ETH: 5, BTC: 6 };
const decimalsOf = (asset) => DECIMALS[asset] ?? 4;
const money = (value, asset) => fixed(value, decimalsOf(asset));

function significant(value, digits) {
  if (!known(value)) return DASH;
  return typeset(Number(value).toLocaleString("en-US", { maximumSignificantDigits: digits }));
}

const amount = (value) => significant(value, 6);
const price = (value) => significant(value, 10);

const count = (value) => (known(value) ? Number(value).toLocaleString("en-US") : DASH);

const plural = (value, one, many = `${one}s`) => `${count(value)} ${Number(value) === 1 ? one : many}`;

/* A length of time in its two largest units. */
function duration(ms) {
  if (!known(ms)) return DASH;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  for (const [size, unit, rest, part] of [
    [86400, "d", 3600, "h"],
    [3600, "h", 60, "min"],
    [60, "min", 1, "s"],
  ]) {
    if (seconds >= size) {
      const smaller = Math.floor((seconds % size) / rest);
      return `${Math.floor(seconds / size)} ${unit}${smaller ? ` ${smaller} ${part}` : ""}`;
    }
  }
  return `${Math.floor(seconds)} s`;
}

/* The same in its largest unit only. */
const roughly = (ms) =>
  ms < 10_000 ? `${Math.floor(ms / 1000)} s` : duration(ms).split(" ").slice(0, 2).join(" ");

const clock = (iso) => (iso ? iso.slice(11, 19) : DASH);
const day = (iso) => (iso ? iso.slice(0, 10) : DASH);

/* A moment: the time of this UTC day, else the date with hours and minutes. */
const moment = (iso, nowMs) =>
  day(iso) === day(new Date(nowMs).toISOString()) ? clock(iso) : `${day(iso)} ${iso.slice(11, 16)}`;

/* A loop's legs from "venue:BASE/QUOTE:side > ..." or a list of such legs. */
function legs(path) {
  const parts = Array.isArray(path) ? path : path.split(" > ");
  return parts.map((part) => {
    const [venue, symbol = "", side = ""] = part.split(":");
    return { venue, symbol, side };
  });
}
