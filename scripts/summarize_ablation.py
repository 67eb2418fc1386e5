#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the last evaluation of every run below a folder of scripts/ablation.sh as one table: the mean
over seeds and, where there are several, their least and largest value."""
import collections
import json
import pathlib
import sys

FIGURES = (("Prec@0.5", "prec@0.5"), ("mIoU", "mean_iou"))


def last_evaluations(run):
    """Figures of the run's last evaluation of each data set."""
    last = {}
    for line in (run / "metrics.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if entry["kind"] == "eval":
            last[entry["dataset"]] = entry
    return last


def cell(values):
    percent = [100 * value for value in values]
    mean = "%.2f" % (sum(percent) / len(percent))
    return mean if len(percent) == 1 else "%s (%.2f-%.2f)" % (mean, min(percent), max(percent))


def main():
    folder = pathlib.Path(sys.argv[1])
    results = collections.defaultdict(lambda: collections.defaultdict(list))
    for run in sorted(folder.iterdir()):
        if (run / "done").exists():
            model = run.name.rsplit("-", 1)[0]
            for dataset, entry in last_evaluations(run).items():
                results[model][dataset].append(entry)
    models = [name for name in ("none", "mmca", "law") if name in results]
    if not models:
        sys.exit("%s holds no finished run" % folder)
    datasets = list(results[models[0]])
    rows = [["conditioning", "seeds"] + ["%s %s" % (d, f) for d in datasets for f, _ in FIGURES]]
    for model in models:
        entries = results[model]
        rows.append([model, str(len(entries[datasets[0]]))] +
                    [cell([e[key] for e in entries[d]]) for d in datasets for _, key in FIGURES])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())


if __name__ == "__main__":
    main()
