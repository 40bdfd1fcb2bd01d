from __future__ import annotations

import asyncio
import gzip
import logging
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from shared.adapters.venues import bounded
from shared.adapters.venues.cooldown import PARTITION
from shared.errors import (
    StorageError,
    VenueBanned,
    VenueError,
    VenueLied,
    VenueRateLimited,
    VenueTimeout,
    VenueUnavailable,
)
from shared.ports import VenueQuotes

QUOTES = {
    "binance": "/api/v3/ticker/bookTicker",
    "bybit": "/v5/market/tickers",
    "gateio": "/api/v4/spot/tickers",
    "kraken": "/0/public/Ticker",
}


async def quote(market, venue):
    return (await market.quotes([venue]))[venue]


@pytest.mark.parametrize("venue", QUOTES)
@pytest.mark.parametrize("status", [500, 502, 503, 520])
async def test_a_venue_that_breaks_down_is_asked_once_more_and_then_is_unavailable(
    small, venues, reply, venue, status
):
    venues.serve(QUOTES[venue], reply("<html>Bad gateway</html>", status=status, content_type="text/html"))

    answer = await quote(small, venue)

    assert type(answer) is VenueUnavailable
    assert str(status) in answer.message
    assert venues.count(QUOTES[venue]) == 2


@pytest.mark.parametrize("venue", QUOTES)
async def test_a_venue_that_recovers_at_the_second_attempt_answers(small, venues, reply, small_market, venue):
    venues.serve(QUOTES[venue], reply("no", status=503), small_market[QUOTES[venue]])

    assert isinstance(await quote(small, venue), VenueQuotes)


async def test_silence_is_a_time_out_after_one_more_attempt(venues, connect, small, reply):
    impatient = connect(time_out_ms=100)
    impatient.restore(await small.reference(["gateio"]))
    venues.serve(QUOTES["gateio"], reply([], delay_s=1.0))

    answer = await quote(impatient, "gateio")

    assert type(answer) is VenueTimeout
    assert venues.count(QUOTES["gateio"]) == 2


async def test_silence_beyond_what_a_tick_can_wait_is_the_venues(venues, connect, small, reply):
    hurried = connect(quotes_within_ms=200)
    hurried.restore(await small.reference(["gateio"]))
    venues.serve(QUOTES["gateio"], reply([], delay_s=1.0))

    answer = await quote(hurried, "gateio")

    assert type(answer) is VenueTimeout
    assert answer.message == "no tops of book within 0.2 s"


async def test_a_rate_limit_that_leaves_no_room_is_ours_and_not_the_venues(
    venues, connect, small, small_market
):
    hurried = connect(quotes_within_ms=200)
    hurried.restore(await small.reference(["kraken"]))
    venues.serve(QUOTES["kraken"], small_market[QUOTES["kraken"]])

    answers = [await quote(hurried, "kraken") for _ in range(12)]

    assert {type(answer) for answer in answers} == {VenueQuotes, VenueRateLimited}
    assert answers[-1].message == "our rate limit left no room for tops of book within 0.2 s"
    assert venues.count(QUOTES["kraken"]) == sum(isinstance(answer, VenueQuotes) for answer in answers)


async def test_books_that_wait_behind_a_silent_venue_wait_for_the_venue(venues, listed, reply):
    venues.serve("/api/v3/depth", reply({}, delay_s=2.0))
    market, wanted = await listed("binance", 12, books_within_ms=300)

    books = await market.order_books(wanted)

    assert {type(book) for book in books.values()} == {VenueTimeout}


@pytest.mark.parametrize("encoding", [None, "gzip"])
async def test_a_body_that_would_fill_the_memory_is_cut_off(small, venues, reply, monkeypatch, encoding):
    monkeypatch.setattr(bounded, "LARGEST_ANSWER", 100_000)
    body = b"[" + b" " * 200_000 + b"]"
    headers = {}
    if encoding:
        body, headers = gzip.compress(body), {"Content-Encoding": "gzip"}
    venues.serve(QUOTES["gateio"], reply(body, headers=headers))

    answer = await quote(small, "gateio")

    assert type(answer) is VenueLied
    assert answer.message == "answered with more than 100000 bytes"


