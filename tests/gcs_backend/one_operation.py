"""One operation of the backend (src/backend/gcs/gcs_published_case_test.cc) against a server that somebody made fail,
and what the server has afterwards, asked past the backend.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import secrets
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

import google.auth.transport.requests
import pytest
from google.oauth2 import service_account

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / part) for part in ("tools/gcs_emulator", "tests/faults", "tests/cli")]

import gcs_emulator  # noqa: E402
from processes import make_process  # noqa: E402, F401
from test_gcs_backend import find_program  # noqa: E402

BUCKET = "one-operation"
BODY = bytes((i * 37 + i // 253) % 256 for i in range(1 << 16)) * 150 + b"odd end"  # above 9 MiB
SMALL = b"what is there"
THEIRS = b"somebody else's"


@dataclasses.dataclass
class Server:
    kind: str
    endpoint: str
    lacks: tuple = ()
    key: str = ""
    token: str = ""
    bucket: str = BUCKET

    @property
    def port(self):
        return urllib.parse.urlsplit(self.endpoint).port

    def call(self, method, path, body=b"", kind="application/json"):
        headers = {"Content-Type": kind} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        request = urllib.request.Request(self.endpoint + path, body or None, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def put(self, name, body):
        path = f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={urllib.parse.quote(name, safe='')}"
        return json.loads(self.call("POST", path, body, "text/plain"))

    def get(self, name):
        """The resource and the bytes; None: nothing is there."""
        path = f"/storage/v1/b/{BUCKET}/o/{urllib.parse.quote(name, safe='')}"
        try:
            return json.loads(self.call("GET", path)), self.call("GET", path + "?alt=media")
        except urllib.error.HTTPError as error:
            assert error.code == 404, error
            return None

    def names(self, prefix):
        listed = json.loads(self.call("GET", f"/storage/v1/b/{BUCKET}/o?prefix={prefix}"))
        return {one["name"].removeprefix(prefix) for one in listed.get("items", [])}

    def rights(self):
        policy = json.loads(self.call("GET", f"/storage/v1/b/{BUCKET}/iam"))
        return [(binding["role"], member) for binding in policy.get("bindings", []) for member in binding["members"]]


def prepare(server, operation):
    """@return a prefix with two objects; what "there" is; the version of the object that the operation changes"""
    prefix = "case-" + secrets.token_hex(6)
    there = server.put(prefix + "/there", body_of(operation))
    other = server.put(prefix + "/other", b"other")
    version = (other if operation == "delete" else there)["generation"]
    return prefix, (there["generation"], there["metageneration"]), version


def run(server, endpoint, operation, prefix, version, folder, ends):
    body_file = folder / hashlib.sha256(body_of(operation)).hexdigest()
    body_file.write_bytes(body_of(operation))
    environment = os.environ | {
        "BERINGIA_GCS_CASE": operation, "BERINGIA_GCS_CASE_ENDS": ends, "BERINGIA_GCS_CASE_BODY": str(body_file),
        "BERINGIA_GCS_CASE_VERSION": version, "BERINGIA_GCS_EMULATOR": endpoint, "BERINGIA_GCS_BUCKET": BUCKET,
        "BERINGIA_GCS_PREFIX": prefix, "BERINGIA_GCS_CREDENTIALS": server.key}  # fmt: skip
    done = subprocess.run([find_program(), "--gtest_filter=GcsPublishedCase.*", "--gtest_brief=1"], env=environment,
                          capture_output=True, text=True, timeout=120)  # fmt: skip
    assert done.returncode == 0 and "SKIPPED" not in done.stdout, done.stdout[-3000:] + done.stderr[-1000:]


EXPECTED = {"write": b"small", "compose": SMALL + b"other", "copy": SMALL}  # the others: BODY


def body_of(operation):
    """Of the object that is there, and of what is written."""
    long = operation == "read" or operation.startswith("write ")
    return BODY if long else SMALL


def check_what_is_there(server, operation, made, prefix, before, success):
    """The bytes are right and there once, or nothing has changed."""
    names = server.names(prefix + "/")
    if not success and operation == "write parts":
        names = {name for name in names if not name.startswith(".beringia/")}  # one that came just now
    wanted = {"there", "other"}
    if success and made == "new":
        wanted.add("new")
        assert server.get(prefix + "/new")[1] == EXPECTED.get(operation, BODY)
    if success and made == "other":
        wanted.discard("other")
    assert names == wanted
    resource, body = server.get(prefix + "/there")
    assert body == body_of(operation)
    if not success or made != "there":
        assert (resource["generation"], resource["metageneration"]) == before
    elif operation == "patch":
        assert resource["metadata"] == {"a": "b"} and resource["generation"] == before[0]
        assert int(resource["metageneration"]) == int(before[1]) + 1
    else:
        assert resource["generation"] != before[0]
        assert operation != "reclassify" or resource["storageClass"] == "NEARLINE"


@pytest.fixture(scope="module")
def fake_gcs_server():
    started = gcs_emulator.start()
    if started is None or started.kind != "fake-gcs-server":
        pytest.skip("fake-gcs-server cannot be installed here")
    started.make_bucket(BUCKET)
    # It does not heed conditions of deletes and copies, patches otherwise than Google, and knows no policies.
    yield Server("fake-gcs-server", started.endpoint, ("patch", "reclassify", "rights", "grant"))
    started.stop()


@pytest.fixture
def testbench():
    """Google's own, where BERINGIA_GCS_TESTBENCH names the endpoint of one that runs."""
    endpoint = os.environ.get("BERINGIA_GCS_TESTBENCH")
    if not endpoint:
        pytest.skip("BERINGIA_GCS_TESTBENCH is not set")
    server = Server("testbench", endpoint)
    try:
        server.call("POST", "/storage/v1/b?project=p", json.dumps({"name": BUCKET}).encode())
    except urllib.error.HTTPError as error:
        assert error.code == 409, error  # of the test before
    return server


@pytest.fixture
def door(make_process):  # noqa: F811
    """Beringia's own GCS door."""
    process = make_process()
    process.start("--gcs-fault-injection", "on")
    key = process.directory / "key.json"
    key.write_text(process.run("keys", "create", "--principal", "root", "--kind", "service-account").stdout)
    account = service_account.Credentials.from_service_account_file(
        str(key), scopes=["https://www.googleapis.com/auth/devstorage.full_control"])  # fmt: skip
    account.refresh(google.auth.transport.requests.Request())
    server = Server("door", f"http://127.0.0.1:{process.gcs_port}", (), str(key), account.token)
    server.call("POST", "/storage/v1/b?project=p", json.dumps({"name": BUCKET}).encode())
    return server
