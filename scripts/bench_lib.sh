# shellcheck shell=bash disable=SC2154
# What scripts/bench.sh is made of: servers of both sides, and one way to measure each thing. To be sourced behind
# lib.sh, by a script that sets `work`, `memory`, `seconds` and `rounds`. A *side* is a server or cluster that was
# started here, with a name.

# By side: its processes, its ports, and which port clients talk to.
declare -A side_pids side_ports side_port
# By measurement: how many operations a second it made the last time.
declare -A estimates
# What the last measurement brought.
value='' cpu_us='' p50='' p99='' p999=''

# --- servers ----------------------------------------------------------------------------------------

# launch SIDE COMMAND...: starts a process that ends with this script.
launch() {
  local side=$1
  shift
  "$@" </dev/null >>"$work/$side.log" 2>&1 &
  replica_pids+=("$!")
  side_pids[$side]+=" $!"
}

# stop_side SIDE
stop_side() {
  # shellcheck disable=SC2086
  end_processes ${side_pids[$1]}
  side_pids[$1]=
}

# take_ports SIDE COUNT
take_ports() {
  side_ports[$1]="$(free_ports "$2")"
  side_port[$1]="${side_ports[$1]%%,*}"
  side_pids[$1]=
}

# start_holdback SIDE MODEL REPLICAS [SERVER OPTION...]
start_holdback() {
  local side=$1 model=$2 count=$3 ports id cluster
  shift 3
  take_ports "$side" "$count"
  IFS=, read -ra ports <<<"${side_ports[$side]}"
  cluster="$(addresses "${ports[@]}")"
  for ((id = 1; id <= count; id++)); do
    launch "$side" "$bin/holdback-server" --id "$id" --cluster "$cluster" --consistency "$model" --seed 1 --log-level warn "$@"
  done
  "$bin/holdback-lab" wait --cluster "$cluster" --timeout 30 --quiet || fail "$EXIT_UNREACHABLE" "$side is not ready: $work/$side.log"
}

# start_redis SIDE REPLICAS: a primary, and so many that follow it.
start_redis() {
  local side=$1 replicas=$2 ports port tries
  take_ports "$side" $((replicas + 1))
  IFS=, read -ra ports <<<"${side_ports[$side]}"
  for port in "${ports[@]}"; do
    local follow=()
    [ "$port" = "${ports[0]}" ] || follow=(--replicaof 127.0.0.1 "${ports[0]}")
    launch "$side" redis-server --port "$port" --bind 127.0.0.1 --save "" --appendonly no --dir "$work" \
      --repl-diskless-sync-delay 0 --maxclients 20000 "${follow[@]}"
  done
  for ((tries = 0; tries < 300; tries++)); do
    if [ "$(redis-cli -p "${ports[0]}" ping 2>/dev/null)" = PONG ] &&
      [ "$(redis-cli -p "${ports[0]}" info replication | grep -c 'state=online')" = "$replicas" ]; then return; fi
    sleep 0.1
  done
  fail "$EXIT_UNREACHABLE" "$side is not ready: $work/$side.log"
}

# start_etcd SIDE: three members, with their data in memory; clients talk to the leader.
start_etcd() {
  local side=$1 ports id tries members='' endpoints='' leader
  take_ports "$side" 6
  IFS=, read -ra ports <<<"${side_ports[$side]}"
  for id in 0 1 2; do
    members+="${members:+,}m$id=http://127.0.0.1:${ports[id + 3]}"
    endpoints+="${endpoints:+,}127.0.0.1:${ports[id]}"
  done
  for id in 0 1 2; do
    launch "$side" etcd --name "m$id" --data-dir "$memory/etcd-$id" --log-level error \
      --listen-client-urls "http://127.0.0.1:${ports[id]}" --advertise-client-urls "http://127.0.0.1:${ports[id]}" \
      --listen-peer-urls "http://127.0.0.1:${ports[id + 3]}" --initial-advertise-peer-urls "http://127.0.0.1:${ports[id + 3]}" \
      --initial-cluster "$members" --initial-cluster-state new
  done
  for ((tries = 0; tries < 100; tries++)); do
    leader="$(ETCDCTL_API=3 etcdctl --endpoints "$endpoints" endpoint status 2>/dev/null | awk -F', ' '$5 == "true" { sub(/.*:/, "", $1); print $1 }')"
    if [ -n "$leader" ]; then
      side_port[$side]=$leader
      return
    fi
    sleep 0.2
  done
  fail "$EXIT_UNREACHABLE" "$side is not ready: $work/$side.log"
}

