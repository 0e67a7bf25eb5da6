"""Settings, policies and folders over gRPC: the same as over JSON."""

import datetime

import pytest
from google.api_core import exceptions
from google.cloud import storage_control_v2 as control
from google.cloud._storage_v2 import types as v2
from google.cloud.storage_control_v2.services.storage_control.transports import grpc as control_grpc
from google.iam.v1 import iam_policy_pb2, policy_pb2
from google.protobuf import duration_pb2, field_mask_pb2
from google.type import expr_pb2
from test_gcs_grpc import door, token  # noqa: F401  fixtures


def place_of(bucket):
    return f"projects/_/buckets/{bucket.name}"


def mask(*paths):
    return field_mask_pb2.FieldMask(paths=paths)


def test_an_object_changes_by_what_the_mask_names(door, bucket):  # noqa: F811
    door.write(bucket.name, "o", b"1")
    told = v2.Object(
        bucket=place_of(bucket), name="o", content_type="text/new", cache_control="no-store",
        metadata={"a": "1", "b": "2"}, temporary_hold=True,
    )  # fmt: skip
    request = v2.UpdateObjectRequest(object_=told, update_mask=mask("cache_control", "metadata", "temporary_hold"))
    changed = door.call("update_object", request)
    assert (changed.content_type, changed.cache_control) == ("text/x-grpc", "no-store")
    assert (dict(changed.metadata), changed.temporary_hold) == ({"a": "1", "b": "2"}, True)
    told = v2.Object(bucket=place_of(bucket), name="o", metadata={"b": "3"})
    paths = mask("metadata.a", "metadata.b", "cache_control", "temporary_hold")
    changed = door.call("update_object", v2.UpdateObjectRequest(object_=told, update_mask=paths))
    assert (dict(changed.metadata), changed.cache_control, changed.temporary_hold) == ({"b": "3"}, "", False)
    blob = bucket.get_blob("o")
    assert (blob.metadata, blob.cache_control, blob.metageneration) == ({"b": "3"}, None, 3)
    with pytest.raises(exceptions.InvalidArgument):
        door.call("update_object", v2.UpdateObjectRequest(object_=told, update_mask=mask("size")))
    with pytest.raises(exceptions.FailedPrecondition):
        door.call(
            "update_object",
            v2.UpdateObjectRequest(object_=told, update_mask=mask("metadata"), if_metageneration_match=1),
        )


def test_a_bucket_changes_by_what_the_mask_names(door, bucket):  # noqa: F811
    date = {"year": 2026, "month": 3, "day": 4}
    rules = [
        {"action": {"type_": "Delete"}, "condition": {"age_days": 3, "matches_prefix": ["tmp/"]}},
        {"action": {"type_": "Delete"}, "condition": {"created_before": date}},
    ]
    told = v2.Bucket(
        name=place_of(bucket), labels={"team": "a", "other": "b"}, versioning={"enabled": True},
        retention_policy={"retention_duration": duration_pb2.Duration(seconds=60)},
        cors=[{"origin": ["https://a"], "method": ["GET"], "max_age_seconds": 5}],
        website={"main_page_suffix": "index.html"}, lifecycle={"rule": rules}, default_event_based_hold=True,
        soft_delete_policy={"retention_duration": duration_pb2.Duration(seconds=700000)},
    )  # fmt: skip
    paths = ["labels.team", "versioning", "retention_policy", "cors", "website", "lifecycle", "default_event_based_hold"]
    request = v2.UpdateBucketRequest(bucket=told, update_mask=mask(*paths, "soft_delete_policy"))
    changed = door.call("update_bucket", request)
    assert dict(changed.labels) == {"team": "a"}
    assert changed.versioning.enabled and changed.default_event_based_hold
    assert changed.retention_policy.retention_duration == datetime.timedelta(seconds=60)
    assert changed.soft_delete_policy.retention_duration == datetime.timedelta(seconds=700000)
    assert changed.website.main_page_suffix == "index.html"
    assert changed.lifecycle.rule[0].condition.matches_prefix == ["tmp/"]
    assert changed.lifecycle.rule[1].condition.created_before.month == 3
    bucket.reload()
    assert (bucket.labels, bucket.versioning_enabled, bucket.retention_period) == ({"team": "a"}, True, 60)
    assert bucket.cors == [{"origin": ["https://a"], "method": ["GET"], "maxAgeSeconds": 5}]
    assert [rule["condition"] for rule in bucket.lifecycle_rules] == [
        {"age": 3, "matchesPrefix": ["tmp/"]},
        {"createdBefore": "2026-03-04"},
    ]

    nothing = v2.Bucket(name=place_of(bucket))
    paths = [*paths, "soft_delete_policy"]
    cleared = door.call("update_bucket", v2.UpdateBucketRequest(bucket=nothing, update_mask=mask(*paths)))
    assert not cleared.labels and not cleared.versioning.enabled and not cleared.default_event_based_hold
    assert not cleared.cors and not cleared.lifecycle.rule and not cleared.website.main_page_suffix
    bucket.reload()
    assert (bucket.retention_period, bucket.labels, list(bucket.lifecycle_rules)) == (None, {}, [])
    for path in ("name", "colour"):
        with pytest.raises(exceptions.InvalidArgument):
            door.call("update_bucket", v2.UpdateBucketRequest(bucket=nothing, update_mask=mask(path)))


def test_a_retention_is_locked(door, bucket):  # noqa: F811
    bucket.retention_period = 1
    bucket.patch()
    with pytest.raises(exceptions.FailedPrecondition):
        request = v2.LockBucketRetentionPolicyRequest(bucket=place_of(bucket), if_metageneration_match=77)
        door.call("lock_bucket_retention_policy", request)
    request = v2.LockBucketRetentionPolicyRequest(
        bucket=place_of(bucket), if_metageneration_match=bucket.metageneration
    )
    assert door.call("lock_bucket_retention_policy", request).retention_policy.is_locked


