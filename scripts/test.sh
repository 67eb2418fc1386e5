#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sets up, builds and runs every test but the slow and GPU ones. The last line printed is
# "N passed, N failed, N skipped".
#
#   scripts/test.sh [ctest arguments]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

scripts/setup.sh --tests
build release

results=build/release/tests.xml
rm -f $results
status=0
say "testing"
ctest --test-dir build/release -LE 'slow|gpu' -j "$(nproc)" --output-on-failure --output-junit tests.xml "$@" || status=$?
[ -f $results ] || die "ctest wrote no results"
exec python3 scripts/summarize_tests.py $results $status
