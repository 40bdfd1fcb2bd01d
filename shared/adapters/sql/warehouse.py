"""Loading batches exactly once and reading tables and views."""

from __future__ import annotations

import asyncio
import operator
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Dialect, Engine, Select, column, insert, select, table
from sqlalchemy.exc import IntegrityError

from shared.adapters.sql import migrations
from shared.adapters.sql.connection import azure_sql_engine, odbc_string, sqlite_engine, store_name
from shared.adapters.sql.errors import translated
from shared.adapters.sql.schema import SQL_TABLES, comparable, sql_type, to_database, to_row
from shared.adapters.sql.views import VIEWS, View
from shared.errors import InputError, PermanentLoadError, TransientLoadError
from shared.ports import Row
from shared.records.tables import LEDGER, TABLES, Column, Kind, Table
from shared.records.text import from_iso, iso

T = TypeVar("T")

_CHUNK_ROWS = 1000
_NAMES_A_QUERY = 500  # SQL Server takes 2,100 parameters a statement
_RETRY_SECONDS = (0.1, 0.4)


class SqlWarehouse:
    """The tables in a SQLite file (a Path) or in Azure SQL (a connection string).

    `client_id` names the managed identity to log in with where the connection string has no login.
    """

    def __init__(self, target: Path | str, client_id: str | None = None) -> None:
        self._target = target
        self._odbc = odbc_string(target, client_id) if isinstance(target, str) else ""
        self._engine: Engine | None = None
        self.store = store_name(self._odbc) if self._odbc else f"warehouse {target}"

    async def migrate(self, *, dry_run: bool = False) -> Sequence[str]:
        """Bring the schema up to date; the names of the migrations applied, or with `dry_run` those pending.

        Raises:
            TransientLoadError: the database cannot be reached now.
            PermanentLoadError: a migration fails, or one that was applied has changed since.
        """
        return await self._run("migrate", lambda engine: migrations.migrate(engine, dry_run=dry_run))

    async def load(self, blob: str, rows: Mapping[str, Sequence[Row]]) -> bool:
        """Load a blob's rows by table and its ledger row in one transaction; False if it was loaded before.

        Rows are in JSON form without `blob`, as `decode_batch` gives them.

        Raises:
            TransientLoadError: try again later.
            PermanentLoadError: these rows can never load.
        """
        return await self._run(f"load {blob}", lambda engine: _load(engine, blob, rows))

    async def loaded(self, blobs: Sequence[str]) -> set[str]:
        """Which of these blobs have a ledger row.

        Raises:
            TransientLoadError: the database cannot be reached now.
        """
        return await self._run("read the ledger", lambda engine: _loaded(engine, blobs))

    async def select(
        self, table: str, where: Mapping[str, Any], order: Sequence[str], limit: int, offset: int = 0
    ) -> list[dict[str, Any]]:
        """Rows of a table or view in JSON form: decimals as plain strings, times as ISO-8601.

        `where` maps `column`, or `column__ge`, `__le`, `__lt`, `__gt`, to a value; a list means any
        of its values, None means null; times may be milliseconds. `order` lists columns, descending with a
        leading `-`; the key decides ties, so that pages neither overlap nor leave a row out.

        Raises:
            InputError: table or column is unknown, or limit or offset negative.
            TransientLoadError: the database cannot answer now.
        """
        source = TABLES.get(table) or VIEWS.get(table)
        if source is None:
            raise InputError(f"table {table!r}: is not one of {', '.join((*TABLES, *VIEWS))}")
        if limit < 0 or offset < 0:
            raise InputError(f"limit {limit}, offset {offset}: must not be negative")
        return await self._run(
            f"read {table}",
            lambda engine: _read(
                engine, source, _query(source, where, order, engine.dialect).limit(limit).offset(offset)
            ),
        )

    async def purge_market_data(self, before_ms: int) -> int:
        """Delete market_data older than that, in small transactions; the number of rows deleted.

        Raises:
            TransientLoadError: the database cannot be reached now; what is deleted stays deleted.
        """
        return await self._run("purge market_data", lambda engine: migrations.purge(engine, before_ms))

    async def close(self) -> None:
        """Let go of every connection; the next use opens them again."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await asyncio.to_thread(engine.dispose)

    async def _run(self, action: str, work: Callable[[Engine], T]) -> T:
        return await asyncio.to_thread(self._work, action, work)

    def _work(self, action: str, work: Callable[[Engine], T]) -> T:
        for pause in _RETRY_SECONDS:
            try:
                return self._once(action, work)
            except TransientLoadError:
                time.sleep(pause)
        return self._once(action, work)

    def _once(self, action: str, work: Callable[[Engine], T]) -> T:
        try:
            with translated(self.store, action):
                if self._engine is None:
                    self._engine = self._connect()
                return work(self._engine)
        except OSError as error:
            raise TransientLoadError(
                f"{self.store}: cannot {action}: {error}; check owner, permissions and free space"
            ) from error

    def _connect(self) -> Engine:
        if isinstance(self._target, Path):
            return sqlite_engine(self._target)
        return azure_sql_engine(self._odbc)


class _LoadedBefore(Exception):
    """The ledger has the blob: leaving the transaction by this rolls it back."""


def _load(engine: Engine, blob: str, rows: Mapping[str, Sequence[Row]]) -> bool:
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


def _loaded(engine: Engine, blobs: Sequence[str]) -> set[str]:
    ledger = SQL_TABLES[LEDGER].c.blob
    found: set[str] = set()
    with engine.connect() as connection:
        for start in range(0, len(blobs), _NAMES_A_QUERY):
            names = blobs[start : start + _NAMES_A_QUERY]
            found.update(connection.scalars(select(ledger).where(ledger.in_(names))))
    return found


def _query(
    source: Table | View, where: Mapping[str, Any], order: Sequence[str], dialect: Dialect
) -> Select[Any]:
    elements = {each.name: column(each.name, sql_type(each)) for each in source.columns}
    query = select(*elements.values()).select_from(table(source.name, *elements.values()))
    for key, value in where.items():
        query = query.where(_condition(source, key, value, dialect))
    ordered = {name.removeprefix("-"): name.startswith("-") for name in order}
    for name in (*ordered, *source.key):
        element = comparable(_known(source, name), elements[name], dialect)
        query = query.order_by(element.desc() if ordered.get(name, False) else element.asc())
    return query


def _read(engine: Engine, source: Table | View, query: Select[Any]) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    forms = [to_row(each) for each in source.columns]
    return [
        {
            each.name: value if form is None else form(value)
            for each, form, value in zip(source.columns, forms, row, strict=True)
        }
        for row in rows
    ]


def _known(source: Table | View, name: str) -> Column:
    for each in source.columns:
        if each.name == name:
            return each
    raise InputError(f"column {name!r}: {source.name} has {', '.join(each.name for each in source.columns)}")


_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "": operator.eq,
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
}


def _condition(source: Table | View, key: str, value: Any, dialect: Dialect) -> ColumnElement[bool]:
    name, _, comparison = key.partition("__")
    known = _known(source, name)
    element = comparable(known, column(name, sql_type(known)), dialect)
    if comparison not in _COMPARISONS:
        raise InputError(f"condition {key!r}: the comparison must be one of __ge, __gt, __le, __lt")
    if value is None and not comparison:
        return element.is_(None)
    if isinstance(value, list | tuple | set | frozenset) and not comparison:
        return element.in_([_bound(known, each, dialect) for each in value])
    result: ColumnElement[bool] = _COMPARISONS[comparison](element, _bound(known, value, dialect))
    return result


def _bound(known: Column, value: Any, dialect: Dialect) -> Any:
    """A condition's value as the database compares it."""
    try:
        if known.kind is Kind.TIME and isinstance(value, int):
            value = iso(value)
        if known.kind is Kind.TIME:
            from_iso(value, known.name)
        if known.kind is Kind.DECIMAL:
            return float(value) if dialect.name == "sqlite" else Decimal(str(value))
    except (ArithmeticError, TypeError, ValueError) as error:
        raise InputError(f"condition on {known.name}: {value!r} is no {known.kind}") from error
    convert = to_database(known, dialect)
    return value if convert is None else convert(value)
