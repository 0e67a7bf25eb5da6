"""Random sequences of S3 requests, sent to a server and to the model; the first difference is an AssertionError that
tells the seed and the requests before it."""

from __future__ import annotations

import dataclasses
import random
import re
import urllib.parse
from collections.abc import Callable
from xml.sax.saxutils import unescape

from model import MIN_PART, Bucket, Expected
from traffic.connection import Answer
from traffic.s3 import S3, escape_path, escape_value

KEYS = ("a", "a/b", "a/b/c", "a/c", "a-b", "b", "dir/", "dir/x", "ü/ö", "z z+&=")
KINDS = ("text/plain", "application/json")
STRANGE_VERSION = "18446744073709551614"  # of the form of ours, never given out


def text_of(tag: str, document: bytes) -> str:
    found = re.search(rb"<%s>(.*?)</%s>" % (tag.encode(), tag.encode()), document, re.DOTALL)
    return unescape(found.group(1).decode(), {"&quot;": '"', "&#34;": '"', "&apos;": "'"}) if found else ""


def all_of(tag: str, document: bytes) -> list[bytes]:
    return re.findall(rb"<%s>(.*?)</%s>" % (tag.encode(), tag.encode()), document, re.DOTALL)


def quoted(text: str) -> str:
    return f'"{text}"'


