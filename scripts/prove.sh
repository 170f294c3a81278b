#!/usr/bin/env bash
# Proves that a cluster keeps its promise while things go wrong: starts one, loads it with random operations
# from many clients, meanwhile delays and cuts its links and pauses its replicas, heals it, judges what the
# clients saw, and draws a picture of it.
#
# Usage: scripts/prove.sh [OPTIONS] [-- LOAD OPTIONS]
#
#   -c, --consistency M   sequential (default), linearizable or eventual
#   -n, --replicas N      how many (3)
#   --seconds N           how long the load lasts (30)
#   --faults KIND         none, delays, cuts, or all (default), which pauses replicas too
#   --clients N           how many, each connected to one replica (20)
#   --rate N              operations a second, all clients together (300)
#   --seed N              seeds everything random; drawn and printed if not given
#   --as M                judge by another model than the cluster's own: `-c sequential --as linearizable`
#                         finds reads that were stale. Unless LOAD OPTIONS say otherwise, clients then only
#                         read and write, and only three keys, which makes counter-examples short
#   --no-page             draw no picture
#   -h, --help
#
# Operations, keys and more can be chosen with LOAD OPTIONS (holdback-lab load --help). The rate is moderate,
# because everything is written down: the replicas' traces take about half a kilobyte an operation and
# replica, five megabytes each in 30 seconds.
#
# Builds the programs first, unless HOLDBACK_BIN names a folder that has them. Everything about the run is
# kept in .runs/prove-TIME/ (HOLDBACK_RUNS moves it); .runs/latest is the newest.
#
# Exit codes: 0 the verdict is yes; 1 it is no; 2 it is unknown; 64 usage; 69 a replica does not start; 130
# interrupted.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help_if_asked "$@"
clean_up_on_exit
build
run_child "$bin/holdback-lab" prove "$@"
