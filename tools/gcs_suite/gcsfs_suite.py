#!/usr/bin/env python3
"""Runs the tests of gcsfs against a Beringia of its own, by endpoint and key file.

    pip download --no-deps --no-binary :all: gcsfs==2026.3.0     # the last source distribution that has them
    tar xzf gcsfs-2026.3.0.tar.gz                                # or a checkout of fsspec/gcsfs
    python3 -m venv VENV && VENV/bin/pip install -r gcsfs-2026.3.0/requirements.txt numpy pyyaml psutil fusepy \\
        pytest pytest-asyncio pytest-timeout pytest-subtests
    tools/gcs_suite/gcsfs_suite.py gcsfs-2026.3.0 --python VENV/bin/python --binary build/release/beringia

The suite stays outside of this repository and unchanged. It was written for an emulator that asks nobody who they
are, and says so by itself (token "anon"); a plug-in, which this program hands to pytest, puts a service-account key
that Beringia issued in that place, so that every request is verified. It also removes all generations from the bucket
with versions before each test of these, as the suite itself does with Google's service: elsewhere it counts on an
emulator that removes buckets with noncurrent generations. Folders go over JSON, not gRPC. Not run: gcsfs's benchmarks
(tests/perf), and what the suite itself marks as of the real service only.
"""

from __future__ import annotations

import argparse
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
# What the suite's defaults would be, but for two underscores of which a bucket's name has none at the S3 door.
BUCKETS = {
    "GCSFS_TEST_BUCKET": "gcsfs-test",
    "GCSFS_TEST_VERSIONED_BUCKET": "gcsfs-test-versioned",
    "GCSFS_HNS_TEST_BUCKET": "gcsfs-hns-test",
    "GCSFS_ZONAL_TEST_BUCKET": "gcsfs-zonal-test",
}
PLUGIN = '''
import os
import urllib.parse

import gcsfs.credentials
import google.auth.transport.requests
import pytest
from google.oauth2 import service_account

KEY = os.environ["GCSFS_SUITE_KEY"]
SCOPES = ["https://www.googleapis.com/auth/devstorage.full_control"]
_connect = gcsfs.credentials.GoogleCredentials.connect

def connect(self, method=None):
    return self._connect_token(KEY) if method == "anon" else _connect(self, method)

gcsfs.credentials.GoogleCredentials.connect = connect

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    if "gcs_versioned" not in item.fixturenames:
        return
    credentials = service_account.Credentials.from_service_account_file(KEY, scopes=SCOPES)
    session = google.auth.transport.requests.AuthorizedSession(credentials)
    objects = (os.environ["STORAGE_EMULATOR_HOST"] + "/storage/v1/b/" +
               os.environ["GCSFS_TEST_VERSIONED_BUCKET"] + "/o")
    for found in session.get(objects, params={"versions": "true"}).json().get("items", ()):
        name = urllib.parse.quote(found["name"], safe="")
        session.delete(f"{objects}/{name}", params={"generation": found["generation"]}).raise_for_status()
'''


def start_server(binary: pathlib.Path, directory: pathlib.Path, extra: list[str]) -> SuiteServer:
    server = SuiteServer(binary, directory)
    server.start((), ["--s3", "off", "--gcs", f"127.0.0.1:{server.port}", "--instance", PROJECT, *extra])
    return server


def environment_of(server: SuiteServer, directory: pathlib.Path, key_file: pathlib.Path) -> dict[str, str]:
    (directory / "gcsfs_suite_plugin.py").write_text(PLUGIN)
    path = os.pathsep.join(filter(None, [str(directory), os.environ.get("PYTHONPATH", "")]))
    return os.environ | BUCKETS | {
        "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{server.port}",
        "GOOGLE_APPLICATION_CREDENTIALS": str(key_file),
        "GCSFS_SUITE_KEY": str(key_file),
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "GCSFS_TEST_PROJECT": PROJECT,
        "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        "PYTHONPATH": path,
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", type=pathlib.Path, help="gcsfs's sources, with gcsfs/tests")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has the suite's requirements")
    parser.add_argument("--binary", type=pathlib.Path, default=REPOSITORY / "build/release/beringia")
    parser.add_argument("-k", dest="keyword", default="", help="as pytest's -k")
    parser.add_argument("--timeout", type=int, default=3600, help="seconds for all of it")
    parser.add_argument("--failures", type=pathlib.Path, help="where to write the failed tests and their messages")
    parser.add_argument("--output", type=pathlib.Path, help="where to write all that pytest says")
    parser.add_argument("--serve", default="", help="further flags of serve")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gcsfs-suite-") as temporary:
        directory = pathlib.Path(temporary)
        server = start_server(options.binary.resolve(), directory, options.serve.split())
        try:
            key_file = directory / "key.json"
            server.run("principals", "create", "gcsfs-suite")
            server.run("grants", "add", "suite", "--principal", "gcsfs-suite", "--prefix", "/", "--role", "creator")
            key_file.write_text(server.run("keys", "create", "--principal", "gcsfs-suite", "--kind", "service-account"))
            results = directory / "results.xml"
            command = [options.python, "-m", "pytest", "-q", "--tb=short", "--color=no", "-p", "no:cacheprovider",
                       "-p", "gcsfs_suite_plugin", "--timeout=300", f"--junitxml={results}",
                       "--ignore=gcsfs/tests/perf", "gcsfs/tests"]  # fmt: skip
            if options.keyword:
                command += ["-k", options.keyword]
            output = options.output or directory / "output"
            with output.open("wb") as stream:
                subprocess.run(command, cwd=options.suite, env=environment_of(server, directory, key_file),
                               timeout=options.timeout, check=False, stdout=stream, stderr=stream)  # fmt: skip
            if not results.exists():
                text = output.read_text(errors="replace")
                raise SystemExit(f"the suite did not run: has the interpreter its requirements?\n{text[-2000:]}")
            failed = report(results, options.failures)
            if server.process.poll() is not None:
                raise SystemExit("the server ended during the run")
            return 1 if failed else 0
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
