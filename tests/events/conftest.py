import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "protocol" / "s3"))

from receiver import Receiver, declare  # noqa: E402
from s3_clients import boto_client  # noqa: E402


@pytest.fixture(scope="session")
def telling(make_server, tmp_path_factory):
    """A server with the targets `hook` and `other`, which answer, and `dead`, which does not."""
    server = make_server("events")
    token = tmp_path_factory.mktemp("token") / "token"
    token.write_text("hook-token-1\n")
    receivers = {"hook": Receiver(), "other": Receiver()}
    declare(
        server,
        hook={"url": receivers["hook"].url, "authorization_file": str(token)},
        other=receivers["other"].url,
        topic={"kind": "pubsub", "url": f"http://127.0.0.1:{receivers['other'].port}/v1/projects/p/topics/t"},
        dead="http://127.0.0.1:9/",
    )
    server.receivers = receivers
    yield server
    for receiver in receivers.values():
        receiver.close()


@pytest.fixture
def hook(telling):
    telling.receivers["hook"].clear()
    return telling.receivers["hook"]


@pytest.fixture
def other(telling):
    telling.receivers["other"].clear()
    return telling.receivers["other"]


@pytest.fixture
def s3(telling):
    return boto_client(telling)


@pytest.fixture
def bucket(s3, bucket_name):
    s3.create_bucket(Bucket=bucket_name)
    return bucket_name
