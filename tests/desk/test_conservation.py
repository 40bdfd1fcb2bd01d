"""Random sequences of trades and transfers over random books, with failures of every kind."""

from decimal import Decimal, localcontext
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.causes import CAUSES
from shared.domain.exact import EXACT
from shared.domain.latency import Latencies, Latency
from shared.domain.market import Side
from shared.domain.portfolio import Portfolio
from shared.domain.simulation import execute
from shared.domain.trade import Purpose, TradeStatus, Transfer
from shared.errors import Overdraft
from tests.desk.desk_world import D, book, by_symbol, conditions, instrument, listed, opportunity

VENUES = ("binance", "bybit", "kraken")
SYMBOLS = {"BTC/USDT": 60_000, "SOL/USDT": 150, "SOL/BTC": "0.0025", "PEPE/USDT": "0.0000071234"}
VALUES = {"USDT": D(1), "BTC": D(60_000), "SOL": D(150), "PEPE": D("0.0000071234")}
LOOPS = [
    [("BTC/USDT", Side.BUY), ("BTC/USDT", Side.SELL)],
    [("PEPE/USDT", Side.BUY), ("PEPE/USDT", Side.SELL)],
    [("SOL/USDT", Side.BUY), ("SOL/BTC", Side.SELL), ("BTC/USDT", Side.SELL)],
    [("BTC/USDT", Side.BUY), ("SOL/BTC", Side.BUY), ("SOL/USDT", Side.SELL)],
]
FATES = ("as it was", "moved", "thin", "gone", "empty", "half unknown", "late")

seeds = st.integers(0, 2**32)
UNIT = {"BTC": D(1), "SOL": D(400), "PEPE": D("8.4e9")}
"""About the same value of each base asset."""


def decimal(rng, low, high, places):
    return D(round(rng.uniform(low, high), places))


def markets(rng):
    return listed(
        *(
            instrument(
                venue,
                symbol,
                bps=rng.choice(["0", "7.5", "10", "40", "-1"]),
                fee=rng.choice(["received", "quote"]),
                step=rng.choice([None, "0.00001", "0.003", "0.01"]),
                notional=0 if symbol == "SOL/BTC" else rng.choice([0, 5, 50]),
            )
            for venue in VENUES
            for symbol in SYMBOLS
        )
    )


def shown(rng, venue, symbol, at_ms):
    mid = D(SYMBOLS[symbol]) * decimal(rng, 0.99, 1.01, 4)
    unit = UNIT[symbol.split("/")[0]]

    def side(sign):
        levels = range(1, rng.randint(2, 5))
        return [(mid * (1 + sign * D(level) / 2_000), decimal(rng, 0.01, 0.4, 7) * unit) for level in levels]

    return book(venue, side(-1), side(1), at_ms, symbol)


def later(rng, first, at_ms):
    """What becomes of a book until the orders arrive."""
    fate = rng.choice(FATES)
    rows = {
        "bids": [(level.price, level.amount) for level in first.bids],
        "asks": [(level.price, level.amount) for level in first.asks],
    }
    if fate == "gone":
        return []
    if fate == "moved":
        factor = decimal(rng, 0.995, 1.005, 5)
        rows = {side: [(price * factor, amount) for price, amount in found] for side, found in rows.items()}
    if fate == "thin":
        rows = {side: [(price, amount / 7) for price, amount in found] for side, found in rows.items()}
    if fate == "half unknown":
        rows = {side: [*found[:-1], (found[-1][0], None)] for side, found in rows.items()}
    if fate == "empty":
        rows[rng.choice(["bids", "asks"])] = []
    seen_ms = at_ms + (5_000 if fate == "late" else rng.randint(20, 400))
    last = book(first.venue, rows["bids"], rows["asks"], seen_ms, first.symbol)
    return [first, last] if rng.random() < 0.3 else [last]


def trade_event(rng, listed_markets, at_ms):
    """A loop sized on the books of its decision, and the books that its orders meet."""
    found = None
    while found is None:
        loop = rng.choice(LOOPS)
        places = [rng.choice(VENUES) for _ in loop]
        before = by_symbol(
            *(shown(rng, venue, symbol, at_ms) for venue in dict.fromkeys(places) for symbol in SYMBOLS)
        )
        conversions = [(venue, symbol, side) for venue, (symbol, side) in zip(places, loop, strict=True)]
        amount = decimal(rng, 0.001, 0.6, 6) * UNIT[loop[0][0].split("/")[0]]
        found = opportunity(conversions, before, listed_markets, amount)
    after = [each for (first,) in before.values() for each in later(rng, first, at_ms)]
    return at_ms, found, by_symbol(*after), rng.choice(["1", "1", "0.5", "0.37"])


def history(seed):
    """Markets, holdings and a sequence of trades and transfers."""
    rng = Random(seed)
    listed_markets = markets(rng)
    with localcontext(EXACT):
        held = {
            venue: {
                asset: (decimal(rng, 0, rng.choice([500, 60_000]), 9) / value).quantize(D("1e-18"))
                for asset, value in VALUES.items()
            }
            for venue in VENUES
        }
    events = []
    for count in range(rng.randint(1, 6)):
        at_ms = 10_000 * (count + 1)
        if rng.random() < 0.8:
            events.append(trade_event(rng, listed_markets, at_ms))
        else:
            source, target = rng.sample(VENUES, 2)
            events.append((at_ms, rng.choice(sorted(VALUES)), source, target, decimal(rng, 0.001, 1, 6)))
    return listed_markets, Portfolio(held, held, VALUES), events


