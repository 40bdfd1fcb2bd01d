locals {
  sql_admin = var.sql_admin == null ? {
    login     = "deployer"
    object_id = data.azurerm_client_config.current.object_id
  } : var.sql_admin
}

resource "azurerm_mssql_server" "main" {
  #checkov:skip=CKV_AZURE_23:Auditing to storage needs a shared key or a further identity; logins are in the Entra sign-in log.
  #checkov:skip=CKV_AZURE_24:As above: no auditing to storage.
  #checkov:skip=CKV_AZURE_113:Public access is off with private_networking.
  #checkov:skip=CKV2_AZURE_2:The express vulnerability assessment needs no storage account.
  #checkov:skip=CKV2_AZURE_45:The private endpoint comes with private_networking.
  name                = "sql-${local.base}-${local.unique}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  version             = "12.0"

  minimum_tls_version                      = "1.2"
  public_network_access_enabled            = !var.private_networking
  express_vulnerability_assessment_enabled = true
  tags                                     = local.tags

  azuread_administrator {
    login_username              = local.sql_admin.login
    object_id                   = local.sql_admin.object_id
    azuread_authentication_only = true
  }

  # CREATE USER ... FROM EXTERNAL PROVIDER by a service principal looks the name up with this identity.
  identity {
    type = "SystemAssigned"
  }
}

resource "azurerm_mssql_database" "main" {
  #checkov:skip=CKV_AZURE_224:A ledger would double the cost of every load; the lake is the record.
  #checkov:skip=CKV_AZURE_229:Zone redundancy is not offered on the small tiers.
  name        = "arbitrage"
  server_id   = azurerm_mssql_server.main.id
  sku_name    = var.sql_serverless == null ? var.sql_sku : "GP_S_Gen5_${var.sql_serverless.max_vcores}"
  max_size_gb = var.sql_sku == "Basic" && var.sql_serverless == null ? min(2, var.sql_max_size_gb) : var.sql_max_size_gb

  auto_pause_delay_in_minutes = one([for serverless in var.sql_serverless[*] : serverless.pause_after_minutes])
  min_capacity                = one([for serverless in var.sql_serverless[*] : serverless.min_vcores])
  storage_account_type        = contains(["GRS", "GZRS"], var.storage_replication) ? "Geo" : "Local"
  tags                        = local.tags

  short_term_retention_policy {
    retention_days = 7
  }
}

# 0.0.0.0 stands for addresses inside Azure: the app and hosted pipeline agents. Logins are Entra's alone.
resource "azurerm_mssql_firewall_rule" "azure" {
  #checkov:skip=CKV2_AZURE_34:Consumption hosts have no fixed addresses; private_networking removes the rule.
  count = var.private_networking ? 0 : 1

  name             = "azure-services"
  server_id        = azurerm_mssql_server.main.id
  start_ip_address = "0.0.0.0"
  end_ip_address   = "0.0.0.0"
}

resource "azurerm_management_lock" "database" {
  count = var.protect_data ? 1 : 0

  name       = "keep-the-database"
  scope      = azurerm_mssql_database.main.id
  lock_level = "CanNotDelete"
  notes      = "Restoring it from the lake takes hours."
}
