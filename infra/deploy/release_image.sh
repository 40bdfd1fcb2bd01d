#!/usr/bin/env bash
# Pushes an image and starts it:
# infra/deploy/release_image.sh RESOURCE_GROUP APP IMAGE.tar.gz NAME:TAG HOSTING REGISTRY
# IMAGE.tar.gz is what docker save wrote, or the word kept where the registry holds NAME:TAG already. HOSTING is
# container_apps, container_instances or none, which only pushes. Needs Docker and the Azure CLI, logged in.
#
# Nothing is drained: the host gets its time to end, what is cut off goes on in the next one or is found by the watchdog.
set -euo pipefail

if [[ $# -ne 6 ]]; then
  sed -n '2,3s/^# //p' "$0" >&2
  exit 2
fi
group=$1 app=$2 image=$3 name=$4 hosting=$5 registry=$6
ready_seconds=600

[[ $image == kept || -f $image ]] || { echo "$image is no file: write it with docker save" >&2; exit 2; }

# Container Apps keep the old revision in service until the new one is ready, so an answer says nothing about the new.
await_revision() {
  local until=$((SECONDS + ready_seconds)) waiting
  while ((SECONDS < until)); do
    waiting=$(az containerapp show -g "$group" -n "$app" \
      --query 'properties.latestRevisionName != properties.latestReadyRevisionName' --output tsv) || waiting=unknown
    [[ $waiting == false ]] && return
    sleep 10
  done
  echo "the new revision is not ready after $ready_seconds s: the old one stays in service" >&2
  return 1
}

az acr login --name "${registry%%.*}"
push() {
  docker tag "$name" "$1"
  docker push "$1"
}
start=$registry/$name
if [[ $image == kept ]]; then
  docker pull --quiet "$start" || {
    echo "nothing was kept in $registry: the first release has nothing before it" >&2
    exit 1
  }
  docker tag "$start" "$name"
  # By its digest: Container Apps start nothing where the name of the image is the one that is configured already.
  start=$(docker inspect --format '{{index .RepoDigests 0}}' "$start")
else
  gzip --decompress --stdout "$image" | docker load
  push "$registry/$name"
fi

case $hosting in
  container_apps)
    az containerapp update -g "$group" -n "$app" --image "$start" --output none
    await_revision
    ;;
  container_instances)
    # A group keeps the name of its image and pulls it again when it restarts.
    configured=$(az container show -g "$group" -n "$app" --query 'containers[0].image' --output tsv)
    push "$configured"
    az container restart -g "$group" -n "$app" --output none
    ;;
  *)
    echo "pushed $registry/$name: set it in infra/kubernetes/overlays and apply" >&2
    ;;
esac
