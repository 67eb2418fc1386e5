#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Trains the same small model without conditioning, with MMCA's and with VG-LAW's on the same data for
# the same number of steps, and prints one table.
#
#   scripts/ablation.sh [--seeds "13 14 15"] [--out DIR] [--set KEY=VALUE]...
#
#   --seeds    one run of each model a seed; default: 13 14 15
#   --out      the run folders' parent; default: runs/ablation. A run that is done is not done again
#   --set      a change of all configurations, as for `referent train`
#
# Needs datasets/ and weights/ as README says, and a built build/release.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

seeds="13 14 15"
out=runs/ablation
overrides=()
while [ $# -gt 0 ]; do
  case $1 in
    --seeds) seeds=${2:?--seeds needs a list}; shift 2 ;;
    --out) out=${2:?--out needs a folder}; shift 2 ;;
    --set) overrides+=(--set "${2:?--set needs KEY=VALUE}"); shift 2 ;;
    -h | --help) sed -n '3,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) die "unknown option $1; try --help" ;;
  esac
done
referent=build/release/bin/referent
[ -x $referent ] || die "there is no $referent; build it first (scripts/test.sh does)"

for seed in $seeds; do
  for model in none mmca law; do
    run=$out/$model-$seed
    if [ -f "$run/done" ]; then continue; fi
    say "training $model with seed $seed"
    # What an interrupted run left is taken up again.
    resume=()
    if [ -d "$run" ]; then resume=(--resume); fi
    $referent train "configs/small/ablation-$model.json" --out "$run" "${resume[@]}" \
      --set seed="$seed" "${overrides[@]}"
    touch "$run/done"
  done
done
python3 scripts/summarize_ablation.py "$out"
