/* What the codes of the data mean to a person. */

const VENUES = { binance: "Binance", bybit: "Bybit", gateio: "Gate.io", kraken: "Kraken" };

const REASONS = {
  BLOCKED: "On the block list",
  NOT_TRADABLE: "Trading is halted",
  LEVERAGED_TOKEN: "Leveraged token",
  VENUE_COOLING_DOWN: "Venue is cooling down",
  BAD_BOOK: "Order book makes no sense",
  CROSSED_BOOK: "Order book is crossed",
  STALE_BOOK: "Order book is too old",
  FROZEN_BOOK: "Order book has stopped moving",
  SKEWED_BOOKS: "Books are of different times",
  IDENTITY_CONFLICT: "Not the same asset",
  DEPOSIT_CLOSED: "Deposits are closed",
  WITHDRAW_CLOSED: "Withdrawals are closed",
  NO_COMMON_NETWORK: "No network in common",
  TRANSFER_UNKNOWN: "Transfers unknown",
  TOO_GOOD_TO_BE_TRUE: "Too good to be true",
  UNKNOWN_DEPTH: "Depth is unknown",
  DEPTH_TAKEN: "A better loop took the depth",
  NO_INVENTORY: "Nothing there to trade with",
  BELOW_MIN_NOTIONAL: "Smaller than the venue allows",
  NET_EDGE_TOO_SMALL: "Fees eat the edge",
  BELOW_MIN_PROFIT: "Profit below the minimum",
  RISK_LIMIT: "Risk limit",
  VETOED: "Vetoed by the analyst",
  KILL_SWITCH: "Kill switch was on",
};

const STATUSES = { filled: "Filled", partial: "Partly filled", missed: "Missed", refused: "Refused" };

const DECISIONS = { approve: "Approved", caution: "Caution", reject: "Vetoed" };

const MARKETS = {
  simulated: ["Simulated market", ": prices are invented"],
  live: ["Live market data", ", simulated execution"],
};

const CAUSES = {
  slippage: "Slippage",
  delay: "Delay of the analysis",
  latency: "Latency",
  partial_fill: "Partial fills",
  unwind: "Unwinding",
  fees: "Fees",
};

/* What stops execution by itself, as the switch names it. */
const STOPPERS = new Map([
  ["setting", "a setting"],
  ["risk", "a loss limit"],
]);

const venueName = (id) => VENUES[id] ?? id;
const inWords = (code) => code.toLowerCase().replaceAll("_", " ");
const reasonText = (code) => REASONS[code] ?? inWords(code);
const stopper = (by) => STOPPERS.get(by) ?? by;

/* Whether a venue was not asked because of our own rate limit, which is no fault of the venue. */
const leftOut = (status) => status === "rate_limited";
