"""Worlds with labelled cases: a quiet market, and in it edges that are real and traps that are not.

Each case has an asset of its own, so that no case touches another.
"""

import random
from dataclasses import replace
from decimal import Decimal

from shared.domain.market import VENUE_IDS, Currency
from tests.worlds.quiet_market import FEE_BPS, HUBS, NOW, OPEN, Case, World, plain


def labelled_world(seed):
    """A world of two to four venues with quiet assets and one case of most kinds that fit."""
    draw = random.Random(seed)
    venues = tuple(draw.sample(VENUE_IDS, draw.randint(2, len(VENUE_IDS))))
    world = World(draw, venues)
    for hub in ("USDC", "BTC", "EUR"):
        world.list_asset(hub, HUBS[hub])
    for number in range(draw.randint(0, 8)):
        fair = draw.lognormvariate(0, 2)
        for quote in draw.sample(sorted(HUBS), draw.randint(1, 3)):
            world.list_asset(f"Q{number}", fair, quote)
    kinds = draw.sample(sorted(CASES), draw.randint(4, len(CASES)))
    for number, kind in enumerate(kinds):
        case = CASES[kind](world, f"C{number}X", draw.lognormvariate(0, 2))
        if case:
            world.cases.append(replace(case, kind=kind))
    return world


def spread_apart(world, asset, fair, *, bps=70, quote="USDT"):
    """The asset, cheap on one venue and dearer by this net edge on another, not between them elsewhere."""
    symbol = f"{asset}/{quote}"
    cheap, dear = world.draw.sample(world.venues, 2)
    world.list_asset(asset, fair, quote, [cheap])
    gross = 1 + (bps + 2 * FEE_BPS + 4) / 10_000
    world.quote(dear, symbol, fair / HUBS[quote] * gross)
    return cheap, dear, symbol


def path_of(cheap, dear, symbol):
    return (f"{cheap}:{symbol}:buy", f"{dear}:{symbol}:sell")


def true_two_legs(world, asset, fair):
    cheap, dear, symbol = spread_apart(world, asset, fair, bps=world.draw.uniform(30, 80))
    return Case("", asset, loop=path_of(cheap, dear, symbol))


def true_triangle(world, asset, fair):
    venue = world.draw.choice(world.venues)
    world.list_asset(asset, fair, "USDT", [venue])
    gross = 1 + (world.draw.uniform(30, 80) + 3 * FEE_BPS + 8) / 10_000
    world.quote(venue, f"{asset}/BTC", fair / HUBS["BTC"] * gross)
    return Case("", asset, loop=(f"{venue}:{asset}/USDT:buy", f"{venue}:{asset}/BTC:sell", ":BTC/USDT:sell"))


def true_across_quotes(world, asset, fair):
    cheap, dear = world.draw.sample(world.venues, 2)
    world.list_asset(asset, fair, "USDT", [cheap])
    gross = 1 + (world.draw.uniform(30, 80) + 3 * FEE_BPS + 8) / 10_000
    world.quote(dear, f"{asset}/EUR", fair / HUBS["EUR"] * gross)
    return Case("", asset, loop=(f"{cheap}:{asset}/USDT:buy", f"{dear}:{asset}/EUR:sell", ":EUR/USDT:sell"))


def stablecoin_off_par(world, asset, fair):
    """Quoted in EUR as if a euro were a dollar: at par a gain of 8 %, by the euro's own book nothing."""
    cheap, dear = world.draw.sample(world.venues, 2)
    world.list_asset(asset, fair, "USDT", [cheap])
    world.list_asset(asset, fair, "EUR", [dear])
    return Case("", asset, expected="NO_LOOP")


def thin_top(world, asset, fair):
    _, dear, symbol = spread_apart(world, asset, fair, bps=60)
    book = world.books[dear, symbol]
    gone = float(book.bids[0][0]) * 0.98
    world.change(dear, symbol, bids=[[book.bids[0][0], plain(20 / fair)], [plain(gone), plain(1e5 / fair)]])
    return Case("", asset, "BELOW_MIN_PROFIT", books=((dear, symbol),))


