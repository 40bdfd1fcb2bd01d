"""Adding a load to the totals, inside its transaction."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from shared.adapters.sql.schema import TOTALS_TABLE
from shared.errors import PermanentLoadError
from shared.records.text import storable
from shared.records.totals import Key

_NAMES = ("market", "name", "label_1", "label_2")
_COLUMNS = TOTALS_TABLE.c


def add(connection: Connection, increments: Mapping[Key, Decimal]) -> None:
    """Add to the totals; whoever loads at the same time waits here until this transaction has ended.

    Raises:
        PermanentLoadError: a total would no longer fit its column.
    """
    if not increments:
        return
    exact = connection.dialect.name != "sqlite"
    before = _read(connection, {key[0] for key in increments})
    known: list[dict[str, Any]] = []
    fresh: list[dict[str, Any]] = []
    for key, amount in increments.items():
        value = storable(before.get(key, Decimal(0)) + amount)
        if value is None:
            raise PermanentLoadError(f"total {' '.join(key[1:])}: more than 20 digits before the point")
        entry = dict(zip(_NAMES, key, strict=True)) | {"value": Decimal(value) if exact else value}
        (known if key in before else fresh).append(entry)
    if known:
        statement = update(TOTALS_TABLE).values(value=bindparam("value_"))
        for name in _NAMES:
            statement = statement.where(_COLUMNS[name] == bindparam(f"{name}_"))
        connection.execute(
            statement, [{f"{name}_": value for name, value in entry.items()} for entry in known]
        )
    if fresh:
        connection.execute(insert(TOTALS_TABLE), fresh)


def _read(connection: Connection, markets: set[str]) -> dict[Key, Decimal]:
    """The totals of the markets, kept from other loaders; SQLite's loader is alone since its first write."""
    query = (
        select(*(_COLUMNS[name] for name in _NAMES), _COLUMNS["value"])
        .where(_COLUMNS["market"].in_(sorted(markets)))
        .with_hint(TOTALS_TABLE, "WITH (UPDLOCK, HOLDLOCK)", "mssql")
    )
    return {(row[0], row[1], row[2], row[3]): Decimal(row[4]) for row in connection.execute(query)}
