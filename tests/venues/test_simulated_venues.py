"""The adapter in front of the simulated venues: whole markets, every fault, signed requests."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.domain.market import VENUE_IDS as VENUES
from shared.domain.market import BookText, FeeAsset
from shared.errors import VenueBanned, VenueError, VenueLied, VenueTimeout, VenueUnavailable
from shared.ports import VenueQuotes
from simulator import DEMO_API_KEY, DEMO_API_SECRET, SimulatorServer, World


@pytest.fixture(scope="module")
def world():
    return World(seed=7)


@pytest.fixture
async def simulator(world):
    async with SimulatorServer(world) as running:
        yield running


@pytest.fixture(scope="module")
def simulated_references():
    return {}


@pytest.fixture
async def simulated(simulator, connect, simulated_references):
    """An adapter in front of the simulator that knows its instruments."""
    market = connect(base_url=simulator.base_url, time_out_ms=5000)
    if not simulated_references:
        simulated_references.update(await market.reference(VENUES))
        failed = [item for item in simulated_references.values() if isinstance(item, Exception)]
        assert not failed
    market.restore(simulated_references)
    return market


class DemoKeys:
    async def get(self, name):
        return DEMO_API_KEY if name.endswith("-key") else DEMO_API_SECRET


async def test_every_simulated_instrument_is_known_and_quoted(simulated, simulated_references, world):
    quotes = await simulated.quotes(VENUES)

    for venue in VENUES:
        listed = {item.symbol for item in world.by_venue[venue]}
        known = simulated_references[venue].instruments
        tradable = {symbol for symbol, item in known.items() if item.tradable}
        assert len(known) == len(listed)
        assert len(quotes[venue].books.keys() & tradable) > 0.95 * len(tradable)
        assert quotes[venue].clock_drift_ms == 0


async def test_every_simulated_quote_is_a_book_that_holds_together(simulated):
    for venue, quotes in (await simulated.quotes(VENUES)).items():
        for symbol, book in quotes.books.items():
            book.parse(venue, symbol)


async def test_the_renamed_ticker_of_gate_is_another_asset(simulated_references, simulated):
    assert "GTC/USDT" in simulated_references["binance"].instruments
    assert "GTC/USDT" not in simulated_references["gateio"].instruments
    assert "GAMECOM/USDT" in simulated_references["gateio"].instruments


async def test_fees_are_known_where_a_venue_states_them_publicly(simulated, simulated_references):
    fees = {
        venue: (
            reference.instruments["BTC/USDT"].taker_bps,
            reference.instruments["BTC/USDT"].fee_asset,
        )
        for venue, reference in simulated_references.items()
    }

    assert fees == {
        "binance": (None, FeeAsset.RECEIVED),
        "bybit": (None, FeeAsset.RECEIVED),
        "gateio": (Decimal(10), FeeAsset.RECEIVED),
        "kraken": (Decimal(40), FeeAsset.QUOTE),
    }


async def test_books_in_depth_hold_together_and_are_fresh(simulated, clock):
    wanted = [(venue, symbol) for venue in VENUES for symbol in ("BTC/USDT", "ETH/USDT")]

    books = await simulated.order_books(wanted)

    for (venue, symbol), book in books.items():
        parsed = book.parse(venue, symbol)
        assert len(parsed.bids) == len(parsed.asks) == 50
        assert clock.now_ms() - (parsed.time_ms or parsed.received_ms) < 3_000


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("rate_limited_429", VenueBanned),
        ("banned_418", VenueBanned),
        ("geo_451", VenueBanned),
        ("forbidden_403_page", VenueBanned),
        ("server_error_5xx", VenueUnavailable),
        ("maintenance", VenueUnavailable),
        ("truncated_body", VenueLied),
        ("empty_body", VenueLied),
        ("html_body", VenueLied),
        ("wrong_type", VenueLied),
    ],
)
async def test_a_fault_of_a_venue_is_the_right_error_of_that_venue_alone(
    simulated, simulator, venue, fault, kind
):
    simulator.set_fault(venue, fault)
    before = simulator.requests_served[venue]

    quotes = await simulated.quotes(VENUES)
    books = await simulated.order_books([(venue, "BTC/USDT")])

    expected = VenueError if (venue, fault) == ("bybit", "wrong_type") else kind
    assert type(quotes[venue]) is type(books[venue, "BTC/USDT"]) is expected
    assert quotes[venue].message
    assert all(isinstance(quotes[other], VenueQuotes) for other in VENUES if other != venue)
    requests = {VenueBanned: 1, VenueUnavailable: 4}.get(kind, 2)
    assert simulator.requests_served[venue] - before == requests


@pytest.mark.parametrize("venue", ["binance", "gateio"])
async def test_the_wait_that_a_venue_asks_for_is_kept(simulated, simulator, clock, venue):
    simulator.set_fault(venue, "rate_limited_429", retry_after_s=23)

    answer = (await simulated.quotes([venue]))[venue]

    assert abs(answer.retry_at_ms - clock.now_ms() - 23_000) < 2_000


async def test_a_silent_venue_times_out_while_the_others_answer(
    simulated, simulator, connect, simulated_references
):
    simulator.set_fault("gateio", "time_out")
    impatient = connect(base_url=simulator.base_url, time_out_ms=300)
    impatient.restore(simulated_references)

    quotes = await impatient.quotes(VENUES)

    assert type(quotes["gateio"]) is VenueTimeout
    assert isinstance(quotes["kraken"], VenueQuotes)


async def test_a_single_failure_is_made_good_by_the_second_attempt(simulated, simulator):
    simulator.set_fault("bybit", "server_error_5xx", requests=1)

    assert isinstance((await simulated.quotes(["bybit"]))["bybit"], VenueQuotes)


async def test_a_venue_that_froze_shows_the_age_of_its_books_by_its_own_clock(simulated, simulator):
    simulator.set_fault("bybit", "frozen")

    (first,) = (await simulated.order_books([("bybit", "BTC/USDT")])).values()
    (second,) = (await simulated.order_books([("bybit", "BTC/USDT")])).values()

    assert isinstance(first, BookText)
    assert first.time_ms == second.time_ms
    assert first.received_ms < second.received_ms


async def test_the_demo_key_tells_networks_and_fees_of_every_venue(simulator, connect):
    market = connect(base_url=simulator.base_url, secrets=DemoKeys(), deposit_assets=("BTC", "SAND"))
    # seven requests at Kraken would wait for the next window of the rate limit
    market._connected().slow("kraken").exchange.enableRateLimit = False

    references = await market.reference(VENUES)

    assert {venue: item.instruments["BTC/USDT"].taker_bps for venue, item in references.items()} == {
        "binance": Decimal(10),
        "bybit": Decimal(10),
        "gateio": Decimal(9),
        "kraken": Decimal(35),
    }
    for reference in references.values():
        bitcoin = reference.currencies["BTC"].networks["BTC"]
        assert (bitcoin.deposit, bitcoin.withdraw) == (True, True)
    contracts = {
        references[venue].currencies["USDT"].networks["ERC20"].contract
        for venue in ("binance", "bybit", "gateio")
    }
    assert len(contracts) == 1
    sand = references["kraken"].currencies["SAND"].networks
    assert {(network.deposit, network.withdraw) for network in sand.values()} == {(False, False)}


async def test_closed_networks_are_known_without_a_key_where_the_venue_tells(simulated_references, simulated):
    algo = simulated_references["gateio"].currencies["ALGO"].networks.values()
    sand = simulated_references["kraken"].currencies["SAND"].networks.values()

    assert not any(network.deposit for network in algo)
    assert [(network.deposit, network.withdraw) for network in sand] == [(False, False)]
