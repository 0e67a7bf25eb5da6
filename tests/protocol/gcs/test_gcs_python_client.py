"""google-cloud-storage, unmodified, by endpoint and key file only."""

import base64
import datetime
import gzip
import hashlib
import io
import json
import os

import google_crc32c
import pytest
from google.api_core import exceptions
from google.auth.exceptions import InvalidOperation, RefreshError
from google.cloud import storage

from gcs_clients import make_key_file, storage_client

MIB = 1 << 20


def crc32c(data: bytes) -> str:
    return base64.b64encode(google_crc32c.Checksum(data).digest()).decode()


def md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def test_buckets_live_and_die(client, bucket_name):
    made = client.create_bucket(bucket_name)
    assert client.lookup_bucket(bucket_name).name == bucket_name
    assert client.get_bucket(bucket_name).storage_class == "STANDARD"
    assert bucket_name in {one.name for one in client.list_buckets()}
    assert [one.name for one in client.list_buckets(prefix=bucket_name)] == [bucket_name]
    with pytest.raises(exceptions.Conflict):
        client.create_bucket(bucket_name)
    made.labels = {"team": "lake"}
    made.patch()
    assert client.get_bucket(bucket_name).labels == {"team": "lake"}
    made.blob("x").upload_from_string("x")
    with pytest.raises(exceptions.Conflict):
        made.delete()
    made.delete(force=True)
    assert client.lookup_bucket(bucket_name) is None
    with pytest.raises(exceptions.NotFound):
        client.get_bucket(bucket_name)


@pytest.mark.parametrize("checksum", [None, "md5", "crc32c", "auto"])
def test_uploads_of_all_kinds_come_back_equal(bucket, checksum, tmp_path):
    for size in (0, 1, 300_000, 9 * MIB + 17):  # above 8 MiB in chunks
        data = os.urandom(size)
        path = tmp_path / "data"
        path.write_bytes(data)
        for chunk_size in (None, 256 * 1024, MIB):
            blob = bucket.blob(f"up/{size}/{chunk_size} ü+%/x", chunk_size=chunk_size)
            blob.metadata = {"kind": "test"}
            blob.cache_control = "no-cache"
            blob.upload_from_filename(str(path), content_type="a/b", checksum=checksum)
            assert blob.size == size
            assert blob.crc32c == crc32c(data)
            assert blob.md5_hash == md5(data)
            got = bucket.get_blob(blob.name)
            assert got.download_as_bytes() == data
            assert (got.content_type, got.metadata, got.cache_control) == ("a/b", {"kind": "test"}, "no-cache")


def test_a_stream_of_unknown_length_is_uploaded(bucket):
    class Pipe:
        """Bytes whose end is not known before it comes."""

        def __init__(self, data):
            self.left = io.BytesIO(data)

        def read(self, size=-1):
            return self.left.read(size)

        def tell(self):
            return self.left.tell()

    data = os.urandom(700_000)
    blob = bucket.blob("stream", chunk_size=256 * 1024)
    blob.upload_from_file(Pipe(data))
    assert bucket.blob("stream").download_as_bytes() == data
    with bucket.blob("writer", chunk_size=256 * 1024).open("wb") as writer:
        for start in range(0, len(data), 100_000):
            writer.write(data[start : start + 100_000])
    with bucket.blob("writer").open("rb", chunk_size=256 * 1024) as reader:
        assert reader.read(10) == data[:10]
        reader.seek(600_000)
        assert reader.read() == data[600_000:]


def test_ranges_and_chunked_downloads(bucket):
    data = os.urandom(MIB)
    bucket.blob("d").upload_from_string(data)
    blob = bucket.blob("d")
    assert blob.download_as_bytes(start=100, end=199) == data[100:200]
    assert blob.download_as_bytes(start=MIB - 5) == data[-5:]
    chunked = bucket.blob("d", chunk_size=256 * 1024)
    assert chunked.download_as_bytes() == data
    assert blob.download_as_bytes(raw_download=True) == data
    with pytest.raises(exceptions.RequestRangeNotSatisfiable):
        blob.download_as_bytes(start=MIB + 5)


def test_gzip_is_transcoded_as_google_does(bucket):
    plain = b"a line of text\n" * 10_000
    blob = bucket.blob("g")
    blob.content_encoding = "gzip"
    blob.upload_from_string(gzip.compress(plain), content_type="text/plain")
    assert bucket.blob("g").download_as_bytes() == plain
    assert gzip.decompress(bucket.blob("g").download_as_bytes(raw_download=True)) == plain


