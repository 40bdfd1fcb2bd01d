# Values that Azure would compute, known while planning.

mock_data "azurerm_client_config" {
  defaults = {
    client_id       = "44444444-4444-4444-4444-444444444444"
    object_id       = "55555555-5555-5555-5555-555555555555"
    subscription_id = "00000000-0000-0000-0000-000000000000"
    tenant_id       = "66666666-6666-6666-6666-666666666666"
  }
}

mock_resource "azurerm_user_assigned_identity" {
  override_during = plan
  defaults = {
    id           = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app"
    client_id    = "11111111-1111-1111-1111-111111111111"
    principal_id = "22222222-2222-2222-2222-222222222222"
  }
}

mock_resource "azurerm_resource_group" {
  override_during = plan
  defaults = {
    id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg"
  }
}

mock_resource "azurerm_storage_account" {
  override_during = plan
  defaults = {
    id                    = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/one"
    primary_blob_endpoint = "https://one.blob.core.windows.net/"
  }
}

mock_resource "azurerm_storage_container" {
  override_during = plan
  defaults = {
    id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/one/blobServices/default/containers/one"
  }
}

mock_resource "azurerm_key_vault" {
  override_during = plan
  defaults = {
    id        = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"
    vault_uri = "https://kv.vault.azure.net/"
  }
}

mock_resource "azurerm_application_insights" {
  override_during = plan
  defaults = {
    id                = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Insights/components/appi"
    connection_string = "InstrumentationKey=33333333-3333-3333-3333-333333333333"
  }
}

mock_resource "azurerm_mssql_server" {
  override_during = plan
  defaults = {
    id                          = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Sql/servers/sql"
    fully_qualified_domain_name = "sql.database.windows.net"
  }
}

mock_resource "azurerm_cognitive_account" {
  override_during = plan
  defaults = {
    id       = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/oai"
    endpoint = "https://oai.openai.azure.com/"
  }
}
