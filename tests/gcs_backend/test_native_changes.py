"""Changes that others make in a bucket are shown when their notification comes, though looks are good for an hour.

The bucket is fake-gcs-server's; the subscription is a small stand-in for Pub/Sub's REST API, which sends again what
was not acknowledged in time, and sends some messages twice.
"""

import contextlib
import json
import pathlib
import sys
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tools" / "gcs_emulator"), str(ROOT / "tests" / "cli")]

import gcs_emulator  # noqa: E402
from processes import make_process  # noqa: E402, F401

BUCKET = "native-changes"
SUBSCRIPTION = "projects/p/subscriptions/s"
ESTATE = """\
[[backend]]
name = "cloud"
url = "gs://{bucket}/lake"
endpoint = "{endpoint}"
credentials = "none"
subscription = "{subscription}"
pubsub_endpoint = "http://127.0.0.1:{port}"

[[mount]]
path = "/"
locations = ["cloud"]
freshness = "shared"
max_staleness = "1h"
"""
PATIENCE_S = 30


class Subscription:
    """Keeps messages until they are acknowledged; what was sent and not acknowledged comes again after a second."""

    def __init__(self):
        self.lock = threading.Lock()
        self.messages = {}  # ackId -> (attributes, when it may be sent)
        self.acknowledged = 0
        self.takes_acknowledgements = True
        self.sent = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = outer.answer(self.path, body)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, body):
        with self.lock:
            if path == f"/v1/{SUBSCRIPTION}:pull":
                now = time.monotonic()
                due = [ack for ack, (_, when) in self.messages.items() if when <= now][: body["maxMessages"]]
                for ack in due:
                    self.messages[ack] = (self.messages[ack][0], now + 1)
                self.sent += len(due)
                return 200, {"receivedMessages": [{"ackId": ack, "message": {"attributes": self.messages[ack][0]}}
                                                  for ack in due]}  # fmt: skip
            if path == f"/v1/{SUBSCRIPTION}:acknowledge":
                if not self.takes_acknowledgements:
                    return 400, {"error": {"code": 400, "message": "not now"}}
                for ack in body["ackIds"]:
                    self.acknowledged += self.messages.pop(ack, None) is not None
                return 200, {}
            return 404, {"error": {"code": 404, "message": path}}

    def publish(self, event, name, generation, times=2):
        """Delivered at least once: here twice."""
        attributes = {"bucketId": BUCKET, "objectId": name, "eventType": event, "objectGeneration": str(generation),
                      "eventTime": time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())}  # fmt: skip
        with self.lock:
            for number in range(times):
                self.messages[f"{event}-{name}-{generation}-{number}"] = (attributes, 0)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Cloud:
    """Somebody else's hand in the bucket; each change is told to the subscription."""

    def __init__(self, emulator, subscription):
        self.endpoint, self.subscription = emulator.endpoint, subscription

    def write(self, key, body):
        name = urllib.parse.quote("lake/" + key, safe="")
        request = urllib.request.Request(f"{self.endpoint}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={name}",
                                         body, {"Content-Type": "text/plain"})  # fmt: skip
        generation = json.load(urllib.request.urlopen(request, timeout=10))["generation"]
        self.subscription.publish("OBJECT_FINALIZE", "lake/" + key, generation)
        return generation

    def remove(self, key, generation):
        name = urllib.parse.quote("lake/" + key, safe="")
        request = urllib.request.Request(f"{self.endpoint}/storage/v1/b/{BUCKET}/o/{name}", method="DELETE")
        urllib.request.urlopen(request, timeout=10).read()
        self.subscription.publish("OBJECT_DELETE", "lake/" + key, generation)


def keys(process):
    return [one["Key"] for one in process.s3().list_objects_v2(Bucket="data").get("Contents", [])]


def body_of(process, key):
    return process.s3().get_object(Bucket="data", Key=key)["Body"].read()


def wait_until(condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it does not come true"
        time.sleep(0.05)


@pytest.fixture
def world(make_process):  # noqa: F811
    emulator = gcs_emulator.start()
    if emulator is None:
        pytest.skip("no emulator can be had")
    # Also what fails from here on, or in the test, ends both.
    with contextlib.ExitStack() as stack:
        stack.callback(emulator.stop)
        emulator.make_bucket(BUCKET)
        subscription = Subscription()
        stack.callback(subscription.close)
        yield mounted(make_process(), emulator, subscription), Cloud(emulator, subscription), subscription


def mounted(process, emulator, subscription):
    process.start()
    (process.directory / "lake.toml").write_text(ESTATE.format(
        bucket=BUCKET, endpoint=emulator.endpoint, subscription=SUBSCRIPTION, port=subscription.port))  # fmt: skip
    process.run("apply", "lake.toml", "--yes")
    process.s3().create_bucket(Bucket="data")
    return process


def test_foreign_changes_are_shown_within_seconds(world):
    process, cloud, subscription = world
    assert keys(process) == []  # from now on nothing is looked at again for an hour
    first = cloud.write("data/one", b"1")
    cloud.write("data/d/two", b"2")
    wait_until(lambda: keys(process) == ["d/two", "one"])
    second = cloud.write("data/one", b"another")
    wait_until(lambda: body_of(process, "one") == b"another")
    subscription.publish("OBJECT_DELETE", "lake/data/one", first)  # late: of the generation before
    cloud.remove("data/d/two", 0)
    wait_until(lambda: keys(process) == ["one"])
    assert body_of(process, "one") == b"another"
    wait_until(lambda: not subscription.messages)
    cloud.remove("data/one", second)
    wait_until(lambda: keys(process) == [])
    status, metrics = process.get("/metrics")
    assert status == 200
    assert 'beringia_events_native_staleness_seconds_count{backend="cloud"} ' in metrics
    assert 'beringia_events_native_changes_total{backend="cloud",outcome="changed"} ' in metrics
    assert 'beringia_events_native_changes_total{backend="cloud",outcome="known"} ' in metrics


def test_what_was_not_acknowledged_when_the_process_died_comes_again(world):
    process, cloud, subscription = world
    assert keys(process) == []
    subscription.takes_acknowledgements = False
    cloud.write("data/one", b"1")
    wait_until(lambda: subscription.sent > 0)
    process.kill()
    assert subscription.messages and subscription.acknowledged == 0
    cloud.write("data/two", b"2")
    subscription.takes_acknowledgements = True
    process.start()
    wait_until(lambda: not subscription.messages)
    assert keys(process) == ["one", "two"]
    assert body_of(process, "two") == b"2"
    assert process.terminate() == 0


def test_a_subscription_that_cannot_be_is_refused(world):
    process, _, _ = world
    text = (process.directory / "lake.toml").read_text()
    for faulty, why in ((text.replace(SUBSCRIPTION, "s"), "projects/PROJECT/subscriptions/NAME"),
                        (text.replace(f'subscription = "{SUBSCRIPTION}"\n', ""), "no subscription to ask")):  # fmt: skip
        (process.directory / "faulty.toml").write_text(faulty)
        done = process.run("apply", "faulty.toml", "--yes", check=False)
        assert done.returncode != 0 and why in done.stderr, done.stderr
