# Two accounts: the host's own (triggers, Durable state, queues, tables, packages) and the lake, which outlives it.

locals {
  # A backstop: the hourly compaction applies the product's own retention. Instruments and currencies (reference/)
  # have no date and stay, because old snapshots name them.
  lake_recordings = ["lake/live/snapshots/", "lake/live/quotes/", "lake/live/findings/", "lake/live/executions/"]
  lake_records    = ["lake/live/scans/", "lake/live/trades/", "lake/live/tables/"]
}

resource "azurerm_storage_account" "host" {
  #checkov:skip=CKV_AZURE_33:Classic queue logging needs the data plane; the host's telemetry records every queue call.
  #checkov:skip=CKV_AZURE_35:The rule is Deny with private_networking; without it there is no list of addresses that Flex Consumption comes from.
  #checkov:skip=CKV_AZURE_59:Public access is off with private_networking; without it Flex Consumption needs the endpoint, guarded by Entra alone.
  #checkov:skip=CKV_AZURE_206:Replication is a variable; production uses zone redundancy.
  #checkov:skip=CKV2_AZURE_1:Microsoft-managed keys: the data are public prices and simulated trades.
  #checkov:skip=CKV2_AZURE_33:Private endpoints come with private_networking.
  name                     = "st${var.name}${var.environment}${local.unique}"
  resource_group_name      = azurerm_resource_group.main.name
  location                 = azurerm_resource_group.main.location
  account_tier             = "Standard"
  account_replication_type = var.storage_replication
  account_kind             = "StorageV2"

  shared_access_key_enabled        = false
  default_to_oauth_authentication  = true
  allow_nested_items_to_be_public  = false
  cross_tenant_replication_enabled = false
  local_user_enabled               = false
  https_traffic_only_enabled       = true
  min_tls_version                  = "TLS1_2"
  public_network_access_enabled    = !var.private_networking
  tags                             = local.tags

  blob_properties {
    delete_retention_policy {
      days = 7
    }
    container_delete_retention_policy {
      days = 7
    }
  }

  network_rules {
    default_action = var.private_networking ? "Deny" : "Allow"
    bypass         = ["AzureServices"]
  }

  sas_policy {
    expiration_period = "01.00:00:00"
    expiration_action = "Log"
  }
}

resource "azurerm_storage_account" "lake" {
  #checkov:skip=CKV_AZURE_33:This account has no queues.
  #checkov:skip=CKV_AZURE_35:The rule is Deny with private_networking; without it there is no list of addresses that Flex Consumption comes from.
  #checkov:skip=CKV_AZURE_59:Public access is off with private_networking; without it Flex Consumption needs the endpoint, guarded by Entra alone.
  #checkov:skip=CKV_AZURE_206:Replication is a variable; production uses zone redundancy.
  #checkov:skip=CKV2_AZURE_1:Microsoft-managed keys: the data are public prices and simulated trades.
  #checkov:skip=CKV2_AZURE_33:Private endpoints come with private_networking.
  name                     = "lk${var.name}${var.environment}${local.unique}"
  resource_group_name      = azurerm_resource_group.main.name
  location                 = azurerm_resource_group.main.location
  account_tier             = "Standard"
  account_replication_type = var.storage_replication
  account_kind             = "StorageV2"
  is_hns_enabled           = true

  shared_access_key_enabled        = false
  default_to_oauth_authentication  = true
  allow_nested_items_to_be_public  = false
  cross_tenant_replication_enabled = false
  local_user_enabled               = false
  https_traffic_only_enabled       = true
  min_tls_version                  = "TLS1_2"
  public_network_access_enabled    = !var.private_networking
  tags                             = local.tags

  blob_properties {
    delete_retention_policy {
      days = 30
    }
    container_delete_retention_policy {
      days = 30
    }
  }

  network_rules {
    default_action = var.private_networking ? "Deny" : "Allow"
    bypass         = ["AzureServices"]
  }

  sas_policy {
    expiration_period = "01.00:00:00"
    expiration_action = "Log"
  }
}

resource "azurerm_storage_container" "lake" {
  #checkov:skip=CKV2_AZURE_21:Reads of the lake are dependencies in Application Insights; logging each one again would cost more than the reads.
  name               = "lake"
  storage_account_id = azurerm_storage_account.lake.id
}

resource "azurerm_storage_container" "package" {
  #checkov:skip=CKV2_AZURE_21:The platform reads one package per start.
  name               = "app-package"
  storage_account_id = azurerm_storage_account.host.id
}

resource "azurerm_storage_container" "releases" {
  #checkov:skip=CKV2_AZURE_21:Only the pipeline reads it.
  name               = "releases"
  storage_account_id = azurerm_storage_account.host.id
}

resource "azurerm_storage_queue" "loads" {
  for_each = toset(["sql-load", "sql-load-poison"])

  name               = each.value
  storage_account_id = azurerm_storage_account.host.id
}

resource "azurerm_storage_table" "state" {
  #checkov:skip=CKV2_AZURE_20:The state is read several times a scan; logging each read would cost more than the reads.
  name               = "state"
  storage_account_id = azurerm_storage_account.host.id
}

resource "azurerm_storage_management_policy" "lake" {
  storage_account_id = azurerm_storage_account.lake.id

  rule {
    name    = "recordings"
    enabled = true
    filters {
      blob_types   = ["blockBlob"]
      prefix_match = local.lake_recordings
    }
    actions {
      base_blob {
        delete_after_days_since_modification_greater_than = var.lake_delete_after_days
      }
    }
  }

  rule {
    name    = "records"
    enabled = true
    filters {
      blob_types   = ["blockBlob"]
      prefix_match = local.lake_records
    }
    actions {
      base_blob {
        tier_to_cool_after_days_since_modification_greater_than = var.lake_cool_after_days
      }
    }
  }
}

resource "azurerm_storage_management_policy" "host" {
  storage_account_id = azurerm_storage_account.host.id

  rule {
    name    = "old-releases"
    enabled = true
    filters {
      blob_types   = ["blockBlob"]
      prefix_match = ["releases/history/"]
    }
    actions {
      base_blob {
        delete_after_days_since_modification_greater_than = 180
      }
    }
  }
}

resource "azurerm_management_lock" "lake" {
  count = var.protect_data ? 1 : 0

  name       = "keep-the-lake"
  scope      = azurerm_storage_account.lake.id
  lock_level = "CanNotDelete"
  notes      = "The lake is the record of every scan and trade."
}
