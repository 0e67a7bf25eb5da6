"""The GCS backend against stand-ins that somebody else wrote, also through a network that breaks.

Runs the C++ tests of src/backend/gcs (GcsEmulatorTest) with the endpoint of an emulator, and again
through tests/faults/fault_proxy.py. What an emulator does not do is listed in `lacks`.
BERINGIA_BACKEND_TEST names the test program (default: build/release/src/backend_test);
BERINGIA_GCS_TESTBENCH the endpoint of a running googleapis/storage-testbench, if there is one.
"""

import json
import os
import re
import secrets
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tools" / "gcs_emulator"), str(ROOT / "tests" / "faults")]

import gcs_emulator  # noqa: E402
from fault_proxy import FaultProxy, Rule  # noqa: E402

BUCKET = "beringia-test"
ALWAYS = 1 << 30


def find_program():
    named = os.environ.get("BERINGIA_BACKEND_TEST")
    for path in filter(None, [named, ROOT / "build/release/src/backend_test",
                              ROOT / "build/dev/src/backend_test"]):
        if os.access(path, os.X_OK):
            return str(path)
    pytest.skip("backend_test is not built")


# What the shared behaviour suite (backend_behaviour_test.cc) needs of an emulator.
NEEDS = {
    "write_conditions": ["absent_is_an_exact_condition", "a_version_is_an_exact_condition",
                         "a_range_of_a_version_that_was_replaced_is_a_conflict"],
    "delete_conditions": ["a_version_is_an_exact_condition"],
    "copy_conditions": ["composes_sources_in_order", "gives_objects_a_second_name"],
    "patch": ["an_update_keeps_bytes_and_version"],
    "paged_prefixes": ["lists_in_byte_order_page_by_page"],
    "behaviour": ["*"],
}


def gtest_filter(lacks):
    """All but the cases that expect a certain fault (GcsBroken...) and what an emulator lacks."""
    without = [f"Gcs/BackendBehaviour.{case}/*" for word in lacks for case in NEEDS.get(word, [])]
    return "GcsEmulatorTest.*:Gcs/BackendBehaviour.*/emulator-" + ":".join(without)


