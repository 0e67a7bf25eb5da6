"""Writes in parts and reads of several ranges over gRPC: what Google's newer clients use by default."""

import os
import queue

import google_crc32c
import grpc
import pytest
from google.api_core import exceptions
from google.cloud._storage_v2 import types as v2
from test_gcs_grpc import MIB, door, token  # noqa: F401  fixtures


class Stream:
    """A call whose messages are sent one by one, as the test goes on. The client waits for an answer to the first ones."""

    def __init__(self, door, method, *first):  # noqa: F811
        self.messages = queue.Queue()
        for message in first:
            self.messages.put(message)
        self.call = door.call(method, iter(self.messages.get, None))
        self.answers = iter(self.call)

    def ask(self, message):
        self.messages.put(message)
        return self.answer()

    def answer(self):
        return next(self.answers)

    def end(self):
        self.messages.put(None)
        return list(self.answers)


def spec_of(bucket, name, **fields):
    return v2.WriteObjectSpec(
        resource=v2.Object(name=name, bucket=f"projects/_/buckets/{bucket.name}", content_type="text/x-parts"), **fields
    )


def begin(door, bucket, name, **fields):  # noqa: F811
    request = v2.StartResumableWriteRequest(write_object_spec=spec_of(bucket, name, **fields))
    return door.call("start_resumable_write", request).upload_id


def piece(data, offset, **fields):
    content = v2.ChecksummedData(content=data, crc32c=google_crc32c.value(data))
    return v2.BidiWriteObjectRequest(checksummed_data=content, write_offset=offset, **fields)


def status_of(door, upload):  # noqa: F811
    return door.call("query_write_status", v2.QueryWriteStatusRequest(upload_id=upload))


def test_a_write_goes_on_where_another_stream_ended(door, bucket):  # noqa: F811
    data = os.urandom(3 * MIB + 5)
    upload = begin(door, bucket, "parts/a b")
    assert status_of(door, upload).persisted_size == 0
    stream = Stream(door, "bidi_write_object", piece(data[:MIB], 0, upload_id=upload, flush=True, state_lookup=True))
    assert stream.answer().persisted_size == MIB
    assert stream.ask(piece(data[MIB : 2 * MIB], MIB, flush=True, state_lookup=True)).persisted_size == 2 * MIB
    stream.end()
    assert status_of(door, upload).persisted_size == 2 * MIB
    assert list(bucket.list_blobs()) == []

    # Bytes that are there already may be sent again.
    sums = v2.ObjectChecksums(crc32c=google_crc32c.value(data))
    start = MIB + MIB // 2
    rest = piece(data[start : start + 2 * MIB - 9], start, upload_id=upload)
    end = start + len(rest.checksummed_data.content)
    last = piece(data[end:], end, finish_write=True, object_checksums=sums)
    made = Stream(door, "bidi_write_object", rest, last).answer().resource
    assert (made.size, made.checksums.crc32c) == (len(data), sums.crc32c)
    assert status_of(door, upload).resource.generation == made.generation
    blob = bucket.get_blob("parts/a b")
    assert (blob.generation, blob.content_type) == (made.generation, "text/x-parts")
    assert blob.download_as_bytes() == data


def test_write_object_into_a_session(door, bucket):  # noqa: F811
    upload = begin(door, bucket, "w")
    first = v2.WriteObjectRequest(upload_id=upload, checksummed_data=v2.ChecksummedData(content=b"abc"))
    assert door.call("write_object", iter([first])).persisted_size == 3
    last = v2.WriteObjectRequest(
        upload_id=upload, write_offset=3, checksummed_data=v2.ChecksummedData(content=b"def"), finish_write=True
    )
    assert door.call("write_object", iter([last])).resource.size == 6
    assert bucket.blob("w").download_as_bytes() == b"abcdef"


