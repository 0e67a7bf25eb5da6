"""One of the two services of a comparison, and what of its answers is compared."""

import contextlib
import json

import requests


class Service:
    """One of the two, with the generations it gave, in order: they are compared by their number."""

    def __init__(self, url, token=None):
        self.url, self.session = url, requests.Session()
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"
        self.generations = []
        self.names = []  # given by the service, in order: keys
        self.email = "root"  # whose keys they are

    def generation(self, number):
        """The real generation that a sequence means by a number; 0 and unknown ones stay as they are."""
        is_known = isinstance(number, int) and 0 < number <= len(self.generations)
        return self.generations[number - 1] if is_known else number

    def number_of(self, generation):
        if int(generation) not in self.generations:
            self.generations.append(int(generation))
        return self.generations.index(int(generation)) + 1

    def send(self, method, path, query=None, body=b"", headers=None):
        query = {
            key: str(self.generation(value)) if "eneration" in key and "etagen" not in key else value
            for key, value in (query or {}).items()
        }
        return self.session.request(method, self.url + path, params=query, data=body, headers=headers or {}, timeout=30)

    def json(self, method, path, query=None, body=None):
        return self.send(method, path, query, json.dumps(body), {"Content-Type": "application/json"})


def object_path(bucket, name):
    return f"/storage/v1/b/{bucket}/o/" + requests.utils.quote(name, safe="")


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
        with contextlib.suppress(ValueError, AttributeError):  # some services explain some failures in plain text
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
    elif kind == "versions":  # their order within a page is another matter
        items = [shown(service, item) for item in sorted(answer.json().get("items") or [], key=lambda item: int(item["generation"]))]
        out["items"] = sorted(items, key=lambda item: (item["name"], item["generation"]))
        out["prefixes"] = answer.json().get("prefixes", [])
    elif kind == "media":
        out["body"] = answer.content
        out["range"] = answer.headers.get("Content-Range")
        out["type"] = answer.headers.get("Content-Type")
        hashes = {part for value in [answer.headers.get("x-goog-hash", "")] for part in value.replace(" ", "").split(",")}
        out["hashes"] = sorted(hashes - {""}) if answer.status_code == 200 else None
    return out
