#!/usr/bin/env bash
# What the simulator writes of a run that broke an invariant: it can be drawn, checked and exported like any other run.
#
# Usage: scripts/test_simulated_run.sh LAB
#   LAB   a holdback-lab that was built with deliberate bugs; scripts/test.sh shows how
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
help_if_asked "$@"
[ $# -eq 1 ] || usage "LAB is needed"
lab=$1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# Runs a command of the laboratory; its exit code has to be one of these.
expect() {
  local codes=$1 code=0
  shift
  "$lab" "$@" >"$work/out" 2>&1 || code=$?
  case " $codes " in
    *" $code "*) ;;
    *) cat "$work/out" >&2; fail "$EXIT_NO" "'$*' exits with $code, not with one of $codes" ;;
  esac
}

# The second of them shows in what clients are told, so that the checker has to say no, too. The last shows before the
# replicas have settled, so that whether they would is not known.
while read -r bug model verdicts; do
  export HOLDBACK_RUNS=$work/$bug
  # The seed on record shows the bug, and some behind it may.
  first=$(awk -v bug="$bug" -v model="$model" '$1 == bug && $2 == model { print $3 }' cli/lab/src/simulate/bug_seeds.tsv)
  expect 1 simulate --bug "$bug" -c "$model" --seeds "$first..$((first + 9))"
  rm "$HOLDBACK_RUNS/latest"
  for run in "$HOLDBACK_RUNS"/*; do
    [ -s "$run/simulation.txt" ] || fail "$EXIT_NO" "$run: there is no story of the run"
    expect 0 report "$run"
    grep -q "This run broke an invariant" "$run/report.html" || fail "$EXIT_NO" "$run: the page does not say what is broken"
    expect "$verdicts" check "$run"
    grep -q '"invariant"' "$run/verdict.json" || fail "$EXIT_NO" "$run: the check has lost the invariant"
    for format in shiviz jepsen; do
      expect 0 export --format "$format" "$run"
      [ -s "$work/out" ] || fail "$EXIT_NO" "$run: nothing is exported for $format"
    done
  done
  echo "$bug: drawn, checked, exported"
done <<EOF
watch-decided-by-origin sequential 0 1 2
reply-at-send linearizable 1
vector-taken-over-early eventual 2
EOF
