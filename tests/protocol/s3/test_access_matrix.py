"""Every operation x every way to be allowed or not: the right answer, and one record in the audit trail for each.

A policy names exactly the permission that the Service Authorization Reference gives for the operation: allowing just that
one must suffice, denying just that one must be enough to refuse an owner by grant.
"""

import contextlib
import json
import sys
import time
from pathlib import Path

import boto3
import botocore
import botocore.config
import botocore.exceptions
import pytest

from s3_clients import boto_client
from traffic.gcs import Gcs, fetch_token

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "audit"))
from test_audit import entries_of  # noqa: E402

KEY = "in/k"
CORS = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
TAGS = {"TagSet": [{"Key": "a", "Value": "b"}]}
BLOCK = {"BlockPublicAcls": False}
LIFECYCLE = {"Rules": [{"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "old/"}, "Expiration": {"Days": 30}}]}
ENCRYPTION = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
OWNERSHIP = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}


# What Google's role gives, in S3's permissions; roles/storage.admin gives all.
VIEWED = {
    "ListBucket", "ListBucketVersions", "GetObject", "GetObjectVersion", "GetObjectAttributes", "GetObjectVersionAttributes",
    "GetObjectTagging", "GetObjectVersionTagging", "GetObjectRetention", "GetObjectLegalHold",
}  # fmt: skip
CREATED = {"PutObject", "AbortMultipartUpload", "ListMultipartUploadParts"}


# PutBucketLogging is not among the operations: it is for the owner alone, see test_boto3_logging.py.
def roles_of(permission):
    """(a role that gives it, one that does not)"""
    if permission in VIEWED:
        return "roles/storage.objectViewer", "roles/storage.objectCreator"
    if permission in CREATED:
        return "roles/storage.objectCreator", "roles/storage.objectViewer"
    return "roles/storage.admin", "roles/storage.objectViewer"


def operations():
    """name -> (permission, call(client, bucket, upload id), records in the audit trail)."""
    of_object = {"Key": KEY}
    of_version = {"Key": KEY, "VersionId": "null"}
    policy = {"Policy": json.dumps({"Statement": [{"Effect": "Deny", "Principal": {"AWS": "x"}, "Action": "s3:*", "Resource": "*"}]})}
    rows = [
        ("ListBucket", "list_objects", {}),
        ("ListBucket", "list_objects_v2", {}),
        ("ListBucketVersions", "list_object_versions", {}),
        ("ListBucket", "head_bucket", {}),
        ("GetBucketLocation", "get_bucket_location", {}),
        ("ListBucketMultipartUploads", "list_multipart_uploads", {}),
        ("DeleteBucket", "delete_bucket", {}),
        ("GetBucketAcl", "get_bucket_acl", {}),
        ("PutBucketAcl", "put_bucket_acl", {"ACL": "private"}),
        ("GetBucketCORS", "get_bucket_cors", {}),
        ("PutBucketCORS", "put_bucket_cors", {"CORSConfiguration": CORS}),
        ("PutBucketCORS", "delete_bucket_cors", {}),
        ("GetBucketTagging", "get_bucket_tagging", {}),
        ("PutBucketTagging", "put_bucket_tagging", {"Tagging": TAGS}),
        ("PutBucketTagging", "delete_bucket_tagging", {}),
        ("GetBucketPolicy", "get_bucket_policy", {}),
        ("PutBucketPolicy", "put_bucket_policy", policy),
        ("DeleteBucketPolicy", "delete_bucket_policy", {}),
        ("GetBucketPolicyStatus", "get_bucket_policy_status", {}),
        ("GetBucketPublicAccessBlock", "get_public_access_block", {}),
        ("PutBucketPublicAccessBlock", "put_public_access_block", {"PublicAccessBlockConfiguration": BLOCK}),
        ("PutBucketPublicAccessBlock", "delete_public_access_block", {}),
        ("GetBucketOwnershipControls", "get_bucket_ownership_controls", {}),
        ("PutBucketOwnershipControls", "put_bucket_ownership_controls", {"OwnershipControls": OWNERSHIP}),
        ("GetBucketVersioning", "get_bucket_versioning", {}),
        ("PutBucketVersioning", "put_bucket_versioning", {"VersioningConfiguration": {"Status": "Enabled"}}),
        ("GetLifecycleConfiguration", "get_bucket_lifecycle_configuration", {}),
        ("GetEncryptionConfiguration", "get_bucket_encryption", {}),
        ("GetBucketLogging", "get_bucket_logging", {}),
        ("GetBucketNotification", "get_bucket_notification_configuration", {}),
        ("GetBucketWebsite", "get_bucket_website", {}),
        ("GetBucketRequestPayment", "get_bucket_request_payment", {}),
        ("PutLifecycleConfiguration", "put_bucket_lifecycle_configuration", {"LifecycleConfiguration": LIFECYCLE}),
        ("PutLifecycleConfiguration", "delete_bucket_lifecycle", {}),
        ("PutEncryptionConfiguration", "put_bucket_encryption", {"ServerSideEncryptionConfiguration": ENCRYPTION}),
        ("PutEncryptionConfiguration", "delete_bucket_encryption", {}),
        ("PutBucketRequestPayment", "put_bucket_request_payment", {"RequestPaymentConfiguration": {"Payer": "BucketOwner"}}),
        ("PutBucketNotification", "put_bucket_notification_configuration", {"NotificationConfiguration": {}}),
        ("PutBucketWebsite", "put_bucket_website", {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "index.html"}}}),
        ("DeleteBucketWebsite", "delete_bucket_website", {}),
        ("GetInventoryConfiguration", "list_bucket_inventory_configurations", {}),
        ("GetInventoryConfiguration", "get_bucket_inventory_configuration", {"Id": "daily"}),
        ("PutInventoryConfiguration", "delete_bucket_inventory_configuration", {"Id": "daily"}),
        ("GetObject", "get_object", of_object),
        ("GetObject", "head_object", of_object),
        ("GetObjectAttributes", "get_object_attributes", of_object | {"ObjectAttributes": ["ObjectSize"]}),
        ("GetObjectAcl", "get_object_acl", of_object),
        ("PutObjectAcl", "put_object_acl", of_object | {"ACL": "private"}),
        ("GetObjectTagging", "get_object_tagging", of_object),
        ("PutObjectTagging", "put_object_tagging", of_object | {"Tagging": TAGS}),
        ("DeleteObjectTagging", "delete_object_tagging", of_object),
        ("PutObject", "put_object", of_object | {"Body": b"new"}),
        ("DeleteObject", "delete_object", of_object),
        ("DeleteObject", "delete_objects", {"Delete": {"Objects": [{"Key": KEY}]}}),
        ("GetBucketObjectLockConfiguration", "get_object_lock_configuration", {}),
        ("PutBucketObjectLockConfiguration", "put_object_lock_configuration",
         {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}),
        ("GetObjectRetention", "get_object_retention", of_object),
        ("PutObjectRetention", "put_object_retention", of_object | {"Retention": {}}),
        ("GetObjectLegalHold", "get_object_legal_hold", of_object),
        ("PutObjectLegalHold", "put_object_legal_hold", of_object | {"LegalHold": {"Status": "OFF"}}),
        ("GetObjectVersion", "get_object", of_version),
        ("GetObjectVersion", "head_object", of_version),
        ("GetObjectVersionAttributes", "get_object_attributes", of_version | {"ObjectAttributes": ["ObjectSize"]}),
        ("GetObjectVersionAcl", "get_object_acl", of_version),
        ("PutObjectVersionAcl", "put_object_acl", of_version | {"ACL": "private"}),
        ("GetObjectVersionTagging", "get_object_tagging", of_version),
        ("PutObjectVersionTagging", "put_object_tagging", of_version | {"Tagging": TAGS}),
        ("DeleteObjectVersionTagging", "delete_object_tagging", of_version),
        ("DeleteObjectVersion", "delete_object", of_version),
        ("DeleteObjectVersion", "delete_objects", {"Delete": {"Objects": [{"Key": KEY, "VersionId": "null"}]}}),
        ("PutObject", "create_multipart_upload", of_object),
        ("PutObject", "upload_part", of_object | {"UploadId": "UPLOAD", "PartNumber": 1, "Body": b"part"}),
        ("PutObject", "complete_multipart_upload",
         of_object | {"UploadId": "UPLOAD", "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": "none"}]}}),
        ("ListMultipartUploadParts", "list_parts", of_object | {"UploadId": "UPLOAD"}),
        ("AbortMultipartUpload", "abort_multipart_upload", of_object | {"UploadId": "UPLOAD"}),
    ]  # fmt: skip
    return [pytest.param(*row, id=row[1]) for row in rows]


