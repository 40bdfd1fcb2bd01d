"""The commands as a user runs them: a process each, in a folder of its own, with no settings but the given."""

import gzip
import json
import os
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from shared.settings import FALLBACKS, Settings

ROOT = Path(__file__).parents[2]
SETTINGS = {item.metadata["name"] for item in fields(Settings) if "name" in item.metadata}
ASIDE = {*SETTINGS, *FALLBACKS.values(), "PORT", "WEBSITE_INSTANCE_ID"}


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def objects(self):
        """The JSON objects of its output, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def run(tmp_path):
    """Run `python -m <module> <arguments>` with these settings alone."""

    def command(module, *arguments, **given):
        environment = {name: value for name, value in os.environ.items() if name not in ASIDE}
        ended = subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": str(ROOT), **given},
            capture_output=True,
            text=True,
            check=False,
            timeout=150,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return command


@pytest.fixture(scope="session")
def venues():
    """The address of simulated venues that all commands of a test run share."""
    child = subprocess.Popen(
        [sys.executable, "-m", "simulator", "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield child.stdout.readline().split()[3]
    finally:
        child.terminate()
        child.wait()
        child.stdout.close()


def book(bid, ask, time, amount="1"):
    return {"time": time, "bids": [[bid, amount]], "asks": [[ask, amount]]}


def market(taker_bps, found, fee_asset="received"):
    """A venue whose one book is BTC/USDT, and whose wallets are all open."""
    open_network = {"networks": {"NET": {"deposit": True, "withdraw": True}}}
    return {
        "received": found["time"],
        "taker_bps": taker_bps,
        "fee_asset": fee_asset,
        "books": {"BTC/USDT": found},
        "currencies": {"BTC": open_network, "USDT": open_network},
    }


@pytest.fixture
def snapshot():
    """BTC is 30 bps dearer on Kraken than on Binance; both charge 10."""
    time = "2026-11-22T12:00:00.000Z"
    return {
        "version": 1,
        "time": time,
        "scan_id": "one",
        "venues": {
            "binance": market("10", book("99999", "100000", time)),
            "kraken": market("10", book("100300", "100301", time), "quote"),
        },
    }


@pytest.fixture
def recording(tmp_path):
    """Write snapshots, or lines that are none, into a file."""

    def write(*lines, name="recording.ndjson"):
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        content = "".join(text + "\n" for text in texts).encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write
