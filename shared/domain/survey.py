"""From a snapshot to its profitable loops: screened, gated, each passed on or refused with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from shared.domain.exact import BPS, EXACT, ONE, RATIO, ZERO, bps_above_one, ratio, text
from shared.domain.gates import PRECEDENCE, Books, GatedBook, Refusal, seconds
from shared.domain.identity import conflict, near_enough, odd_books
from shared.domain.loops import Edge, Graph, start_position
from shared.domain.market import Side, Snapshot
from shared.domain.opportunity import Candidate, Conversion, Reason, Rejection
from shared.domain.policy import DetectionPolicy
from shared.domain.screen import screen
from shared.domain.tops import side_prices
from shared.domain.transfer import transfer_refusal
from shared.domain.values import Values

LENGTHS = {"two_leg": 2, "three_leg": 3}
KINDS = {length: kind for kind, length in LENGTHS.items()}


@dataclass(frozen=True, slots=True)
class Loop:
    """A profitable loop with the books of its legs; `net_bps` is the edge at the top of book."""

    candidate: Candidate
    books: tuple[GatedBook, ...]
    net_bps: Decimal
    too_good: bool
    marks: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """`two_leg` or `three_leg`."""
        return KINDS[len(self.books)]

    @property
    def crossings(self) -> Iterator[tuple[str, GatedBook, GatedBook]]:
        """Each asset that comes in on one venue and is paid on another: asset, book it came by, book it pays."""
        for position, asset in enumerate(self.candidate.assets):
            came, pays = self.books[position - 1], self.books[position]
            if came.venue != pays.venue:
                yield asset, came, pays

    @property
    def times_ms(self) -> tuple[int, ...]:
        """When the books were true, as far as each is known."""
        return tuple(book.time_ms for book in self.books if book.time_ms is not None)

    @property
    def skew_ms(self) -> int:
        """How far the books are apart in time."""
        return max(self.times_ms, default=0) - min(self.times_ms, default=0)

    def rejection(self, refusal: Refusal, net_bps: Decimal | None = None) -> Rejection:
        """This loop refused, at its edge at the top of book unless a better one is known."""
        edge = self.net_bps if net_bps is None else net_bps
        return Rejection(refusal.reason, self.candidate.path, edge, refusal.detail)


@dataclass(frozen=True, slots=True)
class Survey:
    """The loops that pass every gate before sizing, best edge first, and the refusals."""

    loops: tuple[Loop, ...]
    rejections: tuple[Rejection, ...]
    books: Books
    values: Values
    priced: int
    profitable: int


def survey(
    snapshot: Snapshot, policy: DetectionPolicy, frozen: Mapping[tuple[str, str], int] | None = None
) -> Survey:
    """Screen all loops of a snapshot and pass each profitable one through the gates, in order of precedence.

    Books are gated before loops are formed, so that no trap hides the second-best venue. Among books that pass,
    every profitable loop is formed; each refused book shows only its best loop: with books that pass if one is
    profitable, else with any.
    """
    return _Surveyor(snapshot, policy, frozen or {}).run()


class _Way(NamedTuple):
    """An asset's way from one venue to another: what shows that it is another asset there, why it cannot travel."""

    conflict: str | None
    refusal: Refusal | None


