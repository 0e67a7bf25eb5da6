"""Google's client for Node (@google-cloud/storage) at the GCS door: objects, streams, parallel transfers, access, settings. Needs node and npm."""

from __future__ import annotations

import pathlib
import subprocess

from lake import Lake

CLIENT = "@google-cloud/storage@8.4.0"
PROGRAM = pathlib.Path(__file__).with_name("storage_check.mjs")
TOTAL = PROGRAM.read_text().count('\nawait check("')
TIMEOUT_S = 600


def modules(work: pathlib.Path) -> pathlib.Path:
    directory = work / "node_storage"
    directory.mkdir(parents=True, exist_ok=True)
    told = directory / "client.txt"
    if not told.is_file() or told.read_text() != CLIENT:
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(directory), CLIENT]
        subprocess.run(command, check=True, timeout=TIMEOUT_S)
        told.write_text(CLIENT)
    return directory / "node_modules"


def run(lake: Lake, work: pathlib.Path, java: str) -> list[str]:
    command = ["node", str(PROGRAM), str(modules(work)), lake.gcs_url.replace("127.0.0.1", "localhost"), str(lake.key_file()), str(lake.directory)]
    done = subprocess.run(command, cwd=lake.directory, capture_output=True, text=True, timeout=TIMEOUT_S)
    lines = done.stdout.splitlines()
    failed = [line.removeprefix("failed ") for line in lines if line.startswith("failed ")]
    missing = TOTAL - len(failed) - sum(line.startswith("ok ") for line in lines)
    if missing:
        failed += [f"a check that did not run: {done.stderr[-500:]}"] * missing
    return failed
