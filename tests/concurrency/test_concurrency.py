"""Clients of both protocols work on the same few keys at once; each key's history must be linearizable."""

import json
import random
import threading
import time

import pytest

from traffic.gcs import Gcs, fetch_token
from traffic.s3 import S3
from traffic.victim import Victim

from .linearizability import Call, explanation_is_missing

BUCKET = "few"
KEYS = ["a", "a/", "d/b c"]
CLIENTS = 5  # of each protocol
CALLS = 120  # of each client
SIZES = [30, 30, 30, 2000, 70_000]


def body_of(ident):
    """Every byte tells whose it is, so that a mix is found."""
    text = f"{ident};".encode()
    size = SIZES[hash(ident) % len(SIZES)]
    return (text * (size // len(text) + 1))[:max(size, len(text))]


def ident_of(body):
    ident = body.split(b";", 1)[0].decode()
    assert body == body_of(ident), f"a mix of contents: {body[:80]!r} ... {len(body)} bytes"
    return ident


class Log:
    """Calls by key, with times of one clock."""

    def __init__(self):
        self.calls = {key: [] for key in KEYS}
        self.lock = threading.Lock()

    def add(self, key, call):
        with self.lock:
            self.calls[key].append(call)


class S3Client:
    """Conditions by ETag."""

    def __init__(self, name, server, log):
        self.name, self.log = name, log
        self.api = S3(server.s3_port, server.access_key, server.secret_key)
        self.etags = {}  # key -> (etag, ident) as last seen

    def close(self):
        self.api.close()

    def put(self, key, ident, condition):
        headers, expected = [], {}
        if condition == "absent":
            headers, expected = [("If-None-Match", "*")], {"expected": None}
        elif condition == "same" and key in self.etags:
            headers, expected = [("If-Match", self.etags[key][0])], {"expected": self.etags[key][1]}
        call = Call("write", ident, time.monotonic(), who=self.name, **expected)
        answer = self.api.put(BUCKET, key, body_of(ident), headers)
        call.end = time.monotonic()
        if answer.status == 200:
            self.etags[key] = (answer.header("etag"), ident)
        elif answer.status in (412, 404) and expected:
            call.ok = False  # 404: If-Match on nothing
        else:
            # A lost race is told with 409 or 503: the client sends it again.
            assert answer.status in (409, 503), (answer.status, answer.body)
            call.unknown = True
        self.log.add(key, call)

    def get(self, key):
        call = Call("read", None, time.monotonic(), who=self.name)
        answer = self.api.get(BUCKET, key)
        call.end = time.monotonic()
        if answer.status == 200:
            call.value = ident_of(answer.body)
            self.etags[key] = (answer.header("etag"), call.value)
        else:
            assert answer.status == 404, (answer.status, answer.body)
        self.log.add(key, call)

    def delete(self, key):
        call = Call("remove", None, time.monotonic(), who=self.name)
        answer = self.api.delete(BUCKET, key)
        call.end = time.monotonic()
        assert answer.status == 204, (answer.status, answer.body)
        self.log.add(key, call)


class GcsClient:
    """Conditions by generation."""

    def __init__(self, name, server, log, token):
        self.name, self.log = name, log
        self.api = Gcs(server.gcs_port, token)
        self.generations = {}

    def close(self):
        self.api.close()

    def put(self, key, ident, condition):
        query, expected = "", {}
        if condition == "absent":
            query, expected = "&ifGenerationMatch=0", {"expected": None}
        elif condition == "same" and key in self.generations:
            generation, seen = self.generations[key]
            query, expected = f"&ifGenerationMatch={generation}", {"expected": seen}
        call = Call("write", ident, time.monotonic(), who=self.name, **expected)
        answer = self.api.insert(BUCKET, key, body_of(ident), query)
        call.end = time.monotonic()
        if answer.status == 200:
            self.generations[key] = (json.loads(answer.body)["generation"], ident)
        elif answer.status == 412 and expected:
            call.ok = False
        else:
            assert answer.status in (409, 503), (answer.status, answer.body)
            call.unknown = True
        self.log.add(key, call)

    def get(self, key):
        call = Call("read", None, time.monotonic(), who=self.name)
        answer = self.api.get(BUCKET, key)
        call.end = time.monotonic()
        if answer.status == 200:
            call.value = ident_of(answer.body)
            self.generations[key] = (answer.header("x-goog-generation"), call.value)
        else:
            assert answer.status == 404, (answer.status, answer.body)
        self.log.add(key, call)

    def delete(self, key):
        # An unconditional delete says whether there was something: the condition "exists".
        call = Call("remove", None, time.monotonic(), expected="*", who=self.name)
        answer = self.api.delete(BUCKET, key)
        call.end = time.monotonic()
        assert answer.status in (200, 204, 404), (answer.status, answer.body)
        call.ok = answer.status != 404
        self.log.add(key, call)


def work(client, seed, failures):
    dice = random.Random(seed)
    try:
        for number in range(CALLS):
            key = dice.choice(KEYS)
            what = dice.random()
            if what < 0.35:
                client.get(key)
            elif what < 0.5:
                client.delete(key)
            else:
                condition = dice.choice(["none", "none", "absent", "same", "same"])
                client.put(key, f"{client.name}-{number}", condition)
    except Exception as error:  # told by the test, not lost with the thread
        failures.append(f"{client.name}: {error!r}")
    finally:
        client.close()


@pytest.fixture(params=["shared", "exclusive"])
def server(request, tmp_path):
    victim = Victim(tmp_path, extra=("--freshness", request.param))
    victim.start()
    yield victim
    assert victim.stop() == 0


@pytest.mark.timeout(180)
def test_the_history_of_every_key_is_linearizable_over_both_protocols(server):
    key_file = server.run("keys", "create", "--principal", "root", "--kind", "service-account").stdout
    token = fetch_token(server.gcs_port, key_file)
    first = S3(server.s3_port, server.access_key, server.secret_key)
    assert first.make_bucket(BUCKET).status == 200
    log, failures, threads = Log(), [], []
    for n in range(CLIENTS):
        for client in (S3Client(f"s3-{n}", server, log), GcsClient(f"gcs-{n}", server, log, token)):
            seed = len(threads)
            threads.append(threading.Thread(target=work, args=(client, seed, failures)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures

    reader = S3Client("last", server, log)
    for key in KEYS:
        reader.get(key)
    reader.close()
    listed = first.list_all(BUCKET)
    first.close()
    for key, calls in log.calls.items():
        wrong = explanation_is_missing(calls)
        assert wrong is None, f"no order explains what was seen of {key!r}:\n" + "\n".join(map(str, wrong))
        last = max(calls, key=lambda call: call.start)
        assert (key in listed) == (last.value is not None)
    answered = sum(not call.unknown for calls in log.calls.values() for call in calls)
    assert answered > 0.9 * CLIENTS * 2 * CALLS, "too many calls ended without an answer"
