"""Holds, retention, lists, IAM policies, HMAC keys and CORS: set over GCS, they hold over S3 too, and stay."""

import datetime
import json
import time
import urllib.request

import pytest
import requests
from botocore.exceptions import ClientError
from gcs_clients import make_key_file, s3_client, storage_client
from google.api_core import exceptions


@pytest.fixture
def ann(server):
    """A principal without any grant: its client, and its address."""
    name = f"ann-{time.monotonic_ns()}"
    server.run("principals", "create", name)
    key_file = make_key_file(server, name)
    return name, storage_client(server, key_file), json.loads(key_file.read_text())["client_email"]


def code_of(error) -> str:
    return error.value.response["Error"]["Code"]


def test_what_gcs_holds_s3_neither_removes_nor_replaces(bucket, s3):
    blob = bucket.blob("held")
    blob.upload_from_string("1")
    blob.temporary_hold = True
    blob.patch()
    with pytest.raises(exceptions.Forbidden):
        blob.delete()
    for change in (
        lambda: s3.delete_object(Bucket=bucket.name, Key="held"),
        lambda: s3.put_object(Bucket=bucket.name, Key="held", Body=b"2"),
    ):
        with pytest.raises(ClientError) as refused:
            change()
        assert code_of(refused) == "AccessDenied"
    assert blob.download_as_bytes() == b"1"
    blob.temporary_hold = False
    blob.patch()
    s3.delete_object(Bucket=bucket.name, Key="held")
    assert not blob.exists()


def test_a_retention_policy_holds_over_s3(bucket, s3):
    bucket.retention_period = 3600
    bucket.patch()
    blob = bucket.blob("kept")
    blob.upload_from_string("1")
    with pytest.raises(ClientError) as refused:
        s3.delete_object(Bucket=bucket.name, Key="kept")
    assert code_of(refused) == "AccessDenied"
    bucket.retention_period = None
    bucket.patch()
    blob.delete()


def test_an_iam_policy_gives_rights_through_both_doors(server, client, bucket, ann):
    name, their_client, email = ann
    bucket.blob("x").upload_from_string("1")
    theirs = their_client.bucket(bucket.name)
    with pytest.raises(exceptions.Forbidden):
        theirs.blob("x").download_as_bytes()
    policy = bucket.get_iam_policy(requested_policy_version=3)
    policy.version = 3
    policy.bindings.append({
        "role": "roles/storage.objectViewer",
        "members": {f"serviceAccount:{email}"},
        "condition": {"title": "x", "expression": f"resource.name == 'projects/_/buckets/{bucket.name}/objects/x'"},
    })  # fmt: skip
    bucket.set_iam_policy(policy)
    assert theirs.blob("x").download_as_bytes() == b"1"
    metadata, secret = their_client.create_hmac_key(email)
    s3 = s3_client(server, metadata.access_id, secret)
    assert s3.get_object(Bucket=bucket.name, Key="x")["Body"].read() == b"1"
    bucket.blob("y").upload_from_string("2")
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket=bucket.name, Key="y")
    assert code_of(refused) == "AccessDenied"
    metadata.state = "INACTIVE"
    metadata.update()
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket=bucket.name, Key="x")
    assert code_of(refused) == "InvalidAccessKeyId"
    metadata.delete()


def test_lists_are_one_for_both_doors(client, bucket_name, s3):
    bucket = client.bucket(bucket_name)
    bucket.iam_configuration.uniform_bucket_level_access_enabled = False
    bucket.create()
    blob = bucket.blob("open")
    blob.upload_from_string("1")
    address = f"{client.api_endpoint}/{bucket_name}/open"
    assert requests.get(address, timeout=10).status_code == 401
    blob.make_public()
    assert requests.get(address, timeout=10).content == b"1"
    grants = s3.get_object_acl(Bucket=bucket_name, Key="open")["Grants"]
    assert {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"} in [g["Grantee"] for g in grants]
    s3.put_object_acl(Bucket=bucket_name, Key="open", ACL="private")
    assert requests.get(address, timeout=10).status_code == 401
    blob.acl.reload()
    assert "READER" not in blob.acl.all().get_roles()


def test_cors_is_one_for_both_doors(client, bucket, s3):
    bucket.cors = [{"origin": ["http://page.example"], "method": ["GET"], "responseHeader": ["X-A"], "maxAgeSeconds": 9}]
    bucket.patch()
    rule = s3.get_bucket_cors(Bucket=bucket.name)["CORSRules"][0]
    assert (rule["AllowedOrigins"], rule["AllowedMethods"], rule["MaxAgeSeconds"]) == (["http://page.example"], ["GET"], 9)
    asked = urllib.request.Request(
        f"{client.api_endpoint}/storage/v1/b/{bucket.name}/o", method="OPTIONS",
        headers={"Origin": "http://page.example", "Access-Control-Request-Method": "GET"},
    )  # fmt: skip
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "http://page.example"
    bucket.reload()
    assert bucket.cors[0]["origin"] == ["http://page.example"]


@pytest.mark.parametrize("version", ["v2", "v4"])
def test_signed_urls_of_the_library(client, bucket, version):
    blob = bucket.blob("Café.txt")
    terms = {"version": version, "expiration": 60 if version == "v4" else int(time.time()) + 60,
             "api_access_endpoint": client.api_endpoint}  # fmt: skip
    put = blob.generate_signed_url(method="PUT", content_type="text/x", **terms)
    assert requests.put(put, data=b"1", headers={"Content-Type": "text/x"}, timeout=10).status_code == 200
    assert requests.put(put, data=b"1", headers={"Content-Type": "text/y"}, timeout=10).status_code == 403
    assert requests.get(blob.generate_signed_url(**terms), timeout=10).content == b"1"
    named = blob.generate_signed_url(query_parameters={"response-content-type": "a/b"}, **terms)
    assert requests.get(named, timeout=10).headers["Content-Type"] == "a/b"


def test_browser_forms_of_the_library(client, bucket):
    policy = client.generate_signed_post_policy_v4(
        bucket.name, "form.txt", expiration=datetime.timedelta(hours=1),
        conditions=[["content-length-range", 1, 4]], fields={"content-type": "text/plain"},
    )  # fmt: skip
    assert requests.post(policy["url"], data=policy["fields"], files={"file": b"12345"}, timeout=10).status_code == 400
    sent = requests.post(policy["url"], data=policy["fields"], files={"file": b"1234"}, timeout=10)
    assert sent.status_code == 204, sent.text
    assert bucket.get_blob("form.txt").download_as_bytes() == b"1234"
    forged = policy["fields"] | {"key": "other.txt"}
    assert requests.post(policy["url"], data=forged, files={"file": b"1"}, timeout=10).status_code == 403
