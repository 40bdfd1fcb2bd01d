from __future__ import annotations

import asyncio
import subprocess
import sys
from email.utils import formatdate
from importlib.metadata import version
from pathlib import Path

import pytest

from shared.adapters.venues.clients import Clients, clock_drift_ms
from shared.adapters.venues.cooldown import Cooldowns
from shared.adapters.venues.options import PUBLIC_HOSTS, ClientOptions
from shared.domain.market import VENUE_IDS as VENUES
from shared.ports import VenueQuotes

ROOT = Path(__file__).parents[2]


def run_python(code):
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def addresses(urls):
    for url in urls.values():
        yield from addresses(url) if isinstance(url, dict) else [url]


@pytest.fixture
async def open_clients(state, clock):
    opened = []

    def open_them(**options):
        settings = {"base_url": None, "public_hosts": PUBLIC_HOSTS, **options}
        client_options = ClientOptions(**settings, time_out_ms=2000, aliases={}, rest_s={})
        opened.append(Clients(clock, Cooldowns(state, clock), client_options))
        return opened[-1]

    yield open_them
    for clients in opened:
        await clients.close()


def test_the_adapter_is_tested_with_this_version_of_ccxt():
    assert version("ccxt") == "4.5.90"


def test_only_the_four_exchanges_are_imported():
    loaded = run_python(
        "import sys; from shared.adapters.venues import imports;"
        "print(*(m for m in sys.modules if m.startswith('ccxt.async_support.') and m.count('.') == 2))"
    )

    assert sorted(loaded) == [
        "ccxt.async_support.base",
        "ccxt.async_support.binance",
        "ccxt.async_support.bybit",
        "ccxt.async_support.gate",
        "ccxt.async_support.kraken",
    ]


def test_a_ccxt_that_is_loaded_already_is_used_as_it_is():
    assert run_python(
        "import ccxt.async_support as whole; from shared.adapters.venues.imports import EXCHANGES, errors;"
        "print(EXCHANGES['kraken'] is whole.kraken, errors.BaseError is whole.BaseError)"
    ) == ["True", "True"]


def test_making_the_adapter_imports_neither_ccxt_nor_aiohttp():
    assert run_python(
        "import sys; from shared.adapters.venues import CcxtMarketData;"
        "CcxtMarketData(None, None);"
        "print('ccxt' in sys.modules, 'aiohttp' in sys.modules)"
    ) == ["False", "False"]


def test_who_imports_ccxt_later_finds_the_four_exchanges():
    assert run_python(
        "from shared.adapters.venues.imports import EXCHANGES; import ccxt.async_support as later;"
        "print(later.gate is EXCHANGES['gate'], later.NetworkError.__name__, later.__version__)"
    ) == ["True", "NetworkError", "4.5.90"]


async def test_every_address_of_every_client_is_at_the_simulator(open_clients):
    clients = open_clients(base_url="http://127.0.0.1:7777/")

    for client in [opened(venue) for venue in VENUES for opened in (clients.quick, clients.slow)]:
        found = list(addresses(client.exchange.urls["api"]))
        assert found
        assert all(url.startswith("http://127.0.0.1:7777") for url in found)
        assert not [url for url in found if url.endswith("/") or "{" in url]


async def test_public_data_of_binance_come_from_its_own_host_and_signed_requests_go_to_the_exchange(
    open_clients,
):
    clients = open_clients()
    urls = {venue: clients.quick(venue).exchange.urls["api"] for venue in VENUES}

    assert urls["binance"]["public"] == "https://data-api.binance.vision/api/v3"
    assert urls["binance"]["sapi"] == "https://api.binance.com/sapi/v1"
    assert urls["bybit"]["public"] == "https://api.bybit.com"
    assert urls["gateio"]["public"]["spot"] == "https://api.gateio.ws/api/v4"
    assert urls["kraken"]["public"] == "https://api.kraken.com"


