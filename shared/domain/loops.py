"""Loops of two and three conversions whose product of rates may exceed one.

Rates are floats here: a loop passes with a margin for their rounding, and exact arithmetic decides later.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import pairwise
from math import inf, prod
from typing import NamedTuple

from shared.domain.market import Side
from shared.domain.opportunity import Conversion

MARGIN = 1e-9
"""How far below one a product of float rates may lie and still be looked at exactly."""

START_ASSETS = ("USDT", "USDC", "USD", "EUR", "BTC", "ETH")
_START_RANK = {asset: rank for rank, asset in enumerate(START_ASSETS)}


class Edge(NamedTuple):
    """One conversion at a rate: units received per unit paid, after the fee."""

    rate: float
    conversion: Conversion


class Top(NamedTuple):
    """Best prices of one book with its fee as two factors: what a buyer, and a seller, keeps of the price."""

    venue: str
    symbol: str
    base: str
    quote: str
    bid: float
    ask: float
    buy_factor: float
    sell_factor: float

    @property
    def edges(self) -> tuple[tuple[str, str, Edge], ...]:
        """From, to and rate of both directions, where they have a price."""
        sell = (self.base, self.quote, Side.SELL, self.bid * self.sell_factor)
        buy = (self.quote, self.base, Side.BUY, self.buy_factor / self.ask if self.ask > 0 else 0.0)
        return tuple(
            (paid, got, Edge(rate, Conversion(self.venue, self.symbol, side)))
            for paid, got, side, rate in (sell, buy)
            if 0 < rate < inf
        )


class Graph:
    """Conversions between assets, best rate first, and their loops of the wanted lengths."""

    def __init__(self, edges: Iterable[tuple[str, str, Edge]], lengths: Container[int] = (2, 3)) -> None:
        self._lengths = lengths
        self._edges: dict[str, dict[str, list[Edge]]] = {}
        for paid, got, edge in edges:
            self._edges.setdefault(paid, {}).setdefault(got, []).append(edge)
            self._edges.setdefault(got, {})
        for targets in self._edges.values():
            for parallel in targets.values():
                parallel.sort(key=lambda edge: (-edge.rate, edge.conversion))

    def between(self, paid: str, got: str) -> Sequence[Edge]:
        """Conversions of one asset into another."""
        return self._edges.get(paid, {}).get(got, ())

    def asset_loops(self) -> Iterator[tuple[str, ...]]:
        """Loops of two and three assets whose best conversions may return more than they took."""
        edges = self._edges
        neighbours = self._neighbours()
        rank = {asset: (len(others), asset) for asset, others in neighbours.items()}
        for asset, others in neighbours.items():
            higher = sorted(other for other in others if rank[other] > rank[asset])
            for index, first in enumerate(higher):
                if self._profitable((asset, first)):
                    yield (asset, first)
                for second in higher[index + 1 :]:
                    if second in edges[first] or first in edges[second]:
                        for loop in ((asset, first, second), (asset, second, first)):
                            if self._profitable(loop):
                                yield loop

    def _neighbours(self) -> dict[str, set[str]]:
        neighbours = {asset: set(targets) for asset, targets in self._edges.items()}
        for paid, targets in self._edges.items():
            for got in targets:
                neighbours[got].add(paid)
        return neighbours

    def _profitable(self, assets: Sequence[str]) -> bool:
        if len(assets) not in self._lengths:
            return False
        rate = 1.0
        for paid, got in steps(assets):
            parallel = self.between(paid, got)
            if not parallel:
                return False
            rate *= parallel[0].rate
        return rate > 1 - MARGIN

    def loops(self, assets: Sequence[str]) -> Iterator[tuple[Conversion, ...]]:
        """Every choice of books along these assets that may return more than it took, no book twice."""
        choices = [self.between(paid, got) for paid, got in steps(assets)]
        yield from _choose(choices, 1.0, ())

    def best_through(self, edges: Iterable[tuple[str, str, Edge]]) -> tuple[Conversion, ...]:
        """The best loop that starts with one of these conversions; empty where nothing leads back."""
        best: tuple[float, tuple[Conversion, ...]] = (0.0, ())
        for paid, got, edge in edges:
            ways = [(got, paid), *((got, asset, paid) for asset in self._edges.get(got, {}) if asset != paid)]
            for way in ways:
                rest = [self._best_other(*step, edge.conversion) for step in pairwise(way)]
                if len(way) in self._lengths and all(rest):
                    loop = [edge, *(other for other in rest if other)]
                    rate = prod(other.rate for other in loop)
                    if rate > best[0]:
                        best = rate, tuple(other.conversion for other in loop)
        return best[1]

    def _best_other(self, paid: str, got: str, taken: Conversion) -> Edge | None:
        return next((edge for edge in self.between(paid, got) if _other(edge, taken)), None)


def _other(edge: Edge, taken: Conversion) -> bool:
    return edge.conversion[:2] != taken[:2]


def _choose(
    choices: Sequence[Sequence[Edge]], rate: float, chosen: tuple[Conversion, ...]
) -> Iterator[tuple[Conversion, ...]]:
    if not choices:
        yield chosen
        return
    ahead = 1.0
    for later in choices[1:]:
        ahead *= later[0].rate
    for edge in choices[0]:
        if rate * edge.rate * ahead <= 1 - MARGIN:
            break
        if all(_other(edge, taken) for taken in chosen):
            yield from _choose(choices[1:], rate * edge.rate, (*chosen, edge.conversion))


def steps(assets: Sequence[str]) -> list[tuple[str, str]]:
    """What each conversion of a loop pays and gets."""
    return list(zip(assets, (*assets[1:], assets[0]), strict=True))


def start_position(assets: Sequence[str]) -> int:
    """Where a loop is written from: the first of START_ASSETS in it, else the alphabetically first."""
    return min(range(len(assets)), key=lambda i: (_START_RANK.get(assets[i], len(START_ASSETS)), assets[i]))
