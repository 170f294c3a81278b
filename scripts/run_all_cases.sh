#!/usr/bin/env bash
# Runs every test case, one after the other, on free ports, with progress and a summary table.
#
# Usage: scripts/run_all_cases.sh [OPTIONS] [NAME...]
#
#   NAME            only these cases
#   --times N       run everything N times
#   -h, --help
#
# One at a time, because the cases are about timing and would disturb each other. What a case prints is
# kept in its run folder as output.txt, and shown here if its verdict is no.
#
# Exit codes: 0 every verdict is yes; 1 some are no or could not be had; 64 usage or a malformed case; 130
# interrupted.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help_if_asked "$@"
times=1 names=()
while [ "$#" -gt 0 ]; do
  case "$1" in
    --times)
      needs_value "$1" "$#"
      number_within "$2" 1 1000 || usage "--times wants a number, not '$2'"
      times=$2
      shift
      ;;
    -*) usage "unknown option '$1'" ;;
    *) names+=("$1") ;;
  esac
  shift
done

clean_up_on_exit
build
list="$("$bin/holdback-lab" cases --files "$root/test_cases" "${names[@]}")" || exit "$?"
mapfile -t files <<<"$list"
"$bin/holdback-lab" check-case "${files[@]}" >/dev/null || exit "$?"

# Output of the run in progress.
output="$(mktemp)"
trap 'status=$?; trap "" INT TERM HUP; clean_up; rm -f "$output"; exit "$status"' EXIT

colour_good='' colour_bad='' colour_off=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  colour_good=$'\e[32m' colour_bad=$'\e[31m' colour_off=$'\e[0m'
fi

# tenths MICROSECONDS: seconds with one digit behind the point.
tenths() { printf '%d.%d' $(($1 / 1000000)) $(($1 / 100000 % 10)); }

now_microseconds() { say "${EPOCHREALTIME/[.,]/}"; }

# Runs as a child of its own, which has to last until what it started has ended.
run_case() { exec "$root/scripts/run_case.sh" --free-ports "$1" >"$output" 2>&1; }

rows=() failed=0 number=0 total=$((${#files[@]} * times))
began="$(now_microseconds)"
for ((time = 0; time < times; time++)); do
  for file in "${files[@]}"; do
    number=$((number + 1))
    label="${file#"$root/test_cases/"}"
    label="${label%.json}"
    printf '[%*d/%d] %-30s ' "${#total}" "$number" "$total" "$label"
    started="$(now_microseconds)" status=0
    run_child run_case "$file" || status=$?
    took="$(tenths $(($(now_microseconds) - started)))"
    case "$status" in
      0) verdict=yes colour=$colour_good ;;
      1) verdict=no colour=$colour_bad ;;
      *) verdict="exit $status" colour=$colour_bad ;;
    esac
    printf '%s%-8s%s %6s s\n' "$colour" "$verdict" "$colour_off" "$took"
    folder="$(sed -n 's/.*everything is in //p' "$output" | tail -n 1)"
    if [ -d "$folder" ]; then cp "$output" "$folder/output.txt"; fi
    if [ "$status" -ne 0 ]; then
      failed=$((failed + 1))
      sed 's/^/    /' "$output"
    fi
    row="$(printf '%-30s %-8s %6s s  %s' "$label" "$verdict" "$took" "${folder#"$PWD/"}")"
    rows+=("$row")
  done
done

printf '\n%-30s %-8s %8s  %s\n' case verdict took "kept in"
printf '%s\n' "${rows[@]}"
elapsed="$(tenths $(($(now_microseconds) - began)))"
if [ "$failed" -gt 0 ]; then
  printf '\n%s%d of %d failed%s, %s s\n' "$colour_bad" "$failed" "$total" "$colour_off" "$elapsed"
  exit "$EXIT_NO"
fi
printf '\n%sall %d passed%s, %s s\n' "$colour_good" "$total" "$colour_off" "$elapsed"
