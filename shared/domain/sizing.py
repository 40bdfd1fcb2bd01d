"""The amount of each leg at which a loop earns most: exact, on the venues' steps and within their limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum

from shared.domain.cascade import Cascade
from shared.domain.exact import EXACT, plain
from shared.domain.grid import GridSearch
from shared.domain.ladder import Order, floor_whole


class Unsizable(Enum):
    """Why a loop has no feasible amount."""

    NO_BUDGET = "budgets allow no amount that the depth would"
    BELOW_MINIMUM = "no amount meets the venues' minimums"
    TOO_LITTLE = "no amount could earn the least that is wanted"


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


def size(orders: Sequence[Order], least: Decimal | None = None) -> Size | Unsizable:
    """The feasible amounts with the largest profit, however small or negative; of equals the smallest start.

    With `least`, the search is spared where not even continuous amounts earn anything, or that much of it.

    Each leg spends at most what the one before returned, so for a fixed amount of one leg, the pivot, the
    least cost before it and the largest return after it follow step by step: rounding up to the grid towards
    the start and down towards the end is optimal, since every leg's cost and return grow with its amount. What
    remains is a search over the pivot's grid. Without steps the profit at a pivot amount is a concave function
    (a cascade of levels, each no better than the one before) and never below the profit with steps. So the
    search goes outward from the peak of the continuous profit and ends, exactly, where that bound no longer
    exceeds the best found. The pivot is the leg with the largest step value.
    """
    cascade = Cascade(orders)
    if cascade.feasible is None:
        free = Cascade([replace(order, budget=None) for order in orders])
        return Unsizable.BELOW_MINIMUM if free.feasible is None else Unsizable.NO_BUDGET
    peak = cascade.peak()
    if least is not None and cascade.bound(peak) <= max(floor_whole(least, cascade.digits) - 1, 0):
        return Unsizable.TOO_LITTLE
    amounts = GridSearch(cascade, cascade.feasible, peak).run()
    first, last = cascade.ladders[0], cascade.ladders[-1]
    return Size(
        tuple(
            plain(Decimal(amount).scaleb(-ladder.scale.amount, EXACT))
            for amount, ladder in zip(amounts, cascade.ladders, strict=True)
        ),
        plain(Decimal(first.cost(amounts[0])).scaleb(-cascade.digits, EXACT)),
        plain(Decimal(last.returns(amounts[-1])).scaleb(-cascade.digits, EXACT)),
    )
