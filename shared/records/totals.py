"""Sums over everything loaded, kept in the transaction of each load: counters that no restart resets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import Any

from shared.domain.exact import EXACT, ZERO
from shared.records.tables import TABLES, Column, Kind, Table
from shared.records.text import plain

TOTALS = Table(
    "totals",
    "Sums over every row ever loaded; each load adds its own in its transaction.",
    (
        TABLES["scans"].column("market"),
        Column("name", Kind.TEXT, "", "what is summed up", size=64),
        Column("label_1", Kind.TEXT, "", "first part of what it is told apart by, or empty", size=100),
        Column("label_2", Kind.TEXT, "", "second part, or empty", size=100),
        Column("value", Kind.DECIMAL, "as its name says", "all rows"),
    ),
    ("market", "name", "label_1", "label_2"),
)

Key = tuple[str, str, str, str]
"""Market, name, and the two labels: the key of a total."""


@dataclass(frozen=True, slots=True)
class Sum:
    """What one total adds up: some columns of a table's rows, or their number; by up to two columns.

    `only` names a column and the values of it that count.
    """

    name: str
    table: str
    by: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    only: tuple[str, tuple[str, ...]] | None = None
    label: str = ""

    def of(self, row: Mapping[str, Any]) -> tuple[Key, Decimal] | None:
        """The key and amount that a row adds, or None."""
        if self.only is not None and row[self.only[0]] not in self.only[1]:
            return None
        labels = (*(str(row[name]) for name in self.by), self.label, "", "")
        values = [row[column] for column in self.columns] or [1]
        if None in values:
            return None
        return (row["market"], self.name, labels[0], labels[1]), reduce(EXACT.add, map(Decimal, values))


@dataclass(frozen=True, slots=True)
class Spread:
    """How many trades with fills earned at most how much of what they started with; `bounds` are ratios."""

    name: str
    table: str
    bounds: tuple[Decimal, ...]

    def of(self, row: Mapping[str, Any]) -> tuple[Key, Decimal] | None:
        """The key of the row's own bucket, whose first label is its upper bound, and 1; or None."""
        started = Decimal(row["start_amount"])
        if row["status"] not in _EXECUTED[1] or not started:
            return None
        profit = EXACT.add(Decimal(row["realised_profit"]), Decimal(row["unrealised_profit"]))
        bound = next((plain(bound) for bound in self.bounds if profit / started <= bound), "+Inf")
        return (row["market"], self.name, bound, ""), Decimal(1)


PROFIT_BOUNDS = tuple(
    Decimal(bound).scaleb(-4) for bound in (-100, -50, -20, -10, -5, 0, 2, 5, 10, 20, 30, 50, 100, 200)
)
"""Upper bounds of profit as parts of the amount a trade started with: basis points."""

_ANSWERED = ("status", ("ok",))
_EXECUTED = ("status", ("filled", "partial"))
_LOOP = ("kind", "venues")

SUMS = (
    Sum("scans", "scans", ("triggered_by",)),
    Sum("scan_duration_ms", "scans", ("triggered_by",), ("duration_ms",)),
    Sum("venue_answers", "venue_health", ("venue", "status")),
    Sum("venue_latency_ms", "venue_health", ("venue",), ("latency_ms",), _ANSWERED),
    Sum("opportunities", "arbitrage_opportunities", _LOOP),
    Sum("opportunity_profit_usdt", "arbitrage_opportunities", _LOOP, ("profit_value",)),
    Sum("rejections", "rejections", ("reason",), ("refused",)),
    Sum("trades", "trades", ("status",)),
    Sum("trade_profit_usdt", "trades", _LOOP, ("realised_value", "unrealised_value"), _EXECUTED),
    Spread("trade_profit_ratio", "trades", PROFIT_BOUNDS),
    Sum("verdicts", "verdicts", ("source", "decision")),
    Sum("ai_cost_usd", "verdicts", (), ("cost_usd",)),
    Sum("ai_tokens", "verdicts", (), ("input_tokens",), label="input"),
    Sum("ai_tokens", "verdicts", (), ("output_tokens",), label="output"),
)


def increments(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[Key, Decimal]:
    """What a batch's rows add to the totals, by key, in the order of the keys."""
    added: dict[Key, Decimal] = {}
    for each in SUMS:
        for row in rows.get(each.table, ()):
            if (found := each.of(row)) is not None:
                key, amount = found
                added[key] = EXACT.add(added.get(key, ZERO), amount)
    return dict(sorted(added.items()))
