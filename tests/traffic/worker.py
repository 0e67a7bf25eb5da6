"""One client of the load: changes keys of its own over both protocols, and keeps the ledger."""

import base64
import json
import random
import threading

import google_crc32c

from .gcs import Gcs
from .s3 import S3

from .ledger import Ledger, Version, make_bytes, version_of

PART_BYTES = 5 << 20  # the smallest part that S3 allows before the last


class Worker:
    """Keys: BUCKET/wN/... ; exactly this worker writes them."""

    def __init__(self, number, victim, token, bucket, names=None, large=True):
        self.number = number
        self.victim = victim
        self.token = token
        self.bucket = bucket
        self.ledger = Ledger()
        self.dice = random.Random(number * 7919 + 1)
        self.prefix = f"w{number}/"
        self.keys = [self.prefix + name for name in names or _names(40)]
        self.large = large
        self.seed = number << 40
        self.pause_s = 0.0  # after each action
        self.unexpected = []  # answers that no crash explains
        self.actions = [
            (10, self.put), (6, self.insert), (3, self.put_if_absent), (6, self.delete),
            (3, self.delete_by_gcs), (3, self.delete_many), (4, self.copy), (2, self.rewrite),
            (5, self.move), (3, self.patch), (2, self.compose), (3, self.resumable),
            (3, self.multipart), (4, self.read),
        ]
        self._thread = None

    # ---- running

    def start(self, only=None):
        """Changes keys until the server is gone or stop(). only: names of actions."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(only,), daemon=True)
        self._thread.start()

    def stop(self):
        if self._thread:
            self._stop.set()
            self._thread.join()
            self._thread = None

    def _run(self, only):
        chosen = [(weight, action) for weight, action in self.actions
                  if only is None or action.__name__ in only]
        weights = [weight for weight, _ in chosen]
        actions = [action for _, action in chosen]
        self.connect()
        try:
            while not self._stop.is_set():
                self.dice.choices(actions, weights)[0]()
                self._stop.wait(self.pause_s)
        except OSError:
            pass  # the server is gone: what is under way stays open in the ledger
        finally:
            self.disconnect()

    def connect(self):
        self.s3 = S3(self.victim.s3_port, self.victim.access_key, self.victim.secret_key)
        self.gcs = Gcs(self.victim.gcs_port, self.token)

    def disconnect(self):
        self.s3.close()
        self.gcs.close()

    # ---- choosing

    def _some_key(self):
        free = [key for key in self.keys if key not in self.ledger.undecided()]
        return self.dice.choice(free) if free else None

    def _some_object(self):
        there = sorted(self.ledger.known.keys() - self.ledger.undecided())
        return self.dice.choice(there) if there else None

    def _body(self):
        self.seed += 1
        size = self.dice.choice((0, 8, 100, 1000, 4096, 4097, 20_000, 70_000))
        if self.large and self.dice.random() < 0.03:
            size = 2_000_000
        return make_bytes(self.seed, size)

    def _judge(self, change, answer, good, learnt=None, gone=()):
        """gone: statuses that say that nothing happened."""
        if answer.status in good:
            self.ledger.acknowledge(change, learnt)
            return True
        if answer.status in gone or answer.status == 503:
            # 503 promises nothing: open until it is looked at.
            if answer.status in gone:
                self.ledger.refuse(change)
            return False
        self.unexpected.append(f"{change.what}: {answer.status} {answer.body[:300]!r}")
        return False

    # ---- actions

    def put(self):
        key = self._some_key()
        if key is None:
            return
        body, note = self._body(), f"n{self.seed}"
        change = self.ledger.begin(f"PUT {key}", {key: version_of(body, note)})
        answer = self.s3.put(self.bucket, key, body, [("x-amz-meta-note", note)])
        etag = answer.header("etag").strip('"')
        self._judge(change, answer, (200,), {key: version_of(body, note, etag)})

    def put_if_absent(self):
        key = self._some_key()
        if key is None:
            return
        body = self._body()
        change = self.ledger.begin(f"PUT if absent {key}", {key: version_of(body)})
        answer = self.s3.put(self.bucket, key, body, [("If-None-Match", "*")])
        if answer.status == 200 and key in self.ledger.known:
            self.unexpected.append(f"{key}: If-None-Match: * overwrote")
        etag = answer.header("etag").strip('"')
        self._judge(change, answer, (200,), {key: version_of(body, "", etag)}, gone=(412,))

    def insert(self):
        key = self._some_key()
        if key is None:
            return
        body = self._body()
        change = self.ledger.begin(f"insert {key}", {key: version_of(body)})
        answer = self.gcs.insert(self.bucket, key, body)
        self._judge(change, answer, (200,), {key: _learn(version_of(body), answer)})

    def delete(self):
        key = self._some_key()
        if key is None:
            return
        change = self.ledger.begin(f"DELETE {key}", {key: None})
        self._judge(change, self.s3.delete(self.bucket, key), (204,))

    def delete_by_gcs(self):
        key = self._some_object()
        if key is None:
            return
        change = self.ledger.begin(f"delete {key}", {key: None})
        self._judge(change, self.gcs.delete(self.bucket, key), (204,))

    def delete_many(self):
        keys = sorted({key for key in (self._some_key() for _ in range(5)) if key})
        if not keys:
            return
        changes = [self.ledger.begin(f"DeleteObjects {key}", {key: None}) for key in keys]
        answer = self.s3.delete_many(self.bucket, keys)
        if answer.status != 200 or b"<Error>" in answer.body:
            self.unexpected.append(f"DeleteObjects: {answer.status} {answer.body[:500]!r}")
            return
        for change in changes:
            self.ledger.acknowledge(change)

    def copy(self):
        source, target = self._some_object(), self._some_key()
        if source is None or source == target:
            return
        old = self.ledger.known[source]
        version = Version(old.size, old.sha256, old.note)
        change = self.ledger.begin(f"copy {source} -> {target}", {target: version})
        answer = self.s3.copy(self.bucket, source, target)
        if b"<Error>" in answer.body:
            answer.status = 500
        self._judge(change, answer, (200,))

    def rewrite(self):
        source, target = self._some_object(), self._some_key()
        if source is None or source == target:
            return
        old = self.ledger.known[source]
        version = Version(old.size, old.sha256, old.note)
        change = self.ledger.begin(f"rewrite {source} -> {target}", {target: version})
        answer = self.gcs.copy(self.bucket, source, target)
        self._judge(change, answer, (200,))

    def move(self):
        source, target = self._some_object(), self._some_key()
        if source is None or source == target:
            return
        old = self.ledger.known[source]
        version = Version(old.size, old.sha256, old.note)
        change = self.ledger.begin(f"move {source} -> {target}", {source: None, target: version})
        answer = self.gcs.move(self.bucket, source, target)
        self._judge(change, answer, (200,), {target: _learn(version, answer)})

    def patch(self):
        key = self._some_object()
        if key is None:
            return
        old = self.ledger.known[key]
        self.seed += 1
        version = Version(old.size, old.sha256, f"p{self.seed}", old.etag, old.generation)
        change = self.ledger.begin(f"patch {key}", {key: version})
        answer = self.gcs.patch(self.bucket, key, {"metadata": {"note": version.note}})
        self._judge(change, answer, (200,), {key: _learn(version, answer)})

    def compose(self):
        sources = [key for key in (self._some_object() for _ in range(3)) if key]
        target = self._some_key()
        if not sources or target is None:
            return
        # The bytes are known from the seeds no more: read them.
        bodies = [self.gcs.get(self.bucket, key) for key in sources]
        if any(answer.status != 200 for answer in bodies):
            self.unexpected.append(f"reading {sources}: {[a.status for a in bodies]}")
            return
        body = b"".join(answer.body for answer in bodies)
        if len(body) > 6_000_000:
            return
        change = self.ledger.begin(f"compose {sources} -> {target}", {target: version_of(body)})
        answer = self.gcs.compose(self.bucket, sources, target)
        self._judge(change, answer, (200,), {target: _learn(version_of(body), answer)})

    def resumable(self):
        key = self._some_key()
        if key is None:
            return
        session = self.gcs.begin_resumable(self.bucket, key)
        if session is None:
            self.unexpected.append(f"no resumable session for {key}")
            return
        self.seed += 1
        body = make_bytes(self.seed, 262_144 + self.dice.randrange(100_000))
        first = self.gcs.put_chunk(session, body[:262_144], 0)
        if first.status != 308:
            self.unexpected.append(f"first chunk of {key}: {first.status} {first.body[:300]!r}")
            return
        change = self.ledger.begin(f"resumable {key}", {key: version_of(body)})
        answer = self.gcs.put_chunk(session, body[262_144:], 262_144, len(body))
        self._judge(change, answer, (200, 201), {key: _learn(version_of(body), answer)})

    def multipart(self):
        key = self._some_key()
        if key is None:
            return
        upload = self.s3.begin_multipart(self.bucket, key)
        if upload is None:
            self.unexpected.append(f"no multipart upload for {key}")
            return
        self.seed += 1
        sizes = [30_000]
        if self.large and self.dice.random() < 0.1:
            sizes = [PART_BYTES, 30_000]
        body = make_bytes(self.seed, sum(sizes))
        etags, start = [], 0
        for number, size in enumerate(sizes, 1):
            part = self.s3.put_part(self.bucket, key, upload, number, body[start:start + size])
            if part.status != 200:
                self.unexpected.append(f"part of {key}: {part.status} {part.body[:300]!r}")
                return
            etags.append(part.header("etag"))
            start += size
        change = self.ledger.begin(f"multipart {key}", {key: version_of(body)})
        answer = self.s3.complete_multipart(self.bucket, key, upload, etags)
        if b"<Error>" in answer.body:
            answer.status = 500
        self._judge(change, answer, (200,))

    def read(self):
        """Readers must never see anything but the acknowledged bytes."""
        key = self._some_object()
        if key is None:
            return
        by_s3 = self.dice.random() < 0.5
        answer = (self.s3 if by_s3 else self.gcs).get(self.bucket, key)
        wanted = self.ledger.known[key]
        if answer.status != 200 or not version_of(answer.body, wanted.note).same_content(wanted):
            self.unexpected.append(f"reading {key}: {answer.status}, {len(answer.body)} bytes, "
                                   f"not {wanted.describe()}")

    # ---- looking after a restart

    def find(self, key):
        """What both protocols say is there. @raise OSError: the server went away"""
        body = self.s3.get(self.bucket, key)
        told = self.gcs.stat(self.bucket, key)
        if body.status == 404 and told.status == 404:
            return None, []
        if body.status != 200 or told.status != 200:
            return None, [f"{key}: S3 GET {body.status}, GCS get {told.status}: {body.body[:300]!r}"]
        resource = json.loads(told.body)
        found = version_of(body.body, resource.get("metadata", {}).get("note", ""),
                           body.header("etag").strip('"'), int(resource["generation"]))
        wrong = []
        if int(resource["size"]) != found.size:
            wrong.append(f"{key}: GCS tells size {resource['size']}, there are {found.size} bytes")
        if body.header("x-amz-meta-note") != found.note:
            wrong.append(f"{key}: the protocols tell different metadata")
        crc32c = resource.get("crc32c")
        if crc32c is not None and crc32c != _crc32c_base64(body.body):
            wrong.append(f"{key}: crc32c {crc32c} is not that of its bytes")
        return found, wrong

    def settle(self, everything=False):
        """@return list of violations"""
        keys = set(self.ledger.touched)
        if everything:
            keys |= set(self.keys)
            self.ledger.touched |= keys
        found, wrong = {}, []
        for key in sorted(keys):
            found[key], faults = self.find(key)
            wrong += faults
        wrong += self.ledger.settle(found)
        return wrong + self.check_listing()

    def check_listing(self):
        wanted = {key: (version.size, version.etag) for key, version in self.ledger.known.items()}
        listed = self.s3.list_all(self.bucket, self.prefix)
        wrong = []
        for key in sorted(wanted.keys() | listed.keys()):
            if wanted.get(key) != listed.get(key):
                wrong.append(f"S3 lists {key} as {listed.get(key)}, not {wanted.get(key)}")
        listed = {key: (int(item["size"]), int(item["generation"]))
                  for key, item in self.gcs.list_all(self.bucket, self.prefix).items()}
        for key in sorted(self.ledger.known.keys() | listed.keys()):
            version = self.ledger.known.get(key)
            told = version and (version.size, version.generation)
            if told != listed.get(key):
                wrong.append(f"GCS lists {key} as {listed.get(key)}, not {told}")
        return wrong


def _names(count):
    """Some flat, some deep, an object beside its prefix."""
    names = ["a", "a/b", "a/b/c", "flat"]
    names += [f"d{n % 3}/e{n % 2}/f{n}" for n in range(count - len(names))]
    return names


def _learn(version, answer):
    """The generation from a resource of GCS."""
    if answer.status not in (200, 201):
        return version
    resource = json.loads(answer.body)
    resource = resource.get("resource", resource)
    return Version(version.size, version.sha256, version.note, version.etag,
                   int(resource["generation"]))


def _crc32c_base64(data):
    return base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
