"""The tables, column by column: what SQLite, T-SQL, Parquet and the data model's page all follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.market import VENUE_IDS, Side
from shared.domain.opportunity import Reason
from shared.domain.trade import Decision, Purpose, TradeStatus

MARKETS = ("simulated", "live")
CAUSES = ("slippage", "delay", "latency", "partial_fill", "unwind", "fees")
"""What the difference between decision profit and realised profit is split into."""

JSON_SIZE = 4000
"""Longest text of a json column, in UTF-16 code units: an NVARCHAR that is bound without streaming."""


class Kind(StrEnum):
    """What a column holds, and its form in a row.

    text: a string; decimal: a plain number in a string, at most 20 digits before and 18 after the point;
    int: 64 bits; time: ISO-8601 UTC with milliseconds and Z; bool; json: any JSON value.
    """

    TEXT = "text"
    DECIMAL = "decimal"
    INT = "int"
    TIME = "time"
    BOOL = "bool"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `size` is the longest text in UTF-16 code units, `choices` all the values it may take.

    `bound` is a lower bound as SQL: `> 0` or `>= 0`. A text of digits compares with 0 as its number does.
    """

    name: str
    kind: Kind
    unit: str
    source: str
    required: bool = True
    size: int = 0
    choices: tuple[str, ...] = ()
    bound: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its primary key and the indexes that its readers need."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            KeyError: there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def _text(name: str, size: int, source: str, *, unit: str = "", required: bool = True) -> Column:
    return Column(name, Kind.TEXT, unit, source, required, size)


def _choice(name: str, choices: tuple[str, ...], source: str, *, required: bool = True) -> Column:
    return Column(name, Kind.TEXT, "", source, required, 32, choices)


def _decimal(name: str, unit: str, source: str, *, required: bool = True, bound: str = "") -> Column:
    return Column(name, Kind.DECIMAL, unit, source, required, bound=bound)


def _int(name: str, unit: str, source: str, *, required: bool = True, bound: str = "") -> Column:
    return Column(name, Kind.INT, unit, source, required, bound=bound)


def _time(name: str, source: str, *, required: bool = True) -> Column:
    return Column(name, Kind.TIME, "UTC", source, required)


def _json(name: str, source: str, *, required: bool = True) -> Column:
    return Column(name, Kind.JSON, "", source, required, JSON_SIZE)


_MARKET = _choice("market", MARKETS, "the MARKET setting of the scan")
_SCAN_ID = _text("scan_id", 40, "the scan")
_BLOB = _text("blob", 200, "the lake blob this row was loaded from")
_SCAN_TIME = _time("time", "time of the scan's snapshot")
_OPPORTUNITY_ID = _text("opportunity_id", 40, "detection: hash of time, path and amounts")
_PATH = _text("path", 400, "the loop, legs as venue:symbol:side joined by ' > '")
_START_ASSET = _text("start_asset", 100, "detection: the asset the loop starts and ends in")


def _venue(name: str, source: str) -> Column:
    return _choice(name, VENUE_IDS, source)


def _table(
    name: str, meaning: str, *columns: Column, key: tuple[str, ...], indexes: tuple[tuple[str, ...], ...] = ()
) -> Table:
    return Table(name, meaning, (_MARKET, _SCAN_ID, *columns, _BLOB), key, indexes)


