"""Whether it is the same asset on both venues, and whether it can travel between them."""

from dataclasses import replace

import pytest

from shared.domain.market import Currency, Network
from tests.domain.small_market import ASSETS, OPEN, found, paths, reasons, snapshot, top, venue
from tests.domain.two_venues import CHEAP, LOOP, kraken, travelling, two_venues


def test_assets_with_different_ids_or_contracts_are_different():
    other = dict.fromkeys(ASSETS, OPEN) | {"BTC": replace(OPEN, asset_id="bitcoin-of-another-chain")}
    known = dict.fromkeys(ASSETS, OPEN) | {"BTC": replace(OPEN, asset_id="bitcoin")}
    cheap = venue("binance", {"BTC/USDT": CHEAP}, currencies=known)
    assert reasons(found(two_venues(binance=cheap, kraken=kraken(currencies=other)))) == {
        LOOP: "IDENTITY_CONFLICT"
    }
    assert paths(found(two_venues(binance=cheap))) == {LOOP}
    here = travelling(ERC20=Network(deposit=True, withdraw=True, contract="0xAbC"))
    there = travelling(ETH=Network(deposit=True, withdraw=True, contract="0xdef"))
    same = travelling(ETH=Network(deposit=True, withdraw=True, contract="0xABC"))
    cheap = venue("binance", {"BTC/USDT": CHEAP}, currencies=here)
    assert reasons(found(two_venues(binance=cheap, kraken=kraken(currencies=there)))) == {
        LOOP: "IDENTITY_CONFLICT"
    }
    assert paths(found(two_venues(binance=cheap, kraken=kraken(currencies=same)))) == {LOOP}


def test_of_three_venues_the_odd_price_is_named_and_the_others_still_trade():
    market = two_venues(bybit={"BTC/USDT": top(200, 201)})
    detection = found(market)
    assert paths(detection) == {LOOP}
    assert set(reasons(detection).values()) == {"IDENTITY_CONFLICT"}
    assert all("bybit" in path for path in reasons(detection))


def test_of_two_venues_neither_price_is_believed():
    detection = found(two_venues(dear=top(200, 201)))
    assert reasons(detection) == {LOOP: "IDENTITY_CONFLICT"}


def test_a_collision_is_seen_across_quote_currencies():
    market = snapshot(
        binance={"ABC/USDT": top(1, "1.001", 1000), "USDC/USDT": top("0.9999", "1.0001", 10_000)},
        kraken={"ABC/USDC": top(3, "3.01", 1000)},
    )
    assert set(reasons(found(market)).values()) == {"IDENTITY_CONFLICT"}


def test_a_colliding_ticker_still_trades_with_itself_on_its_own_venue():
    triangle = {
        "ABC/USDT": top(2, "2.001", 1000),
        "ABC/BTC": top("0.00003360", "0.000034", 1000),
        "BTC/USDT": top(60_000, 60_010),
    }
    market = snapshot(gateio=triangle, binance={"ABC/USDT": top(1, "1.001", 1000)})
    assert paths(found(market)) == {"gateio:ABC/USDT:buy gateio:ABC/BTC:sell gateio:BTC/USDT:sell"}


def test_one_mispriced_book_among_three_is_odd_and_hides_nothing():
    market = two_venues(bybit={"BTC/USDT": top(9_900, 10_000)}, gateio={"BTC/USDT": top("100.5", 101)})
    detection = found(market)
    assert LOOP in paths(detection)
    assert set(reasons(detection).values()) <= {"IDENTITY_CONFLICT", "DEPTH_TAKEN"}


@pytest.mark.parametrize(
    ("leaves", "arrives", "expected"),
    [
        ({"A": (True, True)}, {"A": (True, True)}, None),
        ({"A": (None, True)}, {"A": (False, True)}, "DEPOSIT_CLOSED"),
        ({"A": (True, False)}, {"A": (True, True)}, "WITHDRAW_CLOSED"),
        ({"A": (True, False)}, {"A": (False, True)}, "DEPOSIT_CLOSED"),
        ({"A": (True, True)}, {"B": (True, True)}, "NO_COMMON_NETWORK"),
        (
            {"A": (True, True), "B": (True, False)},
            {"A": (False, True), "B": (True, True)},
            "NO_COMMON_NETWORK",
        ),
        ({"A": (True, True), "B": (True, False)}, {"A": (True, True), "B": (False, True)}, None),
        ({"A": (True, None)}, {"A": (True, True)}, "TRANSFER_UNKNOWN"),
        ({"A": (True, True), "B": (True, True)}, {"A": (False, True), "B": (None, True)}, "TRANSFER_UNKNOWN"),
        ({}, {"A": (True, True)}, "TRANSFER_UNKNOWN"),
        ({}, {}, "TRANSFER_UNKNOWN"),
        ({}, {"A": (False, False)}, "DEPOSIT_CLOSED"),
        ({"ERC20": (True, True)}, {"ETH": (True, True)}, None),
        ({"BEP20": (True, True)}, {"BSC": (True, True)}, None),
        ({"ARBEVM": (True, True)}, {"ARBI": (True, True)}, None),
        ({"CAVAX": (True, True)}, {"AVAX_C": (True, True)}, None),
    ],
)
def test_what_piles_up_must_find_a_way_to_where_it_runs_short(leaves, arrives, expected):
    """BTC bought on binance has to reach kraken; USDT comes back on an open way. Flags: (deposit, withdraw)."""

    def currencies(networks):
        btc = Currency(networks={name: Network(*flags) for name, flags in networks.items()})
        return dict.fromkeys(ASSETS, OPEN) | {"BTC": btc}

    market = two_venues(
        binance=venue("binance", {"BTC/USDT": CHEAP}, currencies=currencies(leaves)),
        kraken=kraken(currencies=currencies(arrives)),
    )
    strict = reasons(found(market, transfer_unknown_allowed=False))
    assert strict == ({} if expected is None else {LOOP: expected})
    if expected == "TRANSFER_UNKNOWN":
        (loop,) = found(market).opportunities
        assert loop.marks == ("TRANSFER_UNKNOWN",)


def test_the_start_asset_must_be_able_to_come_back():
    closed = dict.fromkeys(ASSETS, OPEN) | {
        "USDT": Currency(networks={"NET": Network(deposit=False, withdraw=True)})
    }
    market = two_venues(binance=venue("binance", {"BTC/USDT": CHEAP}, currencies=closed))
    assert reasons(found(market)) == {LOOP: "DEPOSIT_CLOSED"}


def test_loops_on_one_venue_need_no_transfer():
    closed = dict.fromkeys(ASSETS, Currency(networks={"NET": Network(deposit=False, withdraw=False)}))
    books = {
        "BTC/USDT": top(60000, 60001),
        "ETH/USDT": top(3000, "3000.1", 100),
        "ETH/BTC": top("0.0503", "0.0504", 100),
    }
    assert len(found(snapshot(binance=venue("binance", books, currencies=closed))).opportunities) == 1
