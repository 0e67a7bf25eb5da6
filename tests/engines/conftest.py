"""Query engines as their users run them: pinned artifacts of the package registries, kept in build/engines."""

from __future__ import annotations

import pathlib
import shutil
import subprocess

import pytest

from serving import REPOSITORY

ARTIFACTS = (
    "org.apache.hadoop:hadoop-aws:3.4.1",
    "software.amazon.awssdk:bundle:2.24.6",
    "org.apache.spark:spark-hadoop-cloud_2.13:4.0.1",
)
DOWNLOAD_TIMEOUT_S = 420


@pytest.fixture(scope="session")
def jars() -> list[pathlib.Path]:
    """S3A with the AWS SDK v2, and Spark's side of its committers."""
    if shutil.which("java") is None or shutil.which("mvn") is None:
        pytest.skip("there is no java and mvn: apt-get install openjdk-17-jre-headless maven")
    directory = REPOSITORY / "build" / "engines"
    found = []
    for artifact in ARTIFACTS:
        _, name, version = artifact.split(":")
        jar = directory / f"{name}-{version}.jar"
        if not jar.is_file():
            done = subprocess.run(
                ["mvn", "-B", "-q", "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy", f"-Dartifact={artifact}",
                 f"-DoutputDirectory={directory}"],
                capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, cwd="/",
            )  # fmt: skip
            if done.returncode != 0:
                pytest.skip(f"{artifact} cannot be had: {done.stdout[-500:]}")
        found.append(jar)
    return found