_TABLES = (
    _table(
        "scans",
        "One row a scan.",
        _SCAN_TIME,
        _text("triggered_by", 32, "timer, http or command"),
        _int("duration_ms", "ms", "from the first request to the last detection"),
        _int("venues_asked", "venues", "the scan"),
        _int("venues_ok", "venues", "venues with status ok"),
        _int("instruments_compared", "instruments", "detection"),
        _int("loops_screened", "loops", "detection"),
        _int("opportunities", "loops", "detection"),
        _int("rejections", "loops", "detection"),
        key=("scan_id",),
        indexes=(("market", "time"),),
    ),
    _table(
        "venue_health",
        "One row a venue and scan: whether it answered, how fast and how far its clock is off.",
        _venue("venue", "the scan"),
        _SCAN_TIME,
        _text("status", 32, "ok, or the kind of the venue's error"),
        _text("error", 400, "the venue's error", required=False),
        _int("books", "books", "tops of book received"),
        _int("latency_ms", "ms", "duration of the quotes request", required=False),
        _int("clock_drift_ms", "ms", "venue's clock minus ours", required=False),
        key=("scan_id", "venue"),
        indexes=(("market", "time"),),
    ),
    _table(
        "arbitrage_opportunities",
        "Loops that survived every cost and gate.",
        _OPPORTUNITY_ID,
        _SCAN_TIME,
        _text("kind", 32, "detection: two_leg or three_leg"),
        _PATH,
        _text("venues", 100, "the loop's venues in leg order, joined by '>'"),
        _START_ASSET,
        _decimal("start_amount", "start asset", "detection"),
        _decimal("end_amount", "start asset", "detection"),
        _decimal("net_profit", "start asset", "end_amount - start_amount, after taker fees"),
        _decimal("gross_profit", "start asset", "the same without fees"),
        _decimal("net_bps", "basis points", "net_profit over start_amount"),
        _decimal("top_net_bps", "basis points", "net edge at the top of book"),
        _decimal("profit_value", "USDT", "net_profit at the median of gated mids"),
        _int("oldest_book_ms", "ms", "age of the oldest book at the scan's time"),
        _int("skew_ms", "ms", "difference of the books' times"),
        _json("marks", "detection: what is allowed but doubtful"),
        key=("scan_id", "opportunity_id"),
        indexes=(("market", "time"), ("opportunity_id",)),
    ),
    _table(
        "opportunity_legs",
        "The orders of each opportunity.",
        _OPPORTUNITY_ID,
        _int("leg", "from 0", "detection", bound=">= 0"),
        _venue("venue", "detection"),
        _text("symbol", 100, "detection"),
        _choice("side", tuple(Side), "detection"),
        _decimal("amount", "base asset", "detection", bound="> 0"),
        _decimal("average_price", "quote per base", "detection: notional over amount", bound="> 0"),
        _decimal("limit_price", "quote per base", "detection: worst level touched", bound="> 0"),
        _decimal("fee", "fee asset", "detection: taker fee", bound=">= 0"),
        _text("fee_asset", 100, "detection"),
        key=("scan_id", "opportunity_id", "leg"),
    ),
    _table(
        "rejections",
        "Refused loops of a scan counted by reason, with the best of each.",
        _choice("reason", tuple(Reason), "detection"),
        _SCAN_TIME,
        _int("refused", "loops", "detection: number of loops", bound="> 0"),
        _decimal("best_net_bps", "basis points", "highest net edge among them", required=False),
        _text("best_path", 400, "the loop with that edge"),
        _text("best_detail", 400, "why that loop was refused"),
        key=("scan_id", "reason"),
        indexes=(("market", "time"),),
    ),
    _table(
        "market_data",
        "Tops of book of instruments that were candidates or are on the watch list; the lake has them all.",
        _venue("venue", "the scan"),
        _text("symbol", 100, "the scan"),
        _SCAN_TIME,
        _time("book_time", "the venue's own clock", required=False),
        _time("received", "our receipt", required=False),
        _decimal("bid", "quote per base", "best bid", required=False),
        _decimal("bid_amount", "base asset", "amount at the best bid", required=False),
        _decimal("ask", "quote per base", "best ask", required=False),
        _decimal("ask_amount", "base asset", "amount at the best ask", required=False),
        key=("scan_id", "venue", "symbol"),
        indexes=(("market", "symbol", "time"), ("time",)),
    ),
    _table(
        "verdicts",
        "What the analyst said of each opportunity it was asked about.",
        _OPPORTUNITY_ID,
        _SCAN_TIME,
        _choice("decision", tuple(Decision), "analyst"),
        _decimal("confidence", "0..1", "analyst", bound=">= 0"),
        _json("risk_factors", "analyst: from a fixed list"),
        _text("explanation", 1000, "analyst"),
        _json("evidence", "analyst: ids of the facts used"),
        _text("source", 32, "rules or model"),
        _text("fallback", 64, "why the rules decided in the model's place", required=False),
        _text("model", 100, "model or deployment", required=False),
        _text("prompt_version", 64, "version of the prompt file", required=False),
        _int("input_tokens", "tokens", "model's usage report"),
        _int("output_tokens", "tokens", "model's usage report"),
        _decimal("cost_usd", "USD", "tokens at the configured prices"),
        _int("latency_ms", "ms", "duration of the analysis"),
        key=("scan_id", "opportunity_id"),
        indexes=(("market", "time"),),
    ),
    _table(
        "trades",
        "Simulated executions, refused ones too.",
        _text("trade_id", 40, "simulation"),
        _OPPORTUNITY_ID,
        _time("time", "when the trade was decided"),
        _time("completed", "when its last fill or refusal was known"),
        _choice("status", tuple(TradeStatus), "simulation"),
        _text("reason", 64, "why it was refused or missed", required=False),
        _text("detail", 1000, "limits and values behind the status"),
        _text("kind", 32, "detection: two_leg or three_leg"),
        _PATH,
        _text("venues", 100, "the loop's venues in leg order, joined by '>'"),
        _START_ASSET,
        _decimal("start_amount", "start asset", "simulation"),
        _decimal("decision_profit", "start asset", "the opportunity's net profit at the decided size"),
        _decimal("realised_profit", "start asset", "flows of the start asset over all fills"),
        _decimal("unrealised_profit", "start asset", "remaining exposure at value"),
        _decimal("realised_value", "USDT", "realised_profit at value"),
        _decimal("unrealised_value", "USDT", "unrealised_profit at value"),
        *(
            _decimal(f"cause_{cause}", "start asset", "part of realised - decision profit")
            for cause in CAUSES
        ),
        _json("exposure", "simulation: asset and amount left long or short"),
        key=("scan_id", "trade_id"),
        indexes=(("market", "time"), ("trade_id",)),
    ),
    _table(
        "fills",
        "Every level taken by every simulated order.",
        _text("trade_id", 40, "simulation"),
        _int("fill", "from 0", "order of the fills within the trade", bound=">= 0"),
        _int("leg", "from 0", "the opportunity's leg; an unwind carries the leg it repairs", bound=">= 0"),
        _choice("purpose", tuple(Purpose), "simulation"),
        _venue("venue", "simulation"),
        _text("symbol", 100, "simulation"),
        _text("base", 100, "the instrument"),
        _text("quote", 100, "the instrument"),
        _choice("side", tuple(Side), "simulation"),
        _decimal("price", "quote per base", "the level", bound="> 0"),
        _decimal("amount", "base asset", "taken from the level", bound="> 0"),
        _decimal("notional", "quote asset", "price x amount", bound="> 0"),
        _decimal("fee", "fee asset", "taker fee", bound=">= 0"),
        _text("fee_asset", 100, "the asset the fee is taken from"),
        _time("time", "simulation: decision + latency"),
        key=("scan_id", "trade_id", "fill"),
        indexes=(("market", "time"),),
    ),
    _table(
        "transfers",
        "Assets sent between venues for rebalancing.",
        _text("transfer_id", 40, "rebalancing"),
        _text("asset", 100, "rebalancing"),
        _text("network", 100, "rebalancing"),
        _venue("source", "rebalancing"),
        _venue("target", "rebalancing"),
        _decimal("amount", "asset", "what leaves the source", bound="> 0"),
        _decimal("fee", "asset", "the network's withdrawal fee", bound=">= 0"),
        _time("time", "when it was sent"),
        _time("arrives", "when the target has it"),
        key=("scan_id", "transfer_id"),
        indexes=(("market", "time"),),
    ),
    _table(
        "lifetimes",
        "How long each opportunity lasted across scans; written when it has gone.",
        _PATH,
        _text("kind", 32, "detection: two_leg or three_leg"),
        _time("first_seen", "first scan with the loop"),
        _time("last_seen", "last scan with the loop"),
        _int("lifetime_ms", "ms", "last_seen - first_seen"),
        _int("scans_seen", "scans", "scans with the loop"),
        _decimal("first_net_bps", "basis points", "net edge when first seen"),
        _decimal("peak_net_bps", "basis points", "highest net edge"),
        _time("peak_time", "scan of the highest net edge"),
        _decimal("last_net_bps", "basis points", "net edge when last seen"),
        _decimal("peak_profit_value", "USDT", "highest net profit at value"),
        key=("scan_id", "path"),
        indexes=(("market", "last_seen"),),
    ),
    Table(
        "load_ledger",
        "One row a loaded blob, written in the transaction of its rows: the primary key decides.",
        (
            _text("blob", 200, "the lake"),
            _time("loaded", "the loader's clock"),
            _int("row_count", "rows", "rows of all tables"),
        ),
        ("blob",),
        (("loaded",),),
    ),
)

TABLES: Mapping[str, Table] = {table.name: table for table in _TABLES}
"""Every table by name, in the order of loading."""

LEDGER = "load_ledger"
