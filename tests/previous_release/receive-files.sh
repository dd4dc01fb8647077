#!/usr/bin/env bash
# Reads files from standard input and installs them. A file is a header line, then its lines:
#   %%% MODE LINES PATH
# and the last line is "%%% end FILES". Nothing is installed unless all of it arrived. Prints the paths that changed.
set -euo pipefail
umask 077
# shellcheck source=components/bootstrap/scripts/common.sh
source "$(dirname "$0")/common.sh"

readonly ROOT="${DESTINATION_ROOT:-}"

# Only the places that belong to this program may be written.
check_path() {
  case "$1" in
  *..* | *//*) die "refuses the path $1" ;;
  /opt/quorate/* | /etc/quorate/* | /etc/systemd/system/*) ;;
  *) die "refuses the path $1: it is not one of this program's" ;;
  esac
}

# unpack STAGING: fills it with numbered files and a list of modes and paths.
unpack() {
  local -r staging="$1"
  local marker mode lines path line
  local -i files=0 remaining
  while IFS=' ' read -r marker mode lines path; do
    [[ $marker == %%% ]] || die "file $((files + 1)) begins with '$marker' instead of a header"
    if [[ $mode == end ]]; then
      ((lines == files)) || die "$files files arrived of $lines"
      return
    fi
    check_path "$path"
    files+=1
    for ((remaining = lines; remaining > 0; remaining--)); do
      IFS= read -r line || die "the input ended $remaining lines before the end of $path"
      printf '%s\n' "$line"
    done >"$staging/$files"
    printf '%s %s\n' "$mode" "$path" >>"$staging/list"
  done
  die "the input ended after $files files, before its end mark"
}

main() {
  local staging mode path reload=""
  local -i number=0
  load_environment_if_present
  staging="$(mktemp --directory)"
  # shellcheck disable=SC2064 # the directory of now
  trap "rm --recursive --force '$staging'" EXIT
  : >"$staging/list"
  unpack "$staging"
  while IFS=' ' read -r mode path; do
    number+=1
    if install_text "$mode" "$ROOT$path" <"$staging/$number"; then
      say "installed $path"
      [[ $path != /etc/systemd/system/* ]] || reload=yes
    fi
  done <"$staging/list"
  [[ -z $reload ]] || systemctl daemon-reload
}

# The very first delivery brings the environment file itself.
load_environment_if_present() {
  [[ ! -r $QUORATE_ETC/node.env ]] || load_environment
}

main
