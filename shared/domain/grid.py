"""The search over the pivot's grid: outward from the peak, leaping over amounts whose rounding costs too much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shared.domain.cascade import Cascade
from shared.domain.ladder import ceil_to

MOST_TRIED = 20_000
"""Amounts tried each way before a search is cut short; no market comes near it, a contrived one may."""
_BLUR = 100_000
"""Parts of a neighbour's step below which dust is not told from rounding."""


class GridSearch:
    """The best amounts of a feasible cascade, `peak` its continuous optimum; of equals the smallest start.

    Between two ends of levels everything is linear in the pivot amount. What a neighbour of the pivot cannot
    use of it, for its own step, is lost: an amount can only beat the best found if that dust is worth less than
    the bound exceeds it. Dust runs through residues of a fixed modulus, so the next amount with little enough of
    it is found in logarithmic time.
    """

    def __init__(self, cascade: Cascade, feasible: tuple[int, int], peak: int) -> None:
        self._cascade = cascade
        self._pivot = cascade.ladders[cascade.pivot]
        self._low, self._high = feasible
        self._peak = peak
        self._best: tuple[int, int] | None = None
        self._amounts: tuple[int, ...] = ()

    def run(self) -> tuple[int, ...]:
        """The amounts of all legs."""
        peak = self._peak
        for amount in self._landmarks(peak):
            self._try(amount)
        if self._cascade.stepped:
            self._walk(self._pivot.down(min(peak, self._high)), -1)
            self._walk(self._pivot.up(max(peak, self._low)), 1)
        return self._amounts

    def _landmarks(self, peak: int) -> Iterator[int]:
        """Amounts around the peak, and where some leg enters or leaves its allowed ranges."""
        marks = {peak, self._low, self._high}
        for leg, ladder in enumerate(self._cascade.ladders):
            if len(ladder.allowed) > 1 or ladder.allowed[0][0] > ladder.step:
                marks |= {self._cascade.at_pivot(leg, end) for ends in ladder.allowed for end in ends}
        for mark in sorted(marks):
            for amount in {self._pivot.down(mark), self._pivot.up(mark)} - {None}:
                if amount is not None and self._low <= amount <= self._high:
                    yield amount

    def _try(self, amount: int) -> None:
        trade = self._cascade.trade(amount)
        if trade is None:
            return
        profit, start, amounts = trade
        if self._best is None or (profit, -start) > self._best:
            self._best, self._amounts = (profit, -start), amounts

    def _walk(self, amount: int | None, way: int) -> None:
        """Try what may be better, from here up (1) or down (-1), until the bound says that nothing is."""
        pivot = self._pivot
        stretch: Stretch | None = None
        for _ in range(MOST_TRIED):
            if amount is None or not self._low <= amount <= self._high:
                return
            if stretch is None or not stretch.covers(amount):
                stretch = Stretch.at(self._cascade, amount, way)
            ahead = 0
            if self._best:
                slack = (stretch.bound(amount) if stretch else self._cascade.bound(amount)) - self._best[0]
                if slack < 0 or (slack == 0 and way > 0):
                    return
                ahead = stretch.leap(amount, slack) if stretch else 0
            if not ahead:
                self._try(amount)
            amount += way * pivot.step * (ahead or 1)
            amount = pivot.up(amount) if way > 0 else pivot.down(amount)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Pivot amounts from `start` to before `end` over which no leg changes its level.

    `bounds` are the continuous profits at both ends, linear between. The dust that a neighbour leaves is
    `(dust + steps * growth) mod modulus`, counted from `start`, and a unit of it is worth `worth[0] / worth[1]` of
    profit; less than `blur` of dust is within rounding.
    """

    start: int
    end: int
    step: int
    bounds: tuple[int, int]
    dust: int
    growth: int
    modulus: int
    worth: tuple[int, int]
    blur: int

    def covers(self, amount: int) -> bool:
        """Whether the amount lies on this stretch."""
        return min(self.start, self.end) <= amount <= max(self.start, self.end) and amount != self.end

    def bound(self, amount: int) -> int:
        """The continuous profit at an amount of the stretch, rounded up."""
        first, last = self.bounds
        return first - (first - last) * (amount - self.start) // (self.end - self.start)

    def leap(self, amount: int, slack: int) -> int:
        """Steps to the next amount whose dust is worth at most `slack`; to the stretch's end if there is none."""
        enough = slack * self.worth[1] // self.worth[0] + self.blur
        if enough >= self.modulus:
            return 0
        here = (self.dust + (amount - self.start) // self.step * self.growth) % self.modulus
        left = (self.end - amount) // self.step
        if here <= enough:
            return 0
        ahead = first_within(self.growth, self.modulus, self.modulus - here, self.modulus - here + enough)
        return left if ahead is None else min(ahead, left)

    @staticmethod
    def at(cascade: Cascade, amount: int, way: int) -> Stretch | None:
        """The stretch that begins here; None where a ladder or the neighbour's first grid amount on it ends."""
        amounts = cascade.continuous(amount)
        levels = [ladder.level(each, way) for ladder, each in zip(cascade.ladders, amounts, strict=True)]
        if None in levels:
            return None
        rungs = [level for level in levels if level is not None]
        neighbours = [
            found
            for leg in (cascade.pivot - 1, cascade.pivot + 1)
            if 0 <= leg < len(rungs) and (found := _neighbour(cascade, leg, rungs, amounts[leg]))
        ]
        if not neighbours:
            return None
        chosen = max(neighbours, key=lambda neighbour: neighbour.step_value)
        pivot = cascade.ladders[cascade.pivot]
        ends = [
            cascade.at_pivot(
                leg, chosen.ends[way > 0] if leg == chosen.leg else ladder.amounts[rung + (way > 0)]
            )
            for leg, (ladder, rung) in enumerate(zip(cascade.ladders, rungs, strict=True))
        ]
        end = min(ends) if way > 0 else max(ends)
        if end == amount:
            return None
        rung = rungs[cascade.pivot]
        after = chosen.leg > cascade.pivot
        growth = pivot.unit_return(rung) if after else -pivot.unit_cost(rung)
        passing = pivot.returns(amount) if after else -pivot.cost(amount)
        return Stretch(
            amount,
            end,
            way * pivot.step,
            (cascade.profit(amounts), cascade.bound(end)),
            (passing - chosen.origin) % chosen.modulus,
            growth * way * pivot.step % chosen.modulus,
            chosen.modulus,
            chosen.worth,
            chosen.modulus // _BLUR + 1,
        )


class _Neighbour(NamedTuple):
    """A leg beside the pivot on one level.

    `modulus` is what one of its steps costs (after the pivot) or returns (before it), `origin` what its first
    (its last) grid amount on the level does, `ends` the level's amounts with a grid amount between.
    """

    leg: int
    modulus: int
    origin: int
    worth: tuple[int, int]
    ends: tuple[int, int]
    step_value: float


def _neighbour(cascade: Cascade, leg: int, rungs: Sequence[int], amount: int) -> _Neighbour | None:
    ladder, rung = cascade.ladders[leg], rungs[leg]
    bottom, top = ladder.amounts[rung], ladder.amounts[rung + 1]
    after = leg > cascade.pivot
    if after:
        bottom = ceil_to(bottom, ladder.step)
        modulus = ladder.unit_cost(rung) * ladder.step
        path = range(leg, len(rungs))
    else:
        top = top // ladder.step * ladder.step
        modulus = ladder.unit_return(rung) * ladder.step
        path = range(leg + 1)
    if not bottom <= amount <= top:
        return None
    worth = [1, 1]
    for place in path:
        worth[not after] *= cascade.ladders[place].unit_return(rungs[place])
        worth[after] *= cascade.ladders[place].unit_cost(rungs[place])
    return _Neighbour(
        leg,
        modulus,
        ladder.cost(bottom) if after else -ladder.returns(top),
        (worth[0], worth[1]),
        (bottom, top),
        modulus * worth[0] / worth[1],
    )


def first_within(step: int, modulus: int, low: int, high: int) -> int | None:
    """The least n >= 0 with low <= n * step mod modulus <= high, for 0 <= low <= high < modulus; None if none.

    Like Euclid's algorithm: as many whole steps as fit in a lap, and the laps form the same problem modulo step.
    """
    if low == 0:
        return 0
    step %= modulus
    if step == 0:
        return None
    if 2 * step > modulus:
        step, low, high = modulus - step, modulus - high, modulus - low
    count = -(-low // step)
    if count * step <= high:
        return count
    laps = first_within(modulus, step, -high % step, -low % step)
    return None if laps is None else -(-(low + laps * modulus) // step)
