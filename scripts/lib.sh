# shellcheck shell=bash
# What the scripts share: building the programs that do the work, and leaving no process behind. To be sourced,
# after `set -euo pipefail`, by a script in this folder.
#
# A script that starts processes calls `clean_up_on_exit`. What is started through `run_child`, and what is put
# into `replica_pids`, is then ended when the script ends, however it ends. Processes are ended by the numbers of
# those started here, and never by name.

# Exit codes, the same in all programs and scripts.
# shellcheck disable=SC2034 # for the scripts
readonly EXIT_NO=1 EXIT_USAGE=64 EXIT_UNREACHABLE=69

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
readonly root

# Where runs are kept; the programs read it too.
export HOLDBACK_RUNS="${HOLDBACK_RUNS:-$root/.runs}"
case "$HOLDBACK_RUNS" in
  /*) ;;
  *) HOLDBACK_RUNS="$PWD/$HOLDBACK_RUNS" ;;
esac

# The name under which the programs complain.
export HOLDBACK_SCRIPT="${0##*/}"

# The folder of the programs, once `build` has run.
bin=

# The processes that end with this script, and the child that is waited for.
replica_pids=()
child=
# One is being started, and the process in the background before it.
starting=no earlier=

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

# help_if_asked ARGUMENT...: prints the help and ends if -h or --help is among the script's own arguments.
help_if_asked() {
  local argument
  for argument in "$@"; do
    case "$argument" in
      -h | --help) print_help; exit 0 ;;
      --) return ;;
    esac
  done
}

# needs_value OPTION ARGUMENTS_LEFT: complains unless a value follows the option.
needs_value() { [ "$2" -ge 2 ] || usage "$1 needs a value"; }

# number_within TEXT MIN MAX: whether it is a number of the range.
number_within() { [[ $1 =~ ^[0-9]{1,9}$ ]] && [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]; }

# --- building ---------------------------------------------------------------------------------------

# Sets `bin`, and checks the programs if HOLDBACK_BIN names their folder. Otherwise it returns 1: they have to be
# built there.
find_programs() {
  if [ -n "${HOLDBACK_BIN:-}" ]; then
    bin="$(cd "$HOLDBACK_BIN" 2>/dev/null && pwd)" || fail "$EXIT_USAGE" "HOLDBACK_BIN: there is no folder $HOLDBACK_BIN"
    local program
    for program in holdback-server holdback-cli holdback-lab; do
      [ -x "$bin/$program" ] || fail "$EXIT_USAGE" "HOLDBACK_BIN: $bin has no program $program"
    done
    export HOLDBACK_BIN="$bin"
    return 0
  fi
  bin="${CARGO_TARGET_DIR:-$root/target}"
  case "$bin" in
    /*) ;;
    *) bin="$PWD/$bin" ;;
  esac
  export CARGO_TARGET_DIR="$bin"
  bin="$bin/release"
  return 1
}

# Builds the programs, unless HOLDBACK_BIN names a folder that has them, and sets `bin`.
build() {
  if find_programs; then return; fi
  command -v cargo >/dev/null 2>&1 ||
    fail "$EXIT_USAGE" "cargo is needed to build the programs: https://rustup.rs installs it"
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
  # The programs find each other there, and so do scripts that this one runs.
  export HOLDBACK_BIN="$bin"
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
  # A signal may have come before the child's number was noted.
  if [ "$starting" = yes ] && [ "${!:-}" != "$earlier" ]; then child=$!; fi
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
  earlier=${!:-} starting=yes
  set -m
  "$@" </dev/null &
  child=$! starting=no
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

# --- run folders and ports --------------------------------------------------------------------------

# new_run NAME: creates a run folder and prints its path.
new_run() { "$bin/holdback-lab" new-run "$1"; }

# free_ports COUNT: prints free ports, separated by commas.
free_ports() { "$bin/holdback-lab" free-ports "$1"; }

# addresses PORT...: prints 127.0.0.1:PORT,...
addresses() {
  local list
  list="$(printf '127.0.0.1:%s,' "$@")"
  say "${list%,}"
}
