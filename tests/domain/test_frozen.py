"""Frozen books: what has not changed for longer than its market's habit."""

from dataclasses import replace

import orjson
import pytest

from shared.domain.frozen import observe, pack, unpack
from shared.domain.tops import Tops
from shared.errors import MalformedRecord
from tests.domain.small_market import NOW, snapshot, top, venue


def seen(at_ms, **prices):
    """`seen(1_000, BTC=100)` on kraken, 1 s after the first scan; bid as given, ask one above."""
    books = {f"{base}/USDT": top(price, price + 1) for base, price in prices.items()}
    market = snapshot(kraken=venue("kraken", books, received_ms=NOW + at_ms))
    return replace(market, time_ms=NOW + at_ms)


def watch(*scans):
    """The frozen books of the last of these scans."""
    memory, frozen = {}, {}
    for scan in scans:
        memory, frozen = observe(unpack(orjson.loads(orjson.dumps(pack(memory)))), scan)
    return frozen


BTC = ("kraken", "BTC/USDT")


def test_a_lively_book_that_stops_is_frozen_after_a_few_of_its_habits():
    lively = [seen(second * 10_000, BTC=100 + second) for second in range(10)]
    still = [seen(90_000 + second * 10_000, BTC=109) for second in range(1, 5)]
    assert watch(*lively, *still[:3]) == {}
    assert watch(*lively, *still) == {BTC: 40_000}


def test_a_book_that_always_moved_slowly_may_stand_longer():
    slow = [seen(step * 120_000, BTC=100 + step) for step in range(5)]
    assert watch(*slow, seen(480_000 + 300_000, BTC=104)) == {}
    assert watch(*slow, seen(480_000 + 400_000, BTC=104)) == {BTC: 400_000}


def test_a_book_never_seen_to_change_is_frozen_only_after_a_long_time():
    assert watch(seen(0, BTC=100), seen(599_000, BTC=100)) == {}
    assert watch(seen(0, BTC=100), seen(601_000, BTC=100)) == {BTC: 601_000}


def test_what_was_frozen_teaches_little_of_a_habit():
    """A pause of an hour, then lively again: the next pause is noticed after minutes, not hours."""
    lively = [seen(step * 10_000, BTC=100 + step) for step in range(5)]
    after = [seen(3_640_000 + step * 10_000, BTC=200 + step) for step in range(10)]
    paused = seen(3_730_000 + 150_000, BTC=209)
    assert watch(*lively, *after, paused) == {BTC: 150_000}


def test_a_change_of_amount_or_of_the_venues_sequence_is_a_change():
    first = seen(0, BTC=100)
    amounts = replace(
        seen(601_000, BTC=100),
        venues={
            "kraken": replace(
                first.venues["kraken"], received_ms=NOW + 601_000, books={"BTC/USDT": top(100, 101, 7)}
            )
        },
    )
    assert watch(first, amounts) == {}
    counted = replace(
        amounts,
        venues={"kraken": replace(amounts.venues["kraken"], books={"BTC/USDT": top(100, 101, sequence=8)})},
    )
    assert watch(first, counted) == {}


def test_a_venue_that_is_out_for_a_while_is_remembered():
    out = replace(seen(300_000, BTC=100), venues={"kraken": venue("kraken", {}, status="timeout")})
    assert watch(seen(0, BTC=100), out, seen(601_000, BTC=100)) == {BTC: 601_000}


def test_one_sided_and_empty_books_are_remembered_too():
    empty = {"BTC/USDT": top(100, 101)._replace(bids=[], asks=[])}
    scans = [
        replace(snapshot(kraken=venue("kraken", empty, received_ms=NOW + at)), time_ms=NOW + at)
        for at in (0, 700_000)
    ]
    assert watch(*scans) == {BTC: 700_000}


def test_books_that_come_and_go_keep_their_own_history():
    with_both = seen(0, BTC=100, ETH=50)
    without = seen(300_000, ETH=50)
    again = seen(610_000, SOL=7, ETH=50, BTC=100)
    assert watch(with_both, without, again) == {("kraken", "ETH/USDT"): 610_000}


def test_tops_in_columns_are_known_again_as_books():
    plain = seen(0, BTC=100, ETH=50)
    books = plain.venues["kraken"].books
    columns = Tops(
        {symbol: row for row, symbol in enumerate(books)},
        ["100", "50"],
        ["101", "51"],
        [100.0, 50.0],
        [101.0, 51.0],
        ["10", "10"],
        ["10", "10"],
    )
    later = seen(601_000, BTC=100, ETH=51)
    in_columns = replace(plain, venues={"kraken": replace(plain.venues["kraken"], books=columns)})
    assert watch(in_columns, later) == watch(plain, later) == {BTC: 601_000}


def test_a_memory_packs_into_little_room_and_comes_back():
    books = {f"C{i}/USDT": top(100 + i, 101 + i) for i in range(2_000)}
    memory, _ = observe({}, snapshot(kraken=books))
    packed = orjson.dumps(pack(memory))
    assert len(packed) < 2_000 * 30
    assert unpack(orjson.loads(packed)) == memory


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"symbols": "A/B", "base_ms": 0, "prints": "!", "since_s": "", "habit_s": ""},
        {"symbols": "A/B", "base_ms": 0, "prints": "", "since_s": "", "habit_s": ""},
    ],
)
def test_a_memory_that_is_none_is_refused(broken):
    with pytest.raises(MalformedRecord, match=r"frozen\.kraken"):
        unpack({"kraken": broken})
