#!/usr/bin/env bash
# Real Redis clients against real replicas: the same small story with redis-cli, redis-benchmark, Python's
# redis (plain and asyncio), Rust's redis, ioredis and node-redis, against each replica of each model.
#
# Usage: scripts/test_clients.sh [--install] [--help]
#   --install   installs the client libraries, and no more
#
# Client libraries that are missing are installed by name below target/clients. HOLDBACK_BIN names a folder
# with the programs; otherwise they are built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then
  sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  exit 0
fi

clients=${CARGO_TARGET_DIR:-target}/clients
mkdir -p "$clients/python" "$clients/node"
clients=$(cd "$clients" && pwd)
stories=$PWD/server/tests/clients

PYTHONPATH=$clients/python python3 -c 'import redis.asyncio' 2>/dev/null ||
  python3 -m pip install --quiet --disable-pip-version-check --target "$clients/python" --upgrade redis
if [ ! -d "$clients/node/node_modules/ioredis" ] || [ ! -d "$clients/node/node_modules/redis" ]; then
  npm install --silent --no-audit --no-fund --prefix "$clients/node" ioredis redis >/dev/null
fi
if [ "${1:-}" = --install ]; then exit 0; fi

if [ -z "${HOLDBACK_BIN:-}" ]; then
  cargo build --quiet --bins
  HOLDBACK_BIN=${CARGO_TARGET_DIR:-target}/debug
fi
cargo build --quiet --package holdback-server --example redis_story
examples=${CARGO_TARGET_DIR:-target}/debug/examples

work=$(mktemp -d)
export HOLDBACK_BIN
readonly models=(sequential linearizable eventual)
# Called by the trap.
# shellcheck disable=SC2317
clean_up() {
  local model
  for model in "${models[@]}"; do HOLDBACK_RUNS=$work/$model scripts/cluster.sh down >/dev/null 2>&1 || true; done
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# start FIRST: starts three replicas of the model on ports above this one; sets base.
start() {
  local try
  for try in 1 2 3 4 5; do
    base=$(($1 + RANDOM % 2000))
    # Ports may be in use.
    if scripts/cluster.sh up -c "$model" -p "$base" --detach >"$work/$model.out" 2>&1; then return; fi
  done
  echo "no cluster after $try tries"
  cat "$work/$model.out"
  return 1
}

tell() { # NAME COMMAND...
  local name=$1
  shift
  if "$@" >"$work/$model.out" 2>&1; then
    echo "  ok      $name"
  else
    echo "  FAILED  $name"
    sed 's/^/          /' "$work/$model.out"
    failed=1
  fi
}

# tell_all MODEL FIRST: every story, at each replica of this model.
tell_all() {
  local model=$1 failed=0 base replica port
  export HOLDBACK_RUNS=$work/$model
  echo "$model"
  start "$2" || return 1
  for replica in 1 2 3; do
    port=$((base + replica - 1))
    tell "redis-cli, redis-benchmark, replica $replica" "$stories/story.sh" "$port" "$model"
    tell "redis-py, replica $replica" env PYTHONPATH="$clients/python" python3 "$stories/story.py" "$port" "$model"
    tell "redis crate, replica $replica" "$examples/redis_story" "$port" "$model"
    tell "ioredis, node-redis, replica $replica" \
      env -C "$clients/node" node "$stories/story.mjs" "$port" "$model"
  done
  return "$failed"
}

# The models at the same time: a story waits more than it works.
first=22000
told=()
for model in "${models[@]}"; do
  tell_all "$model" "$first" >"$work/$model.told" 2>&1 &
  told+=($!)
  first=$((first + 2600))
done
failed=0
for index in "${!models[@]}"; do
  wait "${told[index]}" || failed=1
  cat "$work/${models[index]}.told"
done
exit "$failed"
