"""Buckets in the XML API: made, removed, their settings, which are those of the JSON API; what it does not have is refused by name."""

import json
import xml.etree.ElementTree as ElementTree

import pytest
from test_gcs_json_api import api, world  # noqa: F401

# sub-resource, a document, the member that it sets, how that is shown, the document that takes it away
SETTINGS = [
    ("billing", "<BillingConfiguration><RequesterPays>Enabled</RequesterPays></BillingConfiguration>", "billing", {"requesterPays": True},
     "<BillingConfiguration><RequesterPays>Disabled</RequesterPays></BillingConfiguration>"),
    ("cors", "<CorsConfig><Cors><Origins><Origin>https://a&amp;b</Origin></Origins><Methods><Method>GET</Method><Method>PUT</Method></Methods>"
     "<ResponseHeaders><ResponseHeader>X-A</ResponseHeader></ResponseHeaders><MaxAgeSec>7</MaxAgeSec></Cors></CorsConfig>", "cors",
     [{"origin": ["https://a&b"], "method": ["GET", "PUT"], "responseHeader": ["X-A"], "maxAgeSeconds": 7}], "<CorsConfig></CorsConfig>"),
    ("lifecycle", "<LifecycleConfiguration><Rule><Action><Delete/></Action><Condition><Age>0</Age><MatchesPrefix>a/</MatchesPrefix>"
     "<MatchesPrefix>b/</MatchesPrefix></Condition></Rule><Rule><Action><SetStorageClass>NEARLINE</SetStorageClass></Action><Condition><Age>30</Age>"
     "<IsLive>true</IsLive></Condition></Rule></LifecycleConfiguration>", "lifecycle",
     {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 0, "matchesPrefix": ["a/", "b/"]}},
               {"action": {"type": "SetStorageClass", "storageClass": "NEARLINE"}, "condition": {"age": 30, "isLive": True}}]},
     "<LifecycleConfiguration></LifecycleConfiguration>"),
    ("logging", "<Logging><LogBucket>BUCKET</LogBucket><LogObjectPrefix>logs/</LogObjectPrefix></Logging>", "logging",
     {"logBucket": "BUCKET", "logObjectPrefix": "logs/"}, "<Logging></Logging>"),
    ("tagging", "<Tagging><TagSet><Tag><Key>team</Key><Value>lake</Value></Tag></TagSet></Tagging>", "labels", {"team": "lake"},
     "<Tagging><TagSet></TagSet></Tagging>"),
    ("website", "<WebsiteConfiguration><MainPageSuffix>index.html</MainPageSuffix><NotFoundPage>404.html</NotFoundPage></WebsiteConfiguration>",
     "website", {"mainPageSuffix": "index.html", "notFoundPage": "404.html"}, "<WebsiteConfiguration></WebsiteConfiguration>"),
]  # fmt: skip


def shape(text):
    """A document without what blanks and headers say."""
    def of(node):
        return node.tag, (node.text or "").strip(), [of(child) for child in node]

    return of(ElementTree.fromstring(text))


@pytest.mark.parametrize(("name", "document", "member", "value", "none"), SETTINGS, ids=[one[0] for one in SETTINGS])
def test_a_setting_reads_back_through_both_apis(world, name, document, member, value, none):  # noqa: F811
    bucket = world["empty"]
    document = document.replace("BUCKET", bucket)
    before = world.send("GET", f"b/{bucket}")
    assert member not in before
    answer = world.gcs.call("PUT", f"/{bucket}?{name}", document.encode())
    assert (answer.status, answer.body) == (200, b"")
    after = world.send("GET", f"b/{bucket}")
    assert after[member] == json.loads(json.dumps(value).replace("BUCKET", bucket))
    assert int(after["metageneration"]) == int(before["metageneration"]) + 1
    shown = world.gcs.call("GET", f"/{bucket}?{name}")
    assert shown.status == 200 and shape(shown.body) == shape(document)
    assert world.gcs.call("PUT", f"/{bucket}?{name}", none.encode()).status == 200
    assert member not in world.send("GET", f"b/{bucket}")


