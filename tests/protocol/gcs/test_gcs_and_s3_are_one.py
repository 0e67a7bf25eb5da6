"""One namespace: what one protocol wrote the other reads, with the same bytes, attributes, sums and rights."""

import base64
import hashlib
import os

import botocore.exceptions
import google_crc32c
import pytest
from google.api_core import exceptions

from gcs_clients import make_key_file, s3_client, storage_client

NAMES = ["plain", "dir/a b+c%2F/\u00fc", "dir/", "a//b", "/lead", "x?y=z&#", "\u00e9", "e\u0301"]


def crc32c(data: bytes) -> str:
    return base64.b64encode(google_crc32c.Checksum(data).digest()).decode()


@pytest.mark.parametrize("name", NAMES)
def test_what_s3_wrote_is_read_under_gs(s3, bucket, name):
    data = os.urandom(100_000)
    s3.put_object(Bucket=bucket.name, Key=name, Body=data, ContentType="a/b", CacheControl="no-cache",
                  ContentDisposition="inline", Metadata={"key": "value"})  # fmt: skip
    blob = bucket.get_blob(name)
    assert blob.download_as_bytes() == data
    assert blob.md5_hash == base64.b64encode(hashlib.md5(data).digest()).decode()
    assert blob.crc32c == crc32c(data)
    assert (blob.size, blob.content_type, blob.cache_control) == (len(data), "a/b", "no-cache")
    assert (blob.content_disposition, blob.metadata) == ("inline", {"key": "value"})


@pytest.mark.parametrize("name", NAMES)
def test_what_gs_wrote_is_read_under_s3(s3, bucket, name):
    data = os.urandom(100_000)
    blob = bucket.blob(name)
    blob.metadata, blob.cache_control = {"key": "value"}, "no-cache"
    blob.upload_from_string(data, content_type="a/b")
    got = s3.get_object(Bucket=bucket.name, Key=name)
    assert got["Body"].read() == data
    assert got["ETag"] == '"' + hashlib.md5(data).hexdigest() + '"'
    assert (got["ContentType"], got["CacheControl"], got["Metadata"]) == ("a/b", "no-cache", {"key": "value"})
    head = s3.head_object(Bucket=bucket.name, Key=name, ChecksumMode="ENABLED")
    assert head["ContentLength"] == len(data)


def test_both_list_the_same_and_delete_for_each_other(s3, client, bucket):
    for number, name in enumerate(NAMES):
        if number % 2:
            s3.put_object(Bucket=bucket.name, Key=name, Body=b"x")
        else:
            bucket.blob(name).upload_from_string("x")
    by_s3 = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket.name)["Contents"]]
    by_gs = [one.name for one in client.list_blobs(bucket)]
    assert by_s3 == by_gs == sorted(NAMES, key=str.encode)
    s3_page = s3.list_objects_v2(Bucket=bucket.name, Delimiter="/")
    gs_page = client.list_blobs(bucket, delimiter="/")
    assert [one["Key"] for one in s3_page["Contents"]] == [one.name for one in gs_page]
    assert {one["Prefix"] for one in s3_page["CommonPrefixes"]} == gs_page.prefixes
    for number, name in enumerate(NAMES):
        if number % 2:
            bucket.blob(name).delete()
        else:
            s3.delete_object(Bucket=bucket.name, Key=name)
    assert list(client.list_blobs(bucket)) == []
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket.name)


def test_an_s3_multipart_upload_is_one_object_under_gs(s3, bucket):
    data = os.urandom(11 << 20)
    begun = s3.create_multipart_upload(Bucket=bucket.name, Key="m", ContentType="a/b")
    parts = []
    for number, start in enumerate(range(0, len(data), 5 << 20), 1):
        sent = s3.upload_part(Bucket=bucket.name, Key="m", UploadId=begun["UploadId"], PartNumber=number,
                              Body=data[start : start + (5 << 20)])  # fmt: skip
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    assert bucket.get_blob("m") is None
    s3.complete_multipart_upload(Bucket=bucket.name, Key="m", UploadId=begun["UploadId"],
                                 MultipartUpload={"Parts": parts})  # fmt: skip
    blob = bucket.get_blob("m")
    assert (blob.size, blob.content_type, blob.crc32c, blob.md5_hash) == (len(data), "a/b", crc32c(data), None)
    assert blob.download_as_bytes() == data


