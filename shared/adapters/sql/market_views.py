"""Views of what scans found."""

from __future__ import annotations

from shared.adapters.sql.view import (
    DAY,
    HOUR,
    MARKET,
    TRADE_PROFIT,
    View,
    decimal_column,
    int_column,
    joined,
    of,
)
from shared.records.tables import TABLES

_BEST_OF_A_DAY = 100

MARKET_VIEWS = (
    View(
        "v_best_opportunities",
        f"The {_BEST_OF_A_DAY} best opportunities of each day, with the verdict and what the trade earned.",
        (
            *of("arbitrage_opportunities", "market scan_id opportunity_id time"),
            DAY,
            int_column("rank_of_day", "from 1", "by profit_value"),
            *of(
                "arbitrage_opportunities",
                "kind path venues start_asset start_amount net_profit net_bps profit_value",
            ),
            *joined("verdicts", "decision confidence"),
            *joined("trades", "status realised_profit unrealised_profit"),
            *TRADE_PROFIT,
        ),
        ("scan_id", "opportunity_id"),
        f"""
SELECT
    best.market, best.scan_id, best.opportunity_id, best.time, best.day, best.rank_of_day, best.kind,
    best.path, best.venues, best.start_asset, best.start_amount, best.net_profit, best.net_bps,
    best.profit_value, verdicts.decision, verdicts.confidence, trades.status, trades.realised_profit,
    trades.unrealised_profit, trades.realised_value, trades.unrealised_value,
    EXACT(trades.realised_value) + EXACT(trades.unrealised_value) AS trade_profit_value
FROM (
    SELECT
        o.market, o.scan_id, o.opportunity_id, o.time, DAY_OF(o.time) AS day, o.kind, o.path, o.venues,
        o.start_asset, o.start_amount, o.net_profit, o.net_bps, o.profit_value,
        ROW_NUMBER() OVER (
            PARTITION BY o.market, DAY_OF(o.time)
            ORDER BY EXACT(o.profit_value) DESC, o.scan_id, o.opportunity_id
        ) AS rank_of_day
    FROM arbitrage_opportunities AS o
) AS best
LEFT JOIN verdicts ON verdicts.scan_id = best.scan_id AND verdicts.opportunity_id = best.opportunity_id
LEFT JOIN trades ON trades.scan_id = best.scan_id AND trades.opportunity_id = best.opportunity_id
WHERE best.rank_of_day <= {_BEST_OF_A_DAY}
""",  # noqa: S608 - a constant
    ),
    View(
        "v_exchange_performance",
        "Each venue by day: how it answered, and what was found and filled on it.",
        (
            MARKET,
            DAY,
            TABLES["venue_health"].column("venue"),
            int_column("scans", "scans", "scans that asked the venue"),
            int_column("scans_ok", "scans", "scans it answered"),
            decimal_column("answered_percent", "%", "scans_ok of scans"),
            decimal_column("average_latency_ms", "ms", "quotes requests that were answered"),
            int_column(
                "worst_clock_drift_ms", "ms", "largest difference of clocks, either way", required=False
            ),
            int_column("opportunities", "loops", "opportunities with a leg on the venue"),
            decimal_column("profit_value", "USDT", "their net profit"),
            int_column("fills", "fills", "levels taken on the venue"),
        ),
        ("market", "day", "venue"),
        """
SELECT
    health.market, health.day, health.venue, health.scans, health.scans_ok,
    100.0 * health.scans_ok / NULLIF(health.scans, 0) AS answered_percent,
    health.average_latency_ms, health.worst_clock_drift_ms,
    COALESCE(found.opportunities, 0) AS opportunities,
    found.profit_value,
    COALESCE(filled.fills, 0) AS fills
FROM (
    SELECT
        h.market, DAY_OF(h.time) AS day, h.venue,
        SUM(CASE WHEN h.status <> 'rate_limited' THEN 1 ELSE 0 END) AS scans,
        SUM(CASE WHEN h.status = 'ok' THEN 1 ELSE 0 END) AS scans_ok,
        AVG(CASE WHEN h.status = 'ok' THEN CAST(h.latency_ms AS FLOAT) END) AS average_latency_ms,
        MAX(ABS(h.clock_drift_ms)) AS worst_clock_drift_ms
    FROM venue_health AS h
    GROUP BY h.market, DAY_OF(h.time), h.venue
) AS health
LEFT JOIN (
    SELECT
        touched.market, touched.day, touched.venue, COUNT(*) AS opportunities,
        SUM(EXACT(touched.profit_value)) AS profit_value
    FROM (
        SELECT DISTINCT
            o.market, DAY_OF(o.time) AS day, l.venue, o.scan_id, o.opportunity_id, o.profit_value
        FROM arbitrage_opportunities AS o
        INNER JOIN opportunity_legs AS l ON l.scan_id = o.scan_id AND l.opportunity_id = o.opportunity_id
    ) AS touched
    GROUP BY touched.market, touched.day, touched.venue
) AS found ON found.market = health.market AND found.day = health.day AND found.venue = health.venue
LEFT JOIN (
    SELECT f.market, DAY_OF(f.time) AS day, f.venue, COUNT(*) AS fills
    FROM fills AS f
    GROUP BY f.market, DAY_OF(f.time), f.venue
) AS filled ON filled.market = health.market AND filled.day = health.day AND filled.venue = health.venue
""",
    ),
    View(
        "v_venue_pairs",
        "What each chain of venues offered and earned by day.",
        (
            MARKET,
            DAY,
            *of("arbitrage_opportunities", "venues kind"),
            int_column("opportunities", "loops", "opportunities found"),
            decimal_column("average_net_bps", "basis points", "mean net edge"),
            decimal_column("highest_net_bps", "basis points", "highest net edge"),
            decimal_column("profit_value", "USDT", "net profit on paper"),
            int_column("trades", "trades", "executions with a fill"),
            *TRADE_PROFIT,
        ),
        ("market", "day", "venues", "kind"),
        """
SELECT
    o.market, DAY_OF(o.time) AS day, o.venues, o.kind, COUNT(*) AS opportunities,
    AVG(CAST(o.net_bps AS FLOAT)) AS average_net_bps,
    MAX(EXACT(o.net_bps)) AS highest_net_bps,
    SUM(EXACT(o.profit_value)) AS profit_value,
    SUM(CASE WHEN t.status IN ('filled', 'partial') THEN 1 ELSE 0 END) AS trades,
    SUM(EXACT(t.realised_value)) AS realised_value,
    SUM(EXACT(t.unrealised_value)) AS unrealised_value,
    SUM(EXACT(t.realised_value) + EXACT(t.unrealised_value)) AS trade_profit_value
FROM arbitrage_opportunities AS o
LEFT JOIN trades AS t ON t.scan_id = o.scan_id AND t.opportunity_id = o.opportunity_id
GROUP BY o.market, DAY_OF(o.time), o.venues, o.kind
""",
    ),
    View(
        "v_opportunities_by_hour",
        "Opportunities by hour: how many, how good.",
        (
            MARKET,
            HOUR,
            int_column("opportunities", "loops", "opportunities found"),
            decimal_column("average_net_bps", "basis points", "mean net edge"),
            decimal_column("highest_net_bps", "basis points", "highest net edge"),
            decimal_column("profit_value", "USDT", "net profit on paper"),
        ),
        ("market", "hour"),
        """
SELECT
    o.market, HOUR_OF(o.time) AS hour, COUNT(*) AS opportunities,
    AVG(CAST(o.net_bps AS FLOAT)) AS average_net_bps,
    MAX(EXACT(o.net_bps)) AS highest_net_bps,
    SUM(EXACT(o.profit_value)) AS profit_value
FROM arbitrage_opportunities AS o
GROUP BY o.market, HOUR_OF(o.time)
""",
    ),
    View(
        "v_profit_distribution",
        "Opportunities by whole basis points of net edge and by day.",
        (
            MARKET,
            DAY,
            int_column("net_bps_from", "basis points", "the net edge without its decimals"),
            int_column("opportunities", "loops", "opportunities found"),
            decimal_column("profit_value", "USDT", "net profit on paper"),
        ),
        ("market", "day", "net_bps_from"),
        """
SELECT
    o.market, DAY_OF(o.time) AS day, CAST(EXACT(o.net_bps) AS INT) AS net_bps_from,
    COUNT(*) AS opportunities,
    SUM(EXACT(o.profit_value)) AS profit_value
FROM arbitrage_opportunities AS o
GROUP BY o.market, DAY_OF(o.time), CAST(EXACT(o.net_bps) AS INT)
""",
    ),
    View(
        "v_rejections_by_reason",
        "Refused loops by reason and hour.",
        (
            MARKET,
            HOUR,
            TABLES["rejections"].column("reason"),
            int_column("refused", "loops", "refused loops"),
            int_column("scans", "scans", "scans that refused any"),
            decimal_column("best_net_bps", "basis points", "highest net edge among them"),
        ),
        ("market", "hour", "reason"),
        """
SELECT
    r.market, HOUR_OF(r.time) AS hour, r.reason, SUM(r.refused) AS refused, COUNT(*) AS scans,
    MAX(EXACT(r.best_net_bps)) AS best_net_bps
FROM rejections AS r
GROUP BY r.market, HOUR_OF(r.time), r.reason
""",
    ),
)
