#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the medians of `referent bench` and of a rival's modes, and rival / ours of each.

    summarize_bench.py FOLDER TITLE

FOLDER holds what each turn printed: ours.1, ours.2, ... and rival.1, rival.2, ...
"""
import collections
import json
import pathlib
import statistics
import sys


def read_ours(folder):
    return [json.loads(file.read_text())["rows"][0]["median_ms"] for file in folder.glob("ours.*")]


def read_rival(folder):
    modes = collections.defaultdict(list)
    for file in folder.glob("rival.*"):
        for line in file.read_text().splitlines():
            row = json.loads(line) if line.startswith("{") else {}
            if "median_ms" in row:
                modes[row.get("mode", "rival")].append(row["median_ms"])
    return modes


def show(name, turns, ratio=""):
    print("%-14s median %9.1f ms  (%d turns, %.1f to %.1f)%s"
          % (name, statistics.median(turns), len(turns), min(turns), max(turns), ratio))


def main():
    folder = pathlib.Path(sys.argv[1])
    ours, rival = read_ours(folder), read_rival(folder)
    if not rival:
        sys.exit("error: the rival printed no JSON line with median_ms")
    print(sys.argv[2])
    show("referent", ours)
    for mode, turns in rival.items():
        show(mode, turns, "  rival / ours %.2f" % (statistics.median(turns) / statistics.median(ours)))


main()
