"""One run through the whole app in Microsoft's worker, shared by the tests that look at its parts."""

import json
from types import SimpleNamespace

import pytest
import pytest_asyncio

from simulator.market import World
from simulator.server import SimulatorServer
from tests.worker.worker_host import ROOT, DurableService, orchestrate, worker_with


def settings(data_dir, venues):
    """The app settings of a deployment, with embedded stores and simulated venues."""
    return {
        "MARKET": "simulated",
        "SIMULATOR_URL": venues.base_url,
        "DATA_DIR": str(data_dir),
        "MIN_PROFIT": "0",
        "AZURE_CLIENT_ID": "",
        "PYTHON_ENABLE_OPENTELEMETRY": "true",
        "SCAN_SCHEDULE": "*/15 * * * * *",
        "MARKETS_SCHEDULE": "0 7 * * * *",
        "COMPACT_SCHEDULE": "0 20 * * * *",
        "WATCHDOG_SCHEDULE": "0 * * * * *",
    }


async def scan_that_found(worker, client):
    for _ in range(40):
        scan = await worker.http("scan_http", "POST", "scan", body={}, client=client)
        found = json.loads(scan["returned"]["body"])
        if scan["error"] or found.get("opportunities"):
            return scan
    pytest.fail("40 scans of the simulated market found no opportunity")


async def whole_job(worker, durable):
    """Every function once, each with what the one before it put out."""
    ran = SimpleNamespace(worker=worker, durable=durable)
    await worker.http("health_http", "GET", "health")
    await worker.timer("refresh_markets_timer")
    await worker.timer("scan_timer", client=durable.client)
    ran.scan = await scan_that_found(worker, durable.client)
    ran.scan_id = json.loads(ran.scan["returned"]["body"])["scan_id"]
    name, work = durable.started[ran.scan_id]
    ran.orchestrated = await orchestrate(worker, ran.scan_id, name, work)
    (recorded,) = worker.answers["record"]
    for output in (ran.scan["outputs"]["loads"], recorded["outputs"]["loads"]):
        await worker.queue("load_sql", output["value"])
    ran.refused = await worker.queue("load_sql", "no JSON")
    await worker.queue("load_sql_poison", ran.refused["outputs"]["poison"]["value"])
    await worker.timer("watchdog_timer", client=durable.client)
    await worker.timer("compact_timer", client=durable.client)
    await worker.http("scan_status_http", "GET", f"scans/{ran.scan_id}", route={"id": ran.scan_id})
    for listing in ("opportunities", "trades"):
        await worker.http(f"{listing}_http", "GET", listing, query={"scan_id": ran.scan_id})
    trip = {"tripped": True, "by": "Ada", "reason": "a test"}
    await worker.http("kill_switch_http", "POST", "kill-switch", body=trip)
    await worker.http("kill_switch_status_http", "GET", "kill-switch")
    ran.reloaded = await worker.http("reload_http", "POST", "reload", body={"blobs": [blob_of(ran.scan)]})
    for page in ("overview", "metrics", "dashboard"):
        await worker.http(f"{page}_http", "GET", page)
    return ran


def blob_of(answer):
    return json.loads(answer["outputs"]["loads"]["value"])["blob"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ran(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("worker")
    async with (
        SimulatorServer(World(1)) as venues,
        DurableService().listening() as durable,
        worker_with(ROOT, settings(data_dir, venues)) as worker,
    ):
        assert worker.error is None, worker.error
        yield await whole_job(worker, durable)
