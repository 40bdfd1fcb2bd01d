#!/usr/bin/env bash
# Puts what was kept last back into service:
# infra/deploy/roll_back.sh RESOURCE_GROUP APP HOSTING STORAGE_ACCOUNT [REGISTRY]
# Packages are kept by keep_release.sh, images by keep_image.sh. Needs what release.sh and release_image.sh need.
set -euo pipefail

if [[ $# -lt 4 ]]; then
  sed -n '2,3s/^# //p' "$0" >&2
  exit 2
fi
group=$1 app=$2 hosting=$3 storage=$4 registry=${5:-}
here=$(dirname "$0")

case $hosting in
  flex | consumption)
    package=$(mktemp -d)/previous.zip
    trap 'rm -rf "${package%/*}"' EXIT
    az storage blob download --auth-mode login --account-name "$storage" --container-name releases \
      --name current.zip --file "$package" --output none || {
      echo "nothing was kept in $storage: the first release has nothing before it" >&2
      exit 1
    }
    "$here/release.sh" "$group" "$app" "$package" "$hosting" "$storage"
    ;;
  container_apps | container_instances)
    "$here/release_image.sh" "$group" "$app" kept arbitrage:current "$hosting" "$registry"
    ;;
  *)
    echo "hosting $hosting: kubectl rollout undo --namespace arbitrage deployment/arbitrage goes back" >&2
    exit 1
    ;;
esac
