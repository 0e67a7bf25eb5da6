"""A target named `*` hears what is meant for names that the estate does not declare, through either door."""

import pathlib
import sys

import pytest
from receiver import Receiver, arn, declare, queue, until
from test_gcs_notifications import events

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "protocol" / "s3"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "protocol" / "gcs"))
from gcs_clients import make_key_file, storage_client  # noqa: E402
from s3_clients import boto_client  # noqa: E402


@pytest.fixture
def open_to_all(make_server):
    server = make_server("any-target")
    server.named, server.rest = Receiver(), Receiver()
    declare(server, named=server.named.url, **{"*": server.rest.url})
    yield server
    server.named.close()
    server.rest.close()


def test_names_without_a_target_of_their_own_go_there(open_to_all, bucket_name):
    lake = storage_client(open_to_all, make_key_file(open_to_all, "root")).create_bucket(bucket_name)
    for topic in ("named", "Undeclared_topic.1"):
        lake.notification(topic, topic_project="project-1").create()
    assert {n.topic_name for n in lake.list_notifications()} == {"named", "Undeclared_topic.1"}
    s3 = boto_client(open_to_all)
    configuration = {"QueueConfigurations": [queue("elsewhere", "s3:ObjectCreated:*")]}
    s3.put_bucket_notification_configuration(Bucket=bucket_name, NotificationConfiguration=configuration)
    shown = s3.get_bucket_notification_configuration(Bucket=bucket_name)["QueueConfigurations"]
    assert [rule["QueueArn"] for rule in shown] == [arn("elsewhere")]

    lake.blob("x").upload_from_string(b"1")
    wanted = [("OBJECT_FINALIZE", "x")]
    assert until(lambda: events(open_to_all.named, lake) == wanted and len(open_to_all.rest.bodies()) == 3)
    told = [body for body in open_to_all.rest.bodies() if "message" in body]
    assert [body["message"]["attributes"]["objectId"] for body in told] == ["x"]
    assert open_to_all.rest.names() == [("ObjectCreated:Put", "x")]  # besides the test event


def test_without_it_they_are_refused(open_to_all, bucket_name):
    declare(open_to_all, named=open_to_all.named.url)
    s3 = boto_client(open_to_all)
    s3.create_bucket(Bucket=bucket_name)
    with pytest.raises(s3.exceptions.ClientError):
        s3.put_bucket_notification_configuration(
            Bucket=bucket_name,
            NotificationConfiguration={"QueueConfigurations": [queue("elsewhere", "s3:ObjectCreated:*")]},
        )
