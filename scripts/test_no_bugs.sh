#!/usr/bin/env bash
# The programs that people run have no deliberate bugs in them: neither their names nor the option that plants them.
#
# Usage: scripts/test_no_bugs.sh FOLDER LAB
#   FOLDER   programs as they are released
#   LAB      a holdback-lab that was built with deliberate bugs, in which they must be found
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
help_if_asked "$@"
[ $# -eq 2 ] || usage "FOLDER and LAB are needed"
folder=$1 lab=$2

names=$(sed -n 's/^ *Self::[A-Za-z]* => "\([a-z-]*\)",$/\1/p' server/core/src/bugs.rs)
count=$(wc -w <<<"$names")
[ "$count" -gt 10 ] || fail "$EXIT_NO" "only $count bugs are named in server/core/src/bugs.rs"

for name in $names; do
  grep -qaF -e "$name" "$lab" || fail "$EXIT_NO" "$lab has no $name, so that it proves nothing about the others"
  for program in holdback-server holdback-cli holdback-lab; do
    if grep -qaF -e "$name" "$folder/$program"; then fail "$EXIT_NO" "$folder/$program has $name"; fi
  done
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
export HOLDBACK_RUNS=$work
bug=${names%%$'\n'*}
"$lab" simulate --bug "$bug" --seeds 1..1 >/dev/null 2>&1 || [ $? -eq 1 ] || fail "$EXIT_NO" "$lab does not know --bug"
for refused in "holdback-server --id 1 --cluster 127.0.0.1:0 --bug $bug" "holdback-lab simulate --bug $bug --seeds 1..1"; do
  code=0
  # The words are words.
  # shellcheck disable=SC2086
  "$folder"/$refused >/dev/null 2>&1 </dev/null || code=$?
  [ "$code" -eq 64 ] || fail "$EXIT_NO" "$refused exits with $code: it is not refused"
done
echo "none of $count bugs is in the programs that people run"