async def test_nobody_listening_is_unavailable(connect, small):
    references = await small.reference(["kraken"])
    deaf = connect(base_url="http://127.0.0.1:9")
    deaf.restore(references)

    answer = await quote(deaf, "kraken")

    assert type(answer) is VenueUnavailable
    assert "127.0.0.1" not in answer.message


async def test_a_name_that_cannot_be_resolved_asks_about_the_network(connect, small):
    references = await small.reference(["kraken"])
    lost = connect(base_url="http://nowhere.invalid:9")
    lost.restore(references)

    answer = await quote(lost, "kraken")

    assert type(answer) is VenueUnavailable
    assert answer.message == (
        "gave no answer: its name cannot be resolved; is there a network? (no proxy is used)"
    )


@pytest.mark.parametrize("venue", QUOTES)
@pytest.mark.parametrize(("status", "rest_s"), [(429, 60), (418, 300), (403, 3600), (451, 3600)])
async def test_a_venue_that_sends_us_away_is_not_asked_again_until_it_may(
    small, venues, reply, clock, state, venue, status, rest_s
):
    page = "<html><head><title>Restricted location</title></head></html>"
    venues.serve(QUOTES[venue], reply(page, status=status, content_type="text/html"))

    before = clock.now_ms()
    first, second = await quote(small, venue), await quote(small, venue)

    assert type(first) is type(second) is VenueBanned
    assert before + rest_s * 1000 <= first.retry_at_ms <= clock.now_ms() + rest_s * 1000
    assert second.retry_at_ms == first.retry_at_ms
    assert venues.count(QUOTES[venue]) == 1
    assert (await state.get(PARTITION, venue)).value == {
        "retry_at_ms": first.retry_at_ms,
        "error": first.message,
    }


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_says_how_long_the_venue_rests(small, venues, reply, clock, form):
    until = datetime.fromtimestamp(clock.now_ms() // 1000 + 17, UTC)
    wish = "17" if form == "seconds" else format_datetime(until, usegmt=True)
    venues.serve(QUOTES["binance"], reply({"code": -1003}, status=429, headers={"Retry-After": wish}))

    answer = await quote(small, "binance")

    assert abs(answer.retry_at_ms - clock.now_ms() - 17_000) < 1_500


@pytest.mark.parametrize(("wish", "rest_s"), [("soon", 60), ("0", 1), ("99999999", 3 * 86_400)])
async def test_an_unusable_retry_after_is_bounded(small, venues, reply, clock, wish, rest_s):
    venues.serve(QUOTES["binance"], reply({"code": -1003}, status=429, headers={"Retry-After": wish}))

    answer = await quote(small, "binance")

    assert abs(answer.retry_at_ms - clock.now_ms() - rest_s * 1000) < 1_000


@pytest.mark.parametrize(
    ("venue", "body", "kind"),
    [
        ("kraken", {"error": ["EAPI:Rate limit exceeded"]}, VenueBanned),
        ("kraken", {"error": ["EGeneral:Temporary lockout"]}, VenueBanned),
        ("kraken", {"error": ["EGeneral:Too many requests"]}, VenueBanned),
        ("kraken", {"error": ["EService:Unavailable"]}, VenueUnavailable),
        ("kraken", {"error": ["EService:Busy"]}, VenueUnavailable),
        ("kraken", {"error": ["EService:Market in cancel_only mode"]}, VenueUnavailable),
        ("kraken", {"error": ["EGeneral:Invalid arguments"]}, VenueError),
        ("bybit", {"retCode": 10006, "retMsg": "Too many visits!"}, VenueBanned),
        ("bybit", {"retCode": 10018, "retMsg": "Out of the ip rate limit."}, VenueBanned),
        ("bybit", {"retCode": 10001, "retMsg": "params error"}, VenueError),
        ("gateio", {"label": "TOO_MANY_REQUESTS", "message": "slow down"}, VenueBanned),
        ("gateio", {"label": "TOO_BUSY", "message": "busy"}, VenueUnavailable),
        ("gateio", {"label": "INVALID_PARAM_VALUE", "message": "no"}, VenueError),
    ],
)
async def test_an_error_told_in_a_200_answer_counts_as_what_it_means(small, venues, venue, body, kind):
    venues.serve(QUOTES[venue], body)

    answer = await quote(small, venue)

    assert type(answer) is kind
    assert venues.count(QUOTES[venue]) == (2 if kind is VenueUnavailable else 1)


async def test_every_instance_knows_of_a_ban(small, venues, reply, connect):
    other = connect()
    other.restore(await small.reference(["bybit"]))
    venues.serve(QUOTES["bybit"], reply("no", status=403))
    await quote(small, "bybit")

    answer = await quote(other, "bybit")

    assert type(answer) is VenueBanned
    assert venues.count(QUOTES["bybit"]) == 1


async def test_a_ban_of_one_market_is_none_of_another(small, venues, reply, connect, small_references):
    other = connect(partition="live-cooldown")
    other.restore(small_references)
    venues.serve(QUOTES["bybit"], reply("no", status=403, headers={"Retry-After": "60"}))
    await quote(small, "bybit")
    await quote(other, "bybit")

    assert venues.count(QUOTES["bybit"]) == 2


async def test_a_ban_covers_books_and_instruments_too(small, venues, reply):
    venues.serve(QUOTES["bybit"], reply("no", status=403))
    await quote(small, "bybit")

    books = await small.order_books([("bybit", "BTC/USDT")])
    references = await small.reference(["bybit"])

    assert type(books["bybit", "BTC/USDT"]) is type(references["bybit"]) is VenueBanned
    assert list(venues.requests) == [QUOTES["bybit"]]


async def test_a_venue_is_asked_again_once_its_time_is_up(small, venues, clock, state):
    await state.replace(PARTITION, "bybit", {"retry_at_ms": clock.now_ms() + 60_000, "error": "429"})
    assert type(await quote(small, "bybit")) is VenueBanned

    await state.replace(PARTITION, "bybit", {"retry_at_ms": clock.now_ms() - 1, "error": "429"})
    assert isinstance(await quote(small, "bybit"), VenueQuotes)


async def test_a_shorter_ban_does_not_shorten_a_longer_one(small, venues, reply, state, clock):
    venues.serve("/api/v3/depth", reply("", status=418, headers={"Retry-After": "500"}, delay_s=0.2))
    venues.serve(QUOTES["binance"], reply("", status=429, headers={"Retry-After": "5"}, delay_s=0.3))

    await asyncio.gather(small.order_books([("binance", "BTC/USDT")]), small.quotes(["binance"]))

    entry = await state.get(PARTITION, "binance")
    assert entry.value["retry_at_ms"] > clock.now_ms() + 400_000


async def test_the_state_is_read_once_a_tick(small, state):
    state.reads = 0

    await small.quotes(("binance", "bybit", "gateio", "kraken"))
    await small.order_books([("binance", "BTC/USDT"), ("bybit", "BTC/USDT")])

    assert state.reads == 1


async def test_a_state_that_cannot_be_read_is_no_fault_of_a_venue(connect, state, monkeypatch):
    async def refuse(*_):
        raise StorageError("state: cannot be read")

    monkeypatch.setattr(state, "entries", refuse)

    with pytest.raises(StorageError):
        await connect().quotes(["binance"])


async def test_a_client_error_is_neither_retried_nor_a_ban(small, venues, reply, state):
    venues.serve(QUOTES["gateio"], reply({"message": "no"}, status=404))

    answer = await quote(small, "gateio")

    assert type(answer) is VenueError
    assert venues.count(QUOTES["gateio"]) == 1
    assert await state.get(PARTITION, "gateio") is None


async def test_an_error_is_one_short_line_without_addresses_or_markup(small, venues, reply):
    page = f"<html><body>\n<p>Sorry, see https://example.com/?signature=abc {'x' * 500}</p></body></html>"
    venues.serve(QUOTES["gateio"], reply(page, status=503, content_type="text/html"))

    message = (await quote(small, "gateio")).message

    assert message.startswith("503 Service Unavailable Sorry, see xxx")
    assert len(message) <= 160
    assert "http" not in message
    assert "<" not in message


async def test_ccxt_logs_no_request_even_where_everything_is_logged(small, caplog):
    with caplog.at_level(logging.DEBUG):
        await small.quotes(["binance"])

    assert not [record for record in caplog.records if "Request" in record.getMessage()]
