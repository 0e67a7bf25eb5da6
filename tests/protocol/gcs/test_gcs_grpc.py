"""gRPC at the address of the GCS door, by Google's generated clients: the same decisions as over JSON."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import google_crc32c
import grpc
import pytest
import requests
from gcs_clients import access_token, make_key_file
from google.api_core import exceptions
from google.cloud import storage_control_v2
from google.cloud._storage_v2 import types as v2
from google.cloud._storage_v2.services.storage import StorageClient
from google.cloud._storage_v2.services.storage.transports.grpc import StorageGrpcTransport
from google.cloud.storage_control_v2.services.storage_control.transports import grpc as control_grpc

sys.path.append(str(pathlib.Path(__file__).parents[2] / "audit"))
from test_audit import entries_of  # noqa: E402

MIB = 1 << 20


class Door:
    """Google's gRPC client at one server's address, with one principal's token or with none."""

    def __init__(self, server, token=None):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{server.gcs_port}")
        self.client = StorageClient(transport=StorageGrpcTransport(channel=self.channel))
        self.metadata = [("authorization", f"Bearer {token}")] if token else []

    def call(self, method, *arguments, **fields):
        return getattr(self.client, method)(*arguments, metadata=self.metadata, retry=None, timeout=30, **fields)

    def write(self, bucket, name, data, chunk=2 * MIB, spec=None, break_crc=False, break_end=False):
        def messages():
            whole = google_crc32c.value(data)
            offset = 0
            while True:
                piece = data[offset : offset + chunk]
                last = offset + len(piece) == len(data)
                message = v2.WriteObjectRequest(write_offset=offset, finish_write=last)
                crc = google_crc32c.value(piece)
                message.checksummed_data = v2.ChecksummedData(content=piece, crc32c=crc ^ 1 if break_crc else crc)
                if offset == 0:
                    resource = v2.Object(name=name, bucket=f"projects/_/buckets/{bucket}", content_type="text/x-grpc")
                    message.write_object_spec = v2.WriteObjectSpec(resource=resource, **(spec or {}))
                if last:
                    message.object_checksums = v2.ObjectChecksums(crc32c=whole ^ 1 if break_end else whole)
                yield message
                if last:
                    return
                offset += len(piece)

        return self.call("write_object", messages()).resource

    def read(self, bucket, name, **fields):
        """(bytes, first message); the checksum of every message is checked."""
        request = v2.ReadObjectRequest(bucket=f"projects/_/buckets/{bucket}", object_=name, **fields)
        parts, first = [], None
        for message in self.call("read_object", request):
            first = first or message
            data = message.checksummed_data
            assert google_crc32c.value(data.content) == data.crc32c
            parts.append(data.content)
        return b"".join(parts), first

    def get(self, bucket, name, **fields):
        request = v2.GetObjectRequest(bucket=f"projects/_/buckets/{bucket}", object_=name, **fields)
        return self.call("get_object", request)


@pytest.fixture(scope="session")
def token(key_file):
    return access_token(key_file)[0]


@pytest.fixture(scope="session")
def door(server, token):
    made = Door(server, token)
    yield made
    made.channel.close()


def test_what_is_written_by_grpc_is_read_by_json_and_back(door, bucket):
    data = os.urandom(5 * MIB + 17)
    made = door.write(bucket.name, "dir/a b", data)
    assert made.size == len(data) and made.checksums.crc32c == google_crc32c.value(data)
    blob = bucket.get_blob("dir/a b")
    assert (blob.generation, blob.content_type) == (made.generation, "text/x-grpc")
    assert blob.download_as_bytes() == data
    assert door.get(bucket.name, "dir/a b") == made

    bucket.blob("j").upload_from_string("by JSON", content_type="text/plain")
    read, first = door.read(bucket.name, "j")
    assert read == b"by JSON"
    assert first.metadata.content_type == "text/plain"
    assert first.metadata.generation == bucket.get_blob("j").generation
    assert first.content_range.complete_length == 7
    assert first.object_checksums.crc32c == google_crc32c.value(b"by JSON")


