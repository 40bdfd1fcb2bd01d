"""A warehouse made by its first use: functions that never ask it do not pay for its libraries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.ports import Row, Warehouse


class LazyWarehouse:
    """The Warehouse that `make` gives; an embedded one has its schema brought up to date first."""

    def __init__(self, make: Callable[[], Warehouse], *, embedded: bool) -> None:
        self._make = make
        self.migrates_itself = embedded
        self._is_current = not embedded
        self._made: Warehouse | None = None
        self._preparing = asyncio.Lock()

    def _opened(self) -> Warehouse:
        if self._made is None:
            self._made = self._make()
        return self._made

    async def _real(self) -> Warehouse:
        async with self._preparing:
            if not self._is_current:
                await self._opened().migrate()
                self._is_current = True
            return self._opened()

    async def migrate(self, *, dry_run: bool = False) -> Sequence[str]:
        """Bring the schema up to date; with `dry_run` only name what is pending."""
        async with self._preparing:
            return await self._opened().migrate(dry_run=dry_run)

    async def load(self, blob: str, rows: Mapping[str, Sequence[Row]]) -> bool:
        """Load a blob's rows once."""
        return await (await self._real()).load(blob, rows)

    async def loaded(self, blobs: Sequence[str]) -> set[str]:
        """Which of these blobs are loaded."""
        return await (await self._real()).loaded(blobs)

    async def select(
        self, table: str, where: Mapping[str, Any], order: Sequence[str], limit: int, offset: int = 0
    ) -> list[dict[str, Any]]:
        """Rows of a table or view."""
        return await (await self._real()).select(table, where, order, limit, offset)

    async def probe(self, blob: str) -> None:
        """Write a ledger row, read it, and roll both back."""
        await (await self._real()).probe(blob)

    async def purge_market_data(self, before_ms: int) -> int:
        """Delete market_data older than that."""
        return await (await self._real()).purge_market_data(before_ms)

    async def close(self) -> None:
        """Let go of every connection."""
        if self._made is not None:
            await self._made.close()
