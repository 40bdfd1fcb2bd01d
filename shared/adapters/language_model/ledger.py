"""What the model may still spend today and whether it is to be asked at all: one entry of the state.

A question reserves its worst case before it is sent and is settled afterwards, so however many ask at once, the
day's sums never pass the budget. What a crash leaves open stays reserved until the day ends.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shared.adapters.language_model.reply import Usage
from shared.domain.exact import EXACT, ZERO, plain, text
from shared.errors import AnalystError, Conflict
from shared.ports import Clock, Entry, State

FAILURES_TO_PAUSE = 5
PAUSE_MS = 60_000
_KEY = "spending"
_MILLION = Decimal("1e-6")


@dataclass(frozen=True, slots=True)
class Budget:
    """What a UTC day allows, and the prices of a million tokens in US dollars."""

    daily_tokens: int
    daily_usd: Decimal
    input_usd: Decimal
    output_usd: Decimal

    def cost(self, usage: Usage) -> Decimal:
        """The price of these tokens in US dollars, without discounts."""
        paid = EXACT.add(
            EXACT.multiply(usage.input_tokens, self.input_usd),
            EXACT.multiply(usage.output_tokens, self.output_usd),
        )
        return plain(EXACT.multiply(paid, _MILLION))


@dataclass(frozen=True, slots=True)
class Spending:
    """A day's sums: `tokens` and `usd` are settled, `reserved` maps open questions to their worst case.

    `failures` in a row count across days; before `paused_until_ms` nobody asks.
    """

    day: str
    tokens: int = 0
    usd: Decimal = ZERO
    reserved: Mapping[str, tuple[int, Decimal]] = field(default_factory=dict)
    failures: int = 0
    paused_until_ms: int = 0

    def fits(self, tokens: int, usd: Decimal, budget: Budget) -> bool:
        """Whether the budget holds a further worst case."""
        for more_tokens, more_usd in (*self.reserved.values(), (self.tokens, self.usd)):
            tokens, usd = tokens + more_tokens, EXACT.add(usd, more_usd)
        return tokens <= budget.daily_tokens and usd <= budget.daily_usd

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; money as text."""
        return {
            "day": self.day,
            "tokens": self.tokens,
            "usd": text(self.usd),
            "reserved": {name: [tokens, text(usd)] for name, (tokens, usd) in self.reserved.items()},
            "failures": self.failures,
            "paused_until_ms": self.paused_until_ms,
        }


class Ledger:
    """The entry in a partition of the state, shared by every instance."""

    def __init__(self, state: State, clock: Clock, budget: Budget, partition: str) -> None:
        self._state = state
        self._clock = clock
        self._budget = budget
        self._partition = partition
        self._turn = asyncio.Lock()

    async def reserve(self, most: Usage) -> str:
        """Set the worst case of a question aside; the reservation's name.

        Raises:
            AnalystError: with reason `budget` or `paused`; nothing was reserved.
            StorageError: the state cannot be used.
        """
        name, usd = uuid.uuid4().hex, self._budget.cost(most)

        def change(before: Spending) -> Spending:
            if before.paused_until_ms > self._clock.now_ms():
                raise AnalystError("paused", f"the model failed {before.failures} times in a row")
            if not before.fits(most.total, usd, self._budget):
                raise AnalystError(
                    "budget", f"{most.total} tokens or {usd} USD more would exceed the day's budget"
                )
            return replace(before, reserved={**before.reserved, name: (most.total, usd)})

        await self._change(change)
        return name

    async def settle(self, name: str, spent: Usage | None, *, failed: bool) -> None:
        """Replace a reservation by what was spent, or where nobody said by itself; note success or failure.

        Raises:
            StorageError: the state cannot be used; the reservation stays.
        """

        def change(before: Spending) -> Spending:
            failures = before.failures + 1 if failed else 0
            paused_until_ms = self._clock.now_ms() + PAUSE_MS if failures >= FAILURES_TO_PAUSE else 0
            noted = replace(before, failures=failures, paused_until_ms=paused_until_ms)
            if name not in before.reserved:
                return noted
            tokens, usd = before.reserved[name]
            if spent is not None:
                tokens, usd = spent.total, self._budget.cost(spent)
            return replace(
                noted,
                tokens=before.tokens + tokens,
                usd=plain(EXACT.add(before.usd, usd)),
                reserved={other: most for other, most in before.reserved.items() if other != name},
            )

        await self._change(change)

    async def _change(self, change: Callable[[Spending], Spending]) -> None:
        """Replace the entry under its tag; whoever was faster made progress, so this ends."""
        async with self._turn:
            while True:
                entry = await self._state.get(self._partition, _KEY)
                after = change(self._today(entry))
                try:
                    await self._state.put(
                        self._partition, _KEY, after.to_dict(), entry.etag if entry else None
                    )
                except Conflict:
                    continue
                return

    def _today(self, entry: Entry | None) -> Spending:
        day = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC).date().isoformat()
        if entry is None:
            return Spending(day)
        kept = entry.value
        if kept["day"] != day:
            return Spending(day, failures=kept["failures"], paused_until_ms=kept["paused_until_ms"])
        return Spending(
            day,
            kept["tokens"],
            Decimal(kept["usd"]),
            {name: (tokens, Decimal(usd)) for name, (tokens, usd) in kept["reserved"].items()},
            kept["failures"],
            kept["paused_until_ms"],
        )