# cpu_ticks SIDE: hundredths of a second that its processes have computed.
cpu_ticks() {
  local pid total=0 stat
  for pid in ${side_pids[$1]}; do
    read -r stat <"/proc/$pid/stat"
    # The name may hold blanks; user and system time are the 12th and 13th field behind it.
    stat="${stat##*) }"
    # shellcheck disable=SC2086
    set -- $stat
    total=$((total + ${12} + ${13}))
  done
  say "$total"
}

# resident_kb SIDE: memory of its first process.
resident_kb() {
  local pids
  read -ra pids <<<"${side_pids[$1]}"
  awk '/^VmRSS:/ { print $2 }' "/proc/${pids[0]}/status"
}

# --- measurements -----------------------------------------------------------------------------------

# operations KEY AT_LEAST: how many to make so that it takes about $seconds.
operations() {
  local rate=${estimates[$1]:-0}
  awk -v rate="$rate" -v seconds="$seconds" -v least="$2" 'BEGIN { n = rate * seconds; printf "%d", n < least ? least : n }'
}

# rb SIDE TEST PIPELINE [REDIS-BENCHMARK OPTION...]: operations a second by redis-benchmark, and CPU for each.
rb() {
  local side=$1 test=$2 pipeline=$3 count key="rb $*" before after
  shift 3
  count="$(operations "$key" $((2000 * pipeline)))"
  before="$(cpu_ticks "$side")"
  value="$(redis-benchmark -p "${side_port[$side]}" -t "$test" -P "$pipeline" -n "$count" -c 50 -d 64 -r 100000 --csv "$@" 2>/dev/null |
    awk -F'","' 'END { gsub(/"/, "", $2); print $2 }')"
  after="$(cpu_ticks "$side")"
  cpu_us="$(awk -v ticks=$((after - before)) -v count="$count" 'BEGIN { printf "%.3f", ticks * 10000 / count }')"
  # The first run is short, and only says how long the next has to be.
  [ -n "$value" ] || fail "$EXIT_UNREACHABLE" "$side does not answer: $work/$side.log"
  if [ -z "${estimates[$key]:-}" ]; then
    estimates[$key]=$value
    rb "$side" "$test" "$pipeline" "$@"
  fi
  estimates[$key]=$value
}

# cpu SIDE TEST PIPELINE: microseconds of all the side's processes for an operation.
cpu() { rb "$@"; value=$cpu_us; }

# ld SIDE one|all MIX PIPELINE [LOAD OPTION...]: operations a second by `holdback-lab load`, at the side's first server
# or spread over all.
ld() {
  local side=$1 where=$2 mix=$3 pipeline=$4 targets ports answer clients=(--clients 50)
  shift 4
  [[ " $* " != *" --clients "* ]] || clients=()
  IFS=, read -ra ports <<<"${side_ports[$side]}"
  targets="127.0.0.1:${side_port[$side]}"
  [ "$where" = one ] || targets="$(addresses "${ports[@]}")"
  answer="$("$bin/holdback-lab" load --redis --json --seed 1 --targets "$targets" --mix "$mix" --pipeline "$pipeline" \
    "${clients[@]}" --keys 100000 --value-size 64 --duration "$seconds" "$@" 2>"$work/load.log")" ||
    fail "$EXIT_NO" "the load of $side failed: $(tail -n 2 "$work/load.log")"
  field() { sed -n "s/^{\"all\":{[^}]*\"$1\":\\([0-9.]*\\).*/\\1/p" <<<"$answer"; }
  value="$(field per_second)" p50="$(field p50_us)" p99="$(field p99_us)" p999="$(field p99_9_us)"
}

# grpc_bytes FILE HEX...: writes a request as gRPC sends it.
grpc_bytes() {
  local file=$1 hex=$2
  printf '%b' "$(printf '00%08x%s' $((${#hex} / 2)) "$hex" | sed 's/../\\x&/g')" >"$file"
}

# et SIDE put|get|stale: operations a second of etcd, by h2load, which sends gRPC requests for one key.
et() {
  local side=$1 what=$2 method=Range count key="et $*"
  local name=0a106b65793a303030303030303030303031 file="$work/$2.grpc"
  case "$what" in
    put) method=Put; grpc_bytes "$file" "${name}1240$(printf '78%.0s' {1..64})" ;;
    get) grpc_bytes "$file" "$name" ;;
    stale) grpc_bytes "$file" "${name}3801" ;;
  esac
  count="$(operations "$key" 1000)"
  value="$(h2load -n "$count" -c 50 -m 1 -d "$file" -H 'content-type: application/grpc' -H 'te: trailers' \
    "http://127.0.0.1:${side_port[$side]}/etcdserverpb.KV/$method" 2>&1 |
    awk '/^finished in/ { sub(/,/, "", $4); rate = $4 } /^requests:/ { failed = $10 } END { if (failed == 0) print rate }')"
  [ -n "$value" ] || fail "$EXIT_UNREACHABLE" "etcd does not answer as it should: $work/$side.log"
  if [ -z "${estimates[$key]:-}" ]; then
    estimates[$key]=$value
    et "$@"
  fi
  estimates[$key]=$value
}

