"""Fixtures of the command line tests (imported by name: pytest knows one conftest): servers with flags of one's own choice, and a client of each."""

from __future__ import annotations

import json
import os
import pathlib
import secrets
import signal
import subprocess
import time
import urllib.error
import urllib.request

import boto3
import botocore.config
import pytest

from serving import answers, binary, free_port

START_TIMEOUT_S = 20.0


class Process:
    """One `beringia serve` with exactly the flags that a test gives, in a directory that outlives it."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.s3_port, self.gcs_port, self.admin_port = free_port(), free_port(), free_port()
        self.access_key = "BR" + secrets.token_hex(9).upper()
        self.secret_key = secrets.token_hex(20)
        self.process: subprocess.Popen | None = None
        self.log = directory / "server.log"

    @property
    def data(self) -> pathlib.Path:
        return self.directory / "data"

    def environment(self, **more: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "GOOGLE_", "BERINGIA_", "STORAGE_"))}
        own = {"BERINGIA_ROOT_ACCESS_KEY": self.access_key, "BERINGIA_ROOT_SECRET_KEY": self.secret_key}
        return kept | own | more

    def flags(self, *more: str) -> list[str]:
        return ["serve", "--data", str(self.data),
                "--s3", f"127.0.0.1:{self.s3_port}",
                "--gcs", f"127.0.0.1:{self.gcs_port}",
                "--admin", f"127.0.0.1:{self.admin_port}", *more]  # fmt: skip

    def start(self, *more: str, environment: dict[str, str] | None = None) -> float:
        """@return seconds until all doors answer"""
        begun = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([str(binary()), *self.flags(*more)], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd=self.directory,
                                            env=environment or self.environment())  # fmt: skip
        while not all(answers(port) for port in (self.s3_port, self.gcs_port, self.admin_port)):
            if self.process.poll() is not None or time.monotonic() > begun + START_TIMEOUT_S:
                text = self.text()
                self.kill()
                raise RuntimeError(f"beringia did not start:\n{text}")
            time.sleep(0.01)
        return time.monotonic() - begun

    def text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def terminate(self, number: int = signal.SIGTERM, timeout: float = 20) -> int:
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def fails_to_start(self, *more: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        """Runs serve, which must end by itself."""
        done = subprocess.run([str(binary()), *self.flags(*more)], capture_output=True, text=True, timeout=20,
                              cwd=self.directory, env=environment or self.environment(), check=False)  # fmt: skip
        assert done.returncode != 0, done.stdout + done.stderr
        return done

    def run(self, *arguments: str, check: bool = True, **more: str) -> subprocess.CompletedProcess:
        environment = self.environment(BERINGIA_ADMIN=f"http://127.0.0.1:{self.admin_port}") | more
        done = subprocess.run([str(binary()), *arguments], env=environment, capture_output=True, text=True,
                              timeout=60, check=False, cwd=self.directory, stdin=subprocess.DEVNULL)  # fmt: skip
        assert not check or done.returncode == 0, f"{arguments}: {done.stderr}{done.stdout}"
        return done

    def json(self, *arguments: str):
        return json.loads(self.run(*arguments, "--json").stdout)

    def s3(self, access_key: str | None = None, secret_key: str | None = None):
        return boto3.client(
            "s3", endpoint_url=f"http://127.0.0.1:{self.s3_port}", region_name="us-east-1",
            aws_access_key_id=access_key or self.access_key, aws_secret_access_key=secret_key or self.secret_key,
            config=botocore.config.Config(retries={"max_attempts": 0}, signature_version="s3v4", s3={"addressing_style": "path"},
                                          connect_timeout=5, read_timeout=30))  # fmt: skip

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


@pytest.fixture
def make_process(tmp_path_factory):
    """Servers that are not started yet; what still runs at the end is killed."""
    made: list[Process] = []

    def make() -> Process:
        made.append(Process(tmp_path_factory.mktemp("cli")))
        return made[-1]

    yield make
    for one in made:
        one.kill()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One server for the tests that change nothing others look at."""
    process = Process(tmp_path_factory.mktemp("running"))
    process.start()
    yield process
    assert process.terminate() == 0, process.text()
