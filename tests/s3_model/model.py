"""What Amazon documents of S3: one bucket with versions, conditions, multipart uploads and lists, in memory.

Each verb takes what a request says and gives an Expected: status, error code, and what the answer must carry. Version
ids and upload ids are the server's; the model learns them from the answers (`learn`) and then insists on them.
Sources: S3 API Reference (each operation's page), S3 User Guide: "Using versioning in S3 buckets", "Deleting object
versions", "Conditional requests", "Uploading and copying objects using multipart upload".
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable

MIN_PART = 5 << 20


@dataclasses.dataclass
class Version:
    id: str  # "null" for what was written while versioning was not enabled
    body: bytes = b""
    etag: str = ""
    kind: str = "text/plain"
    marker: bool = False


@dataclasses.dataclass
class Upload:
    id: str
    key: str
    parts: dict[int, tuple[str, bytes]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Expected:
    status: int
    code: str = ""  # of the error document; "" = not looked at
    headers: dict[str, str | None] = dataclasses.field(default_factory=dict)  # None: must be absent
    body: bytes | None = None
    content: object = None  # of lists, see sequences.py
    learn: Callable[[str], None] | None = None  # called with the version id (or upload id) of the answer


def etag_of(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()


def refused(status: int, code: str, **headers: str | None) -> Expected:
    return Expected(status, code, {name.replace("_", "-"): value for name, value in headers.items()})


class Bucket:
    def __init__(self) -> None:
        self.versioning = ""  # "", "Enabled", "Suspended"
        self.versions: dict[str, list[Version]] = {}  # newest first
        self.uploads: dict[str, Upload] = {}
        self.ids: set[str] = set()  # all that were ever given out

    # ---- helpers

    def newest(self, key: str) -> Version | None:
        return next(iter(self.versions.get(key, [])), None)

    def current(self, key: str) -> Version | None:
        newest = self.newest(key)
        return None if newest is None or newest.marker else newest

    def find(self, key: str, version: str) -> Version | None:
        return next((found for found in self.versions.get(key, []) if found.id == version), None)

    def drop(self, key: str, version: Version) -> None:
        self.versions[key].remove(version)
        if not self.versions[key]:
            del self.versions[key]

    def add(self, key: str, new: Version) -> Expected:
        """Puts `new` on top; the answer names its version."""
        if self.versioning != "Enabled":
            if null := self.find(key, "null"):
                self.drop(key, null)
            self.versions.setdefault(key, []).insert(0, new)
            return Expected(200, headers={} if self.versioning else {"x-amz-version-id": None})

        def learn(version_id: str) -> None:
            assert version_id and version_id != "null" and version_id not in self.ids, f"version id {version_id!r}"
            self.ids.add(version_id)
            new.id = version_id

        new.id = ""
        self.versions.setdefault(key, []).insert(0, new)
        return Expected(200, learn=learn)

    def check_write(self, key: str, if_match: str | None, if_none_match: bool) -> Expected | None:
        current = self.current(key)
        if if_match is not None:
            if current is None:
                return refused(404, "NoSuchKey")
            if current.etag != if_match:
                return refused(412, "PreconditionFailed")
        if if_none_match and current is not None:
            return refused(412, "PreconditionFailed")
        return None

    # ---- objects

    def put(self, key: str, body: bytes, kind: str, if_match: str | None, if_none_match: bool) -> Expected:
        if refusal := self.check_write(key, if_match, if_none_match):
            return refusal
        expected = self.add(key, Version("null", body, etag_of(body), kind))
        expected.headers["etag"] = f'"{etag_of(body)}"'
        return expected

    def look_up(self, key: str, version: str | None) -> Version | Expected:
        if version is None:
            newest = self.newest(key)
            if newest is None:
                return refused(404, "NoSuchKey", x_amz_delete_marker=None)
            if newest.marker:
                return refused(404, "NoSuchKey", x_amz_delete_marker="true", x_amz_version_id=newest.id)
            return newest
        found = self.find(key, version)
        if found is None:
            return refused(404, "NoSuchVersion")
        if found.marker:
            return refused(405, "MethodNotAllowed", x_amz_delete_marker="true", x_amz_version_id=found.id)
        return found

    def get(self, key: str, version: str | None, if_match: str | None, if_none_match: str | None,
            span: tuple[int, int] | None) -> Expected:  # fmt: skip
        found = self.look_up(key, version)
        if isinstance(found, Expected):
            return found
        if if_match is not None and if_match != found.etag:
            return refused(412, "PreconditionFailed")
        if if_none_match is not None and if_none_match == found.etag:
            return Expected(304, headers={"etag": f'"{found.etag}"'})
        headers: dict[str, str | None] = {"etag": f'"{found.etag}"', "content-type": found.kind}
        headers["x-amz-version-id"] = found.id if self.versioning else None
        if span is None:
            return Expected(200, headers=headers, body=found.body)
        first, last = span[0], min(span[1], len(found.body) - 1)
        if first >= len(found.body):
            return refused(416, "InvalidRange")
        headers["content-range"] = f"bytes {first}-{last}/{len(found.body)}"
        return Expected(206, headers=headers, body=found.body[first : last + 1])

    def delete(self, key: str, version: str | None) -> Expected:
        if version is not None:
            found = self.find(key, version)
            if found is None:
                return Expected(204)
            self.drop(key, found)
            return Expected(204, headers={"x-amz-delete-marker": "true" if found.marker else None,
                                          "x-amz-version-id": version if self.versioning else None})  # fmt: skip
        if not self.versioning:
            self.versions.pop(key, None)
            return Expected(204, headers={"x-amz-delete-marker": None, "x-amz-version-id": None})
        expected = self.add(key, Version("null", marker=True))
        expected.status = 204
        expected.headers["x-amz-delete-marker"] = "true"
        if self.versioning == "Suspended":
            expected.headers["x-amz-version-id"] = "null"
        return expected

    def copy(self, source: str, version: str | None, target: str, if_match: str | None) -> Expected:
        found = self.look_up(source, version)
        if isinstance(found, Expected):
            by_marker = found.code == "MethodNotAllowed"
            return refused(400, "InvalidRequest") if by_marker else refused(found.status, found.code)
        if if_match is not None and if_match != found.etag:
            return refused(412, "PreconditionFailed")
        if source == target and version is None:
            return refused(400, "InvalidRequest")
        body = found.body
        # A copy is one PUT: its entity tag is that of one, whatever the source was made of.
        return self.add(target, Version("null", body, etag_of(body), found.kind))

    # ---- multipart

    def begin(self, key: str) -> Expected:
        def learn(upload_id: str) -> None:
            assert upload_id and upload_id not in self.uploads
            self.uploads[upload_id] = Upload(upload_id, key)

        return Expected(200, learn=learn)

    def put_part(self, upload_id: str, number: int, body: bytes) -> Expected:
        upload = self.uploads.get(upload_id)
        if upload is None:
            return refused(404, "NoSuchUpload")
        upload.parts[number] = (etag_of(body), body)
        return Expected(200, headers={"etag": f'"{etag_of(body)}"'})

    def parts(self, upload_id: str) -> Expected:
        upload = self.uploads.get(upload_id)
        if upload is None:
            return refused(404, "NoSuchUpload")
        return Expected(200, content=[(number, etag, len(body)) for number, (etag, body) in sorted(upload.parts.items())])

    def abort(self, upload_id: str) -> Expected:
        if self.uploads.pop(upload_id, None) is None:
            return refused(404, "NoSuchUpload")
        return Expected(204)

    def complete(self, upload_id: str, named: list[tuple[int, str]], if_none_match: bool) -> Expected:
        upload = self.uploads.get(upload_id)
        if upload is None:
            return refused(404, "NoSuchUpload")
        if not named:
            return refused(400, "MalformedXML")
        if [number for number, _ in named] != sorted({number for number, _ in named}):
            return refused(400, "InvalidPartOrder")
        if any(number not in upload.parts or upload.parts[number][0] != etag for number, etag in named):
            return refused(400, "InvalidPart")
        bodies = [upload.parts[number][1] for number, _ in named]
        if any(len(body) < MIN_PART for body in bodies[:-1]):
            return refused(400, "EntityTooSmall")
        if refusal := self.check_write(upload.key, None, if_none_match):
            return refusal
        del self.uploads[upload_id]
        digests = b"".join(hashlib.md5(body).digest() for body in bodies)
        etag = f"{hashlib.md5(digests).hexdigest()}-{len(bodies)}"
        return self.add(upload.key, Version("null", b"".join(bodies), etag, "binary/octet-stream"))

    def list_uploads(self) -> Expected:
        return Expected(200, content=sorted((upload.key, upload.id) for upload in self.uploads.values()))

    # ---- lists

    def list(self, prefix: str, delimiter: str, start_after: str, max_keys: int) -> Expected:
        """The first page; content: (keys with entity tag and size, prefixes, truncated)."""
        shown: list[tuple[str, bool]] = []  # key or common prefix, in order, once
        for key in sorted(self.versions, key=lambda text: text.encode()):
            if self.current(key) is None or not key.startswith(prefix) or key <= start_after:
                continue
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            item = (key, False) if cut < 0 else (key[: cut + len(delimiter)], True)
            if item[1] and item[0] == start_after:  # a page that ended with a prefix goes on behind all it stands for
                continue
            if item not in shown[-1:]:
                shown.append(item)
        page = shown[:max_keys]
        keys = [(key, self.versions[key][0].etag, len(self.versions[key][0].body)) for key, is_prefix in page if not is_prefix]
        prefixes = [text for text, is_prefix in page if is_prefix]
        return Expected(200, content=(keys, prefixes, len(shown) > max_keys))

    def list_versions(self, prefix: str, delimiter: str) -> Expected:
        """All pages; content: ((key, id, latest, marker, entity tag), prefixes)."""
        found, prefixes = [], []
        for key in sorted(self.versions, key=lambda text: text.encode()):
            if not key.startswith(prefix):
                continue
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut >= 0:
                common = key[: cut + len(delimiter)]
                if common not in prefixes[-1:]:
                    prefixes.append(common)
                continue
            for number, version in enumerate(self.versions[key]):
                found.append((key, version.id, number == 0, version.marker, version.etag))
        return Expected(200, content=(found, prefixes))

    def is_empty(self) -> bool:
        return not self.versions