def test_a_session_that_is_wrong_stores_nothing(door, bucket):  # noqa: F811
    upload = begin(door, bucket, "bad")
    sums = v2.ObjectChecksums(crc32c=google_crc32c.value(b"other"))
    for message, error in (
        (piece(b"abc", 5, upload_id=upload), exceptions.OutOfRange),
        (piece(b"abc", 0, upload_id=upload, finish_write=True, object_checksums=sums), exceptions.InvalidArgument),
        (piece(b"abc", 0, upload_id="projects/_/buckets/b"), exceptions.InvalidArgument),
        (piece(b"abc", 0, upload_id=upload.replace("/bad", "/other")), exceptions.NotFound),
        (piece(b"abc", 0), exceptions.InvalidArgument),
    ):
        with pytest.raises(error):
            Stream(door, "bidi_write_object", message).end()
    sized = begin(door, bucket, "bad", object_size=4)
    with pytest.raises(exceptions.OutOfRange):
        Stream(door, "bidi_write_object", piece(b"abc", 0, upload_id=sized, finish_write=True)).end()
    assert list(bucket.list_blobs()) == []
    door.call("cancel_resumable_write", v2.CancelResumableWriteRequest(upload_id=upload))
    with pytest.raises(exceptions.NotFound):
        status_of(door, upload)


def test_a_write_of_one_stream(door, bucket):  # noqa: F811
    made = Stream(
        door, "bidi_write_object", piece(b"whole", 0, write_object_spec=spec_of(bucket, "one"), finish_write=True)
    ).answer()
    assert made.resource.size == 5
    first = piece(b"in ", 0, write_object_spec=spec_of(bucket, "two"))
    assert Stream(door, "bidi_write_object", first, piece(b"two", 3, finish_write=True)).answer().resource.size == 6
    with pytest.raises(exceptions.InvalidArgument):
        Stream(door, "bidi_write_object", piece(b"half", 0, write_object_spec=spec_of(bucket, "three")), None)
    guarded = spec_of(bucket, "one", if_generation_match=0)
    with pytest.raises(exceptions.FailedPrecondition):
        Stream(door, "bidi_write_object", piece(b"x", 0, write_object_spec=guarded, finish_write=True)).end()
    assert {blob.name: blob.download_as_bytes() for blob in bucket.list_blobs()} == {"one": b"whole", "two": b"in two"}


def open_read(door, bucket, name, ranges=(), **fields):  # noqa: F811
    spec = v2.BidiReadObjectSpec(bucket=f"projects/_/buckets/{bucket.name}", object_=name, **fields)
    return Stream(door, "bidi_read_object", v2.BidiReadObjectRequest(read_object_spec=spec, read_ranges=ranges))


def collect(answers, parts):
    for answer in answers:
        for data in answer.object_data_ranges:
            assert google_crc32c.value(data.checksummed_data.content) == data.checksummed_data.crc32c
            parts.setdefault(data.read_range.read_id, bytearray()).extend(data.checksummed_data.content)
    return parts


def test_several_ranges_of_one_generation(door, bucket):  # noqa: F811
    data = os.urandom(MIB)
    generation = door.write(bucket.name, "r", data).generation
    stream = open_read(door, bucket, "r")
    opened = stream.answer()
    assert (opened.metadata.generation, opened.metadata.size) == (generation, MIB)
    door.write(bucket.name, "r", b"another")
    ranges = [v2.ReadRange(read_offset=10, read_length=20, read_id=1), v2.ReadRange(read_offset=-5, read_id=2)]
    stream.messages.put(v2.BidiReadObjectRequest(read_ranges=ranges))
    stream.messages.put(v2.BidiReadObjectRequest(read_ranges=[v2.ReadRange(read_offset=100, read_id=3)]))
    if bucket.versioning_enabled:
        assert collect(stream.end(), {}) == {1: data[10:30], 2: data[-5:], 3: data[100:]}
    else:  # it is gone, and nothing else is read in its place
        with pytest.raises(exceptions.NotFound):
            stream.end()


def test_ranges_that_do_not_lie_in_the_object(door, bucket):  # noqa: F811
    door.write(bucket.name, "r", b"0123456789")
    whole = v2.ReadRange(read_id=7)
    assert collect(open_read(door, bucket, "r", [whole]).end(), {}) == {7: b"0123456789"}
    for bad in (v2.ReadRange(read_offset=11, read_id=9), v2.ReadRange(read_length=-1, read_id=9)):
        with pytest.raises(exceptions.OutOfRange) as error:
            open_read(door, bucket, "r", [bad]).end()
        status = error.value.errors[0]
        assert isinstance(status, grpc.RpcError)
        assert b"\x08\x09" in dict(status.trailing_metadata())["grpc-status-details-bin"]  # read_id 9
    with pytest.raises(exceptions.NotFound):
        open_read(door, bucket, "none").end()
