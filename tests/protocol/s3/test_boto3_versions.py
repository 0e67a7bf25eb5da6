"""Versions over S3, by boto3: writes, deletes, reads by id, lists, multipart, copies, ACLs and tags."""

import concurrent.futures

import botocore.exceptions
import pytest

from s3_clients import MIB, boto_client, refused


@pytest.fixture
def versioned(s3, bucket):
    set_state(s3, bucket, "Enabled")
    return bucket


def set_state(s3, bucket, state):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": state})


def read(s3, bucket, key, **more):
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def versions(s3, bucket, **more):
    """[(key, id, latest, is marker)] over all pages."""
    found = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, **more):
        merged = [(item["Key"], item["VersionId"], item["IsLatest"], False) for item in page.get("Versions", [])]
        merged += [(item["Key"], item["VersionId"], item["IsLatest"], True) for item in page.get("DeleteMarkers", [])]
        found += merged
    return found


def head_error(s3, bucket, key, **more):
    with pytest.raises(botocore.exceptions.ClientError) as problem:
        s3.head_object(Bucket=bucket, Key=key, **more)
    return problem.value.response["ResponseMetadata"]


def test_the_state_is_kept(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    for state in ("Enabled", "Suspended", "Enabled"):
        set_state(s3, bucket, state)
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == state
    with refused("MalformedXML", 400):
        set_state(s3, bucket, "Off")
    with refused("NotImplemented", 501):
        s3.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled", "MFADelete": "Enabled"}, MFA="x 1"
        )


def test_every_write_is_a_version(s3, put, bucket):
    assert "VersionId" not in put("k", b"null")
    set_state(s3, bucket, "Enabled")
    one, two = put("k", b"one")["VersionId"], put("k", b"two")["VersionId"]
    assert len({one, two, "null"}) == 3
    answer = s3.get_object(Bucket=bucket, Key="k")
    assert (answer["VersionId"], answer["Body"].read()) == (two, b"two")
    for version, body in {"null": b"null", one: b"one", two: b"two"}.items():
        answer = s3.get_object(Bucket=bucket, Key="k", VersionId=version)
        assert (answer["VersionId"], answer["Body"].read()) == (version, body)
        assert s3.head_object(Bucket=bucket, Key="k", VersionId=version)["ContentLength"] == len(body)
        assert read(s3, bucket, "k", VersionId=version, Range="bytes=1-2") == body[1:3]
    assert versions(s3, bucket) == [
        ("k", two, True, False), ("k", one, False, False), ("k", "null", False, False)
    ]  # fmt: skip
    with refused("NoSuchVersion", 404):
        read(s3, bucket, "k", VersionId="12345")
    with refused("InvalidArgument", 400):
        read(s3, bucket, "k", VersionId="no-such-thing")


def test_a_delete_leaves_a_marker(s3, put, versioned):
    one = put("d/k", b"one")["VersionId"]
    answer = s3.delete_object(Bucket=versioned, Key="d/k")
    assert answer["DeleteMarker"] is True
    marker = answer["VersionId"]
    headers = head_error(s3, versioned, "d/k")
    assert headers["HTTPStatusCode"] == 404
    assert headers["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    assert headers["HTTPHeaders"]["x-amz-version-id"] == marker
    headers = head_error(s3, versioned, "d/k", VersionId=marker)
    assert headers["HTTPStatusCode"] == 405
    assert headers["HTTPHeaders"]["allow"] == "DELETE"
    assert headers["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    with refused("MethodNotAllowed", 405):
        s3.get_object_tagging(Bucket=versioned, Key="d/k", VersionId=marker)
    assert "Contents" not in s3.list_objects_v2(Bucket=versioned)
    assert read(s3, versioned, "d/k", VersionId=one) == b"one"
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket=versioned)
    gone = s3.delete_object(Bucket=versioned, Key="d/k", VersionId=marker)
    assert (gone["DeleteMarker"], gone["VersionId"]) == (True, marker)
    answer = s3.get_object(Bucket=versioned, Key="d/k")
    assert (answer["VersionId"], answer["Body"].read()) == (one, b"one")
    assert s3.delete_object(Bucket=versioned, Key="d/k", VersionId=one)["VersionId"] == one
    assert versions(s3, versioned) == []
    # What is not there is deleted, and marked.
    assert s3.delete_object(Bucket=versioned, Key="never")["DeleteMarker"] is True
    assert "DeleteMarker" not in s3.delete_object(Bucket=versioned, Key="never", VersionId="777")
    assert [name for name, *_ in versions(s3, versioned)] == ["never"]


def test_the_version_before_becomes_current_again(s3, put, versioned):
    one, two, three = (put("k", body)["VersionId"] for body in (b"one", b"two", b"three"))
    s3.delete_object(Bucket=versioned, Key="k", VersionId=two)
    assert read(s3, versioned, "k") == b"three"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=three)
    answer = s3.get_object(Bucket=versioned, Key="k")
    assert (answer["VersionId"], answer["Body"].read()) == (one, b"one")
    assert versions(s3, versioned) == [("k", one, True, False)]


