"""What detection allows: limits, fees and block list."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from shared.domain.fees import FeeOverrides

KINDS = frozenset({"two_leg", "three_leg"})


@dataclass(frozen=True, slots=True)
class DetectionPolicy:
    """The limits of detection; the defaults are the design's.

    `min_profit` and `capital` are USDT of value; `capital` is the most one loop may start with, None sets no
    limit. `blocked` holds entries `ASSET`, `SYMBOL` (as BTC/USDT), `venue:ASSET` and `venue:SYMBOL`.
    `max_identity_log` bounds |ln(mid / mid elsewhere)| of one asset. `rebalance_trades` is how many trades
    share the cost of one transfer, None charges none.
    """

    max_age_ms: int = 3_000
    max_skew_ms: int = 1_500
    min_net_bps: Decimal = Decimal(0)
    min_profit: Decimal = Decimal(1)
    too_good_bps: Decimal = Decimal(100)
    transfer_unknown_allowed: bool = True
    blocked: frozenset[str] = frozenset()
    fees: FeeOverrides = field(default_factory=FeeOverrides)
    capital: Decimal | None = None
    rebalance_trades: Decimal | None = None
    max_identity_log: float = 0.15
    kinds: frozenset[str] = KINDS
