"""Streaming statistics of trades and lifetimes: their size does not grow with what they have seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext

from shared.domain.exact import EXACT, ZERO, ratio
from shared.domain.trade import Trade, TradeStatus


@dataclass(frozen=True, slots=True)
class TradeStatistics:
    """Profit and loss of trades, in USDT.

    `decided`, `realised` and `unrealised` are sums, `causes` splits realised minus decided. `equity` is
    realised and unrealised, `peak` the most it has been, `max_drawdown` the deepest fall from a peak.
    """

    statuses: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    wins: int = 0
    traded_value: Decimal = ZERO
    decided: Decimal = ZERO
    realised: Decimal = ZERO
    unrealised: Decimal = ZERO
    causes: Mapping[str, Decimal] = field(default_factory=dict)
    best: Decimal = ZERO
    worst: Decimal = ZERO
    peak: Decimal = ZERO
    max_drawdown: Decimal = ZERO

    def add(self, trade: Trade, price: Decimal) -> TradeStatistics:
        """With one more trade, whose start asset is worth `price` USDT."""
        statuses = _counted(self.statuses, trade.status)
        if trade.status is TradeStatus.REFUSED:
            return replace(self, statuses=statuses, reasons=_counted(self.reasons, trade.reason or "unknown"))
        with localcontext(EXACT):
            earned = trade.profit * price
            equity = self.equity + earned
            peak = max(self.peak, equity)
            return replace(
                self,
                statuses=statuses,
                wins=self.wins + (bool(trade.fills) and earned > 0),
                traded_value=self.traded_value + (trade.start_amount * price if trade.fills else ZERO),
                decided=self.decided + trade.decision_profit * price,
                realised=self.realised + trade.realised_profit * price,
                unrealised=self.unrealised + trade.unrealised_profit * price,
                causes={
                    **self.causes,
                    **{cause: self.causes.get(cause, ZERO) + part * price for cause, part in trade.causes},
                },
                best=max(self.best, earned),
                worst=min(self.worst, earned),
                peak=peak,
                max_drawdown=max(self.max_drawdown, peak - equity),
            )

    @property
    def equity(self) -> Decimal:
        """Realised and unrealised profit so far."""
        return EXACT.add(self.realised, self.unrealised)

    @property
    def traded(self) -> int:
        """Trades with at least one fill."""
        return self.statuses.get(TradeStatus.FILLED, 0) + self.statuses.get(TradeStatus.PARTIAL, 0)

    @property
    def hit_rate(self) -> Decimal | None:
        """The share of trades with fills that earned something; None before the first."""
        return ratio(Decimal(self.wins), Decimal(self.traded)) if self.traded else None

    @property
    def kept_share(self) -> Decimal | None:
        """The part of the decided profit that was earned; None while nothing was decided."""
        return ratio(self.equity, self.decided) if self.decided else None


@dataclass(frozen=True, slots=True)
class Durations:
    """A summary of durations in buckets that double, so that quantiles are known to a factor of two."""

    count: int = 0
    total_ms: int = 0
    longest_ms: int = 0
    buckets: Mapping[int, int] = field(default_factory=dict)

    def add(self, duration_ms: int) -> Durations:
        """With one more duration, not below zero."""
        bucket = duration_ms.bit_length()
        return Durations(
            self.count + 1,
            self.total_ms + duration_ms,
            max(self.longest_ms, duration_ms),
            {**self.buckets, bucket: self.buckets.get(bucket, 0) + 1},
        )

    @property
    def mean_ms(self) -> float | None:
        """The mean, or None of nothing."""
        return self.total_ms / self.count if self.count else None

    def at_most_ms(self, share: float) -> int | None:
        """What this share of the durations, above 0 and at most 1, does not exceed; None of nothing."""
        wanted, seen = math.ceil(share * self.count), 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= wanted:
                return min((1 << bucket) - 1, self.longest_ms)
        return None


def _counted(counts: Mapping[str, int], key: str) -> Mapping[str, int]:
    return {**counts, key: counts.get(key, 0) + 1}
