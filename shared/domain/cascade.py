"""A loop's ladders linked: what one amount of a leg makes of the others, and where the continuous profit peaks."""

from __future__ import annotations

from collections.abc import Sequence

from shared.domain.ladder import Ladder, Order, paid_digits, received_digits, scale_of

_CLOSE = 1 + 1e-12
"""Levels that end within rounding of each other end together."""


class Cascade:
    """The ladders of a loop in common scales: what leg k pays is counted as leg k - 1 counts what it gets.

    `pivot` is the leg with the largest step value. `feasible` are the smallest and the largest pivot amount for
    which every leg has an allowed amount, None if there is none.
    """

    def __init__(self, orders: Sequence[Order]) -> None:
        scales = [scale_of(order) for order in orders]
        shared = [
            max(paid_digits(order, scale), received_digits(orders[leg - 1], scales[leg - 1]))
            for leg, (order, scale) in enumerate(zip(orders, scales, strict=True))
        ]
        self.digits = shared[0]
        self.ladders = [
            Ladder(order, scale, shared[leg], shared[(leg + 1) % len(orders)])
            for leg, (order, scale) in enumerate(zip(orders, scales, strict=True))
        ]
        self.stepped = any(order.amount_step for order in orders)
        self.pivot = 0 if any(ladder.empty for ladder in self.ladders) else self._coarsest()
        self.ladders_before = self.ladders[: self.pivot][::-1]
        self.ladders_after = self.ladders[self.pivot + 1 :]
        self.feasible = self._feasible()

    def _coarsest(self) -> int:
        values, rate = [], 1.0
        for ladder in self.ladders:
            got, paid = ladder.marginal(0)
            values.append(ladder.step * ladder.unit_cost(0) / rate)
            rate *= got / paid
        return max(range(len(values)), key=values.__getitem__)

    def _feasible(self) -> tuple[int, int] | None:
        """Dust costs nothing: a larger amount of an earlier leg serves a minimum, a smaller one any maximum."""
        paid: int | None = None
        high: int | None = None
        for ladder in self.ladders[: self.pivot + 1]:
            high = ladder.down(ladder.amounts[-1] if paid is None else ladder.affordable(paid))
            if high is None:
                return None
            paid = ladder.returns(high)
        need = 0
        low: int | None = None
        for ladder in reversed(self.ladders[self.pivot :]):
            amount = ladder.needed(need)
            low = None if amount is None else ladder.up(amount)
            if low is None:
                return None
            need = ladder.cost(low)
        return (low, high) if low is not None and high is not None and low <= high else None

    def trade(self, amount: int) -> tuple[int, int, tuple[int, ...]] | None:
        """Profit, start and all legs' amounts for a pivot amount: least cost before it, largest return after."""
        pivot = self.ladders[self.pivot]
        need, have = pivot.cost(amount), pivot.returns(amount)
        amounts: tuple[int, ...] = (amount,)
        for ladder in self.ladders_before:
            before = ladder.before(need)
            if before is None:
                return None
            amounts, need = (before[0], *amounts), before[1]
        for ladder in self.ladders_after:
            after = ladder.after(have)
            if after is None:
                return None
            amounts, have = (*amounts, after[0]), after[1]
        return have - need, need, amounts

    def continuous(self, amount: int) -> list[int]:
        """All legs' amounts for a pivot amount without steps and minimums, each within its ladder."""
        amounts = [amount]
        need = self.ladders[self.pivot].cost(amount)
        for ladder in self.ladders_before:
            least = ladder.needed(need)
            amounts.insert(0, ladder.amounts[-1] if least is None else least)
            need = ladder.cost(amounts[0])
        have = self.ladders[self.pivot].returns(amount)
        for ladder in self.ladders_after:
            amounts.append(ladder.affordable(have))
            have = ladder.returns(amounts[-1])
        return amounts

    def profit(self, amounts: Sequence[int]) -> int:
        """What the last leg gets beyond what the first pays."""
        return self.ladders[-1].returns(amounts[-1]) - self.ladders[0].cost(amounts[0])

    def bound(self, amount: int) -> int:
        """The continuous profit at a pivot amount: no grid allows more."""
        return self.profit(self.continuous(amount))

    def at_pivot(self, leg: int, amount: int) -> int:
        """The pivot amount that goes with an amount of another leg, without steps."""
        for ladder, later in zip(
            self.ladders[leg : self.pivot], self.ladders[leg + 1 : self.pivot + 1], strict=False
        ):
            amount = later.affordable(ladder.returns(amount))
        for place in range(leg, self.pivot, -1):
            needed = self.ladders[place - 1].needed(self.ladders[place].cost(amount))
            amount = self.ladders[place - 1].amounts[-1] if needed is None else needed
        return amount

    def peak(self) -> int:
        """The pivot amount at which the continuous profit is largest, the smallest of equals.

        Levels are taken together while the product of their marginal rates exceeds one. The level that ends
        first ends a stretch, so the peak lies at the end of one, exactly; only the choice among the legs of the
        one that ends first is made with floats.
        """
        ladders = self.ladders
        level = [0] * len(ladders)
        left = [float(ladder.amounts[1]) for ladder in ladders]
        last: tuple[int, int] | None = None
        while all(at < len(ladder.prices) for at, ladder in zip(level, ladders, strict=True)):
            rates = [ladder.marginal(at) for at, ladder in zip(level, ladders, strict=True)]
            numerator, denominator = 1, 1
            for got, paid in rates:
                numerator *= got
                denominator *= paid
            if numerator <= denominator:
                break
            reached = 1.0
            costs = []
            for at, ladder, (got, paid) in zip(level, ladders, rates, strict=True):
                costs.append(ladder.unit_cost(at) / reached)
                reached *= got / paid
            flows = [rest * cost for rest, cost in zip(left, costs, strict=True)]
            flow = min(flows)
            for leg, ladder in enumerate(ladders):
                left[leg] -= flow / costs[leg]
                if flows[leg] <= flow * _CLOSE:
                    level[leg] += 1
                    last = leg, ladder.amounts[level[leg]]
                    if level[leg] < len(ladder.prices):
                        left[leg] = float(ladder.amounts[level[leg] + 1] - ladder.amounts[level[leg]])
        return 0 if last is None else self.at_pivot(*last)