@pytest.fixture(scope="module")
def matrix(make_server):
    server = make_server("matrix", "--s3-object-ownership", "ObjectWriter")
    clients = {}
    for name in ("ann", "bob", "cleo", "dan"):
        server.run("principals", "create", name)
        key = server.run_json("keys", "create", "--principal", name)
        clients[name] = boto_client(server, access_key=key["access_key"], secret_key=key["secret_key"])
    server.run("grants", "add", "makers", "--principal", "ann", "--prefix", "/", "--role", "creator")
    server.run("grants", "add", "dan", "--principal", "dan", "--prefix", "/", "--role", "owner")
    clients["wrong key"] = boto_client(server, access_key=key["access_key"], secret_key="wrong" * 8)
    clients["nobody"] = boto3.client(
        "s3", endpoint_url=server.s3_url, region_name=server.region,
        config=botocore.config.Config(signature_version=botocore.UNSIGNED, s3={"addressing_style": "path"}),
    )  # fmt: skip
    clients["root"] = boto_client(server)
    key_file = server.run("keys", "create", "--principal", "root", "--kind", "service-account").stdout
    clients["gcs"] = Gcs(server.gcs_port, fetch_token(server.gcs_port, key_file))
    yield server, clients
    clients["gcs"].close()


def bind(gcs, bucket, role, principal):
    """Through the GCS door, over what it says already."""
    target = f"/storage/v1/b/{bucket}/iam"
    policy = json.loads(gcs.call("GET", target).body)
    policy["bindings"] = [*policy.get("bindings", []), {"role": role, "members": [f"user:{principal}"]}]
    answer = gcs.call("PUT", target, json.dumps(policy).encode(), [("Content-Type", "application/json")])
    assert answer.status == 200, answer.body


