"""Hudi tables (copy on write and merge on read) written by Spark 3.5 over S3A with the AWS SDK v1."""

from __future__ import annotations

import pathlib

from artifacts import fetch
from lake import Lake
from python_job import differences, environment_with, seen_by

JARS = ("org.apache.hudi:hudi-spark3.5-bundle_2.12:1.0.2", "org.apache.hadoop:hadoop-aws:3.3.4", "com.amazonaws:aws-java-sdk-bundle:1.12.262")
EXPECTED: dict[str, object] = {}
for kind in ("COPY_ON_WRITE", "MERGE_ON_READ"):
    EXPECTED |= {f"{kind} inserted": 1000, f"{kind} upserted": [1100, 200], f"{kind} deleted": 1050, f"{kind} as it was": 1000,
                 f"{kind} commits": 3}  # fmt: skip
TOTAL = len(EXPECTED)


def run(lake: Lake, work: pathlib.Path, java: str) -> list[str]:
    jars = [str(fetch(artifact, work / "hudi")) for artifact in JARS]
    settings = {"url": lake.url, "access_key": lake.access_key, "secret_key": lake.secret_key, "root": f"s3a://{lake.bucket}/hudi", "jars": jars}
    return differences(seen_by(environment_with("pyspark==3.5.5", work), "hudi_job.py", settings, lake.directory / "hudi", java), EXPECTED)
