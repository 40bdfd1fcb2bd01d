"""From what one scan uses to what a month costs, for what the two variable files of Terraform make.

A test holds the deployments against infra/terraform.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import prices
from shared.adapters.parquet.compaction import RETENTION_DAYS

SCHEDULES_S = (15, 30, 60)
DAYS = 365 / 12
MONTH_S = DAYS * 86_400
YEAR_DAYS = 365
MINUTES, HOURS = MONTH_S / 60, MONTH_S / 3600

LEAST_BILLED_S = 1.0
"""Flex Consumption bills an execution for a second at least, and beyond it in steps of a tenth."""

SMALL_MB, SMALL_CORES = 512, 0.25
"""Cores of an instance of 512 MB; one of 2048 MB has one. CPU time grows by as much."""

RESTORABLE_DAYS = 30
"""Deleted blobs of the lake can be restored for so long, and are billed for so long."""

EPISODES = 4
"""Runs of the orchestrator in a workflow: at its start and after the analyses, the execution and the record."""

DURABLE_QUEUES, ALL_QUEUES = 2, 4
DURABLE_POLL_S, TRIGGER_POLL_S, SCALE_POLL_S = 2, 60, 10
"""Idle queues: Durable's own (host.json), those of triggers (the default on Azure), the scale controller's look."""

LEASES, LEASE_S = 7, 10
"""Blobs on lease while an instance is awake: Durable's partition and app, the host's lock, one for each timer."""

CALLS_A_MESSAGE = 3
"""Put, get, delete."""

HOST_BYTES = 3_000
"""Assumed: what the host itself writes to the log about one execution."""

MONITORED_S = 60
"""Timers of a minute or more write their status to a blob; faster ones do not."""

VAULT_READS = 2 * 6 * 24 * DAYS * 9
"""Nine secrets every ten minutes in two processes."""

VAULT_BYTES = 1_500
"""Assumed: a line of the vault's audit log."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a variable file makes, as far as it costs; `often` are the log alerts of every five minutes."""

    name: str
    scan_every_s: int
    database: prices.Price
    memory_mb: int = 2048
    zones: bool = False
    recordings_days: int = 120
    cool_after_days: int = 30
    often: int = 2
    seldom: int = 7
    metric_alerts: int = 3
    web_tests_an_hour: float = 12
    log_daily_gb: float = 1
    grafana: bool = False


DEV = Deployment("dev", 60, prices.BASIC, recordings_days=30, log_daily_gb=0.5, web_tests_an_hour=4)
PROD = Deployment("prod", 30, prices.S0, zones=True, log_daily_gb=2, grafana=True)


@dataclass(frozen=True, slots=True)
class Month:
    """What a month uses; calls are numbers of calls, `hot_gb` and `cool_gb` are what lies there after a year."""

    scans: float
    executions: float
    gb_seconds: float
    table_calls: float
    lake_writes: float
    lake_reads: float
    lake_lists: float
    lake_moves: float
    hot_gb: float
    cool_gb: float
    queue_calls: float
    host_writes: float
    lease_renewals: float
    log_gb: float


def billed_s(seconds: float) -> float:
    """What Flex Consumption bills for a period of so many seconds."""
    return max(LEAST_BILLED_S, math.ceil(seconds * 10 - 1e-9) / 10)


def runs(scans: float, flows: float, made: Deployment) -> dict[str, float]:
    """How often a month each kind of work is done."""
    return {
        "scan": scans,
        "load": scans + flows,
        "analyze": flows,
        "execute": flows,
        "record": flows,
        "watchdog": MINUTES,
        "health": made.web_tests_an_hour * HOURS,
        "markets": HOURS,
        "compact": HOURS,
    }