def put_policy(client, bucket, effect, principal, permission):
    statement = {"Effect": effect, "Principal": {"AWS": principal}, "Action": "s3:" + permission,
                 "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}  # fmt: skip
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [statement]}))


def attempt(client, operation, arguments):
    """(was it let through, the request's id). An answer like 404 is let through; DeleteObjects answers by key."""
    try:
        answer = getattr(client, operation)(**arguments)
    except botocore.exceptions.ClientError as error:
        answer = error.response
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        assert status < 500, answer
        return status != 403, answer["ResponseMetadata"]["RequestId"]
    return not answer.get("Errors"), answer["ResponseMetadata"]["RequestId"]


def records_of(server):
    """What the S3 door has recorded so far. A partial tile may go, as a fuller one comes, while it is read."""
    for _ in range(100):
        with contextlib.suppress(FileNotFoundError):
            return [one for one in entries_of(server.data / "audit") if one["api"]["service"]["name"] == "s3"]
    raise AssertionError("the log never stood still")


@pytest.mark.parametrize(("permission", "operation", "arguments"), operations())
def test_answers_and_records(matrix, bucket_name, permission, operation, arguments):
    server, clients = matrix
    cases = [  # who, what the policy says of whom, whether it is let through
        ("no credentials", "nobody", None, False),
        ("wrong key", "wrong key", None, False),
        ("no permission", "cleo", None, False),
        ("denied by policy", "dan", ("Deny", "dan"), False),
        ("granted by policy", "bob", ("Allow", "bob"), True),
        ("granted by a binding of GCS", "bob", ("bind", roles_of(permission)[0]), True),
        ("another role by a binding of GCS", "bob", ("bind", roles_of(permission)[1]), False),
        ("granted by a grant", "dan", None, True),
        ("owner", "ann", None, True),
        ("root", "root", None, True),
    ]
    asked = {}
    for number, (case, who, policy, expected) in enumerate(cases):
        bucket = f"{bucket_name}-{number}"
        clients["ann"].create_bucket(Bucket=bucket)
        clients["ann"].put_object(Bucket=bucket, Key=KEY, Body=b"x", ACL="bucket-owner-full-control")
        filled = dict(arguments)
        if "UploadId" in filled:
            filled["UploadId"] = clients["ann"].create_multipart_upload(Bucket=bucket, Key=KEY)["UploadId"]
        if policy and policy[0] == "bind":
            bind(clients["gcs"], bucket, policy[1], who)
        elif policy:
            put_policy(clients["ann"], bucket, *policy, permission)
        passed, request = attempt(clients[who], operation, {"Bucket": bucket} | filled)
        assert passed == expected, case
        asked[request] = (case, bucket, expected)
    # Signed in the order in which they ended: wait for the last, then every one must be there, once.
    deadline = time.monotonic() + 20
    while True:
        found = {}
        for record in records_of(server):
            found.setdefault(record["api"].get("request", {}).get("uid"), []).append(record)
        if set(asked) <= set(found) or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    for request, (case, bucket, expected) in asked.items():
        records = found.get(request, [])
        assert len(records) == 1, (case, records)
        decision = records[0]["actor"]["authorizations"][0]["decision"]
        assert decision == ("allow" if expected else "deny"), (case, records[0])
        assert bucket in json.dumps(records[0]), (case, records[0])
