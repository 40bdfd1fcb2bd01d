"""The views that pages, reports and dashboards read, written once for SQLite and T-SQL.

Four macros hide the dialects' differences: EXACT(decimal), HOUR_OF(time), DAY_OF(time) and
MS_BETWEEN(from, to). SQLite keeps decimals as texts, so EXACT computes them there as doubles, right to 15
digits; T-SQL stays exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shared.records.tables import TABLES, Column, Kind

_BEST_OF_A_DAY = 100

_MACROS = {
    "sqlite": {
        "EXACT": r"CAST(\1 AS REAL)",
        "HOUR_OF": r"substr(\1, 1, 13) || ':00:00.000Z'",
        "DAY_OF": r"substr(\1, 1, 10) || 'T00:00:00.000Z'",
        "MS_BETWEEN": r"CAST(round((julianday(\2) - julianday(\1)) * 86400000) AS INTEGER)",
    },
    "mssql": {
        "EXACT": r"\1",
        "HOUR_OF": r"CAST(DATEADD(HOUR, DATEDIFF(HOUR, 0, \1), 0) AS DATETIME2(3))",
        "DAY_OF": r"CAST(CAST(\1 AS DATE) AS DATETIME2(3))",
        "MS_BETWEEN": r"DATEDIFF_BIG(MILLISECOND, \1, \2)",
    },
}


@dataclass(frozen=True, slots=True)
class View:
    """A view; `key` tells its rows apart, so that paging has one order."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    query: str

    def sql(self, dialect: str) -> str:
        """The SELECT in that dialect."""
        text = self.query.strip()
        for macro, form in _MACROS[dialect].items():
            arguments = r"([\w.]+), ([\w.]+)" if r"\2" in form else r"([\w.]+)"
            text = re.sub(rf"\b{macro}\({arguments}\)", form, text)
        return text

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            KeyError: there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def _of(table: str, names: str) -> tuple[Column, ...]:
    return tuple(TABLES[table].column(name) for name in names.split())


def _int(name: str, unit: str, source: str) -> Column:
    return Column(name, Kind.INT, unit, source)


def _decimal(name: str, unit: str, source: str) -> Column:
    return Column(name, Kind.DECIMAL, unit, source, required=False)


def _time(name: str, source: str) -> Column:
    return Column(name, Kind.TIME, "UTC", source)


def _name(name: str, source: str) -> Column:
    return Column(name, Kind.TEXT, "", source, size=100)


_HOUR = _time("hour", "start of the hour")
_DAY = _time("day", "start of the day")
_MARKET = TABLES["scans"].column("market")

