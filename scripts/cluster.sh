#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a command of the program on several hosts that share this checkout, over ssh. The first host
# is the one that the others meet at. All end when one does.
#
#   scripts/cluster.sh -n PROCESSES [-p PORT] HOST... -- COMMAND [options]
#   scripts/cluster.sh -n 8 gpu1 gpu2 -- train configs/mmca-r50-refcoco.json --device cuda
#
#   -n    processes on each host, one a GPU
#   -p    free port of the first host (29500)
#
# $REFERENT_SSH starts a command line on a host instead of "ssh -tt".
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

processes=
port=29500
hosts=()
while [ $# -gt 0 ]; do
  case $1 in
    -n) processes=${2:-}; shift 2 || die "-n needs a number" ;;
    -p) port=${2:-}; shift 2 || die "-p needs a port" ;;
    -h | --help) sed -n '3,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --) shift; break ;;
    -*) die "unknown option $1; try --help" ;;
    *) hosts+=("$1"); shift ;;
  esac
done
[ -n "$processes" ] || die "-n is missing; try --help"
[ ${#hosts[@]} -gt 0 ] || die "no hosts; try --help"
[ $# -gt 0 ] || die "no command after --; try --help"

# -tt: the far side ends with this one.
read -ra remote <<<"${REFERENT_SSH:-ssh -tt}"
children=()
end_all() { if [ ${#children[@]} -gt 0 ]; then kill "${children[@]}" 2>/dev/null || true; fi; }
trap 'end_all; exit 143' TERM
trap 'end_all; exit 130' INT
for i in "${!hosts[@]}"; do
  "${remote[@]}" "${hosts[$i]}" "cd $(printf '%q' "$root") && exec build/release/bin/referent launch \
    -n $processes --nodes ${#hosts[@]} --node-rank $i --master ${hosts[0]}:$port -- $(printf '%q ' "$@")" </dev/null &
  children+=($!)
done
status=0
for _ in "${hosts[@]}"; do
  wait -n || { status=$?; break; }
done
end_all
wait
exit "$status"
