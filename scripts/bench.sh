#!/usr/bin/env bash
# Measures Holdback side by side with Redis and etcd, and prints the ratios.
#
# Usage: scripts/bench.sh [--quick] [--only SECTION,...] [--rounds N] [--out DIR] [--help]
#   --quick             shorter runs and fewer points: in about four minutes instead of 20, once everything is built
#   --only SECTION,...  one, three, etcd, latency, memory, cost or scaling (default: all)
#   --rounds N          how often each pair is measured (default 5)
#   --out DIR           where results go (default: a new folder in .runs)
#
# Both sides of a row are up at the same time and are measured in turn, A B A B, so that what else happens on the
# machine happens to both. A row shows the medians of both sides, the median of the rounds' ratios, and their range.
# DIR gets results.txt, results.json and results.svg.
#
# Installs redis-server, redis-tools, etcd-server, etcd-client and nghttp2-client (for h2load, which speaks etcd's gRPC)
# if they are missing and this is a Debian machine with root; otherwise it says what is missing.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/bench_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/bench_lib.sh"

quick=no only=one,three,etcd,latency,memory,cost,scaling rounds=5 out=
while [ $# -gt 0 ]; do
  case "$1" in
    --quick) quick=yes ;;
    --only) needs_value "$1" $#; only=$2; shift ;;
    --rounds) needs_value "$1" $#; rounds=$2; shift ;;
    --out) needs_value "$1" $#; out=$2; shift ;;
    -h | --help) print_help; exit 0 ;;
    *) usage "unknown argument '$1'" ;;
  esac
  shift
done
number_within "$rounds" 1 100 || usage "--rounds needs a number from 1 to 100"

# What a measurement lasts, in seconds; seconds to watch idle replicas; keys for memory.
if [ "$quick" = yes ]; then seconds=0.4 idle_seconds=5; else seconds=2 idle_seconds=20; fi
readonly memory_keys=1000000

# need PROGRAM PACKAGE
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
missing=()
need redis-server redis-server
need redis-benchmark redis-tools
need etcd etcd-server
need etcdctl etcd-client
need h2load nghttp2-client
if [ "${#missing[@]}" -gt 0 ]; then
  if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
    fail "$EXIT_UNREACHABLE" "please install: ${missing[*]}"
  fi
  say "installing ${missing[*]}" >&2
  apt-get update -qq >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null 2>&1
fi

clean_up_on_exit
build
[ -x "$bin/holdback-instructions" ] || fail "$EXIT_USAGE" "$bin has no program holdback-instructions: cargo build --release --bins makes it"
[ -n "$out" ] || out="$(new_run bench)"
mkdir -p "$out"
work="$out/work"
mkdir -p "$work"
: >"$work/rows"
: >"$work/values"
memory="$(mktemp -d /dev/shm/holdback-bench.XXXXXX)"
trap 'status=$?; trap "" INT TERM HUP; clean_up; rm -rf "$memory"; exit "$status"' EXIT
# Ten thousand connections need as many descriptors.
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true

# wanted SECTION
wanted() { [[ ",$only," == *",$1,"* ]]; }

# --- one replica against one Redis ------------------------------------------------------------------

section_one() {
  local test pipeline target
  start_holdback ours1 sequential 1
  start_redis redis1 0
  warm ours1 redis1
  for pipeline in 1 16; do
    if [ "$pipeline" = 1 ]; then target=1.0; else target=1.5; fi
    for test in set get; do
      row "one-$test-$pipeline" one ops/s more $target "one replica against one Redis: ${test^^}, pipeline $pipeline"
      pair "one-$test-$pipeline" "rb ours1 $test $pipeline" "rb redis1 $test $pipeline"
    done
  done
  for test in incr mset; do
    row "one-$test-16" one ops/s more '' "one replica against one Redis: ${test^^}, pipeline 16"
    pair "one-$test-16" "rb ours1 $test 16" "rb redis1 $test 16"
  done
  # The other program gets the same picture of a plain SET, or its rows could not be trusted.
  row one-load-set-16 one ops/s more '' "the same SET by holdback-lab load, pipeline 16"
  pair one-load-set-16 "ld ours1 one set 16" "ld redis1 one set 16"
  stop_side ours1
  stop_side redis1
}

# --- three replicas against a Redis with two that follow --------------------------------------------

