#!/usr/bin/env bash
# Attacks three replicas under a recorded load, and some others beside them: clients that never read, requests and
# pipelines without an end, keys that collide, huge values and transactions, nonsense, signals, logs that cannot be
# written, few descriptors, peers that lie.
#
# Usage: scripts/abuse.sh [--seconds N] [--short]
#   --seconds N   how long in all (300)
#   --short       small amounts within 20 seconds, for the gate
#
# A line for each attack says what came of it, whether all replicas were alive behind it, the most memory that one of
# them had, and how long a polite client at one of the three waited for an answer. Then the load is judged.
# Everything is kept in a run folder. HOLDBACK_BIN names a folder of programs to use instead of building.
#
# Exit codes: 0 fine; 1 a replica died, needed more memory than its bounds allow or told a lie, or a polite client waited
# longer than 250 ms (not judged by --short, which may share its machine); 64 usage; 130 interrupted.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help_if_asked "$@"
seconds='' form=full
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds) needs_value "$1" $#; seconds=$2; shift ;;
    --short) form='short' ;;
    *) usage "unknown argument '$1'" ;;
  esac
  shift
done
[ -n "$seconds" ] || { [ "$form" = full ] && seconds=300 || seconds=15; }
number_within "$seconds" 5 86400 || usage "--seconds takes a number from 5"
command -v python3 >/dev/null 2>&1 || fail "$EXIT_UNREACHABLE" "python3 is needed"

clean_up_on_exit
build
# A client's connections are counted as descriptors here.
ulimit -n "$(ulimit -Hn)"
run_child python3 -B "$root/scripts/abuse" "$bin" "$(new_run abuse)" "$seconds" "$form"
