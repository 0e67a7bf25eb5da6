"""Starts one `beringia serve` for the tests of real clients, and tells how to reach it.

The binary is $BERINGIA_BINARY, else build/release/beringia, else build/dev/beringia. Every server has its own
temporary directory and free ports, and is ended (and its end judged) by the fixture that began it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 20.0


def binary() -> pathlib.Path:
    """The program under test."""
    named = os.environ.get("BERINGIA_BINARY")
    candidates = [named] if named else ["build/release/beringia", "build/dev/beringia"]
    for candidate in candidates:
        path = (REPOSITORY / candidate).resolve()
        if path.is_file():
            return path
    pytest.exit(f"no beringia binary at {' or '.join(candidates)}: build it or set BERINGIA_BINARY", 2)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclasses.dataclass
class Server:
    """A running server. Directories: data (catalog), objects (what is mounted at /)."""

    directory: pathlib.Path
    s3_port: int
    gcs_port: int
    admin_port: int
    access_key: str
    secret_key: str
    process: subprocess.Popen | None = None
    extra: tuple[str, ...] = ()

    region = "us-east-1"

    @property
    def s3_url(self) -> str:
        return f"http://127.0.0.1:{self.s3_port}"

    @property
    def gcs_url(self) -> str:
        return f"http://127.0.0.1:{self.gcs_port}"

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.admin_port}"

    @property
    def data(self) -> pathlib.Path:
        return self.directory / "data"

    @property
    def objects(self) -> pathlib.Path:
        return self.directory / "objects"

    @property
    def log(self) -> pathlib.Path:
        return self.directory / "server.log"

    def environment(self) -> dict[str, str]:
        """For the server and for its command line tools."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GOOGLE_"))}
        return kept | {
            "BERINGIA_ROOT_ACCESS_KEY": self.access_key,
            "BERINGIA_ROOT_SECRET_KEY": self.secret_key,
        }

    def start(self) -> None:
        self.objects.mkdir(parents=True, exist_ok=True)
        command = [
            str(binary()), "serve",
            "--data", str(self.data),
            "--mount", f"/=file://{self.objects}",
            "--s3", f"127.0.0.1:{self.s3_port}",
            "--gcs", f"127.0.0.1:{self.gcs_port}",
            "--admin", f"127.0.0.1:{self.admin_port}",
            *self.extra,
        ]  # fmt: skip
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment(), cwd=self.directory
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        for port in (self.s3_port, self.gcs_port, self.admin_port):
            while not answers(port):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.kill()
                    raise RuntimeError(f"beringia did not start: {self.log.read_text(errors='replace')[-4000:]}")
                time.sleep(0.02)

    def stop(self) -> int:
        """SIGTERM, and what it ended with."""
        if self.process is None:
            return 0
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise RuntimeError("beringia did not end after SIGTERM") from None

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            process, self.process = self.process, None
            process.kill()
            process.wait()

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        """Runs a command of the binary against this server's admin address as root."""
        environment = self.environment() | {"BERINGIA_ADMIN": self.admin_url}
        return subprocess.run(
            [str(binary()), *arguments], env=environment, capture_output=True, text=True, check=check, timeout=60
        )

    def run_json(self, *arguments: str):
        return json.loads(self.run(*arguments, "--json").stdout)


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
