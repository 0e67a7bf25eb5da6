"""Every field of the Bucket and Object resources of Google's JSON API: what is sent is kept and shown, or computed whatever is sent,
or refused."""

import base64
import hashlib
import json

import pytest
from test_gcs_json_api import JSON, WEEK, api, world  # noqa: F401

from json_api import BUCKET_FIELDS, OBJECT_FIELDS

LATER = "2099-01-01T00:00:00Z"
OFF = {"enabled": False}
DAY = {"action": {"type": "Delete"}, "condition": {"age": 0, "matchesPrefix": ["tmp/"], "sizeAboveBytes": "10", "sizeBelowBytes": "99"}}
ALL_CONDITIONS = {
    "age": 3, "createdBefore": "2026-01-02", "customTimeBefore": "2026-01-03", "daysSinceCustomTime": 4, "isLive": True,
    "matchesPrefix": ["a"], "matchesStorageClass": ["STANDARD"], "matchesSuffix": ["z"],
}  # fmt: skip
GONE = {"daysSinceNoncurrentTime": 1, "noncurrentTimeBefore": "2026-01-04", "numNewerVersions": 2}
RULES = [
    DAY,
    {"action": {"type": "SetStorageClass", "storageClass": "NEARLINE"}, "condition": ALL_CONDITIONS},
    {"action": {"type": "Delete"}, "condition": GONE},
    {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 1}},
]
KEPT_OF_BUCKETS = {
    "billing": {"requesterPays": True},
    "cors": [{"maxAgeSeconds": 10, "method": ["GET"], "origin": ["https://a"], "responseHeader": ["X-A"]}],
    "defaultEventBasedHold": True,
    "iamConfiguration": {"publicAccessPrevention": "enforced", "uniformBucketLevelAccess": {"enabled": True}},
    "ipFilter": {"mode": "Disabled", "allowAllServiceAgentAccess": False, "allowCrossOrgVpcs": False,
                 "publicNetworkSource": {"allowedIpCidrRanges": []}, "vpcNetworkSources": []},
    "labels": {"team": "lake"},
    "lifecycle": {"rule": RULES},
    "retentionPolicy": {"retentionPeriod": "60"},
    "rpo": "DEFAULT",
    "softDeletePolicy": WEEK,
    "storageClass": "NEARLINE",
    "versioning": {"enabled": True},
    "website": {"mainPageSuffix": "index.html", "notFoundPage": "404.html"},
    "autoclass": {"enabled": True, "terminalStorageClass": "ARCHIVE"},
    "logging": {"logBucket": "BUCKET", "logObjectPrefix": "logs/"},
}  # fmt: skip
# Set when a bucket is made, and for good.
BORN_WITH = {
    "hierarchicalNamespace": {"enabled": True}, "customPlacementConfig": {"dataLocations": ["US-EAST1", "US-WEST1"]}, "location": "EU",
}  # fmt: skip
REFUSED_OF_BUCKETS = {
    "ipFilter": {"mode": "Enabled"}, "softDeletePolicy": WEEK | {"hardDeletePause": {"enabled": True}},
    "lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"matchesPattern": ".*"}}]},
}  # fmt: skip
# In tests of their own below.
LISTS = {"acl", "defaultObjectAcl", "encryption", "objectRetention", "softDeleteTime", "hardDeleteTime", "owner"}
COMPUTED_OF_BUCKETS = {
    "etag": "x", "generation": "7", "id": "x", "kind": "x", "locationType": "zone", "metageneration": "77", "projectNumber": "9",
    "selfLink": "http://x", "timeCreated": LATER, "updated": LATER, "name": "another",
}  # fmt: skip
NEVER = {"satisfiesPZI", "satisfiesPZS"}


def test_every_field_of_buckets_is_here():
    here = set(KEPT_OF_BUCKETS) | set(BORN_WITH) | LISTS | set(COMPUTED_OF_BUCKETS) | NEVER
    assert here == set(BUCKET_FIELDS)


