# Exactly one host runs the timers, whichever is chosen.

mock_provider "azurerm" {
  source = "./tests/mocks"
}

variables {
  subscription_id = "00000000-0000-0000-0000-000000000000"
  environment     = "dev"
}

run "linux_consumption" {
  command = plan
  variables {
    hosting           = "consumption"
    maximum_instances = 10
  }

  assert {
    condition     = length(azurerm_linux_function_app.main) == 1 && length(azurerm_function_app_flex_consumption.main) == 0
    error_message = "Linux Consumption runs one Function App, and no Flex one."
  }
  assert {
    condition     = azurerm_linux_function_app.main[0].storage_uses_managed_identity && azurerm_linux_function_app.main[0].app_settings["WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID"] == azurerm_user_assigned_identity.app.id
    error_message = "Storage and package are read with the identity."
  }
  assert {
    condition     = azurerm_linux_function_app.main[0].site_config[0].application_insights_connection_string == azurerm_application_insights.main.connection_string && !contains(keys(azurerm_linux_function_app.main[0].app_settings), "APPLICATIONINSIGHTS_CONNECTION_STRING")
    error_message = "The provider itself writes the connection string of Application Insights."
  }
}

run "container_apps" {
  command = plan
  variables {
    hosting         = "container_apps"
    container_image = "arbitrage:1.0.0"
  }

  assert {
    condition     = length(azurerm_container_app.main) == 1 && length(azurerm_service_plan.main) == 0
    error_message = "Container Apps run one app, and no Function App."
  }
  assert {
    condition     = azurerm_container_app.main[0].template[0].min_replicas == 1 && azurerm_container_app.main[0].template[0].max_replicas <= 10
    error_message = "One replica always runs, for the timers."
  }
  assert {
    condition     = contains(keys(azurerm_role_assignment.app), "images") && length(azurerm_container_registry.main) == 1
    error_message = "A registry is there, and the identity pulls from it."
  }
  assert {
    condition     = one([for variable in azurerm_container_app.main[0].template[0].container[0].env : variable.value if variable.name == "APPLICATIONINSIGHTS_CONNECTION_STRING"]) == azurerm_application_insights.main.connection_string
    error_message = "A container is told where its telemetry goes."
  }
  assert {
    condition     = azurerm_log_analytics_workspace.main.local_authentication_enabled
    error_message = "Container Apps hand their console logs over with the workspace's key."
  }
}

run "container_apps_with_a_webhook" {
  command = plan
  variables {
    hosting           = "container_apps"
    container_image   = "arbitrage:1.0.0"
    alert_webhook_url = "https://hooks.example/1"
  }

  assert {
    condition     = length(azurerm_container_app.main[0].secret) == 1
    error_message = "The webhook's address is a secret of the app."
  }
}

run "container_instances" {
  command = plan
  variables {
    hosting         = "container_instances"
    container_image = "arbitrage:1.0.0"
  }

  assert {
    condition     = length(azurerm_container_group.main) == 1 && length(azurerm_service_plan.main) == 0 && length(azurerm_container_app.main) == 0
    error_message = "Container Instances run one group, and nothing else."
  }
  assert {
    condition     = !azurerm_log_analytics_workspace.main.local_authentication_enabled
    error_message = "Nothing here needs the workspace's key."
  }
}

run "containers_in_a_private_network" {
  command = plan
  variables {
    hosting            = "container_instances"
    container_image    = "arbitrage:1.0.0"
    private_networking = true
  }

  assert {
    condition     = azurerm_container_group.main[0].ip_address_type == "Private" && azurerm_subnet.app[0].delegation[0].service_delegation[0].name == "Microsoft.ContainerInstance/containerGroups"
    error_message = "The group lives in the subnet that is delegated to it."
  }
  assert {
    condition     = length(azurerm_application_insights_standard_web_test.health) == 0 && output.app_url == null
    error_message = "Nobody outside can ask it how it is."
  }
}

run "kubernetes" {
  command = plan
  variables {
    hosting    = "none"
    kubernetes = { issuer_url = "https://oidc.example/1/" }
  }

  assert {
    condition     = length(azurerm_service_plan.main) + length(azurerm_container_app.main) + length(azurerm_container_group.main) + length(azurerm_application_insights_standard_web_test.health) == 0
    error_message = "Kubernetes runs the functions, so nothing else does."
  }
  assert {
    condition = toset([for credential in azurerm_federated_identity_credential.kubernetes : credential.subject]) == toset([
      "system:serviceaccount:arbitrage:arbitrage", "system:serviceaccount:kube-system:keda-operator",
    ])
    error_message = "The identity trusts the service account of infra/kubernetes and KEDA's, and no other."
  }
}
