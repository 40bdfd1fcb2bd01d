-- Keeps market_data short; the lake has every quote.
SET XACT_ABORT ON;
SET NOCOUNT ON;
GO

-- Deletes market_data older than @before, some thousands of rows a transaction, so that loads are never blocked
-- for long and the log stays small. Returns the number of rows deleted; safe to cut short and to run again.
CREATE OR ALTER PROCEDURE dbo.purge_market_data
    @before DATETIME2(3)
AS
BEGIN
    SET NOCOUNT ON;
    DECLARE @deleted INT = 1;
    DECLARE @total BIGINT = 0;
    WHILE @deleted > 0
    BEGIN
        DELETE TOP (5000) FROM dbo.market_data WHERE time < @before;
        SET @deleted = @@ROWCOUNT;
        SET @total = @total + @deleted;
    END;
    SELECT @total AS deleted;
END;
GO

INSERT INTO dbo.schema_version (version, name)
SELECT 3, N'retention'
WHERE NOT EXISTS (SELECT 1 FROM dbo.schema_version WHERE version = 3);
GO
