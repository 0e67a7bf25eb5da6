"""Random steps of the life of objects: uploads, downloads, lists, changes, copies."""

import json
import random

import requests
from service import object_path, result

NAMES = ["a", "a/b", "a/c", "b.csv", "d/e/f", "d/e/g.csv", "ü x"]
CONDITIONS = ["ifGenerationMatch", "ifGenerationNotMatch", "ifMetagenerationMatch", "ifMetagenerationNotMatch"]


class ObjectSteps:
    """Random steps; each is (what, function of a service to its result)."""

    bucket, settings = "lake", {}
    not_served = {}

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.uploads, self.objects = f"/upload/storage/v1/b/{self.bucket}/o", f"/storage/v1/b/{self.bucket}/o"

    def path(self, name):
        return object_path(self.bucket, name)

    def start_anew(self, service):
        """The bucket, without objects."""
        service.json("POST", "/storage/v1/b", {"project": "x"}, {"name": self.bucket} | self.settings)
        for item in service.send("GET", self.objects, {"versions": "true"} if self.settings else {}).json().get("items") or []:
            service.send("DELETE", self.path(item["name"]), {"generation": item["generation"]} if self.settings else {})
        service.generations.clear()

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
            s, s.send("POST", self.uploads, query, body, {"Content-Type": "text/plain"}), "object")

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
            s, s.send("POST", self.uploads, query, frame,
                      {"Content-Type": "multipart/related; boundary=b"}), "object")

    def resumable(self):
        query = self.conditions(0.3) | {"uploadType": "resumable", "name": self.name()}
        first, last = self.random.randbytes(256 << 10), self.bytes()
        total = len(first) + len(last)

        def run(service):
            begun = service.send("POST", self.uploads, query, b'{"contentType":"a/b"}',
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
        return ("get", name, query), lambda s: result(s, s.send("GET", self.path(name), query), "object")

    def media(self):
        name, query = self.name(), self.conditions(0.2) | {"alt": "media"}
        headers = {}
        if self.random.random() < 0.4:
            headers["Range"] = self.random.choice(["bytes=0-4", "bytes=5-", "bytes=-3", "bytes=2-2", "bytes=9999-"])
        prefix = self.random.choice(["", "/download"])
        return ("media", name, query, headers), lambda s: result(
            s, s.send("GET", prefix + self.path(name), query, headers=headers), "media")

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
        return ("list", query), lambda s: result(s, s.send("GET", self.objects, query), "list")

    def patch(self):
        name, query = self.name(), self.conditions(0.3)
        change = self.random.choice([{"metadata": {"p": "1"}}, {"metadata": {"k": None}}, {"contentType": "c/d"},
                                     {"cacheControl": "private"}])  # fmt: skip
        return ("patch", name, change, query), lambda s: result(
            s, s.send("PATCH", self.path(name), query, json.dumps(change), {"Content-Type": "application/json"}),
            "object")

    def delete(self):
        name, query = self.name(), self.conditions()
        return ("delete", name, query), lambda s: result(s, s.send("DELETE", self.path(name), query), "none")

    def copy(self):
        source, target, query = self.name(), self.name(), self.conditions(0.3)
        path = self.path(source) + f"/copyTo/b/{self.bucket}/o/" + requests.utils.quote(target, safe="")
        return ("copy", source, target, query), lambda s: result(s, s.send("POST", path, query), "object")

    def rewrite(self):
        source, target, query = self.name(), self.name(), self.conditions(0.3)
        path = self.path(source) + f"/rewriteTo/b/{self.bucket}/o/" + requests.utils.quote(target, safe="")
        return ("rewrite", source, target, query), lambda s: result(s, s.send("POST", path, query), "rewrite")

    def compose(self):
        target, query = self.name(), self.conditions(0.3)
        body = {"sourceObjects": [{"name": self.name()} for _ in range(self.random.randint(1, 3))],
                "destination": {"contentType": "a/b"}}  # fmt: skip
        return ("compose", target, body, query), lambda s: result(
            s, s.send("POST", self.path(target) + "/compose", query, json.dumps(body),
                      {"Content-Type": "application/json"}), "object")
