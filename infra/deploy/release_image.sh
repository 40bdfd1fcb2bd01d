#!/usr/bin/env bash
# Pushes an image and starts it:
# infra/deploy/release_image.sh RESOURCE_GROUP APP IMAGE.tar.gz NAME:TAG HOSTING REGISTRY
# HOSTING is container_apps, container_instances or none, which only pushes. Needs Docker and the Azure CLI, logged in.
set -euo pipefail

if [[ $# -ne 6 ]]; then
  sed -n '2,3s/^# //p' "$0" >&2
  exit 2
fi
group=$1 app=$2 image=$3 name=$4 hosting=$5 registry=$6

gzip --decompress --stdout "$image" | docker load
az acr login --name "${registry%%.*}"
push() {
  docker tag "$name" "$1"
  docker push "$1"
}
push "$registry/$name"

case $hosting in
  container_apps)
    az containerapp update -g "$group" -n "$app" --image "$registry/$name" --output none
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
