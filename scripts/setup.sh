#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what Referent is built from: Debian packages, and LibTorch from the PyPI wheel into .deps/.
#
#   scripts/setup.sh [--cpu|--cuda] [--tests] [--dev]
#
#   --cpu    LibTorch's CPU half only (1.2 GB)
#   --cuda   also the wheel's CUDA libraries (3.8 GB); default where a GPU answers
#   --tests  also the Python package tensorboard, which a test reads our event files with
#   --dev    also clang-format, clang-tidy, ccache and Doxygen
#
# Safe to run again: what is there is not installed twice.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

torch_version=2.11.0
cuda_runtime=nvidia-cuda-runtime==13.0.96
cuda_profiling=nvidia-cuda-cupti==13.0.85
cutlass=nvidia-cutlass==4.2.0.0
clang_tidy=clang-tidy==23.1.4
tensorboard=(tensorboard==2.21.0 protobuf==7.36.2 numpy absl-py packaging)

flavour=cpu
if command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; then flavour=cuda; fi
tests=false
dev=false
for argument in "$@"; do
  case $argument in
    --cpu) flavour=cpu ;;
    --cuda) flavour=cuda ;;
    --tests) tests=true ;;
    --dev) dev=true ;;
    -h | --help) sed -n '3,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) die "unknown option $argument; try --help" ;;
  esac
done

packages=(g++ cmake ninja-build pkg-config git python3 python3-pip
  nlohmann-json3-dev libspdlog-dev libfmt-dev libcli11-dev libgtest-dev libgmock-dev
  libutf8proc-dev libsentencepiece-dev libxxhash-dev zlib1g-dev
  libopencv-core-dev libopencv-imgproc-dev libjpeg62-turbo-dev libpng-dev libwebp-dev
  libfreetype-dev fonts-dejavu-core libgloo-dev)
if $dev; then packages+=(clang-format-14 ccache doxygen); fi

install_debian_packages() {
  command -v dpkg-query >/dev/null || die "this script needs Debian or a relative of it (no dpkg-query found); on other systems install the equivalents of: ${packages[*]}"
  local missing=()
  for package in "${packages[@]}"; do
    # A tool that is there from another source is as good as its package.
    case $package in
      g++ | cmake | git | python3) command -v "$package" >/dev/null && continue ;;
      ninja-build) command -v ninja >/dev/null && continue ;;
      python3-pip) python3 -m pip --version >/dev/null 2>&1 && continue ;;
    esac
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    say "Debian packages: all there"
    return
  fi
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "these packages are missing and neither root nor sudo is at hand; install them: ${missing[*]}"
    sudo=(sudo)
  fi
  say "installing ${missing[*]}"
  "${sudo[@]}" apt-get update -qq || die "apt-get update failed: no network, or a broken source list; mend it and run this script again"
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get could not install: ${missing[*]}"
}

install_torch() {
  local stamp=.deps/site/.referent-torch-$torch_version-$flavour
  if [ -f "$stamp" ] || [ -f ".deps/site/.referent-torch-$torch_version-cuda" ]; then
    say "LibTorch $torch_version: there"
    return
  fi
  local need=3000000 # KB: the download and its unpacked copy
  [ $flavour = cuda ] && need=9000000
  mkdir -p .deps
  local free
  free=$(df -Pk .deps | awk 'NR==2{print $4}')
  [ "$free" -ge $need ] || die "LibTorch needs $((need / 1000000)) GB free in $root/.deps; there are $((free / 1000000)) GB. Free some space and run this script again"
  say "fetching LibTorch $torch_version ($flavour) from the PyPI wheel"
  rm -rf .deps/site.new
  # The wheel for Python 3.11 whatever this machine's Python is: only its libraries and headers are
  # used.
  local pip=(python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore
    --target .deps/site.new --only-binary :all: --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none
    --platform manylinux_2_28_x86_64 --platform manylinux_2_25_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 --platform any
    --no-compile --no-cache-dir)
  local failed="pip could not fetch the torch wheel: no network, or a full disk. Nothing is left half installed; run this script again"
  if [ $flavour = cuda ]; then
    "${pip[@]}" "torch==$torch_version" || { rm -rf .deps/site.new; die "$failed"; }
  else
    "${pip[@]}" --no-deps "torch==$torch_version" $cuda_runtime $cuda_profiling || { rm -rf .deps/site.new; die "$failed"; }
  fi
  rm -rf .deps/site
  mv .deps/site.new .deps/site
  touch "$stamp"
}

# Headers for the kernels of compute capability 9.0; only nvcc reads them.
install_cutlass() {
  command -v nvcc >/dev/null || [ -x /usr/local/cuda/bin/nvcc ] || return 0
  if [ -d .deps/cutlass ]; then
    say "CUTLASS headers: there"
    return
  fi
  say "fetching the CUTLASS headers from the PyPI wheel"
  rm -rf .deps/cutlass.new
  if python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-deps --no-compile --no-cache-dir --target .deps/cutlass.new $cutlass; then
    mv .deps/cutlass.new .deps/cutlass
  else
    rm -rf .deps/cutlass.new
    say "pip could not fetch $cutlass; the kernels of compute capability 9.0 are left out"
  fi
}

# TensorBoard's reader and what it imports, without its server.
install_tensorboard() {
  if [ -d .deps/tensorboard ]; then
    say "tensorboard: there"
    return
  fi
  say "fetching the Python package tensorboard"
  rm -rf .deps/tensorboard.new
  if python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-deps --no-cache-dir --target .deps/tensorboard.new "${tensorboard[@]}"; then
    mv .deps/tensorboard.new .deps/tensorboard
  else
    rm -rf .deps/tensorboard.new
    say "pip could not fetch tensorboard; the tests that read event files with it are skipped"
  fi
}

# Debian's clang-tidy looks through system headers too, which takes it twice the time.
install_clang_tidy() {
  if [ -d .deps/clang-tidy ]; then
    say "clang-tidy: there"
    return
  fi
  say "fetching clang-tidy from the PyPI wheel"
  rm -rf .deps/clang-tidy.new
  if python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-deps --no-compile --no-cache-dir --target .deps/clang-tidy.new $clang_tidy; then
    mv .deps/clang-tidy.new .deps/clang-tidy
  else
    rm -rf .deps/clang-tidy.new
    say "pip could not fetch $clang_tidy; scripts/lint.sh checks the format only"
  fi
}

install_debian_packages
install_torch
install_cutlass
if $tests; then install_tensorboard; fi
if $dev; then install_clang_tidy; fi
say "set up ($flavour)"
