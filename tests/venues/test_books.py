from __future__ import annotations

from shared.domain.market import BookText
from shared.errors import VenueBanned, VenueError, VenueLied, VenueRateLimited


def book_of(venues, path):
    return venues.requests[path][0].query


async def test_books_keep_the_texts_of_the_wire_with_the_time_and_number_that_the_venue_gives(small):
    books = await small.order_books(
        [("binance", "BTC/USDT"), ("bybit", "BTC/USDT"), ("gateio", "BTC/USDT"), ("kraken", "BTC/USD")]
    )
    received = {venue: book.received_ms for (venue, _), book in books.items()}

    assert books["binance", "BTC/USDT"] == BookText(
        [["60000.00", "0.5"]], [["60000.01", "0.4"]], None, received["binance"], 7
    )
    assert books["bybit", "BTC/USDT"] == BookText(
        [["60001", "1"]], [["60002", "2"]], 1700000000120, received["bybit"], 9
    )
    assert books["gateio", "BTC/USDT"] == BookText(
        [["60003.1", "1"]], [["60003.2", "2"]], 1700000000200, received["gateio"], 11
    )
    assert books["kraken", "BTC/USD"].bids == [["60005.10000", "2.500"]]
    assert books["kraken", "BTC/USD"].asks == [["60005.20000", "1.500"]]


async def test_a_book_of_the_venue_can_be_parsed(small):
    books = await small.order_books([("kraken", "BTC/USD")])

    assert books["kraken", "BTC/USD"].parse("kraken", "BTC/USD").bids[0].price.as_tuple().digits[:5] == (
        6,
        0,
        0,
        0,
        5,
    )


async def test_a_kraken_book_is_undated_while_any_level_is_recent_and_dated_by_its_newest_when_all_are_old(
    small, venues, clock
):
    now_s = clock.now_ms() // 1000

    def depth(*ages_s):
        levels = [[str(60000 - n), "1", now_s - age] for n, age in enumerate(ages_s)]
        return {"error": [], "result": {"XXBTZUSD": {"bids": levels, "asks": []}}}

    venues.serve("/0/public/Depth", depth(600, 3, 900), depth(600, 45, 900))

    quiet = (await small.order_books([("kraken", "BTC/USD")]))["kraken", "BTC/USD"]
    dead = (await small.order_books([("kraken", "BTC/USD")]))["kraken", "BTC/USD"]

    assert quiet.time_ms is None
    assert dead.time_ms == (now_s - 45) * 1000


async def test_the_wanted_depth_is_asked_for_within_what_the_venue_gives(venues, connect, small):
    deep = connect(levels=400)
    deep.restore(await small.reference(("binance", "bybit")))

    await small.order_books([("kraken", "BTC/USD"), ("gateio", "BTC/USDT")])
    await deep.order_books([("binance", "BTC/USDT"), ("bybit", "BTC/USDT")])

    assert book_of(venues, "/0/public/Depth")["count"] == "50"
    assert book_of(venues, "/api/v4/spot/order_book")["limit"] == "50"
    assert book_of(venues, "/api/v3/depth")["limit"] == "400"
    assert book_of(venues, "/v5/market/orderbook")["limit"] == "200"


async def test_each_pair_gets_its_own_answer(small, venues, reply):
    venues.serve("/api/v3/depth", reply(b'{"lastUpdateId":7,"bids":[["600'))

    books = await small.order_books([("binance", "BTC/USDT"), ("binance", "OLD/USDT"), ("bybit", "BTC/USDT")])

    assert isinstance(books["binance", "BTC/USDT"], VenueLied)
    assert "lists no OLD/USDT" in books["binance", "OLD/USDT"].message
    assert isinstance(books["bybit", "BTC/USDT"], BookText)


async def test_the_same_pair_is_asked_for_once(small, venues):
    await small.order_books([("binance", "BTC/USDT"), ("binance", "BTC/USDT")])

    assert venues.count("/api/v3/depth") == 1


async def test_an_old_gate_book_without_times_still_reads(small, venues):
    venues.serve("/api/v4/spot/order_book", {"id": 5, "bids": [["1", "2"]], "asks": [["3", "4"]]})

    book = (await small.order_books([("gateio", "BTC/USDT")]))["gateio", "BTC/USDT"]

    assert (book.time_ms, book.sequence) == (None, 5)


async def test_only_as_many_books_are_asked_for_as_leave_the_rate_limit_room_the_first_ones_first(
    venues, listed, small_market
):
    venues.serve("/0/public/Depth", small_market["/0/public/Depth"])
    market, wanted = await listed("kraken", 12, books_within_ms=400)

    books = await market.order_books(wanted)

    # ten weights in ten seconds, a book takes 1.2, and the next tops of book must not wait
    assert [symbol for _, symbol in books] == [f"A{n}/USD" for n in range(5)]
    assert all(isinstance(book, BookText) for book in books.values())


async def test_books_that_the_rate_limit_leaves_no_room_for_are_given_up_in_time(
    venues, listed, small_market
):
    venues.serve("/0/public/Depth", small_market["/0/public/Depth"])
    market, wanted = await listed("kraken", 5, books_within_ms=400)

    first, second = await market.order_books(wanted), await market.order_books(wanted)

    assert all(isinstance(book, BookText) for book in first.values())
    given_up = [book for book in second.values() if isinstance(book, VenueError)]
    assert given_up
    assert all(isinstance(error, VenueRateLimited) for error in given_up)
    assert "rate limit" in given_up[0].message


async def test_a_ban_in_the_middle_of_the_books_stops_the_rest(venues, listed, reply):
    venues.serve("/api/v3/depth", reply({"code": -1003, "msg": "Too much"}, status=429))
    market, wanted = await listed("binance", 20)

    books = await market.order_books(wanted)

    assert all(isinstance(book, VenueBanned) for book in books.values())
    assert venues.count("/api/v3/depth") <= 4
