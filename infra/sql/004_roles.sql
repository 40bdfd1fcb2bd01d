-- What the app and the dashboards may do. The deployment adds users to these roles:
--   CREATE USER [app identity] FROM EXTERNAL PROVIDER;
--   ALTER ROLE arbitrage_app ADD MEMBER [app identity];
SET XACT_ABORT ON;
SET NOCOUNT ON;
GO

-- The app loads and reads; it changes the totals only, and deletes from market_data only, by its procedure.
IF DATABASE_PRINCIPAL_ID(N'arbitrage_app') IS NULL
CREATE ROLE arbitrage_app;
GO

GRANT SELECT, INSERT ON SCHEMA::dbo TO arbitrage_app;
GRANT UPDATE ON OBJECT::dbo.totals TO arbitrage_app;
GRANT EXECUTE ON OBJECT::dbo.purge_market_data TO arbitrage_app;
GO

-- Dashboards read.
IF DATABASE_PRINCIPAL_ID(N'arbitrage_reader') IS NULL
CREATE ROLE arbitrage_reader;
GO

GRANT SELECT ON SCHEMA::dbo TO arbitrage_reader;
GO

INSERT INTO dbo.schema_version (version, name)
SELECT 4, N'roles'
WHERE NOT EXISTS (SELECT 1 FROM dbo.schema_version WHERE version = 4);
GO
