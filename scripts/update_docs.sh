#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Writes docs/configuration.md anew from the configuration structs, and docs/commands.md from the
# command line. Tests hold the pages to them.
#
#   scripts/update_docs.sh [PROGRAM]     default: build/release/bin/referent
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

program=${1:-build/release/bin/referent}
[ -x "$program" ] || die "there is no program $program; build it with cmake --build build/release --target referent-cli"

# write PAGE ARGUMENTS...: the head on standard input, then what the program prints.
write() {
  local page=$1
  shift
  { cat && "$program" "$@"; } >"$page.new" || die "$program $* failed"
  mv "$page.new" "$page"
  say "wrote $page"
}

write docs/configuration.md config docs <<'PAGE'
# Configuration

Every option of a run's JSON file. `/model/preset` stands for `{"model": {"preset": ...}}` in the file
and for `--set model.preset=...` on the command line; `*` is an index into an array, `{name}` a name of
your choice. An option that is not written has its default, or what `/model/preset` says.

`"extends": "base.json"`, beside the options of the file's top level, reads another file first: objects
are merged key by key, arrays and values are replaced. Paths are relative to the file they are written
in; `${NAME}` in a path stands for the environment variable.

This page is written by `scripts/update_docs.sh` from the output of `referent config docs`.

PAGE

write docs/commands.md reference <<'PAGE'
# Commands

Every command of `referent`, its arguments in capitals and its options; the README shows them at work.
`--help` after any of them prints the same. Results go to standard output, all else to standard error.

This page is written by `scripts/update_docs.sh` from the output of `referent reference`.

PAGE
