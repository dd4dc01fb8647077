#!/usr/bin/env bash
# kubectl ready to use, with completion, for root and the login user of a control-plane machine.
set -euo pipefail
# shellcheck source=components/node/scripts/common.sh
source "$(dirname "$0")/common.sh"

# give USER
give() {
  local home
  home="$(getent passwd "$1" | cut --delimiter : --fields 6)"
  [[ -d $home ]] || return 0
  install --directory --mode 700 --owner "$1" --group "$1" "$home/.kube"
  if ! cmp --silent /etc/kubernetes/admin.conf "$home/.kube/config"; then
    install --mode 600 --owner "$1" --group "$1" /etc/kubernetes/admin.conf "$home/.kube/config"
    say "kubectl is ready for $1"
  fi
}

main() {
  start_log
  load_environment LOGIN_USER
  give root
  give "$LOGIN_USER"
  kubectl completion bash | install_text 644 /etc/bash_completion.d/kubectl || true
}

main
