"""Faults on request (`gcs_fault_injection`): each instruction over both transports, as Google's retry tests use it."""

import os
import time

import google_crc32c
import pytest
import requests
from gcs_clients import access_token, make_key_file, storage_client
from google.api_core import exceptions
from google.cloud._storage_v2 import types as v2
from test_gcs_appendable import append, begin as append_begin
from test_gcs_grpc import Door
from test_gcs_grpc_sessions import Stream, begin, open_read, piece, status_of

KIB = 1 << 10
SECOND = 1.0


class Faulty:
    """A server that injects faults, asked as root."""

    def __init__(self, make_server):
        self.server = make_server("faulty", "--gcs-fault-injection", "on")
        key_file = make_key_file(self.server, "root")
        self.token = access_token(key_file)[0]
        self.client = storage_client(self.server, key_file)
        self.url = self.server.gcs_url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {self.token}"

    def test_of(self, method, *faults, transport="HTTP"):
        """The id of a new test."""
        body = {"instructions": {method: list(faults)}, "transport": transport}
        answer = self.session.post(f"{self.url}/retry_test", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()["id"]

    def is_completed(self, test):
        return self.session.get(f"{self.url}/retry_test/{test}", timeout=30).json()["completed"]

    def ask(self, test, method, path, **named):
        headers = {"x-retry-test-id": test, **named.pop("headers", {})}
        return self.session.request(method, self.url + path, headers=headers, timeout=30, **named)

    def door(self, test):
        door = Door(self.server, self.token)
        door.metadata.append(("x-retry-test-id", test))
        return door


@pytest.fixture(scope="session")
def faulty(make_server):
    return Faulty(make_server)


@pytest.fixture
def lake(faulty, bucket_name):
    return faulty.client.create_bucket(bucket_name)


def test_a_server_that_was_not_told_so_injects_nothing(server, key_file, bucket):
    token = access_token(key_file)[0]
    headers = {"Authorization": f"Bearer {token}", "x-retry-test-id": "1"}
    assert requests.get(f"{server.gcs_url}/retry_test/1", headers=headers, timeout=30).status_code == 404
    made = requests.post(f"{server.gcs_url}/retry_test", json={"instructions": {}}, headers=headers, timeout=30)
    assert made.status_code == 400  # a form of the XML API, and a bad one
    path = f"{server.gcs_url}/storage/v1/b/{bucket.name}"
    assert requests.get(path, headers=headers, timeout=30).status_code == 200


def test_nobody_without_a_credential_makes_tests(faulty):
    body = {"instructions": {"storage.buckets.get": ["return-503"]}}
    assert requests.post(f"{faulty.url}/retry_test", json=body, timeout=30).status_code == 401


def test_a_reset_is_one(faulty, lake):
    test = faulty.test_of("storage.buckets.get", "return-reset-connection")
    with pytest.raises(requests.ConnectionError):
        faulty.ask(test, "GET", f"/storage/v1/b/{lake.name}")
    assert faulty.ask(test, "GET", f"/storage/v1/b/{lake.name}").status_code == 200
    assert faulty.is_completed(test)


def test_an_answer_breaks_off_and_stalls(faulty, lake):
    data = os.urandom(300 * KIB)
    lake.blob("x").upload_from_string(data)
    path = f"/storage/v1/b/{lake.name}/o/x?alt=media"
    test = faulty.test_of(
        "storage.objects.get", "return-broken-stream-after-256K", "stall-for-1s-after-256K", "stall-for-1s-after-0K"
    )
    with faulty.ask(test, "GET", path, stream=True) as answer, pytest.raises(requests.exceptions.RequestException):
        assert answer.status_code == 200
        _ = answer.content
    for _ in range(2):
        start = time.monotonic()
        assert faulty.ask(test, "GET", path).content == data
        assert time.monotonic() - start >= SECOND
    assert faulty.is_completed(test)


def test_an_upload_stalls_and_its_answer_is_cut(faulty, lake):
    test = faulty.test_of(
        "storage.objects.insert", "stall-for-1s-after-0K", "return-broken-stream-final-chunk-after-100B"
    )
    address = faulty.session.post(
        f"{faulty.url}/upload/storage/v1/b/{lake.name}/o?uploadType=resumable&name=up", timeout=30
    ).headers["Location"].removeprefix(faulty.url)
    start = time.monotonic()
    first = faulty.ask(test, "PUT", address, data=bytes(256 * KIB), headers={"Content-Range": "bytes 0-262143/*"})
    assert (first.status_code, time.monotonic() - start >= SECOND) == (308, True)
    last = faulty.ask(test, "PUT", address, data=b"abc", headers={"Content-Range": "bytes 262144-262146/262147"})
    assert (last.status_code, len(last.content)) == (200, 100)
    assert lake.get_blob("up").size == 262147
    assert faulty.is_completed(test)


def test_grpc_calls_fail_by_status_reset_and_redirection(faulty, lake):
    lake.blob("x").upload_from_string(b"x")
    for fault, error in (
        ("return-503", exceptions.ServiceUnavailable), ("return-400", exceptions.InvalidArgument),
        ("return-504", exceptions.DeadlineExceeded), ("return-reset-connection", exceptions.ServiceUnavailable),
        ("redirect-send-token-T", exceptions.Aborted),
    ):  # fmt: skip
        test = faulty.test_of("storage.objects.get", fault, transport="GRPC")
        door = faulty.door(test)
        with pytest.raises(error):
            door.get(lake.name, "x")
        assert faulty.is_completed(test)
        assert door.get(lake.name, "x").size == 1
        door.channel.close()


def test_grpc_tests_are_of_methods_that_grpc_has(faulty):
    body = {"instructions": {"storage.hmacKey.get": ["return-503"]}, "transport": "GRPC"}
    assert faulty.session.post(f"{faulty.url}/retry_test", json=body, timeout=30).status_code == 501


def test_a_grpc_read_breaks_off_where_the_fault_lies_and_stalls(faulty, lake):
    data = os.urandom(600 * KIB)
    lake.blob("x").upload_from_string(data)
    test = faulty.test_of(
        "storage.objects.get", "return-broken-stream-after-300K", "stall-for-1s-after-300K", transport="GRPC"
    )
    door = faulty.door(test)
    request = v2.ReadObjectRequest(bucket=f"projects/_/buckets/{lake.name}", object_="x")
    got = bytearray()
    with pytest.raises(exceptions.ServiceUnavailable):
        for message in door.call("read_object", request):
            got += message.checksummed_data.content
    assert got == data[: 300 * KIB]
    start = time.monotonic()
    assert door.read(lake.name, "x")[0] == data
    assert time.monotonic() - start >= SECOND
    assert faulty.is_completed(test)
    door.channel.close()


def test_a_grpc_write_fails_where_the_fault_lies_and_keeps_what_came_before(faulty, lake):
    data = os.urandom(700 * KIB)
    test = faulty.test_of("storage.objects.insert", "return-503-after-300K", "stall-for-1s-after-300K", transport="GRPC")
    quiet, door = Door(faulty.server, faulty.token), faulty.door(test)
    upload = begin(quiet, lake, "up")
    with pytest.raises(exceptions.ServiceUnavailable):
        Stream(door, "bidi_write_object", piece(data, 0, upload_id=upload)).end()
    assert status_of(quiet, upload).persisted_size == 300 * KIB
    start = time.monotonic()
    sums = v2.ObjectChecksums(crc32c=google_crc32c.value(data))
    last = piece(data[300 * KIB :], 300 * KIB, upload_id=upload, finish_write=True, object_checksums=sums)
    assert Stream(door, "bidi_write_object", last).answer().resource.size == len(data)
    assert time.monotonic() - start >= SECOND
    assert faulty.is_completed(test)
    for one in (quiet, door):
        one.channel.close()


def test_an_appendable_write_is_sent_elsewhere_with_its_handle(faulty, lake):
    test = faulty.test_of(
        "storage.objects.insert", "redirect-send-handle-and-token-T", "redirect-expect-token-T", transport="GRPC"
    )
    door = faulty.door(test)
    with pytest.raises(exceptions.Aborted) as error:
        append_begin(door, lake, "log", b"one").answer()
    assert b"T" in dict(error.value.errors[0].trailing_metadata())["grpc-status-details-bin"]
    assert door.get(lake.name, "log").size == 0
    door.metadata.append(("x-goog-request-params", "routing_token=T"))
    append(door, lake, "log", b"two", 0).end()
    assert faulty.is_completed(test)
    assert lake.blob("log").download_as_bytes() == b"two"
    door.channel.close()


def test_a_range_that_ends_where_the_fault_lies_has_ended(faulty, lake):
    data = os.urandom(512 * KIB)
    lake.blob("x").upload_from_string(data)
    test = faulty.test_of("storage.objects.get", "return-broken-stream-after-256K", transport="GRPC")
    door = faulty.door(test)
    got = []
    with pytest.raises(exceptions.ServiceUnavailable):
        for answer in open_read(door, lake, "x", [v2.ReadRange(read_length=256 * KIB, read_id=1)]).answers:
            got.extend(answer.object_data_ranges)
    assert [part.range_end for part in got] == [True]
    assert got[0].checksummed_data.content == data[: 256 * KIB]
    assert faulty.is_completed(test)
    door.channel.close()