def below_minimum(world, asset, fair):
    cheap, _, symbol = spread_apart(world, asset, fair)
    book = world.books[cheap, symbol]
    world.change(cheap, symbol, asks=[[book.asks[0][0], plain(3 / fair)]])
    return Case("", asset, "BELOW_MIN_NOTIONAL", books=((cheap, symbol),))


def rounding_eats_it(world, asset, fair):
    """A step worth far more than the edge can bear: buy two for one sold."""
    cheap, dear, symbol = spread_apart(world, asset, fair)
    world.term(dear, symbol, amount_step=Decimal(plain(1_000 / fair)))
    world.term(cheap, symbol, amount_step=Decimal(plain(1_500 / fair)))
    for venue in (cheap, dear):
        book = world.books[venue, symbol]
        amount = plain(1_600 / fair)
        world.change(venue, symbol, bids=[[book.bids[0][0], amount]], asks=[[book.asks[0][0], amount]])
    return Case("", asset, "NET_EDGE_TOO_SMALL", books=((dear, symbol),))


def collision(world, asset, fair):
    symbol = f"{asset}/USDT"
    odd = world.draw.choice(world.venues)
    world.list_asset(asset, fair, venues=[venue for venue in world.venues if venue != odd])
    world.quote(odd, symbol, fair * world.draw.choice([0.01, 0.3, 0.7, 1.5, 4, 100]))
    return Case("", asset, "IDENTITY_CONFLICT", books=((odd, symbol),))


def mispriced_cross(world, asset, fair):
    venue = world.draw.choice(world.venues)
    world.list_asset(asset, fair, "USDT", [venue])
    factor = world.draw.choice([0.01, 100])
    world.quote(venue, f"{asset}/BTC", fair / HUBS["BTC"] * factor)
    return Case("", asset, "TOO_GOOD_TO_BE_TRUE", books=((venue, f"{asset}/BTC"),))


def too_good(world, asset, fair):
    _, dear, symbol = spread_apart(world, asset, fair, bps=world.draw.uniform(110, 900))
    return Case("", asset, "TOO_GOOD_TO_BE_TRUE", books=((dear, symbol),))


def faulty_book(reason, spoil):
    """A trap of one book: `spoil(world, venue, symbol)` breaks it."""

    def build(world, asset, fair):
        cheap, dear, symbol = spread_apart(world, asset, fair)
        broken = world.draw.choice([cheap, dear])
        spoil(world, broken, symbol)
        return Case("", asset, reason, books=((broken, symbol),))

    return build


def stale(world, venue, symbol):
    world.change(venue, symbol, time_ms=NOW - world.draw.randint(3_001, 10**7))


def timeless(world, venue, symbol):
    stale(world, venue, symbol)
    world.change(venue, symbol, time_ms=None, received_ms=NOW - 3_001)


def frozen(world, venue, symbol):
    world.frozen[venue, symbol] = 90_000


def skewed(world, asset, fair):
    cheap, dear, symbol = spread_apart(world, asset, fair)
    world.change(cheap, symbol, time_ms=NOW - 100)
    world.change(dear, symbol, time_ms=NOW - world.draw.randint(1_601, 3_000))
    return Case("", asset, "SKEWED_BOOKS", source=cheap, target=dear)


def crossed(world, venue, symbol):
    book = world.books[venue, symbol]
    world.change(venue, symbol, bids=[[plain(float(book.asks[0][0]) * 1.002), "10"], *book.bids[1:]])
    world.change(venue, symbol, asks=[[plain(float(book.bids[0][0]) * 0.999), "10"], *book.asks])