SCOPES = [  # entity and role, as a document has them
    ("allUsers", "READER", "<Scope type='AllUsers'/>", "READ"),
    ("allAuthenticatedUsers", "READER", "<Scope type='AllAuthenticatedUsers'/>", "READ"),
]  # fmt: skip


def entries(text):
    """Of a list in XML: scope, who, permission."""
    found = []
    for entry in ElementTree.fromstring(text).find("Entries"):
        scope = entry.find("Scope")
        found.append((scope.get("type"), "".join(child.text for child in scope), entry.find("Permission").text))
    return found


@pytest.mark.parametrize("place", ["?acl", "?defaultObjectAcl", "/a?acl"])
def test_lists_of_access_are_those_of_the_json_api(world, place):  # noqa: F811
    bucket = f"{world.name}-lists-{place.strip('?/a').replace('?', '').lower() or 'own'}-{'o' if place.startswith('/') else 'b'}"
    world.send("POST", "b", json.dumps({"name": bucket, "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": False}}}))
    world.put(bucket, "a")
    lines = f"b/{bucket}/" + {"?acl": "acl", "?defaultObjectAcl": "defaultObjectAcl", "/a?acl": "o/a/acl"}[place]
    before = world.send("GET", lines)["items"]
    shown = world.gcs.call("GET", f"/{bucket}{place}")
    assert shown.status == 200 and len(entries(shown.body)) == len(before)
    asked = "".join(f"<Entry>{scope}<Permission>{word}</Permission></Entry>" for _, _, scope, word in SCOPES)
    document = f"<AccessControlList><Owner><ID>nobody</ID></Owner><Entries>{asked}</Entries></AccessControlList>"
    answer = world.gcs.call("PUT", f"/{bucket}{place}", document.encode())
    assert (answer.status, answer.body) == (200, b""), answer.body
    after = [(one["entity"], one["role"]) for one in world.send("GET", lines)["items"]]
    assert {(entity, role) for entity, role, _, _ in SCOPES} <= set(after)
    # What is shown is understood, and changes nothing.
    shown = world.gcs.call("GET", f"/{bucket}{place}").body
    assert ("AllUsers", "", "READ") in entries(shown)
    assert world.gcs.call("PUT", f"/{bucket}{place}", shown).status == 200
    assert [(one["entity"], one["role"]) for one in world.send("GET", lines)["items"]] == after
    assert world.gcs.call("PUT", f"/{bucket}{place}", b"", [("x-goog-acl", "private")]).status == 200
    assert "allUsers" not in [one["entity"] for one in world.send("GET", lines)["items"]]
    for wrong in (b"", b"<AccessControlList>", document.replace("READ", "EAT").encode(), document.replace("AllUsers", "Everyone").encode(),
                  b"<AccessControlList><Entries><Entry><Scope type='UserByEmail'/><Permission>READ</Permission></Entry></Entries></AccessControlList>"):  # fmt: skip
        assert world.gcs.call("PUT", f"/{bucket}{place}", wrong).status == 400, wrong
    assert world.gcs.call("DELETE", f"/{bucket}{place}").status == 405
    assert "allUsers" not in [one["entity"] for one in world.send("GET", lines)["items"]]


def test_lists_of_access_where_access_is_uniform(world):  # noqa: F811
    bucket = world["empty"]
    assert world.gcs.call("GET", f"/{bucket}?acl").status == 400
    assert world.gcs.call("PUT", f"/{bucket}?acl", b"<AccessControlList><Entries/></AccessControlList>").status == 400


