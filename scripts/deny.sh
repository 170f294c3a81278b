#!/usr/bin/env bash
# Has cargo-deny look at everything the project depends on: licences, sources, banned packages, and advisories where
# their data base can be had.
#
# Usage: scripts/deny.sh
#
# Installs cargo-deny into the target folder if it is not there, which takes minutes; the tests check licences,
# sources and bans by themselves (server/testkit/tests/dependencies.rs). scripts/deny.toml has the rules for both.
#
# Exit codes: 0 fine; 1 something is not allowed, or an advisory concerns it; 64 usage; 69 cargo-deny cannot be
# installed.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help_if_asked "$@"
[ $# -eq 0 ] || usage "unknown argument '$1'"
clean_up_on_exit
cd "$root"

tools=$(realpath -m -- "${CARGO_TARGET_DIR:-target}")/tools
deny=$(command -v cargo-deny || true)
if [ -z "$deny" ]; then
  deny=$tools/bin/cargo-deny
  if [ ! -x "$deny" ]; then
    say "installing cargo-deny ..." >&2
    run_child cargo install --quiet --locked --root "$tools" cargo-deny ||
      fail "$EXIT_UNREACHABLE" "cargo-deny cannot be installed"
  fi
fi

options=(--all-features --locked --config scripts/deny.toml)
check() { "$deny" "${options[@]}" --offline check --hide-inclusion-graph "$@"; }

status=0
check licenses bans sources || status=$EXIT_NO

# The data base is fetched by git, which not every machine may do: that is said, and is no reason to fail.
if "$deny" "${options[@]}" fetch db >/dev/null 2>&1; then
  check advisories || status=$EXIT_NO
else
  say "advisories not checked: their data base cannot be fetched from here"
fi
exit "$status"