def test_preconditions_see_what_the_other_protocol_did(s3, bucket):
    blob = bucket.blob("p")
    blob.upload_from_string("1")
    seen = blob.generation
    etag = s3.head_object(Bucket=bucket.name, Key="p")["ETag"]
    s3.put_object(Bucket=bucket.name, Key="p", Body=b"2", IfMatch=etag)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("p").upload_from_string("3", if_generation_match=seen)
    now = bucket.get_blob("p")
    assert now.generation > seen
    now.upload_from_string("3", if_generation_match=now.generation)
    for arguments in ({"IfMatch": etag}, {"IfNoneMatch": "*"}):
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            s3.put_object(Bucket=bucket.name, Key="p", Body=b"4", **arguments)
        assert refused.value.response["Error"]["Code"] == "PreconditionFailed"
    assert bucket.blob("p").download_as_bytes() == b"3"


RIGHTS = {
    "none": None,
    "reader": ("reader", ""),
    "reader below": ("reader", "in/"),
    "writer": ("writer", ""),
    "writer below": ("writer", "in/"),
    "owner": ("owner", ""),
    "elsewhere": ("owner", "other/"),
}


@pytest.mark.parametrize("right", RIGHTS)
def test_rights_are_the_same_through_both_protocols(server, client, bucket, right):
    """operation x credential kind x right: each operation is allowed by both protocols or by neither."""
    principal = "both-" + right.replace(" ", "-")
    key = server.run_json("keys", "create", "--principal", principal)
    by_s3 = s3_client(server, key["access_key"], key["secret_key"])
    by_gs = storage_client(server, make_key_file(server, principal)).bucket(bucket.name)
    grant = RIGHTS[right]
    if grant:
        server.run("grants", "add", f"b-{bucket.name}", "--principal", principal,
                   "--prefix", f"/{bucket.name}/{grant[1]}", "--role", grant[0])  # fmt: skip

    name = bucket.name
    operations = {
        "get": (lambda: by_s3.get_object(Bucket=name, Key="in/x"), lambda: by_gs.blob("in/x").download_as_bytes()),
        "head": (lambda: by_s3.head_object(Bucket=name, Key="in/x"), lambda: by_gs.blob("in/x").reload()),
        "get above": (lambda: by_s3.get_object(Bucket=name, Key="x"), lambda: by_gs.blob("x").download_as_bytes()),
        "put": (
            lambda: by_s3.put_object(Bucket=name, Key="in/n", Body=b"n"),
            lambda: by_gs.blob("in/n").upload_from_string("n"),
        ),
        "copy": (
            lambda: by_s3.copy_object(Bucket=name, Key="in/c", CopySource=f"{name}/x"),
            lambda: by_gs.copy_blob(by_gs.blob("x"), by_gs, "in/c"),
        ),
        "delete": (lambda: by_s3.delete_object(Bucket=name, Key="in/x"), lambda: by_gs.blob("in/x").delete()),
        "list": (lambda: by_s3.list_objects_v2(Bucket=name), lambda: list(by_gs.list_blobs())),
        "head bucket": (lambda: by_s3.head_bucket(Bucket=name), lambda: by_gs.reload()),
    }

    def allowed(call) -> bool:
        for path in ("x", "in/x"):
            bucket.blob(path).upload_from_string("x")
        try:
            call()
            return True
        except exceptions.Forbidden:
            return False
        except botocore.exceptions.ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403, error
            return False

    seen_by_s3 = {one["Name"] for one in by_s3.list_buckets()["Buckets"]}
    seen_by_gs = {one.name for one in by_gs.client.list_buckets()}
    assert seen_by_s3 == seen_by_gs == ({name} if right in ("reader", "writer", "owner") else set())
    answers = {what: (allowed(s3_call), allowed(gs_call)) for what, (s3_call, gs_call) in operations.items()}
    assert {what: by_both[0] for what, by_both in answers.items()} == {
        what: by_both[1] for what, by_both in answers.items()
    }
    expected = {
        "none": set(),
        "elsewhere": set(),
        "reader": {"get", "head", "get above", "list", "head bucket"},
        "reader below": {"get", "head"},
        "writer": set(operations),
        "writer below": {"get", "head", "put", "delete"},
        "owner": set(operations),
    }[right]
    assert {what for what, by_both in answers.items() if by_both[0]} == expected