section_three() {
  local model target
  start_redis redis3 2
  start_holdback ours1 sequential 1
  for model in sequential linearizable eventual; do
    start_holdback "$model" "$model" 3
  done
  warm redis3 ours1 sequential linearizable eventual
  for model in sequential linearizable eventual; do
    target=
    [ "$model" != sequential ] || target=1.0
    row "three-$model-set-16" three ops/s more "$target" "three replicas, $model SET, pipeline 16, against asynchronous replication"
    pair "three-$model-set-16" "rb $model set 16" "rb redis3 set 16"
    [ "$model" != sequential ] || target=3
    row "three-$model-wait-16" three ops/s more "$target" "three replicas, $model SET, pipeline 16, against WAIT 2 after each write"
    pair "three-$model-wait-16" "ld $model one set 16" "ld redis3 one set 16 --wait 2"
    row "three-$model-spread-16" three ops/s more '' "three replicas, $model SET spread over all, pipeline 16, against the primary"
    pair "three-$model-spread-16" "ld $model all set 16" "ld redis3 one set 16"
    row "three-$model-spread-get-16" three ops/s more '' "three replicas, $model GET spread over all, pipeline 16, both sides"
    pair "three-$model-spread-get-16" "ld $model all get 16" "ld redis3 all get 16"
  done
  for model in sequential eventual; do
    row "three-$model-get-16" three ops/s more 0.95 "GET at one of three $model replicas, pipeline 16, against a single replica"
    pair "three-$model-get-16" "rb $model get 16" "rb ours1 get 16"
  done
  row three-linearizable-get-16 three ops/s more 0.5 "linearizable GET, three replicas, pipeline 16, against sequential GET"
  pair three-linearizable-get-16 "rb linearizable get 16" "rb sequential get 16"
  row three-mix three ops/s more '' "95 % GET, 5 % SET, linearizable, pipeline 16, against asynchronous replication"
  pair three-mix "ld linearizable one get=95,set=5 16" "ld redis3 one get=95,set=5 16"
  for model in ours1 redis3 sequential linearizable eventual; do stop_side "$model"; done
}

# --- three replicas against three etcd --------------------------------------------------------------

section_etcd() {
  start_etcd etcd3
  start_holdback sequential sequential 3
  start_holdback linearizable linearizable 3
  warm sequential linearizable
  row etcd-put etcd ops/s more 30 "three replicas, linearizable SET against etcd put, 50 connections"
  pair etcd-put "rb linearizable set 1" "et etcd3 put"
  row etcd-put-16 etcd ops/s more '' "linearizable SET, pipeline 16, against the same etcd put"
  pair etcd-put-16 "rb linearizable set 16" "et etcd3 put"
  row etcd-get etcd ops/s more '' "linearizable GET against etcd's linearizable range"
  pair etcd-get "rb linearizable get 1" "et etcd3 get"
  row etcd-stale etcd ops/s more '' "sequential GET against etcd's serializable range"
  pair etcd-stale "rb sequential get 1" "et etcd3 stale"
  for side in etcd3 sequential linearizable; do stop_side "$side"; done
}

# --- latency ----------------------------------------------------------------------------------------

section_latency() {
  start_holdback ours1 sequential 1
  start_redis redis1 0
  start_holdback sequential sequential 3
  start_redis redis3 2
  warm ours1 redis1 sequential redis3
  latencies latency-get "one connection, GET, one replica" "ld ours1 one get 1 --clients 1" "ld redis1 one get 1 --clients 1"
  latencies latency-set "one connection, SET, three replicas, against WAIT 2" \
    "ld sequential one set 1 --clients 1" "ld redis3 one set 1 --clients 1 --wait 2"
  latencies latency-rate "4,000 a second, half SET, three replicas, against asynchronous replication" \
    "ld sequential one get=50,set=50 1 --clients 20 --rate 4000" "ld redis3 one get=50,set=50 1 --clients 20 --rate 4000"
  row latency-greedy latency ms less =5 "others' p99 beside a client with 100,000 commands in its pipeline"
  pair latency-greedy "beside_greedy ours1" "beside_greedy redis1"
  for side in ours1 redis1 sequential redis3; do stop_side "$side"; done
}

# --- memory -----------------------------------------------------------------------------------------

section_memory() {
  local round
  row memory-key memory B/key less 0.8 "memory per key of 16 bytes with a value of 64 (of $memory_keys)"
  for ((round = 0; round < (rounds < 3 ? rounds : 3); round++)); do
    start_holdback ours1 sequential 1
    memory_per_key ours1 "$memory_keys"
    note memory-key ours "$value"
    stop_side ours1
    start_redis redis1 0
    memory_per_key redis1 "$memory_keys"
    note memory-key theirs "$value"
    stop_side redis1
  done
}

# --- CPU --------------------------------------------------------------------------------------------

