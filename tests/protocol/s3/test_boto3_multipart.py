"""Multipart uploads as boto3 and engines do them."""

import base64
import concurrent.futures
import hashlib
import os
import zlib

import boto3.s3.transfer
import pytest

from s3_clients import MIB, refused

PART = 5 * MIB


@pytest.fixture
def parts_of(s3, bucket):
    """parts_of(key, bodies, **create) begins an upload and sends these parts: (upload id, parts for complete)."""

    def upload(key, bodies, **create):
        upload_id = s3.create_multipart_upload(Bucket=bucket, Key=key, **create)["UploadId"]
        parts = []
        for number, body in bodies.items():
            done = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=body)
            sums = {name: value for name, value in done.items() if name.startswith("Checksum")}
            parts.append({"PartNumber": number, "ETag": done["ETag"]} | sums)
        return upload_id, parts

    return upload


def complete(s3, bucket, key, upload_id, parts, **more):
    return s3.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}, **more
    )


def test_managed_transfers_up_and_down(s3, bucket, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(os.urandom(23 * MIB + 17))
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
    s3.upload_file(str(source), bucket, "big", Config=config, ExtraArgs={"Metadata": {"a": "1"}})
    target = tmp_path / "target"
    s3.download_file(bucket, "big", str(target), Config=config)
    assert target.read_bytes() == source.read_bytes()
    head = s3.head_object(Bucket=bucket, Key="big", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-3"') and head["Metadata"] == {"a": "1"}
    assert head["ChecksumType"] in ("COMPOSITE", "FULL_OBJECT")


def test_sparse_numbers_and_any_order(s3, bucket, parts_of):
    first, last = os.urandom(PART), b"tail"
    upload_id, parts = parts_of("k", {9000: last, 3: first})
    with refused("InvalidPartOrder", 400):
        complete(s3, bucket, "k", upload_id, parts)
    parts.reverse()
    done = complete(s3, bucket, "k", upload_id, parts)
    sums = hashlib.md5(first).digest() + hashlib.md5(last).digest()
    assert done["ETag"] == f'"{hashlib.md5(sums).hexdigest()}-2"'
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == first + last
    assert complete(s3, bucket, "k", upload_id, parts)["ETag"] == done["ETag"], "completion may be repeated"
    got = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert (got["Body"].read(), got["PartsCount"]) == (last, 2)


def test_rules_of_parts(s3, bucket, parts_of):
    upload_id, parts = parts_of("k", {1: b"small", 2: b"tail"})
    with refused("EntityTooSmall", 400):
        complete(s3, bucket, "k", upload_id, parts)
    with refused("InvalidPart", 400):
        complete(s3, bucket, "k", upload_id, [{"PartNumber": 1, "ETag": '"0"'}])
    with refused("InvalidPart", 400):
        complete(s3, bucket, "k", upload_id, [{"PartNumber": 7, "ETag": parts[0]["ETag"]}])
    with refused("InvalidArgument", 400):
        s3.upload_part(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=10_001, Body=b"x")
    with refused("NoSuchUpload", 404):
        s3.upload_part(Bucket=bucket, Key="other", UploadId=upload_id, PartNumber=1, Body=b"x")
    with refused("MalformedXML", 400):
        complete(s3, bucket, "k", upload_id, [])
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="k")
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id)
    with refused("NoSuchUpload", 404):
        s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id)
    with refused("NoSuchUpload", 404):
        complete(s3, bucket, "k", upload_id, parts)


def test_conditions_of_completion(s3, bucket, put, parts_of):
    put("k", b"there")
    upload_id, parts = parts_of("k", {1: b"new"})
    with refused("PreconditionFailed", 412):
        complete(s3, bucket, "k", upload_id, parts, IfNoneMatch="*")
    with refused("InvalidRequest", 400):
        complete(s3, bucket, "k", upload_id, parts, MpuObjectSize=99)
    etag = s3.head_object(Bucket=bucket, Key="k")["ETag"]
    complete(s3, bucket, "k", upload_id, parts, IfMatch=etag, MpuObjectSize=3)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"


class Crc32:
    """As hashlib has its digests."""

    def __init__(self, data):
        self.data = data

    def digest(self):
        return zlib.crc32(self.data).to_bytes(4, "big")


@pytest.mark.parametrize("algorithm,hasher", [("SHA256", hashlib.sha256), ("SHA1", hashlib.sha1), ("CRC32", Crc32)])
def test_composite_checksums(s3, bucket, algorithm, hasher):
    bodies = {1: os.urandom(PART), 2: b"tail"}
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm)["UploadId"]
    parts = []
    for number, body in bodies.items():
        done = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=number, Body=body,
                              ChecksumAlgorithm=algorithm)  # fmt: skip
        name = f"Checksum{algorithm}"
        assert done[name] == base64.b64encode(hasher(body).digest()).decode()
        parts.append({"PartNumber": number, "ETag": done["ETag"], name: done[name]})
    wrong = [parts[0] | {f"Checksum{algorithm}": parts[1][f"Checksum{algorithm}"]}, parts[1]]
    with refused("InvalidPart", 400):
        complete(s3, bucket, "k", upload_id, wrong)
    done = complete(s3, bucket, "k", upload_id, parts)
    sums = b"".join(hasher(body).digest() for body in bodies.values())
    expected = base64.b64encode(hasher(sums).digest()).decode() + "-2"
    assert done[f"Checksum{algorithm}"] == expected
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head[f"Checksum{algorithm}"], head["ChecksumType"]) == (expected, "COMPOSITE")
    # A copy is one PUT: its checksum is that of all its bytes.
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    head = s3.head_object(Bucket=bucket, Key="copy", ChecksumMode="ENABLED")
    whole = base64.b64encode(hasher(b"".join(bodies.values())).digest()).decode()
    assert (head[f"Checksum{algorithm}"], head["ChecksumType"]) == (whole, "FULL_OBJECT")


