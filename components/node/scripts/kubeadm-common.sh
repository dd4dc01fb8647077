# shellcheck shell=bash
# What the scripts around kubeadm share; sourced after common.sh.

readonly DISCOVERY="${QUORATE_RUN:-/run/quorate}/discovery.conf"

# ignored_checks NAME…: those preflight checks, and the ones that a machine image lists since they cannot pass on it.
ignored_checks() {
  local names="$*"
  if [[ -s $QUORATE_ETC/ignore-preflight-errors ]]; then
    names+=" $(tr ',' ' ' <"$QUORATE_ETC/ignore-preflight-errors")"
  fi
  xargs <<<"$names" | tr ' ' ','
}

# A bootstrap token, even a short-lived one, belongs into no log.
# The coloured lines list the kernel's options, where a check of them was passed over.
hide_tokens() {
  sed --unbuffered --expression='/^\x1b\[0;37m/d' --regexp-extended --expression='s/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/(token)/g'
}

explain_failure() {
  say "the last lines of the kubelet's log:"
  journalctl --unit kubelet --lines 15 --no-pager --output cat | hide_tokens || true
  say "containers that are not running:"
  crictl ps --all 2>/dev/null | grep --invert-match Running | tail --lines 10 || true
}

# run_kubeadm COMMAND…: its messages without tokens; dies with the kubelet's log if it fails.
run_kubeadm() {
  if ! kubeadm "$@" 2>&1 | hide_tokens; then
    explain_failure
    die "kubeadm $1 failed; its messages are above"
  fi
}

# mint_certificate FOLDER AUTHORITY SUBJECT: a client certificate for a day, for what has to be done before kubeadm
# has made this machine's own.
mint_certificate() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$3" \
    -keyout "$1/client.key" -out "$1/client.csr" 2>/dev/null
  openssl x509 -req -in "$1/client.csr" -CA "$2.crt" -CAkey "$2.key" -days 1 -out "$1/client.crt" \
    -extfile <(printf 'extendedKeyUsage = clientAuth\nkeyUsage = digitalSignature\n') 2>/dev/null
}

# write_discovery CREDENTIAL CA: where the API is and how to verify it, for kubeadm join. CREDENTIAL is the YAML of a
# user, on one line. In memory: the file holds a secret.
write_discovery() {
  install --directory --mode 700 "$(dirname "$DISCOVERY")"
  install_text 600 "$DISCOVERY" <<YAML || true
apiVersion: v1
kind: Config
clusters:
  - name: cluster
    cluster:
      server: https://$API_ENDPOINT_NAME:6443
      certificate-authority-data: $(base64 --wrap 0 "$2")
users:
  - name: joining
    user: $1
contexts:
  - name: join
    context: {cluster: cluster, user: joining}
current-context: join
YAML
}

# api_answers CA [HOST]: whether the API server at HOST is ready, or one behind the endpoint's name.
api_answers() {
  curl --cacert "$1" --fail --silent --show-error --max-time 4 "https://${2:-$API_ENDPOINT_NAME}:6443/readyz"
}
