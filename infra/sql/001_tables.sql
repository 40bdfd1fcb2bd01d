-- Tables of the warehouse, as shared/records/tables.py defines them.
-- Texts compare by code unit (BIN2): other collations take different tickers for equal.
-- No foreign keys: a scan and its trades are loaded apart and in any order.
-- Pages are compressed: every row repeats its scan and its blob.
SET XACT_ABORT ON;
SET NOCOUNT ON;
GO

IF OBJECT_ID(N'dbo.schema_version', N'U') IS NULL
CREATE TABLE dbo.schema_version (
    version INT NOT NULL,
    name NVARCHAR(100) NOT NULL,
    applied DATETIME2(3) NOT NULL CONSTRAINT df_schema_version_applied DEFAULT SYSUTCDATETIME(),
    CONSTRAINT pk_schema_version PRIMARY KEY (version)
);
GO

IF OBJECT_ID(N'dbo.scans', N'U') IS NULL
CREATE TABLE dbo.scans (
    market NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    scan_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    time DATETIME2(3) NOT NULL,
    triggered_by NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    duration_ms BIGINT NOT NULL,
    venues_asked BIGINT NOT NULL,
    venues_ok BIGINT NOT NULL,
    instruments_compared BIGINT NOT NULL,
    loops_screened BIGINT NOT NULL,
    opportunities BIGINT NOT NULL,
    rejections BIGINT NOT NULL,
    blob NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_scans PRIMARY KEY (scan_id) WITH (DATA_COMPRESSION = PAGE),
    CONSTRAINT ck_scans_market CHECK (market IN ('simulated', 'live'))
);
GO

IF INDEXPROPERTY(OBJECT_ID(N'dbo.scans'), N'ix_scans_market_time', 'IndexID') IS NULL
CREATE INDEX ix_scans_market_time ON dbo.scans (market, time) WITH (DATA_COMPRESSION = PAGE);
GO

IF OBJECT_ID(N'dbo.venue_health', N'U') IS NULL
CREATE TABLE dbo.venue_health (
    market NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    scan_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    venue NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    time DATETIME2(3) NOT NULL,
    status NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    error NVARCHAR(400) COLLATE Latin1_General_100_BIN2 NULL,
    books BIGINT NOT NULL,
    latency_ms BIGINT NULL,
    clock_drift_ms BIGINT NULL,
    blob NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_venue_health PRIMARY KEY (scan_id, venue) WITH (DATA_COMPRESSION = PAGE),
    CONSTRAINT ck_venue_health_market CHECK (market IN ('simulated', 'live')),
    CONSTRAINT ck_venue_health_venue CHECK (venue IN ('binance', 'bybit', 'gateio', 'kraken'))
);
GO

IF INDEXPROPERTY(OBJECT_ID(N'dbo.venue_health'), N'ix_venue_health_market_time', 'IndexID') IS NULL
CREATE INDEX ix_venue_health_market_time ON dbo.venue_health (market, time) WITH (DATA_COMPRESSION = PAGE);
GO

