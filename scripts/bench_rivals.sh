#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Times `referent bench` and a rival's script alternately, in one sitting: ours, rival, ours, rival.
#
#   scripts/bench_rivals.sh forward|train RIVAL.py [option...] [-- rival's option...]
#
#   --preset P   model preset (mmca-r50)
#   --batch N    samples (1)
#   --rounds N   timed rounds of each turn (7)
#   --turns N    turns of each side (2)
#   --threads N  compute threads (2)
#   --dtype D    of our forward pass: float32 or bfloat16 (float32)
#
# The rival is run as `python3 RIVAL.py --batch N --rounds N --threads N [--train] option...` and
# prints a JSON line with "mode" and "median_ms" per way it was run; every mode is compared. PYTHON
# names an interpreter that imports torch and numpy; default: python3 with .deps/site, which is enough
# after `scripts/setup.sh --cuda` on Python 3.11. Builds build/release first.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() { sed -n '3,19s/^# \{0,1\}//p' "$0"; }

case ${1:-} in
  forward) mode=() ;;
  train) mode=(--train) ;;
  -h | --help) usage; exit 0 ;;
  *) die "forward or train? try --help" ;;
esac
what=$1
rival=${2:-}
[ -f "$rival" ] || die "there is no rival's script ${rival:-(no path given)}; try --help"
shift 2

preset=mmca-r50 batch=1 rounds=7 turns=2 threads=2 dtype=
while [ $# -gt 0 ]; do
  case $1 in
    --) shift; break ;;
    --preset | --batch | --rounds | --turns | --threads | --dtype)
      [ $# -ge 2 ] || die "$1 needs a value"
      printf -v "${1#--}" %s "$2"
      shift 2 ;;
    *) die "unknown option $1; try --help" ;;
  esac
done

if [ -z "${PYTHON:-}" ]; then
  PYTHON=python3
  export PYTHONPATH=$root/.deps/site${PYTHONPATH:+:$PYTHONPATH}
fi
"$PYTHON" -c 'import numpy, torch' 2>/dev/null ||
  die "$PYTHON cannot import torch and numpy; give PYTHON=... of an environment with torch==2.11.0 and numpy"
# Left set, it may choose another GEMM for one side than for the other.
unset OPENBLAS_CORETYPE
build release --target referent-cli >&2

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
for ((turn = 1; turn <= turns; ++turn)); do
  say "turn $turn of $turns: ours"
  build/release/bin/referent bench "$what" --preset "$preset" --batch "$batch" --rounds "$rounds" \
    --threads "$threads" ${dtype:+--dtype "$dtype"} --json >"$results/ours.$turn"
  say "turn $turn of $turns: rival"
  "$PYTHON" "$rival" --batch "$batch" --rounds "$rounds" --threads "$threads" "${mode[@]}" "$@" \
    >"$results/rival.$turn"
done
python3 scripts/summarize_bench.py "$results" "$preset $what, batch $batch, $threads threads${dtype:+, $dtype}"
