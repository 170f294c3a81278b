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

check=no free=no keep=no seed=() case=
while [ "$#" -gt 0 ]; do
  case "$1" in
    -h | --help) print_help; exit 0 ;;
    --check) check=yes ;;
    --free-ports) free=yes ;;
    --keep) keep=yes ;;
    --seed) needs_value "$1" "$#"; seed=(--seed "$2"); shift ;;
    -*) usage "unknown option '$1'" ;;
    *) [ -z "$case" ] || usage "one case at a time"; case=$1 ;;
  esac
  shift
done
# Set by `plan` below.
name='' consistency='' num_processes='' ports='' faults=''

# find_case FILE|NAME: prints the file.
find_case() {
  local wanted=$1 file
  for file in "$wanted" "$root/test_cases/$wanted" "$root/test_cases/$wanted.json" "$root"/test_cases/*/"$wanted.json"; do
    if [ -f "$file" ]; then
      say "$file"
      return
    fi
  done
  complain "there is no case '$wanted'; there are:"
  "$bin/holdback-lab" cases --files "$root/test_cases" | sed 's|.*/||; s|\.json$||; s|^|  |' >&2
  exit "$EXIT_USAGE"
}

clean_up_on_exit
build
if [ -z "$case" ]; then
  [ "$check" = no ] || usage "--check needs a file"
  exec "$bin/holdback-lab" cases "$root/test_cases"
fi
file="$(find_case "$case")"
if [ "$check" = yes ]; then
  exec "$bin/holdback-lab" check-case "$file"
fi

# `name value` lines, for the variables above; malformed cases end here.
plan="$("$bin/holdback-lab" plan "$file" "${seed[@]}")" || exit "$EXIT_USAGE"
while read -r key value; do
  case "$key" in
    name | consistency | num_processes | ports | faults) printf -v "$key" '%s' "$value" ;;
    seed) seed=(--seed "$value") ;;
  esac
done <<<"$plan"
if [ "$free" = yes ]; then ports="$(free_ports "$num_processes")"; fi
options=()
if [ "$faults" = yes ]; then options+=(--allow-faults); fi

run="$(new_run "$name")"
# shellcheck disable=SC2034 # lib.sh shows it
port_advice="with --free-ports"
start_replicas "$run" "$consistency" "${seed[1]}" "$ports" "${options[@]}" || exit "$?"

status=0
run_child "$bin/holdback-lab" run "$file" --run "$run" "${seed[@]}" || status=$?
if [ "$keep" = yes ]; then
  replica_pids=()
  touch "$run/standing"
  say "the cluster is still up: scripts/cluster.sh status, logs or down"
  say "  $bin/holdback-cli --cluster $(IFS=,; read -ra list <<<"$ports"; addresses "${list[@]}") -p ${ports%%,*}"
fi
exit "$status"