def test_parts_can_be_copied(s3, bucket, put):
    body = os.urandom(2 * PART)
    put("from", body)
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    parts = []
    for number, span in ((1, f"bytes=0-{PART - 1}"), (2, f"bytes={PART}-{2 * PART - 1}")):
        copied = s3.upload_part_copy(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=number,
                                     CopySource=f"{bucket}/from", CopySourceRange=span)  # fmt: skip
        parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
    with refused("InvalidRange"):
        s3.upload_part_copy(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=3, CopySource=f"{bucket}/from",
                            CopySourceRange=f"bytes=0-{2 * PART}")  # fmt: skip
    complete(s3, bucket, "k", upload_id, parts)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body


def test_lists_of_uploads_and_parts(s3, bucket, parts_of):
    ids = {key: parts_of(key, {1: b"x", 5: b"y"})[0] for key in ("a", "d/x", "d/y", "z")}
    page = s3.list_multipart_uploads(Bucket=bucket)
    assert {upload["Key"]: upload["UploadId"] for upload in page["Uploads"]} == ids
    grouped = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [upload["Key"] for upload in grouped["Uploads"]] == ["a", "z"]
    assert grouped["CommonPrefixes"] == [{"Prefix": "d/"}]
    paged = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
    assert [upload["Key"] for page in paged for upload in page.get("Uploads", [])] == ["a", "d/x", "d/y", "z"]
    listed = s3.get_paginator("list_parts").paginate(
        Bucket=bucket, Key="a", UploadId=ids["a"], PaginationConfig={"PageSize": 1}
    )
    assert [part["PartNumber"] for page in listed for part in page["Parts"]] == [1, 5]
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    for key, upload_id in ids.items():
        s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_concurrent_parts_and_completions(s3, bucket):
    bodies = {number: os.urandom(PART) for number in range(1, 5)}
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]

    def send(item):
        number, body = item
        done = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=number, Body=body)
        return {"PartNumber": number, "ETag": done["ETag"]}

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(send, bodies.items()))
        etags = list(pool.map(lambda _: complete(s3, bucket, "k", upload_id, parts)["ETag"], range(4)))
    assert len(set(etags)) == 1
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"".join(bodies.values())


def test_uploads_are_listed_page_by_page_as_amazon_documents_it(s3, bucket):
    keys = ["a", "a", "a", "dir/x", "dir/y", "e", "f/z"]
    uploads = [(key, s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]) for key in keys]
    try:
        for size in (1, 2, 3, 1000):
            found, markers = [], {}
            while True:
                page = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=size, **markers)
                found += [(one["Key"], one["UploadId"]) for one in page.get("Uploads", [])]
                assert len(page.get("Uploads", [])) <= size
                if not page["IsTruncated"]:
                    break
                markers = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
            assert found == uploads, f"by key, then by start, {size} at a time"
        # Without an upload marker: behind the key. With one: the later ones of the key, too.
        behind = s3.list_multipart_uploads(Bucket=bucket, KeyMarker="a")
        assert [one["Key"] for one in behind["Uploads"]] == keys[3:]
        later = s3.list_multipart_uploads(Bucket=bucket, KeyMarker="a", UploadIdMarker=uploads[0][1], Prefix="a")
        assert [one["UploadId"] for one in later["Uploads"]] == [identity for _, identity in uploads[1:3]]
        # Prefixes count like uploads, and lead on.
        found, markers = [], {}
        while True:
            page = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/", MaxUploads=1, **markers)
            found += [one["Key"] for one in page.get("Uploads", [])]
            found += [one["Prefix"] for one in page.get("CommonPrefixes", [])]
            if not page["IsTruncated"]:
                break
            markers = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page.get("NextUploadIdMarker", "")}
        assert found == ["a", "a", "a", "dir/", "e", "f/"]
        # A marker whose upload was ended meanwhile still leads on.
        s3.abort_multipart_upload(Bucket=bucket, Key="a", UploadId=uploads[0][1])
        rest = s3.list_multipart_uploads(Bucket=bucket, KeyMarker="a", UploadIdMarker=uploads[0][1], Prefix="a")
        assert {one["UploadId"] for one in rest.get("Uploads", [])} == {i for _, i in uploads[1:3] if i > uploads[0][1]}
    finally:
        for key, identity in uploads[1:]:
            s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=identity)
