"""The desk on simulated venues whose time stands still, with the scan of that moment."""

import shutil

import pytest

from shared import composition, settings
from simulator.market import World
from simulator.server import SimulatorServer
from tests.end_to_end.desk.desk_floor import MarketTime, scanned


@pytest.fixture
def clock(monkeypatch):
    time = MarketTime()
    monkeypatch.setattr(composition, "SystemClock", lambda: time)
    return time


@pytest.fixture
async def venues(clock):
    async with SimulatorServer(World(1), clock=clock.now_ms) as server:
        yield server


@pytest.fixture
async def desk(environment, clock):
    made = composition.build(settings.read())
    yield made
    await composition.close(made)


@pytest.fixture(scope="module")
def first_scan(tmp_path_factory):
    return {"folder": tmp_path_factory.mktemp("first") / "data"}


@pytest.fixture
async def found(desk, environment, first_scan):
    """The scan of the moment, made once: later tests begin with a copy of its data."""
    if "scan" in first_scan:
        shutil.copytree(first_scan["folder"], environment)
    else:
        first_scan["scan"] = await scanned(desk)
        shutil.copytree(environment, first_scan["folder"])
    return first_scan["scan"]
