"""The wide screen: from all tops of book to the few books that can close a profitable loop, and the loops.

Rates are floats here: a loop passes with a margin for their rounding, and exact arithmetic decides later.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from math import inf, isfinite, prod
from typing import NamedTuple

from shared.domain.fees import FeeOverrides, taker_fee
from shared.domain.market import BookText, FeeAsset, Instrument, Side, Snapshot, VenueMarket
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
        rank = {
            asset: (len(targets.keys() | sources), asset)
            for asset, (targets, sources) in self._neighbours().items()
        }
        for asset, (targets, sources) in self._neighbours().items():
            higher = sorted(other for other in targets.keys() | sources if rank[other] > rank[asset])
            for index, first in enumerate(higher):
                if self._profitable((asset, first)):
                    yield (asset, first)
                for second in higher[index + 1 :]:
                    if second in edges[first] or first in edges[second]:
                        for loop in ((asset, first, second), (asset, second, first)):
                            if self._profitable(loop):
                                yield loop

    def _neighbours(self) -> dict[str, tuple[dict[str, list[Edge]], set[str]]]:
        sources: dict[str, set[str]] = {asset: set() for asset in self._edges}
        for paid, targets in self._edges.items():
            for got in targets:
                sources[got].add(paid)
        return {asset: (targets, sources[asset]) for asset, targets in self._edges.items()}

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


@lru_cache(maxsize=65_536)
def split_symbol(symbol: str) -> tuple[str, str]:
    """Base and quote of BASE/QUOTE."""
    base, _, quote = symbol.partition("/")
    return base, quote


class Screen(NamedTuple):
    """What the wide screen leaves: books that may close a profitable loop; all quote assets; books priced."""

    tops: dict[tuple[str, str], Top]
    quotes: tuple[str, ...]
    priced: int


def screen(snapshot: Snapshot, overrides: FeeOverrides, lengths: Container[int] = (2, 3)) -> Screen:
    """The tops of all books that may take part in a profitable loop of two or three, and some more.

    Every triangle holds at least two hubs, assets that something is quoted in, since each of its books has one.
    An asset that is no hub is base in both of its books, so with any positive values of the hubs no loop
    through it returns more than (most of it bought per value) x (most value per unit sold) x (most value
    gained between two hubs): whatever stays below one is dropped with one multiplication. The hubs' own loops
    are few and all kept.
    """
    values = _HubValues(snapshot)
    most_bought: dict[str, float] = {}
    most_gained: dict[str, float] = {}
    priced = 0
    for venue, market in snapshot.venues.items():
        plan = _plan(venue, market, overrides)
        worth = [values[quote] for quote in plan.quotes]
        books = market.books.values()
        bids, asks = _prices([book[0] for book in books]), _prices([book[1] for book in books])
        for base, at, keeps_base, keeps_quote, bid, ask in zip(
            plan.bases, plan.quote_positions, plan.buy_factors, plan.sell_factors, bids, asks, strict=True
        ):
            if ask:
                bought = keeps_base / (ask * worth[at])
                if bought > most_bought.get(base, 0.0):
                    most_bought[base] = bought
            if bid:
                gained = bid * keeps_quote * worth[at]
                if gained > most_gained.get(base, 0.0):
                    most_gained[base] = gained
        priced += sum(map(bool, map(max, bids, asks)))
    hub_gain = 1.0
    for hub in values.keys() & (most_bought.keys() | most_gained.keys()):
        hub_gain = max(
            hub_gain, most_bought.get(hub, 0.0) * values[hub], most_gained.get(hub, 0.0) / values[hub]
        )
    suspects = [
        base
        for base in dict.fromkeys((*most_bought, *most_gained))
        if base in values or most_bought.get(base, 0.0) * most_gained.get(base, 0.0) * hub_gain > 1 - MARGIN
    ]
    tops = _tops(snapshot, overrides, suspects, values)
    return Screen(_in_loops(tops, lengths), tuple(sorted(values)), priced)


class _Plan(NamedTuple):
    """What of a venue's books stays the same from tick to tick.

    Row by row: the base, the position of its quote among `quotes`, what a buyer and a seller keep after the fee.
    """

    symbols: tuple[str, ...]
    instruments: Mapping[str, Instrument]
    overrides: FeeOverrides
    fee: tuple[Decimal | None, FeeAsset | None]
    quotes: tuple[str, ...]
    bases: list[str]
    quote_positions: list[int]
    buy_factors: list[float]
    sell_factors: list[float]


_plans: dict[str, _Plan] = {}
"""The last plan of each venue: a memo of a pure function, replaced when what it was made from changes."""


def _plan(venue: str, market: VenueMarket, overrides: FeeOverrides) -> _Plan:
    known = _plans.get(venue)
    symbols = tuple(market.books)
    fee = (market.taker_bps, market.fee_asset)
    if (
        known is None
        or known.instruments is not market.instruments
        or known.overrides != overrides
        or known.fee != fee
        or known.symbols != symbols
    ):
        known = _plans[venue] = _planned(venue, market, symbols, overrides)
    return known


def _planned(venue: str, market: VenueMarket, symbols: tuple[str, ...], overrides: FeeOverrides) -> _Plan:
    split = [split_symbol(symbol) for symbol in symbols]
    quotes = {quote: position for position, quote in enumerate(dict.fromkeys(quote for _, quote in split))}
    factors = [_factors(venue, symbol, market, overrides) for symbol in symbols]
    return _Plan(
        symbols,
        market.instruments,
        overrides,
        (market.taker_bps, market.fee_asset),
        tuple(quotes),
        [base for base, _ in split],
        [quotes[quote] for _, quote in split],
        [buyer for buyer, _ in factors],
        [seller for _, seller in factors],
    )


def _prices(sides: Sequence[Sequence[Sequence[str | None]]]) -> list[float]:
    """The best price of each side of a book, zero where there is none."""
    try:
        prices = [float(rows[0][0]) if rows else 0.0 for rows in sides]  # type: ignore[arg-type]  # a null price raises TypeError
    except (IndexError, TypeError, ValueError):
        return [best_price(rows) for rows in sides]
    if isfinite(sum(prices)) and min(prices, default=0.0) >= 0:
        return prices
    return [best_price(rows) for rows in sides]


def _tops(
    snapshot: Snapshot, overrides: FeeOverrides, bases: Iterable[str], quotes: Iterable[str]
) -> list[Top]:
    symbols = [(f"{base}/{quote}", base, quote) for base in bases for quote in quotes if base != quote]
    found = []
    for venue, market in snapshot.venues.items():
        books = market.books
        for symbol, base, quote in symbols:
            if symbol in books:
                bids, asks = books[symbol][:2]
                prices = best_price(bids), best_price(asks)
                kept = _factors(venue, symbol, market, overrides)
                found.append(Top(venue, symbol, base, quote, *prices, *kept))
    return found


def _in_loops(tops: Sequence[Top], lengths: Container[int]) -> dict[tuple[str, str], Top]:
    """Those whose pair of assets lies on a loop that may be profitable."""
    graph = Graph((edge for top in tops for edge in top.edges), lengths)
    pairs = {frozenset(step) for assets in graph.asset_loops() for step in steps(assets)}
    return {(top.venue, top.symbol): top for top in tops if frozenset((top.base, top.quote)) in pairs}


def best_price(rows: Sequence[Sequence[str | None]]) -> float:
    """The first row's price; zero where there is none, or no positive finite number."""
    try:
        price = float(rows[0][0])  # type: ignore[arg-type]  # a null price raises TypeError
    except (IndexError, TypeError, ValueError):
        return 0.0
    return price if 0 < price < inf else 0.0


