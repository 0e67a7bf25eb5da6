"""Google's client for Java (google-cloud-storage) at the GCS door: objects, lists, batches, signatures, settings, versions."""

from __future__ import annotations

import pathlib
import subprocess

from artifacts import fetch_all
from lake import Lake

CLIENT = "com.google.cloud:google-cloud-storage:2.62.1"
PROGRAM = pathlib.Path(__file__).with_name("StorageCheck.java")
TOTAL = PROGRAM.read_text().count('    check("')
TIMEOUT_S = 600


def run(lake: Lake, work: pathlib.Path, java: str) -> list[str]:
    directory = work / "java_storage"
    fetch_all([CLIENT], directory)
    done = subprocess.run(
        [java, "-cp", f"{directory}/*", str(PROGRAM), lake.gcs_url, str(lake.key_file()), "java-check"],
        cwd=lake.directory, capture_output=True, text=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    failed = [line.removeprefix("failed ") for line in lines if line.startswith("failed ")]
    missing = TOTAL - len(failed) - sum(line.startswith("ok ") for line in lines)
    if missing:
        failed += [f"a check that did not run: {done.stderr[-500:]}"] * missing
    return failed
