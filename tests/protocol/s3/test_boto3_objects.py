"""boto3 with its defaults: objects, headers, conditions, ranges, copies, checksums, presigned URLs."""

import base64
import concurrent.futures
import hashlib
import io
import os
import urllib.error
import urllib.request
import zlib

import botocore.exceptions
import pytest

from s3_clients import MIB, boto_client, keys, refused


@pytest.mark.parametrize("size", [0, 1, 4096, 65536 + 1, 3 * MIB])
def test_bytes_come_back_as_they_went(s3, bucket, put, size):
    body = os.urandom(size)
    stored = put("dir/ü and + %41.bin", body)
    assert stored["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="dir/ü and + %41.bin")
    assert got["Body"].read() == body
    assert got["ContentLength"] == size
    assert s3.head_object(Bucket=bucket, Key="dir/ü and + %41.bin")["ETag"] == stored["ETag"]


def test_the_default_checksum_is_verified_kept_and_served(s3, bucket, put):
    put("k", b"hello")
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumCRC32"] == base64.b64encode(zlib.crc32(b"hello").to_bytes(4)).decode()
    assert head["ChecksumType"] == "FULL_OBJECT"
    with refused("BadDigest", 400):
        put("bad", b"hello", ChecksumCRC32="AAAAAA==")
    with refused("BadDigest", 400):
        put("bad", b"hello", ContentMD5=base64.b64encode(bytes(16)).decode())
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=bucket, Key="bad")


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_every_checksum_algorithm_is_computed_as_the_sdk_does(s3, bucket, put, algorithm):
    try:
        stored = put("k", b"hello" * 1000, ChecksumAlgorithm=algorithm)
    except (botocore.exceptions.MissingDependencyException, ModuleNotFoundError):
        pytest.skip(f"this boto3 has no {algorithm} (it needs awscrt)")
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"hello" * 1000
    assert got[f"Checksum{algorithm}"] == stored[f"Checksum{algorithm}"]


@pytest.mark.parametrize(
    "algorithm,digest",
    [("SHA512", hashlib.sha512(b"abc").hexdigest()), ("MD5", hashlib.md5(b"abc").hexdigest()), ("XXHASH64", "44bc2cf5ad770999"),
     ("XXHASH3", "78af5f94892f3950"), ("XXHASH128", "06b05ab6733a618578af5f94892f3950")],
)  # fmt: skip
def test_checksums_that_the_sdk_does_not_compute(s3, bucket, put, algorithm, digest):
    name, value = f"Checksum{algorithm}", base64.b64encode(bytes.fromhex(digest)).decode()
    assert put("k", b"abc", **{name: value})[name] == value
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[name] == value
    with refused("BadDigest", 400):
        put("bad", b"abd", **{name: value})
    with refused("InvalidRequest", 400):
        put("bad", b"abc", **{name: "AAAA"})
    attributes = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Checksum"])
    assert attributes["Checksum"] == {name: value, "ChecksumType": "FULL_OBJECT"}


def test_attributes_come_back(s3, bucket, put):
    put("k", ContentType="text/csv", CacheControl="no-store", ContentDisposition="attachment", ContentEncoding="gzip",
        ContentLanguage="de", Metadata={"colour": "blue", "empty": ""}, StorageClass="STANDARD_IA",
        Tagging="a=1&b=2")  # fmt: skip
    got = s3.head_object(Bucket=bucket, Key="k")
    assert got["ContentType"] == "text/csv"
    assert got["CacheControl"] == "no-store"
    assert got["ContentDisposition"] == "attachment"
    assert got["ContentEncoding"] == "gzip"
    assert got["ContentLanguage"] == "de"
    assert got["Metadata"] == {"colour": "blue", "empty": ""}
    assert got["StorageClass"] == "STANDARD_IA"
    tags = s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert tags == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    put("plain")
    assert s3.head_object(Bucket=bucket, Key="plain")["ContentType"] == "binary/octet-stream"


def test_tags_have_their_rules(s3, bucket, put):
    put("k")
    with refused("BadRequest", 400):
        s3.put_object_tagging(Bucket=bucket, Key="k",
                              Tagging={"TagSet": [{"Key": str(i), "Value": ""} for i in range(11)]})  # fmt: skip
    with refused("InvalidTag", 400):
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "k" * 129, "Value": ""}]})
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    assert s3.get_object(Bucket=bucket, Key="k")["TagCount"] == 1
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_ranges(s3, bucket, put):
    body = os.urandom(100_000)
    put("k", body)
    for asked, expected in {"bytes=0-99": body[:100], "bytes=99990-": body[99990:], "bytes=-7": body[-7:],
                            "bytes=99999-200000": body[99999:]}.items():  # fmt: skip
        got = s3.get_object(Bucket=bucket, Key="k", Range=asked)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert got["Body"].read() == expected
    for asked in ("bytes=100000-", "bytes=-0"):
        with refused("InvalidRange", 416):
            s3.get_object(Bucket=bucket, Key="k", Range=asked)
    put("empty", b"")
    with refused("InvalidRange", 416):
        s3.get_object(Bucket=bucket, Key="empty", Range="bytes=0-1")


def test_conditional_reads(s3, bucket, put):
    etag = put("k")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    s3.get_object(Bucket=bucket, Key="k", IfMatch=etag)
    with refused("PreconditionFailed", 412):
        s3.get_object(Bucket=bucket, Key="k", IfMatch='"other"')
    with refused("304", 304):
        s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=etag)
    with refused("304", 304):
        s3.get_object(Bucket=bucket, Key="k", IfModifiedSince=modified)
    s3.get_object(Bucket=bucket, Key="k", IfUnmodifiedSince=modified)
    # RFC 9110: If-Match wins over If-Unmodified-Since, If-None-Match over If-Modified-Since.
    s3.get_object(Bucket=bucket, Key="k", IfMatch=etag, IfUnmodifiedSince="1998-01-01")
    s3.get_object(Bucket=bucket, Key="k", IfNoneMatch='"other"', IfModifiedSince=modified)