async def test_a_host_for_public_data_can_be_set_for_each_venue(open_clients):
    clients = open_clients(public_hosts={"gateio": "gate.example", "bybit": "api.bytick.com"})
    gateio, bybit = (clients.quick(venue).exchange.urls["api"] for venue in ("gateio", "bybit"))

    assert gateio["public"]["spot"] == "https://gate.example/api/v4"
    assert gateio["private"]["wallet"] == "https://api.gateio.ws/api/v4"
    assert bybit["public"] == "https://api.bytick.com"


async def test_the_clients_share_one_session_and_keep_their_connections(small, venues):
    for _ in range(3):
        await small.quotes(VENUES)

    requests = [request for made in venues.requests.values() for request in made]
    sources = {request.transport.get_extra_info("peername") for request in requests if request.transport}
    assert len(requests) == 12
    # the first test of a run asks for the instruments too, five requests at once
    assert len(sources) <= 5


def test_one_adapter_serves_several_event_loops_one_after_another():
    served = run_python("""
import asyncio, time
from shared.adapters.venues import CcxtMarketData
class Nothing:
    async def entries(self, *_): return []

class Clock:
    def now_ms(self): return int(time.time() * 1000)

market = CcxtMarketData(Nothing(), Clock(), base_url="http://127.0.0.1:9")
market._symbols["kraken"] = {"XXBTZUSD": "BTC/USD"}

async def tick():
    answer = (await market.quotes(["kraken"]))["kraken"]
    await market.close()
    return type(answer).__name__, answer.message

for _ in range(2):
    print(asyncio.run(tick())[0])
""")

    assert served == ["VenueUnavailable", "VenueUnavailable"]


async def test_an_adapter_that_never_asked_anything_can_be_closed(connect):
    await connect().close()


async def test_a_closed_adapter_connects_anew(small):
    await small.close()

    assert isinstance((await small.quotes(["bybit"]))["bybit"], VenueQuotes)


async def test_several_ticks_at_once_share_the_clients(small, venues):
    answers = await asyncio.gather(*(small.quotes(["binance"]) for _ in range(5)))

    assert all(isinstance(answer["binance"], VenueQuotes) for answer in answers)


@pytest.mark.parametrize(
    ("server_ms", "resolution_ms", "drift_ms"),
    [
        (1_000, 1_000, 0),
        (1_500, 1, 0),
        (1_400, 1, 0),
        (1_600, 1, 0),
        (2_600, 1, 1_000),
        (400, 1, -999),
        (0, 1_000, -400),
        (7_000, 1_000, 5_400),
    ],
)
def test_a_clock_drifts_by_at_least_what_the_time_on_the_wire_cannot_explain(
    server_ms, resolution_ms, drift_ms
):
    assert clock_drift_ms(server_ms, resolution_ms, sent_ms=1_400, received_ms=1_600) == drift_ms


@pytest.mark.parametrize(
    ("ahead_s", "least_ms", "most_ms"), [(0, 0, 0), (90, 88_000, 91_000), (-90, -91_000, -88_000)]
)
async def test_the_clock_drift_is_measured_by_the_date_of_the_answer(
    small, venues, reply, small_market, clock, ahead_s, least_ms, most_ms
):
    path = "/0/public/Ticker"
    date = formatdate(clock.now_ms() / 1000 + ahead_s, usegmt=True)
    venues.serve(path, reply(small_market[path], headers={"Date": date}))

    drift_ms = (await small.quotes(["kraken"]))["kraken"].clock_drift_ms

    assert least_ms <= drift_ms <= most_ms


async def test_the_clock_drift_of_bybit_is_measured_in_milliseconds(small, venues, small_market, clock):
    path = "/v5/market/tickers"
    venues.serve(path, {**small_market[path], "time": clock.now_ms() - 5_000})

    drift_ms = (await small.quotes(["bybit"]))["bybit"].clock_drift_ms

    assert -6_000 < drift_ms < -4_000
