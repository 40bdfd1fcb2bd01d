"""The warehouse port over SQLite or Azure SQL. SQLAlchemy is imported with the first use, in its thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from shared.errors import TransientLoadError
from shared.ports import Row

if TYPE_CHECKING:
    from sqlalchemy import Engine

T = TypeVar("T")

_RETRY_SECONDS = (0.1, 0.4)


class SqlWarehouse:
    """The tables in a SQLite file (a Path) or in Azure SQL (a connection string).

    `client_id` names the managed identity to log in with where the connection string has no login.
    """

    migrates_itself = False

    def __init__(self, target: Path | str, client_id: str | None = None) -> None:
        self._target = target
        self._client_id = client_id
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    async def migrate(self, *, dry_run: bool = False) -> Sequence[str]:
        """Bring the schema up to date; the names of the migrations applied, or with `dry_run` those pending.

        Raises:
            TransientLoadError: the database cannot be reached now.
            PermanentLoadError: a migration fails.
        """

        def work(engine: Engine) -> Sequence[str]:
            from shared.adapters.sql import migrations  # noqa: PLC0415 - SQLAlchemy, see the module's docstring

            return migrations.migrate(engine, dry_run=dry_run)

        return await self._run("migrate", work)

    async def load(self, blob: str, rows: Mapping[str, Sequence[Row]]) -> bool:
        """Load a blob's rows by table and its ledger row in one transaction; False if it was loaded before.

        Rows are in JSON form without `blob`, as `decode_batch` gives them.

        Raises:
            TransientLoadError: try again later.
            PermanentLoadError: these rows can never load.
        """

        def work(engine: Engine) -> bool:
            from shared.adapters.sql import loading  # noqa: PLC0415 - as above

            return loading.load(engine, blob, rows)

        return await self._run(f"load {blob}", work)

    async def loaded(self, blobs: Sequence[str]) -> set[str]:
        """Which of these blobs have a ledger row.

        Raises:
            TransientLoadError: the database cannot be reached now.
        """

        def work(engine: Engine) -> set[str]:
            from shared.adapters.sql import loading  # noqa: PLC0415 - as above

            return loading.loaded(engine, blobs)

        return await self._run("read the ledger", work)

    async def select(
        self, table: str, where: Mapping[str, Any], order: Sequence[str], limit: int, offset: int = 0
    ) -> list[dict[str, Any]]:
        """Rows of a table or view in JSON form: decimals as plain strings, times as ISO-8601.

        `where` maps `column`, or `column__ge`, `__le`, `__lt`, `__gt`, to a value; a list means any of its
        values, None means null; times may be milliseconds. `order` lists columns, descending with a leading
        `-`; the key decides ties, so that pages neither overlap nor leave a row out.

        Raises:
            InputError: table, column or comparison is unknown, or limit or offset negative.
            TransientLoadError: the database cannot answer now.
        """

        def work(engine: Engine) -> list[dict[str, Any]]:
            from shared.adapters.sql import reading  # noqa: PLC0415 - as above

            return reading.read(engine, table, where, order, (limit, offset))

        return await self._run(f"read {table}", work)

    async def probe(self, blob: str) -> None:
        """Write a ledger row of that name, read it, and roll both back.

        Raises:
            TransientLoadError: the database cannot be reached now.
            PermanentLoadError: the login may not write or read it.
        """

        def work(engine: Engine) -> None:
            from shared.adapters.sql import loading  # noqa: PLC0415 - as above

            loading.probe(engine, blob)

        await self._run("write and read a probe", work)

    async def purge_market_data(self, before_ms: int) -> int:
        """Delete market_data older than that, in small transactions; the number of rows deleted.

        Raises:
            TransientLoadError: the database cannot be reached now; what is deleted stays deleted.
        """

        def work(engine: Engine) -> int:
            from shared.adapters.sql import migrations  # noqa: PLC0415 - as above

            return migrations.purge(engine, before_ms)

        return await self._run("purge market_data", work)

    async def close(self) -> None:
        """Let go of every connection; the next use opens them again."""
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
            await asyncio.to_thread(engine.dispose)

    async def _run(self, action: str, work: Callable[[Engine], T]) -> T:
        return await asyncio.to_thread(self._retried, action, work)

    def _retried(self, action: str, work: Callable[[Engine], T]) -> T:
        """Briefly again in place: an outage that lasts is the queue's to wait for."""
        for pause in _RETRY_SECONDS:
            try:
                return self._once(action, work)
            except TransientLoadError:
                time.sleep(pause)
        return self._once(action, work)

    def _once(self, action: str, work: Callable[[Engine], T]) -> T:
        from shared.adapters.sql import connection  # noqa: PLC0415 - SQLAlchemy, see the module's docstring
        from shared.adapters.sql.errors import translated  # noqa: PLC0415 - as above

        with translated(connection.store_name(self._target), action):
            with self._lock:
                if self._engine is None:
                    self._engine = connection.make_engine(self._target, self._client_id)
            return work(self._engine)
