"""Batches into tables, exactly once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, insert, select
from sqlalchemy.exc import IntegrityError

from shared.adapters.sql.adding import add
from shared.adapters.sql.schema import SQL_TABLES, to_database
from shared.errors import PermanentLoadError
from shared.ports import Row
from shared.records.tables import LEDGER, TABLES, Table
from shared.records.text import iso
from shared.records.totals import increments

_CHUNK_ROWS = 1000
_NAMES_A_QUERY = 500  # SQL Server takes 2,100 parameters a statement


class _LoadedBefore(Exception):
    """The ledger has the blob: leaving the transaction by this rolls it back."""


def load(engine: Engine, blob: str, rows: Mapping[str, Sequence[Row]]) -> bool:
    """Insert the rows and the blob's ledger row in one transaction; False if the ledger has the blob."""
    unknown = rows.keys() - TABLES.keys()
    if unknown or LEDGER in rows:
        raise PermanentLoadError(f"{blob}: {min(unknown, default=LEDGER)!r} is no table to load into")
    entry = {"loaded": iso(time.time_ns() // 1_000_000), "row_count": sum(map(len, rows.values()))}
    try:
        with engine.begin() as connection:
            # First of all, so that of two loaders the second waits here for the first to commit.
            try:
                _insert(connection, TABLES[LEDGER], [entry], blob)
            except IntegrityError:
                raise _LoadedBefore from None
            for name, found in TABLES.items():
                _insert(connection, found, rows.get(name, ()), blob)
            add(connection, increments(rows))
    except _LoadedBefore:
        return False
    return True


def _insert(connection: Connection, found: Table, rows: Sequence[Row], blob: str) -> None:
    if not rows:
        return
    statement = str(insert(SQL_TABLES[found.name]).compile(dialect=connection.dialect))
    values = _values(found, connection.dialect, rows, blob)
    for start in range(0, len(values), _CHUNK_ROWS):
        connection.exec_driver_sql(statement, values[start : start + _CHUNK_ROWS])


def _values(found: Table, dialect: Dialect, rows: Sequence[Row], blob: str) -> list[tuple[Any, ...]]:
    """Rows as the driver takes them, made column by column: most columns need no conversion."""
    columns: list[list[Any]] = []
    for each in found.columns:
        given = [blob] * len(rows) if each.name == "blob" else [row.get(each.name) for row in rows]
        convert = to_database(each, dialect)
        try:
            columns.append(given if convert is None else list(map(convert, given)))
        except (ArithmeticError, TypeError, ValueError) as error:
            raise PermanentLoadError(f"{blob}: {found.name}.{each.name}: {error}") from error
    return list(zip(*columns, strict=True))


def loaded(engine: Engine, blobs: Sequence[str]) -> set[str]:
    """Which of the blobs the ledger has."""
    ledger = SQL_TABLES[LEDGER].c.blob
    found: set[str] = set()
    with engine.connect() as connection:
        for start in range(0, len(blobs), _NAMES_A_QUERY):
            names = blobs[start : start + _NAMES_A_QUERY]
            found.update(connection.scalars(select(ledger).where(ledger.in_(names))))
    return found
