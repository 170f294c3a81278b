#!/usr/bin/env bash
# Lets libFuzzer look for bytes that break what reads them: frames, inline lines, messages, entries, histories, cases,
# run folders.
#
# Usage: scripts/fuzz.sh [TARGET] [OPTIONS] [-- LIBFUZZER OPTIONS]
#   --seconds N      how long for each target (60)
#   --input FILE     reads this file once instead, and shows where it breaks
#   --minimize FILE  makes an input that breaks its target as small as it can within the seconds
#   --list           names the targets
#   -h, --help
#
# Without a TARGET, all of them in turn. It starts from cli/fuzz/corpus and the files of tests that serve; what it learns
# is kept in fuzz/ of the target folder, for the next time. An input that breaks something lies there too, and its path
# is printed, with the command that shows it again. Mend what it shows, and keep the small form of the input in
# cli/fuzz/corpus/TARGET, where every run of the tests reads it.
#
# The first build takes about two minutes. The tests themselves (cargo test -p holdback-fuzz) change the corpus at
# random instead, which needs no build of its own.
#
# Exit codes: 0 nothing found; 1 something breaks; 64 usage; 130 interrupted.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help_if_asked "$@"
readonly all=(frames inline messages entries histories cases runs)
declare -A also=([histories]=cli/lab/tests/histories [cases]=test_cases)

targets=("${all[@]}") seconds=60 input='' minimize=''
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds) needs_value "$1" $#; seconds=$2; shift ;;
    --input) needs_value "$1" $#; input=$(realpath -e -- "$2") || usage "no file $2"; shift ;;
    --minimize) needs_value "$1" $#; minimize=$(realpath -e -- "$2") || usage "no file $2"; shift ;;
    --list) printf '%s\n' "${all[@]}"; exit 0 ;;
    --) shift; break ;;
    -*) usage "unknown option $1" ;;
    *)
      [[ " ${all[*]} " == *" $1 "* ]] || usage "no target '$1': ${all[*]}"
      targets=("$1")
      ;;
  esac
  shift
done
number_within "$seconds" 1 1000000 || usage "--seconds takes a number"
[ -z "$input$minimize" ] || [ "${#targets[@]}" -eq 1 ] || usage "say which target the file is for"

clean_up_on_exit
cd "$root"
target_folder=$(realpath -m -- "${CARGO_TARGET_DIR:-target}")
readonly work=$target_folder/fuzz
mkdir -p "$work"

# Dependencies are those of an ordinary debug build; the project's own packages are compiled with counters.
say "building ..." >&2
RUSTC_WORKSPACE_WRAPPER=$root/cli/fuzz/rustc.sh run_child cargo build --quiet --locked --workspace \
  --target-dir "$target_folder" --bin holdback-fuzz --features holdback-fuzz/libfuzzer ||
  fail "$EXIT_NO" "the fuzzer cannot be built"
cp "$target_folder/debug/holdback-fuzz" "$work/fuzzer"

# fuzzer TARGET ARGUMENT...
fuzzer() {
  local target=$1
  shift
  HOLDBACK_FUZZ=$target run_child "$work/fuzzer" -artifact_prefix="$work/$target-" "$@"
}

if [ -n "$input$minimize" ]; then
  options=()
  [ -z "$minimize" ] || options=(-minimize_crash=1 -max_total_time="$seconds" -exact_artifact_path="$work/minimized")
  status=0
  fuzzer "${targets[0]}" "${options[@]}" "$@" "$input$minimize" || status=$EXIT_NO
  [ -z "$minimize" ] || say "the smallest is $work/minimized"
  exit "$status"
fi

status=0
for target in "${targets[@]}"; do
  mkdir -p "$work/$target"
  seeds=("cli/fuzz/corpus/$target" ${also[$target]:+"${also[$target]}"})
  # Nothing that is read here is slow: what takes 10 s or half a gigabyte is a fault too.
  if fuzzer "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=512 -print_final_stats=1 "$@" \
    "$work/$target" "${seeds[@]}" >"$work/$target.log" 2>&1; then
    say "$target: $(awk '/number_of_executed_units/ { print $2 }' "$work/$target.log") inputs, nothing found"
    continue
  fi
  status=$EXIT_NO
  found=$(sed -n 's/.*Test unit written to //p' "$work/$target.log" | tail -n1)
  say "$target: broken, see $work/$target.log"
  grep -am1 -A3 'panicked at' "$work/$target.log" || true
  [ -z "$found" ] || say "again: scripts/fuzz.sh $target --input $found; smaller: --minimize in place of --input"
done
exit "$status"
