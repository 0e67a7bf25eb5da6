"""MinIO's own client library for Python."""

import datetime
import io

import pytest
import requests
from minio import Minio
from minio.commonconfig import ENABLED, ComposeSource, CopySource, Filter, Tags
from minio.deleteobjects import DeleteObject
from minio.error import S3Error
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule
from minio.versioningconfig import VersioningConfig

PART = 5 << 20


@pytest.fixture
def client(server):
    return Minio(endpoint=server.s3_url.removeprefix("http://"), access_key=server.access_key, secret_key=server.secret_key, secure=False)


@pytest.fixture
def bucket(client, bucket_name):
    client.make_bucket(bucket_name=bucket_name)
    return bucket_name


def put(client, bucket, key, body, **more):
    return client.put_object(bucket_name=bucket, object_name=key, data=io.BytesIO(body), length=len(body), **more)


def get(client, bucket, key, **more):
    answer = client.get_object(bucket_name=bucket, object_name=key, **more)
    try:
        return answer.read()
    finally:
        answer.close()
        answer.release_conn()


def test_objects_and_lists(client, bucket):
    assert client.bucket_exists(bucket_name=bucket) and bucket in [found.name for found in client.list_buckets()]
    for key in ("a/1", "a/2", "b", "ü z+&="):
        put(client, bucket, key, key.encode(), content_type="text/plain", metadata={"note": "n"})
    assert get(client, bucket, "ü z+&=") == "ü z+&=".encode()
    assert get(client, bucket, "a/1", offset=1, length=1) == b"/"
    told = client.stat_object(bucket_name=bucket, object_name="b")
    assert told.size == 1 and told.content_type == "text/plain" and told.metadata["x-amz-meta-note"] == "n"
    assert sorted(found.object_name for found in client.list_objects(bucket_name=bucket)) == ["a/", "b", "ü z+&="]
    assert len(list(client.list_objects(bucket_name=bucket, prefix="a/", recursive=True))) == 2
    client.copy_object(bucket_name=bucket, object_name="copy", source=CopySource(bucket_name=bucket, object_name="b"))
    assert get(client, bucket, "copy") == b"b"
    faults = list(client.remove_objects(bucket_name=bucket, delete_object_list=[DeleteObject(key) for key in ("a/1", "a/2", "b", "copy", "ü z+&=")]))
    assert not faults and not list(client.list_objects(bucket_name=bucket, recursive=True))
    with pytest.raises(S3Error, match="NoSuchKey"):
        get(client, bucket, "b")
    client.remove_bucket(bucket_name=bucket)


def test_large_objects_are_sent_and_joined_in_parts(client, bucket):
    body = bytes(range(256)) * (2 * PART // 256) + b"end"
    put(client, bucket, "large", body, part_size=PART)
    assert get(client, bucket, "large") == body and client.stat_object(bucket_name=bucket, object_name="large").etag.endswith("-3")
    sources = [ComposeSource(bucket_name=bucket, object_name="large"), ComposeSource(bucket_name=bucket, object_name="large", offset=0, length=PART)]
    client.compose_object(bucket_name=bucket, object_name="joined", sources=sources)
    assert get(client, bucket, "joined") == body + body[:PART]


def test_versions_tags_rules_and_presigned_addresses(client, bucket):
    client.set_bucket_versioning(bucket_name=bucket, config=VersioningConfig(status=ENABLED))
    first = put(client, bucket, "k", b"1").version_id
    put(client, bucket, "k", b"2")
    assert get(client, bucket, "k", version_id=first) == b"1"
    assert len(list(client.list_objects(bucket_name=bucket, include_version=True))) == 2
    tags = Tags.new_object_tags()
    tags["stage"] = "raw"
    client.set_object_tags(bucket_name=bucket, object_name="k", tags=tags)
    assert client.get_object_tags(bucket_name=bucket, object_name="k") == tags
    rules = LifecycleConfig(rules=[Rule(status=ENABLED, rule_filter=Filter(prefix="old/"), rule_id="old", expiration=Expiration(days=3))])
    client.set_bucket_lifecycle(bucket_name=bucket, config=rules)
    assert client.get_bucket_lifecycle(bucket_name=bucket).rules[0].expiration.days == 3
    hour = datetime.timedelta(hours=1)
    address = client.presigned_put_object(bucket_name=bucket, object_name="by-url", expires=hour)
    assert requests.put(address, data=b"sent", timeout=20).status_code == 200
    address = client.presigned_get_object(bucket_name=bucket, object_name="by-url", expires=hour)
    assert requests.get(address, timeout=20).content == b"sent"
