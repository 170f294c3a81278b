#!/usr/bin/env bash
# Counts the instructions of the hot paths and compares them with the baselines in the repository.
#
# Usage: scripts/instructions.sh [--update] [--help]
#   --update   writes what was counted to server/benches/instructions.tsv, as the new baselines
#
# The paths are those of server/benches: the decoder, the hold-back queue, the multicast, the store, and whole
# replicas that execute SET and GET in memory, with the rules of their connections. Each is counted by valgrind's callgrind, so other load on the
# machine does not matter. Fails (1) if one takes more than 10 % above its baseline, or if tracing that is off takes
# 0.5 % of a SET or more.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly baselines="$root/server/benches/instructions.tsv"
# Growth that is accepted, and the share of a SET that tracing may take when it is off.
readonly growth_percent=10 tracing_percent=0.5
# The functions of the program that are counted, and the path that tracing is looked for in.
readonly collected=holdback_instructions::collected traced_path="sequential set, 1 replica, pipeline 16"

update=no
while [ $# -gt 0 ]; do
  case "$1" in
    --update) update=yes ;;
    -h | --help) print_help; exit 0 ;;
    *) usage "unknown argument '$1'" ;;
  esac
  shift
done

command -v valgrind >/dev/null 2>&1 || fail "$EXIT_UNREACHABLE" "valgrind is needed (Debian's package valgrind)"
clean_up_on_exit

target="${CARGO_TARGET_DIR:-$root/target}"
case "$target" in
  /*) ;;
  *) target="$PWD/$target" ;;
esac
run_child cargo build --release --quiet --locked --package holdback-benches --target-dir "$target" --manifest-path "$root/Cargo.toml" ||
  fail "$EXIT_NO" "the program that is counted cannot be built"
readonly program="$target/release/holdback-instructions"

work="$(mktemp -d)"
trap 'status=$?; trap "" INT TERM HUP; clean_up; rm -rf "$work"; exit "$status"' EXIT

# count OPTION... -- [PART]: runs the program under callgrind; what it prints goes to $work/paths.
count() {
  local options=()
  while [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  shift
  valgrind --tool=callgrind "--toggle-collect=$collected" "--callgrind-out-file=$work/out" "${options[@]}" \
    "$program" "$@" >"$work/paths" 2>"$work/log" || { cat "$work/log" >&2; fail "$EXIT_NO" "valgrind failed"; }
}

# --- paths ------------------------------------------------------------------------------------------

count "--dump-after=$collected" --
# Each path's counts are in a file of its own, numbered in the order of the paths.
number=0
while IFS=$'\t' read -r path operations; do
  number=$((number + 1))
  total="$(awk '$1 == "totals:" || $1 == "summary:" { total = $2 } END { print total + 0 }' "$work/out.$number")"
  awk -v path="$path" -v total="$total" -v operations="$operations" \
    'BEGIN { printf "%s\t%.1f\n", path, total / operations }'
done <"$work/paths" >"$work/counted"

if [ "$update" = yes ]; then
  { printf '# instructions per operation; written by scripts/instructions.sh --update\n'; cat "$work/counted"; } >"$baselines"
fi

status=0
awk -F'\t' -v limit="$growth_percent" '
  FNR == NR { if ($0 !~ /^#/) before[$1] = $2; next }
  {
    seen[$1] = 1
    if (!($1 in before)) { note = "no baseline: run scripts/instructions.sh --update"; failed = 1; change = "" }
    else {
      percent = 100 * ($2 / before[$1] - 1)
      change = sprintf("%+.1f %%", percent)
      note = percent > limit ? "more than " limit " % above its baseline" : percent < -limit ? "renew its baseline" : ""
      failed = failed || percent > limit
    }
    printf "%-46s %10.1f %9s  %s\n", $1, $2, change, note
  }
  END {
    for (path in before) if (!(path in seen)) { printf "%-46s is not counted any more\n", path; failed = 1 }
    exit failed
  }' "$baselines" "$work/counted" || status=$EXIT_NO

# --- tracing ----------------------------------------------------------------------------------------

# The lines that ask whether anybody traces. All else of tracing is behind them.
grep -rn --include='*.rs' -E '\bobserved\b' "$root/server/core/src" |
  sed "s|^$root/||" | cut -d: -f1,2 >"$work/lines"
count --compress-pos=no --compress-strings=no --dump-line=yes -- "$traced_path"
awk -v limit="$tracing_percent" '
  FNR == NR { asks[$0] = 1; next }
  /^(fl|fi|fe)=/ { file = substr($0, 4); sub(/.*\/server\/core\/src\//, "server/core/src/", file); next }
  /^calls=/ { skip = 1; next }
  /^[0-9]+ [0-9]+/ {
    if (skip) { skip = 0; next }
    total += $2
    if ((file ":" $1) in asks) { traced += $2; met = 1 }
  }
  END {
    percent = total ? 100 * traced / total : 100
    printf "tracing that is off takes %.2f %% of a SET (limit %s %%)\n", percent, limit
    # Finding nothing at all would mean that the lines are looked for in the wrong way.
    exit !(met && percent < limit)
  }' "$work/lines" "$work/out" || status=$EXIT_NO

exit "$status"