class _Surveyor:
    def __init__(
        self, snapshot: Snapshot, policy: DetectionPolicy, frozen: Mapping[tuple[str, str], int]
    ) -> None:
        self._policy = policy
        self._snapshot = snapshot
        self._books = Books(snapshot, policy, frozen)
        self._values = Values(self._books)
        self._lengths = frozenset(LENGTHS[kind] for kind in policy.kinds)
        self._odd: dict[tuple[str, str], str] = {}
        self._compared: set[str] = set()
        self._ways: dict[tuple[str, str, str], _Way] = {}

    def run(self) -> Survey:
        screened = screen(self._snapshot, self._policy.fees, self._refuses, self._lengths)
        gated = [self._books[key] for key in screened.tops]
        self._find_odd({book.base for book in gated}, screened.quotes)
        found = {loop.candidate.conversions: loop for loop in self._profitable(gated)}
        loops: list[Loop] = []
        rejections: list[Rejection] = []
        for loop in found.values():
            refusal, marks = self._judge(loop)
            if refusal:
                rejections.append(loop.rejection(refusal))
            else:
                loops.append(replace(loop, marks=marks))
        loops.sort(key=lambda loop: (-loop.candidate.net_rate, loop.candidate.path))
        return Survey(tuple(loops), tuple(rejections), self._books, self._values, screened.priced, len(found))

    def _refuses(self, venue: str, symbol: str, quotes: Sequence[str]) -> bool:
        book = self._books[venue, symbol]
        if book.refusal is None:
            self._find_odd({book.base}, quotes)
        return book.refusal is not None or self._is_odd(book)

    def _find_odd(self, bases: Iterable[str], quotes: Sequence[str]) -> None:
        """Books whose price says that their base is another asset, among all books of these bases.

        Where all their tops are near each other, none of them needs to be gated for it.
        """
        for base in sorted(set(bases) - self._compared):
            self._compared.add(base)
            named = [
                (venue, symbol)
                for venue, market in self._snapshot.venues.items()
                for quote in quotes
                if (symbol := f"{base}/{quote}") in market.books
            ]
            worths = [worth for key in named for worth in self._worths(*key)]
            if not near_enough(worths, self._policy.max_identity_log):
                books = [self._books[key] for key in named]
                self._odd.update(odd_books(base, books, self._values, self._policy.max_identity_log))

    def _worths(self, venue: str, symbol: str) -> Iterator[float]:
        """What the sides of a book say that its base is worth; zero where they do not tell."""
        market = self._snapshot.venues[venue]
        instrument = market.instruments.get(symbol)
        quote = symbol.partition("/")[2] if instrument is None else instrument.quote
        value = float(self._values.of(quote) or 0)
        return (price * value for price in side_prices(market.books[symbol]))

    def _profitable(self, gated: Sequence[GatedBook]) -> Iterator[Loop]:
        """All loops of books that pass, then the best loop of each refused book.

        A base that is odd at a venue is an asset of its own there: loops within the venue may use it.
        """
        passed = [book for book in gated if book.refusal is None]
        refused = [book for book in gated if book.refusal or self._is_odd(book)]
        apart = self._graph(passed, self._base_apart)
        for assets in apart.asset_loops():
            for conversions in apart.loops(assets):
                yield from self._priced(conversions)
        if not refused:
            return
        plain = [book for book in passed if not self._is_odd(book)]
        graphs = [self._graph(books, lambda book: book.base) for books in (plain, gated)]
        for book in refused:
            for graph in graphs:
                loop = next(self._priced(graph.best_through(_edges(book, book.base))), None)
                if loop:
                    yield loop
                    break

    def _is_odd(self, book: GatedBook) -> bool:
        return (book.venue, book.symbol) in self._odd

    def _base_apart(self, book: GatedBook) -> str:
        return f"{book.base}@{book.venue}" if self._is_odd(book) else book.base

    def _graph(self, books: Iterable[GatedBook], base: Callable[[GatedBook], str]) -> Graph:
        return Graph((edge for book in books for edge in _edges(book, base(book))), self._lengths)

    def _priced(self, conversions: Sequence[Conversion]) -> Iterator[Loop]:
        """The loop from its start asset, if its exact rate is above one."""
        if not conversions:
            return
        books = [self._books[conversion.venue, conversion.symbol] for conversion in conversions]
        numerator, denominator = ONE, ONE
        for book, conversion in zip(books, conversions, strict=True):
            received, paid = book.rate(conversion.side) or (ZERO, ONE)
            numerator = EXACT.multiply(numerator, received)
            denominator = EXACT.multiply(denominator, paid)
        if numerator <= denominator:
            return
        assets = [
            book.quote if conversion.side is Side.BUY else book.base
            for book, conversion in zip(books, conversions, strict=True)
        ]
        first = start_position(assets)
        candidate = Candidate(
            (*conversions[first:], *conversions[:first]),
            (*assets[first:], *assets[:first]),
            ratio(numerator, denominator),
        )
        too_good = EXACT.multiply(numerator, BPS) > EXACT.multiply(
            denominator, EXACT.add(BPS, self._policy.too_good_bps)
        )
        edge = bps_above_one(numerator, denominator)
        yield Loop(candidate, (*books[first:], *books[:first]), edge, too_good)

    def _judge(self, loop: Loop) -> tuple[Refusal | None, tuple[str, ...]]:
        """The first reason to refuse the loop in order of precedence, else what it is marked with."""
        refusals = [book.refusal for book in loop.books if book.refusal]
        refusals += [*self._skew(loop), *self._identity(loop)]
        transfers = self._transfers(loop)
        refusals += transfers
        if loop.too_good:
            limit = text(self._policy.too_good_bps)
            detail = f"{loop.net_bps:.1f} bps at the top of book is above {limit}: taken for an error"
            refusals.append(Refusal(Reason.TOO_GOOD_TO_BE_TRUE, detail))
        marks: tuple[str, ...] = ()
        if self._policy.transfer_unknown_allowed:
            unknown = [refusal for refusal in refusals if refusal.reason is Reason.TRANSFER_UNKNOWN]
            marks = (Reason.TRANSFER_UNKNOWN.value,) if unknown else ()
            refusals = [refusal for refusal in refusals if refusal not in unknown]
        return min(refusals, key=lambda refusal: PRECEDENCE[refusal.reason], default=None), marks

    def _skew(self, loop: Loop) -> Iterator[Refusal]:
        skew_ms = loop.skew_ms
        if skew_ms > self._policy.max_skew_ms:
            limit = seconds(self._policy.max_skew_ms)
            yield Refusal(Reason.SKEWED_BOOKS, f"books are {seconds(skew_ms)} s apart, limit {limit} s")

    def _identity(self, loop: Loop) -> Iterator[Refusal]:
        for asset, came, pays in loop.crossings:
            odd = next((book for book in (came, pays) if self._is_odd(book) and book.base == asset), None)
            way = self._way(asset, came.venue, pays.venue)
            shown = self._odd[odd.venue, odd.symbol] if odd else way.conflict
            if shown:
                yield Refusal(Reason.IDENTITY_CONFLICT, shown)

    def _transfers(self, loop: Loop) -> Iterator[Refusal]:
        for asset, came, pays in loop.crossings:
            refusal = self._way(asset, came.venue, pays.venue).refusal
            if refusal:
                yield refusal

    def _way(self, asset: str, source: str, target: str) -> _Way:
        key = asset, source, target
        if key not in self._ways:
            leaving, arriving = (
                self._snapshot.venues[venue].currencies.get(asset) for venue in (source, target)
            )
            self._ways[key] = _Way(
                conflict(asset, leaving, arriving),
                transfer_refusal(asset, source, target, leaving, arriving),
            )
        return self._ways[key]


def _edges(book: GatedBook, base: str) -> Iterator[tuple[str, str, Edge]]:
    """From, to and rate of both directions, where they have a price."""
    for paid, got, side in ((base, book.quote, Side.SELL), (book.quote, base, Side.BUY)):
        rate = book.rate(side)
        if rate:
            yield paid, got, Edge(float(RATIO.divide(*rate)), Conversion(book.venue, book.symbol, side))
