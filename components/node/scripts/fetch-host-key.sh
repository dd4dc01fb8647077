#!/usr/bin/env bash
# fetch-host-key.sh PARAMETER: the machine's SSH host key, from the parameter store that its role alone may read.
# Runs at every boot before sshd starts, so that the first connection already meets the key that the client pins;
# no file is on the machine then, so the text of parameter-store.sh stands before this one.
set -euo pipefail
umask 077

readonly PARAMETER="$1"
readonly HOST_KEY="${HOST_KEY:-/etc/ssh/ssh_host_ed25519_key}"
readonly DEADLINE=$((SECONDS + ${FETCH_SECONDS:-300}))

say() {
  printf 'fetch-host-key: %s\n' "$*" >&2
}

main() {
  local key error
  error="$(mktemp)"
  command -v curl >/dev/null || { apt-get --quiet update && apt-get --quiet --yes install curl ca-certificates; }
  until key="$(get_parameter "$PARAMETER" 2>"$error")"; do
    if ((SECONDS >= DEADLINE)); then
      say "no host key by now, so sshd stays closed; the last error: $(tail --lines 3 "$error") $key"
      exit 1
    fi
    sleep 2
  done
  rm --force "$error"
  # sshd offers every key that it finds; only the pinned one may remain.
  find "$(dirname "$HOST_KEY")" -name 'ssh_host_*' -delete
  printf '%s\n' "$key" >"$HOST_KEY.new"
  ssh-keygen -y -f "$HOST_KEY.new" >"$HOST_KEY.pub.new"
  chmod 644 "$HOST_KEY.pub.new"
  mv "$HOST_KEY.new" "$HOST_KEY"
  mv "$HOST_KEY.pub.new" "$HOST_KEY.pub"
  say "installed $HOST_KEY"
}

main
