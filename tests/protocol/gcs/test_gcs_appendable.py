"""Appendable objects over gRPC: by the messages themselves, and by google-cloud-storage's asyncio client, unchanged."""

import asyncio
import os
import secrets

import google_crc32c
import grpc
import pytest
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.cloud import _storage_v2 as storage_v2
from google.cloud._storage_v2 import types as v2
from google.cloud.storage.asyncio.async_appendable_object_writer import AsyncAppendableObjectWriter
from google.cloud.storage.asyncio.async_grpc_client import AsyncGrpcClient
from google.cloud.storage.asyncio.async_multi_range_downloader import AsyncMultiRangeDownloader
from test_gcs_grpc import MIB, door, token  # noqa: F401  fixtures
from test_gcs_grpc_sessions import Stream, piece, spec_of


def begin(door, bucket, name, data=b"", **fields):  # noqa: F811
    spec = spec_of(bucket, name, appendable=True, **fields)
    return Stream(door, "bidi_write_object", piece(data, 0, write_object_spec=spec, flush=True))


def place(bucket, name, **fields):
    return v2.AppendObjectSpec(bucket=f"projects/_/buckets/{bucket.name}", object_=name, **fields)


def append(door, bucket, name, data, offset, flush=True, **fields):  # noqa: F811
    message = piece(data, offset, append_object_spec=place(bucket, name, **fields), flush=flush)
    return Stream(door, "bidi_write_object", message)


def test_an_object_is_there_from_the_beginning_and_grows_with_each_stream(door, bucket):  # noqa: F811
    stream = begin(door, bucket, "log", b"one", if_generation_match=0)
    first = stream.answer()
    assert first.resource.size == 3 and first.write_handle.handle and not first.resource.finalize_time
    assert door.get(bucket.name, "log").size == 0  # what is written is seen when the stream ends
    assert stream.ask(piece(b"two", 3, flush=True, state_lookup=True)).persisted_size == 6
    assert stream.end() == []
    blob = bucket.get_blob("log")
    assert (blob.download_as_bytes(), blob.content_type) == (b"onetwo", "text/x-parts")
    assert "timeFinalized" not in blob._properties
    blob.metadata = {"k": "v"}
    blob.patch()

    # Another goes on, by the generation as which it began.
    stream = append(door, bucket, "log", b"", 0, generation=first.resource.generation)
    taken = stream.answer()
    assert (taken.resource.size, taken.resource.generation) == (6, bucket.get_blob("log").generation)
    sums = v2.ObjectChecksums(crc32c=google_crc32c.value(b"onetwo3"))
    done = stream.ask(piece(b"3", 6, finish_write=True, object_checksums=sums)).resource
    assert done.size == 7 and done.finalize_time == done.create_time
    blob = bucket.get_blob("log")
    assert (blob.download_as_bytes(), blob.metadata, blob.content_type) == (b"onetwo3", {"k": "v"}, "text/x-parts")
    assert blob._properties["timeFinalized"] == blob._properties["timeCreated"]
    with pytest.raises(exceptions.FailedPrecondition):
        append(door, bucket, "log", b"x", 7).end()


def test_a_stream_that_breaks_off_goes_on_by_its_handle(door, bucket):  # noqa: F811
    data = os.urandom(3 * MIB)
    stream = begin(door, bucket, "broken", data[:MIB])
    first = stream.answer()
    assert stream.ask(piece(data[MIB : 2 * MIB], MIB, flush=True, state_lookup=True)).persisted_size == 2 * MIB
    stream.call.cancel()
    stream.messages.put(None)
    assert door.get(bucket.name, "broken").size == 0
    stream = append(
        door, bucket, "broken", b"", 0, generation=first.resource.generation, write_handle=first.write_handle
    )
    assert stream.answer().persisted_size == 2 * MIB
    done = stream.ask(piece(data[2 * MIB :], 2 * MIB, finish_write=True)).resource
    assert done.checksums.crc32c == google_crc32c.value(data)
    assert bucket.blob("broken").download_as_bytes() == data
    # The answer to the last message was lost: it is told again.
    again = append(door, bucket, "broken", b"", 0, write_handle=first.write_handle)
    assert again.answer().resource.generation == done.generation


def test_who_lost_the_object_to_another_writer_is_told(door, bucket):  # noqa: F811
    slow = begin(door, bucket, "contested", b"slow")
    slow.answer()
    fast = append(door, bucket, "contested", b"fast", 0)
    assert fast.answer().resource.size == 4
    fast.end()
    with pytest.raises(exceptions.FailedPrecondition):
        slow.end()
    assert bucket.blob("contested").download_as_bytes() == b"fast"


