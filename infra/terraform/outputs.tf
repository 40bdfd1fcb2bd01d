# What the pipeline and docs/deploy.md need after an apply.

output "resource_group" {
  description = "Resource group of everything."
  value       = azurerm_resource_group.main.name
}

output "hosting" {
  description = "Where the functions run."
  value       = var.hosting
}

output "app_name" {
  description = "Function App, Container App or container group; null on Kubernetes."
  value = one(concat(
    azurerm_function_app_flex_consumption.main[*].name,
    azurerm_linux_function_app.main[*].name,
    azurerm_container_app.main[*].name,
    azurerm_container_group.main[*].name,
  ))
}

output "app_url" {
  description = "Address of the app; null on Kubernetes."
  value       = local.base_url
}

output "host_storage_account" {
  description = "Storage account of the host: queues, state and packages."
  value       = azurerm_storage_account.host.name
}

output "host_id" {
  description = "Id under which the host keeps its locks, and outside App Service its keys."
  value       = local.base
}

output "lake_storage_account" {
  description = "Storage account of the lake."
  value       = azurerm_storage_account.lake.name
}

output "key_vault_name" {
  description = "Key vault of the venues' and the model's keys."
  value       = azurerm_key_vault.main.name
}

output "sql_server" {
  description = "Fully qualified name of the database server."
  value       = azurerm_mssql_server.main.fully_qualified_domain_name
}

output "sql_database" {
  description = "Name of the database."
  value       = azurerm_mssql_database.main.name
}

output "identity_name" {
  description = "Name of the product's identity, which is also its database user."
  value       = azurerm_user_assigned_identity.app.name
}

output "identity_client_id" {
  description = "Client id of the product's identity."
  value       = azurerm_user_assigned_identity.app.client_id
}

output "application_insights_app_id" {
  description = "Application id that queries name."
  value       = azurerm_application_insights.main.app_id
}

output "container_registry" {
  description = "Login server of the container registry; null without one."
  value       = one(azurerm_container_registry.main[*].login_server)
}

output "grafana_url" {
  description = "Address of the managed Grafana; null without one."
  value       = one(azurerm_dashboard_grafana.main[*].endpoint)
}

output "grafana_name" {
  description = "Name of the managed Grafana, which is also the name of its identity; null without one."
  value       = one(azurerm_dashboard_grafana.main[*].name)
}

output "kubernetes_settings" {
  description = "Settings of the pods, for azure.env of an overlay in infra/kubernetes."
  value       = local.kubernetes_settings
  sensitive   = true
}
