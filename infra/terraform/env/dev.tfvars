environment = "dev"

schedules = {
  scan = "0 * * * * *"
}

sql_sku                = "Basic"
sql_max_size_gb        = 2
lake_delete_after_days = 30
log_daily_gb           = 0.5
budget                 = 50

health_test = {
  places = ["emea-nl-ams-azr"]
}