def test_suspended_there_is_one_null_version(s3, put, versioned):
    one = put("k", b"one")["VersionId"]
    set_state(s3, versioned, "Suspended")
    for body in (b"a", b"b"):
        assert "VersionId" not in put("k", body)
        answer = s3.get_object(Bucket=versioned, Key="k")
        assert (answer["VersionId"], answer["Body"].read()) == ("null", body)
        assert versions(s3, versioned) == [("k", "null", True, False), ("k", one, False, False)]
    answer = s3.delete_object(Bucket=versioned, Key="k")
    assert (answer["DeleteMarker"], answer["VersionId"]) == (True, "null")
    assert versions(s3, versioned) == [("k", one, False, False), ("k", "null", True, True)]
    s3.delete_object(Bucket=versioned, Key="k", VersionId="null")
    assert read(s3, versioned, "k") == b"one"


def test_many_keys_are_deleted_with_their_versions(s3, put, versioned):
    one = put("a", b"1")["VersionId"]
    put("a", b"2")
    put("b", b"3")
    answer = s3.delete_objects(
        Bucket=versioned, Delete={"Objects": [{"Key": "a", "VersionId": one}, {"Key": "b"}, {"Key": "c"}]}
    )
    deleted = {item["Key"]: item for item in answer["Deleted"]}
    assert deleted["a"]["VersionId"] == one and "DeleteMarker" not in deleted["a"]
    for key in ("b", "c"):
        assert deleted[key]["DeleteMarker"] is True
        assert ("b" if key == "b" else "c", deleted[key]["DeleteMarkerVersionId"], True, True) in versions(s3, versioned)
    everything = [{"Key": key, "VersionId": version} for key, version, _, _ in versions(s3, versioned)]
    answer = s3.delete_objects(Bucket=versioned, Delete={"Objects": everything})
    assert "Errors" not in answer and len(answer["Deleted"]) == len(everything)
    assert versions(s3, versioned) == []
    s3.delete_bucket(Bucket=versioned)
    bad = {"Objects": [{"Key": "a", "VersionId": "x"}]}
    s3.create_bucket(Bucket=versioned)
    assert s3.delete_objects(Bucket=versioned, Delete=bad)["Errors"][0]["Code"] == "InvalidArgument"


def test_lists_of_versions_come_in_pages(s3, put, versioned):
    for key in ("a", "a", "d/x", "d/y", "e", "e", "e"):
        put(key)
    s3.delete_object(Bucket=versioned, Key="d/y")
    whole = versions(s3, versioned)
    assert sorted(key for key, *_ in whole) == ["a", "a", "d/x", "d/y", "d/y", "e", "e", "e"]
    assert sorted(versions(s3, versioned, PaginationConfig={"PageSize": 1})) == sorted(whole)
    page = s3.list_object_versions(Bucket=versioned, Delimiter="/", MaxKeys=3)
    assert (page["IsTruncated"], page["NextKeyMarker"]) == (True, "d/")
    assert "NextVersionIdMarker" not in page
    assert [item["Prefix"] for item in page["CommonPrefixes"]] == ["d/"]
    rest = s3.list_object_versions(Bucket=versioned, Delimiter="/", KeyMarker=page["NextKeyMarker"])
    assert [item["Key"] for item in rest["Versions"]] == ["e"] * 3 and "CommonPrefixes" not in rest
    assert [key for key, *_ in versions(s3, versioned, Prefix="d/")] == ["d/x", "d/y", "d/y"]
    with refused("InvalidArgument", 400):
        s3.list_object_versions(Bucket=versioned, VersionIdMarker="7")


