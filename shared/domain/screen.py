"""The wide screen: from all tops of book to the few books that can close a profitable loop."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate, chain, pairwise, starmap
from math import inf
from operator import mul, truediv
from typing import NamedTuple

from shared.domain.fees import FeeOverrides, taker_fee
from shared.domain.loops import MARGIN, Graph, Top, steps
from shared.domain.market import BookText, FeeAsset, Instrument, Snapshot, VenueMarket
from shared.domain.tops import Picker, best_price, best_prices, picker


class Screen(NamedTuple):
    """What the wide screen leaves: books that may close a profitable loop; all quote assets; books priced."""

    tops: dict[tuple[str, str], Top]
    quotes: tuple[str, ...]
    priced: int


Refused = Callable[[str, str, Sequence[str]], bool]
"""Whether a book, by venue and symbol, is refused whatever loop it is in; the quote assets of all books are told."""


def screen(
    snapshot: Snapshot, overrides: FeeOverrides, refused: Refused, lengths: Container[int] = (2, 3)
) -> Screen:
    """The tops of all books that may take part in a profitable loop of two or three, and some more.

    Every triangle holds at least two hubs, assets that something is quoted in, since each of its books has one.
    An asset that is no hub is base in both of its books, so with any positive values of the hubs no loop
    through it returns more than (most value per unit sold) / (least value per unit bought) x (most value
    gained between two hubs): whatever stays below one is dropped with one comparison. The hubs' own loops are few,
    and none if no step between hubs gains value. A book between two hubs that is refused anyway is left out of
    that bound, or one bad price would bring every asset under suspicion: of it, only loops with hubs and suspects
    are seen.
    """
    prices = {venue: best_prices(market.books) for venue, market in snapshot.venues.items()}
    listings = [
        _listing(venue, market, prices[venue].symbols, overrides) for venue, market in snapshot.venues.items()
    ]
    plan = _plan(listings)
    values = _HubValues(snapshot)
    worths = plan.pick_worths([values[quote] for quote in plan.quotes])
    bids = list(chain.from_iterable(each.bids for each in prices.values()))
    asks = list(chain.from_iterable(each.asks for each in prices.values()))
    bought = plan.pick(asks)
    if 0.0 in bought:
        bought = [ask or inf for ask in bought]
    costs = list(map(truediv, map(mul, bought, worths), plan.buyer_keeps))
    gains = list(map(mul, map(mul, plan.pick(bids), worths), plan.seller_keeps))
    most = hub_gain = 1 - MARGIN
    for base, span in plan.hubs:
        worth = values[base]
        for row, cost, gain in zip(plan.rows[span], costs[span], gains[span], strict=True):
            gained = max(worth / cost if cost else inf, gain / worth)
            most = max(most, gained)
            if gained > hub_gain and not refused(*plan.listed[row][:2], plan.quotes):
                hub_gain = gained
    floor = (1 - MARGIN) / max(hub_gain, 1.0)
    suspects = [span for span in plan.others if max(gains[span]) > floor * min(costs[span])]
    if suspects or most > 1 - MARGIN:
        suspects += [span for _, span in plan.hubs]
    rows = chain.from_iterable(plan.rows[span] for span in suspects)
    tops = [plan.listed[row].top(bids[row], asks[row]) for row in rows]
    return Screen(_in_loops(tops, lengths), tuple(sorted(values)), _priced(bids, asks))


class _Listed(NamedTuple):
    """A book, and what a buyer and a seller keep after its fee."""

    venue: str
    symbol: str
    base: str
    quote: str
    buyer_keeps: float
    seller_keeps: float

    def top(self, bid: float, ask: float) -> Top:
        """The book at these prices."""
        return Top(*self[:4], bid, ask, self.buyer_keeps, self.seller_keeps)


class _Listing(NamedTuple):
    """What of a venue's books stays the same from tick to tick."""

    symbols: Collection[str]
    instruments: Mapping[str, Instrument]
    overrides: FeeOverrides
    fee: tuple[Decimal | None, FeeAsset | None]
    books: list[_Listed]


