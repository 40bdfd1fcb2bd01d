resource "azurerm_service_plan" "main" {
  #checkov:skip=CKV_AZURE_212:Consumption plans have no fixed instances: the platform makes and replaces them.
  #checkov:skip=CKV_AZURE_225:A missed minute of scanning costs nothing; zones would cost always-ready instances.
  count = local.on_functions ? 1 : 0

  name                = "plan-${local.base}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  os_type             = "Linux"
  sku_name            = var.hosting == "flex" ? "FC1" : "Y1"
  tags                = local.tags
}

resource "azurerm_function_app_flex_consumption" "main" {
  count = var.hosting == "flex" ? 1 : 0

  name                = "func-${local.base}-${local.unique}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  service_plan_id     = azurerm_service_plan.main[0].id
  tags                = local.tags

  runtime_name           = "python"
  runtime_version        = var.python_version
  instance_memory_in_mb  = var.instance_memory_mb
  maximum_instance_count = var.maximum_instances

  storage_container_type            = "blobContainer"
  storage_container_endpoint        = "${azurerm_storage_account.host.primary_blob_endpoint}${azurerm_storage_container.package.name}"
  storage_authentication_type       = "UserAssignedIdentity"
  storage_user_assigned_identity_id = azurerm_user_assigned_identity.app.id

  https_only                                     = true
  webdeploy_publish_basic_authentication_enabled = false
  virtual_network_subnet_id                      = var.private_networking ? azurerm_subnet.app[0].id : null

  # The provider writes an AzureWebJobsStorage connection string without a key even where an identity is used, and
  # the host prefers it to the identity. Named here it is at least empty; most hosts ignore an empty one, some
  # did not start with it, so each release deletes it: docs/deploy.md, "Change a setting". Reading leaves it out of
  # the state, so every plan shows it as a change; ignore_changes would bring the keyless string back.
  app_settings = merge(local.function_settings, local.storage_settings, {
    AzureWebJobsStorage = ""
  })

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.app.id]
  }

  dynamic "always_ready" {
    for_each = var.always_ready_scan > 0 ? [var.always_ready_scan] : []
    content {
      name           = "function:scan_timer"
      instance_count = always_ready.value
    }
  }

  # No health_check_path: Consumption plans replace no instance by it, and its pings would be billed.
  site_config {
    application_insights_connection_string = azurerm_application_insights.main.connection_string
    http2_enabled                          = true
    minimum_tls_version                    = "1.2"
    scm_minimum_tls_version                = "1.2"
    vnet_route_all_enabled                 = var.private_networking
  }

  depends_on = [terraform_data.roles_known]
}

resource "azurerm_linux_function_app" "main" {
  count = var.hosting == "consumption" ? 1 : 0

  name                = "func-${local.base}-${local.unique}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  service_plan_id     = azurerm_service_plan.main[0].id
  tags                = local.tags

  functions_extension_version   = "~4"
  storage_account_name          = azurerm_storage_account.host.name
  storage_uses_managed_identity = true
  content_share_force_disabled  = true

  https_only                                     = true
  builtin_logging_enabled                        = false
  ftp_publish_basic_authentication_enabled       = false
  webdeploy_publish_basic_authentication_enabled = false

  # The pipeline uploads the package under this name; the platform mounts it with the identity. The provider
  # itself writes AzureWebJobsStorage__accountName.
  app_settings = merge(
    local.function_settings,
    { for name, value in local.storage_settings : name => value if name != "AzureWebJobsStorage__accountName" },
    {
      WEBSITE_RUN_FROM_PACKAGE                     = "${azurerm_storage_account.host.primary_blob_endpoint}${azurerm_storage_container.package.name}/package.zip"
      WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID = azurerm_user_assigned_identity.app.id
    },
  )

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.app.id]
  }

  site_config {
    application_insights_connection_string = azurerm_application_insights.main.connection_string
    http2_enabled                          = true
    minimum_tls_version                    = "1.2"
    scm_minimum_tls_version                = "1.2"
    ftps_state                             = "Disabled"
    # Shared memory does not reach across instances anyway; one spare keeps the queue moving beside the timers.
    app_scale_limit = min(var.maximum_instances, 10)
    application_stack {
      python_version = var.python_version
    }
  }

  depends_on = [terraform_data.roles_known]
}
