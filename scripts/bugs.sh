#!/usr/bin/env bash
# Looks for the seeds that find the deliberate bugs, which scripts/test.sh replays.
#
# Usage: scripts/bugs.sh [--update] [--help]
#   --update   writes them to cli/lab/src/simulate/bug_seeds.tsv; otherwise it is printed what would change there
#
# Exit code 1 if a bug shows in none of 500 seeds, or most take more than 50. Programs with deliberate bugs are built
# into a folder of their own, so that nothing else has them.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"

readonly recorded=cli/lab/src/simulate/bug_seeds.tsv
update=no
case "${1:-}" in
  -h | --help) print_help; exit 0 ;;
  --update) update=yes ;;
  "") ;;
  *) usage "unknown argument '$1'" ;;
esac

found="$(mktemp)"
trap 'rm -f "$found"' EXIT
status=0
# Thousands of seeds are worth the time that optimizing takes.
cargo run --quiet --locked --profile bugs --config profile.bugs.opt-level=1 --features deliberate-bugs \
  --target-dir "${CARGO_TARGET_DIR:-target}/deliberate-bugs" -p holdback-lab --bin holdback-lab -- \
  simulate --every-bug --anew >"$found" || status=$?
if [ "$update" = yes ]; then
  cat "$found" >"$recorded"
else
  diff -u --label recorded --label found "$recorded" "$found" || true
fi
exit "$status"