def run(endpoint, lacks, only=None, **more):
    only = only or gtest_filter(lacks)
    environment = dict(os.environ, BERINGIA_GCS_EMULATOR=endpoint, BERINGIA_GCS_BUCKET=BUCKET,
                       BERINGIA_GCS_LACKS=" ".join(lacks), **more)
    done = subprocess.run([find_program(), f"--gtest_filter={only}", "--gtest_brief=1"],
                          env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "PASSED" in done.stdout and "0 tests" not in done.stdout.split("PASSED")[1]


@pytest.fixture(scope="module")
def emulator():
    started = gcs_emulator.start()
    if started is None:
        pytest.skip("no emulator can be installed here")
    started.make_bucket(BUCKET)
    yield started
    started.stop()


def test_emulator_as_it_is(emulator):
    run(emulator.endpoint, emulator.lacks)


def test_second_emulator_as_it_is():
    started = gcs_emulator.start_gcp_storage_emulator()
    if started is None:
        pytest.skip("gcp-storage-emulator cannot be installed here")
    try:
        started.make_bucket(BUCKET)
        run(started.endpoint, started.lacks)
    finally:
        started.stop()


# A session of fake-gcs-server cannot be resumed: it takes a status query for the end of the upload.
NOT_SESSIONS = r"^(?!.*upload_id=)"
FAULTS = {
    "status_503": [Rule("status", path=NOT_SESSIONS, chance=0.25, times=ALWAYS)],
    "status_429_with_retry_after": [Rule("status", path=NOT_SESSIONS, status=429, retry_after="0",
                                         chance=0.25, times=ALWAYS)],
    "refused_connections": [Rule("refuse", path=NOT_SESSIONS, chance=0.25, times=ALWAYS)],
    "uploads_broken_in_the_middle": [Rule("drop_request", method="POST", path=NOT_SESSIONS, bytes=50,
                                          chance=0.3, times=ALWAYS)],
    "downloads_broken_in_the_middle": [Rule("cut_reply", method="GET", path="alt=media", bytes=70000,
                                            chance=0.4, times=ALWAYS),
                                       Rule("cut_reply", method="GET", path="alt=media", bytes=3,
                                            chance=0.4, times=ALWAYS)],
    "answers_lost_after_the_write": [Rule("drop_reply", method="POST", path=NOT_SESSIONS, chance=0.3,
                                          times=ALWAYS),
                                     Rule("drop_reply", method="DELETE", chance=0.3, times=ALWAYS)],
    "status_after_the_write": [Rule("status_after", method="POST", path=NOT_SESSIONS, status=500,
                                    chance=0.3, times=ALWAYS)],
    "slow_answers": [Rule("slow", bytes=2 << 20, delay_s=0.01, times=ALWAYS)],
}


@pytest.mark.parametrize("name", FAULTS)
def test_emulator_through_faults(emulator, name):
    with FaultProxy("127.0.0.1", emulator.port, rules=FAULTS[name]) as proxy:
        run(f"http://127.0.0.1:{proxy.port}", emulator.lacks)
        assert sum(rule.acted for rule in FAULTS[name]) > 0, "no fault was injected"


SESSION_FAULTS = [
    Rule("status", chance=0.1, times=ALWAYS),
    Rule("refuse", chance=0.05, times=ALWAYS),
    Rule("drop_reply", chance=0.1, times=ALWAYS),
    Rule("drop_request", method="PUT", bytes=1 << 20, chance=0.2, times=ALWAYS),
    Rule("status_after", status=502, chance=0.05, times=ALWAYS),
    Rule("cut_reply", method="GET", path="alt=media", bytes=100000, chance=0.3, times=ALWAYS),
]


@pytest.mark.parametrize("seed", range(4))
def test_testbench_through_faults_everywhere(seed):
    """With a server whose sessions can be resumed: every request may break in every way."""
    endpoint = os.environ.get("BERINGIA_GCS_TESTBENCH")
    if not endpoint:
        pytest.skip("BERINGIA_GCS_TESTBENCH is not set")
    with FaultProxy("127.0.0.1", urlsplit(endpoint).port, rules=SESSION_FAULTS, seed=seed) as proxy:
        # Its pages are as long as it likes, and it adds metadata of its own: not the shared suite.
        run(f"http://127.0.0.1:{proxy.port}", ["behaviour"])


# Every write has a precondition. What goes on with a session is bound by the one it was opened with.
WRITES = [
    ("POST", r"^/upload/storage/v1/b/[^/]+/o\?", ["ifGenerationMatch"]),
    ("POST", r"/rewriteTo/", ["ifGenerationMatch", "ifSourceGenerationMatch"]),
    ("POST", r"/compose\?", ["ifGenerationMatch"]),
    ("PATCH", r"^/storage/v1/b/[^/]+/o/", ["ifGenerationMatch", "ifMetagenerationMatch"]),
    ("DELETE", r"^/storage/v1/b/[^/]+/o/", ["ifGenerationMatch"]),
]


def is_session(method, target):
    return method in ("PUT", "DELETE") and "upload_id=" in target


def test_every_write_and_delete_has_its_precondition(emulator):
    with FaultProxy("127.0.0.1", emulator.port) as proxy:
        run(f"http://127.0.0.1:{proxy.port}", emulator.lacks)
        # Also what the emulator does not do right is asked for right.
        run(f"http://127.0.0.1:{proxy.port}", emulator.lacks, only="GcsRequestsTest.*")
        log = list(proxy.log)
    seen = {pattern: 0 for _, pattern, _ in WRITES}
    sessions = 0
    for method, target, _ in log:
        if method == "GET":
            continue
        if is_session(method, target):
            sessions += 1
            continue
        fitting = [row for row in WRITES if row[0] == method and re.search(row[1], target)]
        assert len(fitting) == 1, f"a request of no known kind: {method} {target}"
        seen[fitting[0][1]] += 1
        query = parse_qs(urlsplit(target).query)
        for parameter in fitting[0][2]:
            assert query.get(parameter, [""])[0].isdigit(), f"{method} {target} lacks {parameter}"
    assert sessions > 0 and all(seen.values()), f"the run made no request of some kind: {seen}"


def test_a_vanished_session_fails_cleanly(emulator):
    gone = Rule("status", method="PUT", path="upload_id=", status=410, skip=1, times=1)
    with FaultProxy("127.0.0.1", emulator.port, rules=[gone]) as proxy:
        run(f"http://127.0.0.1:{proxy.port}", emulator.lacks, only="GcsBrokenTest.a_vanished_session*",
            BERINGIA_GCS_FAULT="session_vanishes")
    assert gone.acted == 1


def put_from_outside(emulator, target, body=b"somebody else's"):
    """An unconditional upload by another client, of the object that `target` is about."""
    query = parse_qs(urlsplit(target).query)
    name = query.get("name", [OUTSIDE_NAME.get("name", "")])[0]
    url = f"{emulator.endpoint}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={quote(name, safe='')}"
    urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "a/b"}), timeout=10).read()


