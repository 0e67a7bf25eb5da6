"""The same random requests of the GCS JSON API against Beringia and against an emulator that others wrote.

Each difference is either a fault of ours, mended, or one of the KNOWN ones, which docs/gcs-compatibility.md lists with
its reason. A failing seed is in the message; BERINGIA_DIFFERENCE_SEED=N replays it.
"""

import json
import os
import random
import sys
from pathlib import Path

import pytest
import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "gcs_emulator"))
import gcs_emulator  # noqa: E402

SEEDS = [int(os.environ["BERINGIA_DIFFERENCE_SEED"])] if "BERINGIA_DIFFERENCE_SEED" in os.environ else range(8)
STEPS = 50
NAMES = ["a", "a/b", "a/c", "b.csv", "d/e/f", "d/e/g.csv", "ü x"]
CONDITIONS = ["ifGenerationMatch", "ifGenerationNotMatch", "ifMetagenerationMatch", "ifMetagenerationNotMatch"]


class Service:
    """One of the two, with the generations it gave, in order: they are compared by their number."""

    def __init__(self, url, token=None):
        self.url, self.session = url, requests.Session()
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"
        self.generations = []

    def generation(self, number):
        """The real generation that a sequence means by a number; 0 and unknown ones stay as they are."""
        return self.generations[number - 1] if 0 < number <= len(self.generations) else number

    def number_of(self, generation):
        if int(generation) not in self.generations:
            self.generations.append(int(generation))
        return self.generations.index(int(generation)) + 1

    def send(self, method, path, query=None, body=b"", headers=None):
        query = {
            key: str(self.generation(value)) if "eneration" in key and "Meta" not in key and "meta" not in key else value
            for key, value in (query or {}).items()
        }
        return self.session.request(method, self.url + path, params=query, data=body, headers=headers or {}, timeout=30)


def object_path(name):
    return "/storage/v1/b/lake/o/" + requests.utils.quote(name, safe="")


def shown(service, resource):
    """What of a resource is compared."""
    kept = {
        key: resource.get(key)
        for key in ("kind", "name", "bucket", "size", "crc32c", "md5Hash", "contentType", "cacheControl",
                    "contentEncoding", "metageneration", "storageClass")
    }  # fmt: skip
    kept["metadata"] = resource.get("metadata") or {}
    kept["generation"] = service.number_of(resource["generation"])
    return kept


def result(service, answer, kind):
    """An answer without what must differ."""
    out = {"status": answer.status_code}
    if answer.status_code in (204, 304):
        return out
    if answer.status_code >= 400:
        if kind == "media":  # some services explain failed downloads in plain text
            return out
        out["reason"] = (answer.json()["error"].get("errors") or [{}])[0].get("reason")
        return out
    if kind == "object":
        out["object"] = shown(service, answer.json())
    elif kind == "rewrite":
        body = answer.json()
        out |= {"done": body["done"], "size": body["objectSize"], "object": shown(service, body["resource"])}
    elif kind == "list":
        body = answer.json()
        out["items"] = [shown(service, item) for item in body.get("items", [])]
        out["prefixes"] = body.get("prefixes", [])
        out["more"] = "nextPageToken" in body
    elif kind == "media":
        out["body"] = answer.content
        out["range"] = answer.headers.get("Content-Range")
        out["type"] = answer.headers.get("Content-Type")
        hashes = {part for value in [answer.headers.get("x-goog-hash", "")] for part in value.replace(" ", "").split(",")}
        out["hashes"] = sorted(hashes - {""}) if answer.status_code == 200 else None
    return out


