# shellcheck shell=bash
# What the node scripts share; sourced by them, never run.

readonly QUORATE_ETC="${QUORATE_ETC:-/etc/quorate}"
readonly QUORATE_LOGS="${QUORATE_LOGS:-/var/log/quorate}"
readonly QUORATE_LOCKS="${QUORATE_LOCKS:-/run/lock}"
STEP="$(basename "$0" .sh)"
readonly STEP

say() {
  printf '%s %s: %s\n' "$(date -u +%H:%M:%S)" "$STEP" "$*"
}

# die MESSAGE…: ends the step; says where it happened.
die() {
  trap - ERR
  printf '%s %s FAILED on %s: %s\n' "$(date -u +%H:%M:%S)" "$STEP" "${MACHINE_NAME:-$(hostname)}" "$*" >&2
  exit 1
}

# Everything that the step prints also goes to its log file.
start_log() {
  mkdir -p "$QUORATE_LOGS"
  # When a step of systemd ends, systemd terminates what is left of it: the last line would be lost, and a failure's
  # reason with it. tee ends by itself, when nobody writes to it any more.
  exec > >(
    trap '' TERM
    exec tee -a "$QUORATE_LOGS/$STEP.log"
  ) 2>&1
  set -o errtrace
  trap 'die "line $LINENO: $BASH_COMMAND"' ERR
}

# load_environment NAME…: reads the machine's environment file; NAMEs must be set in it.
load_environment() {
  local name
  set -o allexport
  # shellcheck source=/dev/null
  source "$QUORATE_ETC/node.env"
  set +o allexport
  for name in "$@"; do
    [[ -n "${!name:-}" ]] || die "$QUORATE_ETC/node.env does not set $name; run pulumi up, which delivers the file"
  done
}

# wait_until SECONDS WHAT COMMAND…: tries COMMAND every second; dies with its last output after SECONDS.
wait_until() {
  local -r seconds="$1" what="$2"
  local -r deadline=$((SECONDS + seconds))
  local last
  shift 2
  until last="$("$@" 2>&1)"; do
    ((SECONDS < deadline)) || die "waited ${seconds}s for $what; the last answer was: $last"
    sleep 1
  done
}

# take_lock SECONDS: one run of a step at a time; a second one shows the first one's log until it may begin.
take_lock() {
  local follower
  exec 9>"$QUORATE_LOCKS/quorate-$STEP.lock"
  if flock --nonblock 9; then
    return
  fi
  say "another run is in progress; its log follows"
  tail --lines=0 --follow=name --retry "$QUORATE_LOGS/$STEP.log" 9>&- 2>/dev/null &
  follower=$!
  flock --timeout "$1" 9 || die "another run of $STEP still holds the lock after ${1}s; its log is $QUORATE_LOGS/$STEP.log"
  kill "$follower" 2>/dev/null || true
}

# install_text MODE PATH: standard input becomes the file PATH; true only if that changed it.
install_text() {
  local -r mode="$1" path="$2"
  local temporary
  mkdir -p "$(dirname "$path")"
  temporary="$(mktemp "$path.XXXXXX")"
  cat >"$temporary"
  chmod "$mode" "$temporary"
  if cmp --silent "$temporary" "$path"; then
    rm "$temporary"
    return 1
  fi
  mv "$temporary" "$path"
}
