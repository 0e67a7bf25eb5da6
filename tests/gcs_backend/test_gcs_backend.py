"""The GCS backend against stand-ins that somebody else wrote, also through a network that breaks.

Runs the C++ tests of src/backend/gcs (GcsEmulatorTest) with the endpoint of an emulator, and again
through tests/faults/fault_proxy.py. What an emulator does not do is listed in `lacks`.
BERINGIA_BACKEND_TEST names the test program (default: build/release/src/backend_test);
BERINGIA_GCS_TESTBENCH the endpoint of a running googleapis/storage-testbench, if there is one.
"""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

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
    "write_conditions": ["absent_is_an_exact_condition", "a_version_is_an_exact_condition"],
    "delete_conditions": ["a_version_is_an_exact_condition"],
    "copy_conditions": ["composes_sources_in_order"],
    "patch": ["an_update_keeps_bytes_and_version"],
    "paged_prefixes": ["lists_in_byte_order_page_by_page"],
    "behaviour": ["*"],
}


def gtest_filter(lacks):
    without = [f"Gcs/BackendBehaviour.{case}/*" for word in lacks for case in NEEDS.get(word, [])]
    return "GcsEmulatorTest.*:Gcs/BackendBehaviour.*/emulator-" + ":".join(without)


def run(endpoint, lacks):
    only = gtest_filter(lacks)
    environment = dict(os.environ, BERINGIA_GCS_EMULATOR=endpoint, BERINGIA_GCS_BUCKET=BUCKET,
                       BERINGIA_GCS_LACKS=" ".join(lacks))
    done = subprocess.run([find_program(), f"--gtest_filter={only}", "--gtest_brief=1"],
                          env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "PASSED" in done.stdout


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
        run(f"http://127.0.0.1:{proxy.port}", [])
