#!/usr/bin/env bash
# Applies the manifest on standard input. Nodes become Ready through it, so it cannot wait for an add-on manager.
set -euo pipefail
# shellcheck source=components/node/scripts/common.sh
source "$(dirname "$0")/common.sh"

main() {
  local manifest
  start_log
  load_environment MACHINE_NAME
  manifest="$(mktemp)"
  # shellcheck disable=SC2064 # the file of now
  trap "rm --force '$manifest'" EXIT
  cat >"$manifest"
  [[ -s $manifest ]] || die "no manifest arrived on standard input"
  wait_until 120 "the API server to be ready" admin_kubectl get --raw /readyz
  kubectl --kubeconfig /etc/kubernetes/admin.conf apply --server-side --force-conflicts --field-manager quorate \
    --filename "$manifest"
}

main
