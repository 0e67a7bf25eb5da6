"""Notifications set and provoked by boto3, heard by a webhook."""

import json
import urllib.request

import botocore.exceptions
import pytest

from receiver import Receiver, arn, declare, queue, until
from s3_clients import boto_client


def configure(s3, bucket, *queues, **more):
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": list(queues)} | more
    )


def refused(code, call, *arguments, **named):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call(*arguments, **named)
    assert error.value.response["Error"]["Code"] == code, error.value.response
    return error.value.response["Error"]["Message"]


def of_bucket(receiver, bucket):
    return [record for record in receiver.records() if record["s3"]["bucket"]["name"] == bucket]


def names(receiver, bucket):
    return [(record["eventName"], record["s3"]["object"]["key"]) for record in of_bucket(receiver, bucket)]


def test_configuration_is_read_back_and_taken_away(s3, bucket):
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    wanted = {
        "QueueConfigurations": [queue("hook", "s3:ObjectCreated:*", prefix="in/", suffix=".csv")],
        "TopicConfigurations": [{"Id": "t", "TopicArn": arn("other", "sns"), "Events": ["s3:ObjectRemoved:Delete"]}],
        "LambdaFunctionConfigurations": [
            {"Id": "f", "LambdaFunctionArn": arn("other", "lambda"), "Events": ["s3:ObjectTagging:*"]}
        ],
    }
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wanted)
    shown = s3.get_bucket_notification_configuration(Bucket=bucket)
    for kind in wanted:
        for rule in shown[kind]:
            for one in rule.get("Filter", {}).get("Key", {}).get("FilterRules", []):
                one["Name"] = one["Name"].lower()
        assert shown[kind] == wanted[kind]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)


def test_wrong_configurations_are_refused_as_amazon_does(s3, bucket):
    put = s3.put_bucket_notification_configuration

    def refuse(*queues):
        return refused("InvalidArgument", put, Bucket=bucket,
                       NotificationConfiguration={"QueueConfigurations": list(queues)})  # fmt: skip

    assert "destination" in refuse(queue("nobody", "s3:ObjectCreated:*"))
    assert "not supported" in refuse(queue("hook", "s3:ObjectEaten:*"))
    assert "overlap" in refuse(
        queue("hook", "s3:ObjectCreated:*", prefix="a"),
        queue("other", "s3:ObjectCreated:Put", prefix="ab", identity="r"),
    )
    assert "unique" in refuse(queue("hook", "s3:ObjectCreated:*"), queue("other", "s3:ObjectRemoved:*"))
    wrong = queue("hook", "s3:ObjectCreated:*")
    wrong["Filter"] = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "a"}, {"Name": "prefix", "Value": "b"}]}}
    assert "more than one prefix" in refuse(wrong)
    wrong["QueueArn"] = "arn:aws:sqs:us-east-1"
    refuse(wrong)
    # The same events of other names do not overlap.
    configure(
        s3, bucket, queue("hook", "s3:ObjectCreated:*", suffix=".a"),
        queue("other", "s3:ObjectCreated:*", suffix=".b", identity="r"),
    )  # fmt: skip


def test_setting_sends_a_test_event_to_every_destination(s3, bucket, hook, other):
    configure(s3, bucket, queue("hook", "s3:ObjectCreated:*"), queue("other", "s3:ObjectRemoved:*", identity="r"))
    for receiver in (hook, other):
        assert until(lambda: any(
            body.get("Event") == "s3:TestEvent" and body["Bucket"] == bucket and body["Service"] == "Amazon S3"
            for body in receiver.bodies()
        ))  # fmt: skip


def test_the_record_is_amazons(s3, bucket, hook):
    configure(s3, bucket, queue("hook", "s3:ObjectCreated:*", identity="mine"))
    put = s3.put_object(Bucket=bucket, Key="a folder/ü&b.txt", Body=b"hello")
    assert until(lambda: of_bucket(hook, bucket))
    record = of_bucket(hook, bucket)[0]
    assert record["eventVersion"] == "2.1" and record["eventSource"] == "aws:s3"
    assert record["awsRegion"] == "us-east-1" and record["eventName"] == "ObjectCreated:Put"
    assert record["userIdentity"]["principalId"] == "root"
    assert record["requestParameters"]["sourceIPAddress"] == "127.0.0.1"
    assert record["responseElements"]["x-amz-request-id"] == put["ResponseMetadata"]["RequestId"]
    s3_part = record["s3"]
    assert s3_part["s3SchemaVersion"] == "1.0" and s3_part["configurationId"] == "mine"
    assert s3_part["bucket"] == {
        "name": bucket, "ownerIdentity": {"principalId": "root"}, "arn": f"arn:aws:s3:::{bucket}"
    }  # fmt: skip
    assert s3_part["object"]["key"] == "a+folder/%C3%BC%26b.txt"
    assert s3_part["object"]["size"] == 5 and s3_part["object"]["eTag"] == put["ETag"].strip('"')
    assert "versionId" not in s3_part["object"] and len(s3_part["object"]["sequencer"]) == 16
    # The token of the estate's file goes along; the URL is the declared one.
    path, headers, _ = next(r for r in hook.requests if "Records" in r[2])
    assert path == "/hook?a=b" and headers["Authorization"] == "Bearer hook-token-1"


