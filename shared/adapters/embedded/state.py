"""State in one SQLite file."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import orjson

from shared.errors import Conflict, StorageError
from shared.ports import STATE_VALUE_BYTES, Entry

T = TypeVar("T")

_BUSY_SECONDS = 30
_WAL_ATTEMPTS = 50
_WAL_PAUSE_SECONDS = 0.02
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    partition TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, etag TEXT NOT NULL,
    PRIMARY KEY (partition, key)
) WITHOUT ROWID
"""


class SqliteState:
    """Entries in `path`, safe among threads and processes; the file is made with the first use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    async def get(self, partition: str, key: str) -> Entry | None:
        """The entry, or None.

        Raises:
            StorageError: the file cannot be used.
        """
        rows = await self._rows(
            "SELECT key, value, etag FROM entries WHERE partition = ? AND key = ?", (partition, key)
        )
        return rows[0] if rows else None

    async def put(self, partition: str, key: str, value: Mapping[str, Any], etag: str | None) -> str:
        """Write and return the new tag: `etag` None creates, else replaces the version so tagged.

        Raises:
            Conflict: it exists already, or changed since.
            StorageError: the value is too long, or the file cannot be used.
        """
        data, tag = self._encoded(partition, key, value), secrets.token_hex(8)
        if etag is None:
            changed = await self._change(
                "INSERT INTO entries VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", (partition, key, data, tag)
            )
        else:
            changed = await self._change(
                "UPDATE entries SET value = ?, etag = ? WHERE partition = ? AND key = ? AND etag = ?",
                (data, tag, partition, key, etag),
            )
        if not changed:
            raise Conflict(
                f"state {partition}/{key}: "
                + ("exists already" if etag is None else "changed since it was read")
            )
        return tag

    async def replace(self, partition: str, key: str, value: Mapping[str, Any]) -> None:
        """Write whatever is there.

        Raises:
            StorageError: the value is too long, or the file cannot be used.
        """
        data = self._encoded(partition, key, value)
        await self._change(
            "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)", (partition, key, data, secrets.token_hex(8))
        )

    async def entries(self, partition: str, prefix: str = "") -> Sequence[Entry]:
        """All entries of a partition whose key starts with `prefix`, by key.

        Raises:
            StorageError: the file cannot be used.
        """
        return await self._rows(
            "SELECT key, value, etag FROM entries WHERE partition = ?1 AND key >= ?2 "
            "AND substr(key, 1, length(?2)) = ?2 ORDER BY key",
            (partition, prefix),
        )

    async def delete(self, partition: str, key: str) -> None:
        """Remove it; no error if it is gone already.

        Raises:
            StorageError: the file cannot be used.
        """
        await self._change("DELETE FROM entries WHERE partition = ? AND key = ?", (partition, key))

    async def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        await asyncio.to_thread(self._close)

    async def _rows(self, sql: str, parameters: tuple[object, ...]) -> list[Entry]:
        def read(connection: sqlite3.Connection) -> list[Entry]:
            return [
                Entry(key, orjson.loads(value), etag)
                for key, value, etag in connection.execute(sql, parameters)
            ]

        return await asyncio.to_thread(self._use, read)

    async def _change(self, sql: str, parameters: tuple[object, ...]) -> int:
        return await asyncio.to_thread(
            self._use, lambda connection: connection.execute(sql, parameters).rowcount
        )

    def _use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._open()
                return work(self._connection)
            except (sqlite3.Error, OSError) as error:
                raise StorageError(
                    f"state {self.path}: {error}; check the file's owner, permissions and free space, "
                    "or set DATA_DIR"
                ) from error

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Each statement is its own transaction; the lock, not SQLite, keeps threads apart.
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _use_wal(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(_SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @staticmethod
    def _encoded(partition: str, key: str, value: Mapping[str, Any]) -> bytes:
        data = orjson.dumps(value)
        if len(data) > STATE_VALUE_BYTES:
            raise StorageError(
                f"state {partition}/{key}: a value of {len(data)} bytes is longer than {STATE_VALUE_BYTES}; "
                "store it in the lake and keep its name here"
            )
        return data


def _use_wal(connection: sqlite3.Connection) -> None:
    """Let readers go on beside a writer; two processes that switch at once stand in each other's way for a moment."""
    for attempt in range(1, _WAL_ATTEMPTS + 1):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == _WAL_ATTEMPTS:
                raise
            time.sleep(_WAL_PAUSE_SECONDS)
        else:
            return
