# SPDX-License-Identifier: Apache-2.0
# Shared by the scripts beside it; source it.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# build PRESET [ninja arguments]: configures once and builds.
build() {
  local preset=$1
  shift
  if [ ! -f "build/$preset/build.ninja" ]; then
    say "configuring build/$preset"
    cmake --preset "$preset" >"build.$preset.log" 2>&1 || {
      cat "build.$preset.log" >&2
      die "cmake failed; what it printed stands above"
    }
    mkdir -p "build/$preset" && mv "build.$preset.log" "build/$preset/configure.log"
  fi
  say "building build/$preset"
  cmake --build "build/$preset" "$@" || die "the build failed; the first error stands above"
}
