"""The whole product on the development host, against simulated venues in the same process."""

import json
import sqlite3
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest

from localhost import Host
from simulator.market import World
from simulator.server import SimulatorServer

ROOT = Path(__file__).parents[2]
SCHEDULES = ("SCAN", "MARKETS", "COMPACT", "WATCHDOG")


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            # The SDK announces its stricter typing once per process, whichever test comes first.
            item.add_marker(pytest.mark.filterwarnings("ignore:azure.functions df_loads was called"))


class Product:
    """The running product as a caller, a timer and an auditor meet it."""

    def __init__(self, host, session, data_dir):
        self.host = host
        self.data_dir = data_dir
        self._session = session

    async def call(self, method, path, body=None, key=True, raw=None):
        headers = {"x-functions-key": self.host.function_key} if key else {}
        url = path if path.startswith("http") else f"{self.host.base_url}/api/{path}"
        data = raw if raw is not None else (None if body is None else json.dumps(body))
        async with self._session.request(method, url, headers=headers, data=data) as response:
            text = await response.text()
            try:
                return response.status, json.loads(text)
            except ValueError:
                return response.status, text

    async def scan(self, body=None):
        return await self.call("POST", "scan", body)

    async def scan_with_opportunity(self):
        for _ in range(40):
            status, found = await self.scan()
            assert status == 200, found
            if found["opportunities"]:
                return found
        pytest.fail("40 scans of the simulated market found no opportunity")

    def rows(self, query):
        with closing(sqlite3.connect(self.data_dir / "warehouse.db")) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]

    def blobs(self, dataset):
        return sorted((self.data_dir / "lake" / "simulated" / dataset).rglob("*.gz"))


@pytest.fixture
async def venues():
    async with SimulatorServer(World(1)) as server:
        yield server


@pytest.fixture
def environment(monkeypatch, tmp_path, venues):
    for name in SCHEDULES:
        monkeypatch.setenv(f"{name}_SCHEDULE", "0 0 0 1 1 *")
    for name, value in {
        "MARKET": "simulated",
        "SIMULATOR_URL": venues.base_url,
        "DATA_DIR": str(tmp_path / "data"),
        "MIN_PROFIT": "0",
        "AZURE_CLIENT_ID": "",
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "data"


@asynccontextmanager
async def running(data_dir):
    """The product on a folder of data, drained before it stops."""
    async with (
        Host(ROOT / "function_app.py", data_dir) as host,
        aiohttp.ClientSession() as session,
    ):
        yield Product(host, session, data_dir)
        await host.drain(60)


@pytest.fixture
async def product(environment):
    async with running(environment) as started:
        yield started
