#!/usr/bin/env bash
# Pulls, all at once, the images that kubeadm and the network plugin will start, so that they need not wait for them.
set -euo pipefail
# shellcheck source=components/node/boot/common.sh
source "$(dirname "$0")/common.sh"

readonly PULL_SECONDS=900

images() {
  # A worker has no such file: its images are all listed below.
  [[ ! -s $QUORATE_ETC/kubeadm.yaml ]] || kubeadm config images list --config "$QUORATE_ETC/kubeadm.yaml"
  printf '%s\n' "$PAUSE_IMAGE"
  # shellcheck disable=SC2086 # a list of names, none with spaces
  printf '%s\n' ${EXTRA_IMAGES:-}
}

pull() {
  timeout "$PULL_SECONDS" ctr --namespace k8s.io images pull --hosts-dir /etc/containerd/certs.d "$1" >"$2" 2>&1
}

main() {
  local image present wanted output
  local -A pulls=()
  start_log
  load_environment PAUSE_IMAGE
  output="$(mktemp --directory)"
  present="$(ctr --namespace k8s.io images list --quiet 2>/dev/null)"
  wanted="$(images | sort --unique | sed '/^$/d')"
  for image in $wanted; do
    if ! grep --quiet --fixed-strings --line-regexp "$image" <<<"$present"; then
      pull "$image" "$output/${image//\//_}" &
      pulls["$image"]=$!
    fi
  done
  for image in "${!pulls[@]}"; do
    # Not fatal: the kubelet pulls what is missing, and reports better why it can't.
    if wait "${pulls[$image]}"; then
      say "pulled $image"
    else
      say "could not pull $image: $(tail --lines 2 "$output/${image//\//_}")"
    fi
  done
  rm --recursive --force "$output"
}

main
