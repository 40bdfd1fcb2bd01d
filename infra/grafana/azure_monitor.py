"""Dashboards over Application Insights; the queries stand in infra/kusto."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from panels import MARKET, Dashboard, Panel

KUSTO = Path(__file__).resolve().parents[1] / "kusto"
SOURCE = {"type": "grafana-azure-monitor-datasource", "uid": "azure-monitor"}

RESOURCE = {
    "name": "resource",
    "label": "Application Insights",
    "description": "The Application Insights resource of the app.",
    "type": "query",
    "datasource": SOURCE,
    "query": {
        "refId": "resources",
        "queryType": "Azure Resource Graph",
        "azureResourceGraph": {
            "query": "resources | where type =~ 'microsoft.insights/components' | project id",
            "resultFormat": "table",
        },
    },
    "refresh": 1,
    "sort": 1,
    "includeAll": False,
    "multi": False,
}


def _query(name: str) -> str:
    """A query file with the dashboard's market, its series in the order of time."""
    text = (KUSTO / f"{name}.kql").read_text(encoding="utf-8")
    text = text.replace('let market = "simulated";', 'let market = "$market";')
    ordered = "by bin(timestamp" not in text or "order by timestamp asc" in text
    return text if ordered else f"{text}| order by timestamp asc\n"


def _panel(
    query: str, title: str, unit: str, says: str, empty: str, kind: str = "timeseries", width: int = 12
) -> Panel:
    target: dict[str, Any] = {
        "refId": "A",
        "datasource": SOURCE,
        "queryType": "Azure Log Analytics",
        "azureLogAnalytics": {
            "query": _query(query),
            "resources": ["$resource"],
            "resultFormat": "time_series" if kind == "timeseries" else "table",
            "dashboardTime": True,
            "timeColumn": "timestamp",
        },
    }
    return Panel(title, says, empty, unit, target, kind, width)


def _dashboard(name: str, title: str, says: str, *panels: Panel) -> Dashboard:
    return Dashboard(f"azure-{name}", f"{title} · App Insights", says, panels, (RESOURCE, MARKET))


_NO_SCAN = "no scan has sent telemetry; look at the system health."

DASHBOARDS = {
    "opportunities": _dashboard(
        "opportunities",
        "Opportunities",
        "What the scans found, and what they refused and why.",
        _panel(
            "opportunities-by-pair",
            "Opportunities by pair of venues",
            "",
            "Opportunities detected each five minutes, by the venues of the loop in leg order.",
            "no loop survived every cost and gate in this time, which is common at base-tier fees.",
        ),
        _panel(
            "net-edge",
            "Net edge",
            "bps",
            "Net edge of detected opportunities after taker fees: average and best each five minutes.",
            "no opportunity was detected in this time.",
        ),
        _panel(
            "rejections-by-reason",
            "Refused loops by reason",
            "",
            "Loops that looked profitable at the top of book and were refused, each five minutes.",
            f"nothing looked profitable, or {_NO_SCAN}",
            width=24,
        ),
        _panel(
            "best-opportunities",
            "Best opportunities",
            "",
            "The hundred opportunities with the highest net profit in USDT; operation_Id leads to the trace.",
            "no opportunity was detected in this time.",
            "table",
            24,
        ),
        _panel(
            "best-rejections",
            "Best refused loop of each reason",
            "",
            "Of each reason the refused loop with the highest net edge in basis points, and why it was refused.",
            f"nothing was refused, or {_NO_SCAN}",
            "table",
            24,
        ),
    ),
    "profit": _dashboard(
        "profit",
        "Profit distribution",
        "What simulated trades earned, and how far from what was seen when they were decided.",
        _panel(
            "profit-by-hour",
            "Profit",
            "USDT",
            "Profit of simulated trades at value, realised and carried: each hour, and total of the shown time.",
            "no trade was simulated in this time.",
        ),
        _panel(
            "profit-percent-by-hour",
            "Profit of a trade",
            "%",
            "Profit, realised and carried, in percent of what trades started with: average and best by hour.",
            "no trade was simulated in this time.",
        ),
        _panel(
            "profit-distribution",
            "Distribution of profit",
            "",
            "How many trades with fills earned how much, in steps of 0.05 percent of what they started with.",
            "no trade was filled in this time.",
            "barchart",
        ),
        _panel(
            "trades-by-status",
            "Trades by how they ended",
            "",
            "Simulated executions each five minutes: filled, partial, missed or refused.",
            "no opportunity reached execution in this time.",
        ),
        _panel(
            "edge-kept",
            "Profit kept from decision to fill",
            "%",
            "What was left of the profit seen at decision time once the trade was filled, by pair of venues.",
            "no trade was filled in this time.",
            "table",
            24,
        ),
    ),
    "exchanges": _dashboard(
        "exchanges",
        "Exchange performance",
        "How the venues answer.",
        _panel(
            "venue-latency",
            "Latency of quotes",
            "ms",
            "Duration of each venue's quotes request: average and worst each five minutes.",
            f"no venue answered, or {_NO_SCAN}",
        ),
        _panel(
            "venue-errors",
            "Errors by venue and kind",
            "",
            "Requests that a venue did not answer with a market, each five minutes.",
            "every venue answered every request in this time.",
        ),
        _panel(
            "book-age",
            "Age of the oldest book",
            "ms",
            "Age of the oldest book behind detected opportunities: average and worst by pair of venues.",
            "no opportunity was detected in this time.",
            "table",
            24,
        ),
    ),
    "health": _dashboard(
        "health",
        "System health",
        "Whether the product does its work.",
        _panel(
            "scan-duration",
            "Duration of scans",
            "ms",
            "From the first request of a scan to its last detection: average and worst each five minutes.",
            "no scan ran in this time: look at scan_timer and its schedule.",
        ),
        _panel(
            "loader-lag",
            "Lag of the loader",
            "ms",
            "From a scan's time to its rows in the warehouse: average and worst each five minutes.",
            "nothing was loaded in this time: look at load_sql and the queue sql-load.",
        ),
        _panel(
            "loads-by-result",
            "Blobs by result",
            "",
            "Blobs handled by the loader each five minutes: loaded, duplicate, retried or poisoned.",
            "nothing was loaded in this time: look at load_sql and the queue sql-load.",
        ),
        _panel(
            "verdicts-by-source",
            "Verdicts",
            "",
            "Verdicts each hour, by who decided (rules or model) and what.",
            "no opportunity was judged in this time.",
        ),
        _panel(
            "ai-cost",
            "Cost of the model",
            "USD",
            "What the language model charged each hour.",
            "the model was not asked in this time; the rules decide.",
        ),
        _panel(
            "steps",
            "Steps",
            "",
            "Each step of the product: runs, failures, average and 95th percentile of its milliseconds.",
            _NO_SCAN,
            "table",
        ),
        _panel(
            "failures",
            "Exceptions",
            "",
            "Exceptions by kind, the newest first.",
            "nothing failed in this time.",
            "table",
            24,
        ),
    ),
}