def month(found: Mapping[str, Any], made: Deployment, every_s: int, *, trading: bool = True) -> Month:
    """What a month of a schedule uses; without `trading` no scan starts a workflow."""
    each = found["runs"]
    scans = MONTH_S / every_s
    flows = scans * found["traded_share"] if trading else 0.0
    times = runs(scans, flows, made)
    # A compaction reads and packs each scan of its hour once; the files that it writes are as many as ever.
    denser = 3600 / every_s / found["scans"]

    def sum_of(what: str, *, grows: bool = False) -> float:
        return math.fsum(
            number * each[kind].get(what, 0) * (denser if grows and kind == "compact" else 1)
            for kind, number in times.items()
        )

    slower = 1 / SMALL_CORES - 1 if made.memory_mb == SMALL_MB else 0
    busy_s = flows * EPISODES * LEAST_BILLED_S
    for kind, number in times.items():
        seconds = each[kind]["seconds"] + slower * each[kind]["cpu_seconds"]
        busy_s += number * billed_s(seconds * (denser if kind == "compact" else 1))
    executions = sum(times.values()) + flows * (found["analyses"] - 1 + EPISODES)
    # Metrics are summed up and sent once a minute, however often work is done.
    said_bytes = sum_of("telemetry_bytes") + sum(
        min(number, MINUTES) * each[kind]["metric_bytes"] for kind, number in times.items()
    )
    messages = scans + flows + flows * (1 + 2 * (found["analyses"] + 2))
    polls = (
        DURABLE_QUEUES / DURABLE_POLL_S
        + (ALL_QUEUES - DURABLE_QUEUES) / TRIGGER_POLL_S
        + ALL_QUEUES / SCALE_POLL_S
    )
    hot, cool = stored_gb(sum_of, made)
    return Month(
        scans=scans,
        executions=executions,
        gb_seconds=busy_s * made.memory_mb / 1024,
        table_calls=sum_of("table_calls") + flows * (2 * EPISODES + 4),
        lake_writes=sum_of("blob_writes"),
        lake_reads=sum_of("blob_reads", grows=True),
        lake_lists=sum_of("blob_lists"),
        lake_moves=(scans + flows + HOURS * each["compact"]["blob_writes"])
        * (made.cool_after_days < YEAR_DAYS),
        hot_gb=hot,
        cool_gb=cool,
        queue_calls=MONTH_S * polls + CALLS_A_MESSAGE * messages,
        host_writes=MINUTES + 2 * HOURS + (scans if every_s >= MONITORED_S else 0),
        lease_renewals=LEASES * MONTH_S / LEASE_S,
        log_gb=min(
            made.log_daily_gb * DAYS,
            (said_bytes + executions * HOST_BYTES + VAULT_READS * VAULT_BYTES) / 1e9,
        ),
    )


def stored_gb(sum_of: Callable[..., float], made: Deployment) -> tuple[float, float]:
    """GB in the hot and the cool tier after a year, deleted blobs that can still be restored with them."""
    hot = cool = 0.0
    for dataset, kept in RETENTION_DAYS.items():
        days = kept
        if dataset in {"snapshots", "quotes", "findings", "executions"}:
            # Compaction replaces snapshots within two hours.
            days = 0 if dataset == "snapshots" else min(kept, made.recordings_days)
        days = min(days + RESTORABLE_DAYS, YEAR_DAYS)
        gb_a_day = sum_of(f"bytes_{dataset}", grows=True) / DAYS / 1e9
        cools = dataset in {"scans", "trades", "tables"}
        warm = min(days, made.cool_after_days) if cools else days
        hot += gb_a_day * warm
        cool += gb_a_day * (days - warm)
    return hot, cool


def bill(used: Month, made: Deployment) -> dict[str, float]:
    """US dollars a month by item."""
    zones = prices.ZONES if made.zones else 1.0
    return {
        f"execution time, {made.memory_mb} MB": prices.EXECUTION_TIME.of(used.gb_seconds),
        "executions": prices.EXECUTIONS.of(used.executions),
        "calls of the lake": zones * (prices.LAKE_WRITES.of(used.lake_writes))
        + prices.LAKE_READS.of(used.lake_reads)
        + prices.LAKE_LISTS.of(used.lake_lists),
        "moves of the lake's blobs to the cool tier": zones * prices.LAKE_MOVES.of(used.lake_moves),
        "what the lake holds after a year": zones
        * (prices.LAKE_HOT.of(used.hot_gb) + prices.LAKE_COOL.of(used.cool_gb)),
        "table calls": prices.TABLE_CALLS.of(used.table_calls),
        "queues, leases and timers of the host (estimate)": prices.QUEUE_CALLS.of(used.queue_calls)
        + prices.HOST_LEASES.of(used.lease_renewals)
        + zones * prices.HOST_WRITES.of(used.host_writes),
        "database": made.database.of(DAYS),
        "log alerts": prices.LOG_ALERT_5_MIN.of(made.often) + prices.LOG_ALERT_15_MIN.of(made.seldom),
        "metric alerts": prices.METRIC_ALERT.of(made.metric_alerts),
        "web test": prices.WEB_TEST.of(made.web_tests_an_hour * HOURS),
        "Log Analytics": prices.LOGS.of(used.log_gb),
        "key vault (estimate)": prices.VAULT.of(VAULT_READS),
        "Managed Grafana, one user": (prices.GRAFANA.of(24 * DAYS) + prices.GRAFANA_USER.of(1))
        if made.grafana
        else 0.0,
    }


def dollars(found: Mapping[str, Any], made: Deployment, every_s: int, *, trading: bool = True) -> float:
    """US dollars a month of a schedule."""
    return sum(bill(month(found, made, every_s, trading=trading), made).values())