def unsorted(world, venue, symbol):
    book = world.books[venue, symbol]
    world.change(
        venue, symbol, asks=[book.asks[0], book.asks[2], book.asks[1]], bids=[book.bids[0], ["x", "1"]]
    )


def not_tradable(world, venue, symbol):
    world.term(venue, symbol, tradable=False)


def leveraged(world, venue, symbol):
    world.term(venue, symbol, leveraged=True)


def blocked(world, venue, symbol):
    world.blocked.add(world.draw.choice([f"{venue}:{symbol}", f"{venue}:{symbol.split('/')[0]}"]))


def leveraged_by_name(world, asset, fair):
    name = asset[:-1] + world.draw.choice(["3L", "5S"])
    cheap, dear, symbol = spread_apart(world, name, fair)
    for venue in (cheap, dear):
        world.term(venue, symbol, leveraged=None)
    return Case("", name, "LEVERAGED_TOKEN", books=((dear, symbol),))


def unknown_depth(world, asset, fair):
    _, dear, symbol = spread_apart(world, asset, fair)
    book = world.books[dear, symbol]
    world.change(dear, symbol, bids=[[price, None] for price, _ in book.bids])
    return Case("", asset, "UNKNOWN_DEPTH", books=((dear, symbol),))


def travel(reason, leaving, arriving):
    """A trap of two venues: the networks of the asset where it is bought, and where it is sold."""

    def build(world, asset, fair):
        cheap, dear, _ = spread_apart(world, asset, fair)
        world.currencies[cheap, asset] = Currency(networks=leaving)
        world.currencies[dear, asset] = Currency(networks=arriving)
        return Case("", asset, reason, source=cheap, target=dear)

    return build


def other_contract(world, asset, fair):
    build = travel(
        "IDENTITY_CONFLICT",
        {"ERC20": replace(OPEN, contract="0xAA")},
        {"ETH": replace(OPEN, contract="0xBB")},
    )
    return build(world, asset, fair)


SHUT_IN, SHUT_OUT = replace(OPEN, deposit=False), replace(OPEN, withdraw=False)

CASES = {
    "true edge of two legs": true_two_legs,
    "true edge of two legs again": true_two_legs,
    "true triangle": true_triangle,
    "true edge across quotes": true_across_quotes,
    "stablecoin off par": stablecoin_off_par,
    "thin top": thin_top,
    "below the minimum": below_minimum,
    "rounding eats it": rounding_eats_it,
    "collision": collision,
    "mispriced by 100x": mispriced_cross,
    "too good": too_good,
    "stale": faulty_book("STALE_BOOK", stale),
    "stale by receipt": faulty_book("STALE_BOOK", timeless),
    "frozen": faulty_book("FROZEN_BOOK", frozen),
    "skewed": skewed,
    "crossed": faulty_book("CROSSED_BOOK", crossed),
    "bad book": faulty_book("BAD_BOOK", unsorted),
    "not tradable": faulty_book("NOT_TRADABLE", not_tradable),
    "leveraged": faulty_book("LEVERAGED_TOKEN", leveraged),
    "leveraged by name": leveraged_by_name,
    "blocked": faulty_book("BLOCKED", blocked),
    "unknown depth": unknown_depth,
    "deposit closed": travel("DEPOSIT_CLOSED", {"A": OPEN}, {"A": SHUT_IN, "B": SHUT_IN}),
    "withdrawal closed": travel("WITHDRAW_CLOSED", {"A": SHUT_OUT}, {"A": OPEN}),
    "suspended per network": travel(
        "NO_COMMON_NETWORK", {"A": OPEN, "B": SHUT_OUT}, {"A": SHUT_IN, "B": OPEN}
    ),
    "no common network": travel("NO_COMMON_NETWORK", {"A": OPEN}, {"B": OPEN}),
    "transfer unknown": travel("TRANSFER_UNKNOWN", {"A": replace(OPEN, withdraw=None)}, {"A": OPEN}),
    "other contract": other_contract,
}
