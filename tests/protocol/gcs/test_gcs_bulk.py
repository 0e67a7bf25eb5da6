"""Operations over many: objects restored by pattern and time, folders deleted with all that lies in them."""

import json

import pytest
from test_gcs_json_api import JSON, WEEK, api, world  # noqa: F401
from traffic.gcs import Gcs, fetch_token

HIERARCHY = {"hierarchicalNamespace": {"enabled": True}, "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}}}


def put(world, bucket, name, data):  # noqa: F811
    answer = world.gcs.call("POST", f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name.replace('/', '%2F')}", data)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def names(world, bucket):  # noqa: F811
    return [one["name"] for one in world.send("GET", f"b/{bucket}/o").get("items", [])]


def media(world, bucket, name):  # noqa: F811
    return world.gcs.call("GET", f"/storage/v1/b/{bucket}/o/{name.replace('/', '%2F')}?alt=media").body


def restore(world, bucket, **wish):  # noqa: F811
    operation = world.send("POST", f"b/{bucket}/o/bulkRestore", json.dumps(wish))
    assert operation["done"] and operation["kind"] == "storage#operation"
    # It can be asked for again, alone and in the list.
    kept = world.send("GET", f"b/{bucket}/operations/{operation['name'].rpartition('/')[2]}")
    assert kept == operation and operation in world.send("GET", f"b/{bucket}/operations")["operations"]
    counts = operation["metadata"]
    return tuple(int(counts[one]) for one in ("succeededCount", "skippedCount", "failedCount"))


@pytest.fixture
def lost(world, bucket_name):  # noqa: F811
    """A bucket with a/1, a/2, b/1 deleted softly, a/1 twice."""
    bucket = f"{bucket_name}-lost"
    world.send("POST", "b", json.dumps({"name": bucket, "softDeletePolicy": WEEK}))
    for name, data in (("a/1", b"old"), ("a/1", b"new"), ("a/2", b"two"), ("b/1", b"bee")):
        put(world, bucket, name, data)
        world.send("DELETE", f"b/{bucket}/o/{name.replace('/', '%2F')}")
    assert names(world, bucket) == []
    return bucket


def test_the_newest_of_each_name_comes_back(world, lost):  # noqa: F811
    assert restore(world, lost) == (3, 0, 0)
    assert names(world, lost) == ["a/1", "a/2", "b/1"] and media(world, lost, "a/1") == b"new"
    assert restore(world, lost) == (0, 3, 0), "what lives is left alone"


def test_patterns_choose(world, lost):  # noqa: F811
    assert restore(world, lost, matchGlobs=["b/*", "*2*"]) == (1, 0, 0), "* stays within a component"
    assert restore(world, lost, matchGlobs=["**2"]) == (1, 0, 0)
    assert names(world, lost) == ["a/2", "b/1"]


def test_times_choose(world, lost):  # noqa: F811
    listed = world.send("GET", f"b/{lost}/o?softDeleted=true")["items"]
    first = min(one["softDeleteTime"] for one in listed)
    assert restore(world, lost, softDeletedBeforeTime="2020-01-01T00:00:00Z") == (0, 0, 0)
    assert restore(world, lost, createdAfterTime="2999-01-01T00:00:00Z") == (0, 0, 0)
    assert restore(world, lost, softDeletedAfterTime=first[:10] + "T00:00:00Z", createdBeforeTime="2999-01-01T00:00:00Z") == (3, 0, 0)


def test_what_lives_is_replaced_if_that_is_wished(world, lost):  # noqa: F811
    put(world, lost, "a/2", b"alive")
    assert restore(world, lost, matchGlobs=["a/2"]) == (0, 1, 0)
    assert media(world, lost, "a/2") == b"alive"
    assert restore(world, lost, matchGlobs=["a/2"], allowOverwrite=True) == (1, 0, 0)
    assert media(world, lost, "a/2") == b"two"


@pytest.mark.parametrize(("wish", "status"), [
    ('{"matchGlobs":"a"}', 400), ('{"matchGlobs":["{a"]}', 400), ('{"softDeletedAfterTime":"yesterday"}', 400),
    ('{"allowOverwrite":"yes"}', 400), ('{"allowOverride":true}', 501), ("{", 400),
])  # fmt: skip
def test_a_wish_that_is_not_understood_restores_nothing(world, lost, wish, status):  # noqa: F811
    assert world.gcs.call("POST", f"/storage/v1/b/{lost}/o/bulkRestore", wish.encode(), JSON).status == status
    assert names(world, lost) == []


def test_a_folder_goes_with_all_that_lies_in_it(world, bucket_name):  # noqa: F811
    bucket = f"{bucket_name}-tree"
    world.send("POST", "b", json.dumps({"name": bucket, "softDeletePolicy": WEEK, **HIERARCHY}))
    for name in ("a/1", "a/b/2", "a/b/c/3", "ab/4", "z"):
        put(world, bucket, name, b"x")
    world.send("POST", f"b/{bucket}/folders?recursive=true", '{"name":"a/empty/"}')
    target = f"/storage/v1/b/{bucket}/folders/a%2F/deleteRecursive"
    assert world.gcs.call("POST", target + "?ifMetagenerationMatch=9", b"", JSON).status == 412
    operation = world.send("POST", f"b/{bucket}/folders/a%2F/deleteRecursive")
    assert operation["done"] and "error" not in operation
    assert operation["metadata"]["folderId"] == "a/" and operation["response"]["@type"].endswith("google.protobuf.Empty")
    assert names(world, bucket) == ["ab/4", "z"]
    assert [one["name"] for one in world.send("GET", f"b/{bucket}/folders")["items"]] == ["ab/"]
    assert world.gcs.call("POST", target, b"", JSON).status == 404
    # Deleted as by their own deletes: softly.
    assert restore(world, bucket, matchGlobs=["a/**"]) == (3, 0, 0)


def test_what_is_held_stays_and_so_do_its_folders(world, bucket_name):  # noqa: F811
    bucket = f"{bucket_name}-held"
    world.send("POST", "b", json.dumps({"name": bucket, **HIERARCHY}))
    for name in ("a/1", "a/b/2"):
        put(world, bucket, name, b"x")
    world.send("PATCH", f"b/{bucket}/o/a%2Fb%2F2", '{"temporaryHold":true}')
    operation = world.send("POST", f"b/{bucket}/folders/a%2F/deleteRecursive")
    assert operation["done"] and "a/b/2" in operation["error"]["message"] and "response" not in operation
    assert names(world, bucket) == ["a/b/2"]
    assert [one["name"] for one in world.send("GET", f"b/{bucket}/folders")["items"]] == ["a/", "a/b/"]


def test_rights_are_asked_object_by_object(world, make_caller, lost):  # noqa: F811
    reader = make_caller("carl", lost, "roles/storage.objectViewer")
    answer = reader.call("POST", f"/storage/v1/b/{lost}/o/bulkRestore", b"{}", JSON)
    assert answer.status == 200 and json.loads(answer.body)["metadata"]["failedCount"] == "3"
    assert json.loads(answer.body)["error"]["code"] == 7, answer.body
    assert names(world, lost) == []
    stranger = make_caller("dora", lost, None)
    assert stranger.call("POST", f"/storage/v1/b/{lost}/o/bulkRestore", b"{}", JSON).status == 403


@pytest.fixture
def make_caller(world):  # noqa: F811
    server, opened = world.gcs.server, []

    def make(name, bucket, role):
        server.run("principals", "create", name)
        key = server.run("keys", "create", "--principal", name, "--kind", "service-account").stdout
        opened.append(Gcs(server.gcs_port, fetch_token(server.gcs_port, key)))
        if role:
            member = f"serviceAccount:{json.loads(key)['client_email']}"
            world.send("PUT", f"b/{bucket}/iam", json.dumps({"bindings": [{"role": role, "members": [member]}]}))
        return opened[-1]

    yield make
    for caller in opened:
        caller.close()
