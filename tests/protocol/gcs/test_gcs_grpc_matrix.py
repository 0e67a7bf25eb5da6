"""gRPC methods x kinds of credential x ways to be allowed or not: the decision of the JSON API (test_gcs_access_matrix.py, the same plan),
and a record of it in the audit trail."""

import json
import time

import grpc
import pytest
from google.api_core import exceptions
from google.cloud._storage_v2 import types as v2
from google.iam.v1 import iam_policy_pb2
from test_gcs_access_matrix import KEY, cases_of, entries_of, matrix, narrowed, prepare  # noqa: F401
from test_gcs_grpc import Door

REFUSED = (exceptions.PermissionDenied, exceptions.Unauthenticated)
GET, PUT, DELETE, LIST = ("GetObject",), ("PutObject",), ("DeleteObject",), ("ListBucket",)


def place(bucket):
    return f"projects/_/buckets/{bucket}"


def whole(door, method, message):
    return list(door.call(method, message))


# (permissions, method, call(door, bucket))
OPERATIONS = [
    (LIST, "list_objects", lambda door, b: door.call("list_objects", v2.ListObjectsRequest(parent=place(b)))),
    (LIST, "get_bucket", lambda door, b: door.call("get_bucket", v2.GetBucketRequest(name=place(b)))),
    (GET, "get_object", lambda door, b: door.get(b, KEY)),
    (GET, "read_object", lambda door, b: whole(door, "read_object", v2.ReadObjectRequest(bucket=place(b), object_=KEY))),
    (PUT, "write_object", lambda door, b: door.write(b, KEY, b"new")),
    (PUT, "start_resumable_write", lambda door, b: door.call("start_resumable_write", v2.StartResumableWriteRequest(
        write_object_spec=v2.WriteObjectSpec(resource=v2.Object(name=KEY, bucket=place(b)))))),
    (DELETE, "delete_object", lambda door, b: door.call("delete_object", v2.DeleteObjectRequest(bucket=place(b), object_=KEY))),
    (PUT + GET, "compose_object", lambda door, b: door.call("compose_object", v2.ComposeObjectRequest(
        destination=v2.Object(name="in/c", bucket=place(b)), source_objects=[v2.ComposeObjectRequest.SourceObject(name=KEY)]))),
    (GET + PUT, "rewrite_object", lambda door, b: door.call("rewrite_object", v2.RewriteObjectRequest(
        source_bucket=place(b), source_object=KEY, destination_bucket=place(b), destination_name="in/copy"))),
    (GET + DELETE + PUT, "move_object", lambda door, b: door.call("move_object", v2.MoveObjectRequest(
        bucket=place(b), source_object=KEY, destination_object="in/moved"))),
    (("DeleteBucket",), "delete_bucket", lambda door, b: door.call("delete_bucket", v2.DeleteBucketRequest(name=place(b)))),
    (("GetBucketPolicy",), "get_iam_policy", lambda door, b: door.call("get_iam_policy", iam_policy_pb2.GetIamPolicyRequest(resource=place(b)))),
]  # fmt: skip


def decides(call):
    """Whether it is let through: any answer is but those that refuse."""
    try:
        call()
    except REFUSED:
        return False
    except exceptions.GoogleAPICallError as error:
        assert error.grpc_status_code not in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE), error
    return True


def token_of(caller):
    return caller.headers[0][1].split()[1] if caller.headers else None


@pytest.mark.parametrize(("permissions", "name", "call"), [pytest.param(*row, id=row[1]) for row in OPERATIONS])
def test_grpc_decides_as_json(matrix, bucket_name, permissions, name, call):  # noqa: F811
    server, callers, _, _ = matrix
    decided = {}
    for number, (case, who, change, expected) in enumerate(cases_of(permissions)):
        bucket = f"{bucket_name}-{number}"
        prepare(matrix, bucket, change)
        if isinstance(who, tuple):
            base, roles = who
            caller = narrowed(server, callers[base], bucket if roles else "other", roles or ["roles/storage.admin"])
        else:
            caller = callers[who]
        door = Door(server, token_of(caller))
        try:
            assert decides(lambda door=door, bucket=bucket: call(door, bucket)) == expected, case
        finally:
            door.channel.close()
        decided[bucket] = expected
    missing, deadline = decided, time.monotonic() + 20
    while missing and time.monotonic() < deadline:
        time.sleep(0.1)
        try:
            text = [json.dumps(one) for one in entries_of(server.data / "audit") if one["api"]["service"]["name"] == "gcs-grpc"]
        except FileNotFoundError:
            continue  # a partial tile went while it was read
        missing = [bucket for bucket in decided if not any(bucket in one for one in text)]
    assert not missing, f"no record of {missing}"
