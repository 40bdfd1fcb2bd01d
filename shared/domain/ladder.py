"""One leg's order book as a ladder of whole units: what an amount costs and returns, and which amounts may be sent.

All arithmetic is on integers, so every figure is exact: amounts count `UNIT`s of base, asset amounts count
multiples of a scale that the legs of a loop share.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from shared.domain.exact import EXACT, ONE, ZERO
from shared.domain.fees import TakerFee
from shared.domain.market import FeeAsset, Side

FINEST_DIGITS = 18
"""Decimals of an amount whose venue names no step."""
UNIT_DIGITS = 24
"""Decimals of a unit: continuous amounts are rounded against ourselves six digits below the finest step."""


@dataclass(frozen=True, slots=True)
class Order:
    """What one leg may trade: the levels it meets, best first, its fee and its limits.

    `levels` are prices and positive base amounts. `budget` is the most of the paid asset it may spend, None for
    no limit; steps and limits of None are none.
    """

    side: Side
    levels: Sequence[tuple[Decimal, Decimal]]
    fee: TakerFee
    amount_step: Decimal | None = None
    min_amount: Decimal | None = None
    max_amount: Decimal | None = None
    min_notional: Decimal | None = None
    budget: Decimal | None = None


def decimals(value: Decimal) -> int:
    """Digits after the point."""
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


@dataclass(frozen=True, slots=True)
class Scale:
    """Decimals of a leg's amounts, prices and fee factor."""

    amount: int
    price: int
    fee: int


def scale_of(order: Order) -> Scale:
    """The decimals with which every figure of an order is whole."""
    amounts = [amount for _, amount in order.levels]
    amounts += [limit for limit in (order.amount_step, order.min_amount, order.max_amount) if limit]
    return Scale(
        max((UNIT_DIGITS, *map(decimals, amounts))),
        max((0, *(decimals(price) for price, _ in order.levels))),
        decimals(order.fee.rate),
    )


def paid_digits(order: Order, scale: Scale) -> int:
    """Decimals of what the leg pays."""
    if order.side is Side.SELL:
        return scale.amount
    return scale.amount + scale.price + (scale.fee if order.fee.asset is FeeAsset.QUOTE else 0)


def received_digits(order: Order, scale: Scale) -> int:
    """Decimals of what the leg gets."""
    if order.side is Side.SELL:
        return scale.amount + scale.price + scale.fee
    return scale.amount + (scale.fee if order.fee.asset is FeeAsset.RECEIVED else 0)


