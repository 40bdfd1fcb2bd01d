#!/usr/bin/env bash
# Brings the database up to date, lets the product's identity in, and a reader such as a managed Grafana if named:
# infra/deploy/database.sh SQL_SERVER DATABASE IDENTITY_NAME [IDENTITY_CLIENT_ID READER_NAME]
# Needs Python with requirements.txt, Microsoft's ODBC Driver 18, and the Azure CLI logged in as the database's
# administrator. Migrations only expand, so the product that runs meanwhile goes on. With the client id nothing is
# looked up in Entra, which a service principal may not be allowed to; a reader is always looked up.
set -euo pipefail

if [[ $# -lt 3 ]]; then
  sed -n '2,3s/^# //p' "$0" >&2
  exit 2
fi

export AZURE_TOKEN_CREDENTIALS=AzureCliCredential
export AZURE_SQL_CONNECTION_STRING="Driver={ODBC Driver 18 for SQL Server};Server=tcp:$1,1433;Database=$2;Authentication=ActiveDirectoryDefault;Encrypt=yes"

cd "$(dirname "$0")/../.."
python -m shared migrate
python -m infra.deploy.database_user "$3" ${4:+--client-id "$4"}
if [[ -n ${5:-} ]]; then
  python -m infra.deploy.database_user "$5" --role arbitrage_reader
fi
