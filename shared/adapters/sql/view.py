"""What a view is, written once for SQLite and T-SQL.

Four macros hide the dialects' differences: EXACT(decimal), HOUR_OF(time), DAY_OF(time) and
MS_BETWEEN(from, to). SQLite keeps decimals as texts, so EXACT computes them there as doubles, right to 15
digits; T-SQL stays exact, but for the last of 18 decimals where two columns are added.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from shared.records.tables import TABLES, Column, Kind

_MACROS = {
    "sqlite": {
        "EXACT": r"CAST(\1 AS REAL)",
        "HOUR_OF": r"substr(\1, 1, 13) || ':00:00.000Z'",
        "DAY_OF": r"substr(\1, 1, 10) || 'T00:00:00.000Z'",
        "MS_BETWEEN": r"CAST(round((julianday(\2) - julianday(\1)) * 86400000) AS INTEGER)",
    },
    "mssql": {
        "EXACT": r"\1",
        "HOUR_OF": r"CAST(DATEADD(HOUR, DATEDIFF(HOUR, 0, \1), 0) AS DATETIME2(3))",
        "DAY_OF": r"CAST(CAST(\1 AS DATE) AS DATETIME2(3))",
        "MS_BETWEEN": r"DATEDIFF_BIG(MILLISECOND, \1, \2)",
    },
}


@dataclass(frozen=True, slots=True)
class View:
    """A view; `key` tells its rows apart, so that paging has one order."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    query: str

    def sql(self, dialect: str) -> str:
        """The SELECT in that dialect."""
        text = self.query.strip()
        for macro, form in _MACROS[dialect].items():
            arguments = r"([\w.]+), ([\w.]+)" if r"\2" in form else r"([\w.]+)"
            text = re.sub(rf"\b{macro}\({arguments}\)", form, text)
        return text


def of(table: str, names: str) -> tuple[Column, ...]:
    """Columns of a table, by names separated by spaces."""
    return tuple(TABLES[table].column(name) for name in names.split())


def joined(table: str, names: str) -> tuple[Column, ...]:
    """Columns of a table that may have no row to join."""
    return tuple(replace(column, required=False) for column in of(table, names))


def int_column(name: str, unit: str, source: str, *, required: bool = True) -> Column:
    """A count or a whole number."""
    return Column(name, Kind.INT, unit, source, required)


def decimal_column(name: str, unit: str, source: str) -> Column:
    """A sum, a mean or an extreme; null over no rows."""
    return Column(name, Kind.DECIMAL, unit, source, required=False)


def time_column(name: str, source: str) -> Column:
    """A point in time."""
    return Column(name, Kind.TIME, "UTC", source)


HOUR = time_column("hour", "start of the hour")
DAY = time_column("day", "start of the day")
MARKET = TABLES["scans"].column("market")
TRADE_PROFIT = (
    decimal_column("realised_value", "USDT", "start assets that simulated trades brought, at value"),
    decimal_column("unrealised_value", "USDT", "what they left long or short, at value"),
    decimal_column("trade_profit_value", "USDT", "realised_value + unrealised_value"),
)
