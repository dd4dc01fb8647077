#!/usr/bin/env bash
# Installs etcd's programs in the version that node.env names, from the project's own release, verified by checksum.
set -euo pipefail
# shellcheck source=components/node/boot/common.sh
source "$(dirname "$0")/common.sh"

readonly PROGRAMS=(etcd etcdctl etcdutl)
readonly RELEASES=https://github.com/etcd-io/etcd/releases/download
readonly INSTALLED="${ETCD_INSTALLED:-/opt/quorate}"
readonly LINKS="${ETCD_LINKS:-/usr/local/bin}"

fetch() {
  curl --fail --silent --show-error --location --retry 5 --retry-connrefused --max-time 300 --output "$1" "$2" ||
    die "cannot fetch $2"
}

# download VERSION FOLDER: the verified programs, unpacked into FOLDER.
download() {
  local -r archive="etcd-v$1-linux-amd64.tar.gz"
  fetch "$2/$archive" "$RELEASES/v$1/$archive"
  fetch "$2/SHA256SUMS" "$RELEASES/v$1/SHA256SUMS"
  (cd "$2" && grep --fixed-strings "  $archive" SHA256SUMS | sha256sum --check --status) ||
    die "$archive does not match SHA256SUMS of release v$1; nothing was installed"
  if [[ -n ${ETCD_SHA256:-} ]]; then
    sha256sum --check --status <<<"$ETCD_SHA256  $2/$archive" ||
      die "$archive does not match the checksum in the settings, $ETCD_SHA256 (etcd.sha256); nothing was installed. It has $(sha256sum <"$2/$archive" | cut --delimiter ' ' --fields 1)"
  fi
  tar --extract --gzip --file "$2/$archive" --directory "$2" --strip-components 1 --no-same-owner
}

main() {
  local folder program work
  start_log
  load_environment ETCD_VERSION
  folder="$INSTALLED/etcd-v$ETCD_VERSION"
  if ! getent passwd etcd >/dev/null; then
    useradd --system --home-dir /var/lib/etcd --no-create-home --shell /usr/sbin/nologin etcd
  fi
  if [[ ! -e $folder ]]; then
    say "installing etcd $ETCD_VERSION"
    mkdir -p "$INSTALLED"
    work="$(mktemp --directory "$INSTALLED/etcd-new.XXXXXX")"
    # shellcheck disable=SC2064 # expand now, not when the trap runs
    trap "rm --recursive --force '$work'" EXIT
    download "$ETCD_VERSION" "$work"
    mkdir "$work/programs"
    for program in "${PROGRAMS[@]}"; do
      install --mode 755 "$work/$program" "$work/programs/$program"
    done
    # All or nothing: what is there is complete.
    mv "$work/programs" "$folder"
  fi
  for program in "${PROGRAMS[@]}"; do
    [[ "$(readlink "$LINKS/$program")" == "$folder/$program" ]] || ln --symbolic --force "$folder/$program" "$LINKS/$program"
  done
}

main