def test_what_was_deleted_softly_is_restored(door, bucket):  # noqa: F811
    bucket.soft_delete_policy.retention_duration_seconds = 700000
    bucket.patch()
    generation = door.write(bucket.name, "o", b"back").generation
    bucket.blob("o").delete()
    shown = door.get(bucket.name, "o", generation=generation, soft_deleted=True)
    assert shown.soft_delete_time and shown.hard_delete_time
    request = v2.RestoreObjectRequest(bucket=place_of(bucket), object_="o", generation=generation)
    assert door.call("restore_object", request).size == 4
    assert bucket.blob("o").download_as_bytes() == b"back"


def test_iam_policies(door, bucket):  # noqa: F811
    ask = iam_policy_pb2.GetIamPolicyRequest(resource=place_of(bucket))
    before = door.call("get_iam_policy", ask)
    condition = expr_pb2.Expr(title="t", expression='resource.name.startsWith("projects/_/buckets/x")')
    bindings = [
        policy_pb2.Binding(role="roles/storage.objectViewer", members=["user:ann"]),
        policy_pb2.Binding(role="roles/storage.objectAdmin", members=["user:ann"], condition=condition),
    ]
    policy = policy_pb2.Policy(version=3, etag=before.etag, bindings=bindings)
    changed = door.call("set_iam_policy", iam_policy_pb2.SetIamPolicyRequest(resource=place_of(bucket), policy=policy))
    assert [binding.role for binding in changed.bindings] == [binding.role for binding in bindings]
    assert changed.bindings[1].condition.title == "t"
    shown = bucket.get_iam_policy(requested_policy_version=3)
    assert shown.bindings[1]["condition"]["title"] == "t"
    with pytest.raises(exceptions.FailedPrecondition):  # the etag is of the policy before
        door.call("set_iam_policy", iam_policy_pb2.SetIamPolicyRequest(resource=place_of(bucket), policy=policy))
    asked = ["storage.objects.get", "storage.buckets.delete", "storage.no.such"]
    request = iam_policy_pb2.TestIamPermissionsRequest(resource=place_of(bucket), permissions=asked)
    assert list(door.call("test_iam_permissions", request).permissions) == asked[:2]


@pytest.fixture
def folders(door, client, bucket_name):  # noqa: F811
    bucket = client.bucket(bucket_name)
    bucket.iam_configuration.uniform_bucket_level_access_enabled = True
    bucket.hierarchical_namespace_enabled = True
    bucket.create()
    transport = control_grpc.StorageControlGrpcTransport(channel=door.channel)
    made = control.StorageControlClient(transport=transport)

    def call(method, request):
        return getattr(made, method)(request=request, metadata=door.metadata, retry=None, timeout=30)

    return call, place_of(bucket), bucket


def test_folders(folders):
    call, place, bucket = folders
    made = call("create_folder", control.CreateFolderRequest(parent=place, folder_id="a/b", recursive=True))
    assert (made.name, made.metageneration) == (f"{place}/folders/a/b/", 1)
    with pytest.raises(exceptions.AlreadyExists):
        call("create_folder", control.CreateFolderRequest(parent=place, folder_id="a/b"))
    bucket.blob("a/b/o").upload_from_string("1")
    assert call("get_folder", control.GetFolderRequest(name=f"{place}/folders/a/b/")).name == made.name
    with pytest.raises(exceptions.FailedPrecondition):  # it is not empty
        call("delete_folder", control.DeleteFolderRequest(name=made.name))
    rename = control.RenameFolderRequest(name=f"{place}/folders/a/", destination_folder_id="c/")
    operation = call("rename_folder", rename)
    assert operation.done() and operation.result().name == f"{place}/folders/c/"
    assert operation.metadata.destination_folder_id == "c/"
    listed = call("list_folders", control.ListFoldersRequest(parent=place))
    assert [folder.name for folder in listed] == [f"{place}/folders/c/", f"{place}/folders/c/b/"]
    assert [blob.name for blob in bucket.list_blobs()] == ["c/b/o"]
    bucket.blob("c/b/o").delete()
    call("delete_folder", control.DeleteFolderRequest(name=f"{place}/folders/c/b/"))
    with pytest.raises(exceptions.NotFound):
        call("get_folder", control.GetFolderRequest(name=f"{place}/folders/c/b/"))


def test_managed_folders_and_their_policies(folders):
    call, place, _ = folders
    request = control.CreateManagedFolderRequest(parent=place, managed_folder_id="m/")
    name = call("create_managed_folder", request).name
    assert name == f"{place}/managedFolders/m/"
    assert call("get_managed_folder", control.GetManagedFolderRequest(name=name)).name == name
    listed = call("list_managed_folders", control.ListManagedFoldersRequest(parent=place))
    assert [folder.name for folder in listed] == [name]
    binding = policy_pb2.Binding(role="roles/storage.objectViewer", members=["user:ann"])
    policy = policy_pb2.Policy(bindings=[binding])
    call("set_iam_policy", iam_policy_pb2.SetIamPolicyRequest(resource=name, policy=policy))
    shown = call("get_iam_policy", iam_policy_pb2.GetIamPolicyRequest(resource=name))
    assert list(shown.bindings) == [binding]
    call("delete_managed_folder", control.DeleteManagedFolderRequest(name=name))
    assert list(call("list_managed_folders", control.ListManagedFoldersRequest(parent=place))) == []
