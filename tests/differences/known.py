"""The differences that docs/gcs-compatibility.md lists, each with how a step shows it."""

from known_buckets import OF_FAKE, OF_TESTBENCH, bucket_of_fake


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
    "a patch of a generation that is not there fails": lambda w, o, t: (
        w[0] == "patch" and "generation" in w[3] and o["status"] == 404 and t["status"] == 200),
    "metageneration conditions of reads are honoured, and those of downloads": lambda w, o, t: (
        w[0] in ("get", "media") and asks(w, "eneration") and o["status"] in (304, 412) and t["status"] in (200, 206)),
    "conditions of a compose are honoured": lambda w, o, t: w[0] == "compose" and o["status"] == 412 and t["status"] == 200,
    "composed objects keep nothing of what they replace": lambda w, o, t: (
        w[0] == "compose" and "object" in o and "object" in t and o["object"]["cacheControl"] is None and t["object"]["cacheControl"]),
    "a prefix is shown when a name before endOffset is below it": lambda w, o, t: (
        w[0] == "list" and {"endOffset", "delimiter"} <= set(w[1]) and o["items"] == t["items"] and set(o["prefixes"]) < set(t["prefixes"])),
    "a prefix is shown when a name behind startOffset is below it": lambda w, o, t: (
        w[0] == "list" and {"startOffset", "delimiter"} <= set(w[1]) and o["items"] == t["items"]
        and set(o["prefixes"]) > set(t["prefixes"])),
}


def _of_fake(value):
    """Without the settings of buckets that fake-gcs-server takes and forgets."""
    if isinstance(value, list):
        return [_of_fake(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("kind") == "storage#bucket":
        return bucket_of_fake(value)
    return {key: _of_fake(one) for key, one in value.items()}


def _of_testbench(value):
    """Without what storage-testbench leaves out of every answer, or adds to it."""
    if isinstance(value, list):
        return [_of_testbench(one) for one in value]
    if not isinstance(value, dict):
        return value
    out = {key: _of_testbench(one) for key, one in value.items() if key not in ("reason", "storageClass") and not key.startswith(("x_emulator", "x_testbench"))}
    if out.get("kind") == "storage#object":
        out["size"] = out["size"] or "0"
        out["contentType"] = out["contentType"] or "text/plain"
    return out


KNOWN_OF_TESTBENCH = {
    "delete answers 204, not 200": KNOWN["delete answers 204, not 200"],
    "metageneration conditions of a name that is free fail with 412, not 500": lambda w, o, t: (
        w[0] in WRITES and asks(w, "Metageneration") and refused(o) and 500 in (t.get("status"), t.get("end", {}).get("status"))),
    "a session whose condition has failed already does not begin": lambda w, o, t: (
        w[0] == "resumable" and o.get("begin") == 412 and t.get("end", {}).get("status") in (304, 412, 500)),
    "a whole download has no Content-Range, and the object's type": lambda w, o, t: (
        w[0] == "media" and o["status"] == t["status"] in (200, 206) and o["body"] == t["body"]),
    "composed objects have no md5Hash": lambda w, o, t: (
        w[0] == "compose" and "object" in t and o.get("object", {}) | {"md5Hash": 0} == t["object"] | {"md5Hash": 0}),
    "there is no range of an empty object": lambda w, o, t: w[0] == "media" and o["status"] == 416 and t.get("body") == b"",
    "a failed not-match condition of a change is 412, not 304": lambda w, o, t: (
        w[0] in (*WRITES, "delete") and refused(o) and 304 in (t.get("status"), t.get("end", {}).get("status"))),
    "a wrong checksum is 400, not 412": lambda w, o, t: w[0] == "multipart" and (o["status"], t["status"]) == (400, 412),
    "conditions of a compose come before its sources": lambda w, o, t: w[0] == "compose" and (o["status"], t["status"]) == (412, 404),
    "matchGlob is honoured in full": lambda w, o, t: w[0] == "list" and "matchGlob" in w[1],
}
OF = {"fake-gcs-server": OF_FAKE | KNOWN, "storage-testbench": OF_TESTBENCH | KNOWN_OF_TESTBENCH}


def comparable(emulator, value):
    """What of a result can be compared with this emulator's."""
    return _of_testbench(value) if emulator == "storage-testbench" else _of_fake(value)


def known(emulator, what, ours, theirs):
    """The name of the listed difference that this is, or None."""
    return next((name for name, shows in OF[emulator].items() if shows(what, ours, theirs)), None)
