#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checks format (clang-format 14) and faults (clang-tidy 23); changes nothing.
#
#   scripts/lint.sh [--format] [FILE...]
#
#   --format   the format only, which takes seconds; clang-tidy takes minutes
#   FILE...    these sources; default: all tracked ones
#
# clang-tidy looks at the .cpp files of src/ and tools/ as build/release compiles them.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

tidy=true
files=()
for argument in "$@"; do
  case $argument in
    --format) tidy=false ;;
    -h | --help) sed -n '3,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) die "unknown option $argument; try --help" ;;
    *) [ -f "$argument" ] || die "there is no file $argument"; files+=("$argument") ;;
  esac
done
[ ${#files[@]} -gt 0 ] || mapfile -t files < <(git ls-files '*.cpp' '*.h' '*.cu' '*.cuh')

# tool VERSION COMMAND...: the first command that is of this version.
tool() {
  local version=$1 name
  shift
  for name in "$@"; do
    command -v "$name" >/dev/null && "$name" --version | grep -q "version $version\." && echo "$name" && return
  done
  die "${!#} of version $version is not there; run scripts/setup.sh --dev"
}

format=$(tool 14 clang-format-14 clang-format)
say "$format: ${#files[@]} files"
$format --dry-run -Werror "${files[@]}" || die "wrong format; $format -i FILE mends it"
$tidy || exit 0

mapfile -t sources < <(printf '%s\n' "${files[@]}" | grep -E '^(\./)?(src|tools)/.*\.cpp$' || true)
[ ${#sources[@]} -gt 0 ] || exit 0
[ -f build/release/compile_commands.json ] || die "build/release is not there; run cmake --preset release"
lint=$(tool 23 .deps/clang-tidy/clang_tidy/data/bin/clang-tidy clang-tidy-23 clang-tidy)
say "$lint: ${#sources[@]} files"
cmake --build build/release --target referent_version_inc >/dev/null # core/version.cpp includes it
# The precompiled header is g++'s, which clang cannot read: the same header as text takes its place.
# OpenMP's header is g++'s too; without it loops are read as plain ones.
mkdir -p build/lint
sed -E "s# -Winvalid-pch -include [^ ]*/cmake_pch\.hxx# -include $root/src/torch_pch.h#; s# -fpch-preprocess##; s# -fopenmp##" \
  build/release/compile_commands.json >build/lint/compile_commands.json
# g++ warns of deprecated names while it compiles; clang also does inside g++'s own headers.
printf '%s\0' "${sources[@]}" |
  xargs -0 -n 1 -P "$(nproc)" "$lint" -p build/lint --quiet \
    --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-deprecated-declarations ||
  die "clang-tidy found what stands above"
