"""Answers that were good, kept for a while by the content of their question."""

from __future__ import annotations

from typing import Any

from shared.ports import Clock, State

_SWEEP_MS = 3_600_000


class Answers:
    """Answers in a partition of the state; each is used for `lifetime_ms`, and none is kept with 0."""

    def __init__(self, state: State, clock: Clock, partition: str, lifetime_ms: int) -> None:
        self._state = state
        self._clock = clock
        self._partition = partition
        self._lifetime_ms = lifetime_ms
        self._swept_ms = 0

    async def get(self, key: str) -> Any:
        """The answer, or None.

        Raises:
            StorageError: the state cannot be read.
        """
        if not self._lifetime_ms:
            return None
        entry = await self._state.get(self._partition, key)
        return entry.value["answer"] if entry and not self._expired(entry.value) else None

    async def keep(self, key: str, answer: Any) -> None:
        """Keep an answer; once an hour, forget the old ones.

        Raises:
            StorageError: the state cannot be written.
        """
        if not self._lifetime_ms:
            return
        now_ms = self._clock.now_ms()
        await self._state.replace(self._partition, key, {"answer": answer, "at_ms": now_ms})
        if now_ms - self._swept_ms < _SWEEP_MS:
            return
        self._swept_ms = now_ms
        for entry in await self._state.entries(self._partition):
            if self._expired(entry.value):
                await self._state.delete(self._partition, entry.key)

    def _expired(self, kept: dict[str, Any]) -> bool:
        return bool(self._clock.now_ms() - kept["at_ms"] >= self._lifetime_ms)