class _Plan(NamedTuple):
    """The rows of all venues, counted through, that the screen looks at: next to each other by their base.

    `listed` are all books; `hubs` and `others` the bases' spans of `rows`. `pick` takes all rows from a column of
    all books, and `pick_worths` the value of each row's quote from the values of `quotes`.
    """

    listings: Sequence[_Listing]
    listed: list[_Listed]
    quotes: tuple[str, ...]
    hubs: list[tuple[str, slice]]
    others: list[slice]
    rows: list[int]
    pick: Picker
    pick_worths: Picker
    buyer_keeps: list[float]
    seller_keeps: list[float]


_listings: dict[str, _Listing] = {}
"""The last listing of each venue: a memo of a pure function, replaced when what it was made from changes."""

_plans: dict[str, _Plan] = {}
"""The last plan, likewise, under one key."""


def _listing(venue: str, market: VenueMarket, symbols: Collection[str], overrides: FeeOverrides) -> _Listing:
    known = _listings.get(venue)
    fee = (market.taker_bps, market.fee_asset)
    if (
        known is not None
        and known.instruments is market.instruments
        and known.overrides == overrides
        and known.fee == fee
    ):
        if known.symbols is symbols or known.symbols == symbols:
            return known
        before = {listed.symbol: listed for listed in known.books}
    else:
        before = {}
    listing = _listings[venue] = _Listing(
        symbols,
        market.instruments,
        overrides,
        fee,
        [before.get(symbol) or _listed(venue, symbol, market, overrides) for symbol in symbols],
    )
    return listing


def _listed(venue: str, symbol: str, market: VenueMarket, overrides: FeeOverrides) -> _Listed:
    """The book with what is kept at least: of both fee assets the better one, all if the fee is unknown."""
    base, _, quote = symbol.partition("/")
    fee = taker_fee(venue, symbol, market, overrides)
    rate = 0.0 if fee is None else float(fee.rate)
    return _Listed(venue, symbol, base, quote, 1 / (1 + rate), 1 - rate)


def _plan(listings: Sequence[_Listing]) -> _Plan:
    known = _plans.get("last")
    if (
        known is None
        or len(known.listings) != len(listings)
        or any(old is not new for old, new in zip(known.listings, listings, strict=True))
    ):
        known = _plans["last"] = _planned(listings)
    return known


def _planned(listings: Sequence[_Listing]) -> _Plan:
    """Bases that stand in one book only, and are no hub, can close no loop."""
    books = [book for listing in listings for book in listing.books]
    quotes = {quote: place for place, quote in enumerate(dict.fromkeys(book.quote for book in books))}
    rows_of: dict[str, list[int]] = {}
    for row, book in enumerate(books):
        if book.base != book.quote:
            rows_of.setdefault(book.base, []).append(row)
    rows_of = {base: rows for base, rows in rows_of.items() if len(rows) > 1 or base in quotes}
    rows = list(chain.from_iterable(rows_of.values()))
    spans = starmap(slice, pairwise([0, *accumulate(map(len, rows_of.values()))]))
    bases = list(zip(rows_of, spans, strict=True))
    return _Plan(
        tuple(listings),
        books,
        tuple(quotes),
        [(base, span) for base, span in bases if base in quotes],
        [span for base, span in bases if base not in quotes],
        rows,
        picker(rows),
        picker([quotes[books[row].quote] for row in rows]),
        [books[row].buyer_keeps for row in rows],
        [books[row].seller_keeps for row in rows],
    )


def _priced(bids: Sequence[float], asks: Sequence[float]) -> int:
    """How many books have a price."""
    if 0.0 in bids and 0.0 in asks:
        return sum(1 for bid, ask in zip(bids, asks, strict=True) if bid or ask)
    return len(bids)


def _in_loops(tops: Sequence[Top], lengths: Container[int]) -> dict[tuple[str, str], Top]:
    """Those whose pair of assets lies on a loop that may be profitable."""
    graph = Graph((edge for top in tops for edge in top.edges), lengths)
    pairs = {frozenset(step) for assets in graph.asset_loops() for step in steps(assets)}
    return {(top.venue, top.symbol): top for top in tops if frozenset((top.base, top.quote)) in pairs}


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
