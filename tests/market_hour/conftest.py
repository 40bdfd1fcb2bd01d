"""One hour of the simulated market, scanned and traded by the product's own steps on a clock of their own."""

from collections import defaultdict
from dataclasses import dataclass, field, replace

import pytest_asyncio

from shared import composition, inline, settings, steps
from shared.adapters.venues import CcxtMarketData
from simulator.market import World
from simulator.planted import Planted
from simulator.server import SimulatorServer
from simulator.traps import Trap

BEGIN_MS = 1_764_000_000_000
HOUR_MS = 3_600_000
EVERY_MS = 20_000
LEVELS = 12
"""No planted order stands deeper; reading more of each book only costs time."""


class HandClock:
    """A clock that stands still until somebody waits on it."""

    def __init__(self, time_ms):
        self.time_ms = time_ms

    def now_ms(self):
        return self.time_ms

    async def sleep_until(self, time_ms):
        self.time_ms = max(self.time_ms, time_ms)


@dataclass
class Moment:
    """A scan with its trades, beside the truth about the market that it saw."""

    scan: steps.Scan
    trades: list
    planted: list[Planted]
    traps: list[Trap]


@dataclass
class Hour:
    """What was scanned, and which books the desk's funds can trade."""

    funded: frozenset[str]
    moments: list[Moment] = field(default_factory=list)

    def refusals(self):
        """The reasons by which each (venue, symbol) was refused."""
        found = defaultdict(set)
        for moment in self.moments:
            for refused in moment.scan.found.rejections:
                for leg in refused.path:
                    found[tuple(leg.split(":")[:2])].add(refused.reason)
        return found


def first_moment(world):
    """A desk cannot tell that a book stands still before it has seen it move, so no book is frozen yet."""
    time_ms = BEGIN_MS
    while any(window.at(time_ms) for window in world.fair.freezes.values()):
        time_ms += EVERY_MS
    return time_ms


def market_data(desk, clock, base_url):
    """The desk's venues without their rate limits, which run on real time and would starve a quick hour."""
    found = CcxtMarketData(
        desk.state, clock, base_url=base_url, levels=LEVELS, time_out_ms=60_000, books_within_ms=60_000
    )
    for venue in desk.venues:
        for client in (found._connected().quick(venue), found._connected().slow(venue)):
            client.exchange.enableRateLimit = False
    return found


async def trade(desk, scan):
    async def record(work):
        return (await steps.record(desk, work)).trades

    activities = {
        "analyze": lambda work: steps.analyze(desk, work),
        "execute": lambda work: steps.execute(desk, work),
        "record": record,
    }
    return (await inline.run_workflow(scan.work(), activities))["trades"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hour(tmp_path_factory):
    world = World(1)
    clock = HandClock(first_moment(world))
    async with SimulatorServer(world, clock.now_ms) as venues:
        # Rich enough that no opportunity is out of reach, so that what is missed was not seen.
        environment = {
            "MARKET": "simulated",
            "SIMULATOR_URL": venues.base_url,
            "DATA_DIR": str(tmp_path_factory.mktemp("hour")),
            "FUND_QUOTE": "1000000",
            "FUND_ASSET": "1000000",
        }
        desk = composition.build(settings.read(environment))
        desk = replace(desk, clock=clock, market_data=market_data(desk, clock, venues.base_url))
        scanned = Hour(desk.funding.assets)
        begin_ms = clock.time_ms
        for time_ms in range(begin_ms, begin_ms + HOUR_MS, EVERY_MS):
            await clock.sleep_until(time_ms)
            planted, traps = world.planted(clock.time_ms), world.traps(clock.time_ms)
            scan = await steps.scan(desk, steps.ScanRequest("timer"))
            trades = await trade(desk, scan) if scan.opportunities else []
            scanned.moments.append(Moment(scan, trades, planted, traps))
        await composition.close(desk)
    return scanned
