# The same functions as a container image: Container Apps scales on the queue, Container Instances runs one.

locals {
  registry = var.container_registry || local.on_containers
  image    = local.on_containers ? "${azurerm_container_registry.main[0].login_server}/${var.container_image}" : null
}

resource "azurerm_container_registry" "main" {
  #checkov:skip=CKV_AZURE_139:Public access is off with private_networking, which needs the Premium tier.
  #checkov:skip=CKV_AZURE_163:The pipeline scans every image before it is pushed.
  #checkov:skip=CKV_AZURE_164:Content trust is deprecated; the pipeline scans an image before it pushes it, and only who deploys may push.
  #checkov:skip=CKV_AZURE_165:One region serves one deployment.
  #checkov:skip=CKV_AZURE_166:The pipeline scans every image before it is pushed.
  #checkov:skip=CKV_AZURE_167:Retention of untagged manifests needs the Premium tier.
  #checkov:skip=CKV_AZURE_233:Zone redundancy needs the Premium tier.
  #checkov:skip=CKV_AZURE_237:Dedicated data endpoints need the Premium tier.
  count = local.registry ? 1 : 0

  name                          = "cr${var.name}${var.environment}${local.unique}"
  resource_group_name           = azurerm_resource_group.main.name
  location                      = azurerm_resource_group.main.location
  sku                           = var.private_networking ? "Premium" : "Basic"
  admin_enabled                 = false
  anonymous_pull_enabled        = false
  public_network_access_enabled = !var.private_networking
  tags                          = local.tags
}

resource "azurerm_role_assignment" "deployer_images" {
  count = local.registry ? 1 : 0

  scope                = azurerm_container_registry.main[0].id
  role_definition_name = "AcrPush"
  principal_id         = data.azurerm_client_config.current.object_id
}

# The pipeline reads the function key for its integration tests: outside App Service the host keeps it in a blob.
resource "azurerm_role_assignment" "deployer_keys" {
  count = local.on_containers ? 1 : 0

  scope                = azurerm_storage_account.host.id
  role_definition_name = "Storage Blob Data Reader"
  principal_id         = data.azurerm_client_config.current.object_id
}

resource "azurerm_container_app_environment" "main" {
  count = var.hosting == "container_apps" ? 1 : 0

  name                           = "cae-${local.base}"
  resource_group_name            = azurerm_resource_group.main.name
  location                       = azurerm_resource_group.main.location
  logs_destination               = "log-analytics"
  log_analytics_workspace_id     = azurerm_log_analytics_workspace.main.id
  infrastructure_subnet_id       = var.private_networking ? azurerm_subnet.app[0].id : null
  internal_load_balancer_enabled = var.private_networking ? true : null
  tags                           = local.tags

  workload_profile {
    name                  = "Consumption"
    workload_profile_type = "Consumption"
  }
}

resource "azurerm_container_app" "main" {
  count = var.hosting == "container_apps" ? 1 : 0

  name                         = "ca-${local.base}"
  resource_group_name          = azurerm_resource_group.main.name
  container_app_environment_id = azurerm_container_app_environment.main[0].id
  revision_mode                = "Single"
  workload_profile_name        = "Consumption"
  tags                         = local.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.app.id]
  }

  registry {
    server   = azurerm_container_registry.main[0].login_server
    identity = azurerm_user_assigned_identity.app.id
  }

  dynamic "secret" {
    for_each = var.alert_webhook_url == null ? [] : ["alert-webhook-url"]
    content {
      name  = secret.value
      value = var.alert_webhook_url
    }
  }

  ingress {
    target_port      = 8080
    external_enabled = true
    transport        = "auto"
    traffic_weight {
      latest_revision = true
      percentage      = 100
    }
  }

  template {
    min_replicas                     = 1
    max_replicas                     = min(var.maximum_instances, 10)
    termination_grace_period_seconds = 120

    custom_scale_rule {
      name             = "loads"
      custom_rule_type = "azure-queue"
      identity_id      = azurerm_user_assigned_identity.app.id
      metadata = {
        accountName = azurerm_storage_account.host.name
        queueName   = "sql-load"
        queueLength = "20"
      }
    }

    container {
      name   = "functions"
      image  = local.image
      cpu    = 1
      memory = "2Gi"

      dynamic "env" {
        for_each = merge(local.container_settings, {
          WEBSITE_HOSTNAME = "ca-${local.base}.${azurerm_container_app_environment.main[0].default_domain}"
        })
        content {
          name  = env.key
          value = env.value
        }
      }
      dynamic "env" {
        for_each = var.alert_webhook_url == null ? [] : ["alert-webhook-url"]
        content {
          name        = "ALERT_WEBHOOK_URL"
          secret_name = env.value
        }
      }

      startup_probe {
        transport               = "HTTP"
        port                    = 8080
        path                    = "/"
        interval_seconds        = 15
        failure_count_threshold = 10
      }
      liveness_probe {
        transport        = "HTTP"
        port             = 8080
        path             = "/"
        interval_seconds = 30
        timeout          = 10
      }
      readiness_probe {
        transport        = "HTTP"
        port             = 8080
        path             = "/api/health"
        interval_seconds = 30
        timeout          = 10
      }
    }
  }

  depends_on = [terraform_data.roles_known]

  lifecycle {
    # Each release starts its own image.
    ignore_changes = [template[0].container[0].image]
  }
}

resource "azurerm_container_group" "main" {
  count = var.hosting == "container_instances" ? 1 : 0

  name                = "ci-${local.base}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  os_type             = "Linux"
  restart_policy      = "Always"
  ip_address_type     = var.private_networking ? "Private" : "Public"
  dns_name_label      = var.private_networking ? null : "${local.base}-${local.unique}"
  subnet_ids          = var.private_networking ? [azurerm_subnet.app[0].id] : null
  tags                = local.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.app.id]
  }

  image_registry_credential {
    server                    = azurerm_container_registry.main[0].login_server
    user_assigned_identity_id = azurerm_user_assigned_identity.app.id
  }

  container {
    name   = "functions"
    image  = local.image
    cpu    = 1
    memory = 2

    environment_variables = merge(local.container_settings, {
      WEBSITE_HOSTNAME = var.private_networking ? "localhost:8080" : "${local.base}-${local.unique}.${azurerm_resource_group.main.location}.azurecontainer.io:8080"
    })
    secure_environment_variables = local.secret_settings

    ports {
      port     = 8080
      protocol = "TCP"
    }
    liveness_probe {
      initial_delay_seconds = 60
      period_seconds        = 30
      timeout_seconds       = 10
      http_get {
        path   = "/"
        port   = 8080
        scheme = "Http"
      }
    }
    readiness_probe {
      period_seconds  = 30
      timeout_seconds = 10
      http_get {
        path   = "/api/health"
        port   = 8080
        scheme = "Http"
      }
    }
  }

  depends_on = [terraform_data.roles_known]
}
