#!/usr/bin/env bash
# Keeps an image that passed as the one to go back to: infra/deploy/keep_image.sh REGISTRY NAME:TAG
# The registry holds the image; its tag "current" follows. Needs Docker and the Azure CLI, logged in.
set -euo pipefail

if [[ $# -ne 2 ]]; then
  sed -n '2s/^# //p' "$0" >&2
  exit 2
fi
registry=$1 name=$2

az acr login --name "${registry%%.*}"
docker pull --quiet "$registry/$name"
docker tag "$registry/$name" "$registry/${name%:*}:current"
docker push "$registry/${name%:*}:current"