class Ladder:
    """An order's book in units. Amounts are base units; costs and returns are units of the paid and got asset.

    `amounts[j]` and `notionals[j]` are cumulated to the end of level j, both from 0; `prices[j]` is the price
    of level j + 1. The ladder ends where depth, max_amount or budget does.
    """

    def __init__(self, order: Order, scale: Scale, paid_scale: int, received_scale: int) -> None:
        self.side = order.side
        self.buys = order.side is Side.BUY
        self.scale = scale
        kept = EXACT.subtract(ONE, order.fee.rate)
        topped = EXACT.add(ONE, order.fee.rate)
        on_top = self.buys and order.fee.asset is FeeAsset.QUOTE
        self.cost_factor = whole(topped if on_top else ONE, paid_scale - self._base_digits(paying=True))
        self.return_factor = whole(ONE if on_top else kept, received_scale - self._base_digits(paying=False))
        self.amounts, self.notionals, self.prices = [0], [0], list[int]()
        for price, amount in order.levels:
            units = whole(amount, scale.amount)
            self.prices.append(whole(price, scale.price))
            self.amounts.append(self.amounts[-1] + units)
            self.notionals.append(self.notionals[-1] + units * self.prices[-1])
        self._cut(order, paid_scale)
        finest = 10 ** (scale.amount - FINEST_DIGITS)
        self.step = whole(order.amount_step, scale.amount) if order.amount_step else finest
        self.allowed = self._allowed(order)

    def _base_digits(self, *, paying: bool) -> int:
        """Decimals of the side of the trade that is paid, or got, before the fee."""
        is_notional = self.buys is paying
        return self.scale.amount + (self.scale.price if is_notional else 0)

    def _cut(self, order: Order, paid_scale: int) -> None:
        most = self.amounts[-1]
        if order.max_amount is not None:
            most = min(most, floor_whole(order.max_amount, self.scale.amount))
        if order.budget is not None:
            most = min(most, self.affordable(floor_whole(order.budget, paid_scale)))
        if most < self.amounts[-1]:
            last = max(1, bisect_left(self.amounts, most))
            self.notionals[last:] = [self.notional(most)]
            self.amounts[last:] = [most]
            del self.prices[last:]

    def _allowed(self, order: Order) -> list[tuple[int, int]]:
        """Ranges of amounts on the step grid that meet the minimums.

        A seller's limit price falls with the amount, so min_notional can open a gap at each new level.
        """
        least = whole_up(order.min_amount, self.scale.amount) if order.min_amount else 1
        notional = order.min_notional or ZERO
        need = whole_up(notional, self.scale.amount + self.scale.price)
        ranges: list[tuple[int, int]] = []
        for price, start, end in zip(self.prices, self.amounts, self.amounts[1:], strict=False):
            low = ceil_to(max(least, start + 1, -(-need // price)), self.step)
            high = end // self.step * self.step
            if low <= high:
                if ranges and low - ranges[-1][1] <= self.step:
                    low = ranges.pop()[0]
                ranges.append((low, high))
        return ranges

    @property
    def empty(self) -> bool:
        """Whether nothing at all can be traded."""
        return self.amounts[-1] == 0

    def notional(self, amount: int) -> int:
        """Price times amount over the levels that an order of this amount takes."""
        level = bisect_left(self.amounts, amount)
        if not level:
            return 0
        return self.notionals[level - 1] + self.prices[level - 1] * (amount - self.amounts[level - 1])

    def cost(self, amount: int) -> int:
        """What an order of this amount pays."""
        return self.cost_factor * (self.notional(amount) if self.buys else amount)

    def returns(self, amount: int) -> int:
        """What an order of this amount gets."""
        return self.return_factor * (amount if self.buys else self.notional(amount))

    def affordable(self, paid: int) -> int:
        """The largest amount, in whole units, that costs at most this."""
        have = paid // self.cost_factor
        if not self.buys:
            return min(have, self.amounts[-1])
        level = bisect_right(self.notionals, have) - 1
        if level == len(self.prices):
            return self.amounts[-1]
        return self.amounts[level] + (have - self.notionals[level]) // self.prices[level]

    def needed(self, got: int) -> int | None:
        """The smallest amount, in whole units, that returns at least this; None beyond the ladder's end."""
        need = -(-got // self.return_factor)
        if self.buys:
            return need if need <= self.amounts[-1] else None
        level = bisect_left(self.notionals, need)
        if level == len(self.notionals):
            return None
        if not level:
            return 0
        start = level - 1
        return self.amounts[start] - (self.notionals[start] - need) // self.prices[start]

    def before(self, need: int) -> tuple[int, int] | None:
        """The smallest allowed amount that returns at least `need`, and its cost; None if there is none.

        The same as `up(needed(need))` and `cost`, in one call: searches spend their time here.
        """
        units = -(-need // self.return_factor)
        amounts, notionals, prices = self.amounts, self.notionals, self.prices
        if not self.buys:
            level = bisect_left(notionals, units) - 1
            if level == len(prices):
                return None
            units = amounts[level] - (notionals[level] - units) // prices[level] if level >= 0 else 0
        amount = self.up(units)
        if amount is None or not self.buys:
            return None if amount is None else (amount, self.cost_factor * amount)
        level = bisect_left(amounts, amount) - 1
        return amount, self.cost_factor * (notionals[level] + prices[level] * (amount - amounts[level]))

    def after(self, have: int) -> tuple[int, int] | None:
        """The largest allowed amount that costs at most `have`, and its return; None if there is none.

        The same as `down(affordable(have))` and `returns`, in one call.
        """
        units = have // self.cost_factor
        amounts, notionals, prices = self.amounts, self.notionals, self.prices
        if self.buys:
            level = bisect_right(notionals, units) - 1
            units = (
                amounts[-1]
                if level == len(prices)
                else amounts[level] + (units - notionals[level]) // prices[level]
            )
        amount = self.down(units)
        if amount is None or self.buys:
            return None if amount is None else (amount, self.return_factor * amount)
        level = bisect_left(amounts, amount) - 1
        return amount, self.return_factor * (notionals[level] + prices[level] * (amount - amounts[level]))

    def level(self, amount: int, way: int) -> int | None:
        """The level on which the next unit up (1) or the last one down (-1) lies; None beyond the ladder."""
        found = (bisect_right if way > 0 else bisect_left)(self.amounts, amount) - 1
        return found if 0 <= found < len(self.prices) else None

    def down(self, amount: int) -> int | None:
        """The largest allowed amount that is not above this one."""
        for low, high in reversed(self.allowed):
            if amount >= low:
                return min(amount // self.step * self.step, high)
        return None

    def up(self, amount: int) -> int | None:
        """The smallest allowed amount that is not below this one."""
        for low, high in self.allowed:
            if amount <= high:
                return max(ceil_to(amount, self.step), low)
        return None

    def unit_cost(self, level: int) -> int:
        """What a unit costs on a level."""
        return self.cost_factor * (self.prices[level] if self.buys else 1)

    def unit_return(self, level: int) -> int:
        """What a unit returns on a level."""
        return self.return_factor * (1 if self.buys else self.prices[level])

    def marginal(self, level: int) -> tuple[int, int]:
        """Got per paid on a level, as a fraction."""
        return self.unit_return(level), self.unit_cost(level)


def whole(value: Decimal, digits: int) -> int:
    """The value in units of 10^-digits, which it is known to be a whole number of."""
    return int(value.scaleb(digits, EXACT))


def floor_whole(value: Decimal, digits: int) -> int:
    """The value in whole units of 10^-digits, rounded down."""
    return int(value.scaleb(digits, EXACT).to_integral_value(ROUND_FLOOR))


def whole_up(value: Decimal, digits: int) -> int:
    """The value in whole units of 10^-digits, rounded up."""
    return -floor_whole(value.copy_negate(), digits)


def ceil_to(amount: int, step: int) -> int:
    """The smallest multiple of the step that is not below the amount."""
    return -(-amount // step) * step