def test_versions_classes_and_locations(world):  # noqa: F811
    bucket = f"{world.name}-made"
    made = "<CreateBucketConfiguration><LocationConstraint>EU</LocationConstraint><StorageClass>NEARLINE</StorageClass></CreateBucketConfiguration>"
    assert world.gcs.call("PUT", f"/{bucket}", made.encode()).status == 200
    assert world.gcs.call("PUT", f"/{bucket}").status == 409
    world.put(bucket, "a")
    assert world.gcs.call("DELETE", f"/{bucket}").status == 409
    world.send("DELETE", f"b/{bucket}/o/a")
    assert shape(world.gcs.call("GET", f"/{bucket}?location").body) == ("LocationConstraint", "EU", [])
    assert shape(world.gcs.call("GET", f"/{bucket}?storageClass").body) == ("StorageClass", "NEARLINE", [])
    assert world.gcs.call("PUT", f"/{bucket}?location", b"<LocationConstraint>US</LocationConstraint>").status == 405
    assert world.gcs.call("PUT", f"/{bucket}?storageClass", b"<StorageClass>ARCHIVE</StorageClass>").status == 200
    assert world.send("GET", f"b/{bucket}")["storageClass"] == "ARCHIVE"
    assert shape(world.gcs.call("GET", f"/{bucket}?versioning").body) == ("VersioningConfiguration", "", [])
    for status, on in (("Enabled", True), ("Suspended", False)):
        document = f"<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>"
        assert world.gcs.call("PUT", f"/{bucket}?versioning", document.encode()).status == 200
        assert world.send("GET", f"b/{bucket}")["versioning"] == {"enabled": on}
        assert shape(world.gcs.call("GET", f"/{bucket}?versioning").body) == shape(document)
    assert world.gcs.call("DELETE", f"/{bucket}").status == 204
    assert world.gcs.call("HEAD", f"/{bucket}").status == 404


@pytest.mark.parametrize("target", [
    "?versions", "?policy", "/k?tagging", "/k?retention", "/k?legal-hold",
])  # fmt: skip
def test_what_is_not_offered_is_refused_by_name(world, target):  # noqa: F811
    answer = world.gcs.call("GET", f"/{world['empty']}{target}")
    assert answer.status == 501 and f"?{target.partition('?')[2]} is not offered".encode() in answer.body


@pytest.mark.parametrize(("name", "document"), [
    ("cors", "<CorsConfig>"), ("cors", "<Other/>"), ("cors", "<CorsConfig><Cors><MaxAgeSec>x</MaxAgeSec></Cors></CorsConfig>"),
    ("billing", "<BillingConfiguration/>"), ("versioning", "<VersioningConfiguration><Status>Maybe</Status></VersioningConfiguration>"),
    ("storageClass", "<StorageClass>HOT</StorageClass>"), ("storageClass", "<StorageClass/>"), ("logging", ""),
    ("tagging", "<Tagging>" + "<TagSet>" * 50 + "</TagSet>" * 50 + "</Tagging>"),
])  # fmt: skip
def test_documents_that_say_nothing_change_nothing(world, name, document):  # noqa: F811
    bucket = world["empty"]
    before = world.send("GET", f"b/{bucket}")
    answer = world.gcs.call("PUT", f"/{bucket}?{name}", document.encode())
    assert answer.status == 400 and answer.body.startswith(b"<?xml"), answer.body
    assert world.send("GET", f"b/{bucket}") == before


@pytest.mark.parametrize(("bounds", "size", "status", "code"), [
    ("0,5", 5, 200, ""), ("0,5", 6, 400, "EntityTooLarge"), ("3,5", 2, 400, "EntityTooSmall"), ("5,3", 4, 400, "InvalidArgument"),
    ("x", 4, 400, "InvalidArgument"),
])  # fmt: skip
def test_the_bounds_of_an_upload_s_size(world, bounds, size, status, code):  # noqa: F811
    bucket, headers = world["empty"], [("x-goog-content-length-range", bounds)]
    at_once = world.gcs.call("PUT", f"/{bucket}/a", b"x" * size, headers)
    assert at_once.status == status and f"<Code>{code}</Code>" * bool(code) in at_once.body.decode()
    assert world.gcs.call("GET", f"/storage/v1/b/{bucket}/o/a").status == (200 if status == 200 else 404)
    begun = world.gcs.call("POST", f"/{bucket}/b", b"", [*headers, ("x-goog-resumable", "start")])
    if code == "InvalidArgument":
        assert begun.status == 400
        return
    session = "/" + begun.header("location").split("/", 3)[3]
    assert world.gcs.call("PUT", session, b"x" * size).status == status
    unknown = "/" + world.gcs.call("POST", f"/{bucket}/c", b"", [*headers, ("x-goog-resumable", "start")]).header("location").split("/", 3)[3]
    assert world.gcs.call("PUT", unknown, b"x" * size, [("Content-Range", f"bytes 0-{size - 1}/*")]).status == 308
    assert world.gcs.call("PUT", unknown, b"", [("Content-Range", f"bytes */{size}")]).status == status


