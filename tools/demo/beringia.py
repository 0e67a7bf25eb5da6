"""Starts and ends one Beringia, and runs its command line, for the demo."""

import json
import os
import secrets
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 30


class CommandFailed(RuntimeError):
    """A command of the binary ended with an error; the text is what it said."""


def binary():
    path = Path(os.environ.get("BERINGIA_BINARY", ROOT / "build" / "release" / "beringia"))
    if not path.is_file():
        raise SystemExit(f"{path} is not there: run ./beringia.sh build")
    return str(path)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Beringia:
    """One server with its data in `directory`; objects on premises in directory/lake."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.lake = self.directory / "lake"
        self.log = self.directory / "beringia.log"
        self.lake.mkdir(parents=True, exist_ok=True)
        self.s3_port, self.gcs_port, self.admin_port = free_port(), free_port(), free_port()
        self.access_key = "BR" + secrets.token_hex(9).upper()
        self.secret_key = secrets.token_hex(20)
        self.process = None
        self.started_in_s = 0.0

    @property
    def s3_url(self):
        return f"http://127.0.0.1:{self.s3_port}"

    @property
    def gcs_url(self):
        return f"http://127.0.0.1:{self.gcs_port}"

    @property
    def environment(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "GOOGLE_", "STORAGE_"))}
        return kept | {
            "BERINGIA_ROOT_ACCESS_KEY": self.access_key,
            "BERINGIA_ROOT_SECRET_KEY": self.secret_key,
            "BERINGIA_ADMIN": f"http://127.0.0.1:{self.admin_port}",
        }

    def start(self):
        command = [binary(), "serve", "--data", str(self.directory / "data"),
                   "--mount", f"/=file://{self.lake}",
                   "--s3", f"127.0.0.1:{self.s3_port}",
                   "--gcs", f"127.0.0.1:{self.gcs_port}",
                   "--admin", f"127.0.0.1:{self.admin_port}"]
        begun = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment, cwd=self.directory)
        while not all(self._answers(p) for p in (self.s3_port, self.gcs_port, self.admin_port)):
            if self.process.poll() is not None or time.monotonic() - begun > START_TIMEOUT_S:
                raise CommandFailed("beringia did not start:\n" + self.log_tail())
            time.sleep(0.01)
        self.started_in_s = time.monotonic() - begun

    @staticmethod
    def _answers(port):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            return False

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.process = None
        if code != 0:
            raise CommandFailed(f"beringia ended with {code}:\n" + self.log_tail())

    def kill(self):
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def memory_mb(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0

    def log_tail(self, lines=30):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def run(self, *arguments, timeout=600):
        done = subprocess.run([binary(), *arguments], env=self.environment, capture_output=True,
                              text=True, timeout=timeout, cwd=self.directory)
        if done.returncode != 0:
            raise CommandFailed(f"beringia {' '.join(arguments)} failed:\n{done.stderr}{done.stdout}")
        return done.stdout

    def run_json(self, *arguments, timeout=600):
        return json.loads(self.run(*arguments, "--json", timeout=timeout))

    def healthy(self):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/health", timeout=5).read()
            return True
        except OSError:
            return False