def test_ranges(door, bucket):
    data = os.urandom(MIB)
    door.write(bucket.name, "r", data)
    door.write(bucket.name, "empty", b"")
    assert door.read(bucket.name, "r", read_offset=10, read_limit=20)[0] == data[10:30]
    assert door.read(bucket.name, "r", read_offset=MIB - 5)[0] == data[-5:]
    part, first = door.read(bucket.name, "r", read_offset=-7)
    assert part == data[-7:]
    assert (first.content_range.start, first.content_range.end) == (MIB - 7, MIB)
    assert door.read(bucket.name, "r", read_limit=300 << 10)[0] == data[: 300 << 10]
    assert door.read(bucket.name, "empty")[0] == b""
    assert door.read(bucket.name, "empty", read_limit=10)[0] == b""
    with pytest.raises(exceptions.OutOfRange):
        door.read(bucket.name, "r", read_offset=MIB + 1)
    with pytest.raises(exceptions.InvalidArgument):
        door.read(bucket.name, "r", read_limit=-1)


def test_a_write_that_is_not_what_it_says_stores_nothing(door, bucket):
    for fault in ({"break_crc": True}, {"break_end": True}):
        with pytest.raises(exceptions.InvalidArgument):
            door.write(bucket.name, "bad", b"x" * 100, chunk=40, **fault)
    with pytest.raises(exceptions.InvalidArgument):  # no finish_write
        spec = v2.WriteObjectSpec(resource=v2.Object(name="bad", bucket=f"projects/_/buckets/{bucket.name}"))
        first = v2.WriteObjectRequest(write_object_spec=spec, checksummed_data=v2.ChecksummedData(content=b"x"))
        door.call("write_object", iter([first]))
    with pytest.raises(exceptions.InvalidArgument):  # a hole
        hole = v2.WriteObjectRequest(write_object_spec=spec, write_offset=5, finish_write=True)
        door.call("write_object", iter([hole]))
    assert bucket.get_blob("bad") is None


def test_preconditions_are_those_of_json(door, bucket):
    made = door.write(bucket.name, "p", b"1", spec={"if_generation_match": 0})
    with pytest.raises(exceptions.FailedPrecondition):
        door.write(bucket.name, "p", b"2", spec={"if_generation_match": 0})
    with pytest.raises(exceptions.FailedPrecondition):
        door.get(bucket.name, "p", if_generation_match=made.generation + 1)
    with pytest.raises(exceptions.Aborted):
        door.get(bucket.name, "p", if_generation_not_match=made.generation)
    with pytest.raises(exceptions.NotFound):
        door.get(bucket.name, "none")
    with pytest.raises(exceptions.NotFound):
        door.read("no-such-bucket-here", "p")
    assert bucket.blob("p").download_as_bytes() == b"1"


def test_lists_page_by_page(door, bucket):
    names = ["a/1", "a/2", "b", "c/3", "d"]
    for name in names:
        door.write(bucket.name, name, b"")
    parent = f"projects/_/buckets/{bucket.name}"
    pager = door.call("list_objects", v2.ListObjectsRequest(parent=parent, page_size=2))
    assert [found.name for found in pager] == names
    pages = list(door.call("list_objects", v2.ListObjectsRequest(parent=parent, delimiter="/")).pages)
    assert [found.name for found in pages[0].objects] == ["b", "d"]
    assert list(pages[0].prefixes) == ["a/", "c/"]
    masked = door.call("list_objects", v2.ListObjectsRequest(parent=parent, prefix="b", read_mask="name"))
    assert list(masked) == [v2.Object(name="b")]


