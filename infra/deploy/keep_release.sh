#!/usr/bin/env bash
# Keeps a package that passed as the one to go back to: infra/deploy/keep_release.sh STORAGE_ACCOUNT PACKAGE.zip VERSION
# Needs the Azure CLI, logged in.
set -euo pipefail

if [[ $# -ne 3 ]]; then
  sed -n '2s/^# //p' "$0" >&2
  exit 2
fi

for name in "history/$3.zip" current.zip; do
  az storage blob upload --auth-mode login --account-name "$1" --container-name releases \
    --name "$name" --file "$2" --overwrite --output none
done
