#!/usr/bin/env python3
"""Runs the system tests of Google's Python client (googleapis/python-storage) against a Beringia of its own.

    git clone https://github.com/googleapis/python-storage SUITE
    python3 -m venv VENV && VENV/bin/pip install -e SUITE[grpc] google-cloud-testutils google-cloud-kms \\
        google-cloud-iam mock pytest pytest-asyncio pytest-rerunfailures brotli
    tools/gcs_suite/run.py SUITE --python VENV/bin/python --binary build/release/beringia

The suite stays outside of this repository and unchanged, but for two large files of its test data: where the
checkout lacks them, files of the same size are made (one with the CRC32C that a test names). It runs as a principal
of its own whose only grant is to make buckets, with a service-account key that Beringia issued; nothing but the
address of the endpoint tells the client where it is. The server has a temporary directory and free ports; lists are
on in new buckets as at Google's (s3_object_ownership), customers' keys are taken without TLS (customer_keys = any),
and the key file has the two Cloud KMS keys that the suite names, by their full names.

Skipped by the suite itself: what it says cannot be run at another endpoint, needs a second project to bill, or a
universe domain. Not run (-k): the suite's tests of Pub/Sub and of zonal buckets, which speak gRPC to Google.
"""

from __future__ import annotations

import argparse
import base64
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from suite_report import report  # noqa: E402
from suite_server import SuiteServer  # noqa: E402

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PROJECT = "lake"
KEYS = tuple(
    f"projects/{PROJECT}/locations/us/keyRings/gcs-test/cryptoKeys/{name}" for name in ("gcs-test", "gcs-test-alternate")
)
SERVE = "--s3-object-ownership ObjectWriter --customer-keys any"
# Its sum is written in the test that uploads it.
RANDOM_FILE, RANDOM_BYTES, RANDOM_CRC32C = "random_9_MiB_file", 9 << 20, "20tD7w=="
ZIP_FILE, ZIP_BYTES = "five-point-one-mb-file.zip", 5_347_737


def crc32c_table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


def bytes_with_crc32c(size: int, wanted: int) -> bytes:
    """Any bytes of that size with that CRC32C: the last four are computed backwards."""
    table = crc32c_table()
    by_top = {entry >> 24: index for index, entry in enumerate(table)}
    data = os.urandom(size - 4)
    state = 0xFFFFFFFF
    for byte in data:
        state = (state >> 8) ^ table[(state ^ byte) & 0xFF]
    target = wanted ^ 0xFFFFFFFF
    indexes = []
    for _ in range(4):
        index = by_top[target >> 24]
        indexes.append(index)
        target = ((target ^ table[index]) << 8) & 0xFFFFFFFF
    tail = bytearray()
    for index in reversed(indexes):
        tail.append((state ^ index) & 0xFF)
        state = (state >> 8) ^ table[index]
    return data + bytes(tail)


def make_missing_data(suite: pathlib.Path) -> None:
    data = suite / "tests/data"
    if not (data / ZIP_FILE).exists():
        (data / ZIP_FILE).write_bytes(os.urandom(ZIP_BYTES))
    if not (data / RANDOM_FILE).exists():
        wanted = int.from_bytes(base64.b64decode(RANDOM_CRC32C), "big")
        (data / RANDOM_FILE).write_bytes(bytes_with_crc32c(RANDOM_BYTES, wanted))


def start_server(binary: pathlib.Path, directory: pathlib.Path, extra: list[str]) -> SuiteServer:
    server = SuiteServer(binary, directory)
    server.start(KEYS, ["--s3", "off", "--gcs", f"127.0.0.1:{server.port}", "--instance", PROJECT, *extra])
    return server


def write_key_file(server: SuiteServer, path: pathlib.Path, role: str) -> None:
    # A test strips letters of "user-" off the name's beginning.
    name = "google-suite"
    server.run("principals", "create", name)
    server.run("grants", "add", "suite", "--principal", name, "--prefix", "/", "--role", role)
    path.write_text(server.run("keys", "create", "--principal", name, "--kind", "service-account"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", type=pathlib.Path, help="a checkout of googleapis/python-storage")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has the suite's requirements")
    parser.add_argument("--binary", type=pathlib.Path, default=REPOSITORY / "build/release/beringia")
    parser.add_argument("-k", dest="keyword", default="not zonal and not notification", help="as pytest's -k")
    parser.add_argument("--workers", type=int, default=1, help="tests at once (needs pytest-xdist)")
    parser.add_argument("--timeout", type=int, default=3600, help="seconds for all of it")
    parser.add_argument("--failures", type=pathlib.Path, help="where to write the failed tests and their messages")
    parser.add_argument("--role", default="creator", help="what the suite's principal gets on /")
    parser.add_argument("--serve", default=SERVE, help="further flags of serve")
    options = parser.parse_args()
    make_missing_data(options.suite)
    with tempfile.TemporaryDirectory(prefix="gcs-suite-") as temporary:
        directory = pathlib.Path(temporary)
        server = start_server(options.binary.resolve(), directory, options.serve.split())
        try:
            key_file = directory / "key.json"
            write_key_file(server, key_file, options.role)
            results = directory / "results.xml"
            command = [options.python, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider",
                       f"--junitxml={results}", "-k", options.keyword, "tests/system"]  # fmt: skip
            if options.workers > 1:
                command += ["-n", str(options.workers)]
            environment = os.environ | {
                "API_ENDPOINT_OVERRIDE": f"http://127.0.0.1:{server.port}",
                "STORAGE_API_ENDPOINT_OVERRIDE": f"http://127.0.0.1:{server.port}",
                "GOOGLE_APPLICATION_CREDENTIALS": str(key_file),
                "GOOGLE_CLOUD_PROJECT": PROJECT,
            }
            with (directory / "output").open("wb") as output:
                subprocess.run(command, cwd=options.suite, env=environment, timeout=options.timeout, check=False,
                               stdout=output, stderr=output)  # fmt: skip
            if not results.exists():
                text = (directory / "output").read_text(errors="replace")
                raise SystemExit(f"the suite did not run: has the interpreter its requirements?\n{text[-2000:]}")
            failed = report(results, options.failures)
            if server.process.poll() is not None:
                raise SystemExit("the server ended during the run")
            return 1 if failed else 0
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