def test_objects_are_composed_rewritten_moved_and_deleted(door, bucket):
    place = f"projects/_/buckets/{bucket.name}"
    one, _ = door.write(bucket.name, "1", b"ab"), door.write(bucket.name, "2", b"cd")
    source = v2.ComposeObjectRequest.SourceObject
    sources = [source(name="1", generation=one.generation), source(name="2")]
    both = v2.Object(name="12", bucket=place, content_type="text/both", metadata={"k": "v"})
    made = door.call("compose_object", v2.ComposeObjectRequest(destination=both, source_objects=sources))
    assert (made.size, made.content_type, made.metadata["k"]) == (4, "text/both", "v")
    copied = door.call(
        "rewrite_object",
        v2.RewriteObjectRequest(
            source_bucket=place, source_object="12", destination_bucket=place, destination_name="copy"
        ),
    )
    assert copied.done and copied.resource.checksums.crc32c == google_crc32c.value(b"abcd")
    moved = v2.MoveObjectRequest(bucket=place, source_object="copy", destination_object="moved")
    assert door.call("move_object", moved).name == "moved"
    assert door.read(bucket.name, "moved")[0] == b"abcd"
    stale = v2.DeleteObjectRequest(bucket=place, object_="moved", if_generation_match=1)
    with pytest.raises(exceptions.FailedPrecondition):
        door.call("delete_object", stale)
    door.call("delete_object", v2.DeleteObjectRequest(bucket=place, object_="moved"))
    assert sorted(blob.name for blob in bucket.list_blobs()) == ["1", "12", "2"]


def test_buckets_and_their_layout(server, door, token, bucket_name):
    made = door.call(
        "create_bucket",
        v2.CreateBucketRequest(
            parent="projects/_", bucket_id=bucket_name, bucket=v2.Bucket(project="projects/p", labels={"team": "x"})
        ),
    )
    name = f"projects/_/buckets/{bucket_name}"
    assert (made.name, made.bucket_id, made.labels["team"]) == (name, bucket_name, "x")
    assert door.call("get_bucket", v2.GetBucketRequest(name=name)).create_time == made.create_time
    listed = door.call("list_buckets", v2.ListBucketsRequest(parent="projects/p", prefix=bucket_name))
    assert [found.name for found in listed] == [name]
    with pytest.raises(exceptions.AlreadyExists):
        door.call("create_bucket", v2.CreateBucketRequest(parent="projects/_", bucket_id=bucket_name))

    control = storage_control_v2.StorageControlClient(
        transport=control_grpc.StorageControlGrpcTransport(channel=door.channel)
    )
    ask = storage_control_v2.GetStorageLayoutRequest(name=f"{name}/storageLayout")
    layout = control.get_storage_layout(ask, metadata=door.metadata)
    assert layout.name == f"{name}/storageLayout"
    assert (layout.location, layout.hierarchical_namespace.enabled) == (made.location, False)

    door.write(bucket_name, "x", b"")
    with pytest.raises(exceptions.FailedPrecondition):  # it is not empty
        delete_bucket(door, name)
    door.call("delete_object", v2.DeleteObjectRequest(bucket=name, object_="x"))
    delete_bucket(door, name)
    with pytest.raises(exceptions.NotFound):
        door.call("get_bucket", v2.GetBucketRequest(name=name))


def delete_bucket(door, name):
    door.call("delete_bucket", v2.DeleteBucketRequest(name=name))


def test_who_may_not_over_json_may_not_over_grpc(server, door, bucket):
    door.write(bucket.name, "secret", b"1")
    name = f"grpc-{time.monotonic_ns()}"
    server.run("principals", "create", name)
    stranger = access_token(make_key_file(server, name))[0]
    address = f"{server.gcs_url}/storage/v1/b/{bucket.name}/o/secret"
    for theirs, status, error in (
        (stranger, 403, exceptions.PermissionDenied),
        (None, 401, exceptions.Unauthenticated),
        ("nonsense", 401, exceptions.Unauthenticated),
    ):
        headers = {"Authorization": f"Bearer {theirs}"} if theirs else {}
        assert requests.get(address, headers=headers, timeout=30).status_code == status
        other = Door(server, theirs)
        for refused in (
            lambda: other.get(bucket.name, "secret"),
            lambda: other.read(bucket.name, "secret"),
            lambda: other.write(bucket.name, "new", b"2"),
            lambda: delete_bucket(other, f"projects/_/buckets/{bucket.name}"),
        ):
            with pytest.raises(error):
                refused()
        other.channel.close()
    assert [blob.name for blob in bucket.list_blobs()] == ["secret"]


