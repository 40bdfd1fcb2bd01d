"""Planted edges and traps, recomputed from what the real clients were served."""

from decimal import Decimal

import pytest

from simulator import VENUES
from tests.simulator.conftest import START_MS

TAKER = {
    "binance": Decimal("0.001"),
    "bybit": Decimal("0.001"),
    "gateio": Decimal("0.001"),
    "kraken": Decimal("0.004"),
}


async def served_books(client, legs):
    books = {}
    for venue in VENUES:
        async with client(venue) as exchange:
            for leg in legs:
                if leg["venue"] == venue:
                    books[venue, leg["symbol"]] = await exchange.fetch_order_book(leg["symbol"], 40)
    return books


def net_rates(leg, book):
    """Each level as (what goes in, what comes out), fees taken; Kraken takes them from the quote."""
    fee = TAKER[leg["venue"]]
    for level in book["asks" if leg["side"] == "buy" else "bids"]:
        price, amount = (Decimal(str(number)) for number in level[:2])
        if leg["side"] == "sell":
            yield amount, amount * price * (1 - fee)
        elif leg["venue"] == "kraken":
            yield amount * price * (1 + fee), amount
        else:
            yield amount * price, amount * (1 - fee)


def spend(amount, levels):
    """What so much buys, level by level."""
    out = Decimal(0)
    for capacity, yields in levels:
        taken = min(amount, capacity)
        out += yields * taken / capacity
        amount -= taken
    return out


async def test_planted_edges_are_in_the_served_books_net_of_fees_at_their_stated_size(client, clock, ask):
    checked = set()
    for minute in range(12):
        clock.now_ms = START_MS + minute * 47_000
        planted = (await ask("/simulator/planted")).json()
        for one in planted:
            if (one["kind"], one["path"][0]["venue"]) in checked:
                continue
            checked.add((one["kind"], one["path"][0]["venue"]))
            books = await served_books(client, one["path"])
            product, out = Decimal(1), Decimal(one["notional"])
            for leg in one["path"]:
                levels = list(net_rates(leg, books[leg["venue"], leg["symbol"]]))
                product *= levels[0][1] / levels[0][0]
                out = spend(out, levels)
            assert float((product - 1) * 10_000) == pytest.approx(float(one["net_bps"]), abs=1e-6)
            if Decimal(one["net_bps"]) > 0:
                profit = out - Decimal(one["notional"])
                assert float(profit) == pytest.approx(float(one["profit"]), rel=1e-6)
    assert {kind for kind, _ in checked} == {"two_leg", "triangle", "quote_difference"}


async def test_the_books_earn_most_at_the_stated_size(client, clock, ask):
    planted = (await ask("/simulator/planted")).json()
    best = max(planted, key=lambda one: Decimal(one["profit"]))
    books = await served_books(client, best["path"])

    def profit(amount):
        out = amount
        for leg in best["path"]:
            out = spend(out, net_rates(leg, books[leg["venue"], leg["symbol"]]))
        return out - amount

    notional = Decimal(best["notional"])
    for share in ("0.5", "0.9", "0.99", "1.01", "1.1", "2"):
        assert profit(notional * Decimal(share)) < profit(notional)


async def test_traps_are_told_with_the_reasons_that_refuse_them(ask, world):
    traps = (await ask("/simulator/traps")).json()
    assert len(traps) == len(world.traps(START_MS))
    assert all(trap["reasons"] and trap["detail"] and trap["venue"] in VENUES for trap in traps)


async def test_a_frozen_book_is_served_unchanged_with_fresh_times(client, clock, world):
    freeze = world.fair.freezes["ICP"]
    at_ms = next(at for at in range(START_MS, START_MS + 3_600_000, 1000) if freeze.at(at))
    async with client("gateio") as exchange:
        clock.now_ms = at_ms + 2_000
        first = await exchange.publicSpotGetOrderBook({"currency_pair": "ICP_USDT", "limit": 20})
        clock.now_ms = at_ms + 200_000
        later = await exchange.publicSpotGetOrderBook({"currency_pair": "ICP_USDT", "limit": 20})
    assert first["asks"] == later["asks"]
    assert first["bids"] == later["bids"]
    assert first["update"] == later["update"]
    assert later["current"] - first["current"] == 198_000