OUTSIDE_NAME = {}  # multipart uploads have the name in their body: the test's prefix is agreed on here


def test_races_with_an_outside_writer_are_lost_or_repeated_never_blind(emulator):
    prefix = "race-" + secrets.token_hex(4)
    OUTSIDE_NAME["name"] = prefix + "/x"
    race = Rule("pass", method="POST", path=r"^/upload/.*uploadType=multipart", skip=1, times=3,
                before=lambda _, target: put_from_outside(emulator, target))
    with FaultProxy("127.0.0.1", emulator.port, rules=[race]) as proxy:
        run(f"http://127.0.0.1:{proxy.port}", emulator.lacks, only="GcsBrokenTest.races*",
            BERINGIA_GCS_FAULT="outside_writer", BERINGIA_GCS_PREFIX=prefix)
    assert race.acted == 3


class TokenServer(BaseHTTPRequestHandler):
    """Gives tokens t1, t2, ... for any assertion."""

    issued = 0

    def do_POST(self):  # noqa: N802
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).issued += 1
        body = json.dumps({"access_token": f"t{self.issued}", "expires_in": 3600,
                           "token_type": "Bearer"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def service_account_key(tmp_path, token_uri):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption()).decode()
    path = tmp_path / "key.json"
    path.write_text(json.dumps({"type": "service_account", "project_id": "p", "private_key_id": "k",
                                "private_key": pem, "client_email": "etl@p", "client_id": "1",
                                "token_uri": token_uri}))
    return path


def test_tokens_may_expire_before_any_request(emulator, tmp_path):
    """Each token is good for four requests: most expire in the middle of an upload or download.

    Parts of a long body run side by side and use up each other's tokens; without the cases in which
    many more calls do."""
    used = {}

    def expired(request):
        token = request.headers.get("authorization", "")
        used[token] = used.get(token, 0) + 1
        return not token.startswith("Bearer t") or used[token] > 4

    TokenServer.issued = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), TokenServer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        key = service_account_key(tmp_path, f"http://127.0.0.1:{server.server_address[1]}/token")
        rule = Rule("status", status=401, times=ALWAYS, when=expired)
        with FaultProxy("127.0.0.1", emulator.port, rules=[rule]) as proxy:
            run(f"http://127.0.0.1:{proxy.port}", emulator.lacks,
                only="GcsEmulatorTest.*:-*.composes_*:*.tells_a_missing*",
                BERINGIA_GCS_CREDENTIALS=str(key))
        assert rule.acted > 10 and TokenServer.issued > 10
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_cut_off_cloud_is_told_soon():
    """Nothing listens: every call ends in kUnavailable within its attempts, none hangs."""
    run(f"http://127.0.0.1:{gcs_emulator.free_port()}", [], only="GcsBrokenTest.an_unreachable*",
        BERINGIA_GCS_FAULT="unreachable")