def test_every_kind_of_write_and_removal_has_its_name(s3, bucket, hook):
    configure(s3, bucket, queue("hook", "s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"))
    s3.put_object(Bucket=bucket, Key="put", Body=b"1")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "put"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")
    s3.complete_multipart_upload(
        Bucket=bucket, Key="parts", UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )  # fmt: skip
    s3.put_object_tagging(Bucket=bucket, Key="put", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.delete_object_tagging(Bucket=bucket, Key="put")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "copy"}]})
    s3.delete_object(Bucket=bucket, Key="put")
    wanted = [
        ("ObjectCreated:Put", "put"),
        ("ObjectCreated:Copy", "copy"),
        ("ObjectCreated:CompleteMultipartUpload", "parts"),
        ("ObjectTagging:Put", "put"),
        ("ObjectTagging:Delete", "put"),
        ("ObjectRemoved:Delete", "copy"),
        ("ObjectRemoved:Delete", "put"),
    ]
    assert until(lambda: len(names(hook, bucket)) >= len(wanted))
    assert names(hook, bucket) == wanted
    order = [record["s3"]["object"]["sequencer"] for record in of_bucket(hook, bucket)]
    assert order == sorted(order) and len(set(order)) == len(order)


def test_versions_and_marks_have_their_ids(s3, bucket, hook):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    configure(s3, bucket, queue("hook", "s3:ObjectCreated:*", "s3:ObjectRemoved:*"))
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2")["VersionId"]
    mark = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=first)
    s3.delete_object(Bucket=bucket, Key="k", VersionId=mark)
    assert until(lambda: len(of_bucket(hook, bucket)) >= 5)
    assert [(r["eventName"], r["s3"]["object"].get("versionId")) for r in of_bucket(hook, bucket)] == [
        ("ObjectCreated:Put", first),
        ("ObjectCreated:Put", second),
        ("ObjectRemoved:DeleteMarkerCreated", mark),
        ("ObjectRemoved:Delete", first),
        ("ObjectRemoved:Delete", mark),
    ]


def test_only_what_the_filter_names_is_told(s3, bucket, hook):
    configure(s3, bucket, queue("hook", "s3:ObjectCreated:Put", prefix="in/", suffix=".csv"))
    for key in ("in/a.txt", "out/a.csv", "in/a.csv"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    s3.copy_object(Bucket=bucket, Key="in/b.csv", CopySource={"Bucket": bucket, "Key": "in/a.csv"})
    s3.put_object(Bucket=bucket, Key="in/z.csv", Body=b"")
    assert until(lambda: ("ObjectCreated:Put", "in/z.csv") in names(hook, bucket))
    assert names(hook, bucket) == [("ObjectCreated:Put", "in/a.csv"), ("ObjectCreated:Put", "in/z.csv")]


def test_a_dead_target_makes_nobody_wait(s3, bucket, hook):
    configure(
        s3, bucket, queue("dead", "s3:ObjectCreated:*", suffix=".d"),
        queue("hook", "s3:ObjectCreated:*", suffix=".h", identity="r"),
    )  # fmt: skip
    for n in range(20):
        s3.put_object(Bucket=bucket, Key=f"{n}.d", Body=b"")
        s3.put_object(Bucket=bucket, Key=f"{n}.h", Body=b"")
    assert until(lambda: len(names(hook, bucket)) == 20)


def test_only_who_has_the_right_sets_them(telling, s3, bucket):
    telling.run("principals", "create", "teller")
    key = telling.run_json("keys", "create", "--principal", "teller")
    teller = boto_client(telling, access_key=key["access_key"], secret_key=key["secret_key"])
    wanted = {"QueueConfigurations": [queue("hook", "s3:ObjectCreated:*")]}

    def allow(*actions):
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::teller:root"}, "Action": list(actions),
            "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}]}))  # fmt: skip

    put = teller.put_bucket_notification_configuration
    refused("AccessDenied", put, Bucket=bucket, NotificationConfiguration=wanted)
    allow("s3:PutObject", "s3:GetBucketNotification")
    refused("AccessDenied", put, Bucket=bucket, NotificationConfiguration=wanted)
    assert "QueueConfigurations" not in teller.get_bucket_notification_configuration(Bucket=bucket)
    allow("s3:PutBucketNotification")
    put(Bucket=bucket, NotificationConfiguration=wanted)
    refused("AccessDenied", teller.get_bucket_notification_configuration, Bucket=bucket)
    assert s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]


def test_retries_in_order_and_gives_up_only_what_is_refused(make_server, bucket_name):
    server = make_server("retries")
    receiver = Receiver()
    try:
        declare(server, hook=receiver.url)
        s3 = boto_client(server)
        s3.create_bucket(Bucket=bucket_name)
        configure(s3, bucket_name, queue("hook", "s3:ObjectCreated:*"))
        assert until(lambda: receiver.bodies())
        receiver.statuses = [503, 500, 429]
        for n in range(3):
            s3.put_object(Bucket=bucket_name, Key=f"{n}", Body=b"")
        assert until(lambda: len(receiver.names()) == 3)
        assert [key for _, key in receiver.names()] == ["0", "1", "2"]
        receiver.statuses = [422] * 5
        s3.put_object(Bucket=bucket_name, Key="refused", Body=b"")
        s3.put_object(Bucket=bucket_name, Key="next", Body=b"")
        assert until(lambda: ("ObjectCreated:Put", "next") in receiver.names())
        assert ("ObjectCreated:Put", "refused") not in receiver.names()
        metrics = urllib.request.urlopen(f"{server.admin_url}/metrics", timeout=10).read().decode()
        assert 'beringia_events_dropped_total{target="hook",reason="refused"} 1' in metrics
    finally:
        receiver.close()
