"""The amount of each leg at which a loop earns most, exactly, on the venues' steps and within their limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from shared.domain.exact import EXACT, plain
from shared.domain.ladder import FINEST_DIGITS, Ladder, Order, paid_digits, received_digits, scale_of

MOST_SEARCHED = 50_000
"""Pivot amounts tried before a search is cut short; only a flat optimum with tiny steps comes near it."""


class Unsizable(Enum):
    """Why a loop has no feasible amount."""

    NO_BUDGET = "budgets allow no amount that the depth would"
    BELOW_MINIMUM = "no amount meets the venues' minimums"


@dataclass(frozen=True, slots=True)
class Size:
    """Base amount of each leg, what the first pays and what the last gets, in the start asset."""

    amounts: tuple[Decimal, ...]
    start: Decimal
    end: Decimal

    @property
    def profit(self) -> Decimal:
        """What comes back beyond what went in."""
        return EXACT.subtract(self.end, self.start)


def size(orders: Sequence[Order]) -> Size | Unsizable:
    """The feasible amounts with the largest profit, however small or negative; of equals the smallest start.

    Each leg spends at most what the one before returned, so for a fixed amount of one leg, the pivot, the least
    cost before it and the largest return after it follow step by step: rounding up to the grid towards the
    start and down towards the end is optimal, since every leg's cost and return grow with its amount. What
    remains is a search over one leg's grid. Without steps the profit at a pivot amount is a concave function (a
    cascade of levels, each no better than the one before) and never below the profit with steps. So the search
    goes outward from the peak of the continuous profit and ends, exactly, where that bound no longer exceeds the
    best found. The pivot is the leg with the largest step value: the others' rounding costs less than its step.
    """
    loop = _Loop(orders)
    if loop.bounds is None:
        free = _Loop([_without_budget(order) for order in orders])
        return Unsizable.BELOW_MINIMUM if free.bounds is None else Unsizable.NO_BUDGET
    return loop.best()


def _without_budget(order: Order) -> Order:
    return Order(
        order.side,
        order.levels,
        order.fee,
        order.amount_step,
        order.min_amount,
        order.max_amount,
        order.min_notional,
    )


class _Loop:
    """The ladders of a loop in common scales: what leg k pays is counted as leg k - 1 counts what it gets."""

    def __init__(self, orders: Sequence[Order]) -> None:
        scales = [scale_of(order) for order in orders]
        shared = [
            max(paid_digits(order, scale), received_digits(orders[k - 1], scales[k - 1]))
            for k, (order, scale) in enumerate(zip(orders, scales, strict=True))
        ]
        self.digits = shared[0]
        self.ladders = [
            Ladder(order, scale, shared[k], shared[(k + 1) % len(orders)])
            for k, (order, scale) in enumerate(zip(orders, scales, strict=True))
        ]
        self.stepped = any(order.amount_step for order in orders)
        self.pivot = self._coarsest()
        self.bounds = self._feasible_range()

    def _coarsest(self) -> int:
        """The leg whose step is worth most, by the rates at the top of book."""
        if any(ladder.empty for ladder in self.ladders):
            return 0
        values, rate = [], 1.0
        for ladder in self.ladders:
            values.append(
                ladder.cost(min(ladder.step, ladder.amounts[-1]))
                * max(1.0, ladder.step / ladder.amounts[-1])
                / rate
            )
            got, paid = ladder.marginal(0)
            rate *= got / paid
        return max(range(len(values)), key=values.__getitem__)

    def _feasible_range(self) -> tuple[int, int] | None:
        """Smallest and largest pivot amounts for which every leg has an allowed amount; None without any.

        Dust costs nothing, so what a later leg's minimum needs can be brought by any larger amount, and what the
        earlier legs can bring at most serves any smaller one.
        """
        high: int | None = None
        paid: int | None = None
        for ladder in self.ladders[: self.pivot + 1]:
            high = ladder.down(ladder.amounts[-1] if paid is None else ladder.affordable(paid))
            if high is None:
                return None
            paid = ladder.returns(high)
        got = 0
        for ladder in reversed(self.ladders[self.pivot :]):
            needed = ladder.needed(got)
            low = None if needed is None else ladder.up(needed)
            if low is None:
                return None
            got = ladder.cost(low)
        return (low, high) if low is not None and high is not None and low <= high else None

    def chain(self, amount: int) -> list[int] | None:
        """All legs' amounts for a pivot amount: least cost before it, largest return after it."""
        amounts = [amount]
        need = self.ladders[self.pivot].cost(amount)
        for ladder in reversed(self.ladders[: self.pivot]):
            before = ladder.needed(need)
            before = None if before is None else ladder.up(before)
            if before is None:
                return None
            amounts.insert(0, before)
            need = ladder.cost(before)
        have = self.ladders[self.pivot].returns(amount)
        for ladder in self.ladders[self.pivot + 1 :]:
            after = ladder.down(ladder.affordable(have))
            if after is None:
                return None
            amounts.append(after)
            have = ladder.returns(after)
        return amounts

    def bound(self, amount: int) -> int:
        """Profit at a pivot amount without steps and minimums; what the ladders cannot bring is worth nothing."""
        need = self.ladders[self.pivot].cost(amount)
        for ladder in reversed(self.ladders[: self.pivot]):
            before = ladder.needed(need)
            need = ladder.cost(ladder.amounts[-1] if before is None else before)
        have = self.ladders[self.pivot].returns(amount)
        for ladder in self.ladders[self.pivot + 1 :]:
            have = ladder.returns(ladder.affordable(have))
        return have - need

    def peak(self) -> int:
        """The pivot amount at which the continuous profit is largest, the smallest of equals.

        Levels are taken together while the product of their marginal rates exceeds one; the level that ends
        first ends a stretch, so the peak lies exactly at the end of one.
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
            capacity, rate = [], 1.0
            per_unit = []
            for at, rest, ladder, (got, paid) in zip(level, left, ladders, rates, strict=True):
                cost = float(ladder.cost_factor * (ladder.prices[at] if ladder.buys else 1)) / rate
                per_unit.append(cost)
                capacity.append(rest * cost)
                rate *= got / paid
            flow = min(capacity)
            for k, ladder in enumerate(ladders):
                left[k] -= flow / per_unit[k]
                if capacity[k] <= flow * (1 + 1e-12):
                    level[k] += 1
                    last = k, ladder.amounts[level[k]]
                    if level[k] < len(ladder.prices):
                        left[k] = float(ladder.amounts[level[k] + 1] - ladder.amounts[level[k]])
        return 0 if last is None else self._at_pivot(*last)

    def _at_pivot(self, leg: int, amount: int) -> int:
        """The pivot amount that goes with an amount of another leg, without steps."""
        if leg <= self.pivot:
            for ladder, later in zip(
                self.ladders[leg : self.pivot], self.ladders[leg + 1 : self.pivot + 1], strict=True
            ):
                amount = later.affordable(ladder.returns(amount))
            return amount
        for ladder, earlier in zip(
            reversed(self.ladders[self.pivot + 1 : leg + 1]),
            reversed(self.ladders[self.pivot : leg]),
            strict=True,
        ):
            needed = earlier.needed(ladder.cost(amount))
            amount = earlier.amounts[-1] if needed is None else needed
        return amount

    def best(self) -> Size:
        """The best feasible size; only called where there is one."""
        search = _Search(self)
        return self._size(search.run())

    def _size(self, amounts: Sequence[int]) -> Size:
        first, last = self.ladders[0], self.ladders[-1]
        return Size(
            tuple(
                plain(Decimal(amount).scaleb(-ladder.scale.amount, EXACT))
                for amount, ladder in zip(amounts, self.ladders, strict=True)
            ),
            plain(Decimal(first.cost(amounts[0])).scaleb(-self.digits, EXACT)),
            plain(Decimal(last.returns(amounts[-1])).scaleb(-self.digits, EXACT)),
        )


class _Search:
    """Outward from the peak until the continuous profit cannot exceed the best found."""

    def __init__(self, loop: _Loop) -> None:
        self._loop = loop
        self._pivot = loop.ladders[loop.pivot]
        assert loop.bounds is not None  # noqa: S101 - best() is called on feasible loops only
        self._low, self._high = loop.bounds
        self._best: tuple[int, int] | None = None
        self._amounts: list[int] = []

    def run(self) -> list[int]:
        """The amounts of all legs."""
        peak = self._loop.peak()
        for amount in self._landmarks(peak):
            self._try(amount)
        if self._loop.stepped:
            self._walk(self._pivot.down(min(peak, self._high)), -self._pivot.step)
            self._walk(self._pivot.up(max(peak, self._low)), self._pivot.step)
        return self._amounts

    def _landmarks(self, peak: int) -> Iterator[int]:
        """Pivot amounts around the peak, and those at which some leg enters or leaves its allowed ranges."""
        marks = [peak, self._low, self._high]
        for leg, ladder in enumerate(self._loop.ladders):
            if len(ladder.allowed) > 1 or ladder.allowed[0][0] > ladder.step:
                marks += [self._loop._at_pivot(leg, end) for ends in ladder.allowed for end in ends]
        for mark in sorted(set(marks)):
            for amount in {self._pivot.down(mark), self._pivot.up(mark)}:
                if amount is not None and self._low <= amount <= self._high:
                    yield amount

    def _walk(self, amount: int | None, step: int) -> None:
        for _ in range(MOST_SEARCHED):
            if amount is None or not self._low <= amount <= self._high:
                return
            if self._best and self._loop.bound(amount) < self._best[0] + (1 if step > 0 else 0):
                return
            self._try(amount)
            amount = self._pivot.up(amount + step) if step > 0 else self._pivot.down(amount + step)

    def _try(self, amount: int) -> None:
        amounts = self._loop.chain(amount)
        if amounts is None:
            return
        start = self._loop.ladders[0].cost(amounts[0])
        found = self._loop.ladders[-1].returns(amounts[-1]) - start, -start
        if self._best is None or found > self._best:
            self._best, self._amounts = found, amounts
