"""`python -m localhost` with the whole product: what --once makes of a scan, and what keeps it from starting."""

import json
import socket
import sqlite3
import urllib.request
from contextlib import closing

import pytest

from tests.commands.conftest import ROOT

APP = ("--app", ROOT / "function_app.py")


@pytest.fixture
def once(run, venues):
    """Scan once with these settings."""

    def command(**given):
        return run("localhost", *APP, "--once", **{"SIMULATOR_URL": venues, **given})

    return command


def set_fault(venues, fault, **more):
    for venue in ("binance", "bybit", "gateio", "kraken"):
        body = json.dumps({"venue": venue, "fault": fault, **more}).encode()
        with urllib.request.urlopen(f"{venues}/simulator/faults", body) as answer:  # noqa: S310 - loopback
            assert answer.status == 200


def test_once_scans_trades_loads_and_exits_0(once, tmp_path):
    ended = once(MIN_PROFIT="0")
    assert ended.code == 0, ended.err
    assert " [simulated market] 4 of 4 venues answered; " in ended.err
    with closing(sqlite3.connect(tmp_path / ".data" / "simulated" / "warehouse.db")) as connection:
        batches = connection.execute("SELECT blob FROM load_ledger").fetchall()
        found = connection.execute("SELECT COUNT(*) FROM arbitrage_opportunities").fetchone()[0]
        traded = connection.execute("SELECT COUNT(*) FROM trades").fetchone()[0]
    assert len(batches) == (2 if found else 1)
    assert traded == found


def test_once_exits_0_where_there_is_no_opportunity(once):
    ended = once(MIN_PROFIT="1000000")
    assert ended.code == 0
    assert " 0 opportunities, " in ended.err


def test_the_start_names_what_is_in_use_and_no_secret(once, tmp_path):
    ended = once(OPENAI_API_KEY="sk-hidden", OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    (line,) = [line for line in ended.out.splitlines() if line.startswith("desk of the simulated market; ")]
    assert f"lake, state, warehouse: embedded, in {tmp_path / '.data' / 'simulated'}; analyst: gpt-5" in line
    assert line.endswith("else the rules; telemetry: off; alarms: the log")
    assert "hidden" not in ended.out + ended.err


def test_once_exits_1_where_no_venue_answers_and_says_why(once, venues):
    set_fault(venues, "html_body")
    try:
        ended = once()
    finally:
        set_fault(venues, "none")
    assert ended.code == 1
    assert "Traceback" not in ended.err
    last = ended.err.splitlines()[-1]
    assert last.startswith("scan_timer failed: ")
    assert all(f"{venue}: " in last for venue in ("binance", "bybit", "gateio", "kraken"))


def test_once_goes_on_where_one_venue_fails_and_says_which(once, venues):
    body = json.dumps({"venue": "kraken", "fault": "server_error_5xx"}).encode()
    with urllib.request.urlopen(f"{venues}/simulator/faults", body):  # noqa: S310 - loopback
        pass
    try:
        ended = once()
    finally:
        set_fault(venues, "none")
    assert ended.code == 0
    assert "3 of 4 venues answered; missing kraken (" in ended.err


def test_an_unwritable_folder_is_one_clear_line(once, tmp_path):
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "data"
    ended = once(DATA_DIR=str(folder))
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert line.startswith(f"DATA_DIR {folder} cannot be written")
    assert "set DATA_DIR to a folder that can" in line


def test_a_port_in_use_is_one_clear_line(run, venues):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("localhost", *APP, PORT=str(port), SIMULATOR_URL=venues)
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert str(port) in line
    assert "PORT" in line
