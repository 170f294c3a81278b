#!/usr/bin/env bash
# Starts a cluster on this machine and drops into its REPL; looks after one that is up.
#
# Usage: scripts/cluster.sh up [OPTIONS] [-- SERVER OPTIONS]
#          -n, --replicas N       how many (3)
#          -c, --consistency M    sequential (default), linearizable or eventual
#          -p, --port PORT        the first replica's port; the others follow (8081)
#          --seed N               seeds everything random
#          --allow-faults         let FAULT cut and delay links
#          --detach               leave the cluster up and print its addresses
#
#        scripts/cluster.sh COMMAND [--run DIR]
#          status                 one table; exit 1 if a link is down or the orders differ
#          logs [-f] [N]          the last lines of every replica's log, or of replica N's; -f follows
#          stop N, start N        ask replica N to end (SIGTERM); start it again as it was started before
#          restart N              both
#          kill N                 end replica N at once, as a crash does (SIGKILL)
#          pause N, resume N      hold replica N still, and let it go on (SIGSTOP, SIGCONT)
#          down                   end the cluster
#
# `up` builds if needed, waits until all links are up and opens the REPL; leaving the REPL takes the
# cluster down. Without a terminal it executes the commands on standard input instead. The other commands
# mean the cluster started last, or the one of run folder DIR. Runs are kept in .runs/ (HOLDBACK_RUNS
# moves it). HOLDBACK_BIN names a folder of programs to use instead of building.
#
# Exit codes: 0 fine; 1 no, or a check failed; 64 usage; 69 a port is in use or a replica does not start;
# 130 interrupted.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

help_if_asked "$@"
clean_up_on_exit
case "${1:-}" in
  "") usage "what? up, status, logs, start, restart, stop, kill, pause, resume or down" ;;
  help) print_help; exit 0 ;;
  up) build ;;
  status | logs | start | restart | stop | kill | pause | resume | down)
    # A cluster that is up can be looked after and taken down while the sources do not build.
    find_programs || [ -x "$bin/holdback-lab" ] || build
    set -- cluster "$@"
    ;;
  *) usage "unknown command '$1'" ;;
esac
exec "$bin/holdback-lab" "$@"
