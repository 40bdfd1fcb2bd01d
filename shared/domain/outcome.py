"""What a sized loop comes to: its profit after transfers, why it is no opportunity, or how it is reported."""

from __future__ import annotations

from decimal import Decimal

from shared.domain.claims import Placed
from shared.domain.exact import BPS, EXACT, ONE, RATIO, ZERO, plain, ratio, text
from shared.domain.fees import order_flows
from shared.domain.gates import GatedBook, Refusal
from shared.domain.ladder import Order
from shared.domain.market import Currency, FeeAsset, Side, Snapshot
from shared.domain.opportunity import Conversion, Leg, Opportunity, Reason, content_id
from shared.domain.policy import DetectionPolicy
from shared.domain.sizing import Size
from shared.domain.survey import Loop
from shared.domain.transfer import withdrawal_fee
from shared.domain.values import Values


class Outcomes:
    """Sized loops of one snapshot, judged and reported."""

    def __init__(self, snapshot: Snapshot, policy: DetectionPolicy, values: Values) -> None:
        self._snapshot = snapshot
        self._policy = policy
        self._values = values

    def refusal(self, loop: Loop, sized: Size) -> Refusal | None:
        """Why the loop is no opportunity at this size."""
        policy = self._policy
        profit = self._net_profit(loop, sized)
        if profit <= 0:
            return Refusal(Reason.NET_EDGE_TOO_SMALL, "no feasible amount earns anything")
        if EXACT.multiply(profit, BPS) < EXACT.multiply(policy.min_net_bps, sized.start):
            detail = f"the best amount earns less than {text(policy.min_net_bps)} bps"
            return Refusal(Reason.NET_EDGE_TOO_SMALL, detail)
        asset = loop.candidate.assets[0]
        value = self._values.of(asset)
        if value is None:
            return Refusal(
                Reason.BELOW_MIN_PROFIT, f"the profit's value is unknown: no price of {asset} in USDT"
            )
        worth = EXACT.multiply(profit, value)
        if worth < policy.min_profit:
            detail = f"the best amount earns {worth:.4f} USDT of value, limit {text(policy.min_profit)}"
            return Refusal(Reason.BELOW_MIN_PROFIT, detail)
        return None

    def _net_profit(self, loop: Loop, sized: Size) -> Decimal:
        return EXACT.subtract(sized.profit, self._rebalancing(loop)[0])

    def net_bps(self, loop: Loop, sized: Size) -> Decimal:
        """Net profit per start amount, in basis points."""
        return ratio(EXACT.multiply(self._net_profit(loop, sized), BPS), sized.start)

    def _rebalancing(self, loop: Loop) -> tuple[Decimal, bool]:
        """The loop's part of the withdrawal fees that bring everything back, in the start asset; all known?

        A fee or a value that nobody knows counts as nothing, and the opportunity is marked.
        """
        if self._policy.rebalance_trades is None:
            return ZERO, True
        total, known = ZERO, True
        start_value = self._values.of(loop.candidate.assets[0])
        for asset, came, pays in loop.crossings:
            fee = withdrawal_fee(self._currency(came.venue, asset), self._currency(pays.venue, asset))
            value = self._values.of(asset)
            if fee is None or value is None or start_value is None:
                known = False
            else:
                total = EXACT.add(total, RATIO.divide(EXACT.multiply(fee, value), start_value))
        return RATIO.divide(total, self._policy.rebalance_trades), known

    def _currency(self, venue: str, asset: str) -> Currency | None:
        return self._snapshot.venues[venue].currencies.get(asset)

    def opportunity(self, loop: Loop, placed: Placed) -> Opportunity:
        """The loop as it is reported, on the levels that were left to it."""
        sized = placed.size
        legs = tuple(
            _leg(book, conversion, order, amount)
            for book, conversion, order, amount in zip(
                loop.books, loop.candidate.conversions, placed.orders, sized.amounts, strict=True
            )
        )
        gain, price = ONE, ONE
        for leg, notional in legs:
            better, worse = (leg.amount, notional) if leg.side is Side.BUY else (notional, leg.amount)
            gain, price = EXACT.multiply(gain, better), EXACT.multiply(price, worse)
        profit = plain(self._net_profit(loop, sized))
        value = self._values.of(loop.candidate.assets[0]) or ZERO
        marks = loop.marks if self._rebalancing(loop)[1] else (*loop.marks, "REBALANCING_UNKNOWN")
        return Opportunity(
            id=content_id(
                str(self._snapshot.time_ms), *loop.candidate.path, *(text(leg.amount) for leg, _ in legs)
            ),
            kind=loop.kind,
            start_asset=loop.candidate.assets[0],
            start_amount=sized.start,
            end_amount=sized.end,
            net_profit=profit,
            gross_profit=ratio(EXACT.multiply(sized.start, EXACT.subtract(gain, price)), price),
            net_bps=self.net_bps(loop, sized),
            legs=tuple(leg for leg, _ in legs),
            oldest_book_ms=self._snapshot.time_ms - min(loop.times_ms),
            skew_ms=loop.skew_ms,
            marks=marks,
            profit_value=plain(EXACT.multiply(profit, value)),
            top_net_bps=loop.net_bps,
        )


def _leg(book: GatedBook, conversion: Conversion, order: Order, amount: Decimal) -> tuple[Leg, Decimal]:
    """The order of one leg as it is reported, and its notional."""
    rest, notional, limit = amount, ZERO, ZERO
    for price, offered in order.levels:
        if rest <= 0:
            break
        taken = min(rest, offered)
        notional = EXACT.add(notional, EXACT.multiply(price, taken))
        rest = EXACT.subtract(rest, taken)
        limit = price
    buys_less = conversion.side is Side.BUY and book.fee.asset is FeeAsset.RECEIVED
    leg = Leg(
        conversion.venue,
        conversion.symbol,
        conversion.side,
        amount,
        ratio(notional, amount),
        plain(limit),
        plain(order_flows(conversion.side, amount, notional, book.fee).fee),
        book.base if buys_less else book.quote,
    )
    return leg, notional
