"""Runs a job of PySpark or PyFlink in a virtual environment of its own."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess

TIMEOUT_S = 900


def environment_with(package: str, work: pathlib.Path) -> pathlib.Path:
    """The Python of it; `package` is pinned: `name==version`."""
    directory = work / package.replace("==", "-")
    python = directory / "bin" / "python"
    if not (directory / "complete").is_file():
        subprocess.run(["python3", "-m", "venv", directory], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", package, "setuptools<81"], check=True, timeout=TIMEOUT_S)
        (directory / "complete").touch()
    return python


def seen_by(python: pathlib.Path, job: str, settings: dict[str, object], directory: pathlib.Path, java: str) -> dict[str, object]:
    """What the job printed as JSON after "SEEN "."""
    directory.mkdir(parents=True, exist_ok=True)
    path = pathlib.Path(java).resolve()
    home = {"JAVA_HOME": str(path.parents[1])} if path.is_absolute() and path.is_file() else {}
    done = subprocess.run(
        [python, pathlib.Path(__file__).with_name(job), json.dumps(settings)], cwd=directory, capture_output=True, text=True,
        timeout=TIMEOUT_S, env=os.environ | home | {"PYSPARK_PYTHON": str(python)},
    )  # fmt: skip
    for line in done.stdout.splitlines():
        if line.startswith("SEEN "):
            return json.loads(line[5:])
    raise SystemExit(f"{job}: {(done.stdout + done.stderr)[-4000:]}")


def differences(seen: dict[str, object], expected: dict[str, object]) -> list[str]:
    return [f"{name}: {seen.get(name)} and not {value}" for name, value in expected.items() if seen.get(name) != value]
