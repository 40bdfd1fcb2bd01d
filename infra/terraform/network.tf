# Private networking: one network with a subnet for the host and one for the endpoints of everything it uses.

locals {
  app_delegation = {
    flex                = "Microsoft.App/environments"
    container_apps      = "Microsoft.App/environments"
    container_instances = "Microsoft.ContainerInstance/containerGroups"
  }

  # Azure decides what a service may do with its subnet and tells it; anything else would be a change in every plan.
  delegated_action = {
    "Microsoft.App/environments"                  = "Microsoft.Network/virtualNetworks/subnets/join/action"
    "Microsoft.ContainerInstance/containerGroups" = "Microsoft.Network/virtualNetworks/subnets/action"
  }

  private_endpoints = var.private_networking ? merge(
    {
      host-blob  = { resource = azurerm_storage_account.host.id, part = "blob", zone = "privatelink.blob.core.windows.net" }
      host-queue = { resource = azurerm_storage_account.host.id, part = "queue", zone = "privatelink.queue.core.windows.net" }
      host-table = { resource = azurerm_storage_account.host.id, part = "table", zone = "privatelink.table.core.windows.net" }
      lake-blob  = { resource = azurerm_storage_account.lake.id, part = "blob", zone = "privatelink.blob.core.windows.net" }
      lake-dfs   = { resource = azurerm_storage_account.lake.id, part = "dfs", zone = "privatelink.dfs.core.windows.net" }
      vault      = { resource = azurerm_key_vault.main.id, part = "vault", zone = "privatelink.vaultcore.azure.net" }
      sql        = { resource = azurerm_mssql_server.main.id, part = "sqlServer", zone = "privatelink.database.windows.net" }
    },
    local.registry ? {
      registry = { resource = azurerm_container_registry.main[0].id, part = "registry", zone = "privatelink.azurecr.io" }
    } : {},
    var.openai == null ? {} : {
      openai = { resource = azurerm_cognitive_account.openai[0].id, part = "account", zone = "privatelink.openai.azure.com" }
    },
  ) : {}
  private_zones = toset([for endpoint in values(local.private_endpoints) : endpoint.zone])
}

resource "azurerm_virtual_network" "main" {
  count = var.private_networking ? 1 : 0

  name                = "vnet-${local.base}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  address_space       = [var.address_space]
  tags                = local.tags
}

resource "azurerm_subnet" "app" {
  count = var.private_networking ? 1 : 0

  name                 = "app"
  resource_group_name  = azurerm_resource_group.main.name
  virtual_network_name = azurerm_virtual_network.main[0].name
  address_prefixes     = [cidrsubnet(var.address_space, 1, 0)]
  # The venues are on the internet: without a NAT gateway this is the host's way out.
  default_outbound_access_enabled = true

  dynamic "delegation" {
    for_each = [for service in [lookup(local.app_delegation, var.hosting, null)] : service if service != null]
    content {
      name = "host"
      service_delegation {
        name    = delegation.value
        actions = [local.delegated_action[delegation.value]]
      }
    }
  }
}

resource "azurerm_subnet" "endpoints" {
  count = var.private_networking ? 1 : 0

  name                              = "endpoints"
  resource_group_name               = azurerm_resource_group.main.name
  virtual_network_name              = azurerm_virtual_network.main[0].name
  address_prefixes                  = [cidrsubnet(var.address_space, 2, 2)]
  default_outbound_access_enabled   = false
  private_endpoint_network_policies = "Enabled"
}

resource "azurerm_subnet" "agents" {
  count = var.private_networking ? 1 : 0

  name                            = "agents"
  resource_group_name             = azurerm_resource_group.main.name
  virtual_network_name            = azurerm_virtual_network.main[0].name
  address_prefixes                = [cidrsubnet(var.address_space, 2, 3)]
  default_outbound_access_enabled = true
}

resource "azurerm_network_security_group" "main" {
  for_each = var.private_networking ? { app = azurerm_subnet.app[0].id, endpoints = azurerm_subnet.endpoints[0].id, agents = azurerm_subnet.agents[0].id } : {}

  name                = "nsg-${local.base}-${each.key}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tags                = local.tags
}

resource "azurerm_subnet_network_security_group_association" "main" {
  for_each = var.private_networking ? { app = azurerm_subnet.app[0].id, endpoints = azurerm_subnet.endpoints[0].id, agents = azurerm_subnet.agents[0].id } : {}

  subnet_id                 = each.value
  network_security_group_id = azurerm_network_security_group.main[each.key].id
}

resource "azurerm_private_dns_zone" "main" {
  for_each = local.private_zones

  name                = each.value
  resource_group_name = azurerm_resource_group.main.name
  tags                = local.tags
}

resource "azurerm_private_dns_zone_virtual_network_link" "main" {
  for_each = local.private_zones

  name                = "link-${local.base}"
  private_dns_zone_id = azurerm_private_dns_zone.main[each.value].id
  virtual_network_id  = azurerm_virtual_network.main[0].id
  tags                = local.tags
}

resource "azurerm_private_endpoint" "main" {
  for_each = local.private_endpoints

  name                = "pe-${local.base}-${each.key}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  subnet_id           = azurerm_subnet.endpoints[0].id
  tags                = local.tags

  private_service_connection {
    name                           = each.key
    private_connection_resource_id = each.value.resource
    subresource_names              = [each.value.part]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "default"
    private_dns_zone_ids = [azurerm_private_dns_zone.main[each.value.zone].id]
  }
}
