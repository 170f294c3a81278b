# shellcheck shell=bash
# What the scripts share: building, starting replicas, and leaving no process behind. To be sourced, after
# `set -euo pipefail`, by a script in this folder.
#
# A script that starts processes calls `clean_up_on_exit`. Everything that is started through
# `start_replicas` and `run_child` is then ended when the script ends, however it ends. Processes are ended
# by the numbers of those started here, and never by name.

# Exit codes, the same in all programs and scripts.
readonly EXIT_NO=1 EXIT_USAGE=64 EXIT_UNREACHABLE=69

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
readonly root

# Where runs are kept; the programs read it too.
export HOLDBACK_RUNS="${HOLDBACK_RUNS:-$root/.runs}"
case "$HOLDBACK_RUNS" in
  /*) ;;
  *) HOLDBACK_RUNS="$PWD/$HOLDBACK_RUNS" ;;
esac

# The folder of the programs, once `build` has run.
bin=

# The replicas' processes that end with this script, and the child that is waited for.
replica_pids=()
child=

say() { printf '%s\n' "$*"; }

complain() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }

# fail CODE MESSAGE...
fail() {
  local code=$1
  shift
  complain "$@"
  exit "$code"
}

usage() { fail "$EXIT_USAGE" "$* (see --help)"; }

# The comment at the top of the script, without the line that names the shell.
print_help() { awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"; }

# needs_value OPTION ARGUMENTS_LEFT: complains unless a value follows the option.
needs_value() { [ "$2" -ge 2 ] || usage "$1 needs a value"; }

# number_within TEXT MIN MAX: whether it is a number of the range.
number_within() { [[ $1 =~ ^[0-9]{1,9}$ ]] && [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]; }

# --- building ---------------------------------------------------------------------------------------

# Builds the programs, unless HOLDBACK_BIN names a folder that has them, and sets `bin`.
build() {
  if [ -n "${HOLDBACK_BIN:-}" ]; then
    bin="$(cd "$HOLDBACK_BIN" 2>/dev/null && pwd)" || fail "$EXIT_USAGE" "HOLDBACK_BIN: there is no folder $HOLDBACK_BIN"
    local program
    for program in holdback-server holdback-cli holdback-lab; do
      [ -x "$bin/$program" ] || fail "$EXIT_USAGE" "HOLDBACK_BIN: $bin has no program $program"
    done
    return
  fi
  command -v cargo >/dev/null 2>&1 ||
    fail "$EXIT_USAGE" "cargo is needed to build the programs: https://rustup.rs installs it"
  bin="${CARGO_TARGET_DIR:-$root/target}"
  case "$bin" in
    /*) ;;
    *) bin="$PWD/$bin" ;;
  esac
  export CARGO_TARGET_DIR="$bin"
  bin="$bin/release"
  # cargo is told to be quiet, so that nothing is printed if there is nothing to do; otherwise it takes a
  # while, and somebody has to say why.
  local program newer=
  for program in holdback-server holdback-cli holdback-lab; do
    if [ -x "$bin/$program" ]; then
      newer+="$(find "$root"/{server,cli,Cargo.*} \( -name '*.rs' -o -name 'Cargo.*' \) -newer "$bin/$program" -print -quit)"
    else
      newer=all
    fi
  done
  [ -z "$newer" ] || say "building the programs ..." >&2
  run_child cargo build --release --quiet --bins --manifest-path "$root/Cargo.toml" ||
    fail "$EXIT_NO" "the programs cannot be built"
}

# --- processes --------------------------------------------------------------------------------------

# From now on everything started here ends with this script.
clean_up_on_exit() {
  trap 'status=$?; trap "" INT TERM HUP; clean_up; exit "$status"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
}

clean_up() {
  if [ -n "$child" ]; then
    # The child leads a process group of its own, so its children (compilers, for one) end too.
    kill -TERM -- "-$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
    child=
  fi
  if [ "${#replica_pids[@]}" -gt 0 ]; then
    end_processes "${replica_pids[@]}"
    replica_pids=()
  fi
}

# run_child COMMAND...: runs it so that a signal to this script ends it at once. It has a process group of
# its own, so Ctrl-C reaches this script first, which then ends it.
run_child() {
  local status=0
  set -m
  "$@" </dev/null &
  child=$!
  set +m
  wait "$child" || status=$?
  child=
  return "$status"
}

# is_alive PID
is_alive() { kill -0 "$1" 2>/dev/null; }

# end_processes PID...: asks them to stop, and after five seconds no longer asks.
end_processes() {
  local pid
  for pid in "$@"; do
    kill -TERM "$pid" 2>/dev/null || true
    # A paused process hears nothing until it goes on.
    kill -CONT "$pid" 2>/dev/null || true
  done
  local tries
  for pid in "$@"; do
    # They may be children of a script that is long gone, so `wait` cannot be used.
    for ((tries = 0; tries < 250; tries++)); do
      is_alive "$pid" || break
      sleep 0.02
    done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}

# --- run folders and clusters -----------------------------------------------------------------------

# new_run NAME: creates a run folder and prints its path.
new_run() { "$bin/holdback-lab" new-run "$1"; }

# port_in_use PORT: whether somebody listens there.
port_in_use() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_ports COUNT: prints free ports, separated by commas.
free_ports() { "$bin/holdback-lab" free-ports "$1"; }

# addresses PORT...: prints 127.0.0.1:PORT,...
addresses() {
  local list
  list="$(printf '127.0.0.1:%s,' "$@")"
  say "${list%,}"
}

# start_replicas RUN MODEL SEED PORTS [SERVER OPTION...]: starts a replica at each port (separated by
# commas), writes their files in the run folder, and waits until all links are up. If one dies, says so
# with the last lines of its log and returns 69.
start_replicas() {
  local run=$1 model=$2 seed=$3 ports=$4
  shift 4
  local port_list port id pid cluster
  IFS=, read -ra port_list <<<"$ports"
  cluster="$(addresses "${port_list[@]}")"
  local taken=()
  for port in "${port_list[@]}"; do
    if port_in_use "$port"; then taken+=("$port"); fi
  done
  if [ "${#taken[@]}" -gt 0 ]; then
    complain "in use: port ${taken[*]}; another cluster may be up (scripts/cluster.sh down), or choose others $port_advice"
    return "$EXIT_UNREACHABLE"
  fi
  for ((id = 1; id <= ${#port_list[@]}; id++)); do
    # A process group of its own: Ctrl-C at the terminal is for the program in front, not for replicas.
    set -m
    nohup "$bin/holdback-server" --id "$id" --cluster "$cluster" --consistency "$model" --seed "$seed" \
      --log-level debug --log-file "$run/replica-$id.log" --trace "$run/replica-$id.trace.jsonl" "$@" \
      </dev/null >"$run/replica-$id.out" 2>&1 &
    pid=$!
    set +m
    # Otherwise the shell prints a line of its own when a replica is killed.
    disown "$pid"
    replica_pids+=("$pid")
    say "$pid" >"$run/replica-$id.pid"
  done
  write_cluster_json "$run" "$model" "$seed" "${port_list[@]}"
  wait_for_links "$run"
}

# What to advise when a port is in use; scripts set it.
port_advice="with -p"

# write_cluster_json RUN MODEL SEED PORT...
write_cluster_json() {
  local run=$1 model=$2 seed=$3
  shift 3
  local id=0 port replicas=
  for port in "$@"; do
    replicas+="${replicas:+,}{\"id\":$((id + 1)),\"address\":\"127.0.0.1:$port\",\"pid\":${replica_pids[id]}}"
    id=$((id + 1))
  done
  say "{\"consistency\":\"$model\",\"seed\":$seed,\"replicas\":[$replicas]}" >"$run/cluster.json"
}

# wait_for_links RUN: waits until every replica is ready and every link is up, or one dies.
wait_for_links() {
  local run=$1 round at
  # Each round waits for up to half a second in one program, which asks the replicas again and again.
  for ((round = 0; round < 40; round++)); do
    if "$bin/holdback-lab" wait --run "$run" --timeout 0.5 --quiet; then return 0; fi
    for at in "${!replica_pids[@]}"; do
      if ! is_alive "${replica_pids[at]}"; then
        report_dead_replica "$run" $((at + 1))
        return "$EXIT_UNREACHABLE"
      fi
    done
  done
  "$bin/holdback-lab" wait --run "$run" --timeout 1 || true
  complain "the cluster is not ready after 20 s; logs are in $run"
  return "$EXIT_UNREACHABLE"
}

# report_dead_replica RUN ID
report_dead_replica() {
  complain "replica $2 has ended; the last it said:"
  tail -q -n 5 "$1/replica-$2.log" "$1/replica-$2.out" 2>/dev/null | sed 's/^/  /' >&2
}
