#!/usr/bin/env bash
# Starts a cluster on this machine and drops into its REPL; looks after one that is up.
#
# Usage: scripts/cluster.sh up [OPTIONS] [-- SERVER OPTIONS]
#          -n, --replicas N       how many (3)
#          -c, --consistency M    sequential (default), linearizable or eventual
#          -p, --port PORT        the first replica's port; the others follow (8081)
#          --seed N               seeds everything random
#          --allow-faults         let FAULT cut and delay links
#          --detach               leave the cluster up and print its addresses
#
#        scripts/cluster.sh COMMAND [--run DIR]
#          status                 one table; exit 1 if a link is down or the orders differ
#          logs [-f] [N]          the last lines of every replica's log, or of replica N's; -f follows
#          kill N                 end replica N at once, as a crash does (SIGKILL)
#          pause N, resume N      stop and continue replica N (SIGSTOP, SIGCONT)
#          down                   end the cluster
#
# `up` builds if needed, waits until all links are up and opens the REPL; leaving the REPL takes the
# cluster down. Without a terminal it executes the commands on standard input instead. The other commands
# mean the cluster started last, or the one of run folder DIR. Runs are kept in .runs/ (HOLDBACK_RUNS
# moves it). HOLDBACK_BIN names a folder of programs to use instead of building.
#
# Exit codes: 0 fine; 1 no, or a check failed; 64 usage; 69 a port is in use or a replica does not start;
# 130 interrupted.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

up() {
  local replicas=3 model=sequential port=8081 seed=$RANDOM detach=no options=()
  while [ "$#" -gt 0 ]; do
    case "$1" in
      -h | --help) print_help; exit 0 ;;
      -n | --replicas) needs_value "$1" "$#"; replicas=$2; shift ;;
      -c | --consistency) needs_value "$1" "$#"; model=$2; shift ;;
      -p | --port) needs_value "$1" "$#"; port=$2; shift ;;
      --seed) needs_value "$1" "$#"; seed=$2; shift ;;
      --allow-faults) options+=(--allow-faults) ;;
      --detach) detach=yes ;;
      --) shift; options+=("$@"); break ;;
      *) usage "up does not know '$1'" ;;
    esac
    shift
  done
  number_within "$replicas" 1 32 || usage "-n wants 1 to 32, not '$replicas'"
  number_within "$port" 1 $((65536 - replicas)) || usage "-p wants a port, not '$port'"
  number_within "$seed" 0 999999999 || usage "--seed wants a number, not '$seed'"
  case "$model" in
    sequential | linearizable | eventual) ;;
    *) usage "-c wants sequential, linearizable or eventual, not '$model'" ;;
  esac

  clean_up_on_exit
  build
  local run ports
  run="$(new_run cluster)"
  ports="$(seq -s, "$port" $((port + replicas - 1)))"
  start_replicas "$run" "$model" "$seed" "$ports" "${options[@]}" || exit "$?"
  touch "$run/standing"

  local list
  IFS=, read -ra list <<<"$ports"
  list=("$(addresses "${list[@]}")")
  if [ "$detach" = yes ]; then
    replica_pids=()
    say "up: $replicas replicas, $model, seed $seed"
    say "${list[0]}" | tr , '\n'
    say "take it down with scripts/cluster.sh down; logs are in $run"
    return
  fi
  if [ -t 0 ]; then say "$replicas replicas are up, $model; logs are in $run"; fi
  repl "$run" "${list[0]}" "$port"
}

# repl RUN ADDRESSES PORT: the REPL in front; the cluster ends with it.
repl() {
  local status=0
  # Ctrl-C is the REPL's own business as long as it is in front.
  trap : INT
  "$bin/holdback-cli" --cluster "$2" -p "$3" || status=$?
  trap 'exit 130' INT
  clean_up
  rm -f "$1/standing"
  if [ -t 0 ]; then say "the cluster is down; its logs are in $1"; fi
  exit "$status"
}

