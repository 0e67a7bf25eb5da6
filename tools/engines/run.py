#!/usr/bin/env python3
"""Runs an engine or client against a Beringia of its own: those that are too large for the tests of each change.

    tools/engines/run.py trino|hive|flink|hudi|iceberg|java_storage|node_storage|gsutil|gcloud|gcsfuse|gcsfuse_folders --work DIR [--java JAVA]

Their artifacts come from Maven Central, PyPI, npm and the Go proxy, pinned, into DIR. JAVA: Trino 476 needs Java 24 or later, the others 17; gcsfuse_folders: the Python of the tests.
Needs BERINGIA_BINARY or build/release/beringia. Prints what failed, and a closing line; ends with 0 if nothing did.
"""

from __future__ import annotations

import argparse
import importlib
import pathlib

from lake import serving

ENGINES = ("trino", "hive", "flink", "hudi", "iceberg", "java_storage", "node_storage", "gsutil", "gcloud", "gcsfuse", "gcsfuse_folders")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--java", default="java")
    options = parser.parse_args()
    engine = importlib.import_module(options.engine)
    with serving("lake", tls=getattr(engine, "TLS", False)) as lake:
        failed = engine.run(lake, options.work.resolve(), options.java)
    for line in failed:
        print("failed:", line)
    print(f"{options.engine}: {engine.TOTAL - len(failed)} of {engine.TOTAL} statements as expected")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
