#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints why tests were skipped and, last, "N passed, N failed, N skipped" of a ctest JUnit file.

    summarize_tests.py RESULTS.xml CTEST_STATUS

Exits with 1 when a test failed, when ctest itself did, or when nothing ran.
"""
import collections
import re
import sys
import xml.etree.ElementTree as ElementTree


def main():
    cases = ElementTree.parse(sys.argv[1]).getroot().iter("testcase")
    counts = collections.Counter()
    reasons = collections.Counter()
    for case in cases:
        status = {"run": "passed", "fail": "failed"}.get(case.get("status"), "skipped")
        counts[status] += 1
        if status == "skipped":
            output = case.findtext("system-out") or ""
            found = re.search(r"Skipped\n(.*?)\n*\[  SKIPPED", output, re.DOTALL)
            reasons[found.group(1).strip() if found else "not run: " + case.get("name")] += 1
        elif status == "failed":
            print("failed:", case.get("name"))
    for reason, number in reasons.most_common():
        print("skipped %d: %s" % (number, reason))
    print("%d passed, %d failed, %d skipped" % (counts["passed"], counts["failed"], counts["skipped"]))
    return 1 if counts["failed"] or int(sys.argv[2]) or not counts["passed"] else 0


sys.exit(main())
