#!/usr/bin/env bash
# Simulates clusters for a long time, on every core: fresh seeds of each model, until the time is up.
#
# Usage: scripts/simulate.sh [--minutes M] [--jobs N] [arguments of `holdback-lab simulate`]
#   --minutes M  how long (default 1)
#   --jobs N     how many processes (default: one a core)
#
# Prints the progress (seeds, seeds a second, simulated hours) and a line for each failure; what broke is in the run
# folder that the line names. Builds the programs, unless HOLDBACK_BIN names a folder that has them.
# Exit codes: 0 nothing broke, 1 something did, 64 usage, 130 interrupted.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help_if_asked "$@"
minutes=1 jobs=$(nproc) arguments=()
while [ "$#" -gt 0 ]; do
  case "$1" in
    --minutes) needs_value "$1" "$#"; minutes=$2; shift ;;
    --jobs) needs_value "$1" "$#"; jobs=$2; shift ;;
    *) arguments+=("$1") ;;
  esac
  shift
done
[[ $minutes =~ ^[0-9]+(\.[0-9]+)?$ && $jobs =~ ^[1-9][0-9]*$ ]] || usage "--minutes and --jobs take numbers"

clean_up_on_exit
build
for job in $(seq "$jobs"); do
  "$bin/holdback-lab" simulate --minutes "$minutes" "${arguments[@]}" > >(sed -u "s/^/$job: /") &
  replica_pids+=($!)
done
code=0
for pid in "${replica_pids[@]}"; do
  wait "$pid" || { failed=$?; [ "$failed" -gt "$code" ] && code=$failed; }
done
replica_pids=()
exit "$code"
