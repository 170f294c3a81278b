#!/usr/bin/env bash
# The story with redis-cli and redis-benchmark.
#
# Usage: story.sh PORT MODEL
set -euo pipefail
port=$1 model=$2

expect() { # WANTED COMMAND...: what redis-cli prints
  local wanted=$1 found
  shift
  found=$(redis-cli -p "$port" "$@" 2>&1)
  [ "$found" = "$wanted" ] && return
  printf 'redis-cli %s: found %q, expected %q\n' "$*" "$found" "$wanted" >&2
  exit 1
}

begins() { # WANTED COMMAND...: what it prints begins so
  local wanted=$1 found
  shift
  found=$(redis-cli -p "$port" "$@" 2>&1)
  case "$found" in "$wanted"*) return ;; esac
  printf 'redis-cli %s: found %q, expected it to begin with %q\n' "$*" "$found" "$wanted" >&2
  exit 1
}

key="cli:$port:"
expect PONG ping
expect OK set "${key}a" 1
expect 1 get "${key}a"
expect "" get "${key}none"
expect 1 exists "${key}a"
expect string type "${key}a"
expect -1 ttl "${key}a"
expect "${key}a" keys "${key}*"
expect 1 del "${key}a"
begins "ERR LPUSH works on lists" lpush "${key}l" 1
begins "ERR unknown command 'NOSUCH'" NOSUCH
begins "# Server" info server
# RESP3, hints from COMMAND DOCS, the tools built into redis-cli.
[ "$(redis-cli -3 -p "$port" set "${key}b" 2)" = OK ]
redis-cli -p "$port" command docs cas | grep -q expected
redis-cli -p "$port" --bigkeys | grep -q 'Sampled'
redis-cli -p "$port" --scan --pattern "${key}*" | grep -qx "${key}b"
redis-cli -p "$port" --memkeys | grep -q 'Sampled'
printf 'SET %sp1 1\r\nSET %sp2 2\r\n' "$key" "$key" | redis-cli -p "$port" --pipe | grep -q 'errors: 0, replies: 2'
if [ "$model" = eventual ]; then
  begins NEEDSORDER incr "${key}n"
  tests=set,get,mset,ping_inline
else
  redis-cli -p "$port" del "${key}n" >/dev/null
  expect 1 incr "${key}n"
  [ "$(printf 'MULTI\nINCR %sn\nEXEC\n' "$key" | redis-cli -p "$port" | tail -n 1)" = 2 ]
  tests=set,get,incr,mset,ping_inline
fi
results=$(redis-benchmark -p "$port" -t "$tests" -n 2000 -P 16 -r 1000 -q 2>&1 | tr '\r' '\n')
if grep -qi 'error\|could not' <<<"$results"; then
  printf 'redis-benchmark: %s\n' "$results" >&2
  exit 1
fi
[ "$(grep -c 'requests per second' <<<"$results")" -ge 4 ]
