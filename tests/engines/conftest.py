"""Query engines as their users run them: pinned artifacts of the package registries, kept in build/engines."""

from __future__ import annotations

import collections.abc
import pathlib
import shutil
import subprocess

import pytest

from serving import REPOSITORY

S3A = (
    "org.apache.hadoop:hadoop-aws:3.4.1",
    "software.amazon.awssdk:bundle:2.24.6",
    "org.apache.spark:spark-hadoop-cloud_2.13:4.0.1",
)
DOWNLOAD_TIMEOUT_S = 420


def fetched(artifact: str) -> pathlib.Path:
    """`group:name:version[:packaging:classifier]`, or the test is skipped, saying why."""
    if shutil.which("java") is None or shutil.which("mvn") is None:
        pytest.skip("there is no java and mvn: apt-get install openjdk-17-jre-headless maven")
    directory = REPOSITORY / "build" / "engines"
    _, name, version, *more = artifact.split(":")
    jar = directory / f"{'-'.join([name, version, *more[1:]])}.jar"
    if not jar.is_file():
        done = subprocess.run(
            ["mvn", "-B", "-q", "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy", f"-Dartifact={artifact}",
             f"-DoutputDirectory={directory}"],
            capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, cwd="/",
        )  # fmt: skip
        if done.returncode != 0:
            pytest.skip(f"{artifact} cannot be had: {done.stdout[-500:]}")
    return jar


@pytest.fixture(scope="session")
def jars() -> list[pathlib.Path]:
    """S3A with the AWS SDK v2, and Spark's side of its committers."""
    return [fetched(artifact) for artifact in S3A]


@pytest.fixture(scope="session")
def gcs_connector() -> collections.abc.Callable[[str], pathlib.Path]:
    """Google's connector for Hadoop of a version, with all it needs."""
    return lambda version: fetched(f"com.google.cloud.bigdataoss:gcs-connector:{version}:jar:shaded")
