# A development deployment as it comes: Flex Consumption, no optional part.

mock_provider "azurerm" {
  source = "./tests/mocks"
}

variables {
  subscription_id = "00000000-0000-0000-0000-000000000000"
  environment     = "dev"
}

run "a_deployment_as_it_comes" {
  command = plan

  assert {
    condition = alltrue([
      for account in [azurerm_storage_account.host, azurerm_storage_account.lake] :
      !account.shared_access_key_enabled && !account.allow_nested_items_to_be_public && account.min_tls_version == "TLS1_2"
    ])
    error_message = "Both storage accounts refuse shared keys, public blobs and old TLS."
  }
  assert {
    condition     = azurerm_mssql_server.main.azuread_administrator[0].azuread_authentication_only && azurerm_mssql_server.main.administrator_login_password == null
    error_message = "The database knows Entra logins only."
  }
  assert {
    condition     = azurerm_key_vault.main.rbac_authorization_enabled && azurerm_key_vault.main.purge_protection_enabled
    error_message = "The vault is guarded by roles and keeps what is deleted."
  }
  assert {
    condition     = !azurerm_application_insights.main.local_authentication_enabled
    error_message = "Telemetry comes in with an identity only."
  }
  assert {
    condition     = !azurerm_function_app_flex_consumption.main[0].webdeploy_publish_basic_authentication_enabled && azurerm_function_app_flex_consumption.main[0].https_only
    error_message = "The app is deployed with Entra and answers over TLS."
  }

  assert {
    condition = toset(keys(azurerm_key_vault_secret.placeholder)) == toset([
      "binance-api-key", "binance-api-secret", "bybit-api-key", "bybit-api-secret", "gateio-api-key",
      "gateio-api-secret", "kraken-api-key", "kraken-api-secret", "openai-api-key",
    ])
    error_message = "The vault holds one secret for each name the product reads."
  }
  assert {
    condition     = alltrue([for secret in azurerm_key_vault_secret.placeholder : secret.value_wo_version == 1])
    error_message = "Secrets are written once, by the write-only argument."
  }

  assert {
    condition     = azurerm_function_app_flex_consumption.main[0].app_settings["AzureWebJobsStorage"] == ""
    error_message = "No storage connection string reaches the app."
  }
  assert {
    condition     = azurerm_function_app_flex_consumption.main[0].site_config[0].application_insights_connection_string == azurerm_application_insights.main.connection_string && !contains(keys(azurerm_function_app_flex_consumption.main[0].app_settings), "APPLICATIONINSIGHTS_CONNECTION_STRING")
    error_message = "The provider itself writes the connection string of Application Insights."
  }
  assert {
    condition     = azurerm_function_app_flex_consumption.main[0].app_settings["AzureWebJobsStorage__credential"] == "managedidentity"
    error_message = "The host's storage connection uses the identity."
  }
  assert {
    condition     = strcontains(azurerm_function_app_flex_consumption.main[0].app_settings["AZURE_SQL_CONNECTION_STRING"], "Authentication=ActiveDirectoryMsi;UID=${azurerm_user_assigned_identity.app.client_id};Encrypt=yes")
    error_message = "The database connection is encrypted and names the identity."
  }
  assert {
    condition     = !anytrue([for name in keys(azurerm_function_app_flex_consumption.main[0].app_settings) : startswith(name, "FUNCTIONS_")])
    error_message = "Flex Consumption refuses FUNCTIONS_WORKER_RUNTIME and its like as settings."
  }
  assert {
    condition     = alltrue([for name in ["SCAN_SCHEDULE", "MARKETS_SCHEDULE", "COMPACT_SCHEDULE", "WATCHDOG_SCHEDULE"] : length(split(" ", azurerm_function_app_flex_consumption.main[0].app_settings[name])) == 6])
    error_message = "All four timers have a schedule: the host disables a function without one."
  }

  assert {
    condition = toset([for role in azurerm_role_assignment.app : role.role_definition_name]) == toset([
      "Storage Blob Data Owner", "Storage Queue Data Contributor", "Storage Table Data Contributor",
      "Storage Blob Data Contributor", "Key Vault Secrets User", "Monitoring Metrics Publisher",
    ])
    error_message = "The identity holds exactly the six roles of docs/security.md."
  }
  assert {
    condition     = length(toset([for role in azurerm_role_assignment.app : role.scope])) == 4 && !contains([for role in azurerm_role_assignment.app : role.scope], azurerm_resource_group.main.id)
    error_message = "Each role is given on one resource, none on the group."
  }

  assert {
    condition = sum([
      length(azurerm_linux_function_app.main), length(azurerm_container_app.main), length(azurerm_container_group.main),
      length(azurerm_container_registry.main), length(azurerm_dashboard_grafana.main), length(azurerm_cognitive_account.openai),
      length(azurerm_virtual_network.main), length(azurerm_private_endpoint.main), length(azurerm_consumption_budget_resource_group.main),
      length(azurerm_management_lock.lake), length(azurerm_federated_identity_credential.kubernetes), length(azurerm_role_assignment.operators),
    ]) == 0
    error_message = "Nothing optional is created unless it is asked for."
  }

  assert {
    condition     = toset(keys(azurerm_monitor_scheduled_query_rules_alert_v2.main)) == toset([for path in fileset("../kusto/alarms", "*.kql") : trimsuffix(path, ".kql")])
    error_message = "There is one alert for each query in infra/kusto/alarms."
  }
  assert {
    condition     = alltrue([for rule in azurerm_monitor_scheduled_query_rules_alert_v2.main : (rule.evaluation_frequency == "PT5M") == (rule.severity == 1)])
    error_message = "What cannot wait is asked every five minutes, and nothing else: it costs three times as much."
  }
  assert {
    condition     = azurerm_application_insights_standard_web_test.health[0].frequency == 900 && azurerm_monitor_metric_alert.health[0].window_size == "PT30M"
    error_message = "The alert looks back further than from one asking to the next."
  }
}
