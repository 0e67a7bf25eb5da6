"""Access logs of buckets: set by boto3, delivered as objects of the target bucket, in S3's format."""

import json
import shlex
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from s3_clients import boto_client, keys, refused

FIELDS = (
    "owner bucket time ip requester request operation key uri status error sent size total turnaround referer agent "
    "version host_id signature cipher auth host tls access_point acl"
).split()


def until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert met
    return met


@pytest.fixture(scope="module")
def quick(make_server):
    return make_server("logging", "--s3-log-interval", "300ms")


@pytest.fixture
def s3(quick):
    return boto_client(quick)


@pytest.fixture
def source(s3, bucket_name):
    s3.create_bucket(Bucket=bucket_name)
    return bucket_name


@pytest.fixture
def target(s3, source):
    name = f"{source}-logs"
    s3.create_bucket(Bucket=name)
    allow(s3, name, source)
    return name


def allow(s3, target, source, resource="log/*"):
    s3.put_bucket_policy(Bucket=target, Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{target}/{resource}",
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{source}"},
                      "StringEquals": {"aws:SourceAccount": "root"}}}]}))  # fmt: skip


def enable(s3, source, target, **more):
    s3.put_bucket_logging(Bucket=source, BucketLoggingStatus={
        "LoggingEnabled": {"TargetBucket": target, "TargetPrefix": "log/"} | more})  # fmt: skip


def lines(s3, target):
    found = []
    for key in keys(s3.list_objects_v2(Bucket=target)):
        text = s3.get_object(Bucket=target, Key=key)["Body"].read().decode()
        for line in text.splitlines():
            values = shlex.split(line.replace("[", '"').replace("]", '"'))
            assert len(values) == len(FIELDS), line
            found.append(dict(zip(FIELDS, values)))
    return found


def test_every_request_has_a_line_in_the_target(s3, source, target):
    enable(s3, source, target)
    assert s3.get_bucket_logging(Bucket=source)["LoggingEnabled"] == {
        "TargetBucket": target, "TargetPrefix": "log/", "TargetObjectKeyFormat": {"SimplePrefix": {}}}  # fmt: skip
    key = "dir/a b\u00fc"
    s3.put_object(Bucket=source, Key=key, Body=b"12345")
    s3.get_object(Bucket=source, Key=key, Range="bytes=1-2")["Body"].read()
    s3.head_object(Bucket=source, Key=key)
    with refused("NoSuchKey"):
        s3.get_object(Bucket=source, Key="none")
    s3.list_objects_v2(Bucket=source)
    s3.delete_object(Bucket=source, Key=key)
    found = until(lambda: {one["operation"]: one for one in lines(s3, target)}
                  if "REST.DELETE.OBJECT" in str(lines(s3, target)) else None)  # fmt: skip
    assert {"REST.PUT.OBJECT", "REST.GET.OBJECT", "REST.HEAD.OBJECT", "REST.GET.BUCKET",
            "REST.PUT.LOGGING_STATUS"} <= set(found)  # fmt: skip
    put = found["REST.PUT.OBJECT"]
    assert (put["bucket"], put["owner"], put["requester"], put["status"]) == (source, "root", "root", "200")
    assert urllib.parse.unquote(put["key"]) == key and put["size"] == "5" and put["error"] == "-"
    assert put["signature"] == "SigV4" and put["auth"] == "AuthHeader" and "Boto3" in put["agent"]
    assert put["uri"].startswith(f"PUT /{source}/dir/") and put["uri"].endswith("HTTP/1.1")
    by_key = {(one["operation"], one["status"]): one for one in lines(s3, target)}
    part = by_key["REST.GET.OBJECT", "206"]
    assert (part["sent"], part["size"]) == ("2", "5")
    assert by_key["REST.GET.OBJECT", "404"]["error"] == "NoSuchKey"


def test_presigned_urls_cannot_be_taken_from_the_log(quick, s3, source, target):
    enable(s3, source, target)
    s3v4 = boto_client(quick, signature_version="s3v4")
    url = s3v4.generate_presigned_url("get_object", Params={"Bucket": source, "Key": "a"})
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(url)
    found = until(lambda: [one for one in lines(s3, target) if one["auth"] == "QueryString"])
    assert "X-Amz-Signature=REDACTED" in found[0]["uri"]


def test_nothing_is_delivered_where_it_is_not_allowed(s3, source, target):
    with refused("AccessDenied"):
        allow(s3, target, "another")
        enable(s3, source, target)
    allow(s3, target, source)
    enable(s3, source, target)
    s3.put_bucket_logging(Bucket=source, BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=source)


def test_a_stop_delivers_what_was_collected(make_server, bucket_name):
    server = make_server("logging-stop", "--s3-log-interval", "1h")
    s3 = boto_client(server)
    target = f"{bucket_name}-logs"
    for name in (bucket_name, target):
        s3.create_bucket(Bucket=name)
    allow(s3, target, bucket_name)
    enable(s3, bucket_name, target, TargetObjectKeyFormat={"PartitionedPrefix": {"PartitionDateSource": "EventTime"}})
    s3.put_object(Bucket=bucket_name, Key="a", Body=b"x")
    assert keys(s3.list_objects_v2(Bucket=target)) == []
    server.stop()
    server.start()
    found = keys(s3.list_objects_v2(Bucket=target))
    assert len(found) == 1 and found[0].startswith(f"log/root/us-east-1/{bucket_name}/")
    assert {one["operation"] for one in lines(s3, target)} >= {"REST.PUT.OBJECT"}
