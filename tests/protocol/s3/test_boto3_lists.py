"""Lists and buckets, as AWS answers them (the cases are those that mapping keys to paths gets wrong)."""

import pytest

from s3_clients import keys, prefixes, refused

AWKWARD = ["a", "a-b", "a/", "a/b", "a//b", "a/../c", "b", "b ", "b+c", "b%2Fc", "dot.", "x/y/z", "ü", "𝄞", "\uffee"]


@pytest.fixture
def awkward(put):
    for key in reversed(AWKWARD):
        put(key)
    return sorted(AWKWARD, key=lambda key: key.encode())


def walk(s3, bucket, **more):
    """All keys and prefixes by pages."""
    found, groups = [], []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, **more):
        found += keys(page)
        groups += prefixes(page)
    return found, groups


def test_any_key_is_listed_in_byte_order(s3, bucket, awkward):
    assert keys(s3.list_objects_v2(Bucket=bucket)) == awkward
    assert keys(s3.list_objects(Bucket=bucket)) == awkward
    assert [v["Key"] for v in s3.list_object_versions(Bucket=bucket)["Versions"]] == awkward
    for key in awkward:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"x"


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("delimiter", ["", "/", "-", "b", "//"])
@pytest.mark.parametrize("prefix", ["", "a", "a/", "b", "none"])
def test_pages_join_without_gap_or_repetition(s3, bucket, awkward, prefix, delimiter, size):
    expected_keys, expected_groups = [], []
    for key in awkward:
        if not key.startswith(prefix):
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        if at < 0:
            expected_keys.append(key)
        elif (group := key[: at + len(delimiter)]) not in expected_groups:
            expected_groups.append(group)
    more = {"Prefix": prefix, "PaginationConfig": {"PageSize": size}}
    if delimiter:
        more["Delimiter"] = delimiter
    assert walk(s3, bucket, **more) == (expected_keys, expected_groups)


def test_first_version_pages_by_marker(s3, bucket, awkward):
    found, groups = [], []
    for page in s3.get_paginator("list_objects").paginate(
        Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 2}
    ):
        found += keys(page)
        groups += prefixes(page)
    assert found == [key for key in awkward if "/" not in key]
    assert groups == ["a/", "x/"]


def test_parameters(s3, bucket, put):
    for key in ("a", "b/c", "b/d", "e"):
        put(key)
    page = s3.list_objects_v2(Bucket=bucket, MaxKeys=0)
    assert (page["KeyCount"], page["IsTruncated"], keys(page)) == (0, False, [])
    page = s3.list_objects_v2(Bucket=bucket, Delimiter="/", MaxKeys=2)
    assert (keys(page), prefixes(page), page["KeyCount"], page["IsTruncated"]) == (["a"], ["b/"], 2, True)
    page = s3.list_objects_v2(
        Bucket=bucket, Delimiter="/", MaxKeys=2, ContinuationToken=page["NextContinuationToken"]
    )
    assert (keys(page), prefixes(page), page["IsTruncated"]) == (["e"], [], False)
    assert keys(s3.list_objects_v2(Bucket=bucket, StartAfter="b/c")) == ["b/d", "e"]
    assert keys(s3.list_objects(Bucket=bucket, Marker="b/c")) == ["b/d", "e"]
    assert "Owner" not in s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"][0]["Owner"]["ID"]
    with refused("InvalidArgument", 400):
        s3.list_objects_v2(Bucket=bucket, ContinuationToken="!")
    with refused("InvalidArgument", 400):
        s3.list_objects_v2(Bucket=bucket, MaxKeys=-1)
    with refused("NoSuchBucket", 404):
        s3.list_objects_v2(Bucket=bucket + "-none")


def test_control_characters_survive_with_url_encoding(s3, bucket, put):
    put("a\x01b\x0a")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["a\x01b\x0a"]  # boto3 asks for encoding-type=url


def test_buckets(s3, server, bucket_name):
    s3.create_bucket(Bucket=bucket_name)
    s3.create_bucket(Bucket=bucket_name)  # once more: no error in us-east-1
    assert s3.head_bucket(Bucket=bucket_name)["BucketRegion"] == server.region
    assert s3.get_bucket_location(Bucket=bucket_name)["LocationConstraint"] is None
    assert bucket_name in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert [b["Name"] for b in s3.list_buckets(Prefix=bucket_name)["Buckets"]] == [bucket_name]
    s3.put_object(Bucket=bucket_name, Key="k", Body=b"x")
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket=bucket_name)
    s3.delete_object(Bucket=bucket_name, Key="k")
    s3.delete_bucket(Bucket=bucket_name)
    with refused("404", 404):
        s3.head_bucket(Bucket=bucket_name)
    with refused("NoSuchBucket", 404):
        s3.delete_bucket(Bucket=bucket_name)


def test_buckets_come_in_pages(s3, bucket_name):
    names = [f"{bucket_name}-{i}" for i in range(5)]
    for name in names:
        s3.create_bucket(Bucket=name)
    pages = s3.get_paginator("list_buckets").paginate(Prefix=bucket_name, PaginationConfig={"PageSize": 2})
    assert [bucket["Name"] for page in pages for bucket in page["Buckets"]] == names


def test_settings_that_were_never_made(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert s3.get_bucket_acl(Bucket=bucket)["Grants"][0]["Permission"] == "FULL_CONTROL"
    for call, code in {
        s3.get_bucket_policy: "NoSuchBucketPolicy",
        s3.get_bucket_cors: "NoSuchCORSConfiguration",
        s3.get_bucket_lifecycle_configuration: "NoSuchLifecycleConfiguration",
        s3.get_bucket_encryption: "ServerSideEncryptionConfigurationNotFoundError",
        s3.get_bucket_tagging: "NoSuchTagSet",
        s3.get_public_access_block: "NoSuchPublicAccessBlockConfiguration",
        s3.get_object_lock_configuration: "ObjectLockConfigurationNotFoundError",
    }.items():
        with refused(code, 404):
            call(Bucket=bucket)
    with refused("AccessControlListNotSupported", 400):
        s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
