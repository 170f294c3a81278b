#!/usr/bin/env bash
# Proves that a cluster keeps its promise while things go wrong: starts one, loads it with random operations
# from many clients, meanwhile delays and cuts its links and pauses its replicas, heals it, judges what the
# clients saw, and draws a picture of it.
#
# Usage: scripts/prove.sh [OPTIONS] [-- LOAD OPTIONS]
#
#   -c, --consistency M   sequential (default), linearizable or eventual
#   -n, --replicas N      how many (3)
#   --seconds N           how long the load lasts (30)
#   --faults KIND         none, delays, cuts, or all (default), which pauses replicas too
#   --clients N           how many, each connected to one replica (20)
#   --rate N              operations a second, all clients together (300)
#   --seed N              seeds everything random; drawn and printed if not given
#   --as M                judge by another model than the cluster's own: `-c sequential --as linearizable`
#                         finds reads that were stale. Unless LOAD OPTIONS say otherwise, clients then only
#                         read and write, and only three keys, which makes counter-examples short
#   --no-page             draw no picture
#   -h, --help
#
# Operations, keys and more can be chosen with LOAD OPTIONS (holdback-lab load --help). The rate is moderate,
# because everything is written down: the replicas' traces take about half a kilobyte an operation and
# replica, five megabytes each in 30 seconds.
#
# Builds the programs first, unless HOLDBACK_BIN names a folder that has them. Everything about the run is
# kept in .runs/prove-TIME/ (HOLDBACK_RUNS moves it); .runs/latest is the newest.
#
# Exit codes: 0 the verdict is yes; 1 it is no; 2 it is unknown; 64 usage; 69 a replica does not start; 130
# interrupted.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

model=sequential replicas=3 seconds=30 faults=all clients=20 rate=300 seed=$RANDOM judge='' page=yes options=()
while [ "$#" -gt 0 ]; do
  case "$1" in
    -h | --help) print_help; exit 0 ;;
    -c | --consistency) needs_value "$1" "$#"; model=$2; shift ;;
    -n | --replicas) needs_value "$1" "$#"; replicas=$2; shift ;;
    --seconds) needs_value "$1" "$#"; seconds=$2; shift ;;
    --faults) needs_value "$1" "$#"; faults=$2; shift ;;
    --clients) needs_value "$1" "$#"; clients=$2; shift ;;
    --rate) needs_value "$1" "$#"; rate=$2; shift ;;
    --seed) needs_value "$1" "$#"; seed=$2; shift ;;
    --as) needs_value "$1" "$#"; judge=$2; shift ;;
    --no-page) page=no ;;
    --) shift; options=("$@"); break ;;
    *) usage "unknown argument '$1'" ;;
  esac
  shift
done

# is_model TEXT
is_model() {
  case "$1" in sequential | linearizable | eventual) ;; *) return 1 ;; esac
}

is_model "$model" || usage "-c wants sequential, linearizable or eventual, not '$model'"
[ -z "$judge" ] || is_model "$judge" || usage "--as wants sequential, linearizable or eventual, not '$judge'"
case "$faults" in
  none | delays | cuts | all) ;;
  *) usage "--faults wants none, delays, cuts or all, not '$faults'" ;;
esac
number_within "$replicas" 1 32 || usage "-n wants 1 to 32, not '$replicas'"
[ "$replicas" -gt 1 ] || [ "$faults" = none ] || usage "one replica has no links: --faults none"
number_within "$seconds" 1 86400 || usage "--seconds wants a number, not '$seconds'"
number_within "$clients" 1 100000 || usage "--clients wants 1 to 100000, not '$clients'"
number_within "$rate" 1 1000000 || usage "--rate wants 1 to 1000000, not '$rate'"
number_within "$seed" 0 999999999 || usage "--seed wants a number, not '$seed'"

if [ -n "$judge" ] && [ "${#options[@]}" -eq 0 ]; then options=(--keys 3 --mix 'get,set'); fi

clean_up_on_exit
build
run="$(new_run prove)"
ports="$(free_ports "$replicas")"
# Timeouts are short, so that there are operations of which nobody knows whether they happened, and links
# that time out. Orders are kept whole, whoever follows them.
start_replicas "$run" "$model" "$seed" "$ports" --allow-faults --request-timeout 1s --link-timeout 1s \
  --order-entries 10000000 --order-bytes 4gb || exit "$?"

status=0
run_child "$bin/holdback-lab" load --run "$run" --duration "$seconds" --rate "$rate" --clients "$clients" \
  --faults "$faults" --seed "$seed" --witness "${options[@]}" || status=$?
# What the replicas promise is judged below. Whether they settled is a promise too.
[ "$status" -le 1 ] || exit "$status"
end_processes "${replica_pids[@]}"
replica_pids=()

say
verdict=0
run_child "$bin/holdback-lab" check "$run" ${judge:+--model "$judge"} || verdict=$?
if [ "$page" = yes ]; then
  run_child "$bin/holdback-lab" report "$run" >/dev/null || status=$?
  say
  say "the picture: ${run#"$PWD/"}/report.html"
fi
[ "$verdict" -ne 0 ] || verdict=$status
exit "$verdict"
