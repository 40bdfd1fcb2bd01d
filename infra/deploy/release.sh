#!/usr/bin/env bash
# Puts a package into service: infra/deploy/release.sh RESOURCE_GROUP APP PACKAGE.zip [HOSTING STORAGE_ACCOUNT]
# HOSTING is flex (the default) or consumption. Needs the Azure CLI, logged in, curl and jq.
#
# Timers stop, running workflows end, the package is exchanged, timers start again. When it fails on the way the
# timers start all the same: a scan or load that was cut off is found again by the watchdog.
set -euo pipefail

if [[ $# -lt 3 ]]; then
  sed -n '2,3s/^# //p' "$0" >&2
  exit 2
fi
group=$1 app=$2 package=$3 hosting=${4:-flex} storage=${5:-}
timers=(scan_timer refresh_markets_timer compact_timer watchdog_timer)
drain_seconds=180
healthy_seconds=300

[[ -f $package ]] || { echo "$package is no file: build it with make package" >&2; exit 2; }
if [[ $hosting == consumption && -z $storage ]]; then
  echo "hosting consumption needs the storage account: Terraform's output host_storage_account" >&2
  exit 2
fi

delete_settings() {
  az functionapp config appsettings delete -g "$group" -n "$app" --setting-names "$@" --output none
}

# The provider of Terraform leaves an empty AzureWebJobsStorage behind, with which some hosts do not start: it goes
# before the new package does.
stop_timers() {
  local settings=()
  for timer in "${timers[@]}"; do settings+=("AzureWebJobs.$timer.Disabled=true"); done
  az functionapp config appsettings set -g "$group" -n "$app" --settings "${settings[@]}" --output none
  delete_settings AzureWebJobsStorage
}

start_timers() {
  local names=()
  for timer in "${timers[@]}"; do names+=("AzureWebJobs.$timer.Disabled"); done
  delete_settings "${names[@]}"
}

# The Durable extension's own key lists what still runs; a new app has none yet, and nothing to wait for. A key that
# cannot be asked for says nothing about what runs.
running_workflows() {
  local key
  key=$(az functionapp keys list -g "$group" -n "$app" --query systemKeys.durabletask_extension --output tsv) || return 1
  [[ -n $key && $key != None ]] || { echo 0; return; }
  curl --fail --silent --show-error --max-time 30 --header "x-functions-key: $key" \
    "https://$host/runtime/webhooks/durabletask/instances?runtimeStatus=Running&runtimeStatus=Pending" | jq length
}

drain() {
  local until=$((SECONDS + drain_seconds)) left
  while ((SECONDS < until)); do
    left=$(running_workflows) || left=unknown
    [[ $left == 0 ]] && return
    echo "workflows running: $left"
    sleep 5
  done
  echo "workflows still run after $drain_seconds s: they go on after the exchange" >&2
}

exchange() {
  if [[ $hosting == consumption ]]; then
    az storage blob upload --auth-mode login --account-name "$storage" --container-name app-package \
      --name package.zip --file "$package" --overwrite --output none
    az functionapp restart -g "$group" -n "$app" --output none
  else
    az functionapp deployment source config-zip -g "$group" -n "$app" --src "$package" --build-remote false \
      --output none
  fi
}

await_health() {
  local until=$((SECONDS + healthy_seconds))
  while ((SECONDS < until)); do
    if curl --fail --silent --max-time 30 --output /dev/null "https://$host/api/health"; then
      echo "healthy: https://$host/api/health"
      return
    fi
    sleep 10
  done
  echo "not healthy after $healthy_seconds s: curl https://$host/api/health says why" >&2
  return 1
}

# Flex Consumption is shown with its properties in a group of their own, Linux Consumption without.
host=$(az functionapp show -g "$group" -n "$app" --query 'properties.defaultHostName || defaultHostName' --output tsv)
[[ -n $host && $host != None ]] || { echo "$app has no host name: is it a Function App of $group?" >&2; exit 1; }
trap start_timers EXIT
stop_timers
drain
exchange
trap - EXIT
start_timers
await_health
