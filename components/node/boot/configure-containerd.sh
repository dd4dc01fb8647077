#!/usr/bin/env bash
# Writes containerd's and crictl's configuration, and restarts containerd where that changed it.
set -euo pipefail
# shellcheck source=components/node/boot/common.sh
source "$(dirname "$0")/common.sh"

# The package's own file switches the CRI plugin off, so it is always replaced.
# A machine image may add /etc/containerd/conf.d/*.toml for what is particular to it.
containerd_config() {
  cat <<TOML
version = 3
imports = ["/etc/containerd/conf.d/*.toml"]

[plugins.'io.containerd.cri.v1.images']
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = '$PAUSE_IMAGE'
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = '/etc/containerd/certs.d'

[plugins.'io.containerd.cri.v1.runtime'.containerd]
  default_runtime_name = 'runc'
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      SystemdCgroup = true
TOML
}

crictl_config() {
  cat <<'YAML'
runtime-endpoint: unix:///run/containerd/containerd.sock
image-endpoint: unix:///run/containerd/containerd.sock
timeout: 10
YAML
}

# started_at UNIT: when it started, in seconds since 1970; 0 if it never did.
started_at() {
  local -r moment="$(systemctl show --property ActiveEnterTimestamp --value "$1")"
  date --date "${moment:-@0}" +%s
}

# After an upgrade of the package, the old containerd may still run.
runs_installed_version() {
  [[ "$(ctr version 2>/dev/null | sed --quiet '/^Server:/,$s/^ *Version: *//p')" == "$(containerd --version | cut --delimiter ' ' --fields 3)" ]]
}

main() {
  local stale=""
  start_log
  load_environment PAUSE_IMAGE
  mkdir -p /etc/containerd/conf.d /etc/containerd/certs.d
  # A folder of each registry that has mirrors.
  [[ ! -d /opt/quorate/share/certs.d ]] || ln --symbolic --force /opt/quorate/share/certs.d/* /etc/containerd/certs.d
  crictl_config | install_text 644 /etc/crictl.yaml || true
  if containerd_config | install_text 644 /etc/containerd/config.toml; then
    stale=yes
  fi
  # A run that was cut off between writing and restarting leaves a containerd older than its configuration.
  if ! systemctl is-active --quiet containerd || ! runs_installed_version ||
    [[ $(stat --format %Y /etc/containerd/config.toml) -gt $(started_at containerd) ]]; then
    stale=yes
  fi
  systemctl enable --quiet containerd
  if [[ -n $stale ]]; then
    say "containerd starts with the configuration of this cluster"
    systemctl restart containerd
  fi
  wait_until 60 "containerd to answer on its socket" ctr version
}

main
