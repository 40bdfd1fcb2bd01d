"""GET /api/metrics: stored sums as Prometheus text, checked by promtool."""

import asyncio
import sqlite3
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared import alerting
from shared.desk import Standing
from shared.domain.kill_switch import KillSwitch
from shared.domain.portfolio import Portfolio
from shared.domain.risk import RiskUsage
from shared.records.totals import PROFIT_BOUNDS
from shared.web import prometheus
from tests.telemetry.stored import NOON, make_stores


@pytest.fixture
async def desk(tmp_path):
    made = await make_stores(tmp_path)
    yield made
    await made.warehouse.close()


def samples(text):
    """Sample values by name and labels without the market."""
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("market") == "simulated"
            found[sample.name, *sorted(labels.items())] = sample.value
    return found


async def scrape(desk):
    return samples((await prometheus.answer(desk)).body)


@pytest.fixture
def sums(tmp_path):
    """Asks the database itself."""

    def ask(query):
        with sqlite3.connect(tmp_path / "warehouse.db") as connection:
            return connection.execute(query).fetchall()

    return ask


async def test_every_counter_equals_the_sum_of_the_database(desk, sums):
    found = await scrape(desk)
    for status, count in sums("SELECT status, COUNT(*) FROM trades GROUP BY status"):
        assert found["arbitrage_trades_total", ("status", status)] == count
    for trigger, count, total_ms in sums(
        "SELECT triggered_by, COUNT(*), SUM(duration_ms) FROM scans GROUP BY triggered_by"
    ):
        assert found["arbitrage_scan_duration_seconds_count", ("trigger", trigger)] == count
        assert found["arbitrage_scan_duration_seconds_sum", ("trigger", trigger)] == total_ms / 1000
    for venue, status, count in sums(
        "SELECT venue, status, COUNT(*) FROM venue_health GROUP BY venue, status"
    ):
        assert found["arbitrage_venue_answers_total", ("status", status), ("venue", venue)] == count
    for venue, count, total_ms in sums(
        "SELECT venue, COUNT(*), SUM(latency_ms) FROM venue_health WHERE status = 'ok' GROUP BY venue"
    ):
        assert found["arbitrage_venue_latency_seconds_count", ("venue", venue)] == count
        assert found["arbitrage_venue_latency_seconds_sum", ("venue", venue)] == total_ms / 1000
    ((refused, cost),) = sums("SELECT (SELECT SUM(refused) FROM rejections), SUM(cost_usd) FROM verdicts")
    assert found["arbitrage_rejections_total", ("reason", "STALE_BOOK")] == refused
    assert found["arbitrage_ai_cost_usd_total",] == pytest.approx(cost)


async def test_loops_are_told_apart_by_their_pair_of_venues(desk, sums):
    found = await scrape(desk)
    asked = "SELECT venues, COUNT(*), SUM(profit_value) FROM arbitrage_opportunities GROUP BY venues"
    for venues, count, profit in sums(asked):
        labels = (("kind", "two_leg"), ("pair", "binance" if venues.count(">") == 2 else venues))
        assert found["arbitrage_opportunities_total", *labels] == count
        assert found["arbitrage_opportunity_profit_usdt_total", *labels] == pytest.approx(profit)


async def test_the_profit_of_trades_counts_what_they_still_carry(desk, sums):
    found = await scrape(desk)
    asked = (
        "SELECT SUM(realised_value), SUM(unrealised_value) FROM trades WHERE status IN ('filled', 'partial')"
    )
    ((realised, carried),) = sums(asked)
    assert carried < 0
    profit = sum(value for (name, *_), value in found.items() if name == "arbitrage_trade_profit_usdt")
    assert profit == pytest.approx(realised + carried)


async def test_the_distribution_of_profit_counts_what_lies_at_or_below_each_bound(desk, sums):
    found = await scrape(desk)
    bounds = {
        dict(labels)["le"]: value for (name, *labels), value in found.items() if name.endswith("ratio_bucket")
    }
    assert len(bounds) == len(PROFIT_BOUNDS) + 1
    for bound, count in bounds.items():
        limit = 1e9 if bound == "+Inf" else float(bound) * 1000
        asked = (
            "SELECT COUNT(*) FROM trades WHERE status IN ('filled', 'partial') "
            f"AND CAST(realised_profit AS REAL) + CAST(unrealised_profit AS REAL) <= {limit}"
        )
        assert ((count,),) == tuple(sums(asked)), bound
    assert 0 < bounds["0"] < bounds["+Inf"]


async def test_what_never_happened_counts_zero(desk):
    found = await scrape(desk)
    assert found["arbitrage_rejections_total", ("reason", "KILL_SWITCH")] == 0


async def test_the_newest_scan_tells_which_venues_are_up(desk):
    found = await scrape(desk)
    assert found["arbitrage_last_scan_timestamp_seconds",] == NOON / 1000
    assert found["arbitrage_venue_up", ("venue", "binance")] == 1
    assert found["arbitrage_venue_up", ("venue", "kraken")] == 0
    assert found["arbitrage_venue_clock_drift_seconds", ("venue", "binance")] == -0.04


async def test_the_state_tells_of_loads_alarms_and_the_kill_switch(desk):
    await desk.state.replace("simulated-watchdog", "loads", {"since_ms": 0, "missing": 7})
    await desk.state.replace("simulated-poisoned", "a", {"reason": "x", "at_ms": 0})
    gone = {"severity": "warning", "detail": "", "since_ms": 0, "told_ms": 0, "absent_ms": 5}
    memory = {"loads_poisoned": gone | {"absent_ms": None}, "budget_spent": gone}
    await desk.state.replace("simulated-alarms", alerting.KEY, memory)
    standing = Standing(Portfolio({}), RiskUsage(), KillSwitch().trip("risk", "lost 120 USDT", NOON))
    value = {
        "portfolio": standing.portfolio.to_dict(),
        "usage": standing.usage.to_dict(),
        "kill_switch": standing.kill_switch.to_dict(),
        "executed": {},
    }
    await desk.state.replace("simulated-desk", "standing", value)

    found = await scrape(desk)
    assert found["arbitrage_loads_pending", ("state", "waiting")] == 7
    assert found["arbitrage_loads_pending", ("state", "poisoned")] == 1
    assert found["arbitrage_kill_switch",] == 1
    assert [key for key in found if key[0] == "arbitrage_alarm"] == [
        ("arbitrage_alarm", ("alarm", "loads_poisoned"))
    ]


async def test_a_fresh_desk_has_metrics_too(tmp_path):
    desk = await make_stores(tmp_path, scans=0)
    found = await scrape(desk)
    await desk.warehouse.close()
    assert found["arbitrage_trades_total", ("status", "filled")] == 0
    assert ("arbitrage_last_scan_timestamp_seconds",) not in found


def check_metrics(promtool, text):
    """promtool's verdict: exit code and complaints."""
    run = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    return run.returncode, run.stdout + run.stderr


async def test_promtool_finds_nothing_to_complain_about(desk, promtool):
    text = (await prometheus.answer(desk)).body
    assert await asyncio.to_thread(check_metrics, promtool, text) == (0, b"")


def test_promtool_would_complain(promtool):
    code, complaint = check_metrics(promtool, b"# TYPE arbitrage_trades counter\narbitrage_trades 1\n")
    assert code != 0
    assert b"_total" in complaint
