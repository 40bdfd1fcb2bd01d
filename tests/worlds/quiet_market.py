"""A quiet market under construction: prices differ between venues by less than the fees, and no loop pays."""

import random
from dataclasses import dataclass, field, replace
from decimal import Decimal

from shared.domain.market import (
    BookText,
    Currency,
    FeeAsset,
    Instrument,
    Network,
    Snapshot,
    VenueMarket,
)

NOW = 1_780_000_000_000
HUBS = {"USDT": 1.0, "USDC": 0.9998, "BTC": 60_000.0, "EUR": 1.08}
OPEN = Network(deposit=True, withdraw=True)
FEE_BPS = 10


@dataclass
class Case:
    """A labelled asset. `expected` is None for a true edge, else the reason to refuse it.

    `loop` is the path of a true edge. A trap's `books` are the (venue, symbol) at fault: every loop through one of
    them is refused. Without books the loops from `source` to `target` are.
    """

    kind: str
    asset: str
    expected: str | None = None
    loop: tuple[str, ...] = ()
    books: tuple[tuple[str, str], ...] = ()
    source: str = ""
    target: str = ""


@dataclass
class World:
    """A market under construction; prices are floats until they are written into a book."""

    draw: random.Random
    venues: tuple[str, ...]
    books: dict = field(default_factory=dict)
    terms: dict = field(default_factory=dict)
    currencies: dict = field(default_factory=dict)
    status: dict = field(default_factory=dict)
    frozen: dict = field(default_factory=dict)
    blocked: set = field(default_factory=set)
    cases: list = field(default_factory=list)

    def quote(self, venue, symbol, price, *, value=20_000.0, rows=4, spread=0.0004):
        """A book around a price, with about this value in USDT on each level."""
        base, quote = symbol.split("/")
        worth = price * HUBS.get(quote, 1.0)
        amount = value / worth

        def side(way):
            level, written = price * (1 + way * spread / 2), []
            for _ in range(rows):
                written.append([plain(level), plain(amount * self.draw.uniform(0.8, 1.2))])
                level *= 1 + way * self.draw.uniform(0.0002, 0.0006)
            return written

        self.books[venue, symbol] = BookText(side(-1), side(1), NOW - self.draw.randint(50, 900))
        step = Decimal(1).scaleb(Decimal(plain(1 / worth)).adjusted() - 3)
        self.terms[venue, symbol] = Instrument(
            venue,
            symbol,
            base,
            quote,
            tradable=True,
            leveraged=False,
            amount_step=step,
            min_amount=step,
            min_notional=Decimal(plain(5 / HUBS.get(quote, 1.0))),
        )
        for asset in (base, quote):
            self.currencies.setdefault((venue, asset), Currency(networks={"MAIN": OPEN}))

    def list_asset(self, asset, fair, quote="USDT", venues=None):
        """The asset at its fair value on venues, quietly."""
        for venue in venues or self.venues:
            price = fair / HUBS[quote] * self.draw.uniform(0.9998, 1.0002)
            self.quote(venue, f"{asset}/{quote}", price)

    def change(self, venue, symbol, **changes):
        self.books[venue, symbol] = self.books[venue, symbol]._replace(**changes)

    def term(self, venue, symbol, **changes):
        self.terms[venue, symbol] = replace(self.terms[venue, symbol], **changes)

    def snapshot(self):
        return Snapshot(
            NOW,
            {
                venue: VenueMarket(
                    NOW - 50,
                    Decimal(FEE_BPS),
                    FeeAsset.QUOTE if venue == "kraken" else FeeAsset.RECEIVED,
                    *self.status.get(venue, ("ok", None)),
                    {symbol: each for (place, symbol), each in self.terms.items() if place == venue},
                    {symbol: each for (place, symbol), each in self.books.items() if place == venue},
                    {asset: each for (place, asset), each in self.currencies.items() if place == venue},
                )
                for venue in self.venues
            },
        )


def plain(number):
    return f"{Decimal(f'{number:.9g}'):f}"
