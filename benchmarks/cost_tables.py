"""The tables of docs/deploy.md, "What it costs a month", from the recorded quantities; a test compares them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from benchmarks import monthly, prices


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


NAMES = {
    "scan": "scan",
    "load": "load of one blob",
    "analyze": "analyses of a scan, at once",
    "execute": "execute",
    "record": "record",
    "watchdog": "round of the watchdog",
    "health": "health check",
    "markets": "refresh of the markets",
    "compact": "compaction",
}


def told(found: Mapping[str, Any]) -> list[str]:
    """What docs/deploy.md shows, in its order."""
    return [measured(found), used(found), costs(found), cheaper(found), listed()]


def measured(found: Mapping[str, Any]) -> str:
    """What one run of each kind of work used."""
    rows = []
    for kind, name in NAMES.items():
        one = found["runs"][kind]
        written = sum(value for what, value in one.items() if what.startswith("bytes_"))
        rows.append(
            [
                name + (f" of {found['scans']} scans" if kind == "compact" else ""),
                f"{one['seconds']:.2f}",
                f"{one['cpu_seconds']:.2f}",
                *(
                    f"{one.get(what, 0):.1f}"
                    for what in ("table_calls", "blob_writes", "blob_reads", "blob_lists")
                ),
                f"{written / 1000:.0f}",
                f"{one['telemetry_bytes'] / 1000:.1f}",
                f"{one['metric_bytes'] / 1000:.1f}",
            ]
        )
    head = (
        "one",
        "s",
        "s of CPU",
        "table calls",
        "writes",
        "reads",
        "listings",
        "kB written",
        "kB of telemetry",
        "kB of metrics",
    )
    return table(head, rows)


def used(found: Mapping[str, Any]) -> str:
    """What a month uses with the settings of prod."""
    months = [monthly.month(found, monthly.PROD, every_s) for every_s in monthly.SCHEDULES_S]
    rows = [
        ["scans", *(f"{each.scans:,.0f}" for each in months)],
        ["executions", *(f"{each.executions / 1e6:.2f} M" for each in months)],
        ["GB-s of 2048 MB", *(f"{each.gb_seconds / 1e6:.2f} M" for each in months)],
        ["table calls", *(f"{each.table_calls / 1e6:.1f} M" for each in months)],
        *(
            [f"{name} of the lake", *(f"{getattr(each, field) / 1e6:.2f} M" for each in months)]
            for name, field in (
                ("writes", "lake_writes"),
                ("reads", "lake_reads"),
                ("listings", "lake_lists"),
            )
        ),
        ["GB of the lake after a year, hot", *(f"{each.hot_gb:.1f}" for each in months)],
        ["GB of the lake after a year, cool", *(f"{each.cool_gb:.1f}" for each in months)],
        ["queue calls (estimate)", *(f"{each.queue_calls / 1e6:.1f} M" for each in months)],
        ["GB of logs", *(f"{each.log_gb:.1f}" for each in months)],
    ]
    return table(["a month, prod", *(f"every {every_s} s" for every_s in monthly.SCHEDULES_S)], rows)


def costs(found: Mapping[str, Any]) -> str:
    """US dollars a month by deployment and schedule; a variable file's own schedule stands in bold."""
    columns = [(made, every_s) for made in (monthly.DEV, monthly.PROD) for every_s in monthly.SCHEDULES_S]
    bills = [monthly.bill(monthly.month(found, made, every_s), made) for made, every_s in columns]

    def row(name: str, values: Iterable[float]) -> list[str]:
        own = [made.scan_every_s == every_s for made, every_s in columns]
        return [
            name,
            *(
                f"**{value:.1f}**" if bold else f"{value:.1f}"
                for value, bold in zip(values, own, strict=True)
            ),
        ]

    rows = [row(item, [each[item] for each in bills]) for item in bills[0]]
    rows.append(row("together", [sum(each.values()) for each in bills]))
    quiet = [monthly.dollars(found, made, every_s, trading=False) for made, every_s in columns]
    rows.append(row("together, if no scan finds anything", quiet))
    return table(["US dollars a month", *(f"{made.name}, {every_s} s" for made, every_s in columns)], rows)


def cheaper(found: Mapping[str, Any]) -> str:
    """What other settings save a month, at each variable file's own schedule."""
    changes: dict[str, dict[str, Any]] = {
        "`instance_memory_mb = 512`": {"memory_mb": 512},
        '`sql_sku = "Basic"`': {"database": prices.BASIC},
        "`grafana = false`": {"grafana": False},
        "`health_test` from one place": {"web_tests_an_hour": monthly.DEV.web_tests_an_hour},
        "`lake_cool_after_days = 99999`": {"cool_after_days": 99_999},
    }
    rows = []
    for name, change in changes.items():
        saved = [
            monthly.dollars(found, made, made.scan_every_s)
            - monthly.dollars(found, replace(made, **change), made.scan_every_s)
            for made in (monthly.DEV, monthly.PROD)
        ]
        rows.append([name, *(f"{value:.1f}" for value in saved)])
    return table(
        ["saves", *(f"{made.name}, {made.scan_every_s} s" for made in (monthly.DEV, monthly.PROD))], rows
    )


def listed() -> str:
    """The unit prices."""
    rows = []
    for price in prices.PRICES:
        free = f", {price.free:,.0f} free" if price.free else ""
        usd = f"{price.usd:f}".rstrip("0").rstrip(".")
        rows.append([price.item, f"{usd} for {price.unit}{free}", price.how, price.found])
    return table(["price", "US dollars", "", "in"], rows)