IF OBJECT_ID(N'dbo.arbitrage_opportunities', N'U') IS NULL
CREATE TABLE dbo.arbitrage_opportunities (
    market NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    scan_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    opportunity_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    time DATETIME2(3) NOT NULL,
    kind NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    path NVARCHAR(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    venues NVARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    start_asset NVARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    start_amount DECIMAL(38, 18) NOT NULL,
    end_amount DECIMAL(38, 18) NOT NULL,
    net_profit DECIMAL(38, 18) NOT NULL,
    gross_profit DECIMAL(38, 18) NOT NULL,
    net_bps DECIMAL(38, 18) NOT NULL,
    top_net_bps DECIMAL(38, 18) NOT NULL,
    profit_value DECIMAL(38, 18) NOT NULL,
    oldest_book_ms BIGINT NOT NULL,
    skew_ms BIGINT NOT NULL,
    marks NVARCHAR(4000) COLLATE Latin1_General_100_BIN2 NOT NULL,
    blob NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_arbitrage_opportunities PRIMARY KEY (scan_id, opportunity_id) WITH (DATA_COMPRESSION = PAGE),
    CONSTRAINT ck_arbitrage_opportunities_market CHECK (market IN ('simulated', 'live'))
);
GO

IF INDEXPROPERTY(OBJECT_ID(N'dbo.arbitrage_opportunities'), N'ix_arbitrage_opportunities_market_time', 'IndexID') IS NULL
CREATE INDEX ix_arbitrage_opportunities_market_time ON dbo.arbitrage_opportunities (market, time) WITH (DATA_COMPRESSION = PAGE);
GO

IF INDEXPROPERTY(OBJECT_ID(N'dbo.arbitrage_opportunities'), N'ix_arbitrage_opportunities_opportunity_id', 'IndexID') IS NULL
CREATE INDEX ix_arbitrage_opportunities_opportunity_id ON dbo.arbitrage_opportunities (opportunity_id) WITH (DATA_COMPRESSION = PAGE);
GO

IF OBJECT_ID(N'dbo.opportunity_legs', N'U') IS NULL
CREATE TABLE dbo.opportunity_legs (
    market NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    scan_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    opportunity_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    leg BIGINT NOT NULL,
    venue NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    symbol NVARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    side NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    amount DECIMAL(38, 18) NOT NULL,
    average_price DECIMAL(38, 18) NOT NULL,
    limit_price DECIMAL(38, 18) NOT NULL,
    fee DECIMAL(38, 18) NOT NULL,
    fee_asset NVARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    blob NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_opportunity_legs PRIMARY KEY (scan_id, opportunity_id, leg) WITH (DATA_COMPRESSION = PAGE),
    CONSTRAINT ck_opportunity_legs_market CHECK (market IN ('simulated', 'live')),
    CONSTRAINT ck_opportunity_legs_leg CHECK (leg >= 0),
    CONSTRAINT ck_opportunity_legs_venue CHECK (venue IN ('binance', 'bybit', 'gateio', 'kraken')),
    CONSTRAINT ck_opportunity_legs_side CHECK (side IN ('buy', 'sell')),
    CONSTRAINT ck_opportunity_legs_amount CHECK (amount > 0),
    CONSTRAINT ck_opportunity_legs_average_price CHECK (average_price > 0),
    CONSTRAINT ck_opportunity_legs_limit_price CHECK (limit_price > 0),
    CONSTRAINT ck_opportunity_legs_fee CHECK (fee >= 0)
);
GO

IF OBJECT_ID(N'dbo.rejections', N'U') IS NULL
CREATE TABLE dbo.rejections (
    market NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    scan_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    reason NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    time DATETIME2(3) NOT NULL,
    refused BIGINT NOT NULL,
    best_net_bps DECIMAL(38, 18) NULL,
    best_path NVARCHAR(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    best_detail NVARCHAR(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    blob NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_rejections PRIMARY KEY (scan_id, reason) WITH (DATA_COMPRESSION = PAGE),
    CONSTRAINT ck_rejections_market CHECK (market IN ('simulated', 'live')),
    CONSTRAINT ck_rejections_reason CHECK (reason IN (
        'BLOCKED', 'NOT_TRADABLE', 'LEVERAGED_TOKEN', 'VENUE_COOLING_DOWN', 'BAD_BOOK', 'CROSSED_BOOK',
        'STALE_BOOK', 'FROZEN_BOOK', 'SKEWED_BOOKS', 'IDENTITY_CONFLICT', 'DEPOSIT_CLOSED',
        'WITHDRAW_CLOSED', 'NO_COMMON_NETWORK', 'TRANSFER_UNKNOWN', 'TOO_GOOD_TO_BE_TRUE',
        'UNKNOWN_DEPTH', 'DEPTH_TAKEN', 'NO_INVENTORY', 'BELOW_MIN_NOTIONAL', 'NET_EDGE_TOO_SMALL',
        'BELOW_MIN_PROFIT', 'RISK_LIMIT', 'VETOED', 'KILL_SWITCH'
    )),
    CONSTRAINT ck_rejections_refused CHECK (refused > 0)
);
GO

IF INDEXPROPERTY(OBJECT_ID(N'dbo.rejections'), N'ix_rejections_market_time', 'IndexID') IS NULL
CREATE INDEX ix_rejections_market_time ON dbo.rejections (market, time) WITH (DATA_COMPRESSION = PAGE);
GO

IF OBJECT_ID(N'dbo.market_data', N'U') IS NULL
CREATE TABLE dbo.market_data (
    market NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    scan_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    venue NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    symbol NVARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    time DATETIME2(3) NOT NULL,
    book_time DATETIME2(3) NULL,
    received DATETIME2(3) NULL,
    bid DECIMAL(38, 18) NULL,
    bid_amount DECIMAL(38, 18) NULL,
    ask DECIMAL(38, 18) NULL,
    ask_amount DECIMAL(38, 18) NULL,
    blob NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_market_data PRIMARY KEY (scan_id, venue, symbol) WITH (DATA_COMPRESSION = PAGE),
    CONSTRAINT ck_market_data_market CHECK (market IN ('simulated', 'live')),
    CONSTRAINT ck_market_data_venue CHECK (venue IN ('binance', 'bybit', 'gateio', 'kraken'))
);
GO

IF INDEXPROPERTY(OBJECT_ID(N'dbo.market_data'), N'ix_market_data_market_symbol_time', 'IndexID') IS NULL
CREATE INDEX ix_market_data_market_symbol_time ON dbo.market_data (market, symbol, time) WITH (DATA_COMPRESSION = PAGE);
GO

IF INDEXPROPERTY(OBJECT_ID(N'dbo.market_data'), N'ix_market_data_time', 'IndexID') IS NULL
CREATE INDEX ix_market_data_time ON dbo.market_data (time) WITH (DATA_COMPRESSION = PAGE);
GO

IF OBJECT_ID(N'dbo.verdicts', N'U') IS NULL
CREATE TABLE dbo.verdicts (
    market NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    scan_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    opportunity_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    time DATETIME2(3) NOT NULL,
    decision NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    confidence DECIMAL(38, 18) NOT NULL,
    risk_factors NVARCHAR(4000) COLLATE Latin1_General_100_BIN2 NOT NULL,
    explanation NVARCHAR(1000) COLLATE Latin1_General_100_BIN2 NOT NULL,
    evidence NVARCHAR(4000) COLLATE Latin1_General_100_BIN2 NOT NULL,
    source NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    fallback NVARCHAR(64) COLLATE Latin1_General_100_BIN2 NULL,
    model NVARCHAR(100) COLLATE Latin1_General_100_BIN2 NULL,
    prompt_version NVARCHAR(64) COLLATE Latin1_General_100_BIN2 NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cost_usd DECIMAL(38, 18) NOT NULL,
    latency_ms BIGINT NOT NULL,
    blob NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_verdicts PRIMARY KEY (scan_id, opportunity_id) WITH (DATA_COMPRESSION = PAGE),
    CONSTRAINT ck_verdicts_market CHECK (market IN ('simulated', 'live')),
    CONSTRAINT ck_verdicts_decision CHECK (decision IN ('approve', 'caution', 'reject')),
    CONSTRAINT ck_verdicts_confidence CHECK (confidence >= 0)
);
GO

IF INDEXPROPERTY(OBJECT_ID(N'dbo.verdicts'), N'ix_verdicts_market_time', 'IndexID') IS NULL
CREATE INDEX ix_verdicts_market_time ON dbo.verdicts (market, time) WITH (DATA_COMPRESSION = PAGE);
GO

IF OBJECT_ID(N'dbo.trades', N'U') IS NULL
CREATE TABLE dbo.trades (
    market NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    scan_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    trade_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    opportunity_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    time DATETIME2(3) NOT NULL,
    completed DATETIME2(3) NOT NULL,
    status NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    reason NVARCHAR(64) COLLATE Latin1_General_100_BIN2 NULL,
    detail NVARCHAR(1000) COLLATE Latin1_General_100_BIN2 NOT NULL,
    kind NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    path NVARCHAR(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    venues NVARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    start_asset NVARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    start_amount DECIMAL(38, 18) NOT NULL,
    decision_profit DECIMAL(38, 18) NOT NULL,
    realised_profit DECIMAL(38, 18) NOT NULL,
    unrealised_profit DECIMAL(38, 18) NOT NULL,
    realised_value DECIMAL(38, 18) NOT NULL,
    unrealised_value DECIMAL(38, 18) NOT NULL,
    cause_slippage DECIMAL(38, 18) NOT NULL,
    cause_delay DECIMAL(38, 18) NOT NULL,
    cause_latency DECIMAL(38, 18) NOT NULL,
    cause_partial_fill DECIMAL(38, 18) NOT NULL,
    cause_unwind DECIMAL(38, 18) NOT NULL,
    cause_fees DECIMAL(38, 18) NOT NULL,
    exposure NVARCHAR(4000) COLLATE Latin1_General_100_BIN2 NOT NULL,
    blob NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_trades PRIMARY KEY (scan_id, trade_id) WITH (DATA_COMPRESSION = PAGE),
    CONSTRAINT ck_trades_market CHECK (market IN ('simulated', 'live')),
    CONSTRAINT ck_trades_status CHECK (status IN ('filled', 'partial', 'missed', 'refused'))
);
GO

IF INDEXPROPERTY(OBJECT_ID(N'dbo.trades'), N'ix_trades_market_time', 'IndexID') IS NULL
CREATE INDEX ix_trades_market_time ON dbo.trades (market, time) WITH (DATA_COMPRESSION = PAGE);
GO

IF INDEXPROPERTY(OBJECT_ID(N'dbo.trades'), N'ix_trades_trade_id', 'IndexID') IS NULL
CREATE INDEX ix_trades_trade_id ON dbo.trades (trade_id) WITH (DATA_COMPRESSION = PAGE);
GO

IF OBJECT_ID(N'dbo.fills', N'U') IS NULL
CREATE TABLE dbo.fills (
    market NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    scan_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    trade_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    fill BIGINT NOT NULL,
    leg BIGINT NOT NULL,
    purpose NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    venue NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    symbol NVARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    base NVARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    quote NVARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    side NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    price DECIMAL(38, 18) NOT NULL,
    amount DECIMAL(38, 18) NOT NULL,
    notional DECIMAL(38, 18) NOT NULL,
    fee DECIMAL(38, 18) NOT NULL,
    fee_asset NVARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    time DATETIME2(3) NOT NULL,
    blob NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_fills PRIMARY KEY (scan_id, trade_id, fill) WITH (DATA_COMPRESSION = PAGE),
    CONSTRAINT ck_fills_market CHECK (market IN ('simulated', 'live')),
    CONSTRAINT ck_fills_fill CHECK (fill >= 0),
    CONSTRAINT ck_fills_leg CHECK (leg >= 0),
    CONSTRAINT ck_fills_purpose CHECK (purpose IN ('leg', 'unwind')),
    CONSTRAINT ck_fills_venue CHECK (venue IN ('binance', 'bybit', 'gateio', 'kraken')),
    CONSTRAINT ck_fills_side CHECK (side IN ('buy', 'sell')),
    CONSTRAINT ck_fills_price CHECK (price > 0),
    CONSTRAINT ck_fills_amount CHECK (amount > 0),
    CONSTRAINT ck_fills_notional CHECK (notional > 0),
    CONSTRAINT ck_fills_fee CHECK (fee >= 0)
);
GO

IF INDEXPROPERTY(OBJECT_ID(N'dbo.fills'), N'ix_fills_market_time', 'IndexID') IS NULL
CREATE INDEX ix_fills_market_time ON dbo.fills (market, time) WITH (DATA_COMPRESSION = PAGE);
GO

IF OBJECT_ID(N'dbo.transfers', N'U') IS NULL
CREATE TABLE dbo.transfers (
    market NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    scan_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    transfer_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    asset NVARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    network NVARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    source NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    target NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    amount DECIMAL(38, 18) NOT NULL,
    fee DECIMAL(38, 18) NOT NULL,
    time DATETIME2(3) NOT NULL,
    arrives DATETIME2(3) NOT NULL,
    blob NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_transfers PRIMARY KEY (scan_id, transfer_id) WITH (DATA_COMPRESSION = PAGE),
    CONSTRAINT ck_transfers_market CHECK (market IN ('simulated', 'live')),
    CONSTRAINT ck_transfers_source CHECK (source IN ('binance', 'bybit', 'gateio', 'kraken')),
    CONSTRAINT ck_transfers_target CHECK (target IN ('binance', 'bybit', 'gateio', 'kraken')),
    CONSTRAINT ck_transfers_amount CHECK (amount > 0),
    CONSTRAINT ck_transfers_fee CHECK (fee >= 0)
);
GO

IF INDEXPROPERTY(OBJECT_ID(N'dbo.transfers'), N'ix_transfers_market_time', 'IndexID') IS NULL
CREATE INDEX ix_transfers_market_time ON dbo.transfers (market, time) WITH (DATA_COMPRESSION = PAGE);
GO

IF OBJECT_ID(N'dbo.lifetimes', N'U') IS NULL
CREATE TABLE dbo.lifetimes (
    market NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    scan_id NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
    path NVARCHAR(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    kind NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    first_seen DATETIME2(3) NOT NULL,
    last_seen DATETIME2(3) NOT NULL,
    lifetime_ms BIGINT NOT NULL,
    scans_seen BIGINT NOT NULL,
    first_net_bps DECIMAL(38, 18) NOT NULL,
    peak_net_bps DECIMAL(38, 18) NOT NULL,
    peak_time DATETIME2(3) NOT NULL,
    last_net_bps DECIMAL(38, 18) NOT NULL,
    peak_profit_value DECIMAL(38, 18) NOT NULL,
    blob NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT pk_lifetimes PRIMARY KEY (scan_id, path) WITH (DATA_COMPRESSION = PAGE),
    CONSTRAINT ck_lifetimes_market CHECK (market IN ('simulated', 'live'))
);
GO

IF INDEXPROPERTY(OBJECT_ID(N'dbo.lifetimes'), N'ix_lifetimes_market_last_seen', 'IndexID') IS NULL
CREATE INDEX ix_lifetimes_market_last_seen ON dbo.lifetimes (market, last_seen) WITH (DATA_COMPRESSION = PAGE);
GO

IF OBJECT_ID(N'dbo.load_ledger', N'U') IS NULL
CREATE TABLE dbo.load_ledger (
    blob NVARCHAR(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    loaded DATETIME2(3) NOT NULL,
    row_count BIGINT NOT NULL,
    CONSTRAINT pk_load_ledger PRIMARY KEY (blob) WITH (DATA_COMPRESSION = PAGE)
);
GO

IF INDEXPROPERTY(OBJECT_ID(N'dbo.load_ledger'), N'ix_load_ledger_loaded', 'IndexID') IS NULL
CREATE INDEX ix_load_ledger_loaded ON dbo.load_ledger (loaded) WITH (DATA_COMPRESSION = PAGE);
GO

IF OBJECT_ID(N'dbo.totals', N'U') IS NULL
CREATE TABLE dbo.totals (
    market NVARCHAR(32) COLLATE Latin1_General_100_BIN2 NOT NULL,
    name NVARCHAR(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
    label_1 NVARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    label_2 NVARCHAR(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    value DECIMAL(38, 18) NOT NULL,
    CONSTRAINT pk_totals PRIMARY KEY (market, name, label_1, label_2) WITH (DATA_COMPRESSION = PAGE),
    CONSTRAINT ck_totals_market CHECK (market IN ('simulated', 'live'))
);
GO

INSERT INTO dbo.schema_version (version, name)
SELECT 1, N'tables'
WHERE NOT EXISTS (SELECT 1 FROM dbo.schema_version WHERE version = 1);
GO
