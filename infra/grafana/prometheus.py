"""Dashboards over GET /api/metrics as Prometheus scrapes it."""

from __future__ import annotations

from panels import MARKET, Dashboard, Panel

SOURCE = {"type": "prometheus", "uid": "prometheus"}


def _panel(
    expression: str,
    legend: str,
    title: str,
    unit: str,
    says: str,
    empty: str,
    kind: str = "timeseries",
    width: int = 12,
) -> Panel:
    target = {
        "refId": "A",
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": expression,
        "legendFormat": legend,
        "range": kind == "timeseries",
        "instant": kind != "timeseries",
        # buckets count what is at or below their bound: as a heatmap, Grafana takes them apart
        "format": "heatmap" if "by (le) (increase" in expression else "time_series",
    }
    return Panel(title, says, empty, unit, target, kind, width)


def _dashboard(name: str, title: str, says: str, *panels: Panel) -> Dashboard:
    return Dashboard(f"prometheus-{name}", f"{title} · Prometheus", says, panels, (MARKET,))


_NOT_SCRAPED = "Prometheus has not scraped the app: look at its targets."

DASHBOARDS = {
    "opportunities": _dashboard(
        "opportunities",
        "Opportunities",
        "What the scans found, and what they refused and why.",
        _panel(
            'sum by (pair) (rate(arbitrage_opportunities_total{market="$market"}[$__rate_interval])) * 60',
            "{{pair}}",
            "Opportunities by pair of venues",
            "per minute",
            "Opportunities detected, by the venues of the loop in leg order.",
            "no loop has ever survived every cost and gate, which is common at base-tier fees.",
        ),
        _panel(
            'sum by (pair) (increase(arbitrage_opportunity_profit_usdt_total{market="$market"}[1h]))',
            "{{pair}}",
            "Profit seen",
            "USDT",
            "Net profit of the opportunities detected in the last hour, before execution.",
            "no opportunity was ever detected.",
        ),
        _panel(
            'sum by (reason) (rate(arbitrage_rejections_total{market="$market"}[$__rate_interval])) * 60 > 0',
            "{{reason}}",
            "Refused loops by reason",
            "per minute",
            "Loops that looked profitable at the top of book and were refused.",
            f"nothing was refused in this time, or {_NOT_SCRAPED}",
            width=24,
        ),
    ),
    "profit": _dashboard(
        "profit",
        "Profit distribution",
        "What simulated trades earned.",
        _panel(
            'sum(arbitrage_trade_profit_usdt{market="$market"})',
            "profit",
            "Profit",
            "USDT",
            "Profit of all simulated trades, realised and carried, at value, since the first one.",
            "no trade was ever filled.",
        ),
        _panel(
            'sort_desc(sum by (pair) (arbitrage_trade_profit_usdt{market="$market"}))',
            "{{pair}}",
            "Profit by pair of venues",
            "USDT",
            "The same, by the venues of the loop in leg order.",
            "no trade was ever filled.",
            "bargauge",
        ),
        _panel(
            "histogram_quantile(0.5, sum by (le) "
            '(rate(arbitrage_trade_profit_ratio_bucket{market="$market"}[1h])))',
            "median",
            "Median profit of a trade",
            "0..1",
            "Median of profit over what a trade started with, in the last hour; from buckets.",
            "no trade was filled in this time.",
        ),
        _panel(
            'sum by (le) (increase(arbitrage_trade_profit_ratio_bucket{market="$market"}[$__range]))',
            "{{le}}",
            "Distribution of profit",
            "",
            "Trades of the shown time by profit over what they started with; bars carry their upper bound.",
            "no trade was ever filled.",
            "bargauge",
        ),
        _panel(
            'sum by (status) (rate(arbitrage_trades_total{market="$market"}[$__rate_interval])) * 60',
            "{{status}}",
            "Trades by how they ended",
            "per minute",
            "Simulated executions: filled, partial, missed or refused.",
            _NOT_SCRAPED,
        ),
        _panel(
            'arbitrage_day_profit_usdt{market="$market"}',
            "today",
            "Profit of the day",
            "USDT",
            "What the risk limits count for this UTC day.",
            "the desk was not funded yet: no scan has run.",
            "stat",
            6,
        ),
        _panel(
            'arbitrage_drawdown_usdt{market="$market"}',
            "drawdown",
            "Drawdown",
            "USDT",
            "Highest profit so far minus profit now; the risk limits stop execution above their bound.",
            "the desk was not funded yet: no scan has run.",
            "stat",
            6,
        ),
    ),
    "exchanges": _dashboard(
        "exchanges",
        "Exchange performance",
        "How the venues answer.",
        _panel(
            'arbitrage_venue_up{market="$market"}',
            "{{venue}}",
            "Venues in the newest scan",
            "",
            "1 where the venue answered the newest scan, else 0.",
            f"no scan has reached the warehouse, or {_NOT_SCRAPED}",
            "stat",
        ),
        _panel(
            'sum by (venue) (rate(arbitrage_venue_answers_total{market="$market", status="ok"}[15m])) '
            '/ sum by (venue) (rate(arbitrage_venue_answers_total{market="$market"}[15m]))',
            "{{venue}}",
            "Answered scans",
            "0..1",
            "Part of the scans of the last 15 minutes that the venue answered.",
            "no scan ran in this time.",
        ),
        _panel(
            'rate(arbitrage_venue_latency_seconds_sum{market="$market"}[5m]) '
            '/ rate(arbitrage_venue_latency_seconds_count{market="$market"}[5m])',
            "{{venue}}",
            "Latency of quotes",
            "s",
            "Average duration of the quotes requests that the venue answered in the last 5 minutes.",
            "no venue answered in this time.",
        ),
        _panel(
            "sum by (venue, status) "
            '(rate(arbitrage_venue_answers_total{market="$market", status!="ok"}[$__rate_interval])) * 60',
            "{{venue}} {{status}}",
            "Errors by venue and kind",
            "per minute",
            "Scans that a venue did not answer with a market.",
            "every venue has answered every scan so far.",
        ),
        _panel(
            'arbitrage_venue_clock_drift_seconds{market="$market"}',
            "{{venue}}",
            "Clock drift",
            "s",
            "The venue's clock minus ours, in the newest scan.",
            "no venue tells its time.",
        ),
    ),
    "health": _dashboard(
        "health",
        "System health",
        "Whether the product does its work.",
        _panel(
            'time() - arbitrage_last_scan_timestamp_seconds{market="$market"}',
            "age",
            "Age of the newest scan",
            "s",
            "How old the newest scan in the warehouse is.",
            f"no scan has reached the warehouse, or {_NOT_SCRAPED}",
            "stat",
            6,
        ),
        _panel(
            'arbitrage_kill_switch{market="$market"}',
            "kill switch",
            "Kill switch",
            "",
            "1 while execution is stopped; a person has to clear it.",
            "the desk was not funded yet: no scan has run.",
            "stat",
            6,
        ),
        _panel(
            'arbitrage_alarm{market="$market"}',
            "{{alarm}}",
            "Alarms that hold",
            "",
            "One row for each alarm of the watchdog that holds now.",
            "all is well.",
            "table",
        ),
        _panel(
            'rate(arbitrage_scan_duration_seconds_sum{market="$market"}[5m]) '
            '/ rate(arbitrage_scan_duration_seconds_count{market="$market"}[5m])',
            "{{trigger}}",
            "Duration of scans",
            "s",
            "Average time from the first request of a scan to its last detection, in the last 5 minutes.",
            "no scan ran in this time.",
        ),
        _panel(
            'sum(rate(arbitrage_scan_duration_seconds_count{market="$market"}[$__rate_interval])) * 60',
            "scans",
            "Scans",
            "per minute",
            "Scans that reached the warehouse.",
            f"no scan has reached the warehouse, or {_NOT_SCRAPED}",
        ),
        _panel(
            'arbitrage_load_lag_seconds{market="$market"}',
            "lag",
            "Lag of the loader",
            "s",
            "From the newest loaded scan's time to its rows in the warehouse.",
            "nothing was loaded yet.",
        ),
        _panel(
            'arbitrage_loads_pending{market="$market"}',
            "{{state}}",
            "Blobs that are not loaded",
            "",
            "Blobs waiting for the warehouse, queued again after a failure, or poisoned.",
            _NOT_SCRAPED,
        ),
        _panel(
            'sum by (source, decision) (increase(arbitrage_verdicts_total{market="$market"}[1h]))',
            "{{source}} {{decision}}",
            "Verdicts",
            "",
            "Verdicts of the last hour, by who decided and what.",
            "no opportunity was ever judged.",
        ),
        _panel(
            'increase(arbitrage_ai_cost_usd_total{market="$market"}[1d])',
            "cost",
            "Cost of the model",
            "USD",
            "What the language model charged in the last 24 hours.",
            "the model was never asked; the rules decide.",
        ),
    ),
}
