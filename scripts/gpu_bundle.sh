#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Gathers under .deps/gpu (a few MB) what the preset gpu-bare builds from beside LibTorch and CUDA: headers,
# GoogleTest's sources, libutf8proc.a. Run it where Referent is set up; it needs nothing but files that
# are there. On a GPU machine with LibTorch as a Python package:
#
#   cmake --preset gpu-bare -DTorchWheel_ROOT=$(python3 -c 'import torch; print(torch.__path__[0])')
#   cmake --build build/gpu-bare
#   ctest --test-dir build/gpu-bare -L gpu; build/gpu-bare/bin/referent bench forward --device cuda
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

bundle=.deps/gpu
new=$bundle.new
rm -rf $new
mkdir -p $new/include $new/lib $new/googletest

headers=(fmt spdlog nlohmann CLI xxhash.h utf8proc.h zlib.h zconf.h)
for header in "${headers[@]}"; do
  [ -e "/usr/include/$header" ] || die "no /usr/include/$header; run scripts/setup.sh first"
  cp -rLp "/usr/include/$header" $new/include/
done
# Debian keeps what differs between processors in a folder of its own.
multiarch=/usr/include/$(g++ -print-multiarch)
if [ ! -e $new/include/zconf.h ] && [ -e "$multiarch/zconf.h" ]; then cp -p "$multiarch/zconf.h" $new/include/; fi

cp -p "$(g++ -print-file-name=libutf8proc.a)" $new/lib/
sources=/usr/src/googletest
[ -d $sources ] || die "no $sources; install googletest, which libgtest-dev brings along"
for part in gtest gmock; do
  mkdir -p "$new/googletest/$part"
  cp -rp "$sources/google${part#g}"/{include,src} "$new/googletest/$part/" 
done

# CUTLASS has 27 MB of headers; the kernels include a tenth of them.
if [ -d .deps/cutlass ]; then
  from=.deps/cutlass/cutlass_library/source/include
  if command -v nvcc >/dev/null; then
    nvcc -std=c++17 -I. -I$from -arch=sm_90a -M kernels/hopper/conditional_linear.cu |
      grep -oE '[^ ]*cutlass_library/source/include/[^ ]*' | sed 's#.*/source/include/##' | sort -u |
      while read -r header; do
        mkdir -p "$new/cutlass/cutlass_library/source/include/$(dirname "$header")"
        cp "$from/$header" "$new/cutlass/cutlass_library/source/include/$header"
      done
  else
    cp -rp .deps/cutlass $new/
  fi
fi

rm -rf $bundle
mv $new $bundle
say "$bundle: $(du -sh $bundle | cut -f1)"
