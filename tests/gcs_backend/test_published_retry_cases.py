"""Every case of Google's published retry tests that applies to a client like the backend, as Google's file has it.

The file (googleapis/conformance-tests, storage/v1/retry_tests.json) comes with Google's Go module, pinned by version and
hash. Each case is one operation of the backend (src/backend/gcs/gcs_published_case_test.cc) against a server that
fails as the case says; then the server is asked, past the backend, what it has. Servers:
- fake-gcs-server, behind tests/faults/fault_proxy.py, which plays the instructions that it can play;
- Beringia's own GCS door, which injects faults on request as Google's testbench does;
- Google's storage-testbench itself, where BERINGIA_GCS_TESTBENCH names the endpoint of one that runs.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import re
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import google.auth.transport.requests
import pytest
from google.oauth2 import service_account

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / part) for part in ("tools/gcs_emulator", "tests/faults", "tests/cli")]

import gcs_emulator  # noqa: E402
from fault_proxy import FaultProxy, Rule  # noqa: E402
from processes import make_process  # noqa: E402, F401
from test_gcs_backend import find_program  # noqa: E402

MODULE = "cloud.google.com/go/storage@v1.70.0"
CASES_SHA256 = "93140dda8823d8e7ca88f553bf2818c8456d782e0e2fcce226f4c5f190befd5d"
BUCKET = "published-cases"
BODY = bytes((i * 37 + i // 253) % 256 for i in range(1 << 16)) * 150 + b"odd end"  # above 9 MiB
SMALL = b"what is there"

# What the backend does to make a method's request: (operation, verb and pattern of the request, what it makes).
# An appendable upload is of gRPC only; no other method is called by the backend.
OPERATIONS = {
    ("storage.buckets.get", ""): [("probe", "GET", r"/b/[^/?]+(\?|$)", "")],
    ("storage.buckets.getIamPolicy", ""): [("rights", "GET", r"/iam(\?|$)", "")],
    ("storage.buckets.setIamPolicy", ""): [("grant", "PUT", r"/iam(\?|$)", "rights")],
    ("storage.objects.get", ""): [("stat", "GET", r"/o/[^?]*there(\?|$)", "")],
    ("storage.objects.get", "storage.objects.download"): [("read", "GET", r"alt=media", "")],
    ("storage.objects.list", ""): [("list", "GET", r"/o\?", "")],
    ("storage.objects.insert", ""): [("write", "POST", "uploadType=multipart", "new"),
                                     ("write a session", "POST", "uploadType=resumable", "new"),
                                     ("write parts", "POST", "uploadType=multipart", "new"),
                                     ("write staged", "POST", "uploadType=resumable", "there")],
    ("storage.objects.insert", "storage.resumable.upload"): [
        ("write a session", "PUT", "upload_id=", "new"), ("write staged", "PUT", "upload_id=", "there")],
    ("storage.objects.compose", ""): [("compose", "POST", "/compose", "new")],
    ("storage.objects.rewrite", ""): [("copy", "POST", "/rewriteTo/", "new"),
                                      ("reclassify", "POST", "/rewriteTo/", "there"),
                                      ("write staged", "POST", "/rewriteTo/", "there")],
    ("storage.objects.patch", ""): [("patch", "PATCH", "/o/", "there")],
    ("storage.objects.delete", ""): [("delete", "DELETE", "/o/", "other")],
}
PATIENCE_S = 30
CASES_THAT_APPLY = {1, 2, 5, 6, 7, 8}
# 3: the backend sends no write without a precondition (test_gcs_backend.py); 4: nor a method that is never
# idempotent; 9 to 13: nor an appendable upload.
REFUSALS = {"return-400": "invalid", "return-401": "denied"}


@dataclasses.dataclass
class Server:
    kind: str
    endpoint: str
    lacks: tuple = ()
    key: str = ""
    token: str = ""

    @property
    def port(self):
        return urllib.parse.urlsplit(self.endpoint).port

    def call(self, method, path, body=b"", kind="application/json"):
        headers = {"Content-Type": kind} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        request = urllib.request.Request(self.endpoint + path, body or None, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def can(self, instructions, verb, pattern):
        """Whether the server, or the proxy in front of it, can fail in this way."""
        if self.kind == "fake-gcs-server":
            # Its sessions cannot be resumed: it takes a status query for the end of the upload.
            return "upload_id" not in pattern and all(rule_of(one, verb, pattern) for one in instructions)
        # With credentials a 401 means: another token, and again (test_gcs_backend.py).
        return not self.key or "return-401" not in instructions

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


def published_cases():
    """(number, name, group, instructions, whether it shall succeed) of what the backend does."""
    go = gcs_emulator.find_go()
    assert go, "no Go toolchain to fetch the module with"
    environment = os.environ | {"GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    done = subprocess.run([go, "mod", "download", "-json", MODULE], capture_output=True, text=True, timeout=300,
                          env=environment, check=True)  # fmt: skip
    text = (pathlib.Path(json.loads(done.stdout)["Dir"]) / "internal/test/conformance/retry_tests.json").read_bytes()
    assert hashlib.sha256(text).hexdigest() == CASES_SHA256, "other cases than those that were looked at"
    return [(case["id"], method["name"], method.get("group", ""), tuple(instructions["instructions"]),
             case["expectSuccess"])
            for case in json.loads(text)["retryTests"] if case["id"] in CASES_THAT_APPLY
            for method in case["methods"] if (method["name"], method.get("group", "")) in OPERATIONS
            for instructions in case["cases"]]  # fmt: skip


def rule_of(instruction, verb, pattern):
    """What the proxy plays; None: only a server that keeps sessions can do this."""
    if instruction == "return-reset-connection":
        return Rule("refuse", method=verb, path=pattern)
    if instruction == "return-broken-stream":
        return Rule("cut_reply", method=verb, path=pattern, bytes=10)
    if instruction == "return-broken-stream-after-256K":
        return Rule("cut_reply", method=verb, path=pattern, bytes=256 << 10)
    status = instruction.removeprefix("return-")
    return Rule("status", method=verb, path=pattern, status=int(status)) if status.isdigit() else None


class Arranged:
    """A proxy in front of the server, behind which the next calls of a method fail as told."""

    def __init__(self, server, method, verb, pattern, instructions):
        self.server, self.id = server, None
        self.proxy = FaultProxy("127.0.0.1", server.port)
        if server.kind == "fake-gcs-server":
            self.proxy.rules = [rule_of(instruction, verb, pattern) for instruction in instructions]
            return
        body = json.dumps({"instructions": {method: list(instructions)}, "transport": "HTTP"}).encode()
        self.id = json.loads(server.call("POST", "/retry_test", body))["id"]
        self.proxy.headers["x-retry-test-id"] = self.id

    def all_met(self):
        if self.id is None:
            return all(rule.acted == 1 for rule in self.proxy.rules)
        return json.loads(self.server.call("GET", f"/retry_test/{self.id}"))["completed"]


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


def sweep(server, prefix, tmp_path):
    """Of a long upload that was refused, parts under way may come after it was given up: sweeps take them."""
    end = time.monotonic() + PATIENCE_S
    while any(name.startswith(".beringia/") for name in server.names(prefix + "/")):
        assert time.monotonic() < end, "parts are left behind"
        run(server, server.endpoint, "sweep", prefix, "", tmp_path, "success")


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


def run_case(server, tmp_path, case, operation, verb, pattern, made):
    _, method, group, instructions, success = case
    prefix = "case-" + secrets.token_hex(6)
    resource = server.put(prefix + "/there", body_of(operation))
    server.put(prefix + "/other", b"other")
    before = resource["generation"], resource["metageneration"]
    arranged = Arranged(server, method, verb, pattern, instructions)
    # How a bucket is set may be kept from us; then the probe tells less.
    ends = "success" if success or operation == "probe" else REFUSALS[instructions[-1]]
    with arranged.proxy as proxy:
        run(server, f"http://127.0.0.1:{proxy.port}", operation, prefix, before[0], tmp_path, ends)
    assert arranged.all_met(), "a fault was not met"
    if not success and operation != "write parts":  # other parts are under way then
        sent = sum(verb == seen and bool(re.search(pattern, target)) for seen, target, _ in proxy.log)
        assert sent == len(instructions), "sent again after a refusal"
    if made == "rights":
        member = f"user:{prefix}@example.com"
        assert server.rights().count(("roles/storage.objectViewer", member)) == success
        return
    if not success and operation == "write parts":
        sweep(server, prefix, tmp_path)
    check_what_is_there(server, operation, made, prefix, before, success)


@pytest.fixture(scope="session")
def cases():
    return published_cases()


def run_cases(server, cases, number, tmp_path):
    """@return how many were run"""
    count = 0
    for case in cases:
        if case[0] != number:
            continue
        for operation, verb, pattern, made in OPERATIONS[case[1], case[2]]:
            if operation in server.lacks or not server.can(case[3], verb, pattern):
                continue
            try:
                run_case(server, tmp_path, case, operation, verb, pattern, made)
            except AssertionError as error:
                raise AssertionError(f"{server.kind}: case {case}, operation {operation}: {error}") from error
            count += 1
    return count


@pytest.fixture(scope="module")
def fake_gcs_server():
    started = gcs_emulator.start()
    if started is None or started.kind != "fake-gcs-server":
        pytest.skip("fake-gcs-server cannot be installed here")
    started.make_bucket(BUCKET)
    # It does not heed conditions of deletes and copies, patches otherwise than Google, and knows no policies.
    yield Server("fake-gcs-server", started.endpoint, ("patch", "reclassify", "rights", "grant"))
    started.stop()


@pytest.mark.parametrize("number", sorted(CASES_THAT_APPLY - {7}))  # it cannot resume uploads
def test_with_a_stand_in(fake_gcs_server, cases, tmp_path, number):
    assert run_cases(fake_gcs_server, cases, number, tmp_path) >= 2


@pytest.mark.parametrize("number", sorted(CASES_THAT_APPLY))
def test_with_google_s_testbench(cases, tmp_path, number):
    endpoint = os.environ.get("BERINGIA_GCS_TESTBENCH")
    if not endpoint:
        pytest.skip("BERINGIA_GCS_TESTBENCH is not set")
    server = Server("testbench", endpoint)
    try:
        server.call("POST", "/storage/v1/b?project=p", json.dumps({"name": BUCKET}).encode())
    except urllib.error.HTTPError as error:
        assert error.code == 409, error  # of the case before
    assert run_cases(server, cases, number, tmp_path) >= 2


@pytest.mark.parametrize("number", sorted(CASES_THAT_APPLY))
def test_with_our_own_door(make_process, cases, tmp_path, number):  # noqa: F811
    process = make_process()
    process.start("--gcs-fault-injection", "on")
    key = process.directory / "key.json"
    key.write_text(process.run("keys", "create", "--principal", "root", "--kind", "service-account").stdout)
    account = service_account.Credentials.from_service_account_file(
        str(key), scopes=["https://www.googleapis.com/auth/devstorage.full_control"])  # fmt: skip
    account.refresh(google.auth.transport.requests.Request())
    server = Server("door", f"http://127.0.0.1:{process.gcs_port}", (), str(key), account.token)
    server.call("POST", "/storage/v1/b?project=p", json.dumps({"name": BUCKET}).encode())
    assert run_cases(server, cases, number, tmp_path) >= 2
