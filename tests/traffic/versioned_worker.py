"""A client of the load in a bucket that keeps versions: besides what is current, every version that was acknowledged stays,
with its bytes, until its removal is."""

import hashlib
import json
import re
from xml.sax.saxutils import unescape

from .s3 import escape_value
from .worker import Worker

MARKER = "marker"  # stands for the bytes of a delete marker


class VersionedWorker(Worker):
    """`kept`: key -> {version id: SHA-256 of the bytes, or MARKER}. A change that was not answered may have made or removed
    one; what is found is then what must be there."""

    def __init__(self, number, victim, token, bucket):
        super().__init__(number, victim, token, bucket, names=["a", "a/b", "c", "d/e", "d/f", "g"], large=False)
        self.kept = {key: {} for key in self.keys}
        self.going = {}  # (key, version id) whose removal was not answered
        self.removed = set()  # version ids whose removal was acknowledged
        self.unsure = set()  # keys with changes that were not answered
        self.actions = [(10, self.put), (5, self.insert), (3, self.put_if_absent), (5, self.delete), (3, self.delete_by_gcs),
                        (2, self.delete_many), (3, self.copy), (2, self.move), (3, self.multipart), (8, self.delete_version),
                        (3, self.read)]  # fmt: skip

    def prepare(self):
        """Turns versioning on."""
        self.connect()
        body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        for answer in (self.s3.make_bucket(self.bucket), self.s3.call("PUT", self.bucket, query="versioning", body=body)):
            assert answer.status == 200, answer.body
        self.disconnect()

    def _judge(self, change, answer, good, learnt=None, gone=()):
        acknowledged = super()._judge(change, answer, good, learnt, gone)
        if not acknowledged:
            return False
        # What the answer tells comes first: the server may go away while it is asked for the rest.
        for key, version in sorted(change.outcome.items(), key=lambda item: item[1] is None):
            if version is not None:
                self._remember(key, answer, version.sha256)
            elif answer.header("x-amz-delete-marker") == "true":
                self._remember(key, answer, MARKER)
            else:
                self._learn_mark(key)
        return True

    def _learn_mark(self, key):
        """Google's deletes and moves set a mark like those of S3, but their answers do not tell its id."""
        self.unsure.add(key)  # should the server go away now
        versions = self.list_versions().get(key, {})
        self.unsure.discard(key)
        newest = max(versions, key=int, default=None)
        if newest and versions[newest]:
            self.kept[key][newest] = MARKER
        else:
            self.unexpected.append(f"{key} was deleted, but the newest of its versions {versions} is no mark")

    def _remember(self, key, answer, content):
        version = answer.header("x-amz-version-id")
        if not version and answer.body.startswith(b"{"):
            resource = json.loads(answer.body)
            version = str(resource.get("resource", resource)["generation"])
        assert version, (key, answer.headers, answer.body)
        self.kept[key][version] = content

    def delete_version(self):
        """For good; of the current one the next comes back, of a marker what it hides."""
        key = self._some_key()
        if key is None or not self.kept[key]:
            return
        version = self.dice.choice(sorted(self.kept[key]))
        content = self.kept[key].pop(version)
        self.going[key, version] = content
        answer = self.s3.call("DELETE", self.bucket, key, f"versionId={version}")
        if answer.status == 204:
            del self.going[key, version]
            self.removed.add(version)
            self.ledger.acknowledged += 1
            self._look_what_is_current(key)
        elif answer.status == 503:
            self._learn_current(key)  # it promises nothing
        else:
            self.unexpected.append(f"DELETE {key} {version}: {answer.status} {answer.body[:300]!r}")

    def delete_many(self):
        key = self._some_key()
        if key is None:
            return
        change = self.ledger.begin(f"DeleteObjects {key}", {key: None})
        answer = self.s3.delete_many(self.bucket, [key])
        if answer.status != 200 or b"<Error>" in answer.body:
            self.unexpected.append(f"DeleteObjects: {answer.status} {answer.body[:500]!r}")
            return
        self.ledger.acknowledge(change)
        self.kept[key][_text(b"DeleteMarkerVersionId", answer.body)] = MARKER

    def _learn_current(self, key):
        """The removal of a version may have changed what is current, back to an older generation."""
        found, wrong = self.find(key)
        self.unexpected += wrong
        self.ledger.known.pop(key, None)
        self.ledger.newest.pop(key, None)
        if found is not None:
            self.ledger.known[key] = found
        return found

    def _look_what_is_current(self, key):
        found = self._learn_current(key)
        newest = max(self.kept[key], key=int, default=None)
        wanted = None if newest is None or self.kept[key][newest] == MARKER else self.kept[key][newest]
        if (found and found.sha256) != wanted:
            self.unexpected.append(f"{key}: after the removal of a version {found and found.describe()} is current, not {wanted}")

    # ---- looking after a restart

    def settle(self, everything=False):
        # Kept until the look is complete: the server may go away in the middle of it.
        self.unsure |= {key for key, _ in self.going} | self.ledger.undecided()
        for key, _ in self.going:
            self._learn_current(key)
        wrong = super().settle(everything) + self.check_versions(self.unsure)
        self.going.clear()
        self.unsure.clear()
        return wrong

    def check_versions(self, undecided):
        listed = self.list_versions()
        wrong = []
        for key in self.keys:
            there = listed.pop(key, {})
            for version, content in self.kept[key].items():
                if there.get(version) != (content == MARKER):
                    wrong.append(f"{key}: version {version} is gone (it was {content})")
                elif content != MARKER:
                    wrong += self._check_bytes(key, version, content)
            for version in there.keys() - self.kept[key].keys():
                if version in self.removed:
                    wrong.append(f"{key}: version {version} was removed, which was acknowledged, and is back")
                elif key not in undecided:
                    wrong.append(f"{key}: version {version} was never acknowledged")
                is_marker = there[version]
                self.kept[key][version] = MARKER if is_marker else self._content(key, version)
            gone = [version for version in self.kept[key] if version not in there]
            for version in gone:
                del self.kept[key][version]
        return wrong + [f"{key}: a key that nobody wrote has versions" for key in listed]

    def _content(self, key, version):
        answer = self.s3.call("GET", self.bucket, key, f"versionId={version}")
        return hashlib.sha256(answer.body).hexdigest() if answer.status == 200 else f"status {answer.status}"

    def _check_bytes(self, key, version, content):
        found = self._content(key, version)
        return [] if found == content else [f"{key}: version {version} has other bytes: {found}, not {content}"]

    def list_versions(self):
        """key -> {version id: is it a marker}"""
        found, markers = {}, ""
        while True:
            query = f"prefix={escape_value(self.prefix)}&versions{markers}"
            answer = self.s3.call("GET", self.bucket, query=query)
            if answer.status != 200:
                raise RuntimeError(f"listing versions: {answer.status} {answer.body[:300]}")
            for kind, item in re.findall(rb"<(Version|DeleteMarker)>(.*?)</\1>", answer.body, re.DOTALL):
                found.setdefault(_text(b"Key", item), {})[_text(b"VersionId", item)] = kind == b"DeleteMarker"
            if _text(b"IsTruncated", answer.body) != "true":
                return found
            markers = f"&key-marker={escape_value(_text(b'NextKeyMarker', answer.body))}"
            if after := _text(b"NextVersionIdMarker", answer.body):
                markers += f"&version-id-marker={escape_value(after)}"


def _text(tag, document):
    found = re.search(rb"<%s>(.*?)</%s>" % (tag, tag), document, re.DOTALL)
    return unescape(found.group(1).decode(), {"&quot;": '"', "&#34;": '"'}) if found else ""
