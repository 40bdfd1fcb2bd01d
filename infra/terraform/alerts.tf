# Alerts from outside the app, so that they fire when the app itself is silent. The queries stand in infra/kusto/alarms.

locals {
  host_name = one(concat(
    azurerm_function_app_flex_consumption.main[*].default_hostname,
    azurerm_linux_function_app.main[*].default_hostname,
    [for app in azurerm_container_app.main : "${app.name}.${azurerm_container_app_environment.main[0].default_domain}"],
    [for group in azurerm_container_group.main : "${group.fqdn}:8080" if !var.private_networking],
  ))
  scheme   = var.hosting == "container_instances" ? "http" : "https"
  base_url = local.host_name == null ? null : "${local.scheme}://${local.host_name}"

  alarms = "${path.module}/../kusto/alarms"
  # Each query returns rows where something is wrong, and none where all is well; it looks at so many minutes. What
  # cannot wait is asked every five minutes, the rest every fifteen, which costs a third. What happens once is looked
  # for twice as far back: telemetry arrives minutes late.
  log_alerts = {
    alarms          = { severity = 2, every = "PT15M", minutes = 30, title = "Alarms of the watchdog" }
    budget          = { severity = 3, every = "PT1H", minutes = 1440, title = "Model budget spent" }
    failures        = { severity = 2, every = "PT15M", minutes = 30, title = "Functions fail" }
    kill-switch     = { severity = 1, every = "PT5M", minutes = 15, title = "Kill switch tripped" }
    loads-piling-up = { severity = 2, every = "PT15M", minutes = 30, title = "Loads piling up" }
    losses          = { severity = 2, every = "PT1H", minutes = 1440, title = "Losses" }
    no-scans        = { severity = 1, every = "PT5M", minutes = var.scan_silence_minutes, title = "No scans" }
    poisoned-loads  = { severity = 2, every = "PT15M", minutes = 30, title = "Poisoned loads" }
    venue-down      = { severity = 3, every = "PT15M", minutes = 15, title = "Venue down" }
  }

  metric_alerts = {
    database-load = {
      scope     = azurerm_mssql_database.main.id
      namespace = "Microsoft.Sql/servers/databases"
      metric    = var.sql_serverless == null && !startswith(var.sql_sku, "GP_") && !startswith(var.sql_sku, "BC_") ? "dtu_consumption_percent" : "cpu_percent"
      threshold = 90
      title     = "Database busy"
    }
    database-full = {
      scope     = azurerm_mssql_database.main.id
      namespace = "Microsoft.Sql/servers/databases"
      metric    = "storage_percent"
      threshold = 85
      title     = "Database nearly full"
    }
  }
}

resource "azurerm_monitor_action_group" "main" {
  name                = "ag-${local.base}"
  resource_group_name = azurerm_resource_group.main.name
  short_name          = substr(var.name, 0, 12)
  tags                = local.tags

  dynamic "email_receiver" {
    for_each = var.alert_emails
    content {
      name                    = email_receiver.value
      email_address           = email_receiver.value
      use_common_alert_schema = true
    }
  }
}

resource "azurerm_monitor_scheduled_query_rules_alert_v2" "main" {
  for_each = local.log_alerts

  name                    = "alert-${local.base}-${each.key}"
  resource_group_name     = azurerm_resource_group.main.name
  location                = azurerm_resource_group.main.location
  description             = "What to do: docs/operations.md, ${each.value.title}."
  display_name            = "${local.base}: ${each.value.title}"
  severity                = each.value.severity
  scopes                  = [azurerm_application_insights.main.id]
  evaluation_frequency    = each.value.every
  window_duration         = lookup({ "60" = "PT1H", "1440" = "P1D" }, each.value.minutes, "PT${each.value.minutes}M")
  auto_mitigation_enabled = true
  # Tables of events that never happened do not exist yet.
  skip_query_validation = true
  tags                  = local.tags

  criteria {
    query                   = file("${local.alarms}/${each.key}.kql")
    time_aggregation_method = "Count"
    operator                = "GreaterThan"
    threshold               = 0
  }

  action {
    action_groups = [azurerm_monitor_action_group.main.id]
  }
}

resource "azurerm_monitor_metric_alert" "database" {
  for_each = local.metric_alerts

  name                = "alert-${local.base}-${each.key}"
  resource_group_name = azurerm_resource_group.main.name
  scopes              = [each.value.scope]
  description         = "What to do: docs/operations.md, ${each.value.title}."
  severity            = 2
  frequency           = "PT5M"
  window_size         = "PT15M"
  tags                = local.tags

  criteria {
    metric_namespace = each.value.namespace
    metric_name      = each.value.metric
    aggregation      = "Average"
    operator         = "GreaterThan"
    threshold        = each.value.threshold
  }

  action {
    action_group_id = azurerm_monitor_action_group.main.id
  }
}

# The health page asked from outside; behind a private network or in Kubernetes nobody outside can ask.
resource "azurerm_application_insights_standard_web_test" "health" {
  count = var.hosting == "none" || (var.private_networking && local.on_containers) ? 0 : 1

  name                    = "health-${local.base}"
  resource_group_name     = azurerm_resource_group.main.name
  location                = azurerm_resource_group.main.location
  application_insights_id = azurerm_application_insights.main.id
  description             = "GET /api/health from outside."
  enabled                 = true
  frequency               = var.health_test.every_seconds
  timeout                 = 60
  retry_enabled           = true
  geo_locations           = var.health_test.places
  tags                    = local.tags

  request {
    url                              = "${local.base_url}/api/health"
    http_verb                        = "GET"
    parse_dependent_requests_enabled = false
  }

  validation_rules {
    expected_status_code = 200
  }
}

resource "azurerm_monitor_metric_alert" "health" {
  count = length(azurerm_application_insights_standard_web_test.health)

  name                = "alert-${local.base}-health"
  resource_group_name = azurerm_resource_group.main.name
  scopes              = [azurerm_application_insights.main.id, azurerm_application_insights_standard_web_test.health[0].id]
  description         = "What to do: docs/operations.md, Not healthy."
  severity            = 1
  frequency           = "PT5M"
  window_size         = var.health_test.every_seconds > 300 ? "PT30M" : "PT15M"
  tags                = local.tags

  application_insights_web_test_location_availability_criteria {
    component_id          = azurerm_application_insights.main.id
    web_test_id           = azurerm_application_insights_standard_web_test.health[0].id
    failed_location_count = min(2, length(var.health_test.places))
  }

  action {
    action_group_id = azurerm_monitor_action_group.main.id
  }
}
