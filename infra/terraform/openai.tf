resource "azurerm_cognitive_account" "openai" {
  #checkov:skip=CKV_AZURE_134:Public access is off with private_networking.
  #checkov:skip=CKV_AZURE_247:Outbound access concerns features that are not used here.
  #checkov:skip=CKV2_AZURE_22:Microsoft-managed keys: the prompts hold public prices only.
  count = var.openai == null ? 0 : 1

  name                          = "oai-${local.base}-${local.unique}"
  resource_group_name           = azurerm_resource_group.main.name
  location                      = coalesce(var.openai.location, var.location)
  kind                          = "OpenAI"
  sku_name                      = "S0"
  custom_subdomain_name         = "oai-${local.base}-${local.unique}"
  local_auth_enabled            = false
  public_network_access_enabled = !var.private_networking
  tags                          = local.tags

  identity {
    type = "SystemAssigned"
  }
}

resource "azurerm_cognitive_deployment" "openai" {
  count = var.openai == null ? 0 : 1

  name                   = var.openai.model
  cognitive_account_id   = azurerm_cognitive_account.openai[0].id
  version_upgrade_option = "OnceCurrentVersionExpired"

  model {
    format  = "OpenAI"
    name    = var.openai.model
    version = var.openai.version
  }

  sku {
    name     = var.openai.sku
    capacity = var.openai.thousand_tokens_min
  }
}
