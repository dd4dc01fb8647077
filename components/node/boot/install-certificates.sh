#!/usr/bin/env bash
# install-certificates.sh all: what was delivered to /etc/quorate/pki comes to where its reader looks for it.
# install-certificates.sh renewed: the same, on a machine that has them already; etcd and the API server read renewed
# certificates by themselves.
set -euo pipefail
umask 077
# shellcheck source=components/node/boot/common.sh
source "$(dirname "$0")/common.sh"

readonly DELIVERED="$QUORATE_ETC/pki"
readonly KUBERNETES_PKI="${KUBERNETES_PKI:-/etc/kubernetes/pki}"
readonly ETCD_PKI="${ETCD_PKI:-/etc/etcd/pki}"

# copy FOLDER [OWNER]: files that differ.
copy() {
  local file
  while IFS= read -r file; do
    if install_text 600 "$1/$file" <"$DELIVERED/$file"; then
      say "installed $1/$file"
    fi
    [[ -z ${2:-} ]] || chown "$2:$2" "$1/$file"
  done < <(cd "$DELIVERED" && find . -type f -printf '%P\n' | sort)
}

main() {
  load_environment ROLE
  if [[ $ROLE == etcd ]]; then
    # The user comes with etcd's programs.
    getent passwd etcd >/dev/null || return 0
    install --directory --owner etcd --group etcd --mode 700 "$(dirname "$ETCD_PKI")" "$ETCD_PKI"
    copy "$ETCD_PKI" etcd
  elif [[ $1 == all ]]; then
    rm --recursive --force "$KUBERNETES_PKI"
    copy "$KUBERNETES_PKI"
  elif [[ -d $KUBERNETES_PKI ]]; then
    copy "$KUBERNETES_PKI"
  fi
}

main "$@"
