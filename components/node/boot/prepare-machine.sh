#!/usr/bin/env bash
# Makes a plain Debian machine ready for its role: etcd's programs, or kernel, packages, container runtime, images.
# Runs in the background from the first boot on, and again before kubeadm; a run that finds all done changes nothing.
set -euo pipefail
# shellcheck source=components/node/boot/common.sh
source "$(dirname "$0")/common.sh"
BIN="$(dirname "$0")"
readonly BIN
# The last so that its limit can be set before the first connection is tracked.
readonly MODULES=(overlay br_netfilter nf_conntrack)

# set_kernel_parameters FILE: those in a file of share/, now and at each boot.
set_kernel_parameters() {
  local -r settings="/etc/sysctl.d/$1"
  if install_text 644 "$settings" <"$BIN/../share/$1"; then
    say "kernel parameters: $settings"
    sysctl --quiet --load="$settings" 2>/dev/null || say "some kernel parameters cannot be set on this machine"
  fi
}

load_kernel_modules() {
  local module
  if printf '%s\n' "${MODULES[@]}" | install_text 644 /etc/modules-load.d/quorate.conf; then
    say "kernel modules at boot: ${MODULES[*]}"
  fi
  for module in "${MODULES[@]}"; do
    # A module may be built into the kernel: then modprobe finds none, and its directory is there.
    modprobe "$module" 2>/dev/null || [[ -d /sys/module/$module ]] ||
      say "kernel module $module cannot be loaded; continuing, since kubeadm checks"
  done
}

turn_swap_off() {
  [[ $(wc --lines </proc/swaps) -gt 1 ]] || return 0
  if swapoff --all 2>/dev/null; then
    say "swap is off"
  else
    say "swap cannot be turned off here; continuing, since kubeadm checks"
  fi
  sed --in-place '/^[^#].*\sswap\s/s/^/# /' /etc/fstab
}

# A kubelet takes no lock against a shutdown, so that none waits for its pods, while logind grants less time than it
# asks for. The file of unattended-upgrades, which grants 30 s, would count after the kubelet's own; an empty one by its
# name stands for it (kubernetes/kubernetes#102818). A kubelet that runs already starts again in its machine's turn.
allow_slow_shutdowns() {
  install_text 644 /etc/systemd/logind.conf.d/unattended-upgrades-logind-maxdelay.conf </dev/null || true
}

main() {
  [[ $(id --user) -eq 0 ]] || die "must be root; run it with sudo"
  mkdir -p "$QUORATE_LOGS"
  take_lock 1200
  start_log
  load_environment ROLE
  say "begins"
  set_kernel_parameters 99-connections.conf
  if [[ $ROLE == etcd ]]; then
    "$BIN/install-etcd.sh"
  else
    load_kernel_modules
    set_kernel_parameters 99-kubernetes.conf
    turn_swap_off
    "$BIN/install-packages.sh"
    allow_slow_shutdowns
    "$BIN/configure-containerd.sh"
    "$BIN/pull-images.sh"
  fi
  say "done"
}

main
