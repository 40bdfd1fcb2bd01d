"""Dashboards over the warehouse in Azure SQL: T-SQL on the tables, whose indexes lead with market and time."""

from __future__ import annotations

from panels import MARKET, Dashboard, Panel

SOURCE = {"type": "mssql", "uid": "warehouse"}

_HERE = "market = '$market' AND $__timeFilter(time)"
_FILLED = f"{_HERE} AND status IN ('filled', 'partial')"


def _panel(
    sql: str, title: str, unit: str, says: str, empty: str, kind: str = "timeseries", width: int = 12
) -> Panel:
    target = {
        "refId": "A",
        "datasource": SOURCE,
        "editorMode": "code",
        "format": "time_series" if kind == "timeseries" else "table",
        "rawQuery": True,
        "rawSql": sql,
    }
    return Panel(title, says, empty, unit, target, kind, width)


def _by_time(table: str, width: str, values: str, where: str = _HERE, metric: str = "") -> str:
    """A series over time, one for each value of `metric`."""
    time = f"$__timeGroup(time, '{width}')"
    named = f"{metric} AS metric, " if metric else ""
    grouped = f"{time}, {metric}" if metric else time
    return f"SELECT {time} AS time, {named}{values} FROM {table} WHERE {where} GROUP BY {grouped} ORDER BY 1"


def _dashboard(name: str, title: str, says: str, *panels: Panel) -> Dashboard:
    return Dashboard(f"warehouse-{name}", f"{title} · Warehouse", says, panels, (MARKET,))


_NOT_LOADED = "no scan of this time is in the warehouse: look at the system health."

_LIFETIME = (
    "CASE WHEN lifetime_ms = 0 THEN '1: seen once' WHEN lifetime_ms <= 60000 THEN '2: up to 1 min' "
    "WHEN lifetime_ms <= 600000 THEN '3: up to 10 min' ELSE '4: longer' END"
)
_PERCENT = (
    "ROUND(2000.0 * CAST(realised_profit + unrealised_profit AS FLOAT) / CAST(start_amount AS FLOAT), 0) / 20"
)
_CAUSES = " UNION ALL ".join(
    f"SELECT '{cause}' AS cause, SUM(CAST(cause_{cause} AS FLOAT)) AS usdt "
    f"FROM trades WHERE {_FILLED} AND start_asset = 'USDT'"
    for cause in ("slippage", "delay", "latency", "partial_fill", "unwind", "fees")
)

