#!/usr/bin/env python3
"""Runs the tests of Google's Go client (cloud.google.com/go/storage) against a Beringia of its own, JSON and gRPC.

    tools/gcs_suite/go_suite.py --binary build/release/beringia
    tools/gcs_suite/go_suite.py --testbench CHECKOUT --python VENV/bin/python

Needs `go` on the PATH. The module is that of MODULE, from the Go module proxy, unchanged; it is copied, because the
module cache is read-only. What runs are the tests that Google runs at an emulator: names that end in `Emulated`, and
TestRetryConformance, each over both transports. They inject faults over the API of Google's storage-testbench
(/retry_test), which Beringia has with `gcs_fault_injection = on`.

An emulator gets no credentials from the client. go_credentials.go adds those of a service-account key that Beringia
issued, of a principal whose only grant is to make buckets; nothing is open to who has none. It bears the name of the
account for which the retry tests make HMAC keys: everyone keeps its own keys. The estate declares where notifications
of all topics go.

With --testbench the same tests run against a checkout of googleapis/storage-testbench, for comparison.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from suite_server import SuiteServer, free_port  # noqa: E402

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
MODULE = "cloud.google.com/go/storage@v1.70.0"
TESTS = "^Test(RetryConformance|.*Emulated)$"
SERVE = "--s3-object-ownership ObjectWriter --customer-keys any --gcs-fault-injection on"
PRINCIPAL = "my-sevice-account@my-project-id.iam.gserviceaccount.com"
ESTATE = """
[[notification_target]]
name = "*"
url = "http://127.0.0.1:9/"
"""
START_TIMEOUT_S = 60.0


def go(*arguments: str, cwd: pathlib.Path | None = None) -> str:
    return subprocess.run(["go", *arguments], cwd=cwd, check=True, capture_output=True, text=True).stdout


def copy_module(work: pathlib.Path) -> pathlib.Path:
    source = work / "storage"
    if not source.exists():
        cached = json.loads(go("mod", "download", "-json", MODULE))["Dir"]
        shutil.copytree(cached, source, copy_function=shutil.copyfile)
        for directory, _, _ in os.walk(source):
            pathlib.Path(directory).chmod(0o755)
    return source


def build(work: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """The tests and the program that adds credentials, kept for the next run."""
    source = copy_module(work)
    tests, credentials = work / "storage.test", work / "credentials"
    if not tests.exists():
        go("test", "-c", "-o", str(tests), ".", cwd=source)
    go("build", "-o", str(credentials), str(pathlib.Path(__file__).with_name("go_credentials.go")))
    return tests, credentials


@contextlib.contextmanager
def running(command: list[str], log: pathlib.Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not SuiteServer.answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"nothing answers at port {port}")
        time.sleep(0.05)


@contextlib.contextmanager
def beringia(options: argparse.Namespace, credentials: pathlib.Path, directory: pathlib.Path) -> Iterator[tuple[int, int]]:
    server = SuiteServer(options.binary.resolve(), directory)
    server.start(["key2"], ["--s3", "off", "--gcs", f"127.0.0.1:{server.port}", *options.serve.split()])
    try:
        estate, key = directory / "estate.toml", directory / "key.json"
        estate.write_text(ESTATE)
        server.run("apply", "--yes", str(estate))
        server.run("principals", "create", PRINCIPAL)
        server.run("grants", "add", "suite", "--principal", PRINCIPAL, "--prefix", "/", "--role", "creator")
        key.write_text(server.run("keys", "create", "--principal", PRINCIPAL, "--kind", "service-account"))
        http, grpc = free_port(), free_port()
        command = [str(credentials), str(key), f"127.0.0.1:{server.port}", f"127.0.0.1:{http}", f"127.0.0.1:{grpc}"]
        with running(command, directory / "credentials.log") as process:
            wait_for(http, process)
            wait_for(grpc, process)
            yield http, grpc
        if server.process.poll() is not None:
            raise SystemExit("the server ended during the run")
    finally:
        server.stop()
        if options.server_log:
            shutil.copyfile(directory / "server.log", options.server_log)


@contextlib.contextmanager
def testbench(options: argparse.Namespace, directory: pathlib.Path) -> Iterator[tuple[int, int]]:
    http, grpc = free_port(), free_port()
    # As its own testbench_run.py starts it.
    command = [options.python, "-m", "gunicorn", f"--bind=127.0.0.1:{http}", "--worker-class=sync", "--threads=10",
               f"--chdir={options.testbench}", "testbench:run()"]  # fmt: skip
    with running(command, directory / "testbench.log") as process:
        wait_for(http, process)
        with urllib.request.urlopen(f"http://127.0.0.1:{http}/start_grpc?port={grpc}", timeout=START_TIMEOUT_S):
            pass
        wait_for(grpc, process)
        yield http, grpc


def transport_of(test: str) -> str:
    words = re.split(r"[/_-]", test.lower())
    return "gRPC" if "grpc" in words else "JSON" if "http" in words else "both"


def report(output: pathlib.Path, failures: pathlib.Path | None) -> int:
    """Counts tests and subtests, as `go test -v` tells of them."""
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    failed = []
    for line in output.read_text(errors="replace").splitlines():
        if found := re.match(r"\s*--- (PASS|FAIL|SKIP): (\S+)", line):
            verdict, test = found.groups()
            counts[transport_of(test)][verdict] += 1
            if verdict == "FAIL":
                failed.append(test)
    print(f"{'transport':<12}{'passed':>8}{'failed':>8}{'skipped':>9}")
    total: collections.Counter[str] = collections.Counter()
    for transport in ("JSON", "gRPC", "both"):
        count = counts[transport]
        total += count
        print(f"{transport:<12}{count['PASS']:>8}{count['FAIL']:>8}{count['SKIP']:>9}")
    print(f"{'all':<12}{total['PASS']:>8}{total['FAIL']:>8}{total['SKIP']:>9}")
    if failures is not None:
        failures.write_text("".join(test + "\n" for test in sorted(failed)))
    return total["FAIL"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=pathlib.Path, default=REPOSITORY / "build/release/beringia")
    parser.add_argument("--testbench", type=pathlib.Path, help="a checkout of googleapis/storage-testbench instead")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has the testbench's requirements")
    parser.add_argument("--work", type=pathlib.Path, help="where to keep the module and its tests between runs")
    parser.add_argument("--run", default=TESTS, help="as go test's")
    parser.add_argument("--skip", default="^$", help="as go test's")
    parser.add_argument("--timeout", type=int, default=1800, help="seconds for all of it")
    parser.add_argument("--failures", type=pathlib.Path, help="where to write the names of the failed tests")
    parser.add_argument("--output", type=pathlib.Path, help="where to write what the tests said")
    parser.add_argument("--server-log", type=pathlib.Path, help="where to write what the server said")
    parser.add_argument("--serve", default=SERVE, help="further flags of serve")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="go-suite-") as temporary:
        directory = pathlib.Path(temporary)
        work = options.work.resolve() if options.work else directory
        work.mkdir(parents=True, exist_ok=True)
        tests, credentials = build(work)
        server = testbench(options, directory) if options.testbench else beringia(options, credentials, directory)
        with server as (http, grpc):
            environment = os.environ | {
                "STORAGE_EMULATOR_HOST": f"http://localhost:{http}",
                "STORAGE_EMULATOR_HOST_GRPC": f"localhost:{grpc}",
            }
            output = options.output or directory / "output"
            with output.open("wb") as log:
                subprocess.run([str(tests), "-test.v", "-test.short", f"-test.run={options.run}", f"-test.skip={options.skip}",
                                f"-test.timeout={options.timeout}s"], cwd=work / "storage", env=environment,
                               timeout=options.timeout + 60, check=False, stdout=log, stderr=log)  # fmt: skip
        return 1 if report(output, options.failures) else 0


if __name__ == "__main__":
    sys.exit(main())
