"""Every fault arrives at the real clients as the failure that the real venue would cause."""

import asyncio

import aiohttp
import ccxt
import pytest

from simulator import VENUES, SimulatorServer
from tests.simulator.conftest import TOP_PATHS, asking

RAISED = {
    ("binance", "rate_limited_429"): ccxt.DDoSProtection,
    ("binance", "banned_418"): ccxt.DDoSProtection,
    ("binance", "geo_451"): ccxt.ExchangeNotAvailable,
    ("binance", "forbidden_403_page"): ccxt.ExchangeNotAvailable,
    ("binance", "server_error_5xx"): ccxt.ExchangeNotAvailable,
    ("binance", "maintenance"): ccxt.ExchangeNotAvailable,
    ("bybit", "rate_limited_429"): ccxt.RateLimitExceeded,
    ("bybit", "banned_418"): ccxt.RateLimitExceeded,
    ("bybit", "geo_451"): ccxt.RateLimitExceeded,
    ("bybit", "forbidden_403_page"): ccxt.RateLimitExceeded,
    ("bybit", "server_error_5xx"): ccxt.ExchangeNotAvailable,
    ("bybit", "maintenance"): ccxt.ExchangeNotAvailable,
    ("gateio", "rate_limited_429"): ccxt.RateLimitExceeded,
    ("gateio", "banned_418"): ccxt.RateLimitExceeded,
    ("gateio", "geo_451"): ccxt.PermissionDenied,
    ("gateio", "forbidden_403_page"): ccxt.ExchangeNotAvailable,
    ("gateio", "server_error_5xx"): ccxt.ExchangeNotAvailable,
    ("gateio", "maintenance"): ccxt.ExchangeNotAvailable,
    ("kraken", "rate_limited_429"): ccxt.DDoSProtection,
    ("kraken", "banned_418"): ccxt.DDoSProtection,
    ("kraken", "geo_451"): ccxt.ExchangeNotAvailable,
    ("kraken", "forbidden_403_page"): ccxt.ExchangeNotAvailable,
    ("kraken", "server_error_5xx"): ccxt.ExchangeNotAvailable,
    ("kraken", "maintenance"): ccxt.ExchangeNotAvailable,
}


@pytest.mark.parametrize("venue", VENUES)
async def test_a_venue_that_refuses_or_breaks_raises_what_ccxt_makes_of_it(venue, client, fetch_tops, server):
    async with client(venue) as exchange:
        for (where, fault), expected in RAISED.items():
            if where != venue:
                continue
            server.set_fault(venue, fault, retry_after_s=30)
            with pytest.raises(ccxt.BaseError) as raised:
                await fetch_tops(exchange, venue)
            assert type(raised.value) is expected, fault
        server.set_fault(venue, "none")
        assert await fetch_tops(exchange, venue)


@pytest.mark.parametrize("venue", VENUES)
async def test_a_venue_that_does_not_answer_times_out(venue, client, fetch_tops, server):
    server.set_fault(venue, "time_out")
    async with client(venue, timeout_ms=150) as exchange:
        with pytest.raises(ccxt.RequestTimeout):
            await fetch_tops(exchange, venue)


def is_a_sweep(venue, response):
    """The type and row count that a careful mapper asks for."""
    rows = response
    if venue == "bybit":
        rows = response.get("result", {}).get("list") if isinstance(response, dict) else None
    elif venue == "kraken":
        rows = response.get("result") if isinstance(response, dict) else None
    wanted = dict if venue == "kraken" else list
    return isinstance(rows, wanted) and len(rows) > 100


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("fault", ["truncated_body", "empty_body", "html_body", "wrong_type"])
async def test_a_spoilt_body_is_never_a_market(venue, fault, client, fetch_tops, server):
    async with client(venue) as exchange:
        assert is_a_sweep(venue, await fetch_tops(exchange, venue))
        server.set_fault(venue, fault)
        try:
            spoilt = await fetch_tops(exchange, venue)
        except (ccxt.BaseError, AttributeError, IndexError):
            return
        assert not is_a_sweep(venue, spoilt)


async def test_a_truncated_body_silently_becomes_nothing_on_three_venues(client, fetch_tops, server):
    for venue in ("binance", "bybit", "kraken"):
        server.set_fault(venue, "truncated_body")
        async with client(venue) as exchange:
            try:
                found = await fetch_tops(exchange, venue)
            except ccxt.BaseError as error:
                found = error
            assert not isinstance(found, list), venue
            assert not is_a_sweep(venue, found), venue


