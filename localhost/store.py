"""The runner's memory under DATA_DIR: one SQLite file, held by one process at a time."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localhost.errors import StartError

_VERSION = 1
_SCHEMA = """
CREATE TABLE messages (
    id TEXT PRIMARY KEY, queue TEXT NOT NULL, body TEXT NOT NULL, inserted_at REAL NOT NULL,
    visible_at REAL NOT NULL, claimed INTEGER NOT NULL DEFAULT 0, dequeue_count INTEGER NOT NULL DEFAULT 0);
CREATE INDEX messages_by_queue ON messages (queue, claimed, visible_at);
CREATE TABLE timers (name TEXT PRIMARY KEY, last TEXT NOT NULL);
CREATE TABLE instances (
    id TEXT PRIMARY KEY, execution_id TEXT NOT NULL, name TEXT NOT NULL, input TEXT, status TEXT NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, output TEXT, custom_status TEXT,
    traceparent TEXT NOT NULL);
CREATE VIEW running AS SELECT * FROM instances WHERE status IN ('Pending', 'Running');
CREATE TABLE history (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, instance_id TEXT NOT NULL, event TEXT NOT NULL);
CREATE INDEX history_by_instance ON history (instance_id, seq);
CREATE TABLE inbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, instance_id TEXT NOT NULL, event TEXT NOT NULL);
CREATE INDEX inbox_by_instance ON inbox (instance_id, seq);
CREATE TABLE tasks (
    instance_id TEXT NOT NULL, execution_id TEXT NOT NULL, id INTEGER NOT NULL,
    activity TEXT, input TEXT, due_at REAL, PRIMARY KEY (instance_id, execution_id, id));
"""


class Store:
    """An open DATA_DIR. All statements run on the event loop's thread; each transaction is short."""

    def __init__(self, data_dir: Path) -> None:
        """Create the folder, take its lock and open the database.

        Raises:
            StartError: the folder cannot be written, another process holds it, or its format is another one.
        """
        self.data_dir = data_dir
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(data_dir / "localhost.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StartError(
                f"DATA_DIR {data_dir} cannot be written ({error.strerror}); set DATA_DIR to a folder that can"
            ) from error
        try:
            self._take_lock()
            self.connection = self._open_database()
        except BaseException:
            os.close(self._lock)
            raise

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._lock, 32, 0).decode() or "unknown"
            raise StartError(
                f"DATA_DIR {self.data_dir} is in use by process {holder}; stop it or set another DATA_DIR"
            ) from error
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode(), 0)

    def _open_database(self) -> sqlite3.Connection:
        path = self.data_dir / "localhost.db"
        try:
            connection = sqlite3.connect(path, isolation_level=None)
            connection.row_factory = sqlite3.Row
            # With WAL, NORMAL survives the death of the process; only a power cut may lose the last commits.
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;")
        except sqlite3.Error as error:
            raise StartError(
                f"{path} cannot be opened ({error}); free the disk or remove the file"
            ) from error
        if version not in (0, _VERSION):
            connection.close()
            raise StartError(f"{path} has format {version}, this runner writes {_VERSION}; remove the file")
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run the statements of the block together or not at all."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def close(self) -> None:
        """Close the database and give the folder back."""
        self.connection.close()
        os.close(self._lock)
