-- Views that pages, reports and dashboards read, as shared/adapters/sql/views.py defines them.
SET XACT_ABORT ON;
SET NOCOUNT ON;
GO

DROP VIEW IF EXISTS dbo.v_best_opportunities;
GO

-- The 100 best opportunities of each day, with the verdict and what the trade earned.
CREATE VIEW dbo.v_best_opportunities AS
SELECT
    best.market, best.scan_id, best.opportunity_id, best.time, best.day, best.rank_of_day, best.kind,
    best.path, best.venues, best.start_asset, best.start_amount, best.net_profit, best.net_bps,
    best.profit_value, verdicts.decision, verdicts.confidence, trades.status, trades.realised_profit,
    trades.unrealised_profit, trades.realised_value, trades.unrealised_value,
    trades.realised_value + trades.unrealised_value AS trade_profit_value
FROM (
    SELECT
        o.market, o.scan_id, o.opportunity_id, o.time, CAST(CAST(o.time AS DATE) AS DATETIME2(3)) AS day, o.kind, o.path, o.venues,
        o.start_asset, o.start_amount, o.net_profit, o.net_bps, o.profit_value,
        ROW_NUMBER() OVER (
            PARTITION BY o.market, CAST(CAST(o.time AS DATE) AS DATETIME2(3))
            ORDER BY o.profit_value DESC, o.scan_id, o.opportunity_id
        ) AS rank_of_day
    FROM arbitrage_opportunities AS o
) AS best
LEFT JOIN verdicts ON verdicts.scan_id = best.scan_id AND verdicts.opportunity_id = best.opportunity_id
LEFT JOIN trades ON trades.scan_id = best.scan_id AND trades.opportunity_id = best.opportunity_id
WHERE best.rank_of_day <= 100;
GO

DROP VIEW IF EXISTS dbo.v_exchange_performance;
GO

-- Each venue by day: how it answered, and what was found and filled on it.
CREATE VIEW dbo.v_exchange_performance AS
SELECT
    health.market, health.day, health.venue, health.scans, health.scans_ok,
    100.0 * health.scans_ok / NULLIF(health.scans, 0) AS answered_percent,
    health.average_latency_ms, health.worst_clock_drift_ms,
    COALESCE(found.opportunities, 0) AS opportunities,
    found.profit_value,
    COALESCE(filled.fills, 0) AS fills
FROM (
    SELECT
        h.market, CAST(CAST(h.time AS DATE) AS DATETIME2(3)) AS day, h.venue,
        SUM(CASE WHEN h.status <> 'rate_limited' THEN 1 ELSE 0 END) AS scans,
        SUM(CASE WHEN h.status = 'ok' THEN 1 ELSE 0 END) AS scans_ok,
        AVG(CASE WHEN h.status = 'ok' THEN CAST(h.latency_ms AS FLOAT) END) AS average_latency_ms,
        MAX(ABS(h.clock_drift_ms)) AS worst_clock_drift_ms
    FROM venue_health AS h
    GROUP BY h.market, CAST(CAST(h.time AS DATE) AS DATETIME2(3)), h.venue
) AS health
LEFT JOIN (
    SELECT
        touched.market, touched.day, touched.venue, COUNT(*) AS opportunities,
        SUM(touched.profit_value) AS profit_value
    FROM (
        SELECT DISTINCT
            o.market, CAST(CAST(o.time AS DATE) AS DATETIME2(3)) AS day, l.venue, o.scan_id, o.opportunity_id, o.profit_value
        FROM arbitrage_opportunities AS o
        INNER JOIN opportunity_legs AS l ON l.scan_id = o.scan_id AND l.opportunity_id = o.opportunity_id
    ) AS touched
    GROUP BY touched.market, touched.day, touched.venue
) AS found ON found.market = health.market AND found.day = health.day AND found.venue = health.venue
LEFT JOIN (
    SELECT f.market, CAST(CAST(f.time AS DATE) AS DATETIME2(3)) AS day, f.venue, COUNT(*) AS fills
    FROM fills AS f
    GROUP BY f.market, CAST(CAST(f.time AS DATE) AS DATETIME2(3)), f.venue
) AS filled ON filled.market = health.market AND filled.day = health.day AND filled.venue = health.venue;
GO

DROP VIEW IF EXISTS dbo.v_venue_pairs;
GO

-- What each chain of venues offered and earned by day.
CREATE VIEW dbo.v_venue_pairs AS
SELECT
    o.market, CAST(CAST(o.time AS DATE) AS DATETIME2(3)) AS day, o.venues, o.kind, COUNT(*) AS opportunities,
    AVG(CAST(o.net_bps AS FLOAT)) AS average_net_bps,
    MAX(o.net_bps) AS highest_net_bps,
    SUM(o.profit_value) AS profit_value,
    SUM(CASE WHEN t.status IN ('filled', 'partial') THEN 1 ELSE 0 END) AS trades,
    SUM(t.realised_value) AS realised_value,
    SUM(t.unrealised_value) AS unrealised_value,
    SUM(t.realised_value + t.unrealised_value) AS trade_profit_value
FROM arbitrage_opportunities AS o
LEFT JOIN trades AS t ON t.scan_id = o.scan_id AND t.opportunity_id = o.opportunity_id
GROUP BY o.market, CAST(CAST(o.time AS DATE) AS DATETIME2(3)), o.venues, o.kind;
GO

DROP VIEW IF EXISTS dbo.v_opportunities_by_hour;
GO

-- Opportunities by hour: how many, how good.
CREATE VIEW dbo.v_opportunities_by_hour AS
SELECT
    o.market, CAST(DATEADD(HOUR, DATEDIFF(HOUR, 0, o.time), 0) AS DATETIME2(3)) AS hour, COUNT(*) AS opportunities,
    AVG(CAST(o.net_bps AS FLOAT)) AS average_net_bps,
    MAX(o.net_bps) AS highest_net_bps,
    SUM(o.profit_value) AS profit_value
