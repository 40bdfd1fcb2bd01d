"""What the desk decides and does: verdicts, fills, transfers and trades."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from shared.domain.exact import EXACT
from shared.domain.market import Side


class Decision(StrEnum):
    """What an analyst says of an opportunity: a caution shrinks it, a rejection vetoes it."""

    APPROVE = "approve"
    CAUTION = "caution"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An analyst's judgement. It has no size, price or venue: it can veto or shrink, never enlarge.

    `source` is `rules` or `model`; `fallback` is the short reason why the rules decided in the model's place,
    or None. `evidence` names the facts used; `confidence` lies in 0..1; `cost_usd` is what the model charged.
    """

    opportunity_id: str
    decision: Decision
    confidence: Decimal
    risk_factors: tuple[str, ...]
    explanation: str
    evidence: tuple[str, ...]
    source: str
    fallback: str | None = None
    model: str | None = None
    prompt_version: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    latency_ms: int = 0


class Purpose(StrEnum):
    """Why an order was sent: as a leg of the loop, or to unwind what a leg left behind."""

    LEG = "leg"
    UNWIND = "unwind"


@dataclass(frozen=True, slots=True)
class Fill:
    """One level taken: `amount` base at `price`, `notional` quote, the fee in `fee_asset`.

    `leg` counts the opportunity's legs from 0; an unwind carries the leg it repairs.
    """

    venue: str
    symbol: str
    base: str
    quote: str
    side: Side
    purpose: Purpose
    leg: int
    price: Decimal
    amount: Decimal
    notional: Decimal
    fee: Decimal
    fee_asset: str
    time_ms: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """An asset under way between two venues for rebalancing; what arrives is `amount - fee`."""

    id: str
    asset: str
    network: str
    source: str
    target: str
    amount: Decimal
    fee: Decimal
    sent_ms: int
    arrives_ms: int


class TradeStatus(StrEnum):
    """How a trade ended."""

    FILLED = "filled"
    PARTIAL = "partial"
    MISSED = "missed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Trade:
    """One simulated execution of an opportunity; amounts in `start_asset` unless named otherwise.

    realised_profit = the start asset's flows of all fills; unrealised_profit = remaining `exposure` at value:
    only both together are what the trade brought. Their `_value` is in USDT, at the decision's prices.
    `causes` splits realised minus decision profit: slippage, delay, latency, partial_fill, unwind, fees.
    A refused trade has no fills and says why in `reason` and `detail`.
    """

    id: str
    scan_id: str
    opportunity_id: str
    status: TradeStatus
    reason: str | None
    detail: str
    kind: str
    path: tuple[str, ...]
    start_asset: str
    start_amount: Decimal
    decided_ms: int
    completed_ms: int
    decision_profit: Decimal
    realised_profit: Decimal
    unrealised_profit: Decimal
    realised_value: Decimal
    unrealised_value: Decimal
    causes: tuple[tuple[str, Decimal], ...]
    exposure: tuple[tuple[str, Decimal], ...]
    fills: tuple[Fill, ...]

    @property
    def profit(self) -> Decimal:
        """Realised and unrealised profit."""
        return EXACT.add(self.realised_profit, self.unrealised_profit)

    @property
    def profit_value(self) -> Decimal:
        """Realised and unrealised profit in USDT."""
        return EXACT.add(self.realised_value, self.unrealised_value)
