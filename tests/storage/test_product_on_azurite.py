"""The whole product on the storage service's protocol: scan, trade, load, compact, replay from the lake, doctor."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from shared import composition, inline, loading, settings, steps, upkeep
from simulator.market import World
from simulator.server import SimulatorServer

ROOT = Path(__file__).parents[2]
HOUR_MS = 3_600_000


@pytest.fixture
async def environment(azurite, monkeypatch, tmp_path):
    async with SimulatorServer(World(1)) as venues:
        for name, value in {
            "MARKET": "simulated",
            "SIMULATOR_URL": venues.base_url,
            "DATA_DIR": str(tmp_path),
            "AZURE_STORAGE_CONNECTION_STRING": azurite,
            "VENUES": "binance,bybit,gateio",  # Kraken takes one request a second
            "MAX_BOOKS_PER_SCAN": "20",
            "LATENCY_MEDIAN_MS": "30",
            "MIN_PROFIT": "0",
        }.items():
            monkeypatch.setenv(name, value)
        yield tmp_path


@pytest.fixture
async def desk(environment):
    made = composition.build(settings.read())
    yield made
    await composition.close(made)


async def command(*arguments):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared", *arguments, cwd=ROOT, env=os.environ, stdout=-1, stderr=-1
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def a_scan_that_trades(desk):
    for _ in range(20):
        found = await steps.scan(desk, steps.ScanRequest("timer"))
        assert await loading.load(desk, found.load_message())
        if found.opportunities:
            return found
    pytest.fail("20 scans of the simulated market found no opportunity")


async def names(desk, dataset):
    return [name async for name in desk.lake.names(f"simulated/{dataset}/")]


async def test_scans_are_traded_loaded_compacted_and_replayed_from_azure_storage(
    desk, environment, monkeypatch
):
    found = await a_scan_that_trades(desk)
    recorded = []

    async def record(given):
        recorded.append(await steps.record(desk, given))
        return recorded[-1].trades

    output = await inline.run_workflow(
        found.work(),
        {
            "analyze": lambda given: steps.analyze(desk, given),
            "execute": lambda given: steps.execute(desk, given),
            "record": record,
        },
    )
    assert len(output["trades"]) == len(found.opportunities)
    assert await loading.load(desk, recorded[0].load_message())
    assert await loading.load(desk, recorded[0].load_message())
    trades = await desk.warehouse.select("trades", {"scan_id": found.scan_id}, [], 100)
    assert sorted(trade["trade_id"] for trade in trades) == sorted(trade["id"] for trade in output["trades"])
    assert not (await upkeep.watch(desk)).load_messages

    code, before, err = await command("replay", "lake", "--json")
    assert not err, err
    assert (code, err) == (0, "")
    now_ms = desk.clock.now_ms()
    await desk.compact(now_ms + 3 * HOUR_MS)
    assert await names(desk, "quotes")
    code, after, err = await command("replay", "lake", "--json")
    assert not err, err
    assert (code, err) == (0, "")
    assert json.loads(after) == json.loads(before)
    assert json.loads(after)["scans"] >= 1
    assert not (environment / "lake").exists()
    assert not (environment / "state.db").exists()


async def test_doctor_finds_storage_in_order_and_leaves_nothing_there(desk):
    code, out, err = await command("doctor")
    assert not err, err
    assert (code, err) == (0, "")
    told = {line.split()[1]: line for line in out.splitlines()}
    for service in ("lake", "state"):
        assert told[service].startswith("ok ")
        assert "a connection string; a probe was written, read and deleted" in told[service]
    assert not await names(desk, "probe")
    assert not await desk.state.entries(desk.room("probe"))


async def test_doctor_tells_a_key_that_the_account_refuses_in_one_line(environment, azurite, monkeypatch):
    key = azurite.partition("AccountKey=")[2].partition(";")[0]
    wrong = azurite.replace(key, "d3Jvbmc=")
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", wrong)
    code, out, _ = await command("doctor")
    assert code == 1
    failing = {line.split()[1]: line for line in out.splitlines() if line.startswith("FAIL")}
    assert {"lake", "state"} <= failing.keys()
    assert "or correct the key" in failing["lake"]
    assert "d3Jvbmc=" not in out
