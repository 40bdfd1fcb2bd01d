"""Bringing a database's schema up to date, and keeping market_data short.

SQLite is made from the definition in one transaction. Azure SQL follows the numbered files of infra/sql, each
in one transaction; a file records itself in schema_version, so that it may also be run by hand.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from shared.adapters.sql.schema import METADATA
from shared.adapters.sql.views import VIEWS
from shared.records.text import iso

MIGRATIONS = Path(__file__).parents[3] / "infra" / "sql"

_PURGE_ROWS = 5000
_FILE = re.compile(r"(\d{3})_\w+\.sql")
_GO = re.compile(r"^[ \t]*GO[ \t]*$", re.IGNORECASE | re.MULTILINE)
_LOCK = "EXEC sp_getapplock @Resource = 'migrate', @LockMode = 'Exclusive', @LockOwner = 'Transaction'"
_VERSIONS = """
CREATE TABLE IF NOT EXISTS schema_version (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied TEXT NOT NULL
)
"""


def migrate(engine: Engine, *, dry_run: bool) -> Sequence[str]:
    """Apply what is missing; the names of it. With `dry_run` nothing is changed."""
    if engine.dialect.name == "sqlite":
        return _migrate_sqlite(engine, dry_run=dry_run)
    return _migrate_azure_sql(engine, dry_run=dry_run)


def migration_files() -> list[tuple[int, Path]]:
    """The migrations of Azure SQL with their versions, in order."""
    found = [(match, path) for path in MIGRATIONS.glob("*.sql") if (match := _FILE.fullmatch(path.name))]
    return sorted((int(match[1]), path) for match, path in found)


def batches(script: str) -> list[str]:
    """The batches of a T-SQL script, which GO separates."""
    return [batch.strip() for batch in _GO.split(script) if batch.strip()]


def purge(engine: Engine, before_ms: int) -> int:
    """Delete market_data older than that, some thousands of rows a transaction; the number of rows."""
    if engine.dialect.name != "sqlite":
        call = text("EXEC purge_market_data @before = :before")
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            return int(connection.execute(call, {"before": iso(before_ms).removesuffix("Z")}).scalar_one())
    oldest = text(
        "DELETE FROM market_data WHERE rowid IN "
        "(SELECT rowid FROM market_data WHERE time < :before LIMIT :rows)"
    )
    total = 0
    while True:
        with engine.begin() as connection:
            deleted = connection.execute(oldest, {"before": iso(before_ms), "rows": _PURGE_ROWS}).rowcount
        total += deleted
        if deleted < _PURGE_ROWS:
            return total


def _migrate_sqlite(engine: Engine, *, dry_run: bool) -> Sequence[str]:
    name = f"schema-{hashlib.sha256(_definition().encode()).hexdigest()[:12]}"
    with engine.connect() as connection:
        if _current_sqlite(connection) == name:
            return []
    if dry_run:
        return [name]
    with engine.begin() as connection:
        connection.exec_driver_sql(_VERSIONS)  # takes the write lock: of two migrations the second waits here
        if _current_sqlite(connection) == name:
            return []
        _create(connection)
        connection.execute(
            text("INSERT INTO schema_version (name, applied) VALUES (:name, :applied)"),
            {"name": name, "applied": iso(time.time_ns() // 1_000_000)},
        )
    return [name]


def _current_sqlite(connection: Connection) -> str | None:
    if not inspect(connection).has_table("schema_version"):
        return None
    latest = text("SELECT name FROM schema_version ORDER BY version DESC LIMIT 1")
    return connection.execute(latest).scalar_one_or_none()


def _definition() -> str:
    dialect = sqlite.dialect()
    created = [str(CreateTable(table).compile(dialect=dialect)) for table in METADATA.sorted_tables]
    indexed = [
        str(CreateIndex(index).compile(dialect=dialect))
        for table in METADATA.sorted_tables
        for index in sorted(table.indexes, key=lambda index: str(index.name))
    ]
    return "\n".join([*created, *indexed, *(f"{view.name}: {view.sql('sqlite')}" for view in VIEWS.values())])


def _create(connection: Connection) -> None:
    """Tables, columns that an older release did not have (they are nullable), indexes, and all views anew."""
    tables = METADATA.sorted_tables
    existing = inspect(connection)
    for view in VIEWS.values():
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {view.name}")
    for table in tables:
        if existing.has_table(table.name):
            known = {column["name"] for column in existing.get_columns(table.name)}
            for column in table.columns:
                if column.name not in known:
                    kind = column.type.compile(connection.dialect)
                    connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}")
            for index in table.indexes:
                index.create(connection, checkfirst=True)
    METADATA.create_all(connection)
    for view in VIEWS.values():
        connection.exec_driver_sql(f"CREATE VIEW {view.name} AS\n{view.sql('sqlite')}")


def _migrate_azure_sql(engine: Engine, *, dry_run: bool) -> Sequence[str]:
    with engine.connect() as connection:
        applied = _applied_azure_sql(connection)
    pending = [(version, path) for version, path in migration_files() if version not in applied]
    if dry_run:
        return [path.name for _, path in pending]
    done: list[str] = []
    for version, path in pending:
        with engine.begin() as connection:
            # ODBC begins its transaction with the first query of a table, and the lock is the transaction's.
            connection.exec_driver_sql("SELECT COUNT(*) FROM sys.tables").scalar_one()
            connection.exec_driver_sql(_LOCK)
            if version in _applied_azure_sql(connection):
                continue
            for batch in batches(path.read_text("utf-8")):
                connection.exec_driver_sql(batch)
        done.append(path.name)
    return done


def _applied_azure_sql(connection: Connection) -> set[int]:
    if not inspect(connection).has_table("schema_version"):
        return set()
    return set(connection.execute(text("SELECT version FROM schema_version")).scalars())
