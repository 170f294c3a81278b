#!/usr/bin/env bash
# The one gate: everything that has to hold before a change is accepted.
#
# Usage: scripts/test.sh [--quick] [--help]
#   --quick   formatting, lints and unit tests only
#
# Installs what the tests need (redis-tools, netcat, tmux, shellcheck, valgrind, python, node, chromium) if it is
# missing and this is a Debian machine with root; otherwise it says what is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

quick=no
case "${1:-}" in
  -h | --help) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
  --quick) quick=yes ;;
  "") ;;
  *) echo "test.sh: unknown argument '$1' (see --help)" >&2; exit 64 ;;
esac

step() { printf '\n== %s\n' "$*"; }

# A program and the Debian package that has it.
need() {
  command -v "$1" >/dev/null 2>&1 || missing+=("$2")
}

install_missing() {
  local missing=()
  need redis-cli redis-tools
  need nc netcat-openbsd
  need tmux tmux
  need shellcheck shellcheck
  need python3 python3
  need pip3 python3-pip
  need node nodejs
  need npm npm
  need chromium chromium
  need valgrind valgrind
  [ "${#missing[@]}" -eq 0 ] && return
  if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
    echo "test.sh: please install: ${missing[*]}" >&2
    exit 69
  fi
  echo "installing ${missing[*]}"
  apt-get update -qq >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
}

step "tools"
install_missing
cargo --version

step "format"
cargo fmt --all --check

step "scripts"
shellcheck scripts/*.sh .ci/run

lints() {
  step "lints"
  cargo clippy --quiet --workspace --all-targets --locked -- -D warnings
}

if [ "$quick" = yes ]; then
  lints
  step "unit tests"
  cargo test --workspace --lib --bins --locked
  exit 0
fi

target=${CARGO_TARGET_DIR:-target}
work=$(mktemp -d)
declare -A jobs=()
clean_up() {
  local job
  for job in "${jobs[@]}"; do kill -- "-$job" 2>/dev/null || true; done
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# beside NAME: runs this function while the script goes on, in a process group of its own, so that all of it ends with
# the script.
beside() {
  set -m
  "$1" >"$work/$1" 2>&1 </dev/null &
  jobs[$1]=$!
  set +m
}

# await NAME: waits for it, and shows what it printed.
await() {
  local status=0
  wait "${jobs[$1]}" || status=$?
  unset "jobs[$1]"
  cat "$work/$1"
  return "$status"
}

# Deliberate bugs are built into a folder of their own, so that nothing else has them.
readonly bugs_target=$target/deliberate-bugs lab_with_bugs=$target/deliberate-bugs/bugs/holdback-lab

# What builds with other profiles, into other folders.
in_other_profiles() {
  # Client libraries come over the network while the compiler works.
  scripts/test_clients.sh --install

  step "deliberate bugs"
  # The simulator has to find each of them with the seed on record; scripts/bugs.sh looks for these.
  cargo build --quiet --locked --profile bugs --features deliberate-bugs --target-dir "$bugs_target" \
    -p holdback-lab --bin holdback-lab
  "$lab_with_bugs" simulate --every-bug
  scripts/test_simulated_run.sh "$lab_with_bugs"

  step "instructions"
  scripts/instructions.sh
}

# What needs the programs, but not the machine for itself.
with_the_programs() {
  step "clients"
  scripts/test_clients.sh

  step "report"
  scripts/test_report.sh

  step "abuse"
  scripts/abuse.sh --short
}

beside in_other_profiles

lints

step "programs and tests"
# Tests that run the programs find them here, and so do the scripts.
cargo build --quiet --workspace --bins --locked
cargo test --quiet --workspace --locked --no-run
HOLDBACK_BIN=$(cd "$target/debug" && pwd)
export HOLDBACK_BIN

await in_other_profiles
beside with_the_programs

step "tests"
# Many of them wait more than they work. Among them is a look for bytes that break a reader; scripts/fuzz.sh looks longer.
RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((2 * $(nproc)))} cargo test --workspace --locked

step "documentation"
RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" \
  cargo doc --quiet --workspace --no-deps --document-private-items --locked

step "simulation"
# The fixed seeds are among the tests; these have not been run before.
"$HOLDBACK_BIN/holdback-lab" simulate --fresh 30 --twice

await with_the_programs

step "no deliberate bugs"
scripts/test_no_bugs.sh "$HOLDBACK_BIN" "$lab_with_bugs"

# These are about timing, and want the machine for themselves.
step "cases"
scripts/run_all_cases.sh

printf '\nall fine\n'
