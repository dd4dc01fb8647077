#!/usr/bin/env bash
# fetch-host-key.sh PARAMETER: the machine's SSH host key, from the parameter store that its role alone may read.
# Runs at every boot before sshd starts, so that the first connection already meets the key that the client pins.
set -euo pipefail
umask 077

readonly PARAMETER="$1"
readonly HOST_KEY="${HOST_KEY:-/etc/ssh/ssh_host_ed25519_key}"
readonly METADATA="${METADATA:-http://169.254.169.254/latest}"
readonly DEADLINE=$((SECONDS + ${FETCH_SECONDS:-300}))

say() {
  printf 'fetch-host-key: %s\n' "$*" >&2
}

# Headers with credentials go to curl as configuration on standard input: command lines are public on a machine.
metadata() {
  printf 'header = "X-aws-ec2-metadata-token: %s"\n' "$1" |
    curl --config - --fail --silent --show-error --max-time 5 "$METADATA/$2"
}

# field NAME…: the value at that path of the JSON document on standard input.
field() {
  python3 -c 'import functools, json, sys; print(functools.reduce(lambda value, name: value[name], sys.argv[1:], json.load(sys.stdin)))' "$@"
}

# Called as a condition, where errexit does not hold: every failure returns by itself.
fetch() {
  local token region role credentials request
  token="$(curl --fail --silent --show-error --max-time 5 --request PUT \
    --header 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$METADATA/api/token")" || return
  region="$(metadata "$token" meta-data/placement/region)" || return
  role="$(metadata "$token" meta-data/iam/security-credentials/)" || return
  credentials="$(metadata "$token" "meta-data/iam/security-credentials/$role")" || return
  request="$(printf '{"Name": "%s", "WithDecryption": true}' "$PARAMETER")"
  {
    printf 'user = "%s:%s"\n' "$(field AccessKeyId <<<"$credentials")" "$(field SecretAccessKey <<<"$credentials")"
    printf 'header = "X-Amz-Security-Token: %s"\n' "$(field Token <<<"$credentials")"
  } | curl --config - --fail-with-body --silent --show-error --max-time 10 --aws-sigv4 "aws:amz:$region:ssm" \
    --header 'Content-Type: application/x-amz-json-1.1' --header 'X-Amz-Target: AmazonSSM.GetParameter' \
    --data "$request" "${SSM_ENDPOINT:-https://ssm.$region.amazonaws.com}/"
}

main() {
  local answer error
  error="$(mktemp)"
  command -v curl >/dev/null || { apt-get --quiet update && apt-get --quiet --yes install curl ca-certificates; }
  until answer="$(fetch 2>"$error")"; do
    if ((SECONDS >= DEADLINE)); then
      say "no host key by now, so sshd stays closed; the last error: $(tail --lines 3 "$error")"
      exit 1
    fi
    sleep 2
  done
  rm --force "$error"
  # sshd offers every key that it finds; only the pinned one may remain.
  find "$(dirname "$HOST_KEY")" -name 'ssh_host_*' -delete
  printf '%s\n' "$(field Parameter Value <<<"$answer")" >"$HOST_KEY.new"
  ssh-keygen -y -f "$HOST_KEY.new" >"$HOST_KEY.pub.new"
  chmod 644 "$HOST_KEY.pub.new"
  mv "$HOST_KEY.new" "$HOST_KEY"
  mv "$HOST_KEY.pub.new" "$HOST_KEY.pub"
  say "installed $HOST_KEY"
}

main
