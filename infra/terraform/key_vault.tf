locals {
  venues = ["binance", "bybit", "gateio", "kraken"]
  secrets = toset(concat(
    [for pair in setproduct(local.venues, ["api-key", "api-secret"]) : join("-", pair)],
    ["openai-api-key"],
  ))
}

resource "azurerm_key_vault" "main" {
  #checkov:skip=CKV_AZURE_109:The firewall closes with private_networking; without it the vault is guarded by Entra roles.
  #checkov:skip=CKV_AZURE_189:Public access is off with private_networking.
  #checkov:skip=CKV2_AZURE_32:The private endpoint comes with private_networking.
  name                = "kv-${substr(local.base, 0, 14)}-${local.unique}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tenant_id           = data.azurerm_client_config.current.tenant_id
  sku_name            = "standard"

  rbac_authorization_enabled    = true
  purge_protection_enabled      = true
  soft_delete_retention_days    = 90
  public_network_access_enabled = !var.private_networking
  tags                          = local.tags

  network_acls {
    default_action = var.private_networking ? "Deny" : "Allow"
    bypass         = "AzureServices"
  }
}

# Placeholders only: the value is write-only, so it is neither in the state nor read back, and the version stays
# where it is, so that no later apply overwrites a real value; one that makes the resource anew does (docs/deploy.md,
# "Take it down"). The product takes `unset` for a missing secret.
resource "azurerm_key_vault_secret" "placeholder" {
  #checkov:skip=CKV_AZURE_41:Placeholders have no expiry; whoever sets a real key sets its expiry with it.
  for_each = local.secrets

  name             = each.value
  key_vault_id     = azurerm_key_vault.main.id
  content_type     = "text/plain"
  value_wo         = "unset"
  value_wo_version = 1

  depends_on = [
    terraform_data.roles_known,
    azurerm_private_endpoint.main,
    azurerm_private_dns_zone_virtual_network_link.main,
  ]

  lifecycle {
    ignore_changes = [content_type, expiration_date, not_before_date, tags]
  }
}
