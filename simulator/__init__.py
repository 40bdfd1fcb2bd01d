"""The public REST APIs of Binance, Bybit, Gate.io and Kraken over one seeded market, on loopback.

    async with SimulatorServer(World(seed=7), clock=lambda: now_ms) as server:
        ...  # point real clients at server.base_url + the path of the venue's own URL

`World` knows what is really there: `planted(clock_ms)`, `traps(clock_ms)`, `marked_books(clock_ms)`.
For development and tests; no module of the product imports it.
"""

from simulator.assets import WATCH_LIST
from simulator.faults import FaultName, FaultRefusedError
from simulator.listings import TAKER_BPS, VENUES
from simulator.market import World
from simulator.planted import Planted
from simulator.server import SimulatorServer
from simulator.signing import DEMO_API_KEY, DEMO_API_SECRET
from simulator.traps import Trap, TrapKind

__all__ = [
    "DEMO_API_KEY",
    "DEMO_API_SECRET",
    "TAKER_BPS",
    "VENUES",
    "WATCH_LIST",
    "FaultName",
    "FaultRefusedError",
    "Planted",
    "SimulatorServer",
    "Trap",
    "TrapKind",
    "World",
]
