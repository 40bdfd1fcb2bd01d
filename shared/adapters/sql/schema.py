"""The tables as SQLAlchemy sees them, for SQLite and for T-SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import (
    REAL,
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Dialect,
    Index,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Text,
    cast,
)
from sqlalchemy import Column as SqlColumn
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.mssql import BIT, DATETIME2, NVARCHAR
from sqlalchemy.types import Boolean, TypeEngine

from shared.records.tables import TABLES, Column, Kind, Table
from shared.records.text import DECIMAL_DIGITS, DECIMAL_SCALE, iso, plain
from shared.records.totals import TOTALS

BINARY_COLLATION = "Latin1_General_100_BIN2"
"""Texts compare by code unit, as in SQLite: other collations take different tickers for equal."""

_FLOAT_DIGITS = 15


def sql_type(column: Column) -> TypeEngine[Any]:
    """The column's type: texts for exact decimals and times in SQLite, DECIMAL and DATETIME2 in T-SQL."""
    kinds: dict[Kind, tuple[TypeEngine[Any], TypeEngine[Any]]] = {
        Kind.TEXT: (Text(), NVARCHAR(column.size, collation=BINARY_COLLATION)),
        Kind.DECIMAL: (Text(), Numeric(DECIMAL_DIGITS + DECIMAL_SCALE, DECIMAL_SCALE)),
        Kind.INT: (BigInteger(), BigInteger()),
        Kind.TIME: (Text(), DATETIME2(3)),  # type: ignore[no-untyped-call]  # SQLAlchemy left it untyped
        Kind.BOOL: (Boolean(create_constraint=False), BIT()),
        Kind.JSON: (Text(), NVARCHAR(column.size, collation=BINARY_COLLATION)),
    }
    sqlite, mssql = kinds[column.kind]
    return sqlite.with_variant(mssql, "mssql")


def sql_table(table: Table, metadata: MetaData) -> SqlTable:
    """The table with its key, indexes and checks."""
    columns = [
        SqlColumn(column.name, sql_type(column), nullable=not column.required) for column in table.columns
    ]
    checks = [
        CheckConstraint(condition, name=f"ck_{table.name}_{column.name}")
        for column in table.columns
        if (condition := _condition(column))
    ]
    key = PrimaryKeyConstraint(*table.key, name=f"pk_{table.name}")
    indexes = [Index(f"ix_{table.name}_{'_'.join(names)}", *names) for names in table.indexes]
    return SqlTable(table.name, metadata, *columns, key, *checks, *indexes)


def _condition(column: Column) -> str:
    if column.choices:
        return f"{column.name} IN ({', '.join(repr(str(choice)) for choice in column.choices)})"
    return f"{column.name} {column.bound}" if column.bound else ""


METADATA = MetaData()
SQL_TABLES: Mapping[str, SqlTable] = {name: sql_table(table, METADATA) for name, table in TABLES.items()}
TOTALS_TABLE = sql_table(TOTALS, METADATA)


def comparable(column: Column, element: ColumnElement[Any], dialect: Dialect) -> ColumnElement[Any]:
    """What to order and range by: SQLite's exact decimals are texts, so it compares their doubles.

    Rounding to a double is monotone: no two numbers change places, those within 1e-16 of each other tie.
    """
    return cast(element, REAL) if column.kind is Kind.DECIMAL and dialect.name == "sqlite" else element


def to_database(column: Column, dialect: Dialect) -> Callable[[Any], Any] | None:
    """Row value -> what the driver binds; None where it binds the row value itself.

    T-SQL gets Decimal and datetime objects: pyodbc's fast_executemany refuses texts for them.
    """
    if column.kind is Kind.JSON:
        return lambda value: None if value is None else orjson.dumps(value).decode()
    if dialect.name == "sqlite":
        return None
    if column.kind is Kind.DECIMAL:
        return lambda value: None if value is None else Decimal(value)
    if column.kind is Kind.TIME:
        return lambda value: None if value is None else datetime.fromisoformat(value).replace(tzinfo=None)
    return None


def to_row(column: Column) -> Callable[[Any], Any] | None:
    """What either driver returns -> row value; None where they are the same."""
    return {
        Kind.DECIMAL: _decimal_text,
        Kind.TIME: _time_text,
        Kind.BOOL: lambda value: None if value is None else bool(value),
        Kind.JSON: lambda value: None if value is None else orjson.loads(value),
    }.get(column.kind)


def _decimal_text(value: Any) -> str | None:
    if isinstance(value, float):  # a SQLite view's sum, right to 15 digits
        return plain(Decimal(f"{value:.{_FLOAT_DIGITS}g}"))
    return value if value is None or isinstance(value, str) else plain(Decimal(value))


def _time_text(value: Any) -> str | None:
    if isinstance(value, datetime):
        aware = value.replace(tzinfo=UTC)
        return iso(int(aware.timestamp()) * 1000 + aware.microsecond // 1000)
    return None if value is None else str(value)