@pytest.mark.parametrize("venue", VENUES)
async def test_a_frozen_venue_serves_old_books_with_a_fresh_server_time(
    venue, client, fetch_tops, server, clock
):
    async with client(venue) as exchange:
        await exchange.load_markets()
        before, book = await fetch_tops(exchange, venue), await exchange.fetch_order_book("BTC/USDT", 20)
        server.set_fault(venue, "frozen")
        clock.now_ms += 120_000
        frozen, frozen_book = (
            await fetch_tops(exchange, venue),
            await exchange.fetch_order_book("BTC/USDT", 20),
        )
        assert frozen_book["bids"] == book["bids"]
        assert abs(await exchange.fetch_time() - clock.now_ms) < 1000
        if venue == "bybit":
            assert frozen["result"] == before["result"]
            assert frozen["time"] == clock.now_ms
            assert frozen_book["timestamp"] == clock.now_ms - 120_000
        else:
            assert frozen == before
        server.set_fault(venue, "none")
        assert (await exchange.fetch_order_book("BTC/USDT", 20))["bids"] != book["bids"]


async def test_a_fault_of_one_venue_leaves_the_others_alone(client, fetch_tops, server):
    server.set_fault("kraken", "maintenance")
    for venue in ("binance", "bybit", "gateio"):
        async with client(venue) as exchange:
            assert is_a_sweep(venue, await fetch_tops(exchange, venue))


async def test_a_fault_ends_after_the_requests_it_was_given_for(ask, server):
    server.set_fault("binance", "rate_limited_429", requests=2)
    statuses = [(await ask("/api/v3/ping")).status for _ in range(4)]
    assert statuses == [429, 429, 200, 200]
    assert server.faults.as_json()["binance"]["fault"] == "none"


async def test_a_fault_can_hit_one_endpoint_alone(ask, server):
    server.set_fault("binance", "server_error_5xx", path="/depth")
    assert (await ask(TOP_PATHS["binance"])).status == 200
    assert (await ask("/api/v3/depth?symbol=BTCUSDT")).status == 502


async def test_the_wait_is_told_where_each_venue_tells_it(ask, server, clock):
    for venue in VENUES:
        server.set_fault(venue, "rate_limited_429", retry_after_s=45)
    headers = {venue: (await ask(path)).headers for venue, path in TOP_PATHS.items()}
    assert headers["binance"]["Retry-After"] == "45"
    assert int(headers["bybit"]["X-Bapi-Limit-Reset-Timestamp"]) == clock.now_ms + 45_000
    assert headers["gateio"]["Retry-After"] == "45"
    assert int(headers["gateio"]["X-Gate-RateLimit-Reset-Timestamp"]) == (clock.now_ms + 45_000) // 1000
    assert "Retry-After" not in headers["kraken"]


async def test_a_ban_says_until_when(ask, server, clock):
    server.set_fault("binance", "banned_418", retry_after_s=60)
    response = await ask("/api/v3/ping")
    assert response.status == 418
    assert str(clock.now_ms + 60_000) in response.json()["msg"]
    assert response.headers["Retry-After"] == "60"


async def test_faults_are_switched_and_shown_over_http(ask):
    body = {"venue": "gateio", "fault": "maintenance", "requests": 1}
    shown = (await ask("/simulator/faults", "POST", json=body)).json()
    assert shown["gateio"] == {"fault": "maintenance", "retry_after_s": None, "requests": 1, "path": None}
    assert (await ask("/api/v4/spot/time")).status == 503
    shown = (await ask("/simulator/faults")).json()
    assert {state["fault"] for state in shown.values()} == {"none"}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{", "not JSON"),
        (b"[]", "send an object"),
        (b'{"venue": "gateio"}', "must both be text"),
        (b'{"venue": "coinbase", "fault": "none"}', "'coinbase'"),
        (b'{"venue": "gateio", "fault": "explodes"}', "'explodes'"),
        (b'{"venue": "gateio", "fault": "none", "minutes": 3}', "minutes"),
        (b'{"venue": "gateio", "fault": "time_out", "requests": 0}', "above 0"),
        (b'{"venue": "gateio", "fault": "time_out", "requests": "2"}', "'2'"),
        (b'{"venue": "gateio", "fault": "time_out", "retry_after_s": -1}', "0 to 86400"),
        (b'{"venue": "gateio", "fault": "time_out", "path": 5}', "part of a path"),
    ],
)
async def test_a_wrong_fault_is_refused_with_what_is_wrong(body, named, ask, server):
    response = await ask("/simulator/faults", "POST", data=body)
    assert response.status == 400
    assert named in response.json()["error"]
    assert {state["fault"] for state in server.faults.as_json().values()} == {"none"}


async def test_stopping_releases_a_request_that_hangs(world, clock):
    server = SimulatorServer(world, clock)
    await server.start()
    server.set_fault("binance", "time_out")
    async with aiohttp.ClientSession(server.base_url) as session:
        hanging = asyncio.ensure_future(asking(session)("/api/v3/ping"))
        await asyncio.wait([hanging], timeout=0.1)
        assert not hanging.done()
        await server.stop()
        assert (await asyncio.wait_for(hanging, 5)).status in {200, 503}
