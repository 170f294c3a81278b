#!/usr/bin/env bash
# Makes the tables and the chart of cli/docs/planning.md anew, by simulation: half a minute, always with the same result.
#
# Usage: scripts/planning_page.sh [--check] [--help]
#   --check   only compare; exit code 1 if the page does not show what is measured
#
# HOLDBACK_BIN names a folder with the programs; otherwise they are built.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"

check=no
case "${1:-}" in
  -h | --help) print_help; exit 0 ;;
  --check) check=yes ;;
  "") ;;
  *) usage "unknown argument '$1'" ;;
esac
clean_up_on_exit
build
work="$(mktemp -d)"
trap 'status=$?; trap "" INT TERM HUP; clean_up; rm -rf "$work"; exit "$status"' EXIT

run_child "$bin/holdback-lab" simulate --plan --latency wan --chart "$work/chart.svg" >"$work/wan"
run_child "$bin/holdback-lab" simulate --plan --latency lan >"$work/lan"

# Of each plan the first table is that of latencies, and an empty line ends it.
awk -v work="$work" '
  function table(file, skip,  line) {
    while ((getline line < file) > 0) {
      if (line == "") { if (skip-- > 0) continue; else break }
      if (skip <= 0) print line
    }
    close(file)
  }
  /^## /                       { heading = $0; done = 0 }
  !/^\|/                       { print; next }
  done                         { next }
  heading ~ /Latencies, `wan`/ { table(work "/wan", 0); done = 1; next }
  heading ~ /Frames and bytes/ { table(work "/wan", 1); done = 1; next }
  heading ~ /Latencies, `lan`/ { table(work "/lan", 0); done = 1; next }
                               { print }
' cli/docs/planning.md >"$work/page.md"

if [ "$check" = yes ]; then
  diff cli/docs/planning.md "$work/page.md" && cmp cli/docs/planning-wan.svg "$work/chart.svg"
else
  cp "$work/page.md" cli/docs/planning.md
  cp "$work/chart.svg" cli/docs/planning-wan.svg
fi
