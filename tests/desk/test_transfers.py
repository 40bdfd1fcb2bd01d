from dataclasses import replace
from decimal import localcontext
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.exact import EXACT
from shared.domain.market import Currency, Network
from shared.domain.transfers import RebalancePolicy, cheapest_route, plan_transfers
from tests.desk.desk_world import VALUES, D, portfolio

OPEN = {"BTC": Network(deposit=True, withdraw=True, withdraw_fee=D("0.0002"))}
EVERYWHERE = {venue: {"BTC": Currency(networks=OPEN)} for venue in ("binance", "bybit", "kraken")}
START = portfolio(binance={"BTC": 1}, kraken={"BTC": 1})


def drifted(**held):
    return replace(START, balances={venue: {"BTC": D(amount)} for venue, amount in held.items()})


def plan(holdings, currencies=EVERYWHERE, policy=None, values=VALUES):
    return plan_transfers(holdings, currencies, values, policy or RebalancePolicy(), now_ms=1_000)


def test_a_venue_that_ran_short_is_refilled_to_its_share_over_the_open_network():
    (transfer,) = plan(drifted(binance="1.8", kraken="0.2"))
    assert (transfer.source, transfer.target, transfer.network) == ("binance", "kraken", "BTC")
    assert (transfer.amount, transfer.fee) == (D("0.8"), D("0.0002"))
    assert transfer.arrives_ms == 1_000 + 40 * 60_000


def test_a_small_drift_is_left_alone():
    assert plan(drifted(binance="1.4", kraken="0.6")) == ()


def test_what_is_under_way_is_not_sent_again():
    holdings = drifted(binance="1.8", kraken="0.2")
    (transfer,) = plan(holdings)
    assert plan(holdings.send(transfer)) == ()


@pytest.mark.parametrize(
    "network",
    [
        Network(deposit=False, withdraw=True, withdraw_fee=D(0)),
        Network(deposit=True, withdraw=False, withdraw_fee=D(0)),
        Network(deposit=None, withdraw=True, withdraw_fee=D(0)),
        Network(deposit=True, withdraw=True, withdraw_fee=None),
    ],
)
def test_a_network_that_is_closed_or_unknown_carries_nothing(network):
    currencies = {venue: {"BTC": Currency(networks={"BTC": network})} for venue in ("binance", "kraken")}
    assert plan(drifted(binance="1.8", kraken="0.2"), currencies) == ()


def test_the_cheapest_common_network_is_taken_under_any_of_its_names():
    leaving = Currency(
        networks={
            "ERC20": Network(deposit=True, withdraw=True, withdraw_fee=D(5)),
            "TRC20": Network(deposit=True, withdraw=True, withdraw_fee=D(1)),
            "SOL": Network(deposit=True, withdraw=True, withdraw_fee=D("0.5")),
        }
    )
    arriving = Currency(
        networks={
            "Ethereum": Network(deposit=True),
            "TRX": Network(deposit=True),
            "SOL": Network(deposit=False),
        }
    )
    route = cheapest_route("USDT", leaving, arriving)
    assert route is not None
    assert (route.network, route.fee) == ("TRX", 1)


def test_another_asset_under_the_same_ticker_is_never_sent():
    here = Currency(asset_id="one", networks=OPEN)
    assert cheapest_route("BTC", here, Currency(asset_id="two", networks=OPEN)) is None


def test_a_fee_out_of_proportion_or_a_trifle_waits():
    dear = {
        v: {"BTC": Currency(networks={"BTC": Network(True, True, D("0.1"))})} for v in ("binance", "kraken")
    }
    assert plan(drifted(binance="1.8", kraken="0.2"), dear) == ()
    assert plan(drifted(binance="1.8", kraken="0.2"), policy=RebalancePolicy(min_value=D(1_000_000))) == ()


def test_an_asset_without_a_value_stays_where_it_is():
    assert plan(drifted(binance="1.8", kraken="0.2"), values={"USDT": D(1)}) == ()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_transfers_conserve_every_unit_and_never_overdraw(seed):
    rng = Random(seed)
    held = {v: {"BTC": str(round(rng.uniform(0, 5), 6))} for v in ("binance", "bybit", "kraken")}
    start = portfolio(**held)
    left = {v: {"BTC": D(round(rng.uniform(0, 5), 6))} for v in held}
    now = replace(start, balances=left)
    before = now.total("BTC")
    for step in range(3):
        for transfer in plan_transfers(
            now, EVERYWHERE, VALUES, RebalancePolicy(drift=D("0.1")), step * 10**6
        ):
            now = now.send(transfer)
            assert transfer.source != transfer.target
            with localcontext(EXACT):
                before -= transfer.fee
        assert now.total("BTC") == before
        assert min(now.balance(venue, "BTC") for venue in held) >= 0
    assert now.settle(10**12).total("BTC") == before
