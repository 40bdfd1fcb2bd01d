"""Views of what the desk did, and sums of everything recorded."""

from __future__ import annotations

from shared.adapters.sql.view import DAY, HOUR, MARKET, TRADE_PROFIT, View, decimal_column, int_column, of
from shared.records.tables import TABLES

DESK_VIEWS = (
    View(
        "v_profit_by_hour",
        "What trades with fills earned, by hour.",
        (
            MARKET,
            HOUR,
            int_column("trades", "trades", "executions with a fill"),
            int_column("winners", "trades", "those that earned more than nothing"),
            *TRADE_PROFIT,
        ),
        ("market", "hour"),
        """
SELECT
    t.market, HOUR_OF(t.time) AS hour, COUNT(*) AS trades,
    SUM(CASE WHEN EXACT(t.realised_value) + EXACT(t.unrealised_value) > 0 THEN 1 ELSE 0 END) AS winners,
    SUM(EXACT(t.realised_value)) AS realised_value,
    SUM(EXACT(t.unrealised_value)) AS unrealised_value,
    SUM(EXACT(t.realised_value) + EXACT(t.unrealised_value)) AS trade_profit_value
FROM trades AS t
WHERE t.status IN ('filled', 'partial')
GROUP BY t.market, HOUR_OF(t.time)
""",
    ),
    View(
        "v_trade_daily",
        "Trades by day: how they ended and what they earned.",
        (
            MARKET,
            DAY,
            int_column("trades", "trades", "all executions"),
            *(
                int_column(status, "trades", f"status {status}")
                for status in ("filled", "partial", "missed", "refused")
            ),
            int_column("winners", "trades", "those that earned more than nothing"),
            decimal_column("hit_rate_percent", "%", "winners of those with fills"),
            *TRADE_PROFIT,
        ),
        ("market", "day"),
        """
SELECT
    t.market, DAY_OF(t.time) AS day, COUNT(*) AS trades,
    SUM(CASE WHEN t.status = 'filled' THEN 1 ELSE 0 END) AS filled,
    SUM(CASE WHEN t.status = 'partial' THEN 1 ELSE 0 END) AS partial,
    SUM(CASE WHEN t.status = 'missed' THEN 1 ELSE 0 END) AS missed,
    SUM(CASE WHEN t.status = 'refused' THEN 1 ELSE 0 END) AS refused,
    SUM(CASE WHEN EXACT(t.realised_value) + EXACT(t.unrealised_value) > 0 THEN 1 ELSE 0 END) AS winners,
    100.0 * SUM(CASE WHEN EXACT(t.realised_value) + EXACT(t.unrealised_value) > 0 THEN 1 ELSE 0 END)
    / NULLIF(SUM(CASE WHEN t.status IN ('filled', 'partial') THEN 1 ELSE 0 END), 0) AS hit_rate_percent,
    SUM(EXACT(t.realised_value)) AS realised_value,
    SUM(EXACT(t.unrealised_value)) AS unrealised_value,
    SUM(EXACT(t.realised_value) + EXACT(t.unrealised_value)) AS trade_profit_value
FROM trades AS t
GROUP BY t.market, DAY_OF(t.time)
""",
    ),
    View(
        "v_verdicts_daily",
        "Verdicts by day, source and decision: how many, how sure, at what cost.",
        (
            MARKET,
            DAY,
            *of("verdicts", "source decision"),
            int_column("verdicts", "verdicts", "verdicts given"),
            int_column("fallbacks", "verdicts", "those where the rules decided in the model's place"),
            decimal_column("average_confidence", "0..1", "mean confidence"),
            decimal_column("average_latency_ms", "ms", "mean duration"),
            int_column("tokens", "tokens", "input and output"),
            decimal_column("cost_usd", "USD", "what the model charged"),
        ),
        ("market", "day", "source", "decision"),
        """
SELECT
    v.market, DAY_OF(v.time) AS day, v.source, v.decision, COUNT(*) AS verdicts,
    COUNT(v.fallback) AS fallbacks,
    AVG(CAST(v.confidence AS FLOAT)) AS average_confidence,
    AVG(CAST(v.latency_ms AS FLOAT)) AS average_latency_ms,
    SUM(v.input_tokens + v.output_tokens) AS tokens,
    SUM(EXACT(v.cost_usd)) AS cost_usd
FROM verdicts AS v
GROUP BY v.market, DAY_OF(v.time), v.source, v.decision
""",
    ),
    View(
        "v_load_lag",
        "How long after its scan each blob with a scan's row was loaded.",
        (
            MARKET,
            *of("scans", "scan_id time"),
            TABLES["load_ledger"].column("blob"),
            *of("load_ledger", "loaded row_count"),
            int_column("lag_ms", "ms", "loaded - time of the scan"),
        ),
        ("blob",),
        """
SELECT s.market, s.scan_id, s.time, g.blob, g.loaded, g.row_count, MS_BETWEEN(s.time, g.loaded) AS lag_ms
FROM load_ledger AS g
INNER JOIN scans AS s ON s.blob = g.blob
""",
    ),
)
