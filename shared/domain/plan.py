"""The orders an opportunity asks for, at the size that the verdict and the balances allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from shared.domain.exact import EXACT, ONE, ZERO
from shared.domain.fees import TakerFee
from shared.domain.market import Instrument, Side
from shared.domain.opportunity import Leg, Opportunity
from shared.domain.orders import meets_minimums
from shared.domain.portfolio import Portfolio, floor_to_step, round_to_grain
from shared.errors import InputError

Terms = Callable[[str, str], tuple[Instrument, TakerFee] | None]
"""Venue and symbol to the instrument and its taker fee, or None where one of them is unknown."""


@dataclass(frozen=True, slots=True)
class PlannedLeg:
    """One order and what was expected of it: `notional` quote at the decision's average price, and the fee.

    `follows` tells that the leg before is on the same venue, so that this one lives on what it brings in.
    """

    index: int
    instrument: Instrument
    fee_rule: TakerFee
    side: Side
    amount: Decimal
    notional: Decimal
    average_price: Decimal
    limit_price: Decimal
    fee: Decimal
    fee_asset: str
    follows: bool

    @property
    def pays(self) -> str:
        """The asset the leg pays."""
        return self.instrument.quote if self.side is Side.BUY else self.instrument.base

    @property
    def gets(self) -> str:
        """The asset the leg brings in."""
        return self.instrument.base if self.side is Side.BUY else self.instrument.quote

    @property
    def payment(self) -> Decimal:
        """What the leg was expected to pay, a fee on top included."""
        with localcontext(EXACT):
            gross = self.notional if self.side is Side.BUY else self.amount
            return gross + (self.fee if self.fee_asset == self.pays else ZERO)

    @property
    def proceeds(self) -> Decimal:
        """What the leg was expected to bring in after its fee."""
        with localcontext(EXACT):
            gross = self.amount if self.side is Side.BUY else self.notional
            return gross - (self.fee if self.fee_asset == self.gets else ZERO)


def plan_legs(opportunity: Opportunity, scale: Decimal, terms: Terms) -> tuple[PlannedLeg, ...]:
    """The opportunity's legs at `scale`, above 0 and at most 1, each floored to its step and what comes in.

    Raises:
        InputError: the scale would enlarge the trade, or an instrument or its taker fee is unknown.
    """
    if not 0 < scale <= 1:
        raise InputError(
            f"scale {scale} is outside its limits: above 0 and at most 1; a trade is never enlarged"
        )
    legs: list[PlannedLeg] = []
    for index, leg in enumerate(opportunity.legs):
        known = terms(leg.venue, leg.symbol)
        if known is None:
            raise InputError(f"{leg.venue} {leg.symbol}: the taker fee is unknown; configure the venue's fee")
        instrument, fee = known
        follows = index > 0 and opportunity.legs[index - 1].venue == leg.venue
        planned = _planned(index, leg, leg.amount, instrument, fee, follows=follows)
        if scale != 1:
            with localcontext(EXACT):
                amount = leg.amount * scale
                if legs:
                    amount = min(amount, leg.amount * legs[-1].proceeds / planned.payment)
            amount = floor_to_step(amount, instrument.amount_step)
            planned = _planned(index, leg, amount, instrument, fee, follows=follows)
        legs.append(planned)
    return tuple(legs)


def funded_scale(legs: Sequence[PlannedLeg], portfolio: Portfolio) -> Decimal:
    """The fraction of these legs that the balances can pay, at most 1; legs that follow need no balance."""
    with localcontext(EXACT):
        shares = (
            portfolio.balance(leg.instrument.venue, leg.pays) / leg.payment
            for leg in legs
            if not leg.follows and leg.payment
        )
        return min(shares, default=ONE).min(ONE)


def below_minimum(legs: Iterable[PlannedLeg]) -> PlannedLeg | None:
    """The first leg that its venue would not take."""
    for leg in legs:
        if not meets_minimums(leg.instrument, leg.amount, leg.limit_price):
            return leg
    return None


def planned_flows(legs: Iterable[PlannedLeg]) -> dict[str, Decimal]:
    """What the legs were expected to add to each asset over all venues."""
    flows: dict[str, Decimal] = {}
    with localcontext(EXACT):
        for leg in legs:
            flows[leg.pays] = flows.get(leg.pays, ZERO) - leg.payment
            flows[leg.gets] = flows.get(leg.gets, ZERO) + leg.proceeds
    return flows


def _planned(
    index: int, leg: Leg, amount: Decimal, instrument: Instrument, fee: TakerFee, *, follows: bool
) -> PlannedLeg:
    with localcontext(EXACT):
        charged = leg.fee if amount == leg.amount else leg.fee * amount / leg.amount
        return PlannedLeg(
            index,
            instrument,
            fee,
            leg.side,
            amount,
            round_to_grain(amount * leg.average_price, ROUND_HALF_EVEN),
            leg.average_price,
            leg.limit_price,
            round_to_grain(charged, ROUND_HALF_EVEN),
            leg.fee_asset,
            follows,
        )
