resource "azurerm_log_analytics_workspace" "main" {
  name                = "log-${local.base}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  sku                 = "PerGB2018"
  retention_in_days   = var.log_retention_days
  daily_quota_gb      = var.log_daily_gb
  # Container Apps hand over their console logs with the workspace's key.
  local_authentication_enabled = var.hosting == "container_apps"
  tags                         = local.tags
}

resource "azurerm_application_insights" "main" {
  name                         = "appi-${local.base}"
  resource_group_name          = azurerm_resource_group.main.name
  location                     = azurerm_resource_group.main.location
  workspace_id                 = azurerm_log_analytics_workspace.main.id
  application_type             = "web"
  local_authentication_enabled = false
  daily_data_cap_in_gb         = var.log_daily_gb
  sampling_percentage          = 100
  tags                         = local.tags
}

resource "azurerm_monitor_diagnostic_setting" "vault" {
  name                       = "audit"
  target_resource_id         = azurerm_key_vault.main.id
  log_analytics_workspace_id = azurerm_log_analytics_workspace.main.id

  enabled_log {
    category_group = "audit"
  }
}

resource "azurerm_consumption_budget_resource_group" "main" {
  count = var.budget == null ? 0 : 1

  name              = "budget-${local.base}"
  resource_group_id = azurerm_resource_group.main.id
  amount            = var.budget
  time_grain        = "Monthly"

  time_period {
    start_date = formatdate("YYYY-MM-01'T'00:00:00'Z'", plantimestamp())
  }

  dynamic "notification" {
    for_each = { Actual = 80, Forecasted = 100 }
    content {
      threshold_type = notification.key
      threshold      = notification.value
      operator       = "GreaterThan"
      contact_emails = var.alert_emails
      contact_roles  = ["Owner"]
    }
  }

  lifecycle {
    # A budget keeps the month it began in.
    ignore_changes = [time_period]
  }
}

resource "azurerm_dashboard_grafana" "main" {
  count = var.grafana ? 1 : 0

  name                          = "amg-${substr(local.base, 0, 12)}-${local.unique}"
  resource_group_name           = azurerm_resource_group.main.name
  location                      = azurerm_resource_group.main.location
  grafana_major_version         = var.grafana_version
  sku                           = "Standard"
  api_key_enabled               = false
  public_network_access_enabled = true
  tags                          = local.tags

  identity {
    type = "SystemAssigned"
  }
}

# Grafana reads logs and metrics of this resource group, and nothing else.
resource "azurerm_role_assignment" "grafana" {
  for_each = var.grafana ? {
    logs    = { scope = azurerm_log_analytics_workspace.main.id, role = "Log Analytics Reader" }
    metrics = { scope = azurerm_resource_group.main.id, role = "Monitoring Reader" }
  } : {}

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = azurerm_dashboard_grafana.main[0].identity[0].principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "grafana_admins" {
  for_each = var.grafana ? toset(coalescelist(tolist(var.grafana_admins), tolist(var.operators), [data.azurerm_client_config.current.object_id])) : []

  scope                = azurerm_dashboard_grafana.main[0].id
  role_definition_name = "Grafana Admin"
  principal_id         = each.value
}
