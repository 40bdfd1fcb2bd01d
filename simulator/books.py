"""Order books in whole ticks and steps: an honest ladder, and one with a dislocated side."""

from dataclasses import dataclass
from typing import NamedTuple

from simulator.noise import mix

MAX_LEVELS = 200
"""Levels a side that a simulated book holds."""
_U16 = 65536.0


class Top(NamedTuple):
    """Best prices in ticks and their amounts in steps; zero where a side is empty."""

    bid: int
    bid_amount: int
    ask: int
    ask_amount: int


@dataclass(frozen=True, slots=True)
class Book:
    """Levels best first as (ticks, steps); `changed_ms` is when it last changed."""

    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]
    changed_ms: int
    update_id: int


@dataclass(frozen=True, slots=True)
class Dislocation:
    """Orders of a known size at a known price, in front of the honest levels of one side.

    The other side has moved out of their way, so the book never crosses itself.
    """

    side: str
    price: int
    gap: int
    amounts: tuple[int, ...]

    def levels(self) -> list[tuple[int, int]]:
        """The orders, best first; each is one gap worse than the one before."""
        away = self.gap if self.side == "ask" else -self.gap
        return [(self.price + away * n, amount) for n, amount in enumerate(self.amounts)]


def dislocated_top(honest: Top, by: Dislocation) -> Top:
    """The top of a book of which one side is dislocated; the spread stays what it was."""
    spread = honest.ask - honest.bid
    if by.side == "ask":
        return Top(min(honest.bid, by.price - spread), honest.bid_amount, by.price, by.amounts[0])
    return Top(by.price, by.amounts[0], max(honest.ask, by.price + spread), honest.ask_amount)


def ladder(
    key: int, moment: int, away: int, best: tuple[int, int], *, gap: float, amount: float, levels: int
) -> list[tuple[int, int]]:
    """Levels outward from the best one.

    Args:
        key: what tells this side of this instrument from all others.
        moment: a number that changes when the amounts shall change.
        away: +1 for asks, -1 for bids.
        best: price in ticks and amount in steps of the first level.
        gap: mean distance between levels, in ticks.
        amount: mean amount near the top, in steps; it grows with the distance.
        levels: how many, at most.
    """
    price, found = best[0], [best]
    for n in range(1, levels):
        bits = mix(key, moment, n)
        price += away * (1 + int(2.0 * gap * ((bits & 0xFFFF) / _U16)))
        if price <= 0:
            break
        growth = 1.0 + 0.15 * min(n, 30)
        found.append((price, max(1, int(amount * growth * (0.3 + 1.4 * ((bits >> 16 & 0xFFFF) / _U16))))))
    return found


def behind(front: list[tuple[int, int]], honest: list[tuple[int, int]], away: int) -> list[tuple[int, int]]:
    """The dislocated orders, then every honest level that is worse than the last of them."""
    last = front[-1][0]
    return front + [level for level in honest if (level[0] - last) * away > 0]