FROM arbitrage_opportunities AS o
GROUP BY o.market, CAST(DATEADD(HOUR, DATEDIFF(HOUR, 0, o.time), 0) AS DATETIME2(3));
GO

DROP VIEW IF EXISTS dbo.v_profit_distribution;
GO

-- Opportunities by whole basis points of net edge and by day.
CREATE VIEW dbo.v_profit_distribution AS
SELECT
    o.market, CAST(CAST(o.time AS DATE) AS DATETIME2(3)) AS day, CAST(o.net_bps AS INT) AS net_bps_from,
    COUNT(*) AS opportunities,
    SUM(o.profit_value) AS profit_value
FROM arbitrage_opportunities AS o
GROUP BY o.market, CAST(CAST(o.time AS DATE) AS DATETIME2(3)), CAST(o.net_bps AS INT);
GO

DROP VIEW IF EXISTS dbo.v_rejections_by_reason;
GO

-- Refused loops by reason and hour.
CREATE VIEW dbo.v_rejections_by_reason AS
SELECT
    r.market, CAST(DATEADD(HOUR, DATEDIFF(HOUR, 0, r.time), 0) AS DATETIME2(3)) AS hour, r.reason, SUM(r.refused) AS refused, COUNT(*) AS scans,
    MAX(r.best_net_bps) AS best_net_bps
FROM rejections AS r
GROUP BY r.market, CAST(DATEADD(HOUR, DATEDIFF(HOUR, 0, r.time), 0) AS DATETIME2(3)), r.reason;
GO

DROP VIEW IF EXISTS dbo.v_profit_by_hour;
GO

-- What trades with fills earned, by hour.
CREATE VIEW dbo.v_profit_by_hour AS
SELECT
    t.market, CAST(DATEADD(HOUR, DATEDIFF(HOUR, 0, t.time), 0) AS DATETIME2(3)) AS hour, COUNT(*) AS trades,
    SUM(CASE WHEN t.realised_value + t.unrealised_value > 0 THEN 1 ELSE 0 END) AS winners,
    SUM(t.realised_value) AS realised_value,
    SUM(t.unrealised_value) AS unrealised_value,
    SUM(t.realised_value + t.unrealised_value) AS trade_profit_value
FROM trades AS t
WHERE t.status IN ('filled', 'partial')
GROUP BY t.market, CAST(DATEADD(HOUR, DATEDIFF(HOUR, 0, t.time), 0) AS DATETIME2(3));
GO

DROP VIEW IF EXISTS dbo.v_trade_daily;
GO

-- Trades by day: how they ended and what they earned.
CREATE VIEW dbo.v_trade_daily AS
SELECT
    t.market, CAST(CAST(t.time AS DATE) AS DATETIME2(3)) AS day, COUNT(*) AS trades,
    SUM(CASE WHEN t.status = 'filled' THEN 1 ELSE 0 END) AS filled,
    SUM(CASE WHEN t.status = 'partial' THEN 1 ELSE 0 END) AS partial,
    SUM(CASE WHEN t.status = 'missed' THEN 1 ELSE 0 END) AS missed,
    SUM(CASE WHEN t.status = 'refused' THEN 1 ELSE 0 END) AS refused,
    SUM(CASE WHEN t.realised_value + t.unrealised_value > 0 THEN 1 ELSE 0 END) AS winners,
    100.0 * SUM(CASE WHEN t.realised_value + t.unrealised_value > 0 THEN 1 ELSE 0 END)
    / NULLIF(SUM(CASE WHEN t.status IN ('filled', 'partial') THEN 1 ELSE 0 END), 0) AS hit_rate_percent,
    SUM(t.realised_value) AS realised_value,
    SUM(t.unrealised_value) AS unrealised_value,
    SUM(t.realised_value + t.unrealised_value) AS trade_profit_value
FROM trades AS t
GROUP BY t.market, CAST(CAST(t.time AS DATE) AS DATETIME2(3));
GO

DROP VIEW IF EXISTS dbo.v_verdicts_daily;
GO

-- Verdicts by day, source and decision: how many, how sure, at what cost.
CREATE VIEW dbo.v_verdicts_daily AS
SELECT
    v.market, CAST(CAST(v.time AS DATE) AS DATETIME2(3)) AS day, v.source, v.decision, COUNT(*) AS verdicts,
    COUNT(v.fallback) AS fallbacks,
    AVG(CAST(v.confidence AS FLOAT)) AS average_confidence,
    AVG(CAST(v.latency_ms AS FLOAT)) AS average_latency_ms,
    SUM(v.input_tokens + v.output_tokens) AS tokens,
    SUM(v.cost_usd) AS cost_usd
FROM verdicts AS v
GROUP BY v.market, CAST(CAST(v.time AS DATE) AS DATETIME2(3)), v.source, v.decision;
GO

DROP VIEW IF EXISTS dbo.v_load_lag;
GO

-- How long after its scan each blob with a scan's row was loaded.
CREATE VIEW dbo.v_load_lag AS
SELECT s.market, s.scan_id, s.time, g.blob, g.loaded, g.row_count, DATEDIFF_BIG(MILLISECOND, s.time, g.loaded) AS lag_ms
FROM load_ledger AS g
INNER JOIN scans AS s ON s.blob = g.blob;
GO

INSERT INTO dbo.schema_version (version, name)
SELECT 2, N'views'
WHERE NOT EXISTS (SELECT 1 FROM dbo.schema_version WHERE version = 2);
GO