class Sequence:
    """Random steps; each is (what, function of a service to its result)."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def conditions(self, chance=0.4):
        if self.random.random() > chance:
            return {}
        name = self.random.choice(CONDITIONS)
        if "Meta" in name:
            return {name: str(self.random.choice([1, 1, 2, 9]))}
        return {name: self.random.choice([0, 0, self.random.randint(1, 12), 99])}

    def name(self):
        return self.random.choice(NAMES)

    def bytes(self):
        return self.random.randbytes(self.random.choice([0, 1, 10, 3000]))

    def step(self):
        return self.random.choice([self.insert, self.insert, self.multipart, self.resumable, self.get, self.media,
                                   self.media, self.list, self.list, self.patch, self.delete, self.copy, self.rewrite,
                                   self.compose])()  # fmt: skip

    def insert(self):
        name, body, query = self.name(), self.bytes(), self.conditions()
        query |= {"uploadType": "media", "name": name}
        return ("insert", query), lambda s: result(
            s, s.send("POST", "/upload/storage/v1/b/lake/o", query, body, {"Content-Type": "text/plain"}), "object")

    def multipart(self):
        body, query = self.bytes(), self.conditions() | {"uploadType": "multipart"}
        metadata = {"name": self.name(), "contentType": "a/b", "metadata": {"k": self.random.choice(["1", "ü"])}}
        if self.random.random() < 0.3:
            metadata["cacheControl"] = "no-cache"
        if self.random.random() < 0.15:
            metadata["crc32c"] = "AAAAAA=="
        frame = (b"--b\r\nContent-Type: application/json\r\n\r\n" + json.dumps(metadata).encode()
                 + b"\r\n--b\r\nContent-Type: a/b\r\n\r\n" + body + b"\r\n--b--\r\n")  # fmt: skip
        return ("multipart", metadata, query, len(body)), lambda s: result(
            s, s.send("POST", "/upload/storage/v1/b/lake/o", query, frame,
                      {"Content-Type": "multipart/related; boundary=b"}), "object")

    def resumable(self):
        query = self.conditions(0.3) | {"uploadType": "resumable", "name": self.name()}
        first, last = self.random.randbytes(256 << 10), self.bytes()
        total = len(first) + len(last)

        def run(service):
            begun = service.send("POST", "/upload/storage/v1/b/lake/o", query, b'{"contentType":"a/b"}',
                                 {"Content-Type": "application/json"})  # fmt: skip
            if begun.status_code != 200:
                return {"begin": begun.status_code}
            location = begun.headers["Location"]
            more = service.session.put(location, data=first, headers={"Content-Range": f"bytes 0-{len(first) - 1}/*"})
            span = f"bytes {len(first)}-{total - 1}/{total}" if last else f"bytes */{total}"
            end = service.session.put(location, data=last, headers={"Content-Range": span})
            return {"chunk": (more.status_code, more.headers.get("Range")), "end": result(service, end, "object")}

        return ("resumable", query, total), run

    def get(self):
        name, query = self.name(), self.conditions()
        return ("get", name, query), lambda s: result(s, s.send("GET", object_path(name), query), "object")

    def media(self):
        name, query = self.name(), self.conditions(0.2) | {"alt": "media"}
        headers = {}
        if self.random.random() < 0.4:
            headers["Range"] = self.random.choice(["bytes=0-4", "bytes=5-", "bytes=-3", "bytes=2-2", "bytes=9999-"])
        prefix = self.random.choice(["", "/download"])
        return ("media", name, query, headers), lambda s: result(
            s, s.send("GET", prefix + object_path(name), query, headers=headers), "media")

    def list(self):
        query = {}
        if self.random.random() < 0.5:
            query["delimiter"] = "/"
        if self.random.random() < 0.4:
            query["prefix"] = self.random.choice(["a", "a/", "d/", "d/e/", "zzz"])
        if self.random.random() < 0.3:
            query["startOffset"] = self.random.choice(["a/b", "b", "d/e/f"])
        if self.random.random() < 0.3:
            query["endOffset"] = self.random.choice(["a/c", "b.csv", "d/e/g"])
        if self.random.random() < 0.2:
            query["matchGlob"] = self.random.choice(["**.csv", "a/*", "d/**", "*"])
            query.pop("delimiter", None)
        return ("list", query), lambda s: result(s, s.send("GET", "/storage/v1/b/lake/o", query), "list")

    def patch(self):
        name, query = self.name(), self.conditions(0.3)
        change = self.random.choice([{"metadata": {"p": "1"}}, {"metadata": {"k": None}}, {"contentType": "c/d"},
                                     {"cacheControl": "private"}])  # fmt: skip
        return ("patch", name, change, query), lambda s: result(
            s, s.send("PATCH", object_path(name), query, json.dumps(change), {"Content-Type": "application/json"}),
            "object")

    def delete(self):
        name, query = self.name(), self.conditions()
        return ("delete", name, query), lambda s: result(s, s.send("DELETE", object_path(name), query), "none")

    def copy(self):
        source, target, query = self.name(), self.name(), self.conditions(0.3)
        path = object_path(source) + "/copyTo/b/lake/o/" + requests.utils.quote(target, safe="")
        return ("copy", source, target, query), lambda s: result(s, s.send("POST", path, query), "object")

    def rewrite(self):
        source, target, query = self.name(), self.name(), self.conditions(0.3)
        path = object_path(source) + "/rewriteTo/b/lake/o/" + requests.utils.quote(target, safe="")
        return ("rewrite", source, target, query), lambda s: result(s, s.send("POST", path, query), "rewrite")

    def compose(self):
        target, query = self.name(), self.conditions(0.3)
        body = {"sourceObjects": [{"name": self.name()} for _ in range(self.random.randint(1, 3))],
                "destination": {"contentType": "a/b"}}  # fmt: skip
        return ("compose", target, body, query), lambda s: result(
            s, s.send("POST", object_path(target) + "/compose", query, json.dumps(body),
                      {"Content-Type": "application/json"}), "object")


@pytest.fixture(scope="module")
def emulator():
    started = gcs_emulator.start()
    if started is None or started.kind != "fake-gcs-server":
        pytest.skip("fake-gcs-server cannot be had here")
    yield started
    started.stop()


def asks(what, text):
    """A condition of this family is part of the request."""
    return any(text in key for part in what if isinstance(part, dict) for key in part)


def refused(out):
    return 412 in (out.get("status"), out.get("begin"), out.get("end", {}).get("status"))


WRITES = ("insert", "multipart", "resumable", "copy", "rewrite", "compose", "patch", "delete")

# The listed differences (docs/gcs-compatibility.md): name -> whether this step shows it. `w` is what was asked, `o` our
# result, `t` theirs.
KNOWN = {
    "delete answers 204, not 200": lambda w, o, t: w[0] == "delete" and (o["status"], t["status"]) == (204, 200),
    "metageneration conditions of writes are honoured": lambda w, o, t: (
        w[0] in WRITES and asks(w, "Metageneration") and refused(o) and not refused(t)),
    "conditions of copies and deletes are honoured": lambda w, o, t: (
        w[0] in ("copy", "rewrite", "delete", "patch") and asks(w, "Generation") and refused(o) and not refused(t)),
    "compose fails with 404 and 412, not 500": lambda w, o, t: (
        w[0] == "compose" and o["status"] in (404, 412) and t["status"] == 500),
    "composed objects have no md5Hash and the type that was asked for": lambda w, o, t: (
        "object" in o and "object" in t and o["object"]["md5Hash"] is None
        and o["object"] | {"contentType": 0} == t["object"] | {"md5Hash": None, "contentType": 0}),
    "a patch answers the whole resource": lambda w, o, t: (
        w[0] == "patch" and o["status"] == t["status"] == 200 and t["object"]["metageneration"] is None),
    "a session whose condition has failed already does not begin": lambda w, o, t: (
        w[0] == "resumable" and o.get("begin") == 412 and refused(t)),
    "conditions are looked at before ranges and checksums": lambda w, o, t: (
        o.get("status") == 412 and t.get("status") in (400, 416)),
    "matchGlob is honoured in full": lambda w, o, t: (
        w[0] == "list" and "matchGlob" in w[1]
        and {i["name"] for i in o["items"]} < {i["name"] for i in t["items"]}),
    "a prefix is shown when a name behind startOffset is below it": lambda w, o, t: (
        w[0] == "list" and {"startOffset", "delimiter"} <= set(w[1]) and o["items"] == t["items"]
        and set(o["prefixes"]) > set(t["prefixes"])),
}


def known(what, ours, theirs):
    return next((name for name, shows in KNOWN.items() if shows(what, ours, theirs)), None)


def start_anew(services):
    """No objects in either."""
    for service in services:
        for item in service.send("GET", "/storage/v1/b/lake/o").json().get("items", []):
            service.send("DELETE", object_path(item["name"]))
        service.generations.clear()


@pytest.mark.parametrize("seed", SEEDS)
def test_beringia_answers_as_the_emulator_does(server, token, emulator, seed):
    services = [Service(server.gcs_url, token), Service(emulator.endpoint)]
    for service in services:
        service.send("POST", "/storage/v1/b", {"project": "x"}, b'{"name":"lake"}', {"Content-Type": "application/json"})
    start_anew(services)
    sequence, unexplained = Sequence(seed), []
    for number in range(STEPS):
        what, run = sequence.step()
        ours, theirs = run(services[0]), run(services[1])
        if ours == theirs:
            continue
        if known(what, ours, theirs) is None:
            unexplained.append(f"step {number}: {what}\n  ours:   {ours}\n  theirs: {theirs}")
        start_anew(services)  # the two states may differ now
    assert not unexplained, f"seed {seed}:\n" + "\n".join(unexplained)
