"""Batches into tables, exactly once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, select
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


def probe(engine: Engine, blob: str) -> None:
    """Write a ledger row and read it, in a transaction that is rolled back: the login may do no more.

    Raises:
        PermanentLoadError: the row is not there.
    """
    ledger = SQL_TABLES[LEDGER].c.blob
    with engine.connect() as connection:
        _insert(connection, TABLES[LEDGER], [{"loaded": iso(0), "row_count": 0}], blob)
        found = connection.scalar(select(ledger).where(ledger == blob))
        connection.rollback()
    if found != blob:
        raise PermanentLoadError(f"a ledger row named {blob} was written and reads {found!r}")


def _insert(connection: Connection, found: Table, rows: Sequence[Row], blob: str) -> None:
    if not rows:
        return
    values = _values(found, connection.dialect, rows, blob)
    for start in range(0, len(values), _CHUNK_ROWS):
        connection.exec_driver_sql(_statement(found.name), values[start : start + _CHUNK_ROWS])


@cache
def _statement(table: str) -> str:
    """Text as both drivers take it; the blob comes last, whatever its place in the table."""
    names = [*_names(TABLES[table]), "blob"]
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - own names


def _names(found: Table) -> list[str]:
    return [column.name for column in found.columns if column.name != "blob"]


def _values(found: Table, dialect: Dialect, rows: Sequence[Row], blob: str) -> list[tuple[Any, ...]]:
    """Rows as the driver takes them; most columns need no conversion, in SQLite nearly none."""
    names = _names(found)
    try:
        take = itemgetter(*names)
        values = [(*take(row), blob) for row in rows]
    except KeyError:  # a row without some column that may be null
        values = [(*map(row.get, names), blob) for row in rows]
    converted = [
        (index, name, convert)
        for index, name in enumerate(names)
        if (convert := to_database(found.column(name), dialect)) is not None
    ]
    if not converted:
        return values
    columns: list[Sequence[Any]] = list(zip(*values, strict=True))
    for index, name, convert in converted:
        try:
            columns[index] = list(map(convert, columns[index]))
        except (ArithmeticError, TypeError, ValueError) as error:
            raise PermanentLoadError(f"{blob}: {found.name}.{name}: {error}") from error
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
