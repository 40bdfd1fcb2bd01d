"""The wide screen loses no loop, whatever it leaves out to be quick."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import permutations, product

import pytest

from shared.domain.detection import detect
from shared.domain.fees import FeeOverrides
from shared.domain.loops import START_ASSETS
from shared.domain.market import FeeAsset
from shared.domain.policy import DetectionPolicy
from shared.domain.screen import screen
from tests.domain.small_market import D, found, paths, reasons, snapshot, top
from tests.worlds.crowded import crowded_world

ALL = DetectionPolicy(min_profit=D(0))


def conversions(world):
    """Every direction of every book: (paid, got) to [(leg, received per paid)]."""
    ways = {}
    for venue, market in world.venues.items():
        kept = 1 - Fraction(market.taker_bps) / 10_000
        on_top = market.fee_asset is FeeAsset.QUOTE
        for symbol, book in market.books.items():
            base, quote = symbol.split("/")
            bid, ask = Fraction(Decimal(book.bids[0][0])), Fraction(Decimal(book.asks[0][0]))
            bought = 1 / (ask * (2 - kept)) if on_top else kept / ask
            ways.setdefault((base, quote), []).append((f"{venue}:{symbol}:sell", bid * kept))
            ways.setdefault((quote, base), []).append((f"{venue}:{symbol}:buy", bought))
    return ways


def every_profitable_loop(world):
    """By trying all: paths from their start assets."""
    ways = conversions(world)
    assets = {asset for pair in ways for asset in pair}
    rank = {
        asset: (START_ASSETS.index(asset) if asset in START_ASSETS else len(START_ASSETS), asset)
        for asset in assets
    }
    loops = set()
    for length in (2, 3):
        for loop in permutations(sorted(assets), length):
            if rank[loop[0]] != min(rank[asset] for asset in loop):
                continue
            steps = zip(loop, (*loop[1:], loop[0]), strict=True)
            for legs in product(*(ways.get(step, []) for step in steps)):
                rate = Fraction(1)
                for _, each in legs:
                    rate *= each
                books = {leg.rpartition(":")[0] for leg, _ in legs}
                if rate > 1 and len(books) == length:
                    loops.add(" ".join(leg for leg, _ in legs))
    return loops


@pytest.mark.parametrize("seed", range(15))
def test_every_loop_that_trying_all_finds_is_an_opportunity_or_a_refusal(seed):
    world = crowded_world(seed)
    detection = detect(world, ALL)
    assert paths(detection) | set(reasons(detection)) == every_profitable_loop(world)
    assert detection.loops_screened == len(detection.opportunities) + len(detection.rejections)


def test_a_quiet_market_leaves_nothing_to_look_at():
    market = snapshot(
        binance={
            "BTC/USDT": top(60_000, 60_010),
            "ABC/USDT": top(1, "1.001"),
            "ABC/BTC": top("0.0000166", "0.0000167"),
        },
        kraken={"BTC/USDT": top(60_001, 60_011), "ABC/USDT": top(1, "1.001")},
    )
    screened = screen(market, FeeOverrides(), lambda *_: False)
    assert (screened.tops, screened.priced, screened.quotes) == ({}, 5, ("BTC", "USDT"))


def test_a_refused_price_between_hubs_brings_no_other_asset_under_suspicion():
    quiet = {
        f"C{i}/{quote}": top(price, price * 1.001)
        for i in range(50)
        for quote, price in (("USDT", 6), ("BTC", 0.0001))
    }
    books = quiet | {"BTC/USDT": top(60_000, 60_010)}
    market = snapshot(binance=books, bybit=books, gateio=books | {"BTC/USDT": top(90_000, 90_010)})
    refused = screen(
        market, FeeOverrides(), lambda venue, symbol, _: (venue, symbol) == ("gateio", "BTC/USDT")
    )
    assert {symbol for _, symbol in refused.tops} == {"BTC/USDT"}
    believed = screen(market, FeeOverrides(), lambda *_: False)
    assert len(believed.tops) > 100
    detection = found(market)
    assert not detection.opportunities
    assert set(reasons(detection).values()) == {"IDENTITY_CONFLICT"}


def test_symbols_fees_and_venues_may_change_from_tick_to_tick():
    """What is remembered of the last tick must not outlive it."""
    cheap, dear = {"BTC/USDT": top(99, 100)}, {"BTC/USDT": top("100.3", 102)}
    market = snapshot(binance=cheap, kraken=dear)
    costly = replace(
        market, venues={name: replace(each, taker_bps=D(40)) for name, each in market.venues.items()}
    )
    assert len(paths(found(market))) == 1
    assert paths(found(costly)) == set()
    assert len(paths(found(market))) == 1
    assert paths(found(snapshot(binance=cheap, bybit=cheap))) == set()
    assert len(paths(found(snapshot(binance=cheap | {"ETH/USDT": top(1, 2)}, kraken=dear)))) == 1
    assert paths(found(snapshot(binance={"ETH/USDT": top(99, 100)}, kraken=dear))) == set()