section_cost() {
  start_holdback sequential sequential 3
  start_holdback ours1 sequential 1
  start_redis redis1 0
  start_redis redis3 2
  warm sequential ours1 redis1 redis3
  row cost-set cost us/op less 2 "CPU of a sequential SET, pipeline 16, three replicas together, against one Redis"
  pair cost-set "cpu sequential set 16" "cpu redis1 set 16"
  row cost-set-three cost us/op less '' "the same against a Redis with two replicas, all three"
  pair cost-set-three "cpu sequential set 16" "cpu redis3 set 16"
  row cost-get cost us/op less '' "CPU of a GET, pipeline 16, one replica against one Redis"
  pair cost-get "cpu ours1 get 16" "cpu redis1 get 16"
  row cost-idle cost '% of a core' less =1 "three idle replicas together"
  idle sequential "$idle_seconds"
  note cost-idle ours "$value"
  for side in sequential ours1 redis1 redis3; do stop_side "$side"; done
}

# --- scaling ----------------------------------------------------------------------------------------

# scale 'AXIS' AT UNIT more|less 'TITLE' 'MEASUREMENT' ['OTHER']: a point on an axis, without a target.
scale() {
  local name
  name="$(tr -cs 'a-zA-Z0-9\n' - <<<"$1")-$2"
  row "$name" scaling "$3" "$4" '' "$5" "$1" "$2"
  rounds=$scale_rounds pair "$name" "$6" "${7:-}"
}

# some COUNT NOUN: `1 replica`, `3 replicas`.
some() { if [ "$1" = 1 ]; then say "1 $2"; else say "$1 $2s"; fi; }

section_scaling() {
  local count scale_rounds=3
  local replicas=(1 3 5 7) connections=(1 50 1000 10000) sizes=(16 256 4096 65536 1048576) keys=(10000 100000 1000000 10000000)
  local depths=(10 100 1000 10000 100000 1000000)
  if [ "$quick" = yes ]; then
    scale_rounds=1 replicas=(1 3 5) connections=(1 50 1000) sizes=(16 4096 65536) keys=(10000 1000000) depths=(10 1000000)
  fi
  for count in "${replicas[@]}"; do
    start_holdback "replicas$count" sequential "$count"
  done
  for count in "${replicas[@]}"; do
    scale "replicas: SET" "$count" ops/s more "SET, pipeline 16, sequential, $(some "$count" replica)" "rb replicas$count set 16"
  done
  for count in "${replicas[@]}"; do
    scale "replicas: CPU of a SET" "$count" us/op less "CPU of that SET, $(some "$count" replica), all together" "cpu replicas$count set 16"
  done
  for count in "${replicas[@]}"; do
    scale "replicas: GET" "$count" ops/s more "GET at one of them, pipeline 16, $(some "$count" replica)" "rb replicas$count get 16"
  done
  for count in "${replicas[@]}"; do stop_side "replicas$count"; done
  start_holdback ours sequential 1 --max-clients 12000
  start_redis redis 0
  warm ours redis
  for count in "${connections[@]}"; do
    scale "connections: GET" "$count" ops/s more "GET over $(some "$count" connection), one replica and one Redis" \
      "rb ours get 1 -c $count" "rb redis get 1 -c $count"
  done
  for count in "${sizes[@]}"; do
    scale "bytes of a value: SET" "$count" ops/s more "SET of $count bytes, one replica and one Redis" \
      "rb ours set 1 -d $count -r 100 -c 20" "rb redis set 1 -d $count -r 100 -c 20"
  done
  stop_side ours
  stop_side redis
  for count in "${keys[@]}"; do
    start_holdback ours sequential 1
    start_redis redis 0
    fill ours "$count"
    fill redis "$count"
    scale "keys: GET" "$count" ops/s more "GET of one of $count keys, pipeline 16, one replica and one Redis" \
      "rb ours get 16 -r $count" "rb redis get 16 -r $count"
    stop_side ours
    stop_side redis
  done
  for count in "${depths[@]}"; do
    scale "depth of the hold-back queue" "$count" ns/op less "an entry through a hold-back queue of $count" "queue_time $count"
  done
}

started=$SECONDS
for section in one three etcd latency memory cost scaling; do
  if wanted "$section"; then "section_$section"; fi
done
printf '\r%80s\r' '' >&2

machine="$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores"
versions="$(redis-server --version | awk '{ sub("v=", "", $3); print "Redis " $3 }'), $(etcd --version | awk 'NR == 1 { print "etcd " $3 }')"
awk -v folder="$out" -v machine="$machine" -v versions="$versions" -v rounds_measured="$rounds" \
  -f "$root/scripts/bench_report.awk" "$work/rows" "$work/values" | tee "$out/results.txt"
say "took $(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s; results are in $out"
