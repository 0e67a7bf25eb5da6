"""Flink's SQL over its S3 file system: the sink commits files by multipart uploads at checkpoints."""

from __future__ import annotations

import pathlib

from artifacts import fetch
from lake import Lake
from python_job import differences, environment_with, seen_by

VERSION = "2.3.0"
EXPECTED = {"batch": [10_000, 49_995_000], "partitions": 5, "streamed": 20_000, "pending": 0}
TOTAL = len(EXPECTED)


def run(lake: Lake, work: pathlib.Path, java: str) -> list[str]:
    python = environment_with(f"apache-flink=={VERSION}", work)
    plugin = fetch(f"org.apache.flink:flink-s3-fs-hadoop:{VERSION}", work / "flink")
    settings = {"url": lake.url, "access_key": lake.access_key, "secret_key": lake.secret_key, "root": f"s3://{lake.bucket}/flink", "plugin": str(plugin)}
    seen = seen_by(python, "flink_job.py", settings, lake.directory / "flink", java)
    seen["pending"] = sum(".inprogress" in key or "_tmp_" in key for key in lake.keys())
    return differences(seen, EXPECTED)