def test_wrong_checksums_are_refused(bucket):
    blob = bucket.blob("sum")
    blob.md5_hash = md5(b"other")
    with pytest.raises(exceptions.BadRequest):
        blob.upload_from_string("hello")
    assert not bucket.blob("sum").exists()


def test_preconditions(bucket):
    blob = bucket.blob("p")
    blob.upload_from_string("1", if_generation_match=0)
    first = blob.generation
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("p").upload_from_string("2", if_generation_match=0)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("p").download_as_bytes(if_generation_match=first + 1)
    with pytest.raises(exceptions.NotModified):
        bucket.blob("p").download_as_bytes(if_generation_not_match=first)
    blob.upload_from_string("2", if_generation_match=first)
    assert blob.generation > first
    with pytest.raises(exceptions.NotFound):
        bucket.blob("p", generation=first).download_as_bytes()
    blob.metadata = {"a": "1"}
    with pytest.raises(exceptions.PreconditionFailed):
        blob.patch(if_metageneration_match=9)
    blob.patch(if_metageneration_match=1)
    with pytest.raises(exceptions.PreconditionFailed):
        blob.delete(if_generation_match=first)
    blob.delete(if_generation_match=blob.generation)
    with pytest.raises(exceptions.NotFound):
        blob.delete()


def test_patch_and_update(bucket):
    blob = bucket.blob("m")
    blob.metadata = {"keep": "1", "drop": "2"}
    blob.upload_from_string("x", content_type="a/b")
    blob.metadata = {"drop": None, "new": "3"}
    blob.content_language = "de"
    blob.patch()
    got = bucket.get_blob("m")
    assert got.metadata == {"keep": "1", "new": "3"}
    assert (got.content_language, got.metageneration) == ("de", 2)
    got.content_language = None
    got.update()
    assert bucket.get_blob("m").content_language is None


def test_copy_rewrite_compose_move_and_rename(bucket, client):
    source = bucket.blob("from")
    source.metadata = {"k": "v"}
    source.upload_from_string("hello ", content_type="a/b")
    copy = bucket.copy_blob(source, bucket, "copy")
    assert (copy.download_as_bytes(), copy.metadata) == (b"hello ", {"k": "v"})
    target = bucket.blob("rewritten")
    token, done, total = target.rewrite(source)
    assert (token, done, total) == (None, 6, 6)
    target.update_storage_class("NEARLINE")
    assert bucket.get_blob("rewritten").storage_class == "NEARLINE"
    assert bucket.blob("rewritten").download_as_bytes() == b"hello "
    joined = bucket.blob("joined")
    joined.compose([source, copy, source])
    assert joined.download_as_bytes() == b"hello " * 3
    assert joined.md5_hash is None
    assert joined.crc32c == crc32c(b"hello " * 3)
    with pytest.raises(exceptions.PreconditionFailed):
        joined.compose([source], if_generation_match=0)
    moved = bucket.rename_blob(joined, "renamed")
    assert moved.download_as_bytes() == b"hello " * 3
    assert not bucket.blob("joined").exists()
    again = bucket.move_blob(moved, "moved/there")
    assert again.download_as_bytes() == b"hello " * 3
    assert not bucket.blob("renamed").exists()


def test_listing(bucket, client):
    for name in ("a", "b/1", "b/2", "b/c/3", "d", "e"):
        bucket.blob(name).upload_from_string("x")
    assert [b.name for b in client.list_blobs(bucket)] == ["a", "b/1", "b/2", "b/c/3", "d", "e"]
    assert [b.name for b in client.list_blobs(bucket, page_size=1)] == ["a", "b/1", "b/2", "b/c/3", "d", "e"]
    pages = client.list_blobs(bucket, delimiter="/", page_size=2)
    assert [b.name for b in pages] == ["a", "d", "e"]
    assert pages.prefixes == {"b/"}
    below = client.list_blobs(bucket, prefix="b/", delimiter="/", include_trailing_delimiter=True)
    assert [b.name for b in below] == ["b/1", "b/2"]
    assert below.prefixes == {"b/c/"}
    assert [b.name for b in client.list_blobs(bucket, start_offset="b/2", end_offset="e")] == ["b/2", "b/c/3", "d"]
    assert [b.name for b in client.list_blobs(bucket, match_glob="b/*")] == ["b/1", "b/2"]
    assert [b.name for b in client.list_blobs(bucket, fields="items(name),nextPageToken", max_results=2)] == ["a", "b/1"]
    with pytest.raises(exceptions.NotFound):
        list(client.list_blobs("no-such-bucket-here"))


