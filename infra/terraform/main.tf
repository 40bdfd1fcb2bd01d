data "azurerm_client_config" "current" {}

locals {
  base = "${var.name}-${var.environment}"
  # Storage accounts, vaults, servers and apps share one world-wide name space: six digits of a hash keep
  # the names apart, and the same on every run.
  unique = substr(sha256("${var.subscription_id}/${local.base}"), 0, 6)
  tags   = merge({ product = "crypto-arbitrage-bot", environment = var.environment }, var.tags)

  on_functions  = contains(["flex", "consumption"], var.hosting)
  on_containers = contains(["container_apps", "container_instances"], var.hosting)
}

resource "azurerm_resource_group" "main" {
  name     = "rg-${local.base}"
  location = var.location
  tags     = local.tags
}

resource "azurerm_user_assigned_identity" "app" {
  name                = "id-${local.base}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tags                = local.tags
}

# The pods, and KEDA's operator, which asks for the length of the queue with the service account of its own.
resource "azurerm_federated_identity_credential" "kubernetes" {
  for_each = var.kubernetes == null ? {} : {
    pods = "${var.kubernetes.namespace}:${var.kubernetes.service_account}"
    keda = "${var.kubernetes.keda_namespace}:${var.kubernetes.keda_service_account}"
  }

  name                      = each.key
  user_assigned_identity_id = azurerm_user_assigned_identity.app.id
  issuer                    = var.kubernetes.issuer_url
  subject                   = "system:serviceaccount:${each.value}"
  audience                  = ["api://AzureADTokenExchange"]
}
