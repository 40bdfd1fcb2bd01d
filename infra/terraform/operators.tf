# What the people who operate the product may do with its data, each on one resource.

locals {
  operator_roles = {
    secrets  = { scope = azurerm_key_vault.main.id, role = "Key Vault Secrets Officer", deployer_has = true }
    lake     = { scope = azurerm_storage_container.lake.id, role = "Storage Blob Data Contributor", deployer_has = false }
    package  = { scope = azurerm_storage_container.package.id, role = "Storage Blob Data Contributor", deployer_has = true }
    releases = { scope = azurerm_storage_container.releases.id, role = "Storage Blob Data Contributor", deployer_has = true }
    loads    = { scope = azurerm_storage_account.host.id, role = "Storage Queue Data Message Sender", deployer_has = false }
    state    = { scope = azurerm_storage_account.host.id, role = "Storage Table Data Contributor", deployer_has = false }
  }

  # Azure refuses a role that somebody already has on the same resource.
  operators = {
    for pair in setproduct(keys(local.operator_roles), var.operators) : "${pair[0]}-${pair[1]}" => {
      scope     = local.operator_roles[pair[0]].scope
      role      = local.operator_roles[pair[0]].role
      principal = pair[1]
    } if !(local.operator_roles[pair[0]].deployer_has && pair[1] == data.azurerm_client_config.current.object_id)
  }
}

resource "azurerm_role_assignment" "operators" {
  for_each = local.operators

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = each.value.principal

  # When somebody else deploys, the roles of whoever did before go first: they may be an operator's own.
  depends_on = [azurerm_role_assignment.deployer_secrets, azurerm_role_assignment.deployer_packages]
}
