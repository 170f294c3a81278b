#!/usr/bin/env bash
# Runs a test case: starts the cluster that it asks for, lets its clients loose, waits until the replicas
# have settled, prints every replica's store and committed order side by side, and judges the run.
#
# Usage: scripts/run_case.sh [OPTIONS] [FILE|NAME]
#
#   (nothing)       list the cases, with descriptions and how long they take
#   --check FILE    only check a case file, without running it
#   --free-ports    use ports that are free instead of those of the case
#   --seed N        draw random delays from N instead of the case's own seed
#   --keep          leave the cluster up afterwards (scripts/cluster.sh status, logs, down)
#   -h, --help
#
# Builds the programs first, unless HOLDBACK_BIN names a folder that has them. Everything about the run is
# kept in .runs/NAME-TIME/ (HOLDBACK_RUNS moves it); .runs/latest is the newest.
#
# Exit codes: 0 the verdict is yes; 1 it is no; 64 usage or a malformed case; 69 a port is in use or a
# replica does not start; 130 interrupted.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help_if_asked "$@"
check=no options=() names=()
while [ "$#" -gt 0 ]; do
  case "$1" in
    --check) check=yes ;;
    --seed) needs_value "$1" "$#"; options+=("$1" "$2"); shift ;;
    -*) options+=("$1") ;;
    *) names+=("$1") ;;
  esac
  shift
done
[ "${#names[@]}" -le 1 ] || usage "one case at a time"

clean_up_on_exit
build
if [ "${#names[@]}" -eq 0 ]; then
  [ "$check" = no ] || usage "--check needs a file"
  exec "$bin/holdback-lab" cases "$root/test_cases"
fi
file="$("$bin/holdback-lab" cases --files "$root/test_cases" "${names[@]}")" || exit "$?"
if [ "$check" = yes ]; then exec "$bin/holdback-lab" check-case "$file"; fi
run_child "$bin/holdback-lab" run --spawn --runs "$HOLDBACK_RUNS" "${options[@]}" "$file"
