"""Iceberg's own S3FileIO (AWS SDK for Java v2) below Spark 4: data, deletes, branches and metadata of tables."""

from __future__ import annotations

import pathlib

from artifacts import fetch
from lake import Lake
from python_job import differences, environment_with, seen_by

JARS = ("org.apache.iceberg:iceberg-spark-runtime-4.0_2.13:1.10.1", "org.apache.iceberg:iceberg-aws-bundle:1.10.1")
EXPECTED: dict[str, object] = {
    "created": [10_000, 49_995_000], "by partition": 2000, "updated": 500, "deleted": 9_000, "merged": 10_500, "as it was": 10_000,
    "branch": 10_501, "main": 10_500, "rewritten": 10_500, "of this store": True, "purged": 0,
}  # fmt: skip
TOTAL = len(EXPECTED)


def run(lake: Lake, work: pathlib.Path, java: str) -> list[str]:
    jars = [str(fetch(artifact, work / "iceberg")) for artifact in JARS]
    settings = {"url": lake.url, "access_key": lake.access_key, "secret_key": lake.secret_key, "root": f"s3://{lake.bucket}/iceberg", "jars": jars}
    seen = seen_by(environment_with("pyspark==4.0.1", work), "iceberg_job.py", settings, lake.directory / "iceberg", java)
    seen["purged"] = sum(key.endswith(".parquet") for key in lake.keys())
    return differences(seen, EXPECTED)
