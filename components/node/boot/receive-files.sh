#!/usr/bin/env bash
# Files from standard input, by the name that machines of every release have: the first thing that an update runs.
set -euo pipefail
exec "$(dirname "$0")/quorate-node" receive-files
