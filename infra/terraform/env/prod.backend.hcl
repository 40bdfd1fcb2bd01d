# The account is made once by hand; init takes its name from -backend-config="storage_account_name=...": see docs/deploy.md.
resource_group_name  = "rg-arbitrage-state"
container_name       = "tfstate"
key                  = "prod.tfstate"
