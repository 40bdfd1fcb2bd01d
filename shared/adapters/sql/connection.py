"""Engines for SQLite files and for Azure SQL."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event

from shared.connection_strings import sql_parts, sql_problems
from shared.errors import SettingsError

_DRIVER = "{ODBC Driver 18 for SQL Server}"
_LOGIN_SECONDS = 15
_BUSY_SECONDS = 10
_ACCESS_TOKEN = 1256  # SQL_COPT_SS_ACCESS_TOKEN of Microsoft's msodbcsql.h
_SCOPE = "https://database.windows.net/.default"
_RECYCLE_SECONDS = 1500  # below the idle time after which Azure's gateway cuts a connection (30 min)
_SPELLING = {
    "driver": "Driver",
    "server": "Server",
    "database": "Database",
    "authentication": "Authentication",
    "uid": "UID",
    "pwd": "PWD",
    "encrypt": "Encrypt",
    "trustservercertificate": "TrustServerCertificate",
    "trusted_connection": "Trusted_Connection",
}
_SWITCHES = frozenset({"encrypt", "trustservercertificate", "trusted_connection"})


def make_engine(target: Path | str, client_id: str | None) -> Engine:
    """The engine of a SQLite file (a Path) or of Azure SQL (a connection string); not connected yet.

    Raises:
        SettingsError: the connection string cannot be used.
    """
    return (
        sqlite_engine(target)
        if isinstance(target, Path)
        else azure_sql_engine(odbc_string(target, client_id), client_id)
    )


def sqlite_engine(path: Path) -> Engine:
    """The engine of a SQLite file; every transaction is explicit, so that schema changes are atomic too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
        except connection.Error:  # another process is switching the new file to WAL: the caller tries again
            connection.close()
            raise

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def azure_sql_engine(odbc: str, client_id: str | None = None) -> Engine:
    """The engine of an Azure SQL database: pooled, each connection tested before its use.

    `Authentication=ActiveDirectoryDefault` is not the driver's word but this product's: it logs in with a token
    of DefaultAzureCredential, which knows workload identities and the Azure CLI.
    """
    parts = sql_parts(odbc)
    by_token = parts.get("authentication", "").lower() == "activedirectorydefault"
    if by_token:
        odbc = _joined({key: value for key, value in parts.items() if key not in {"authentication", "uid"}})
    engine = create_engine(
        URL.create("mssql+pyodbc", query={"odbc_connect": odbc}),
        fast_executemany=True,
        pool_pre_ping=True,
        pool_recycle=_RECYCLE_SECONDS,
        connect_args={"timeout": _LOGIN_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # Without NOCOUNT an error inside a batch hides behind the row counts before it.
        connection.execute("SET NOCOUNT ON; SET XACT_ABORT ON;")
        connection.commit()

    if by_token:
        _log_in_by_token(engine, client_id)
    return engine


def _log_in_by_token(engine: Engine, client_id: str | None) -> None:
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - 300 ms, only with an identity

    credential = DefaultAzureCredential(managed_identity_client_id=client_id)

    @event.listens_for(engine, "do_connect")
    def provide(_dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> None:
        token = credential.get_token(_SCOPE).token.encode("utf-16-le")
        options["attrs_before"] = {_ACCESS_TOKEN: struct.pack(f"<I{len(token)}s", len(token), token)}


def odbc_string(given: str, client_id: str | None = None) -> str:
    """The ODBC string to use: encrypted, with driver, with the managed identity if no login is named.

    Takes ODBC's keywords and those of ADO.NET, as the Azure portal shows them.

    Raises:
        SettingsError: server or database is missing, or encryption is switched off. No value of it is shown.
    """
    problems = sql_problems(given)
    if problems:
        raise SettingsError([f"AZURE_SQL_CONNECTION_STRING: {problem}" for problem in problems])
    parts = sql_parts(given)
    for key in parts.keys() & _SWITCHES:
        parts[key] = {"true": "yes", "false": "no"}.get(parts[key].lower(), parts[key])
    parts["encrypt"] = "strict" if parts.get("encrypt", "").lower() == "strict" else "yes"
    parts.setdefault("driver", _DRIVER)
    if not parts.keys() & {"uid", "authentication", "trusted_connection"}:
        parts["authentication"] = "ActiveDirectoryMsi"
        if client_id:
            parts["uid"] = client_id
    return _joined(parts)


def _joined(parts: dict[str, str]) -> str:
    return ";".join(f"{_SPELLING.get(key, key)}={value}" for key, value in parts.items())


def store_name(target: Path | str) -> str:
    """The file, or server and database, for messages."""
    if isinstance(target, Path):
        return f"warehouse {target}"
    parts = sql_parts(target)
    return f"{parts.get('server', '?')}/{parts.get('database', '?')}"
