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

step "lints"
cargo clippy --quiet --workspace --all-targets --locked -- -D warnings

step "documentation"
RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" cargo doc --quiet --workspace --no-deps --document-private-items --locked

step "scripts"
shellcheck scripts/*.sh .ci/run

if [ "$quick" = yes ]; then
  step "unit tests"
  cargo test --workspace --lib --bins --locked
  exit 0
fi

step "programs"
# Tests that run the programs find them here.
cargo build --quiet --workspace --bins --locked

step "tests"
cargo test --workspace --locked

step "simulation"
# The fixed seeds are among the tests; these have not been run before.
"${CARGO_TARGET_DIR:-target}/debug/holdback-lab" simulate --fresh 30 --twice

step "deliberate bugs"
# The simulator has to find each of them with the seed on record; scripts/bugs.sh looks for these. They are built
# into a folder of their own, so that nothing else has them.
bugs=(--locked --profile bugs --features deliberate-bugs --target-dir "${CARGO_TARGET_DIR:-target}/deliberate-bugs")
cargo run --quiet "${bugs[@]}" -p holdback-lab --bin holdback-lab -- simulate --every-bug
scripts/test_simulated_run.sh "${CARGO_TARGET_DIR:-target}/deliberate-bugs/bugs/holdback-lab"

step "instructions"
scripts/instructions.sh

step "clients"
scripts/test_clients.sh

step "report"
HOLDBACK_BIN="${CARGO_TARGET_DIR:-target}/debug" scripts/test_report.sh

step "cases"
scripts/run_all_cases.sh

step "no deliberate bugs"
# In the programs that the cases have just built and run.
scripts/test_no_bugs.sh "${HOLDBACK_BIN:-${CARGO_TARGET_DIR:-target}/release}" "${CARGO_TARGET_DIR:-target}/deliberate-bugs/bugs/holdback-lab"

printf '\nall fine\n'