def test_batches(bucket, client):
    blobs = [bucket.blob(f"batch/{number}") for number in range(30)]
    for blob in blobs:
        blob.upload_from_string("x")
    with client.batch():
        for blob in blobs:
            blob.metadata = {"batch": "yes"}
            blob.patch()
    assert all(bucket.get_blob(blob.name).metadata == {"batch": "yes"} for blob in blobs[:3])
    with client.batch(raise_exception=False) as batch:
        for blob in blobs:
            blob.delete()
        bucket.blob("none").delete()
    assert [answer.status_code for answer in batch._responses] == [204] * 30 + [404]
    assert list(client.list_blobs(bucket)) == []
    bucket.blob("one").upload_from_string("x")
    bucket.delete_blobs([bucket.blob("one")])


def test_what_is_asked_of_buckets(bucket):
    assert list(bucket.list_notifications()) == []
    asked = ["storage.objects.get", "storage.objects.create", "storage.buckets.delete"]
    assert bucket.test_iam_permissions(asked) == asked
    assert bucket.get_iam_policy().bindings is not None
    assert bucket.iam_configuration.uniform_bucket_level_access_enabled


def test_a_resumed_upload_goes_on_where_it_broke(bucket, client):
    data = os.urandom(MIB)
    url = bucket.blob("resumed").create_resumable_upload_session(size=len(data))
    http = client._http
    first = http.request("PUT", url, data=data[:262_144],
                         headers={"Content-Range": f"bytes 0-262143/{len(data)}"})  # fmt: skip
    assert (first.status_code, first.headers["Range"]) == (308, "bytes=0-262143")
    where = http.request("PUT", url, headers={"Content-Range": f"bytes */{len(data)}"})
    assert (where.status_code, where.headers["Range"]) == (308, "bytes=0-262143")
    last = http.request("PUT", url, data=data[262_144:],
                        headers={"Content-Range": f"bytes 262144-{len(data) - 1}/{len(data)}"})  # fmt: skip
    assert last.status_code == 200
    assert bucket.blob("resumed").download_as_bytes() == data
    cancelled = bucket.blob("cancelled").create_resumable_upload_session(size=5)
    assert http.request("DELETE", cancelled).status_code == 499


def test_rights_of_another_principal(server, client, bucket):
    bucket.blob("in/x").upload_from_string("x")
    other = storage_client(server, make_key_file(server, "gcs-reader"))
    with pytest.raises(exceptions.Forbidden) as refused:
        other.bucket(bucket.name).blob("in/x").download_as_bytes()
    assert "gcs-reader does not have storage.objects.get access" in str(refused.value)
    server.run("grants", "add", f"r-{bucket.name}", "--principal", "gcs-reader", "--prefix", f"/{bucket.name}/in/",
               "--role", "reader")  # fmt: skip
    assert other.bucket(bucket.name).blob("in/x").download_as_bytes() == b"x"
    assert other.bucket(bucket.name).test_iam_permissions(["storage.objects.get"]) == []
    assert list(other.list_buckets()) == []
    for refused in (
        lambda: other.bucket(bucket.name).blob("in/x").upload_from_string("y"),
        lambda: other.bucket(bucket.name).blob("in/x").delete(),
        lambda: other.bucket(bucket.name).blob("out").download_as_bytes(),
        lambda: list(other.list_blobs(bucket.name)),
        lambda: other.create_bucket(bucket.name + "-2"),
    ):
        with pytest.raises(exceptions.Forbidden):
            refused()


def test_a_disabled_key_stops_at_once(server, bucket):
    key_file = make_key_file(server, "gcs-gone")
    server.run("grants", "add", f"g-{bucket.name}", "--principal", "gcs-gone", "--prefix", f"/{bucket.name}/",
               "--role", "writer")  # fmt: skip
    other = storage_client(server, key_file)
    other.bucket(bucket.name).blob("x").upload_from_string("x")
    server.run("keys", "disable", json.loads(key_file.read_text())["private_key_id"])
    with pytest.raises((exceptions.Unauthorized, RefreshError)):
        other.bucket(bucket.name).blob("x").download_as_bytes(timeout=5, retry=None)


def test_no_anonymous_access(server, bucket):
    anonymous = storage.Client.create_anonymous_client()
    anonymous = storage.Client(project="x", credentials=anonymous._credentials,
                               client_options={"api_endpoint": server.gcs_url})  # fmt: skip
    # The library answers a 401 by refreshing what cannot be refreshed.
    with pytest.raises((exceptions.Unauthorized, InvalidOperation)):
        anonymous.bucket(bucket.name).blob("x").download_as_bytes()


def test_times_are_those_of_the_write(bucket):
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=2)
    bucket.blob("t").upload_from_string("x")
    got = bucket.get_blob("t")
    after = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    assert before <= got.time_created <= got.updated <= after
