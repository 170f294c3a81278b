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
cd "$(dirname "${BASH_SOURCE[0]}")/.."

minutes=1
jobs=$(nproc)
arguments=()
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    --minutes | --jobs)
      [ $# -gt 1 ] || { echo "simulate.sh: $1 needs a number" >&2; exit 64; }
      if [ "$1" = --minutes ]; then minutes=$2; else jobs=$2; fi
      shift 2
      ;;
    *) arguments+=("$1"); shift ;;
  esac
done
[[ $minutes =~ ^[0-9]+(\.[0-9]+)?$ && $jobs =~ ^[1-9][0-9]*$ ]] || { echo "simulate.sh: --minutes and --jobs take numbers" >&2; exit 64; }

if [ -z "${HOLDBACK_BIN:-}" ]; then
  cargo build --quiet --release --locked -p holdback-lab --bin holdback-lab
  HOLDBACK_BIN="${CARGO_TARGET_DIR:-target}/release"
fi

pids=()
trap 'kill "${pids[@]}" 2>/dev/null; exit 130' INT TERM
for job in $(seq "$jobs"); do
  "$HOLDBACK_BIN/holdback-lab" simulate --minutes "$minutes" ${arguments[@]+"${arguments[@]}"} > >(sed -u "s/^/$job: /") &
  pids+=($!)
done
code=0
for pid in "${pids[@]}"; do
  wait "$pid" || { failed=$?; [ "$failed" -gt "$code" ] && code=$failed; }
done
exit "$code"