DASHBOARDS = {
    "opportunities": _dashboard(
        "opportunities",
        "Opportunities",
        "What the scans found, and what they refused and why.",
        _panel(
            _by_time("arbitrage_opportunities", "5m", "COUNT(*) AS opportunities", metric="venues"),
            "Opportunities by venues",
            "",
            "Opportunities detected each five minutes, by the venues of the loop in leg order.",
            "no loop survived every cost and gate in this time, which is common at base-tier fees.",
        ),
        _panel(
            _by_time(
                "arbitrage_opportunities",
                "5m",
                "AVG(CAST(net_bps AS FLOAT)) AS average_bps, MAX(CAST(net_bps AS FLOAT)) AS best_bps",
            ),
            "Net edge",
            "bps",
            "Net edge of detected opportunities after taker fees: average and best each five minutes.",
            "no opportunity was detected in this time.",
        ),
        _panel(
            _by_time("rejections", "5m", "SUM(refused) AS refused", metric="reason"),
            "Refused loops by reason",
            "",
            "Loops that looked profitable at the top of book and were refused, each five minutes.",
            f"nothing looked profitable, or {_NOT_LOADED}",
        ),
        _panel(
            f"SELECT {_LIFETIME} AS lifetime, COUNT(*) AS loops FROM lifetimes "
            f"WHERE market = '$market' AND $__timeFilter(last_seen) GROUP BY {_LIFETIME} ORDER BY 1",
            "Lifetimes",
            "",
            "How long opportunities lasted from their first scan to their last, for those that ended.",
            "no opportunity ended in this time.",
            "barchart",
        ),
        _panel(
            "SELECT TOP (100) time, path, start_amount, start_asset, net_bps, profit_value AS profit_usdt, "
            "decision, status, trade_profit_value AS earned_usdt, scan_id FROM v_best_opportunities "
            f"WHERE {_HERE} ORDER BY profit_value DESC",
            "Best opportunities",
            "",
            "Those with the highest net profit in USDT, with the verdict and what their trade earned.",
            "no opportunity was detected in this time.",
            "table",
            24,
        ),
    ),
    "profit": _dashboard(
        "profit",
        "Profit distribution",
        "What simulated trades earned, and why it differs from what was seen when they were decided.",
        _panel(
            _by_time(
                "trades",
                "1h",
                "SUM(CAST(realised_value + unrealised_value AS FLOAT)) AS profit_usdt, "
                "SUM(CAST(realised_value AS FLOAT)) AS realised_usdt, "
                "SUM(CAST(unrealised_value AS FLOAT)) AS carried_usdt",
                _FILLED,
            ),
            "Profit",
            "USDT",
            "Profit of simulated trades at value, each hour: what they realised, what they still carry, and both.",
            "no trade was filled in this time.",
        ),
        _panel(
            f"SELECT {_PERCENT} AS profit_percent, COUNT(*) AS trades FROM trades "
            f"WHERE {_FILLED} AND start_amount > 0 GROUP BY {_PERCENT} ORDER BY 1",
            "Distribution of profit",
            "",
            "Trades with fills by profit, realised and carried, in steps of 0.05 percent of what they started with.",
            "no trade was filled in this time.",
            "barchart",
        ),
        _panel(
            "SELECT net_bps_from, SUM(opportunities) AS opportunities FROM v_profit_distribution "
            "WHERE market = '$market' AND $__timeFilter(day) GROUP BY net_bps_from ORDER BY 1",
            "Distribution of net edge",
            "",
            "Opportunities by net edge in whole basis points, before execution; whole days.",
            "no opportunity was detected in this time.",
            "barchart",
        ),
        _panel(
            _CAUSES,
            "From decision to fill",
            "USDT",
            "What made realised profit differ from the profit at decision time, summed up by cause; trades in USDT.",
            "no trade in USDT was filled in this time.",
            "barchart",
        ),
        _panel(
            "SELECT day, trades, filled, partial, missed, refused, winners, hit_rate_percent, "
            "trade_profit_value AS earned_usdt, realised_value AS realised_usdt, "
            "unrealised_value AS carried_usdt FROM v_trade_daily "
            "WHERE market = '$market' AND $__timeFilter(day) ORDER BY day DESC",
            "Trades by day",
            "",
            "How the executions of each day ended, and the winners among those with fills in percent.",
            "no opportunity reached execution in this time.",
            "table",
            24,
        ),
    ),
    "exchanges": _dashboard(
        "exchanges",
        "Exchange performance",
        "How the venues answer, and what was found and filled on them.",
        _panel(
            _by_time(
                "venue_health",
                "5m",
                "AVG(CAST(latency_ms AS FLOAT)) AS average_ms",
                f"{_HERE} AND status = 'ok'",
                "venue",
            ),
            "Latency of quotes",
            "ms",
            "Average duration of each venue's quotes request, each five minutes.",
            f"no venue answered, or {_NOT_LOADED}",
        ),
        _panel(
            _by_time("venue_health", "5m", "COUNT(*) AS errors", f"{_HERE} AND status <> 'ok'", "venue"),
            "Unanswered scans",
            "",
            "Scans that a venue did not answer with a market, each five minutes.",
            "every venue answered every scan of this time.",
        ),
        _panel(
            "SELECT day, venue, scans, answered_percent, average_latency_ms, worst_clock_drift_ms, opportunities, "
            "profit_value AS profit_usdt, fills FROM v_exchange_performance "
            "WHERE market = '$market' AND $__timeFilter(day) ORDER BY day DESC, venue",
            "Venues by day",
            "",
            "How each venue answered, and what was found and filled on it.",
            _NOT_LOADED,
            "table",
            24,
        ),
        _panel(
            "SELECT day, venues, kind, opportunities, average_net_bps, highest_net_bps, profit_value AS seen_usdt, "
            "trades, trade_profit_value AS earned_usdt FROM v_venue_pairs "
            "WHERE market = '$market' AND $__timeFilter(day) ORDER BY day DESC, opportunities DESC",
            "Chains of venues by day",
            "",
            "What each chain of venues offered on paper and earned in simulation.",
            "no opportunity was detected in this time.",
            "table",
            24,
        ),
    ),
    "health": _dashboard(
        "health",
        "System health",
        "Whether scans arrive, and how fast.",
        _panel(
            _by_time(
                "scans", "5m", "AVG(CAST(duration_ms AS FLOAT)) AS average_ms, MAX(duration_ms) AS worst_ms"
            ),
            "Duration of scans",
            "ms",
            "From the first request of a scan to its last detection: average and worst each five minutes.",
            _NOT_LOADED,
        ),
        _panel(
            _by_time("v_load_lag", "5m", "AVG(CAST(lag_ms AS FLOAT)) AS average_ms, MAX(lag_ms) AS worst_ms"),
            "Lag of the loader",
            "ms",
            "From a scan's time to its rows in the warehouse: average and worst each five minutes.",
            _NOT_LOADED,
        ),
        _panel(
            _by_time("scans", "5m", "COUNT(*) AS scans, SUM(instruments_compared) AS instruments"),
            "Scans",
            "",
            "Scans each five minutes, and the instruments they compared.",
            _NOT_LOADED,
        ),
        _panel(
            "SELECT day, source, decision, verdicts, fallbacks, average_confidence, average_latency_ms, tokens, "
            "cost_usd FROM v_verdicts_daily WHERE market = '$market' AND $__timeFilter(day) "
            "ORDER BY day DESC, source",
            "Verdicts by day",
            "",
            "Who decided what, how surely, how fast and at what cost; a fallback is the rules in the model's place.",
            "no opportunity was judged in this time.",
            "table",
        ),
        _panel(
            "SELECT TOP (20) loaded, blob, row_count FROM load_ledger WHERE $__timeFilter(loaded) "
            "ORDER BY loaded DESC",
            "Newest loads",
            "",
            "The blobs that were loaded last, of both markets.",
            "nothing was loaded in this time: look at load_sql and the queue sql-load.",
            "table",
            24,
        ),
    ),
}
