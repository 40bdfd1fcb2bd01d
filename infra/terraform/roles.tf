# What the product's own identity may do, and nothing else may: no shared key, no password, no access policy.

locals {
  app_roles = merge(
    {
      host_blobs  = { scope = azurerm_storage_account.host.id, role = "Storage Blob Data Owner" }
      host_queues = { scope = azurerm_storage_account.host.id, role = "Storage Queue Data Contributor" }
      host_tables = { scope = azurerm_storage_account.host.id, role = "Storage Table Data Contributor" }
      lake_blobs  = { scope = azurerm_storage_container.lake.id, role = "Storage Blob Data Contributor" }
      secrets     = { scope = azurerm_key_vault.main.id, role = "Key Vault Secrets User" }
      telemetry   = { scope = azurerm_application_insights.main.id, role = "Monitoring Metrics Publisher" }
    },
    var.openai == null ? {} : {
      model = { scope = azurerm_cognitive_account.openai[0].id, role = "Cognitive Services OpenAI User" }
    },
    local.registry ? {
      images = { scope = azurerm_container_registry.main[0].id, role = "AcrPull" }
    } : {},
  )
}

resource "azurerm_role_assignment" "app" {
  for_each = local.app_roles

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = azurerm_user_assigned_identity.app.principal_id
  principal_type       = "ServicePrincipal"
}

# Whoever runs Terraform creates the placeholders of the secrets and uploads packages.
resource "azurerm_role_assignment" "deployer_secrets" {
  scope                = azurerm_key_vault.main.id
  role_definition_name = "Key Vault Secrets Officer"
  principal_id         = data.azurerm_client_config.current.object_id
}

resource "azurerm_role_assignment" "deployer_packages" {
  for_each = { app = azurerm_storage_container.package.id, releases = azurerm_storage_container.releases.id }

  scope                = each.value
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = data.azurerm_client_config.current.object_id
}

# A new role assignment takes a while to be known everywhere; what follows would be refused at once.
resource "terraform_data" "roles_known" {
  triggers_replace = [azurerm_role_assignment.deployer_secrets.id, [for role in azurerm_role_assignment.app : role.id]]

  provisioner "local-exec" {
    command = "sleep 90"
  }
}