def test_multipart_uploads_and_copies_are_versions(s3, put, versioned):
    small = put("k", b"small", Metadata={"n": "1"})["VersionId"]
    upload = s3.create_multipart_upload(Bucket=versioned, Key="k")["UploadId"]
    body = bytes(range(256)) * (5 * MIB // 256)
    etags = [
        s3.upload_part(Bucket=versioned, Key="k", UploadId=upload, PartNumber=1, Body=body)["ETag"],
        s3.upload_part_copy(
            Bucket=versioned, Key="k", UploadId=upload, PartNumber=2,
            CopySource={"Bucket": versioned, "Key": "k", "VersionId": small},
        )["CopyPartResult"]["ETag"],
    ]  # fmt: skip
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    joined = s3.complete_multipart_upload(
        Bucket=versioned, Key="k", UploadId=upload, MultipartUpload={"Parts": parts}
    )["VersionId"]  # fmt: skip
    assert read(s3, versioned, "k", VersionId=joined) == body + b"small"
    answer = s3.copy_object(
        Bucket=versioned, Key="k", CopySource={"Bucket": versioned, "Key": "k", "VersionId": small}
    )  # fmt: skip
    assert answer["CopySourceVersionId"] == small
    now = s3.get_object(Bucket=versioned, Key="k")
    assert (now["VersionId"], now["Body"].read(), now["Metadata"]) == (answer["VersionId"], b"small", {"n": "1"})
    assert [version for _, version, *_ in versions(s3, versioned)] == [answer["VersionId"], joined, small]
    assert s3.get_object_attributes(
        Bucket=versioned, Key="k", VersionId=joined, ObjectAttributes=["ObjectSize", "ObjectParts"]
    )["ObjectSize"] == len(body) + 5  # fmt: skip
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    with refused("InvalidRequest", 400):
        s3.copy_object(
            Bucket=versioned, Key="c", CopySource={"Bucket": versioned, "Key": "k", "VersionId": marker}
        )  # fmt: skip
    with refused("NoSuchKey", 404):
        s3.copy_object(Bucket=versioned, Key="c", CopySource={"Bucket": versioned, "Key": "k"})


def test_tags_belong_to_versions(s3, put, versioned):
    one, two = put("k", b"one")["VersionId"], put("k", b"two")["VersionId"]
    tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
    assert s3.put_object_tagging(Bucket=versioned, Key="k", VersionId=one, Tagging=tags)["VersionId"] == one
    assert s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=one)["TagSet"] == tags["TagSet"]
    answer = s3.get_object_tagging(Bucket=versioned, Key="k")
    assert (answer["TagSet"], answer["VersionId"]) == ([], two)
    s3.delete_object_tagging(Bucket=versioned, Key="k", VersionId=one)
    assert s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=one)["TagSet"] == []
    assert read(s3, versioned, "k", VersionId=one) == b"one"


def test_conditions_look_at_the_current_version(s3, put, versioned):
    first = put("k", b"one")["ETag"]
    put("k", b"two")
    with refused("PreconditionFailed", 412):
        put("k", b"three", IfMatch=first)
    with refused("PreconditionFailed", 412):
        put("k", b"three", IfNoneMatch="*")
    s3.delete_object(Bucket=versioned, Key="k")
    with refused("NoSuchKey", 404):
        put("k", b"three", IfMatch="*")
    put("k", b"three", IfNoneMatch="*")
    assert read(s3, versioned, "k") == b"three"


def test_concurrent_writers_lose_no_version(server, s3, versioned):
    client = boto_client(server, max_pool_connections=8)

    def write(number):
        return client.put_object(Bucket=versioned, Key="k", Body=str(number).encode())["VersionId"], str(number)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        written = dict(pool.map(write, range(40)))
    assert len(written) == 40
    assert {version for _, version, _, _ in versions(s3, versioned)} == set(written)
    for version, body in written.items():
        assert read(s3, versioned, "k", VersionId=version) == body.encode()


def test_everything_outlives_a_restart(make_server):
    server = make_server("versions")
    s3 = boto_client(server)
    s3.create_bucket(Bucket="kept")
    set_state(s3, "kept", "Enabled")
    written = {s3.put_object(Bucket="kept", Key="k", Body=body)["VersionId"]: body for body in (b"1", b"22", b"333")}
    s3.delete_object(Bucket="kept", Key="k")
    before = versions(s3, "kept")
    assert server.stop() == 0
    server.start()
    s3 = boto_client(server)
    assert versions(s3, "kept") == before
    for version, body in written.items():
        assert read(s3, "kept", "k", VersionId=version) == body