# fill SIDE KEYS: so many keys of 16 bytes with values of 64.
fill() {
  awk -v keys="$2" 'BEGIN { for (key = 0; key < keys; key++) printf "SET key:%012d %064d\r\n", key, key }' |
    redis-cli -p "${side_port[$1]}" --pipe >/dev/null
}

# warm SIDE...: gives each the keys that redis-benchmark asks for, or a GET would find nothing at some of them.
warm() {
  local side
  for side in "$@"; do fill "$side" 100000; done
}

# memory_per_key SIDE KEYS: bytes, of a server that was empty.
memory_per_key() {
  local before after
  before="$(resident_kb "$1")"
  fill "$1" "$2"
  after="$(resident_kb "$1")"
  value="$(awk -v kb=$((after - before)) -v keys="$2" 'BEGIN { printf "%.1f", kb * 1024 / keys }')"
}

# idle SIDE SECONDS: per cent of a core.
idle() {
  local before after
  before="$(cpu_ticks "$1")"
  sleep "$2"
  after="$(cpu_ticks "$1")"
  value="$(awk -v ticks=$((after - before)) -v seconds="$2" 'BEGIN { printf "%.2f", ticks / seconds }')"
}

# beside_greedy SIDE: how long others wait, in milliseconds (p99), while a client keeps 100,000 commands in its pipeline.
beside_greedy() {
  local side=$1 greedy
  [ -s "$work/greedy" ] || awk 'BEGIN { for (key = 0; key < 100000; key++) printf "SET key:%012d %064d\r\n", key, key }' >"$work/greedy"
  (while redis-cli -p "${side_port[$side]}" --pipe <"$work/greedy" >/dev/null 2>&1; do :; done) &
  greedy=$!
  replica_pids+=("$greedy")
  ld "$side" one get=50,set=50 1 --clients 10 --rate 2000
  kill "$greedy" 2>/dev/null || true
  wait "$greedy" 2>/dev/null || true
  value="$(awk -v us="$p99" 'BEGIN { printf "%.2f", us / 1000 }')"
}

# queue_time DEPTH: nanoseconds of an entry in a hold-back queue of that depth.
queue_time() { value="$("$bin/holdback-instructions" --queue-time "$1")"; }

# --- rows -------------------------------------------------------------------------------------------

# Each row of the results: its name, section, unit, whether more is better, what its ratio (or, if there is no other
# side, its figure) has to reach, and a title. A point on an axis has the axis' name and its place there, too.
# row NAME SECTION UNIT more|less TARGET TITLE [AXIS AT]
row() {
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$5" "$6" "${7:-}" "${8:-}" >>"$work/rows"
  printf '\r%-78.78s' "$6" >&2
}

# note NAME ours|theirs VALUE
note() { printf '%s\t%s\t%s\n' "$@" >>"$work/values"; }

# pair NAME 'OUR MEASUREMENT' ['THEIR MEASUREMENT']: both in turn, as many rounds as there are.
pair() {
  local round
  for ((round = 0; round < rounds; round++)); do
    read -ra command <<<"$2"
    "${command[@]}"
    note "$1" ours "$value"
    if [ -n "${3:-}" ]; then
      read -ra command <<<"$3"
      "${command[@]}"
      note "$1" theirs "$value"
    fi
  done
}

# latencies NAME TITLE 'OUR LOAD' 'THEIR LOAD': a row for each of three percentiles.
latencies() {
  local name=$1 title=$2 round side
  row "$name-p50" latency us less '' "$title, p50"
  row "$name-p99" latency us less '' "$title, p99"
  row "$name-p999" latency us less '' "$title, p99.9"
  for ((round = 0; round < rounds; round++)); do
    for side in ours theirs; do
      if [ "$side" = ours ]; then read -ra command <<<"$3"; else read -ra command <<<"$4"; fi
      "${command[@]}"
      note "$name-p50" "$side" "$p50"
      note "$name-p99" "$side" "$p99"
      note "$name-p999" "$side" "$p999"
    done
  done
}
