"""What a public suite run by pytest came to (tools/gcs_suite), from its JUnit file."""

from __future__ import annotations

import collections
import pathlib
import xml.etree.ElementTree as ElementTree


def report(results: pathlib.Path, failures: pathlib.Path | None) -> int:
    passed: collections.Counter[str] = collections.Counter()
    failed: collections.Counter[str] = collections.Counter()
    skipped: collections.Counter[str] = collections.Counter()
    lines = []
    for case in ElementTree.parse(results).iter("testcase"):
        family = case.get("classname", "").rsplit(".", 1)[-1]
        bad = [child for child in case if child.tag in ("failure", "error")]
        if bad:
            failed[family] += 1
            message = (bad[0].get("message") or "").splitlines()
            lines.append(f"{case.get('name', '')}\t{message[0][:300] if message else ''}")
        elif case.find("skipped") is not None:
            skipped[family] += 1
        else:
            passed[family] += 1
    print(f"{'family':<34}{'passed':>8}{'failed':>8}{'skipped':>9}")
    for family in sorted(set(passed) | set(failed) | set(skipped)):
        print(f"{family:<34}{passed[family]:>8}{failed[family]:>8}{skipped[family]:>9}")
    print(f"{'all':<34}{sum(passed.values()):>8}{sum(failed.values()):>8}{sum(skipped.values()):>9}")
    if failures is not None:
        failures.write_text("\n".join(sorted(lines)) + "\n")
    return sum(failed.values())