def begin(world, name, **headers):  # noqa: F811
    sent = [("X-Goog-Upload-Protocol", "resumable"), ("X-Goog-Upload-Command", "start"), ("X-Goog-Upload-Header-Content-Type", "text/x"),
            *headers.items()]  # fmt: skip
    answer = world.gcs.call("POST", f"/upload/storage/v1/b/{world['empty']}/o?name={name}", b"{}", sent)
    assert answer.status == 200 and answer.header("X-Goog-Upload-Status") == "active", answer.body
    assert answer.header("X-Goog-Upload-Chunk-Granularity") == "262144"
    return "/" + answer.header("X-Goog-Upload-URL").split("/", 3)[3]


def command(world, session, text, body=b"", offset=None):  # noqa: F811
    headers = [("X-Goog-Upload-Command", text)] + ([("X-Goog-Upload-Offset", str(offset))] if offset is not None else [])
    answer = world.gcs.call("POST", session, body, headers)
    return answer.status, answer.header("X-Goog-Upload-Status"), answer.header("X-Goog-Upload-Size-Received"), answer.body


def test_an_upload_by_commands(world):  # noqa: F811
    session, piece = begin(world, "a"), b"x" * 262144
    assert command(world, session, "query")[:3] == (200, "active", "0")
    assert command(world, session, "upload", piece, 0)[:3] == (200, "active", "262144")
    assert command(world, session, "upload", piece, 5)[0] == 400
    assert command(world, session, "query")[:3] == (200, "active", "262144")
    status, state, _, body = command(world, session, "upload, finalize", b"end", 262144)
    assert (status, state) == (200, "final") and json.loads(body)["size"] == "262147"
    assert json.loads(body)["contentType"] == "text/x"
    assert command(world, session, "query")[:2] == (200, "final")
    assert world.gcs.call("GET", f"/storage/v1/b/{world['empty']}/o/a?alt=media").body == piece + b"end"


def test_an_upload_by_commands_ends_without_bytes_or_is_cancelled(world):  # noqa: F811
    session = begin(world, "a")
    assert command(world, session, "upload", b"x" * 262144, 0)[:2] == (200, "active")
    status, state, _, body = command(world, session, "finalize")
    assert (status, state, json.loads(body)["size"]) == (200, "final", "262144")
    session = begin(world, "b")
    assert command(world, session, "cancel")[:2] == (200, "cancelled")
    assert command(world, session, "query")[0] == 404
    session = begin(world, "c")
    for wrong in ("eat", "query, upload", ","):
        assert command(world, session, wrong)[0] == 400, wrong


def test_a_rename_is_remembered_after_a_restart(make_server, bucket_name):
    from traffic.gcs import Gcs, fetch_token

    server = make_server("remembers")
    key = server.run("keys", "create", "--principal", "root", "--kind", "service-account").stdout
    gcs = Gcs(server.gcs_port, fetch_token(server.gcs_port, key))
    json_type = [("Content-Type", "application/json")]
    made = json.dumps({"name": bucket_name, "hierarchicalNamespace": {"enabled": True},
                       "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}}})  # fmt: skip
    place = f"/storage/v1/b/{bucket_name}"
    for target, body in (("/storage/v1/b", made), (f"{place}/folders", '{"name":"a/"}')):
        assert gcs.call("POST", target, body.encode(), json_type).status == 200
    done = gcs.call("POST", f"{place}/folders/a%2F/renameTo/folders/b%2F")
    assert done.status == 200
    assert server.stop() == 0
    server.start()
    gcs.close()
    operation = json.loads(done.body)["name"].rpartition("/")[2]
    assert gcs.call("GET", f"{place}/operations/{operation}").body == done.body
    assert [one["done"] for one in json.loads(gcs.call("GET", f"{place}/operations").body)["operations"]] == [True]
    assert gcs.call("DELETE", f"{place}/folders/b%2F").status == 204
    assert gcs.call("DELETE", place).status == 204
    assert gcs.call("POST", "/storage/v1/b", made.encode(), json_type).status == 200
    assert gcs.call("GET", f"{place}/operations/{operation}").status == 404, "it is of a bucket that is gone"
    gcs.close()
