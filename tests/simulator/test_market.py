"""The world as a function of (seed, clock): what is planted, what traps, and that nothing else is there."""

from collections import defaultdict
from decimal import Decimal
from itertools import pairwise, permutations

import pytest

from simulator import WATCH_LIST, TrapKind, World
from simulator.planted import top_net_bps
from simulator.schedule import PlantedKind

START_MS = 1_764_000_000_123
HOUR_MS = 3_600_000
TOO_GOOD_BPS = 100


def books_of(world, clock_ms):
    return [world.book(instrument, clock_ms, 5) for instrument in world.instruments]


def test_the_same_seed_and_clock_give_the_same_books_whatever_was_asked_before(world):
    straight = World(seed=1)
    for earlier in range(0, HOUR_MS, HOUR_MS // 7):
        straight.planted(START_MS - earlier)
    assert books_of(world, START_MS) == books_of(straight, START_MS)


def test_another_seed_gives_another_market(world):
    other = World(seed=2)
    pairs = zip(books_of(world, START_MS), books_of(other, START_MS), strict=True)
    same = sum(a.bids[:1] == b.bids[:1] for a, b in pairs)
    assert same < len(world.instruments) / 5
    assert [i.key for i in world.instruments] == [i.key for i in other.instruments]
    assert {p.id: p.path for p in world.planted(START_MS)} != {p.id: p.path for p in other.planted(START_MS)}


def test_at_least_three_hundred_instruments_are_shared_by_two_venues_or_more(world):
    assert len(world.shared_symbols()) >= 300
    assert {symbol.split("/")[1] for symbol in world.shared_symbols()} >= {
        "USDT",
        "USDC",
        "EUR",
        "BTC",
        "ETH",
    }
    assert all(("kraken", f"{asset}/USD") in world.listed for asset in ("BTC", "ETH", "USDT", "USDC", "EUR"))


def test_books_are_sorted_uncrossed_and_deep(world):
    for instrument in world.instruments:
        book = world.book(instrument, START_MS)
        bids, asks = [price for price, _ in book.bids], [price for price, _ in book.asks]
        assert bids == sorted(set(bids), reverse=True), instrument.key
        assert asks == sorted(set(asks)), instrument.key
        assert all(amount > 0 for _, amount in book.bids + book.asks), instrument.key
        if bids and asks:
            assert bids[0] < asks[0], instrument.key
    btc = world.book(world.listed["binance", "BTC/USDT"], START_MS)
    assert len(btc.bids) == len(btc.asks) == 200


def test_the_top_of_the_book_is_its_first_level(world):
    for instrument in world.instruments:
        top, book = world.top(instrument, START_MS), world.book(instrument, START_MS, 1)
        assert (book.bids or [(0, 0)])[0] == (top.bid, top.bid_amount), instrument.key
        assert (book.asks or [(0, 0)])[0] == (top.ask, top.ask_amount), instrument.key


def test_prices_move_smoothly(world):
    instrument = world.listed["binance", "SOL/USDT"]
    prices = [world.fair_price(instrument, START_MS + n * 1000) for n in range(600)]
    steps_bps = [abs(later / earlier - 1) * 1e4 for earlier, later in pairwise(prices)]
    assert 0 < max(steps_bps) < 1.5
    assert max(prices) / min(prices) > 1.0005


def test_stablecoins_are_off_par_and_moving(world):
    for symbol in ("USDC/USDT", "USDT/USD", "USDC/USD"):
        instrument = world.listed["kraken", symbol]
        prices = [world.fair_price(instrument, START_MS + n * 60_000) for n in range(60)]
        assert max(prices) != min(prices)
        assert all(abs(price - 1) < 0.01 for price in prices)
    assert world.fair_price(world.listed["binance", "FDUSD/USDT"], START_MS) == pytest.approx(
        0.988, abs=0.002
    )


def loops_of_two(world, clock_ms):
    by_symbol = defaultdict(list)
    for instrument in world.instruments:
        by_symbol[instrument.symbol].append((instrument, world.top(instrument, clock_ms)))
    for listed in by_symbol.values():
        for (bought, at), (sold, there) in permutations(listed, 2):
            if at.ask and there.bid:
                price = there.bid / 10**sold.price_decimals / (at.ask / 10**bought.price_decimals)
                fees = (1 - float(bought.taker_bps) * 1e-4) * (1 - float(sold.taker_bps) * 1e-4)
                yield (bought.key, sold.key), (price * fees - 1) * 1e4


def test_for_an_hour_every_profitable_loop_of_two_is_planted_or_a_trap(world):
    seen = 0
    for n in range(90):
        clock_ms = START_MS + n * (HOUR_MS // 90) + 137 * n
        marked = world.marked_books(clock_ms)
        for books, net_bps in loops_of_two(world, clock_ms):
            if net_bps > 0:
                assert marked.intersection(books), (n, books, net_bps)
                seen += 1
            elif not marked.intersection(books):
                assert net_bps < -8, "ordinary noise stays well below fees"
    assert seen > 90


def honest_rates(world, clock_ms):
    """The best net rate from asset to asset over all unmarked books."""
    marked = world.marked_books(clock_ms)
    rates = defaultdict(dict)
    for i in world.instruments:
        top = world.top(i, clock_ms)
        if i.key in marked or not (top.bid and top.ask):
            continue
        kept, scale = 1 - float(i.taker_bps) * 1e-4, 10**i.price_decimals
        rates[i.base][i.quote] = max(rates[i.base].get(i.quote, 0), top.bid / scale * kept)
        rates[i.quote][i.base] = max(rates[i.quote].get(i.base, 0), kept / (top.ask / scale))
    return rates


def test_for_an_hour_no_honest_loop_of_three_earns_anything(world):
    for n in range(20):
        rates = honest_rates(world, START_MS + n * (HOUR_MS // 20) + 137 * n)
        for first, onward in rates.items():
            for second, rate in onward.items():
                for third, next_rate in rates[second].items():
                    back = rates[third].get(first)
                    if back and third != first:
                        assert rate * next_rate * back < 1, (n, first, second, third)


def test_a_few_opportunities_are_live_at_nearly_any_time_and_some_pay_in_every_minute(world):
    moments = range(START_MS, START_MS + HOUR_MS, 15_000)
    paying = [sum(p.profit > 1 and p.watched for p in world.planted(at)) for at in moments]
    live = [len(world.planted(at)) for at in moments]
    assert sum(live) / len(live) > 2
    assert all(any(paying[n : n + 4]) for n in range(len(paying) - 3)), (
        "a scan every 15 s trades within a minute"
    )


def test_an_hour_holds_opportunities_of_every_kind_size_and_length(world):
    planted = world.planted_between(START_MS, START_MS + HOUR_MS)
    assert {p.kind for p in planted} == set(PlantedKind)
    lives_s = [(p.end_ms - p.start_ms) / 1000 for p in planted]
    assert min(lives_s) >= 5
    assert max(lives_s) <= 90
    assert min(lives_s) < 20
    assert max(lives_s) > 60
    assert sum(p.profit > 3 for p in planted) > 50
    assert sum(p.profit < 1 for p in planted) > 30
    assert any(leg.venue == "kraken" for p in planted for leg in p.path)
    assert sum(p.watched for p in planted) > 0.7 * len(planted)


def test_planted_edges_rise_stay_decay_and_are_gone_at_their_end(world):
    for planted in world.planted_between(START_MS, START_MS + 200_000):

        def edge(at, planted=planted):
            return next((p.net_bps for p in world.planted(at) if p.id == planted.id), None)

        assert edge(planted.start_ms - 200) is None
        assert edge(planted.end_ms) is None
        assert float(edge(planted.peak_ms)) == pytest.approx(planted.peak_net_bps, abs=1)
        assert edge(planted.start_ms) < edge(planted.peak_ms)
        assert edge(planted.end_ms - 400) < edge(planted.peak_ms)


def test_a_planted_edge_is_what_the_timetable_says_and_below_the_too_good_bound(world):
    for n in range(120):
        for planted in world.planted(START_MS + n * 30_000):
            assert float(planted.net_bps) == pytest.approx(planted.planned_net_bps, abs=1)
            assert planted.net_bps < TOO_GOOD_BPS


def test_nothing_through_a_planted_book_pays_better_than_the_planted_loop_itself(world):
    for n in range(60):
        clock_ms = (START_MS + n * 60_000) // 200 * 200
        best = defaultdict(lambda: Decimal(0))
        planted_books = {}
        for p in world.planted(clock_ms):
            for leg in p.path:
                planted_books.setdefault((leg.venue, leg.symbol), p)
        for books, net_bps in loops_of_two(world, clock_ms):
            for book in books:
                if book in planted_books:
                    best[planted_books[book].id] = max(best[planted_books[book].id], net_bps)
        for p in planted_books.values():
            assert best[p.id] <= float(p.net_bps) + 0.01, p


def test_a_planted_loop_starts_and_ends_in_its_start_asset(world):
    for planted in world.planted_between(START_MS, START_MS + HOUR_MS):
        asset = planted.start_asset
        for leg in planted.path:
            base, quote = leg.symbol.split("/")
            assert asset == (quote if leg.side == "buy" else base), planted
            asset = base if leg.side == "buy" else quote
        assert asset == planted.start_asset


def test_every_kind_of_trap_is_there_and_tempts(world):
    tempted = defaultdict(list)
    for n in range(120):
        for trap in world.traps(START_MS + n * 30_000):
            assert trap.reasons
            tempted[trap.kind].append(trap.naive_net_bps)
    assert set(tempted) == set(TrapKind)
    for kind, edges in tempted.items():
        assert max(edges) > 15, kind
    assert min(tempted[TrapKind.SUSPENDED_NETWORK]) > 5
    assert min(tempted[TrapKind.TICKER_COLLISION]) > 1_500
    assert min(tempted[TrapKind.TOO_GOOD]) > TOO_GOOD_BPS


def test_a_frozen_book_stands_still_for_minutes_while_the_others_move_away(world):
    for venue, symbol in (("binance", "HBAR/USDT"), ("gateio", "ICP/USDT")):
        freeze = world.fair.freezes[symbol.split("/")[0]]
        start_ms = next(at for at in range(START_MS, START_MS + HOUR_MS, 1000) if freeze.at(at))
        start_ms, end_ms = freeze.at(start_ms)
        frozen, other = world.listed[venue, symbol], world.listed["bybit", symbol]
        assert end_ms - start_ms >= 300_000
        during = [world.book(frozen, at, 20) for at in range(start_ms + 400, end_ms, 20_000)]
        assert all(book == during[0] for book in during)
        assert during[0] != world.book(frozen, end_ms + 1000, 20)
        elsewhere = [world.book(other, at, 20) for at in range(start_ms + 400, end_ms, 20_000)]
        assert all(a != b for a, b in pairwise(elsewhere))

        def naive(at, key=(venue, symbol)):
            return next(t.naive_net_bps for t in world.traps(at) if (t.venue, t.symbol) == key)

        assert max(naive(at) for at in range(start_ms, start_ms + 60_000, 5_000)) < 0, "time to notice"
        assert max(naive(at) for at in range(start_ms, end_ms, 10_000)) > 10


def test_a_thin_top_is_worth_a_few_dollars_and_stands_alone(world):
    for venue, symbol, side in (("bybit", "TON/USDT", "bids"), ("gateio", "XTZ/USDT", "asks")):
        instrument = world.listed[venue, symbol]
        book = world.book(instrument, START_MS)
        (price, amount), (next_price, _) = getattr(book, side)[:2]
        scale = 10**instrument.price_decimals * 10**instrument.amount_decimals
        assert 0.5 < price * amount / scale < 3
        assert abs(next_price / price - 1) * 1e4 > 50


def test_the_watch_list_is_tradable_on_three_venues_for_dollars(world):
    assert set(WATCH_LIST) >= {"BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "LTC", "LINK", "DOT", "AVAX"}
    for asset in WATCH_LIST:
        for venue in ("binance", "bybit", "gateio"):
            assert (venue, f"{asset}/USDT") in world.listed


def test_watched_assets_can_be_moved_between_all_venues_but_for_the_suspended_ones(world):
    for asset in (*WATCH_LIST, "USDT", "USDC"):
        if asset in {"ALGO", "GRT"}:
            continue
        venues = [venue for venue in world.by_venue if (venue, asset) in world.assets]
        home = world.networks(venues[0], asset)[0].network
        for venue in venues:
            states = {n.network: n for n in world.networks(venue, asset)}
            assert states[home].deposit
            assert states[home].withdraw
    assert not any(n.deposit for n in world.networks("gateio", "ALGO"))
    assert not any(n.withdraw for n in world.networks("gateio", "GRT"))


def test_one_asset_has_one_contract_on_a_network_and_two_assets_have_two(world):
    def contracts(venue, ticker):
        return {n.network: n.contract for n in world.networks(venue, ticker)}

    assert contracts("binance", "LINK") == contracts("gateio", "LINK")
    assert contracts("binance", "LINK")["ETH"].startswith("0x")
    assert contracts("binance", "ETH")["ETH"] == ""
    assert contracts("binance", "MDT") != contracts("gateio", "MDT")
    assert contracts("bybit", "TAI") != contracts("gateio", "TAI")


def test_top_net_bps_takes_each_venues_fee_from_the_right_asset(world):
    binance, kraken = world.listed["binance", "BTC/USDT"], world.listed["kraken", "BTC/USDT"]
    top = world.top(binance, START_MS)._replace(bid=100_00, ask=100_00)
    received = top_net_bps([(binance, "buy", top), (binance, "sell", top)])
    on_top = top_net_bps([(kraken, "buy", top), (binance, "sell", top)])
    assert received == (Decimal("0.999") * Decimal("0.999") - 1) * 10_000
    assert on_top == (Decimal("0.999") / Decimal("1.004") - 1) * 10_000
