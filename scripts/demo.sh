#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sets up, builds, then makes a small data set of coloured shapes, trains MMCA on it, evaluates it
# and grounds six held-out scenes. The pictures are under demo/.
#
#   scripts/demo.sh [arguments of `referent demo`]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

scripts/setup.sh
build release --target referent-cli
exec build/release/bin/referent demo "$@"