def test_of_many_creators_one_wins(s3, server, bucket):
    def create(i: int) -> bool:
        try:
            s3.put_object(Bucket=bucket, Key="k", Body=f"writer {i}", IfNoneMatch="*")
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict")
            return False
        return True

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(create, range(16)))
    assert outcomes.count(True) == 1
    winner = outcomes.index(True)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == f"writer {winner}".encode()


def test_conditional_writes_and_deletes(s3, bucket, put):
    first = put("k", b"1")["ETag"]
    second = put("k", b"2", IfMatch=first)["ETag"]
    with refused("PreconditionFailed", 412):
        put("k", b"3", IfMatch=first)
    with refused("NoSuchKey", 404):
        put("none", b"3", IfMatch=first)
    with refused("PreconditionFailed", 412):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch=first)
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=second)
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="k")


def test_copies(s3, bucket, put):
    put("from ü", b"hello", Metadata={"a": "1"}, ContentType="text/plain")
    copied = s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "from ü"})
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    assert s3.head_object(Bucket=bucket, Key="to")["Metadata"] == {"a": "1"}
    s3.copy_object(Bucket=bucket, Key="to", CopySource=f"{bucket}/to", MetadataDirective="REPLACE",
                   Metadata={"b": "2"}, ContentType="text/csv")  # fmt: skip
    head = s3.head_object(Bucket=bucket, Key="to")
    assert (head["Metadata"], head["ContentType"]) == ({"b": "2"}, "text/csv")
    with refused("InvalidRequest", 400):
        s3.copy_object(Bucket=bucket, Key="to", CopySource=f"{bucket}/to")
    with refused("PreconditionFailed", 412):
        s3.copy_object(Bucket=bucket, Key="x", CopySource=f"{bucket}/to", CopySourceIfMatch='"other"')
    with refused("NoSuchKey", 404):
        s3.copy_object(Bucket=bucket, Key="x", CopySource=f"{bucket}/none")


def test_bulk_deletes(s3, bucket, put):
    for i in range(30):
        put(f"k{i}")
    names = [{"Key": f"k{i}"} for i in range(29)] + [{"Key": "none"}]
    result = s3.delete_objects(Bucket=bucket, Delete={"Objects": names})
    assert len(result["Deleted"]) == 30 and "Errors" not in result
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["k29"]
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k29"}], "Quiet": True})
    assert "Deleted" not in quiet
    with refused("MalformedXML", 400):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": f"k{i}"} for i in range(1001)]})


def test_object_attributes(s3, bucket, put):
    etag = put("k", b"hello")["ETag"]
    got = s3.get_object_attributes(Bucket=bucket, Key="k",
                                   ObjectAttributes=["ETag", "ObjectSize", "Checksum", "StorageClass"])  # fmt: skip
    assert got["ETag"] == etag.strip('"')
    assert got["ObjectSize"] == 5
    assert got["StorageClass"] == "STANDARD"
    assert got["Checksum"]["ChecksumType"] == "FULL_OBJECT"


def fetch(url: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method=method), timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_presigned_urls(server, bucket, put):
    put("k ü", b"hello")
    # Without the word boto3 still presigns with SigV2, which stays off.
    s3 = boto_client(server, signature_version="s3v4")
    get = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k ü"}, ExpiresIn=60)
    assert fetch(get) == (200, b"hello")
    override = s3.generate_presigned_url(
        "get_object", {"Bucket": bucket, "Key": "k ü", "ResponseContentType": "text/x-test"}, ExpiresIn=60
    )
    with urllib.request.urlopen(override, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "text/x-test"
    assert fetch(get.replace("X-Amz-Expires=60", "X-Amz-Expires=61"))[0] == 403
    assert fetch(get, "DELETE")[0] == 403
    write = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "new"}, ExpiresIn=60)
    assert fetch(write, "PUT", b"by url")[0] == 200
    assert s3.get_object(Bucket=bucket, Key="new")["Body"].read() == b"by url"


def test_who_may_not_is_refused(server, s3, bucket, put):
    put("k")
    with refused("SignatureDoesNotMatch", 403):
        boto_client(server, secret_key="wrong").get_object(Bucket=bucket, Key="k")
    with refused("InvalidAccessKeyId", 403):
        boto_client(server, access_key="AKIAUNKNOWN").get_object(Bucket=bucket, Key="k")
    key = server.run_json("keys", "create", "--principal", "stranger")
    stranger = boto_client(server, access_key=key["access_key"], secret_key=key["secret_key"])
    assert stranger.list_buckets()["Buckets"] == []
    for call in (lambda: stranger.get_object(Bucket=bucket, Key="k"), lambda: stranger.list_objects_v2(Bucket=bucket),
                 lambda: stranger.put_object(Bucket=bucket, Key="k", Body=b"x"),
                 lambda: stranger.delete_object(Bucket=bucket, Key="k"),
                 lambda: stranger.create_bucket(Bucket="of-a-stranger")):  # fmt: skip
        with refused("AccessDenied", 403):
            call()


def test_streams_of_unknown_kind_upload(s3, bucket):
    """Not seekable, so that the SDK has to go another way for the checksum."""

    class Stream(io.RawIOBase):
        def __init__(self, data: bytes):
            self.inner = io.BytesIO(data)

        def readable(self):
            return True

        def readinto(self, buffer):
            return self.inner.readinto(buffer)

    body = os.urandom(9 * MIB)
    s3.upload_fileobj(io.BufferedReader(Stream(body)), bucket, "k")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body
