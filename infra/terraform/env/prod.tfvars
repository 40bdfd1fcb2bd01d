environment = "prod"

schedules = {
  scan = "*/30 * * * * *"
}

storage_replication = "ZRS"
sql_sku             = "S0"
protect_data        = true
log_retention_days  = 90
log_daily_gb        = 2
grafana             = true
budget              = 200
