"""`scan`, `doctor`, `migrate` and `reload`: the desk's commands, in a folder that nobody prepared."""

import json
import re
import sqlite3
from contextlib import closing

import pytest

SCAN_LINE = re.compile(
    r"scan \S+ \[simulated market\] 4 of 4 venues answered; \d+ instruments compared, \d+ loops screened, "
    r"\d+ opportunities, \d+ refused, \d+ trades, simulated profit [+-]\d+\.\d\d USDT, \d+ ms"
)


@pytest.fixture
def data_dir(tmp_path):
    """Where the embedded stores are by default."""
    return tmp_path / ".data" / "simulated"


def count(data_dir, table):
    with closing(sqlite3.connect(data_dir / "warehouse.db")) as connection:
        return connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]


def test_scan_starts_the_simulator_itself_and_prints_one_line(run, data_dir):
    ended = run("shared", "scan")
    assert (ended.code, ended.err) == (0, "")
    assert SCAN_LINE.fullmatch(ended.out.strip())
    assert count(data_dir, "scans") == 1


def test_scan_as_json_tells_what_was_found_refused_judged_and_traded(run, venues, data_dir):
    ended = run("shared", "scan", "--json", SIMULATOR_URL=venues, MIN_PROFIT="0")
    assert ended.code == 0
    (told,) = ended.objects
    assert set(told["venues"]) == {"binance", "bybit", "gateio", "kraken"}
    assert told["market"] == "simulated"
    assert told["rejections"]
    assert len(told["verdicts"]) == len(told["trades"]) == len(told["opportunities"])
    assert count(data_dir, "trades") == len(told["trades"])


def test_scan_that_no_venue_answers_says_of_each_why_and_exits_1(run):
    ended = run("shared", "scan", SIMULATOR_URL="http://127.0.0.1:9")
    assert (ended.code, ended.out) == (1, "")
    last = ended.err.splitlines()[-1]
    assert last.startswith("no venue answered: ")
    assert all(f"{venue}: " in last for venue in ("binance", "bybit", "gateio", "kraken"))
    assert "Traceback" not in ended.err


def test_doctor_examines_every_service(run, venues):
    ended = run("shared", "doctor", SIMULATOR_URL=venues)
    assert (ended.code, ended.err) == (0, "")
    _, *lines = ended.out.splitlines()
    told = {line.split()[1]: line for line in lines}
    assert set(told) == {
        *("market", "binance", "bybit", "gateio", "kraken"),
        *("lake", "state", "warehouse", "secrets", "analyst", "telemetry", "alarms"),
    }
    assert all(line.startswith("ok ") for line in told.values())
    assert "instruments" in told["kraken"]


def test_doctor_says_first_which_desk_it_looks_at(run, venues):
    ended = run("shared", "doctor", SIMULATOR_URL=venues)
    assert ended.out.splitlines()[0] == (
        "desk of the simulated market; lake, state, warehouse: embedded, in .data/simulated"
    )


def test_doctor_says_what_fails_and_goes_on_with_the_rest(run, venues, tmp_path):
    (tmp_path / "file").touch()
    ended = run("shared", "doctor", SIMULATOR_URL=venues, DATA_DIR=str(tmp_path / "file" / "data"))
    assert ended.code == 1
    assert "Traceback" not in ended.err
    failing = {line.split()[1] for line in ended.out.splitlines() if line.startswith("FAIL")}
    assert failing == {"venues", "lake", "state", "warehouse"}
    assert "set DATA_DIR" in ended.out


def test_doctor_shows_no_secret(run, venues):
    secrets = {
        "OPENAI_API_KEY": "sk-hidden-one",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "ALERT_WEBHOOK_URL": "https://hooks.example/hidden-two",
        "AZURE_APPLICATION_INSIGHTS_CONNECTION_STRING": "InstrumentationKey=hidden-three",
    }
    ended = run("shared", "doctor", SIMULATOR_URL=venues, **secrets)
    assert "hidden" not in ended.out + ended.err


def test_a_dry_migration_names_what_is_pending_and_changes_nothing(run, data_dir):
    dry = [run("shared", "migrate", "--dry-run").out for _ in range(2)]
    assert dry[0] == dry[1]
    pending = re.fullmatch(r"pending (schema-\w+)\n", dry[0])[1]
    assert run("shared", "migrate").out == f"applied {pending}\n"
    assert run("shared", "migrate").out == "the schema is up to date\n"
    assert run("shared", "migrate", "--dry-run").out == "the schema is up to date\n"
    assert count(data_dir, "trades") == 0


def test_reload_brings_blobs_back_into_a_new_warehouse_without_any_venue(run, venues, data_dir):
    run("shared", "scan", SIMULATOR_URL=venues)
    lake = data_dir / "lake"
    blobs = [str(path.relative_to(lake)) for path in lake.glob("simulated/scans/**/*.json.gz")]
    before = count(data_dir, "scans"), count(data_dir, "rejections")
    (data_dir / "warehouse.db").unlink()
    for _ in range(2):
        ended = run("shared", "reload", *blobs)
        assert (ended.code, ended.out) == (0, "".join(f"{blob}: loaded\n" for blob in blobs))
        assert (count(data_dir, "scans"), count(data_dir, "rejections")) == before


def test_reload_of_what_is_not_there_or_no_batch_says_so_and_exits_1(run, data_dir):
    ended = run("shared", "reload", "simulated/scans/nothing.json.gz")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "the lake has no blob 'simulated/scans/nothing.json.gz'; nothing was queued\n"
    broken = data_dir / "lake" / "simulated" / "scans" / "broken.json.gz"
    broken.parent.mkdir(parents=True)
    broken.write_text(json.dumps({"version": 1}))
    ended = run("shared", "reload", "simulated/scans/broken.json.gz")
    assert ended.code == 1
    assert ended.out.startswith("simulated/scans/broken.json.gz: ")
    assert "loaded" not in ended.out
    assert "Traceback" not in ended.err


def test_reload_since_a_time_to_come_is_refused(run, data_dir):
    ended = run("shared", "reload", "--since", "2999-01-01T00:00:00Z")
    assert (ended.code, ended.out) == (2, "")
    remedy = "is in the future; give a time that has passed"
    assert ended.err == f"--since: '2999-01-01T00:00:00Z' {remedy}\n"
    assert not data_dir.exists()


def test_of_a_missing_credential_the_product_alone_tells(run):
    # The identity is looked for in the environment alone, so that nobody on the network is asked.
    nobody = {"AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential", "AZURE_TENANT_ID": ""}
    ended = run("shared", "evaluate", AZURE_OPENAI_ENDPOINT="https://127.0.0.1:9", **nobody)
    assert ended.code == 1
    told = ended.err.splitlines()
    assert "the identity gets no token" in told[0]
    assert all(line.startswith("the rules decide, ") for line in told)
