"""Adding a load to the totals, inside its transaction."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy import Connection

from shared.errors import PermanentLoadError
from shared.records.text import storable
from shared.records.totals import Key

_LOCKED = {"mssql": " WITH (UPDLOCK, HOLDLOCK)"}
"""Keeps other loaders from the totals until this one has ended; SQLite's is alone since its first write."""

_READ = "SELECT name, label_1, label_2, value FROM totals{lock} WHERE market = ?"
_UPDATE = "UPDATE totals SET value = ? WHERE market = ? AND name = ? AND label_1 = ? AND label_2 = ?"
_INSERT = "INSERT INTO totals (value, market, name, label_1, label_2) VALUES (?, ?, ?, ?, ?)"


def add(connection: Connection, increments: Mapping[Key, Decimal]) -> None:
    """Add to the totals; statements are plain text, as a small load takes less time than composing them.

    Raises:
        PermanentLoadError: a total would no longer fit its column.
    """
    dialect = connection.dialect.name
    before: dict[Key, Decimal] = {}
    for market in sorted({key[0] for key in increments}):
        found = connection.exec_driver_sql(_READ.format(lock=_LOCKED.get(dialect, "")), (market,))
        before |= {(market, name, first, second): Decimal(value) for name, first, second, value in found}
    known: list[tuple[object, ...]] = []
    fresh: list[tuple[object, ...]] = []
    for key, amount in increments.items():
        value = storable(before.get(key, Decimal(0)) + amount)
        if value is None:
            raise PermanentLoadError(f"total {' '.join(key[1:])}: more than 20 digits before the point")
        row = (value if dialect == "sqlite" else Decimal(value), *key)
        (known if key in before else fresh).append(row)
    if known:
        connection.exec_driver_sql(_UPDATE, known)
    if fresh:
        connection.exec_driver_sql(_INSERT, fresh)