def test_what_is_not_offered_is_refused_at_once(door, bucket):
    start = time.monotonic()
    with pytest.raises(exceptions.MethodNotImplemented):
        door.write(bucket.name, "n", b"1", spec={"appendable": True})
    with pytest.raises(exceptions.MethodNotImplemented):  # a field that we do not know
        place = f"projects/_/buckets/{bucket.name}"
        door.call("update_bucket", v2.UpdateBucketRequest(bucket={"name": place, "ip_filter": {"mode": "Enabled"}}))
    unknown = door.channel.unary_unary("/some.Other/Thing")
    with pytest.raises(grpc.RpcError) as error:
        unknown(b"", timeout=30)
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert time.monotonic() - start < 10


def test_messages_that_are_too_long_or_broken_are_refused(door, bucket):
    raw = door.channel.unary_unary("/google.storage.v2.Storage/GetObject")
    for message, code in (
        (b"\xff\xff\xff", grpc.StatusCode.INVALID_ARGUMENT),
        (b"\0" * (6 * MIB), grpc.StatusCode.RESOURCE_EXHAUSTED),
    ):
        with pytest.raises(grpc.RpcError) as error:
            raw(message, metadata=door.metadata, timeout=30)
        assert error.value.code() == code
    assert door.write(bucket.name, "after", b"1").size == 1


def test_many_calls_share_one_connection(door, bucket):
    data = os.urandom(3 * MIB)
    door.write(bucket.name, "m", data)
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        reads = list(pool.map(lambda _: door.read(bucket.name, "m")[0] == data, range(60)))
    assert all(reads)


def test_a_reader_that_goes_away_leaves_the_connection_whole(door, bucket):
    data = os.urandom(8 * MIB)
    door.write(bucket.name, "long", data)
    place = f"projects/_/buckets/{bucket.name}"
    for _ in range(20):
        stream = door.call("read_object", v2.ReadObjectRequest(bucket=place, object_="long"))
        next(iter(stream))
        stream.cancel()
    assert door.read(bucket.name, "long")[0] == data


def test_the_audit_names_the_door(server, door, bucket):
    door.write(bucket.name, "seen", b"1")
    deadline, records = time.monotonic() + 30, []
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):  # a partial tile may go while it is read
            records = [one for one in entries_of(server.data / "audit") if bucket.name in json.dumps(one)]
        mine = [one for one in records if one["api"]["service"]["name"] == "gcs-grpc"]
        if mine:
            assert mine[-1]["api"]["operation"] == "storage.objects.insert"
            return
        time.sleep(0.1)
    raise AssertionError(f"no record of gcs-grpc among {records[-3:]}")


@pytest.mark.skipif("HTTP2" not in subprocess.run(["curl", "-V"], capture_output=True, text=True).stdout, reason="curl")
def test_json_is_answered_over_http2_too(server, token, bucket):
    bucket.blob("h2").upload_from_string("over HTTP/2")
    curl = [shutil.which("curl"), "-sS", "--http2-prior-knowledge", "--max-time", "30", "-w", "\n%{http_version} %{http_code}"]
    curl += ["-H", f"Authorization: Bearer {token}"]
    address = f"{server.gcs_url}/storage/v1/b/{bucket.name}/o/h2"
    done = subprocess.run([*curl, f"{address}?alt=media"], capture_output=True, text=True, check=True)
    assert done.stdout == "over HTTP/2\n2 200"
    shown = subprocess.run([*curl, address], capture_output=True, text=True, check=True).stdout
    assert json.loads(shown.rsplit("\n", 1)[0])["name"] == "h2"
    gone = subprocess.run([*curl, "-X", "DELETE", address], capture_output=True, text=True, check=True)
    assert gone.stdout == "\n2 204"


def test_a_server_with_idle_channels_stops_soon(make_server):
    process = make_server("grpc-drain")
    key = make_key_file(process, "root")
    other = Door(process, access_token(key)[0])
    list(other.call("list_buckets", v2.ListBucketsRequest(parent="projects/p")))
    start = time.monotonic()
    assert process.stop() == 0
    assert time.monotonic() - start < 5
    other.channel.close()
