"""Notifications set and provoked by google-cloud-storage, heard as Pub/Sub pushes them."""

import base64
import json
import pathlib
import sys

import google.api_core.exceptions
import pytest

from receiver import queue, until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "protocol" / "gcs"))
from gcs_clients import make_key_file, storage_client  # noqa: E402


@pytest.fixture(scope="session")
def client(telling):
    return storage_client(telling, make_key_file(telling, "root"))


@pytest.fixture
def lake(client, bucket_name):
    return client.create_bucket(bucket_name)


def about(receiver, bucket):
    return [m for m in receiver.messages() if m["attributes"]["bucketId"] == bucket.name]


def events(receiver, bucket):
    return [(m["attributes"]["eventType"], m["attributes"]["objectId"]) for m in about(receiver, bucket)]


def test_configs_are_made_shown_and_removed(lake):
    made = lake.notification(
        "hook", topic_project="project-1", custom_attributes={"a": "b"}, event_types=["OBJECT_FINALIZE"],
        blob_name_prefix="in/", payload_format="NONE",
    )  # fmt: skip
    made.create()
    second = lake.notification("other", topic_project="project-1", payload_format="JSON_API_V1")
    second.create()
    assert (made.notification_id, second.notification_id) == ("1", "2")
    assert lake.get_notification("1").payload_format == "NONE"
    shown = next(n for n in lake.list_notifications() if n.notification_id == "1")
    assert shown.topic_name == "hook" and shown.topic_project == "project-1" and shown.payload_format == "NONE"
    assert shown.custom_attributes == {"a": "b"} and shown.event_types == ["OBJECT_FINALIZE"]
    assert shown.blob_name_prefix == "in/" and shown.etag and shown.self_link.endswith("/notificationConfigs/1")
    assert sorted(n.notification_id for n in lake.list_notifications()) == ["1", "2"]
    second.delete()
    third = lake.notification("other", topic_project="project-1")
    third.create()
    assert third.notification_id == "3", "ids are not used again"
    with pytest.raises(google.api_core.exceptions.NotFound):
        second.delete()
    with pytest.raises(google.api_core.exceptions.BadRequest):
        lake.notification("nobody", topic_project="project-1").create()
    with pytest.raises(google.api_core.exceptions.BadRequest):
        lake.notification("hook", topic_project="project-1", event_types=["OBJECT_EATEN"]).create()


def test_events_of_an_object_are_googles(lake, hook):
    lake.notification("hook", topic_project="project-1", custom_attributes={"team": "x"}, payload_format="JSON_API_V1").create()
    blob = lake.blob("a/b c.txt")
    blob.upload_from_string(b"one", content_type="text/x")
    first = blob.generation
    blob.metadata = {"k": "v"}
    blob.patch()
    blob.upload_from_string(b"second")
    second = blob.generation
    blob.delete()
    wanted = ["OBJECT_FINALIZE", "OBJECT_METADATA_UPDATE", "OBJECT_DELETE", "OBJECT_FINALIZE", "OBJECT_DELETE"]
    assert until(lambda: len(about(hook, lake)) >= len(wanted))
    messages = about(hook, lake)
    assert [m["attributes"]["eventType"] for m in messages] == wanted
    generations = [int(m["attributes"]["objectGeneration"]) for m in messages]
    assert generations == [first, first, first, second, second]
    assert messages[2]["attributes"]["overwrittenByGeneration"] == str(second)
    assert messages[3]["attributes"]["overwroteGeneration"] == str(first)
    assert all(m["attributes"]["team"] == "x" and m["attributes"]["objectId"] == "a/b c.txt" for m in messages)
    assert messages[0]["attributes"]["notificationConfig"] == f"projects/_/buckets/{lake.name}/notificationConfigs/1"
    shown = json.loads(base64.b64decode(messages[1]["data"]))
    assert shown["kind"] == "storage#object" and shown["name"] == "a/b c.txt" and shown["size"] == "3"
    assert shown["metadata"] == {"k": "v"} and shown["metageneration"] == "2" and shown["md5Hash"] and shown["crc32c"]
    assert shown["generation"] == str(first) and shown["contentType"] == "text/x"
    ids = [m["messageId"] for m in messages]
    assert len(set(ids)) == len(ids) and ids == sorted(ids, key=int)


def test_versions_are_archived(lake, hook):
    lake.versioning_enabled = True
    lake.patch()
    lake.notification("hook", topic_project="project-1", payload_format="NONE").create()
    blob = lake.blob("k")
    blob.upload_from_string(b"1")
    first = blob.generation
    blob.upload_from_string(b"2")
    second = blob.generation
    lake.delete_blob("k")
    lake.delete_blob("k", generation=first)
    assert until(lambda: len(about(hook, lake)) >= 5)
    assert [(m["attributes"]["eventType"], int(m["attributes"]["objectGeneration"])) for m in about(hook, lake)] == [
        ("OBJECT_FINALIZE", first),
        ("OBJECT_ARCHIVE", first),
        ("OBJECT_FINALIZE", second),
        ("OBJECT_ARCHIVE", second),
        ("OBJECT_DELETE", first),
    ]
    assert all("data" not in m for m in about(hook, lake))


def test_both_protocols_hear_what_either_does(lake, s3, hook, other):
    lake.notification("hook", topic_project="project-1", event_types=["OBJECT_FINALIZE"]).create()
    s3.put_bucket_notification_configuration(
        Bucket=lake.name, NotificationConfiguration={"QueueConfigurations": [queue("other", "s3:ObjectCreated:*")]}
    )
    assert [n.notification_id for n in lake.list_notifications()] == ["1"]
    s3.put_object(Bucket=lake.name, Key="by-s3", Body=b"x")
    lake.blob("by-gcs").upload_from_string(b"y")
    assert until(lambda: len(events(hook, lake)) == 2 and len(other.names()) >= 2)
    assert events(hook, lake) == [("OBJECT_FINALIZE", "by-s3"), ("OBJECT_FINALIZE", "by-gcs")]
    assert [key for _, key in other.names()] == ["by-s3", "by-gcs"]
    # Taking S3's away leaves Google's.
    s3.put_bucket_notification_configuration(Bucket=lake.name, NotificationConfiguration={})
    assert [n.notification_id for n in lake.list_notifications()] == ["1"]


def test_a_pubsub_target_is_published_to(lake, other):
    lake.notification("topic", topic_project="project-1", payload_format="JSON_API_V1").create()
    lake.blob("k").upload_from_string(b"x")

    def published():
        with other.lock:
            return [body["messages"] for path, _, body in other.requests if path == "/v1/projects/p/topics/t:publish"]

    assert until(lambda: any(m[0]["attributes"]["bucketId"] == lake.name for m in published()))
    message = next(m[0] for m in published() if m[0]["attributes"]["bucketId"] == lake.name)
    assert message["attributes"]["eventType"] == "OBJECT_FINALIZE"
    assert json.loads(base64.b64decode(message["data"]))["name"] == "k"