_VIEWS = (
    View(
        "v_best_opportunities",
        f"The {_BEST_OF_A_DAY} best opportunities of each day, with the verdict and what the trade earned.",
        (
            *_of("arbitrage_opportunities", "market scan_id opportunity_id time"),
            _DAY,
            _int("rank_of_day", "from 1", "by profit_value"),
            *_of(
                "arbitrage_opportunities",
                "kind path venues start_asset start_amount net_profit net_bps profit_value",
            ),
            *_of("verdicts", "decision confidence"),
            TABLES["trades"].column("status"),
            *_of("trades", "realised_profit realised_value"),
        ),
        ("scan_id", "opportunity_id"),
        f"""
SELECT
    best.market, best.scan_id, best.opportunity_id, best.time, best.day, best.rank_of_day, best.kind,
    best.path, best.venues, best.start_asset, best.start_amount, best.net_profit, best.net_bps,
    best.profit_value, verdicts.decision, verdicts.confidence, trades.status, trades.realised_profit,
    trades.realised_value
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
            _MARKET,
            _DAY,
            TABLES["venue_health"].column("venue"),
            _int("scans", "scans", "scans that asked the venue"),
            _int("scans_ok", "scans", "scans it answered"),
            _decimal("answered_percent", "%", "scans_ok of scans"),
            _decimal("average_latency_ms", "ms", "quotes requests that were answered"),
            _int("worst_clock_drift_ms", "ms", "largest difference of clocks, either way"),
            _int("opportunities", "loops", "opportunities with a leg on the venue"),
            _decimal("profit_value", "USDT", "their net profit"),
            _int("fills", "fills", "levels taken on the venue"),
        ),
        ("market", "day", "venue"),
        """
SELECT
    health.market, health.day, health.venue, health.scans, health.scans_ok,
    100.0 * health.scans_ok / health.scans AS answered_percent,
    health.average_latency_ms, health.worst_clock_drift_ms,
    COALESCE(found.opportunities, 0) AS opportunities,
    found.profit_value,
    COALESCE(filled.fills, 0) AS fills
FROM (
    SELECT
        h.market, DAY_OF(h.time) AS day, h.venue, COUNT(*) AS scans,
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
            _MARKET,
            _DAY,
            *_of("arbitrage_opportunities", "venues kind"),
            _int("opportunities", "loops", "opportunities found"),
            _decimal("average_net_bps", "basis points", "mean net edge"),
            _decimal("highest_net_bps", "basis points", "highest net edge"),
            _decimal("profit_value", "USDT", "net profit on paper"),
            _int("trades", "trades", "executions with a fill"),
            _decimal("realised_value", "USDT", "what they realised"),
        ),
        ("market", "day", "venues", "kind"),
        """
SELECT
    o.market, DAY_OF(o.time) AS day, o.venues, o.kind, COUNT(*) AS opportunities,
    AVG(CAST(o.net_bps AS FLOAT)) AS average_net_bps,
    MAX(EXACT(o.net_bps)) AS highest_net_bps,
    SUM(EXACT(o.profit_value)) AS profit_value,
    SUM(CASE WHEN t.status IN ('filled', 'partial') THEN 1 ELSE 0 END) AS trades,
    SUM(EXACT(t.realised_value)) AS realised_value
FROM arbitrage_opportunities AS o
LEFT JOIN trades AS t ON t.scan_id = o.scan_id AND t.opportunity_id = o.opportunity_id
GROUP BY o.market, DAY_OF(o.time), o.venues, o.kind
""",
    ),
    View(
        "v_opportunities_by_hour",
        "Opportunities by hour: how many, how good.",
        (
            _MARKET,
            _HOUR,
            _int("opportunities", "loops", "opportunities found"),
            _decimal("average_net_bps", "basis points", "mean net edge"),
            _decimal("highest_net_bps", "basis points", "highest net edge"),
            _decimal("profit_value", "USDT", "net profit on paper"),
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
            _MARKET,
            _DAY,
            _int("net_bps_from", "basis points", "the net edge without its decimals"),
            _int("opportunities", "loops", "opportunities found"),
            _decimal("profit_value", "USDT", "net profit on paper"),
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
            _MARKET,
            _HOUR,
            TABLES["rejections"].column("reason"),
            _int("refused", "loops", "refused loops"),
            _int("scans", "scans", "scans that refused any"),
            _decimal("best_net_bps", "basis points", "highest net edge among them"),
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
    View(
        "v_profit_by_hour",
        "What trades with fills earned, by hour.",
        (
            _MARKET,
            _HOUR,
            _int("trades", "trades", "executions with a fill"),
            _int("winners", "trades", "those that realised more than nothing"),
            _decimal("realised_value", "USDT", "what they realised"),
        ),
        ("market", "hour"),
        """
SELECT
    t.market, HOUR_OF(t.time) AS hour, COUNT(*) AS trades,
    SUM(CASE WHEN EXACT(t.realised_value) > 0 THEN 1 ELSE 0 END) AS winners,
    SUM(EXACT(t.realised_value)) AS realised_value
FROM trades AS t
WHERE t.status IN ('filled', 'partial')
GROUP BY t.market, HOUR_OF(t.time)
""",
    ),
    View(
        "v_trade_daily",
        "Trades by day: how they ended and what they realised.",
        (
            _MARKET,
            _DAY,
            _int("trades", "trades", "all executions"),
            *(
                _int(status, "trades", f"status {status}")
                for status in ("filled", "partial", "missed", "refused")
            ),
            _int("winners", "trades", "those that realised more than nothing"),
            _decimal("hit_rate_percent", "%", "winners of those with fills"),
            _decimal("realised_value", "USDT", "what they realised"),
        ),
        ("market", "day"),
        """
SELECT
    t.market, DAY_OF(t.time) AS day, COUNT(*) AS trades,
    SUM(CASE WHEN t.status = 'filled' THEN 1 ELSE 0 END) AS filled,
    SUM(CASE WHEN t.status = 'partial' THEN 1 ELSE 0 END) AS partial,
    SUM(CASE WHEN t.status = 'missed' THEN 1 ELSE 0 END) AS missed,
    SUM(CASE WHEN t.status = 'refused' THEN 1 ELSE 0 END) AS refused,
    SUM(CASE WHEN EXACT(t.realised_value) > 0 THEN 1 ELSE 0 END) AS winners,
    100.0 * SUM(CASE WHEN EXACT(t.realised_value) > 0 THEN 1 ELSE 0 END)
    / NULLIF(SUM(CASE WHEN t.status IN ('filled', 'partial') THEN 1 ELSE 0 END), 0) AS hit_rate_percent,
    SUM(EXACT(t.realised_value)) AS realised_value
FROM trades AS t
GROUP BY t.market, DAY_OF(t.time)
""",
    ),
    View(
        "v_verdicts_daily",
        "Verdicts by day, source and decision: how many, how sure, at what cost.",
        (
            _MARKET,
            _DAY,
            *_of("verdicts", "source decision"),
            _int("verdicts", "verdicts", "verdicts given"),
            _int("fallbacks", "verdicts", "those where the rules decided in the model's place"),
            _decimal("average_confidence", "0..1", "mean confidence"),
            _decimal("average_latency_ms", "ms", "mean duration"),
            _int("tokens", "tokens", "input and output"),
            _decimal("cost_usd", "USD", "what the model charged"),
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
            _MARKET,
            *_of("scans", "scan_id time"),
            TABLES["load_ledger"].column("blob"),
            *_of("load_ledger", "loaded row_count"),
            _int("lag_ms", "ms", "loaded - time of the scan"),
        ),
        ("blob",),
        """
SELECT s.market, s.scan_id, s.time, g.blob, g.loaded, g.row_count, MS_BETWEEN(s.time, g.loaded) AS lag_ms
FROM load_ledger AS g
INNER JOIN scans AS s ON s.blob = g.blob
""",
    ),
    View(
        "v_totals",
        "Sums over everything recorded, for counters that no restart resets.",
        (
            _MARKET,
            _name("name", "what is summed up"),
            _name("label_1", "first part of what it is told apart by, or empty"),
            _name("label_2", "second part, or empty"),
            _decimal("value", "as its name says", "all rows"),
        ),
        ("market", "name", "label_1", "label_2"),
        """
SELECT s.market, 'scans' AS name, s.triggered_by AS label_1, '' AS label_2, COUNT(*) AS value
FROM scans AS s
GROUP BY s.market, s.triggered_by
UNION ALL
SELECT s.market, 'scan_duration_ms', s.triggered_by, '', SUM(s.duration_ms)
FROM scans AS s
GROUP BY s.market, s.triggered_by
UNION ALL
SELECT h.market, 'venue_answers', h.venue, h.status, COUNT(*)
FROM venue_health AS h
GROUP BY h.market, h.venue, h.status
UNION ALL
SELECT h.market, 'venue_latency_ms', h.venue, '', SUM(h.latency_ms)
FROM venue_health AS h
WHERE h.status = 'ok'
GROUP BY h.market, h.venue
UNION ALL
SELECT o.market, 'opportunities', o.kind, o.venues, COUNT(*)
FROM arbitrage_opportunities AS o
GROUP BY o.market, o.kind, o.venues
UNION ALL
SELECT o.market, 'opportunity_profit_usdt', o.kind, o.venues, SUM(EXACT(o.profit_value))
FROM arbitrage_opportunities AS o
GROUP BY o.market, o.kind, o.venues
UNION ALL
SELECT r.market, 'rejections', r.reason, '', SUM(r.refused)
FROM rejections AS r
GROUP BY r.market, r.reason
UNION ALL
SELECT t.market, 'trades', t.status, '', COUNT(*)
FROM trades AS t
GROUP BY t.market, t.status
UNION ALL
SELECT t.market, 'trade_profit_usdt', t.kind, t.venues, SUM(EXACT(t.realised_value))
FROM trades AS t
WHERE t.status IN ('filled', 'partial')
GROUP BY t.market, t.kind, t.venues
UNION ALL
SELECT v.market, 'verdicts', v.source, v.decision, COUNT(*)
FROM verdicts AS v
GROUP BY v.market, v.source, v.decision
UNION ALL
SELECT v.market, 'ai_cost_usd', '', '', SUM(EXACT(v.cost_usd))
FROM verdicts AS v
GROUP BY v.market
UNION ALL
SELECT v.market, 'ai_tokens', 'input', '', SUM(v.input_tokens)
FROM verdicts AS v
GROUP BY v.market
UNION ALL
SELECT v.market, 'ai_tokens', 'output', '', SUM(v.output_tokens)
FROM verdicts AS v
GROUP BY v.market
""",
    ),
)

VIEWS: Mapping[str, View] = {view.name: view for view in _VIEWS}
"""Every view by name."""
