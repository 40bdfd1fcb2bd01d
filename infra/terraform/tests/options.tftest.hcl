# Every optional part at once.

mock_provider "azurerm" {
  source = "./tests/mocks"
}

variables {
  subscription_id = "00000000-0000-0000-0000-000000000000"
  environment     = "prod"
}

run "everything_at_once" {
  command = plan
  variables {
    private_networking = true
    container_registry = true
    openai             = {}
    sql_serverless     = { pause_after_minutes = 90 }
    grafana            = true
    operators          = ["00000000-0000-0000-0000-000000000001", "55555555-5555-5555-5555-555555555555"]
    budget             = 100
    protect_data       = true
    alert_emails       = ["desk@example.com"]
    settings           = { MIN_PROFIT = "2" }
    alert_webhook_url  = "https://hooks.example/1"
  }

  assert {
    condition = !anytrue([
      azurerm_storage_account.host.public_network_access_enabled, azurerm_storage_account.lake.public_network_access_enabled,
      azurerm_key_vault.main.public_network_access_enabled, azurerm_mssql_server.main.public_network_access_enabled,
      azurerm_container_registry.main[0].public_network_access_enabled, azurerm_cognitive_account.openai[0].public_network_access_enabled,
    ])
    error_message = "Nothing that holds data answers the internet."
  }
  assert {
    condition     = length(azurerm_mssql_firewall_rule.azure) == 0
    error_message = "The database lets no address in."
  }
  assert {
    condition = toset([for endpoint in azurerm_private_endpoint.main : endpoint.private_service_connection[0].subresource_names[0]]) == toset([
      "blob", "queue", "table", "dfs", "vault", "sqlServer", "registry", "account",
    ])
    error_message = "Each service has its private endpoint."
  }
  assert {
    condition     = length(azurerm_private_dns_zone.main) == 8 && length(azurerm_private_endpoint.main) == 9
    error_message = "The two accounts share the zone of blobs."
  }
  assert {
    condition     = azurerm_mssql_database.main.sku_name == "GP_S_Gen5_1" && azurerm_mssql_database.main.auto_pause_delay_in_minutes == 90 && azurerm_mssql_database.main.min_capacity == 0.5
    error_message = "The serverless database pauses after the minutes given."
  }
  assert {
    condition     = azurerm_monitor_metric_alert.database["database-load"].criteria[0].metric_name == "cpu_percent"
    error_message = "A database of virtual cores has no DTU to watch."
  }
  assert {
    condition     = !azurerm_cognitive_account.openai[0].local_auth_enabled && azurerm_role_assignment.app["model"].role_definition_name == "Cognitive Services OpenAI User"
    error_message = "The model takes no key, and the identity may use it."
  }
  assert {
    condition     = azurerm_function_app_flex_consumption.main[0].app_settings["OPENAI_MODEL"] == "gpt-5-mini" && azurerm_function_app_flex_consumption.main[0].app_settings["AZURE_OPENAI_ENDPOINT"] == azurerm_cognitive_account.openai[0].endpoint
    error_message = "The app is told where the model is."
  }
  assert {
    condition     = toset([for role in azurerm_role_assignment.grafana : role.role_definition_name]) == toset(["Log Analytics Reader", "Monitoring Reader"])
    error_message = "Grafana may read logs and metrics."
  }
  assert {
    condition     = toset([for role in azurerm_role_assignment.grafana_admins : role.principal_id]) == var.operators
    error_message = "Without administrators of its own, Grafana opens for the operators."
  }
  assert {
    condition = toset([for key, role in azurerm_role_assignment.operators : role.role_definition_name if endswith(key, "-00000000-0000-0000-0000-000000000001")]) == toset([
      "Key Vault Secrets Officer", "Storage Blob Data Contributor", "Storage Queue Data Message Sender", "Storage Table Data Contributor",
    ])
    error_message = "An operator sets keys, reads the lake, queues loads and changes the state."
  }
  assert {
    condition = toset([for key, role in azurerm_role_assignment.operators : key if role.principal_id == "55555555-5555-5555-5555-555555555555"]) == toset([
      for role in ["lake", "loads", "state"] : "${role}-55555555-5555-5555-5555-555555555555"
    ])
    error_message = "An operator who deploys gets no role twice."
  }
  assert {
    condition     = endswith(azurerm_consumption_budget_resource_group.main[0].time_period[0].start_date, "-01T00:00:00Z")
    error_message = "A budget begins on the first of a month."
  }
  assert {
    condition     = azurerm_management_lock.lake[0].lock_level == "CanNotDelete" && azurerm_management_lock.database[0].lock_level == "CanNotDelete"
    error_message = "Lake and database cannot be deleted."
  }
  assert {
    condition     = azurerm_function_app_flex_consumption.main[0].app_settings["MIN_PROFIT"] == "2" && azurerm_function_app_flex_consumption.main[0].app_settings["ALERT_WEBHOOK_URL"] == "https://hooks.example/1"
    error_message = "A setting is handed to the app as it is."
  }
}

run "grafana_of_a_reader_who_deploys_alone" {
  command = plan
  variables {
    grafana     = true
    health_test = { every_seconds = 300, places = ["emea-nl-ams-azr"] }
  }

  assert {
    condition     = [for role in azurerm_role_assignment.grafana_admins : role.principal_id] == ["55555555-5555-5555-5555-555555555555"]
    error_message = "Grafana opens for whoever runs Terraform."
  }
  assert {
    condition     = azurerm_monitor_metric_alert.health[0].application_insights_web_test_location_availability_criteria[0].failed_location_count == 1 && azurerm_monitor_metric_alert.health[0].window_size == "PT15M"
    error_message = "One place that fails is enough where only one asks."
  }
}
