"""Every case of Google's published retry tests that applies to a client like the backend, as Google's file has it.

The file (googleapis/conformance-tests, storage/v1/retry_tests.json) comes with Google's Go module, pinned by version and
hash. Each case is one operation of the backend (src/backend/gcs/gcs_published_case_test.cc) against a server that
fails as the case says; then the server is asked, past the backend, what it has. Servers:
- fake-gcs-server, behind tests/faults/fault_proxy.py, which plays the instructions that it can play;
- Beringia's own GCS door, which injects faults on request as Google's testbench does;
- Google's storage-testbench itself, where BERINGIA_GCS_TESTBENCH names the endpoint of one that runs.
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import time

import pytest

from one_operation import (check_what_is_there, door, fake_gcs_server, make_process, prepare, run,  # noqa: F401
                           testbench)

import gcs_emulator  # isort: skip
from fault_proxy import FaultProxy, Rule  # isort: skip

MODULE = "cloud.google.com/go/storage@v1.70.0"
CASES_SHA256 = "93140dda8823d8e7ca88f553bf2818c8456d782e0e2fcce226f4c5f190befd5d"

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


def can_fail(server, instructions, verb, pattern):
    """Whether the server, or the proxy in front of it, can fail in this way."""
    if server.kind == "fake-gcs-server":
        # Its sessions cannot be resumed: it takes a status query for the end of the upload.
        return "upload_id" not in pattern and all(rule_of(one, verb, pattern) for one in instructions)
    # With credentials a 401 means: another token, and again (test_gcs_backend.py).
    return not server.key or "return-401" not in instructions


def sweep(server, prefix, tmp_path):
    """Of a long upload that was refused, parts under way may come after it was given up: sweeps take them."""
    end = time.monotonic() + PATIENCE_S
    while any(name.startswith(".beringia/") for name in server.names(prefix + "/")):
        assert time.monotonic() < end, "parts are left behind"
        run(server, server.endpoint, "sweep", prefix, "", tmp_path, "success")


def run_case(server, tmp_path, case, operation, verb, pattern, made):
    _, method, group, instructions, success = case
    prefix, before, version = prepare(server, operation)
    arranged = Arranged(server, method, verb, pattern, instructions)
    # How a bucket is set may be kept from us; then the probe tells less.
    ends = "success" if success or operation == "probe" else REFUSALS[instructions[-1]]
    with arranged.proxy as proxy:
        run(server, f"http://127.0.0.1:{proxy.port}", operation, prefix, version, tmp_path, ends)
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
            if operation in server.lacks or not can_fail(server, case[3], verb, pattern):
                continue
            try:
                run_case(server, tmp_path, case, operation, verb, pattern, made)
            except AssertionError as error:
                raise AssertionError(f"{server.kind}: case {case}, operation {operation}: {error}") from error
            count += 1
    return count


@pytest.mark.parametrize("number", sorted(CASES_THAT_APPLY - {7}))  # it cannot resume uploads
def test_with_a_stand_in(fake_gcs_server, cases, tmp_path, number):
    assert run_cases(fake_gcs_server, cases, number, tmp_path) >= 2


@pytest.mark.parametrize("number", sorted(CASES_THAT_APPLY))
def test_with_google_s_testbench(testbench, cases, tmp_path, number):
    assert run_cases(testbench, cases, number, tmp_path) >= 2


@pytest.mark.parametrize("number", sorted(CASES_THAT_APPLY))
def test_with_our_own_door(door, cases, tmp_path, number):
    assert run_cases(door, cases, number, tmp_path) >= 2