@dataclasses.dataclass
class Player:
    """One sequence in one bucket of its own."""

    client: S3
    bucket: str
    seed: int
    with_versions: bool
    log: list[str] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.model = Bucket()
        self.gone_uploads: list[str] = ["0123456789abcdef0123456789abcdef"]
        self.gone_versions: list[str] = [STRANGE_VERSION]

    # ---- comparing

    def fail(self, what: str, answer: Answer) -> AssertionError:
        told = "\n".join(f"  {number:2}. {line}" for number, line in enumerate(self.log, 1))
        return AssertionError(f"seed {self.seed}: {what}\nrequests:\n{told}\nanswer: {answer.status} {answer.headers} {answer.body[:800]!r}")

    def compare(self, what: str, expected: Expected, answer: Answer, content: object = None, head: bool = False) -> None:
        self.log.append(f"{what} -> {answer.status}")
        if answer.status != expected.status:
            raise self.fail(f"{what}: status {expected.status} {expected.code} expected", answer)
        if expected.code and not head and text_of("Code", answer.body) != expected.code:
            raise self.fail(f"{what}: code {expected.code} expected", answer)
        for name, value in expected.headers.items():
            if answer.headers.get(name) != value:
                raise self.fail(f"{what}: header {name} is {answer.headers.get(name)!r}, {value!r} expected", answer)
        if expected.body is not None and not head and answer.body != expected.body:
            raise self.fail(f"{what}: other bytes", answer)
        if expected.content is not None and content != expected.content:
            raise self.fail(f"{what}: {content!r} instead of {expected.content!r}", answer)
        if expected.learn is not None:
            given = text_of("UploadId", answer.body) or answer.headers.get("x-amz-version-id", "")
            try:
                expected.learn(given)
            except AssertionError as problem:
                raise self.fail(f"{what}: {problem}", answer) from problem

    # ---- choosing

    def key(self) -> str:
        return self.dice.choice(KEYS)

    def body(self) -> bytes:
        return self.dice.randbytes(self.dice.choice((0, 1, 7, 100, 3000)))

    def chance(self, part: float) -> bool:
        return self.dice.random() < part

    def etag_near(self, key: str) -> str:
        """The key's entity tag, or another."""
        current = self.model.current(key)
        return current.etag if current and self.chance(0.7) else "0123456789abcdef0123456789abcdef"

    def version_near(self, key: str) -> str | None:
        if not self.with_versions or self.chance(0.5):
            return None
        known = [version.id for version in self.model.versions.get(key, [])]
        return self.dice.choice(known) if known and self.chance(0.8) else self.dice.choice(self.gone_versions)

    def upload_id(self) -> str:
        return self.dice.choice(list(self.model.uploads) if self.model.uploads and self.chance(0.85) else self.gone_uploads)

    # ---- requests

    def step(self) -> None:
        choices: list[tuple[int, Callable[[], None]]] = [
            (20, self.put), (16, self.get), (10, self.delete), (4, self.delete_many), (8, self.copy), (7, self.list),
            (5, self.begin), (7, self.put_part), (2, self.list_parts), (5, self.complete), (2, self.abort),
            (2, self.list_uploads), (1, self.delete_bucket),
        ]  # fmt: skip
        if self.with_versions:
            choices += [(5, self.list_versions), (4, self.set_versioning)]
        weights, verbs = zip(*choices, strict=True)
        self.dice.choices(verbs, weights)[0]()

    def put(self) -> None:
        key, body, kind = self.key(), self.body(), self.dice.choice(KINDS)
        if_match = self.etag_near(key) if self.chance(0.15) else None
        if_none_match = if_match is None and self.chance(0.15)
        headers = [("Content-Type", kind)]
        if if_match is not None:
            headers.append(("If-Match", quoted(if_match)))
        if if_none_match:
            headers.append(("If-None-Match", "*"))
        expected = self.model.put(key, body, kind, if_match, if_none_match)
        self.compare(f"PUT {key!r} {len(body)} B {headers[1:]}", expected, self.client.put(self.bucket, key, body, headers))

    def get(self) -> None:
        key, method = self.key(), self.dice.choice(("GET", "GET", "HEAD"))
        version = self.version_near(key)
        headers, if_match, if_none_match, span = [], None, None, None
        if self.chance(0.15):
            if_match = self.etag_near(key)
            headers.append(("If-Match", quoted(if_match)))
        elif self.chance(0.15):
            if_none_match = self.etag_near(key)
            headers.append(("If-None-Match", quoted(if_none_match)))
        if method == "GET" and self.chance(0.25):
            first = self.dice.randrange(120)
            span = (first, first + self.dice.randrange(60))
            headers.append(("Range", f"bytes={span[0]}-{span[1]}"))
        expected = self.model.get(key, version, if_match, if_none_match, span)
        query = f"versionId={version}" if version else ""
        answer = self.client.call(method, self.bucket, key, query, headers)
        self.compare(f"{method} {key!r} {query} {headers}", expected, answer, head=method == "HEAD")

    def delete(self) -> None:
        key = self.key()
        version = self.version_near(key)
        expected = self.model.delete(key, version)
        if version and version != "null":
            self.gone_versions.append(version)
        query = f"versionId={version}" if version else ""
        self.compare(f"DELETE {key!r} {query}", expected, self.client.call("DELETE", self.bucket, key, query))

    def delete_many(self) -> None:
        """Without version ids: each key as by itself, nothing fails."""
        keys = self.dice.sample(KEYS, 3)
        learns = [(key, self.model.delete(key, None).learn) for key in keys]
        answer = self.client.delete_many(self.bucket, keys)
        self.compare(f"DELETE many {keys}", Expected(200), answer)
        told = {text_of("Key", item): item for item in all_of("Deleted", answer.body)}
        if set(told) != set(keys):
            raise self.fail(f"deleted are {sorted(told)}", answer)
        for key, learn in learns:
            if learn is not None:
                learn(text_of("DeleteMarkerVersionId", told[key]))

    def copy(self) -> None:
        source, target = self.key(), self.key()
        version = self.version_near(source)
        headers = [("x-amz-copy-source", escape_path(f"/{self.bucket}/{source}") + (f"?versionId={version}" if version else ""))]
        if_match = None
        if self.chance(0.1):
            if_match = self.etag_near(source)
            headers.append(("x-amz-copy-source-if-match", quoted(if_match)))
        expected = self.model.copy(source, version, target, if_match)
        answer = self.client.call("PUT", self.bucket, target, headers=headers)
        self.compare(f"COPY {source!r} {version} to {target!r} {headers[1:]}", expected, answer)

    def set_versioning(self) -> None:
        state = self.dice.choice(("Enabled", "Enabled", "Suspended"))
        if state == "Suspended" and not self.model.versioning:
            return
        body = f"<VersioningConfiguration><Status>{state}</Status></VersioningConfiguration>".encode()
        self.model.versioning = state
        self.compare(f"versioning {state}", Expected(200), self.client.call("PUT", self.bucket, query="versioning", body=body))

    def delete_bucket(self) -> None:
        if self.model.is_empty():
            return
        self.compare("DELETE bucket", Expected(409, "BucketNotEmpty"), self.client.call("DELETE", self.bucket))

    def begin(self) -> None:
        key = self.key()
        self.compare(f"begin {key!r}", self.model.begin(key), self.client.call("POST", self.bucket, key, "uploads"))

    def key_of(self, upload_id: str) -> str:
        upload = self.model.uploads.get(upload_id)
        return upload.key if upload else "a"

    def put_part(self) -> None:
        upload_id, number = self.upload_id(), self.dice.choice((1, 2, 3, 10000))
        body = self.body()
        if self.chance(0.01):
            body = self.dice.randbytes(1 << 10) * (MIN_PART >> 10)
        answer = self.client.put_part(self.bucket, self.key_of(upload_id), upload_id, number, body)
        self.compare(f"part {number} of {upload_id[-6:]} {len(body)} B", self.model.put_part(upload_id, number, body), answer)

    def list_parts(self) -> None:
        upload_id = self.upload_id()
        answer = self.client.call("GET", self.bucket, self.key_of(upload_id), f"uploadId={escape_value(upload_id)}")
        parts = [(int(text_of("PartNumber", item)), text_of("ETag", item).strip('"'), int(text_of("Size", item)))
                 for item in all_of("Part", answer.body)]  # fmt: skip
        self.compare(f"parts of {upload_id[-6:]}", self.model.parts(upload_id), answer, parts)

    def list_uploads(self) -> None:
        answer = self.client.call("GET", self.bucket, query="uploads")
        found = sorted((text_of("Key", item), text_of("UploadId", item)) for item in all_of("Upload", answer.body))
        self.compare("uploads", self.model.list_uploads(), answer, found)

    def abort(self) -> None:
        upload_id = self.upload_id()
        key, expected = self.key_of(upload_id), self.model.abort(upload_id)
        self.gone_uploads.append(upload_id)
        self.compare(f"abort {upload_id[-6:]}", expected,
                     self.client.call("DELETE", self.bucket, key, f"uploadId={escape_value(upload_id)}"))  # fmt: skip

    def complete(self) -> None:
        upload_id = self.upload_id()
        upload = self.model.uploads.get(upload_id)
        named = [(number, part[0]) for number, part in sorted(upload.parts.items())] if upload else [(1, "x")]
        if named and self.chance(0.5):
            named = named[-1:]  # the only kind that may be small
        if named and self.chance(0.1):
            named[0] = (named[0][0], "0123456789abcdef0123456789abcdef")
        if self.chance(0.1):
            named.reverse()
        if_none_match = self.chance(0.15)
        key, expected = self.key_of(upload_id), self.model.complete(upload_id, named, if_none_match)
        body = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>&quot;{etag}&quot;</ETag></Part>" for number, etag in named)
        body = f"<CompleteMultipartUpload>{body}</CompleteMultipartUpload>".encode()
        headers = [("If-None-Match", "*")] if if_none_match else []
        answer = self.client.call("POST", self.bucket, key, f"uploadId={escape_value(upload_id)}", headers, body)
        self.compare(f"complete {upload_id[-6:]} {named} {headers}", expected, answer)

    def list(self) -> None:
        prefix = self.dice.choice(("", "", "a", "a/", "dir/", "nothing"))
        delimiter = self.dice.choice(("", "/", "/", "b"))
        start_after = self.dice.choice(("", "", "a", "a/b", "a/b/c", "dir/"))
        max_keys = self.dice.choice((1, 2, 3, 1000))
        query = "&".join((f"delimiter={escape_value(delimiter)}", "encoding-type=url", "list-type=2", f"max-keys={max_keys}",
                          f"prefix={escape_value(prefix)}", f"start-after={escape_value(start_after)}"))  # fmt: skip
        answer = self.client.call("GET", self.bucket, query=query)
        found = [(unquote(text_of("Key", item)), text_of("ETag", item).strip('"'), int(text_of("Size", item)))
                 for item in all_of("Contents", answer.body)]  # fmt: skip
        prefixes = [unquote(text_of("Prefix", item)) for item in all_of("CommonPrefixes", answer.body)]
        content = (found, prefixes, text_of("IsTruncated", answer.body) == "true")
        self.compare(f"list {query}", self.model.list(prefix, delimiter, start_after, max_keys), answer, content)

    def list_versions(self) -> None:
        prefix, delimiter = self.dice.choice(("", "", "a", "a/", "dir/")), self.dice.choice(("", "/"))
        max_keys = self.dice.choice((1, 2, 5, 1000))
        found, prefixes, markers = [], [], ""
        for _ in range(400):
            query = "&".join((f"delimiter={escape_value(delimiter)}", "encoding-type=url", f"max-keys={max_keys}",
                              f"prefix={escape_value(prefix)}", "versions")) + markers  # fmt: skip
            answer = self.client.call("GET", self.bucket, query=query)
            page = re.findall(rb"<(Version|DeleteMarker)>(.*?)</\1>", answer.body, re.DOTALL)
            found += [(unquote(text_of("Key", item)), text_of("VersionId", item), text_of("IsLatest", item) == "true",
                       kind == b"DeleteMarker", text_of("ETag", item).strip('"')) for kind, item in page]  # fmt: skip
            prefixes += [unquote(text_of("Prefix", item)) for item in all_of("CommonPrefixes", answer.body)]
            if answer.status != 200 or text_of("IsTruncated", answer.body) != "true":
                break
            if len(page) + len(all_of("CommonPrefixes", answer.body)) > max_keys:
                raise self.fail("a page is too long", answer)
            markers = f"&key-marker={escape_value(unquote(text_of('NextKeyMarker', answer.body)))}"
            if after := text_of("NextVersionIdMarker", answer.body):
                markers += f"&version-id-marker={escape_value(after)}"
        self.compare(f"versions {query}", self.model.list_versions(prefix, delimiter), answer, (found, prefixes))

    # ---- the end

    def check_all(self) -> None:
        """Every version of every key, and nothing else."""
        for key in KEYS:
            for version in [None, *(found.id for found in self.model.versions.get(key, []) if self.with_versions)]:
                query = f"versionId={version}" if version else ""
                expected = self.model.get(key, version, None, None, None)
                self.compare(f"GET {key!r} {query}", expected, self.client.call("GET", self.bucket, key, query))
        if self.with_versions:
            self.list_versions()

    def tidy(self) -> None:
        for upload in list(self.model.uploads.values()):
            self.client.call("DELETE", self.bucket, upload.key, f"uploadId={escape_value(upload.id)}")
        for key, versions in list(self.model.versions.items()):
            for version in list(versions):
                query = f"versionId={version.id}" if self.with_versions else ""
                expected = self.model.delete(key, version.id if self.with_versions else None)
                self.compare(f"DELETE {key!r} {query}", expected, self.client.call("DELETE", self.bucket, key, query))
        self.compare("DELETE bucket", Expected(204), self.client.call("DELETE", self.bucket))


def unquote(text: str) -> str:
    return urllib.parse.unquote_plus(text)
