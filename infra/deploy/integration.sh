#!/usr/bin/env bash
# Runs the integration tests against what was deployed:
# infra/deploy/integration.sh RESOURCE_GROUP APP URL SQL_SERVER DATABASE INSIGHTS_APP_ID HOSTING HOST_STORAGE HOST_ID
# Needs Python with requirements-dev.txt, Microsoft's ODBC Driver 18, and the Azure CLI, logged in.
set -euo pipefail

if [[ $# -ne 9 ]]; then
  sed -n '2,3s/^# //p' "$0" >&2
  exit 2
fi
group=$1 app=$2 url=$3 server=$4 database=$5 insights=$6 hosting=$7 storage=$8 host_id=$9

case $hosting in
  flex | consumption)
    key=$(az functionapp keys list -g "$group" -n "$app" --query functionKeys.default --output tsv)
    ;;
  *)
    # Outside App Service the host keeps its keys in its storage account.
    keys=$(mktemp)
    trap 'rm -f "$keys"' EXIT
    az storage blob download --auth-mode login --account-name "$storage" --container-name azure-webjobs-secrets \
      --name "$host_id/host.json" --file "$keys" --output none
    key=$(jq -r '.functionKeys[] | select(.name == "default") | .value' "$keys")
    ;;
esac

export AZURE_TOKEN_CREDENTIALS=AzureCliCredential
export INTEGRATION_URL=$url INTEGRATION_KEY=$key INTEGRATION_INSIGHTS_APP_ID=$insights
export INTEGRATION_SQL="Driver={ODBC Driver 18 for SQL Server};Server=tcp:$server,1433;Database=$database;Authentication=ActiveDirectoryDefault;Encrypt=yes"
cd "$(dirname "$0")/../.."
python -m pytest tests/integration --junitxml=results.xml