def within(part, whole):
    """What was sent is there; the server may tell more."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and within(value, whole[key]) for key, value in part.items())
    if isinstance(part, list):
        return len(part) == len(whole) and all(map(within, part, whole))
    return part == whole


@pytest.mark.parametrize("field", KEPT_OF_BUCKETS)
def test_what_is_set_on_a_bucket_is_kept_and_shown(world, field):  # noqa: F811
    value = json.loads(json.dumps(KEPT_OF_BUCKETS[field]).replace("BUCKET", world["empty"]))
    made = world.make("made", **{field: value})
    assert within(value, world.send("GET", f"b/{made}")[field])
    before = world.send("GET", f"b/{world['empty']}")
    shown = world.send("PATCH", f"b/{world['empty']}", json.dumps({field: value}))
    assert within(value, shown[field]) and within(value, world.send("GET", f"b/{world['empty']}")[field])
    assert int(shown["metageneration"]) == int(before["metageneration"]) + 1
    assert shown["updated"] > before["updated"] and shown["timeCreated"] == before["timeCreated"]


@pytest.mark.parametrize("field", BORN_WITH)
def test_what_a_bucket_is_made_with(world, field):  # noqa: F811
    assert within(BORN_WITH[field], world.send("GET", f"b/{world.make('made', **{field: BORN_WITH[field]})}")[field])


@pytest.mark.parametrize("field", REFUSED_OF_BUCKETS)
def test_what_a_bucket_cannot_have_is_refused(world, field):  # noqa: F811
    answer = world.gcs.call("PATCH", f"/storage/v1/b/{world['empty']}", json.dumps({field: REFUSED_OF_BUCKETS[field]}).encode(), JSON)
    assert answer.status in (400, 501) and b"not offered" in answer.body, answer.body


@pytest.mark.parametrize("field", COMPUTED_OF_BUCKETS)
def test_what_is_computed_of_a_bucket_is_not_the_client_s(world, field):  # noqa: F811
    target = f"b/{world['empty']}"
    before = world.send("GET", target)
    shown = world.send("PATCH", target, json.dumps({field: COMPUTED_OF_BUCKETS[field]}))
    assert shown[field] and shown[field] != COMPUTED_OF_BUCKETS[field]
    if field not in ("etag", "metageneration", "updated"):
        assert shown[field] == before[field]
    assert not NEVER & set(shown)


def test_lists_and_owners_of_buckets(world):  # noqa: F811
    shown = world.send("GET", f"b/{world['lists']}?projection=full")
    assert shown["owner"]["entity"].startswith("user-root")
    for field in ("acl", "defaultObjectAcl"):
        assert {"allUsers"} <= {one["entity"] for one in shown[field]}
        assert field not in world.send("GET", f"b/{world['lists']}?projection=noAcl")
        uniform = world.gcs.call("PATCH", f"/storage/v1/b/{world['folders']}",
                                 json.dumps({field: [{"entity": "allUsers", "role": "READER"}]}).encode(), JSON)  # fmt: skip
        assert uniform.status == 400, field
    retained = world.send("POST", "b?enableObjectRetention=true", json.dumps({"name": f"{world.name}-made"}))
    assert retained["objectRetention"] == {"mode": "Enabled"}
    lost = world.send("GET", f"b/{world['lost']}?softDeleted=true&generation={world['lost_generation']}")
    assert lost["softDeleteTime"] < lost["hardDeleteTime"]


def test_methods_of_encryption_that_a_bucket_refuses(world):  # noqa: F811
    names = ["customerManagedEncryption", "customerSuppliedEncryption", "googleManagedEncryption"]
    value = {f"{name}EnforcementConfig": {"restrictionMode": "FullyRestricted"} for name in names[:2]}
    shown = world.send("PATCH", f"b/{world['empty']}", json.dumps({"encryption": value}))["encryption"]
    assert within(value, shown) and all(shown[f"{name}EnforcementConfig"]["effectiveTime"] for name in names[:2])
    answer = world.gcs.call("PATCH", f"/storage/v1/b/{world['empty']}", b'{"encryption":{"defaultKmsKeyName":"no-such-key"}}', JSON)
    assert answer.status == 400, answer.body


def md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


KEPT_OF_OBJECTS = {
    "cacheControl": "no-store", "contentDisposition": "inline", "contentEncoding": "br", "contentLanguage": "de",
    "contentType": "text/x", "contexts": {"custom": {"a": {"value": "b"}}}, "customTime": "2026-01-01T00:00:00Z", "metadata": {"a": "b"},
    "storageClass": "NEARLINE", "eventBasedHold": True, "temporaryHold": True,
}  # fmt: skip
COMPUTED_OF_OBJECTS = {
    "bucket": "other", "etag": "x", "generation": "7", "id": "x", "kind": "x", "mediaLink": "http://x", "metageneration": "77",
    "selfLink": "http://x", "size": "99", "timeCreated": LATER, "timeFinalized": LATER, "timeStorageClassUpdated": LATER,
    "updated": LATER,
}  # fmt: skip
CHECKED = {"crc32c", "md5Hash"}
SPECIAL = {"acl", "owner", "retention", "retentionExpirationTime", "kmsKeyName", "customerEncryption", "softDeleteTime", "hardDeleteTime",
           "restoreToken", "timeDeleted", "componentCount", "name"}  # fmt: skip


def test_every_field_of_objects_is_here():
    assert set(KEPT_OF_OBJECTS) | set(COMPUTED_OF_OBJECTS) | CHECKED | SPECIAL == set(OBJECT_FIELDS)


@pytest.mark.parametrize("field", KEPT_OF_OBJECTS)
def test_what_is_set_on_an_object_is_kept_and_shown(world, field):  # noqa: F811
    value = KEPT_OF_OBJECTS[field]
    bucket = world["empty"]
    assert within(value, world.put(bucket, "a", **{field: value})[field])
    assert within(value, world.send("GET", f"b/{bucket}/o/a")[field])
    world.put(bucket, "b")
    assert within(value, world.send("PATCH", f"b/{bucket}/o/b", json.dumps({field: value}))[field])
    body = json.dumps({field: value})
    assert within(value, world.send("POST", f"b/{bucket}/o/b/rewriteTo/b/{bucket}/o/c", body)["resource"][field])
    composed = json.dumps({"sourceObjects": [{"name": "b"}], "destination": {field: value}})
    assert within(value, world.send("POST", f"b/{bucket}/o/d/compose", composed)[field])


@pytest.mark.parametrize("field", COMPUTED_OF_OBJECTS)
def test_what_is_computed_of_an_object_is_not_the_client_s(world, field):  # noqa: F811
    for shown in (world.put(world["empty"], "a", **{field: COMPUTED_OF_OBJECTS[field]}),
                  world.send("PATCH", f"b/{world['empty']}/o/a", json.dumps({field: COMPUTED_OF_OBJECTS[field]}))):  # fmt: skip
        assert shown[field] and shown[field] != COMPUTED_OF_OBJECTS[field]


@pytest.mark.parametrize(("field", "right"), [("md5Hash", md5(b"")), ("crc32c", "AAAAAA==")])
def test_checksums_are_compared(world, field, right):  # noqa: F811
    assert world.put(world["empty"], "a", **{field: right})[field] == right
    wrong = {"md5Hash": md5(b"x"), "crc32c": "AAAAAQ=="}[field]
    answer = world.gcs.call("POST", f"/storage/v1/b/{world['empty']}/o", json.dumps({"name": "a", field: wrong}).encode(), JSON)
    assert answer.status == 400, answer.body


@pytest.mark.parametrize("way", ["insert", "multipart", "resumable", "copy", "rewrite", "compose"])
def test_the_list_of_a_new_object(world, way):  # noqa: F811
    bucket, acl = world["lists"], [{"entity": "allAuthenticatedUsers", "role": "READER"}]
    resource = json.dumps({"name": "new", "acl": acl})
    uploads = f"/upload/storage/v1/b/{bucket}/o?uploadType="
    if way == "insert":
        world.send("POST", f"b/{bucket}/o", resource)
    elif way == "multipart":
        body = f"--b\r\nContent-Type: application/json\r\n\r\n{resource}\r\n--b\r\nContent-Type: text/x\r\n\r\nx\r\n--b--\r\n"
        answer = world.gcs.call("POST", uploads + "multipart", body.encode(), [("Content-Type", "multipart/related; boundary=b")])
        assert answer.status == 200
    elif way == "resumable":
        session = world.gcs.call("POST", uploads + "resumable", resource.encode(), JSON).header("location")
        assert world.gcs.call("PUT", "/" + session.split("/", 3)[3], b"x").status == 200
    elif way == "compose":
        world.send("POST", f"b/{bucket}/o/new/compose", json.dumps({"sourceObjects": [{"name": "k"}], "destination": {"acl": acl}}))
    else:
        world.send("POST", f"b/{bucket}/o/k/{way}To/b/{bucket}/o/new", json.dumps({"acl": acl}))
    shown = world.send("GET", f"b/{bucket}/o/new?projection=full")
    assert sorted(one["entity"].partition("@")[0] for one in shown["acl"]) == ["allAuthenticatedUsers", "user-root"]
    assert shown["owner"]["entity"].startswith("user-root")
    refused = world.gcs.call("POST", f"/storage/v1/b/{world['folders']}/o", resource.encode(), JSON)
    assert refused.status == 400 and b"uniform bucket-level access" in refused.body


def test_fields_that_come_and_go(world):  # noqa: F811
    bucket = world.make("made", versioning={"enabled": True}, retentionPolicy={"retentionPeriod": "1"})
    first = world.put(bucket, "a")
    assert first["retentionExpirationTime"] > first["timeCreated"] and "timeDeleted" not in first and "componentCount" not in first
    world.put(bucket, "a")
    assert world.send("GET", f"b/{bucket}/o/a?generation={first['generation']}")["timeDeleted"]
    gone = world.fill("{lists}") and world.send("GET", f"b/{world['lists']}/o?softDeleted=true")["items"][0]
    assert gone["softDeleteTime"] < gone["hardDeleteTime"] and gone["restoreToken"]
    retained = f"{world.name}-retained"
    world.send("POST", "b?enableObjectRetention=true", json.dumps({"name": retained}))
    retention = {"mode": "Unlocked", "retainUntilTime": LATER}
    assert world.put(retained, "a", retention=retention)["retention"]["mode"] == "Unlocked"
    refused = world.gcs.call("POST", f"/storage/v1/b/{bucket}/o?kmsKeyName=no-such-key", b'{"name":"b"}', JSON)
    assert refused.status == 400
