"""Stock GCS clients behind a line that breaks: requests cut off half way, answers lost after success, 503s, slow and
broken downloads. Whatever the client reports as done is there, once, and right."""

import dataclasses
import os
import pathlib
import sys

import pytest
from google.api_core import exceptions
from google.cloud.storage.retry import DEFAULT_RETRY

from gcs_clients import storage_client

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "faults"))
from fault_proxy import FaultProxy, Rule  # noqa: E402

KIB = 1 << 10
RETRY = DEFAULT_RETRY.with_delay(initial=0.05, maximum=0.2).with_timeout(30)


@pytest.fixture
def line(server):
    with FaultProxy("127.0.0.1", server.gcs_port) as proxy:
        yield proxy


@pytest.fixture
def shaky(line, key_file, bucket, server):
    """The test's bucket through the line."""
    class Through:
        gcs_url = f"http://127.0.0.1:{line.port}"

    return storage_client(Through, key_file).bucket(bucket.name)


FAULTS = {
    "503 first": Rule("status", method="PUT", times=2),
    "a request cut off": Rule("drop_request", method="PUT", bytes=100 * KIB, skip=1),
    "a request cut off at once": Rule("drop_request", method="PUT", bytes=1, times=2),
    "the answer of a chunk lost": Rule("drop_reply", method="PUT", skip=1),
    "the last answer lost": Rule("drop_reply", method="PUT", skip=4),
    "the last answer is 503 after success": Rule("status_after", method="PUT", skip=4),
    "connections refused": Rule("refuse", method="PUT", times=2),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_resumable_uploads_survive(line, shaky, bucket, fault):
    data = os.urandom(9 << 20)  # above 8 MiB the library uploads in chunks: five of them
    rule = line.add(dataclasses.replace(FAULTS[fault]))
    blob = shaky.blob("up", chunk_size=2 << 20)
    blob.upload_from_string(data, if_generation_match=0, retry=RETRY, checksum="auto")
    assert rule.acted > 0
    assert bucket.get_blob("up").download_as_bytes() == data
    assert bucket.get_blob("up").generation == blob.generation


@pytest.mark.parametrize("kind", ["drop_reply", "status_after"])
def test_a_create_whose_answer_was_lost_happened_once(line, shaky, bucket, kind):
    rule = line.add(Rule(kind, method="POST", path="uploadType=multipart"))
    # The library repeats the request: the second one finds the first one's object.
    with pytest.raises(exceptions.PreconditionFailed):
        shaky.blob("once").upload_from_string("1", if_generation_match=0, retry=RETRY)
    assert rule.acted == 1
    assert bucket.get_blob("once").download_as_bytes() == b"1"


def test_a_create_that_never_arrived_is_repeated(line, shaky, bucket):
    line.add(Rule("drop_request", method="POST", path="uploadType=multipart", bytes=200 * KIB))
    line.add(Rule("status", method="POST", path="uploadType=multipart"))
    data = os.urandom(400 * KIB)
    shaky.blob("repeated").upload_from_string(data, if_generation_match=0, retry=RETRY)
    assert bucket.blob("repeated").download_as_bytes() == data


@pytest.mark.parametrize("rule", [
    Rule("cut_reply", method="GET", path="alt=media", bytes=500 * KIB, times=2),
    Rule("cut_reply", method="GET", path="alt=media", bytes=1, times=2),
    Rule("status", method="GET", path="alt=media", times=2),
    Rule("slow", method="GET", path="alt=media", bytes=64 * KIB, delay_s=0.01),
], ids=lambda rule: f"{rule.kind}-{rule.bytes}")  # fmt: skip
def test_downloads_are_whole_and_right(line, shaky, bucket, rule):
    data = os.urandom(1500 * KIB)
    bucket.blob("down").upload_from_string(data)
    line.add(rule)
    assert shaky.blob("down").download_as_bytes(retry=RETRY, checksum="auto") == data
    assert rule.acted > 0


def test_a_delete_whose_answer_was_lost_happened(line, shaky, bucket):
    blob = bucket.blob("gone")
    blob.upload_from_string("x")
    line.add(Rule("drop_reply", method="DELETE"))
    with pytest.raises(exceptions.NotFound):  # as from Google: the repeated request finds nothing
        shaky.blob("gone").delete(if_generation_match=blob.generation, retry=RETRY)
    assert not bucket.blob("gone").exists()
