# App settings, by the names the product reads. A test holds these names against the product's own table.

locals {
  # What `var.settings` may set: everything that the product reads, but secrets and what stands in product_settings.
  free_settings = [
    "AI_DAILY_TOKENS", "AI_DAILY_USD", "AI_INPUT_USD", "AI_OUTPUT_USD", "AI_REASONING", "AI_TIMEOUT_MS", "AI_TOP",
    "ALERT_WEBHOOK_SHAPE", "ALIASES", "BLOCK_LIST", "BOOK_LEVELS", "BOOKS_WITHIN_MS", "CAPITAL", "FEES", "FUND_ASSET", "FUND_QUOTE", "KILL_SWITCH",
    "LATENCY_MEDIAN_MS", "LATENCY_SIGMA", "LOG_FORMAT", "MAX_AGE_MS", "MAX_ASSET", "MAX_BOOKS_PER_SCAN", "MAX_DAILY_LOSS", "MAX_DAY",
    "MAX_DRAWDOWN", "MAX_SCAN", "MAX_SKEW_MS", "MAX_TRADE", "MAX_TRADES_PER_HOUR", "MAX_TRADES_PER_PAIR", "MAX_VENUE",
    "MIN_CONFIDENCE", "MIN_NET_BPS", "MIN_PROFIT", "OPENAI_BASE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT", "REBALANCE_TRADES",
    "SEED", "TOO_GOOD_BPS", "TRACE_RATIO", "TRANSFER_UNKNOWN", "VENUE_KEYS", "VENUE_TIMEOUT_MS", "VENUES", "WATCH_LIST",
  ]

  product_settings = merge(
    {
      MARKET                      = "live"
      SCAN_SCHEDULE               = var.schedules.scan
      MARKETS_SCHEDULE            = var.schedules.markets
      COMPACT_SCHEDULE            = var.schedules.compact
      WATCHDOG_SCHEDULE           = var.schedules.watchdog
      AZURE_CLIENT_ID             = azurerm_user_assigned_identity.app.client_id
      AZURE_KEY_VAULT_URL         = azurerm_key_vault.main.vault_uri
      AZURE_STORAGE_ACCOUNT_NAME  = azurerm_storage_account.host.name
      AZURE_DATALAKE_ACCOUNT_NAME = azurerm_storage_account.lake.name
      AZURE_SQL_CONNECTION_STRING = local.sql_connection
      OPENAI_MODEL                = var.openai == null ? "gpt-5-mini" : azurerm_cognitive_deployment.openai[0].name
    },
    var.openai == null ? {} : { AZURE_OPENAI_ENDPOINT = azurerm_cognitive_account.openai[0].endpoint },
    var.settings,
  )

  secret_settings = var.alert_webhook_url == null ? {} : { ALERT_WEBHOOK_URL = var.alert_webhook_url }

  # No password: the driver asks for a token of the identity named by UID. It does not know the workload identity
  # of Kubernetes: there the product asks for the token.
  sql_connection = join(";", [
    "Driver={ODBC Driver 18 for SQL Server}",
    "Server=tcp:${azurerm_mssql_server.main.fully_qualified_domain_name},1433",
    "Database=${azurerm_mssql_database.main.name}",
    var.hosting == "none" ? "Authentication=ActiveDirectoryDefault" : "Authentication=ActiveDirectoryMsi;UID=${azurerm_user_assigned_identity.app.client_id}",
    "Encrypt=yes",
    "TrustServerCertificate=no",
  ])

  # What the Functions host and the telemetry libraries read.
  platform_settings = {
    APPLICATIONINSIGHTS_CONNECTION_STRING                      = azurerm_application_insights.main.connection_string
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING                  = "Authorization=AAD;ClientId=${azurerm_user_assigned_identity.app.client_id}"
    APPLICATIONINSIGHTS_SDKSTATS_DISABLED                      = "true"
    APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL                 = "true"
    APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED = "true"
    PYTHON_ENABLE_OPENTELEMETRY                                = "true"
    # The product speaks HTTP to a collector; the host's own default would be gRPC at the same address.
    OTEL_EXPORTER_OTLP_PROTOCOL = "http/protobuf"
  }

  storage_settings = {
    AzureWebJobsStorage__accountName = azurerm_storage_account.host.name
    AzureWebJobsStorage__credential  = "managedidentity"
    AzureWebJobsStorage__clientId    = azurerm_user_assigned_identity.app.client_id
  }

  # The provider writes a Function App's connection string of Application Insights itself, from site_config; among
  # the app settings every plan would show it as a change.
  function_settings = merge(
    local.product_settings,
    { for name, value in local.platform_settings : name => value if name != "APPLICATIONINSIGHTS_CONNECTION_STRING" },
    local.secret_settings,
  )

  container_settings = merge(local.product_settings, local.platform_settings, local.storage_settings, {
    FUNCTIONS_WORKER_RUNTIME = "python"
    # Timers take a lock under this id; derived from the machine's name it would differ in every replica.
    AzureFunctionsWebHost__hostid = local.base
  })

  # Pods take their token from the workload identity, which the SDKs find when no credential is named.
  kubernetes_settings = merge(
    { for name, value in local.product_settings : name => value if !contains(["MARKET"], name) && !endswith(name, "_SCHEDULE") },
    { for name, value in local.platform_settings : name => value if startswith(name, "APPLICATIONINSIGHTS_") },
    { AzureWebJobsStorage__accountName = azurerm_storage_account.host.name },
  )
}
