#!/usr/bin/env bash
# Real Redis clients against real replicas: the same small story with redis-cli, redis-benchmark, Python's
# redis (plain and asyncio), Rust's redis, ioredis and node-redis, against each replica of each model.
#
# Usage: scripts/test_clients.sh [--help]
#
# Client libraries that are missing are installed by name below target/clients. HOLDBACK_BIN names a folder
# with holdback-server; otherwise it is built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then
  sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  exit 0
fi

clients=${CARGO_TARGET_DIR:-target}/clients
mkdir -p "$clients/python" "$clients/node"
clients=$(cd "$clients" && pwd)
stories=$PWD/server/tests/clients

if [ -z "${HOLDBACK_BIN:-}" ]; then
  cargo build --quiet --bin holdback-server
  HOLDBACK_BIN=${CARGO_TARGET_DIR:-target}/debug
fi
cargo build --quiet --package holdback-server --example redis_story
examples=${CARGO_TARGET_DIR:-target}/debug/examples
PYTHONPATH=$clients/python python3 -c 'import redis.asyncio' 2>/dev/null ||
  python3 -m pip install --quiet --disable-pip-version-check --target "$clients/python" --upgrade redis
if [ ! -d "$clients/node/node_modules/ioredis" ] || [ ! -d "$clients/node/node_modules/redis" ]; then
  npm install --silent --no-audit --no-fund --prefix "$clients/node" ioredis redis >/dev/null
fi

pids=()
work=$(mktemp -d)
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  pids=()
}
trap 'cleanup; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The first of three free ports in a row, below the ephemeral range.
free_ports() {
  python3 - <<'PY'
import socket, random
def free(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False
while True:
    base = random.randrange(22000, 30000)
    if all(free(base + i) for i in range(3)):
        print(base)
        break
PY
}

# Starts three replicas of a model; sets base.
start() {
  local model=$1 cluster id deadline
  base=$(free_ports)
  cluster=127.0.0.1:$base,127.0.0.1:$((base + 1)),127.0.0.1:$((base + 2))
  for id in 1 2 3; do
    "$HOLDBACK_BIN/holdback-server" --id "$id" --cluster "$cluster" --consistency "$model" \
      --log-level warn --log-file "$work/$model-$id.log" &
    pids+=($!)
  done
  deadline=$((SECONDS + 30))
  for id in 1 2 3; do
    until [ "$(redis-cli -p $((base + id - 1)) STATUS 2>/dev/null | grep -c '^link.*:up')" = 2 ]; do
      if [ "$SECONDS" -ge "$deadline" ]; then
        echo "test_clients.sh: the links of replica $id did not come up" >&2
        cat "$work"/*.log >&2
        exit 1
      fi
      sleep 0.05
    done
  done
}

failed=0
tell() { # NAME COMMAND...
  local name=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    echo "  ok      $name"
  else
    echo "  FAILED  $name"
    sed 's/^/          /' "$work/out"
    failed=1
  fi
}

for model in sequential linearizable eventual; do
  start "$model"
  echo "$model"
  for replica in 1 2 3; do
    port=$((base + replica - 1))
    tell "redis-cli, redis-benchmark, replica $replica" "$stories/story.sh" "$port" "$model"
    tell "redis-py, replica $replica" env PYTHONPATH="$clients/python" python3 "$stories/story.py" "$port" "$model"
    tell "redis crate, replica $replica" "$examples/redis_story" "$port" "$model"
    tell "ioredis, node-redis, replica $replica" \
      env -C "$clients/node" node "$stories/story.mjs" "$port" "$model"
  done
  cleanup
done
exit "$failed"