def test_what_cannot_be_appended_to_is_refused(door, bucket):  # noqa: F811
    bucket.blob("plain").upload_from_string(b"plain")
    with pytest.raises(exceptions.FailedPrecondition):
        append(door, bucket, "plain", b"x", 5).end()
    with pytest.raises(exceptions.NotFound):
        append(door, bucket, "none", b"x", 0).end()
    begin(door, bucket, "log", b"1").end()
    with pytest.raises(exceptions.NotFound):
        append(door, bucket, "log", b"x", 1, generation=5).end()
    with pytest.raises(exceptions.FailedPrecondition):
        append(door, bucket, "log", b"x", 1, if_metageneration_match=7).end()
    with pytest.raises(exceptions.OutOfRange):
        append(door, bucket, "log", b"x", 9).end()
    with pytest.raises(exceptions.FailedPrecondition):
        begin(door, bucket, "log", b"x", if_generation_match=0).end()
    # A copy is finalized, like every object that was not written so.
    copy = bucket.copy_blob(bucket.blob("log"), bucket, "copy")
    assert copy.exists() and "timeFinalized" in bucket.get_blob("copy")._properties
    assert bucket.blob("log").download_as_bytes() == b"1"
    bucket.retention_period = 1
    bucket.patch()
    with pytest.raises(exceptions.MethodNotImplemented):
        begin(door, bucket, "kept", b"x").end()


def test_a_stream_without_bytes_changes_nothing(door, bucket):  # noqa: F811
    begin(door, bucket, "log", b"1").end()
    before = bucket.get_blob("log")
    append(door, bucket, "log", b"", 0).end()
    assert bucket.get_blob("log").generation == before.generation


class TokenCall(grpc.aio.StreamStreamClientInterceptor, grpc.aio.UnaryUnaryClientInterceptor):
    """The client sends credentials over TLS only; this is what it would send."""

    def __init__(self, token):  # noqa: F811
        self.value = ("authorization", f"Bearer {token}")

    def details(self, old):
        metadata = grpc.aio.Metadata(*(old.metadata or ()), self.value)
        return grpc.aio.ClientCallDetails(old.method, old.timeout, metadata, old.credentials, old.wait_for_ready)

    async def intercept_stream_stream(self, continuation, details, messages):
        return await continuation(self.details(details), messages)

    async def intercept_unary_unary(self, continuation, details, request):
        return await continuation(self.details(details), request)


def asyncio_client(server, token):  # noqa: F811
    address = f"127.0.0.1:{server.gcs_port}"
    client = AsyncGrpcClient._create_insecure_grpc_client(ClientOptions(api_endpoint=address))
    channel = grpc.aio.insecure_channel(address)
    for kind in (channel._stream_stream_interceptors, channel._unary_unary_interceptors):
        kind.append(TokenCall(token))
    transport = storage_v2.services.storage.transports.StorageGrpcAsyncIOTransport(channel=channel)
    client._grpc_client = storage_v2.StorageAsyncClient(transport=transport)
    return client


def test_googles_asyncio_client_writes_leaves_goes_on_and_finalizes(server, token, bucket):  # noqa: F811
    data = os.urandom(3 * MIB)

    async def run():
        client = asyncio_client(server, token)
        writer = AsyncAppendableObjectWriter(client, bucket.name, "async", generation=0)
        await writer.open()
        await writer.append(data[:MIB])
        assert await writer.flush() == MIB
        await writer.append(data[MIB : 2 * MIB])
        await writer.close()
        assert bucket.blob("async").download_as_bytes() == data[: 2 * MIB]

        writer = AsyncAppendableObjectWriter(client, bucket.name, "async", generation=writer.generation)
        await writer.open()
        assert writer.persisted_size == 2 * MIB
        await writer.append(data[2 * MIB :])
        made = await writer.finalize(full_object_checksum=google_crc32c.value(data))
        assert made.size == len(data)
        shown = await client.get_object(bucket.name, "async")
        assert (shown.generation, shown.checksums.crc32c) == (made.generation, google_crc32c.value(data))
        await client.delete_object(bucket.name, "async")

    asyncio.run(run())
    assert bucket.get_blob("async") is None


def test_googles_asyncio_client_reads_several_ranges(server, token, bucket):  # noqa: F811
    from io import BytesIO

    data = secrets.token_bytes(2 * MIB)
    bucket.blob("ranges").upload_from_string(data)

    async def run():
        parts = [(10, 20), (MIB, 700_000), (2 * MIB - 5, 5)]
        buffers = [BytesIO() for _ in parts]
        async with AsyncMultiRangeDownloader(asyncio_client(server, token), bucket.name, "ranges") as reader:
            assert reader.persisted_size == len(data)
            await reader.download_ranges([(*part, buffer) for part, buffer in zip(parts, buffers, strict=True)])
        assert [buffer.getvalue() for buffer in buffers] == [data[at : at + size] for at, size in parts]

    asyncio.run(run())
