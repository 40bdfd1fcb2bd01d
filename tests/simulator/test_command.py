"""`python -m simulator`: one line when it listens, one clear line when it cannot."""

import asyncio
import re
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from simulator import SimulatorServer
from simulator.__main__ import main, scaled_clock
from simulator.server import venue_of
from tests.simulator.conftest import asking

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def started(*arguments, stdin=asyncio.subprocess.DEVNULL):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator", *arguments, cwd=ROOT, stdin=stdin,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_it_says_where_it_listens_serves_and_stops_on_a_signal():
    async with started("--port", "0", "--seed", "5") as process:
        line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        listening = re.fullmatch(r"simulator listening on (http://127\.0\.0\.1:\d+) \(seed 5\)\n", line)
        async with aiohttp.ClientSession(listening[1]) as session:
            about = (await asking(session)("/simulator")).json()
            assert about["seed"] == 5
            assert about["shared_symbols"] >= 300
            assert len((await asking(session)("/api/v3/ticker/bookTicker")).json()) > 300
        process.send_signal(signal.SIGTERM)
        _, errors = await asyncio.wait_for(process.communicate(), 20)
        assert (process.returncode, errors) == (0, b"")


async def test_it_ends_with_the_process_that_holds_its_standard_input():
    async with started("--port", "0", "--exit-with-stdin", stdin=asyncio.subprocess.PIPE) as process:
        assert await asyncio.wait_for(process.stdout.readline(), 20)
        process.stdin.close()
        errors = await asyncio.wait_for(process.stderr.read(), 20)
        assert (await process.wait(), errors) == (0, b"")


async def test_a_port_in_use_is_one_clear_line(server):
    port = server.base_url.rsplit(":", 1)[1]
    async with started("--port", port) as process:
        _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert errors.decode().count("\n") == 1
    assert port in errors.decode()
    assert "--port" in errors.decode()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--port", "99999"), "65535"),
        (("--port", "http"), "'http'"),
        (("--seed", "-1"), "whole number"),
        (("--time-scale", "0"), "above 0"),
        (("--time-scale", "nan"), "above 0"),
    ],
)
def test_wrong_arguments_are_named(arguments, named, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert named in capsys.readouterr().err


async def test_a_scaled_clock_runs_faster_than_the_wall():
    normal, fast = scaled_clock(1.0), scaled_clock(1000.0)
    before = (normal(), fast())
    await asyncio.sleep(0.05)
    after = (normal(), fast())
    assert after[1] - before[1] > 100 * max(1, after[0] - before[0])


def test_it_refuses_to_listen_anywhere_but_on_loopback(world):
    with pytest.raises(ValueError, match="not loopback"):
        SimulatorServer(world, host="0.0.0.0")  # noqa: S104 - the address under test


@pytest.mark.parametrize(
    ("path", "venue"),
    [
        ("/api/v3/depth", "binance"),
        ("/sapi/v1/asset/tradeFee", "binance"),
        ("/v5/market/time", "bybit"),
        ("/api/v4/spot/time", "gateio"),
        ("/0/public/Time", "kraken"),
        ("/simulator/faults", None),
    ],
)
def test_the_four_venues_paths_do_not_collide(path, venue):
    assert venue_of(path) == venue
