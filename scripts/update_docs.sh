#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Writes docs/configuration.md anew from the configuration structs. A test holds the page to them.
#
#   scripts/update_docs.sh [PROGRAM]     default: build/release/bin/referent
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

program=${1:-build/release/bin/referent}
[ -x "$program" ] || die "there is no program $program; build it with cmake --build build/release --target referent-cli"
{
  cat <<'PAGE'
# Configuration

Every option of a run's JSON file. `/model/preset` stands for `{"model": {"preset": ...}}` in the file
and for `--set model.preset=...` on the command line; `*` is an index into an array, `{name}` a name of
your choice. An option that is not written has its default, or what `/model/preset` says.

`"extends": "base.json"`, beside the options of the file's top level, reads another file first: objects
are merged key by key, arrays and values are replaced. Paths are relative to the file they are written
in; `${NAME}` in a path stands for the environment variable.

This page is written by `scripts/update_docs.sh` from the output of `referent config docs`.

PAGE
  "$program" config docs
} >docs/configuration.md.new || die "$program config docs failed"
mv docs/configuration.md.new docs/configuration.md
say "wrote docs/configuration.md"