# Reads what follows a command: sets `run`, `replica` and `follow`.
run='' replica='' follow=no
read_arguments() {
  local command=$1
  shift
  while [ "$#" -gt 0 ]; do
    case "$1" in
      -h | --help) print_help; exit 0 ;;
      --run) needs_value "$1" "$#"; run=$2; shift ;;
      -f) [ "$command" = logs ] || usage "$command does not know '-f'"; follow=yes ;;
      -*) usage "$command does not know '$1'" ;;
      *) [ -z "$replica" ] || usage "$command means one replica"; replica=$1 ;;
    esac
    shift
  done
  [ -n "$run" ] || find_cluster
  [ -f "$run/cluster.json" ] || fail "$EXIT_USAGE" "$run is not the run folder of a cluster"
  # By its own name, which the replicas' command lines have, and not by a link such as `latest`.
  run="$(cd "$run" && pwd -P)"
  case "$command" in
    status | down) [ -z "$replica" ] || usage "$command is for the whole cluster" ;;
    kill | pause | resume) [ -n "$replica" ] || usage "$command needs a replica's id" ;;
  esac
  if [ -n "$replica" ]; then
    number_within "$replica" 1 32 || usage "'$replica' is not the id of a replica"
    [ -f "$run/replica-$replica.pid" ] || usage "there is no replica $replica"
  fi
}

# find_cluster: sets `run` to the newest run folder whose cluster was started to stay (by `up`, or by
# run_case.sh --keep) and has a replica that is alive.
find_cluster() {
  local mark file folder others=()
  # `ls -t` is the plain way to the newest; run folders have plain names.
  # shellcheck disable=SC2012
  while read -r mark; do
    folder="${mark%/standing}"
    for file in "$folder"/replica-*.pid; do
      if [ -n "$(live_pid "$file")" ]; then
        if [ -z "$run" ]; then run=$folder; else others+=("$folder"); fi
        break
      fi
    done
  done < <(ls -t "$HOLDBACK_RUNS"/*/standing 2>/dev/null)
  [ -n "$run" ] || fail "$EXIT_UNREACHABLE" "no cluster is up; start one with scripts/cluster.sh up"
  if [ "${#others[@]}" -gt 0 ]; then
    say "of ${#others[@]} more clusters that are up, name one with --run: ${others[*]}" >&2
  fi
}

# live_pid FILE: prints the process that a replica's pid file names, if it is alive. A number that has come
# to mean another process is not mistaken for it: the command line names the replica's log.
live_pid() {
  local pid log="${1%.pid}.log"
  pid="$(cat "$1")"
  is_alive "$pid" || return 0
  case "$(ps -p "$pid" -o args= 2>/dev/null)" in
    *"/$(basename "$(dirname "$log")")/$(basename "$log") "*) say "$pid" ;;
  esac
}

# signal SIGNAL DONE: sends a signal to the replica and says what was done.
signal() {
  local pid
  pid="$(live_pid "$run/replica-$replica.pid")"
  [ -n "$pid" ] || fail "$EXIT_NO" "replica $replica is not running"
  kill "-$1" "$pid"
  say "replica $replica (process $pid) $2"
}

show_status() {
  build
  exec "$bin/holdback-lab" status --run "$run"
}

logs() {
  local files=("$run"/replica-*.log)
  if [ -n "$replica" ]; then files=("$run/replica-$replica.log"); fi
  if [ "$follow" = yes ]; then exec tail -n 20 -f "${files[@]}"; fi
  exec tail -n 20 "${files[@]}"
}

down() {
  local file pid pids=()
  for file in "$run"/replica-*.pid; do
    pid="$(live_pid "$file")"
    if [ -n "$pid" ]; then pids+=("$pid"); fi
  done
  if [ "${#pids[@]}" -gt 0 ]; then end_processes "${pids[@]}"; fi
  rm -f "$run/standing"
  say "the cluster is down, replicas ended: ${#pids[@]}; its logs are in $run"
}

command="${1:-}"
[ "$#" -eq 0 ] || shift
case "$command" in
  -h | --help | help) print_help ;;
  up) up "$@" ;;
  status) read_arguments status "$@"; show_status ;;
  logs) read_arguments logs "$@"; logs ;;
  kill) read_arguments kill "$@"; signal KILL "is killed" ;;
  pause) read_arguments pause "$@"; signal STOP "is paused; it goes on with: scripts/cluster.sh resume $replica" ;;
  resume) read_arguments resume "$@"; signal CONT "goes on" ;;
  down) read_arguments down "$@"; down ;;
  "") usage "what? up, status, logs, kill, pause, resume or down" ;;
  *) usage "unknown command '$command'" ;;
esac