def play(listed_markets, start, events):
    """The portfolio after all events, with its trades and transfers."""
    portfolio, trades, sent, taken = start, [], [], {}
    for count, event in enumerate(events):
        at_ms = event[0]
        portfolio = portfolio.settle(at_ms)
        if len(event) == 5:
            _, asset, source, target, share = event
            with localcontext(EXACT):
                amount = portfolio.balance(source, asset) * share
                transfer = Transfer(
                    f"t{count}", asset, "net", source, target, amount, amount / 100, at_ms, at_ms + 15_000
                )
            portfolio, sent = portfolio.send(transfer), [*sent, transfer]
        else:
            _, found, books, scale = event
            around = conditions(books, listed_markets, Latencies(Latency(80, 0.5)), values=VALUES)
            done = execute(
                found,
                scan_id=f"scan{count // 2}",
                decided_ms=at_ms,
                conditions=around,
                portfolio=portfolio,
                taken=taken,
                scale=D(scale),
            )
            check_trade(done.trade, found, books, taken)
            portfolio, taken, trades = done.portfolio, done.taken, [*trades, done.trade]
    return portfolio, trades, sent


def check_trade(trade, found, books, taken):
    """Limits, depth and profit of one trade."""
    filled = {}
    for fill in trade.fills:
        offered = [
            level.amount
            for met in books[fill.venue, fill.symbol]
            for level in (met.asks if fill.side is Side.BUY else met.bids)
            if level.price == fill.price and level.amount is not None
        ]
        earlier = taken.get((fill.venue, fill.symbol, fill.side, fill.price), 0)
        assert 0 < fill.amount <= max(offered) - earlier
        if fill.purpose is Purpose.LEG:
            leg = found.legs[fill.leg]
            within = fill.price <= leg.limit_price if fill.side is Side.BUY else fill.price >= leg.limit_price
            assert within
            filled[fill.leg] = EXACT.add(filled.get(fill.leg, Decimal(0)), fill.amount)
    for index, amount in filled.items():
        assert amount <= found.legs[index].amount
    with localcontext(EXACT):
        assert sum(amount for _, amount in trade.causes) == (
            0 if trade.status is TradeStatus.REFUSED else trade.realised_profit - trade.decision_profit
        )


def moves(trades, sent, now_ms):
    """Every movement of every unit, told by fills, fees and transfers alone."""
    for trade in trades:
        for fill in trade.fills:
            sign = 1 if fill.side is Side.BUY else -1
            yield fill.venue, fill.base, sign * fill.amount
            yield fill.venue, fill.quote, -sign * fill.notional
            yield fill.venue, fill.fee_asset, -fill.fee
    for transfer in sent:
        yield transfer.source, transfer.asset, -transfer.amount
        if transfer.arrives_ms <= now_ms:
            yield transfer.target, transfer.asset, transfer.amount - transfer.fee


@settings(max_examples=200, deadline=None)
@given(seeds)
def test_every_unit_is_accounted_for_by_fills_fees_and_transfers(seed):
    listed_markets, start, events = history(seed)
    portfolio, trades, sent = play(listed_markets, start, events)
    expected = {venue: dict(assets) for venue, assets in start.balances.items()}
    with localcontext(EXACT):
        for venue, asset, amount in moves(trades, sent, events[-1][0]):
            expected[venue][asset] += amount
    assert {venue: dict(assets) for venue, assets in portfolio.balances.items()} == expected
    assert all(amount >= 0 for assets in portfolio.balances.values() for amount in assets.values())
    assert portfolio.unaccounted() == {}
    assert Portfolio.from_dict(portfolio.to_dict()) == portfolio
    settled = portfolio.settle(10**9)
    assert settled.in_transit == ()
    assert settled.unaccounted() == {}


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_profit_is_recomputable_from_fills_alone_and_the_same_seed_gives_the_same_trades(seed):
    portfolio, trades, _ = play(*history(seed))
    with localcontext(EXACT):
        for trade in trades:
            flow = Decimal(0)
            others = {}
            for _, asset, amount in moves([trade], [], 0):
                if asset == trade.start_asset:
                    flow += amount
                else:
                    others[asset] = others.get(asset, Decimal(0)) + amount
            assert trade.realised_profit == flow
            assert dict(trade.exposure) == {asset: amount for asset, amount in others.items() if amount}
        assert sum(portfolio.realised.values()) == sum(trade.realised_profit for trade in trades)
    assert play(*history(seed))[:2] == (portfolio, trades)


@given(st.decimals(min_value="0.01", max_value="100", places=4))
def test_no_transfer_takes_more_than_is_held(beyond):
    held = {"kraken": {"BTC": D(1)}}
    with pytest.raises(Overdraft, match="kraken: BTC would fall to"):
        Portfolio(held, held).send(Transfer("t", "BTC", "BTC", "kraken", "bybit", D(1) + beyond, D(0), 0, 1))


def test_the_random_histories_hold_every_outcome():
    trades = [trade for seed in range(120) for trade in play(*history(seed))[1]]
    outcomes = {trade.status for trade in trades}
    assert outcomes == set(TradeStatus)
    assert any(fill.purpose is Purpose.UNWIND for trade in trades for fill in trade.fills)
    assert any(trade.exposure for trade in trades)
    assert any(trade.realised_profit > 0 for trade in trades)
    assert {cause for trade in trades for cause, amount in trade.causes if amount} == set(CAUSES)
