#!/usr/bin/env bash
# The page of a run in a real browser: a case that is run here, and a run that is too large to be shown whole. And
# what is exported of these runs, read by readers that are not ours.
#
# Usage: scripts/test_report.sh [--help]
#
# Needs chromium and node. What drives the browser and reads EDN is installed by name below target/browser if it is missing.
# HOLDBACK_BIN names a folder with the programs; otherwise they are built, without optimization.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then
  sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  exit 0
fi

if [ -z "${HOLDBACK_BIN:-}" ]; then
  cargo build --quiet --bins --locked
  HOLDBACK_BIN=${CARGO_TARGET_DIR:-target}/debug
fi
export HOLDBACK_BIN
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
  { echo "test_report.sh: chromium is missing" >&2; exit 69; }
driver=${CARGO_TARGET_DIR:-target}/browser
if [ ! -d "$driver/node_modules/playwright-core" ] || [ ! -d "$driver/node_modules/edn-data" ]; then
  npm install --silent --no-audit --no-fund --prefix "$driver" playwright-core edn-data >/dev/null
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

HOLDBACK_RUNS=$work/runs scripts/run_case.sh --free-ports hold_back >"$work/case.log" || { cat "$work/case.log" >&2; exit 1; }
"$HOLDBACK_BIN/holdback-lab" report "$work/runs/latest" >/dev/null
node cli/lab/tests/report/large_run.mjs "$work/large"
"$HOLDBACK_BIN/holdback-lab" report "$work/large" >/dev/null

# Node looks for modules beside the file that imports them.
cp cli/lab/tests/report/{page,exports}.mjs "$driver"
node "$driver/page.mjs" "$browser" "$work/runs/latest" "$work/large"
node "$driver/exports.mjs" "$HOLDBACK_BIN/holdback-lab" "$work/runs/latest" "$work/large"
