#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Writes the public headers as HTML into build/docs with Doxygen; fails on any warning.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

command -v doxygen >/dev/null || die "doxygen is not there; run scripts/setup.sh --dev"
mkdir -p build
doxygen docs/Doxyfile || die "Doxygen found what stands above"
say "wrote build/docs/index.html"
