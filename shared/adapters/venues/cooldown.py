"""Venues that must not be asked for now, held in State so that every instance knows."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic

from shared.errors import VenueBanned
from shared.ports import Clock, State

PARTITION = "cooldown"

REST_S: Mapping[int, int] = {429: 60, 418: 300, 403: 3600, 451: 3600}
"""Seconds to hold off a venue after these statuses, where it does not say how long."""


class Cooldowns:
    """The bans in force: entries `{retry_at_ms, error}` by venue id; expired ones are ignored."""

    def __init__(self, state: State, clock: Clock, partition: str = PARTITION) -> None:
        self._state = state
        self._partition = partition
        self._clock = clock
        self._bans: dict[str, VenueBanned] = {}
        self._read_at: float | None = None

    async def read(self, max_age_s: float = 0.0) -> None:
        """Read the bans of all instances, unless they were read no longer than `max_age_s` ago.

        Raises:
            StorageError: the state cannot be read.
        """
        if self._read_at is not None and monotonic() - self._read_at < max_age_s:
            return
        entries = await self._state.entries(self._partition)
        self._bans = {
            entry.key: VenueBanned(entry.key, str(entry.value["error"]), int(entry.value["retry_at_ms"]))
            for entry in entries
        }
        self._read_at = monotonic()

    def check(self, venue: str) -> None:
        """Let a request pass.

        Raises:
            VenueBanned: the venue cools down.
        """
        ban = self._bans.get(venue)
        if ban is not None and self._clock.now_ms() < ban.retry_at_ms:
            raise VenueBanned(venue, ban.message, ban.retry_at_ms)

    async def start(self, ban: VenueBanned) -> None:
        """Hold every instance off the venue; of two bans the longer one counts.

        Raises:
            StorageError: the state cannot be written; this instance holds off all the same.
        """
        known = self._bans.get(ban.venue)
        if known is not None and known.retry_at_ms >= ban.retry_at_ms:
            return
        self._bans[ban.venue] = ban
        await self._state.replace(
            self._partition, ban.venue, {"retry_at_ms": ban.retry_at_ms, "error": ban.message}
        )
