"""The server that a public suite is run against (tools/s3_suite, tools/gcs_suite)."""

from __future__ import annotations

import base64
import contextlib
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterable

START_TIMEOUT_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class SuiteServer:
    """One `beringia serve` over a directory of its own, and its command line as root."""

    def __init__(self, binary: pathlib.Path, directory: pathlib.Path, scheme: str = "http"):
        self.binary, self.directory = binary, directory
        self.port, self.admin_port = free_port(), free_port()
        self.environment = os.environ | {
            "BERINGIA_ROOT_ACCESS_KEY": "BR" + secrets.token_hex(9).upper(),
            "BERINGIA_ROOT_SECRET_KEY": secrets.token_hex(20),
            "BERINGIA_ADMIN": f"{scheme}://127.0.0.1:{self.admin_port}",
        }

    def start(self, key_names: Iterable[str], flags: list[str]) -> None:
        """`key_names`: of the keys in its file of encryption keys. Returns when it answers at `port` and `admin_port`."""
        keys = self.directory / "encryption-keys"
        keys.touch(mode=0o600)
        keys.write_text("".join(f"{name} {base64.b64encode(secrets.token_bytes(32)).decode()}\n" for name in key_names))
        objects = self.directory / "objects"
        objects.mkdir()
        self.log = (self.directory / "server.log").open("wb")
        self.process = subprocess.Popen(
            [str(self.binary), "serve", "--data", str(self.directory / "data"), "--mount", f"/=file://{objects}",
             "--freshness", "exclusive", "--admin", f"127.0.0.1:{self.admin_port}", "--encryption-keys", str(keys), *flags],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=self.environment,
        )  # fmt: skip
        deadline = time.monotonic() + START_TIMEOUT_S
        for port in (self.port, self.admin_port):
            while not self.answers(port):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise SystemExit(f"no server: {(self.directory / 'server.log').read_text(errors='replace')[-2000:]}")
                time.sleep(0.05)

    @staticmethod
    def answers(port: int) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(self.binary), *arguments], env=self.environment, capture_output=True, text=True, timeout=60
        )
        if done.returncode != 0:
            raise SystemExit(f"beringia {' '.join(arguments[:2])}: {done.stderr}")
        return done.stdout

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