def _factors(venue: str, symbol: str, market: VenueMarket, overrides: FeeOverrides) -> tuple[float, float]:
    """What a buyer and a seller keep after the fee, at least: of both fee assets the better one, free if unknown."""
    fee = taker_fee(venue, symbol, market, overrides)
    rate = 0.0 if fee is None else float(fee.rate)
    return 1 / (1 + rate), 1 - rate


class _HubValues(dict[str, float]):
    """Rough values of quote assets, filled in as they are met; any positive ones keep the screen's promise."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(USDT=1.0)
        self._books = [market.books for market in snapshot.venues.values()]

    def __missing__(self, asset: str) -> float:
        value = self._against(asset, "USDT") or self._against(asset, "BTC") * self._against("BTC", "USDT")
        self[asset] = value or 1.0
        return self[asset]

    def _against(self, asset: str, other: str) -> float:
        """Price of the asset in the other, from the first book of either orientation; zero if there is none."""
        for books in self._books:
            price = _middle(books.get(f"{asset}/{other}"))
            if price:
                return price
            price = _middle(books.get(f"{other}/{asset}"))
            if price:
                return 1 / price
        return 0.0


def _middle(book: BookText | None) -> float:
    if book is None:
        return 0.0
    bid, ask = best_price(book.bids), best_price(book.asks)
    return (bid + ask) / 2 if bid and ask else bid or ask
