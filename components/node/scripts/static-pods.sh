# shellcheck shell=bash
# The static pods of a control plane; sourced after common.sh and configuration-turn.sh. Needs `phase`, which runs a phase
# of kubeadm init.

readonly MANIFESTS=/etc/kubernetes/manifests START_SECONDS=180

# revive_api_server: waits for the API server of this machine. One that a setting keeps from starting is not there to be
# asked about the next setting: it gets that one's manifest first.
revive_api_server() {
  becomes_true "$START_SECONDS" "the API server of this machine to be ready" own_api_is_ready && return
  say "$UNMET"
  say "writing the manifests of the static pods anew, by the settings of now"
  write_manifests
  wait_until "$START_SECONDS" "the API server of this machine to be ready" own_api_is_ready
}

write_manifests() {
  [[ ! -e $MANIFESTS/etcd.yaml ]] || phase etcd local
  phase control-plane all
}

# The kubelet gives the mirror pod of a static pod the hash of the manifest that it runs.
running_hash() {
  admin_kubectl --namespace kube-system get pod "$1-$MACHINE_NAME" \
    --output 'jsonpath={.metadata.annotations.kubernetes\.io/config\.hash}'
}

runs_other_than() {
  local -r component="$1" before="$2"
  local now ready
  now="$(running_hash "$component")" || return
  ready="$(admin_kubectl --namespace kube-system get pod "$component-$MACHINE_NAME" \
    --output 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" || return
  printf 'hash %s (before: %s), ready: %s' "$now" "$before" "$ready"
  [[ -n $now && $now != "$before" && $ready == True ]]
}

apply_static_pods() {
  local component before_file before_hash old
  local -A files=() hashes=()
  for component in etcd kube-apiserver kube-controller-manager kube-scheduler; do
    [[ -e $MANIFESTS/$component.yaml ]] || continue
    files[$component]="$(sha256sum <"$MANIFESTS/$component.yaml")"
    hashes[$component]="$(running_hash "$component" || true)"
  done
  # Not beside the others: the kubelet runs whatever is there.
  old="$(mktemp --directory)"
  cp --preserve "$MANIFESTS"/*.yaml "$old"
  write_manifests
  for component in "${!files[@]}"; do
    before_file="${files[$component]}" before_hash="${hashes[$component]}"
    [[ "$(sha256sum <"$MANIFESTS/$component.yaml")" != "$before_file" ]] || continue
    say "$component restarts with its new arguments"
    becomes_true "$START_SECONDS" "$component to run with its new arguments" runs_other_than "$component" "$before_hash" ||
      put_back "$component" "$old"
  done
  rm --recursive "$old"
}

# put_back COMPONENT FOLDER: what ran before runs again, by the manifests in FOLDER, and this run fails.
put_back() {
  say "$UNMET"
  say "the last lines of $1:"
  crictl logs --tail 5 "$(crictl ps --all --quiet --name "^$1\$" | head --lines 1)" 2>&1 | sed 's/^/  /' || true
  cp --preserve "$2"/*.yaml "$MANIFESTS"
  rm --recursive "$2"
  wait_until "$START_SECONDS" "the API server of this machine to be ready, with the arguments that it had before" own_api_is_ready
  end_turn
  die "$1 does not run with its new arguments; those that it had before are back in place. Mend the settings named above, then run pulumi up again"
}
