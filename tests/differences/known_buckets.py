"""The listed differences of buckets and access (docs/gcs-compatibility.md), each with how a step shows it.

`w` is what was asked, `o` our result, `t` theirs; see known.py.
"""

NO_NAMES = ("google-x", "goog1e", "x" * 64, "a..b", "192.168.0.1")
CHANGES = ("bucket insert", "bucket patch", "bucket update", "bucket delete", "lock")
SHOWING = ("bucket insert", "bucket get", "bucket patch", "bucket update", "lock")
# What fake-gcs-server has of a bucket; all other settings it takes and forgets.
KEPT_BY_FAKE = ("kind", "name", "versioning", "hold")


def asked(w, name):
    return any(name in key for part in w if isinstance(part, dict) for key in part)


def bucket_of_fake(bucket):
    return {key: value for key, value in bucket.items() if key in KEPT_BY_FAKE}


def without(bucket, *keys):
    return {key: value for key, value in (bucket or {}).items() if key not in keys}


def all_items_alike(o, t):
    ours, theirs = ([without(item, "acl", "defaultObjectAcl") for item in side.get("items", [])] for side in (o, t))
    return ours == sorted(theirs, key=lambda item: item["name"])


OF_FAKE = {
    "conditions of buckets are honoured": lambda w, o, t: (
        w[0].startswith("bucket") and asked(w, "etageneration") and o.get("status") in (304, 412) and t.get("status") in (200, 204)),
    "a bucket is deleted with 204, not 200": lambda w, o, t: w[0] == "bucket delete" and (o.get("status"), t.get("status")) == (204, 200),
    "a bucket that is not empty is a conflict, not a failed condition": lambda w, o, t: (
        w[0] == "bucket delete" and (o.get("status"), t.get("status")) == (409, 412)),
    "a patch leaves what it does not name": lambda w, o, t: (
        w[0] == "bucket patch" and o.get("status") == t.get("status") == 200
        and without(o["bucket"], "hold", "versioning") == without(t["bucket"], "hold", "versioning")
        and not {"defaultEventBasedHold", "versioning"} <= set(w[2])),
    "values that cannot be are refused": lambda w, o, t: (
        w[0] in ("bucket insert", "bucket patch") and o.get("status") == 400 and t.get("status") in (200, 404, 409) and w[1] not in NO_NAMES
        and (w[0] == "bucket patch" or asked(w, "predefinedAcl") or _wrong(w))),
    "names that look like addresses, or like Google's, are refused": lambda w, o, t: (
        w[0] == "bucket insert" and o.get("status") == 400 and t.get("status") in (200, 409) and w[1] in NO_NAMES),
    "lists of an object name their kind": lambda w, o, t: (
        w[0] == "object acl list" and o.get("status") == t.get("status") == 200 and o["grants"] == t["grants"] and t["kind"] is None),
    "public access that is prevented cannot be given": lambda w, o, t: (
        w[0] in ("bucket insert", "bucket patch") and o.get("status") == 412 and asked(w, "predefinedAcl") and t.get("status") in (200, 404, 409)),
    "what is retained or held is not replaced": lambda w, o, t: w[0] in ("insert", "delete") and (o.get("status"), t.get("status")) == (403, 200),
    "a predefined list that is none is refused": lambda w, o, t: (
        w[0] == "insert" and asked(w, "predefinedAcl") and (o.get("status"), t.get("status")) == (400, 200)),
    "a wrong role is refused": lambda w, o, t: " acl " in w[0] and w[3] in ("NONSENSE", "WRITER") and (o.get("status"), t.get("status")) == (400, 200),
    "an entry of a list that is not there cannot be removed": lambda w, o, t: (
        w[0] in ("bucket acl delete", "object acl delete") and (o.get("status"), t.get("status")) == (404, 200)),
    "an entry of a list is removed with 204, not 200": lambda w, o, t: (
        w[0].endswith("acl delete") and (o.get("status"), t.get("status")) == (204, 200)),
    "reasons are told": lambda w, o, t: (
        w[0].startswith(("bucket", "object acl")) and o.get("status") == t.get("status") and t["status"] >= 400 and o.get("reason") and t.get("reason") in (None, "required")),
}  # fmt: skip


def _wrong(w):
    return any(key in w[2] for key in ("storageClass", "softDeletePolicy", "lifecycle", "autoclass", "website"))


OF_TESTBENCH = {
    "a bucket is deleted with 204, not 200": OF_FAKE["a bucket is deleted with 204, not 200"],
    "lists are not shown where uniform access is on": lambda w, o, t: (
        w[0] in SHOWING and "bucket" in o and "bucket" in t and (o["bucket"].get("uniform"), o["bucket"].get("acl")) == (True, None)
        and without(o["bucket"], "acl", "defaultObjectAcl") == without(t["bucket"], "acl", "defaultObjectAcl")),
    "a failed not-match condition of a bucket's change is 412, not 304": lambda w, o, t: (
        w[0] in CHANGES and (o.get("status"), t.get("status")) == (412, 304)),
    "a bucket that is not empty is a conflict": lambda w, o, t: w[0] == "bucket delete" and (o.get("status"), t.get("status")) == (409, 400),
    "lists of buckets have pages, an order and no access lists": lambda w, o, t: (
        w[0] == "bucket list" and o.get("status") == t.get("status") == 200 and all_items_alike(o, t)),
    "names that look like addresses, or have an empty part, are refused": lambda w, o, t: (
        w[0] == "bucket insert" and o.get("status") == 400 and t.get("status") in (200, 409) and w[1] in NO_NAMES[-2:]),
    "values are looked at before whether the bucket is there": lambda w, o, t: (
        w[0] in (*CHANGES, "notification insert") and o.get("status") == 400 and t.get("status") in (404, 409, 412, 304)),
    "values that cannot be are refused": lambda w, o, t: (
        w[0] in CHANGES and (o.get("status"), t.get("status")) == (400, 200) and ("NONSENSE" in str(w[2]) or asked(w, "predefinedAcl"))),
    "public access that is prevented cannot be given": lambda w, o, t: (
        w[0] == "bucket insert" and o.get("status") == 412 and asked(w, "predefinedAcl") and t.get("status") in (200, 409)),
    "what is not retained cannot be locked, nor without naming what is locked": lambda w, o, t: (
        w[0] == "lock" and o.get("status") == 400 and t.get("status") in (200, 404)),
    "an update shows what it does not name as it is": lambda w, o, t: (
        w[0] == "bucket update" and o.get("status") == t.get("status") == 200
        and without(o["bucket"], "rpo", "prevention", "uniform", "softDelete", "versioning")
        == without(t["bucket"], "rpo", "prevention", "uniform", "softDelete", "versioning")),
    "entries of the default list name no bucket": lambda w, o, t: (
        w[0].startswith("default acl") and o.get("status") == t.get("status") == 200 and without(o, "bucket") == without(t, "bucket")),
    "an entry of a list is removed with 204, not 200": OF_FAKE["an entry of a list is removed with 204, not 200"],
    "a predefined list that is none is refused": OF_FAKE["a predefined list that is none is refused"],
    "an entry that is not there cannot be patched": lambda w, o, t: (
        w[0].endswith("acl patch") and (o.get("status"), t.get("status")) == (404, 200)),
}  # fmt: skip
