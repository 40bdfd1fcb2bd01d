"""A real Prometheus with the repository's configuration scrapes the app and evaluates the alert rules."""

import contextlib
import json
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml

from shared.web import prometheus
from tests.telemetry.conftest import FUNCTION_KEY, localhost_environment
from tests.telemetry.stored import make_stores

FOLDER = Path(__file__).resolve().parents[2] / "infra" / "prometheus"
HEADERS_SINCE = (2, 55)
READY_SECONDS = 30


def local_configuration(version, port, key_file):
    """The repository's configuration for one target on loopback, in words that this version understands."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(FOLDER / name) for name in config["rule_files"]]
    (job,) = [job for job in config["scrape_configs"] if job["job_name"] == "arbitrage"]
    job["static_configs"][0]["targets"] = [f"127.0.0.1:{port}"]
    (header,) = job["http_headers"].items()
    assert header == ("x-functions-key", {"files": ["/run/secrets/function_key"]})
    if version < HEADERS_SINCE:
        del job["http_headers"]
        job["params"] = {"code": [FUNCTION_KEY]}
    else:
        job["http_headers"]["x-functions-key"]["files"] = [str(key_file)]
    config["scrape_configs"] = [job]
    return config


def ask(port, path):
    """The data of an answer of Prometheus' API."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=5) as answer:
        return json.load(answer)["data"]


def rules_of(port):
    """The alert rules with their state."""
    return [rule for group in ask(port, "rules")["groups"] for rule in group["rules"]]


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, what):
    """Wait for a condition to hold; its value."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            if value := condition():
                return value
        time.sleep(0.1)
    pytest.fail(f"{what}: not within {READY_SECONDS} s")


@pytest.fixture
def app(scanned, tmp_path):
    """The app over the past of a scan, with timers that do not fire: (its port, its warehouse)."""
    folder, _, _ = scanned
    shutil.copytree(folder, tmp_path / "data")
    never = {f"{name}_SCHEDULE": "0 0 0 1 1 *" for name in ("SCAN", "MARKETS", "COMPACT", "WATCHDOG")}
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "localhost", "--port", str(port)],
        cwd=FOLDER.parents[1],
        env=localhost_environment(tmp_path / "data", **never),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(
        lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=2).close() is None,
        "the app",
    )
    yield port, tmp_path / "data" / "warehouse.db"
    process.terminate()
    process.wait(20)


@pytest.fixture
def scraped(app, tmp_path):
    """Port of a Prometheus that scrapes it."""
    command = shutil.which("prometheus")
    if command is None:
        pytest.skip("needs the Prometheus server: install the package prometheus")
    told = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    version = tuple(
        int(part) for part in re.search(r"version (\d+)\.(\d+)", told.stdout + told.stderr).groups()
    )
    (tmp_path / "key").write_text(FUNCTION_KEY)
    (tmp_path / "prometheus.yml").write_text(
        yaml.safe_dump(local_configuration(version, app[0], tmp_path / "key"))
    )
    port = free_port()
    process = subprocess.Popen(
        [
            command,
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield port
    process.terminate()
    process.wait(20)


def test_a_real_prometheus_scrapes_what_the_database_sums_up(scraped, app):
    until(lambda: ask(scraped, "query?query=arbitrage_trades_total")["result"], "the first scrape")
    (target,) = ask(scraped, "targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    sums = {
        "sum(arbitrage_trades_total)": "SELECT COUNT(*) FROM trades",
        "sum(arbitrage_opportunities_total)": "SELECT COUNT(*) FROM arbitrage_opportunities",
        "sum(arbitrage_rejections_total)": "SELECT SUM(refused) FROM rejections",
        "sum(arbitrage_trade_profit_usdt)": "SELECT SUM(realised_value) + SUM(unrealised_value) FROM trades",
        "sum(arbitrage_scan_duration_seconds_sum)": "SELECT SUM(duration_ms) / 1000.0 FROM scans",
        "sum(arbitrage_venue_answers_total)": "SELECT COUNT(*) FROM venue_health",
    }
    with sqlite3.connect(app[1]) as connection:
        for expression, query in sums.items():
            ((stored,),) = connection.execute(query)
            path = f"query?query={urllib.parse.quote(expression)}"
            assert float(ask(scraped, path)["result"][0]["value"][1]) == pytest.approx(float(stored)), (
                expression
            )
    connection.close()
    until(lambda: {rule["health"] for rule in rules_of(scraped)} == {"ok"}, "an evaluation of every rule")


@pytest.mark.parametrize("check", [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]])
def test_promtool_accepts_the_alert_rules(promtool, check):
    run = subprocess.run([promtool, *check], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_an_alert_that_never_fires_would_fail_its_test(promtool, tmp_path):
    rules = (FOLDER / "alerts.yml").read_text()
    (tmp_path / "alerts.yml").write_text(
        rules.replace("arbitrage_kill_switch == 1", "arbitrage_kill_switch == 2")
    )
    shutil.copy(FOLDER / "alerts_test.yml", tmp_path)
    run = subprocess.run(
        [promtool, "test", "rules", "alerts_test.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode != 0
    assert "ArbitrageKillSwitch" in run.stdout + run.stderr


def test_every_alert_is_tested_when_it_holds_and_when_it_does_not():
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
    tests = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    for fires in (True, False):
        assert {rule["alert"] for rule in rules} == {
            case["alertname"] for case in cases if bool(case["exp_alerts"]) == fires
        }


async def test_the_rules_ask_for_metrics_that_exist(tmp_path):
    desk = await make_stores(tmp_path, scans=1)
    families = {family.name for family in prometheus.families(await prometheus.read_stored(desk))}
    await desk.warehouse.close()
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
    asked = {name for rule in rules for name in re.findall(r"arbitrage_\w+", rule["expr"])}
    assert {re.sub(r"_(total|count|sum)$", "", name) for name in asked} <= families
