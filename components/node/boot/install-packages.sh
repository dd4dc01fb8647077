#!/usr/bin/env bash
# Installs kubelet, kubeadm, kubectl and containerd in the versions that node.env names, and holds them there.
set -euo pipefail
# shellcheck source=components/node/boot/common.sh
source "$(dirname "$0")/common.sh"

readonly NEEDED=(bash-completion ca-certificates conntrack curl e2fsprogs ethtool iptables socat)
readonly KEYRINGS=/etc/apt/keyrings
readonly SOURCES=/etc/apt/sources.list.d

installed_version() {
  dpkg-query --show --showformat='${db:Status-Status} ${Version}' "$1" 2>/dev/null | sed --quiet 's/^installed //p'
}

# is_installed PACKAGE=VERSION-*: whether that version's package is installed, in whatever revision.
is_installed() {
  local -r version="${1#*=}"
  [[ "$(installed_version "${1%%=*}")" == ${version%\*}* ]]
}

# add_repository NAME KEY_URL SOURCE_LINE: true only if that changed the sources.
add_repository() {
  local -r name="$1" key_url="$2" line="$3" key="$KEYRINGS/$1.asc"
  if [[ ! -s $key ]] || ! grep --quiet --fixed-strings --line-regexp "$line" "$SOURCES/$name.list" 2>/dev/null; then
    mkdir -p "$KEYRINGS"
    curl --fail --silent --show-error --location --retry 5 --retry-connrefused --max-time 60 \
      --output "$key.new" "$key_url" || die "cannot fetch the signing key of repository $name from $key_url"
    mv "$key.new" "$key"
  fi
  printf '%s\n' "$line" | install_text 644 "$SOURCES/$name.list"
}

add_repositories() {
  local -r minor="${KUBERNETES_VERSION%.*}"
  local codename architecture
  # shellcheck source=/dev/null
  codename="$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")"
  architecture="$(dpkg --print-architecture)"
  if add_repository kubernetes "https://pkgs.k8s.io/core:/stable:/v$minor/deb/Release.key" \
    "deb [signed-by=$KEYRINGS/kubernetes.asc] https://pkgs.k8s.io/core:/stable:/v$minor/deb/ /"; then
    say "repository: pkgs.k8s.io v$minor"
  fi
  if add_repository docker "https://download.docker.com/linux/debian/gpg" \
    "deb [arch=$architecture signed-by=$KEYRINGS/docker.asc] https://download.docker.com/linux/debian $codename stable"; then
    say "repository: download.docker.com $codename"
  fi
}

# patiently COMMAND…: again while another process, such as unattended-upgrades, has one of the locks of apt and dpkg:
# apt's own option waits for some of them only. Its many lines go to a log of their own; the last ones are shown if it
# fails.
patiently() {
  local -r log="$QUORATE_LOGS/apt.log" deadline=$((SECONDS + ${LOCK_SECONDS:-600}))
  local lines held
  until lines="$(LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@" 2>&1 | tee --append "$log")"; do
    held="$(grep --max-count 1 'Could not get lock\|lock was locked' <<<"$lines" || true)"
    if [[ -z $held ]] || ((SECONDS >= deadline)); then
      die "$1 $2 failed; the last lines of $log: $(tail --lines 15 <<<"$lines")"
    fi
    # apt names the holder, dpkg only its number, as the last word.
    say "waits: $held $(ps --format args= "${held##* }" 2>/dev/null || true)"
    sleep 5
  done
}

apt_get() {
  patiently apt-get "$@" --quiet --quiet --yes --option Dpkg::Use-Pty=0 --option Acquire::Retries=5
}

install_missing() {
  local package
  local -a missing=()
  local -r pinned=("kubelet=$KUBERNETES_VERSION-*" "kubeadm=$KUBERNETES_VERSION-*" "kubectl=$KUBERNETES_VERSION-*"
    "containerd.io=$CONTAINERD_VERSION-*")
  patiently dpkg --configure --pending
  for package in "${NEEDED[@]}"; do
    [[ -n "$(installed_version "$package")" ]] || missing+=("$package")
  done
  for package in "${pinned[@]}"; do
    is_installed "$package" || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then
    return
  fi
  add_repositories
  say "apt-get update"
  apt_get update
  say "installing ${missing[*]}"
  apt_get install --no-install-recommends --allow-change-held-packages --allow-downgrades \
    --option Dpkg::Options::=--force-confdef --option Dpkg::Options::=--force-confold "${missing[@]}"
  systemctl daemon-reload
}

main() {
  start_log
  load_environment KUBERNETES_VERSION CONTAINERD_VERSION
  install_missing
  patiently apt-mark hold kubelet kubeadm kubectl containerd.io
  # Until kubeadm has configured it, a started kubelet only crash-loops.
  if [[ ! -e /etc/kubernetes/kubelet.conf ]] && systemctl is-enabled --quiet kubelet; then
    systemctl disable --now --quiet kubelet
  fi
}

main
