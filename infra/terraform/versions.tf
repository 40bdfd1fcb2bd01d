terraform {
  # 1.11 brought write-only arguments, which keep secret placeholders out of the state.
  required_version = ">= 1.11, < 2.0"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.2"
    }
  }

  # Account, container and key come from a file: terraform init -backend-config=env/dev.backend.hcl
  backend "azurerm" {
    use_azuread_auth = true
  }
}

provider "azurerm" {
  subscription_id     = var.subscription_id
  storage_use_azuread = true

  # The provider registers none by itself. A subscription registers each once, which takes minutes the first time.
  # Names count in Azure's own spelling: one in other letters is passed over without a word.
  resource_providers_to_register = [
    "Microsoft.AlertsManagement",
    "Microsoft.App",
    "Microsoft.CognitiveServices",
    "Microsoft.Consumption",
    "Microsoft.ContainerInstance",
    "Microsoft.ContainerRegistry",
    "Microsoft.Dashboard",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.OperationalInsights",
    "Microsoft.Sql",
    "Microsoft.Storage",
    "Microsoft.Web",
    "microsoft.insights",
  ]

  features {
    key_vault {
      purge_soft_delete_on_destroy    = false
      recover_soft_deleted_key_vaults = true
    }
    resource_group {
      # Application Insights puts a rule and an action group of its own into the group, which no destroy would find.
      prevent_deletion_if_contains_resources = false
    }
    storage {
      # Shared keys are off and the accounts may be private: everything here goes through the management plane.
      data_plane_available = false
    }
  }
}
