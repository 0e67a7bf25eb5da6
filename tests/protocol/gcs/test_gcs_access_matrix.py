"""Every operation x every kind of credential x every way to be allowed or not: the right answer, one record in the audit trail for
each right that was asked for, and over S3 the same answer to the same principal. The plan is that of S3's matrix."""

import json
import sys
import time
import urllib.parse
from pathlib import Path

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from google.cloud.storage._signing import generate_signed_url_v4
from google.oauth2 import service_account

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "s3"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "audit"))
from s3_clients import boto_client  # noqa: E402
from test_access_matrix import VIEWED, attempt, bind, put_policy, roles_of  # noqa: E402
from test_audit import entries_of  # noqa: E402
from traffic.connection import Connection  # noqa: E402
from traffic.gcs import Gcs, fetch_token  # noqa: E402

KEY = "in/k"
OBJECT = "/storage/v1/b/BUCKET/o/in%2Fk"
UPLOAD = "/upload/storage/v1/b/BUCKET/o?name=in%2Fk&uploadType="
JSON = [("Content-Type", "application/json")]
PARTS = (b'--b\r\nContent-Type: application/json\r\n\r\n{"name":"in/k"}\r\n--b\r\nContent-Type: text/plain\r\n\r\nnew\r\n--b--\r\n')
RELATED = [("Content-Type", "multipart/related; boundary=b")]
COMPOSE = b'{"sourceObjects":[{"name":"in/k"}]}'
POLICY = b'{"version":1,"bindings":[{"role":"roles/storage.objectViewer","members":["user:x"]}]}'
READER = b'{"entity":"allAuthenticatedUsers","role":"READER"}'
VERSIONING = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
NO_LINES = b"<AccessControlList><Entries/></AccessControlList>"
UNIFORM = {"uniformBucketLevelAccess": {"enabled": True}}
OF_OBJECT = {"Key": KEY}
COPY = {"Key": "in/copy", "CopySource": "BUCKET/in/k"}


def operations():
    """(permissions, name, method, target, body, headers, the same over S3)."""
    get, put, delete, listed = ("GetObject",), ("PutObject",), ("DeleteObject",), ("ListBucket",)
    rows = [
        (listed, "objects.list", "GET", "/storage/v1/b/BUCKET/o", b"", [], ("list_objects_v2", {})),
        (listed, "xml list", "GET", "/BUCKET", b"", [], ("list_objects", {})),
        (listed, "xml list 2", "GET", "/BUCKET?list-type=2", b"", [], ("list_objects_v2", {})),
        (listed, "buckets.get", "GET", "/storage/v1/b/BUCKET", b"", [], ("head_bucket", {})),
        (listed, "buckets.getStorageLayout", "GET", "/storage/v1/b/BUCKET/storageLayout", b"", [], None),
        (listed, "xml head bucket", "HEAD", "/BUCKET", b"", [], ("head_bucket", {})),
        (("DeleteBucket",), "xml delete bucket", "DELETE", "/BUCKET", b"", [], ("delete_bucket", {})),
        (listed, "xml bucket setting", "GET", "/BUCKET?versioning", b"", [], None),
        (("DeleteBucket",), "buckets.delete", "DELETE", "/storage/v1/b/BUCKET", b"", [], ("delete_bucket", {})),
        (("GetBucketPolicy",), "buckets.getIamPolicy", "GET", "/storage/v1/b/BUCKET/iam", b"", [], ("get_bucket_policy", {})),
        (("PutBucketPolicy",), "buckets.setIamPolicy", "PUT", "/storage/v1/b/BUCKET/iam", POLICY, JSON, None),
        (get, "objects.get", "GET", OBJECT, b"", [], ("head_object", OF_OBJECT)),
        (get, "media", "GET", OBJECT + "?alt=media", b"", [], ("get_object", OF_OBJECT)),
        (get, "download", "GET", "/download" + OBJECT + "?alt=media", b"", [("Range", "bytes=0-0")], ("get_object", OF_OBJECT)),
        (get, "xml get", "GET", "/BUCKET/in/k", b"", [], ("get_object", OF_OBJECT)),
        (get, "xml head", "HEAD", "/BUCKET/in/k", b"", [], ("head_object", OF_OBJECT)),
        (put, "insert media", "POST", UPLOAD + "media", b"new", [], ("put_object", OF_OBJECT | {"Body": b"new"})),
        (put, "insert multipart", "POST", UPLOAD + "multipart", PARTS, RELATED, ("put_object", OF_OBJECT | {"Body": b"new"})),
        (put, "insert resumable", "POST", UPLOAD + "resumable", b"{}", JSON, ("create_multipart_upload", OF_OBJECT)),
        (put, "xml put", "PUT", "/BUCKET/in/k", b"new", [], ("put_object", OF_OBJECT | {"Body": b"new"})),
        (put, "xml multipart", "POST", "/BUCKET/in/k?uploads", b"", [], ("create_multipart_upload", OF_OBJECT)),
        (("ListBucketMultipartUploads",), "xml list uploads", "GET", "/BUCKET?uploads", b"", [], ("list_multipart_uploads", {})),
        (("ListMultipartUploadParts",), "xml list parts", "GET", "/BUCKET/in/k?uploadId=1", b"", [], None),
        (delete, "objects.delete", "DELETE", OBJECT, b"", [], ("delete_object", OF_OBJECT)),
        (delete, "xml delete", "DELETE", "/BUCKET/in/k", b"", [], ("delete_object", OF_OBJECT)),
        (("PutObject", "GetObject"), "objects.compose", "POST", "/storage/v1/b/BUCKET/o/in%2Fc/compose", COMPOSE, JSON, None),
        (("GetObject", "PutObject"), "objects.copy", "POST", OBJECT + "/copyTo/b/BUCKET/o/in%2Fcopy", b"", [], ("copy_object", COPY)),
        (("GetObject", "PutObject"), "objects.rewrite", "POST", OBJECT + "/rewriteTo/b/BUCKET/o/in%2Fcopy", b"", [], ("copy_object", COPY)),
        (("GetObject", "DeleteObject", "PutObject"), "objects.move", "POST", OBJECT + "/moveTo/o/in%2Fmoved", b"", [], None),
        (("*",), "buckets.patch", "PATCH", "/storage/v1/b/BUCKET", b'{"labels":{"a":"b"}}', JSON, None),
        (("*",), "buckets.update", "PUT", "/storage/v1/b/BUCKET", b'{"labels":{"a":"b"}}', JSON, None),
        (("*",), "xml put bucket setting", "PUT", "/BUCKET?versioning", VERSIONING, [], None),
        (("*",), "buckets.lockRetentionPolicy", "POST", "/storage/v1/b/BUCKET/lockRetentionPolicy?ifMetagenerationMatch=9", b"", [], None),
        (("GetBucketAcl",), "bucketAccessControls.list", "GET", "/storage/v1/b/BUCKET/acl", b"", [], ("get_bucket_acl", {})),
        (("PutBucketAcl",), "bucketAccessControls.insert", "POST", "/storage/v1/b/BUCKET/acl", READER, JSON, ("put_bucket_acl", {"ACL": "private"})),
        (("GetBucketAcl",), "defaultObjectAccessControls.list", "GET", "/storage/v1/b/BUCKET/defaultObjectAcl", b"", [], None),
        (("PutBucketAcl",), "defaultObjectAccessControls.insert", "POST", "/storage/v1/b/BUCKET/defaultObjectAcl", READER, JSON, None),
        (("GetObjectAcl",), "objectAccessControls.list", "GET", OBJECT + "/acl", b"", [], ("get_object_acl", OF_OBJECT)),
        (("PutObjectAcl",), "objectAccessControls.insert", "POST", OBJECT + "/acl", READER, JSON, ("put_object_acl", OF_OBJECT | {"ACL": "private"})),
        (("GetBucketAcl",), "xml bucket acl", "GET", "/BUCKET?acl", b"", [], ("get_bucket_acl", {})),
        (("PutBucketAcl",), "xml put bucket acl", "PUT", "/BUCKET?acl", NO_LINES, [], ("put_bucket_acl", {"ACL": "private"})),
        (("GetObjectAcl",), "xml object acl", "GET", "/BUCKET/in/k?acl", b"", [], ("get_object_acl", OF_OBJECT)),
        (("PutObjectAcl",), "xml put object acl", "PUT", "/BUCKET/in/k?acl", NO_LINES, [], ("put_object_acl", OF_OBJECT | {"ACL": "private"})),
        (("GetBucketNotification",), "notifications.list", "GET", "/storage/v1/b/BUCKET/notificationConfigs", b"", [],
         ("get_bucket_notification_configuration", {})),
        (("PutBucketNotification",), "notifications.delete", "DELETE", "/storage/v1/b/BUCKET/notificationConfigs/9", b"", [],
         ("put_bucket_notification_configuration", {"NotificationConfiguration": {}})),
        (listed, "objects.list softDeleted", "GET", "/storage/v1/b/BUCKET/o?softDeleted=true", b"", [], None),
        (get, "objects.get softDeleted", "GET", OBJECT + "?softDeleted=true&generation=1", b"", [], None),
        (get, "objects.viewFullContext", "GET", OBJECT + "/viewFullContext?contextKey=c", b"", [], None),
        (("RestoreObject", "PutObject"), "objects.restore", "POST", OBJECT + "/restore?generation=1", b"", [], None),
        (listed, "objects.bulkRestore", "POST", "/storage/v1/b/BUCKET/o/bulkRestore", b"{}", JSON, None),
        (listed, "folders.list", "GET", "/storage/v1/b/BUCKET/folders", b"", [], None),
        (listed, "folders.get", "GET", "/storage/v1/b/BUCKET/folders/in%2F", b"", [], None),
        (("ListBucket", "PutObject"), "folders.insert", "POST", "/storage/v1/b/BUCKET/folders", b'{"name":"in/new/"}', JSON, None),
        (("ListBucket", "DeleteObject"), "folders.delete", "DELETE", "/storage/v1/b/BUCKET/folders/in%2F", b"", [], None),
        (("ListBucket", "DeleteObject", "DeleteObject"), "folders.deleteRecursive", "POST", "/storage/v1/b/BUCKET/folders/in%2F/deleteRecursive", b"", JSON, None),
        (("ListBucket", "GetObject", "DeleteObject", "PutObject"), "folders.rename", "POST",
         "/storage/v1/b/BUCKET/folders/in%2F/renameTo/folders/out%2F", b"", [], None),
        (listed, "operations.list", "GET", "/storage/v1/b/BUCKET/operations", b"", [], None),
        (("*",), "managedFolders.insert", "POST", "/storage/v1/b/BUCKET/managedFolders", b'{"name":"in/new/"}', JSON, None),
        (("*",), "managedFolders.delete", "DELETE", "/storage/v1/b/BUCKET/managedFolders/in%2F", b"", [], None),
        (listed, "managedFolders.list", "GET", "/storage/v1/b/BUCKET/managedFolders", b"", [], None),
        (("GetBucketPolicy",), "managedFolders.getIamPolicy", "GET", "/storage/v1/b/BUCKET/managedFolders/in%2F/iam", b"", [], None),
        (("PutBucketPolicy",), "managedFolders.setIamPolicy", "PUT", "/storage/v1/b/BUCKET/managedFolders/in%2F/iam", POLICY, JSON, None),
    ]  # fmt: skip
    return [pytest.param(*row, id=row[1]) for row in rows]


class Caller:
    """Sends with a token, or without."""

    def __init__(self, port, token):
        self.connection = Connection(port)
        self.headers = [("Authorization", f"Bearer {token}")] if token else []

    def send(self, method, target, body=b"", headers=()):
        return self.connection.exchange(method, target, [*self.headers, *headers], body)


class Signer:
    """Puts the proof into the address: V4, with the key file's RSA key."""

    def __init__(self, port, key_file):
        self.connection = Connection(port)
        self.endpoint = f"http://127.0.0.1:{port}"
        self.credentials = service_account.Credentials.from_service_account_info(json.loads(key_file))

    def send(self, method, target, body=b"", headers=()):
        path, _, query = target.partition("?")
        url = generate_signed_url_v4(
            self.credentials, resource=path, expiration=600, api_access_endpoint=self.endpoint, method=method,
            query_parameters=dict(urllib.parse.parse_qsl(query, keep_blank_values=True)),
        )  # fmt: skip
        return self.connection.exchange(method, url.removeprefix(self.endpoint), headers, body)


class HmacCaller:
    """Signs each request with an HMAC key, which is S3's access key."""

    def __init__(self, port, key):
        self.connection = Connection(port)
        self.endpoint = f"http://127.0.0.1:{port}"
        self.auth = S3SigV4Auth(Credentials(key["access_key"], key["secret_key"]), "s3", "auto")

    def send(self, method, target, body=b"", headers=()):
        request = AWSRequest(method, self.endpoint + target, dict(headers), body)
        self.auth.add_auth(request)
        return self.connection.exchange(method, target, list(request.headers.items()), body)


def self_signed(key_file):
    """A token that the key signs itself, without the token endpoint."""
    credentials = service_account.Credentials.from_service_account_info(json.loads(key_file), always_use_jwt_access=True)
    credentials._create_self_signed_jwt("https://storage.googleapis.com/")
    credentials.refresh(None)
    return credentials.token


@pytest.fixture(scope="module")
def matrix(make_server):
    server = make_server("gcs-matrix", "--s3-object-ownership", "ObjectWriter", "--audit-interval", "200ms")
    callers, s3, files = {}, {}, {}
    for name in ("ann", "cleo", "dan"):
        server.run("principals", "create", name)
    server.run("principals", "create", "bob", "--assumable-by", "cleo")
    for name in ("ann", "bob", "cleo", "dan", "root"):
        files[name] = server.run("keys", "create", "--principal", name, "--kind", "service-account").stdout
        callers[name] = Caller(server.gcs_port, fetch_token(server.gcs_port, files[name]))
        key = server.run_json("keys", "create", "--principal", name)
        s3[name] = boto_client(server, access_key=key["access_key"], secret_key=key["secret_key"])
        callers[f"{name}, by a signed address"] = Signer(server.gcs_port, files[name])
        callers[f"{name}, by an HMAC key"] = HmacCaller(server.gcs_port, key)
    server.run("grants", "add", "makers", "--principal", "ann", "--prefix", "/", "--role", "creator")
    server.run("grants", "add", "dan", "--principal", "dan", "--prefix", "/", "--role", "owner")
    callers["nobody"] = Caller(server.gcs_port, "")
    callers["wrong token"] = Caller(server.gcs_port, "ya29.br.wrong")
    callers["ann, self-signed"] = Caller(server.gcs_port, self_signed(files["ann"]))
    for name, scope in (("cleo as bob", "cloud-platform"), ("cleo as bob, reading", "devstorage.read_only")):
        callers[name] = Caller(server.gcs_port, acting(callers["cleo"], "bob", scope))
    gcs = Gcs(server.gcs_port, fetch_token(server.gcs_port, files["root"]))
    yield server, callers, s3, gcs
    gcs.close()


def acting(caller, account, scope):
    body = json.dumps({"scope": [f"https://www.googleapis.com/auth/{scope}"]}).encode()
    answer = caller.send("POST", f"/v1/projects/-/serviceAccounts/{account}@lake.beringia.local:generateAccessToken", body, JSON)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)["accessToken"]


def narrowed(server, caller, bucket, roles):
    """The caller's token, good for these roles in this bucket."""
    rule = {"availableResource": f"//storage.googleapis.com/projects/_/buckets/{bucket}", "availablePermissions": [f"inRole:{role}" for role in roles]}
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": caller.headers[0][1].split()[1],
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "options": json.dumps({"accessBoundary": {"accessBoundaryRules": [rule]}}),
    }  # fmt: skip
    answer = Caller(server.gcs_port, "").send(
        "POST", "/v1/token", urllib.parse.urlencode(form).encode(), [("Content-Type", "application/x-www-form-urlencoded")]
    )
    assert answer.status == 200, answer.body
    return Caller(server.gcs_port, json.loads(answer.body)["access_token"])


def filled(value, bucket):
    if isinstance(value, dict):
        return {name: filled(one, bucket) for name, one in value.items()}
    return value.replace("BUCKET", bucket) if isinstance(value, str) else value


def cases_of(permissions):
    """(case, who, what is given or taken to whom, whether it is let through)."""
    gives = sorted({roles_of(one)[0] for one in permissions})
    lacks = [roles_of(one)[1] for one in permissions[:1]]
    # A reading scope lists uploads, too, though who may view objects may not.
    reads = all(one in VIEWED or one == "ListBucketMultipartUploads" for one in permissions)
    return [
        ("no credentials", "nobody", None, False),
        ("wrong token", "wrong token", None, False),
        ("no permission", "cleo", None, False),
        *[(f"{one} denied by a policy of S3", "dan", ("Deny", "dan", [one]), False) for one in permissions],
        ("granted by a policy of S3", "bob", ("Allow", "bob", permissions), True),
        ("granted by a binding", "bob", ("bind", "bob", gives), True),
        ("another role by a binding", "bob", ("bind", "bob", lacks), False),
        ("granted by a grant", "dan", None, True),
        ("owner", "ann", None, True),
        ("owner by a token that it signed itself", "ann, self-signed", None, True),
        ("root", "root", None, True),
        ("as another, who has no permission", "cleo as bob", None, False),
        ("as another, by a binding", "cleo as bob", ("bind", "bob", gives), True),
        ("as another, by a binding, for reading", "cleo as bob, reading", ("bind", "bob", gives), reads),
        ("owner, narrowed to what it needs", ("ann", gives), None, True),
        ("owner, narrowed to something else", ("ann", lacks), None, False),
        ("root, narrowed to another bucket", ("root", None), None, False),
        ("no permission, narrowed to all", ("cleo", ["roles/storage.admin"]), None, False),
    ]


def signed_cases_of(permissions):
    """Of the XML API, which takes proofs that are no tokens."""
    gives = sorted({roles_of(one)[0] for one in permissions})
    return [
        (f"{case}, {way}", f"{who}, {way}", change, expected)
        for way in ("by a signed address", "by an HMAC key")
        for case, who, change, expected in (
            ("no permission", "cleo", None, False), ("owner", "ann", None, True), ("by a binding", "bob", ("bind", "bob", gives), True),
            ("denied by a policy of S3", "dan", ("Deny", "dan", permissions[:1]), False),
        )
    ]  # fmt: skip


def prepare(matrix, bucket, change, has_folders=False):
    _, callers, s3, gcs = matrix
    if has_folders:
        body = json.dumps({"name": bucket, "hierarchicalNamespace": {"enabled": True}, "iamConfiguration": UNIFORM}).encode()
        assert callers["ann"].send("POST", "/storage/v1/b?project=p", body, JSON).status == 200
    else:
        s3["ann"].create_bucket(Bucket=bucket)
    s3["ann"].put_object(Bucket=bucket, Key=KEY, Body=b"x", ACL="bucket-owner-full-control")
    if change is None:
        return
    kind, whom, what = change
    if kind == "bind":
        for role in what:
            bind(gcs, bucket, role, whom)
        return
    if len(what) == 1:
        put_policy(s3["ann"], bucket, kind, whom, what[0])
        return
    statement = {"Effect": kind, "Principal": {"AWS": whom}, "Action": ["s3:" + one for one in what],
                 "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}  # fmt: skip
    s3["ann"].put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [statement]}))


def records_of(server):
    """What the GCS door has recorded so far, by request. A partial tile may go while it is read."""
    for _ in range(100):
        try:
            records = entries_of(server.data / "audit")
        except FileNotFoundError:
            continue
        found = {}
        for record in records:
            if record["api"]["service"]["name"] == "gcs":
                found.setdefault(record["api"].get("request", {}).get("uid"), []).append(record)
        return found
    raise AssertionError("the log never stood still")


@pytest.mark.parametrize(("permissions", "name", "method", "target", "body", "headers", "over_s3"), operations())
def test_answers_and_records(matrix, bucket_name, permissions, name, method, target, body, headers, over_s3):
    server, callers, s3, _ = matrix
    asked = {}
    cases = cases_of(permissions) + (signed_cases_of(permissions) if target.startswith("/BUCKET") else [])
    for number, (case, who, change, expected) in enumerate(cases):
        bucket = f"{bucket_name}-{number}"
        prepare(matrix, bucket, change, name.startswith("folders."))
        if isinstance(who, tuple):
            base, roles = who
            caller = narrowed(server, callers[base], bucket if roles else "other", roles or ["roles/storage.admin"])
        else:
            caller = callers[who]
        if over_s3 and isinstance(who, str) and who in s3:
            operation, arguments = over_s3
            passed, _ = attempt(s3[who], operation, {"Bucket": bucket} | filled(arguments, bucket))
            assert passed == expected, f"over S3: {case}"
        answer = caller.send(method, filled(target, bucket), body, headers)
        assert answer.status < 500, (case, answer.body)
        assert (answer.status not in (401, 403)) == expected, (case, answer.status, answer.body)
        asked[answer.header("X-GUploader-UploadID")] = (case, bucket, expected)
    assert len(asked) == len(cases)
    # Signed in the order in which they ended: wait for the last, then every one must be there.
    deadline = time.monotonic() + 20
    while not set(asked) <= set(found := records_of(server)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for request, (case, bucket, expected) in asked.items():
        records = found.get(request, [])
        assert 1 <= len(records) <= len(permissions), (case, records)
        decisions = {one["actor"]["authorizations"][0]["decision"] for one in records}
        assert (decisions == {"allow"}) == expected, (case, records)
        assert bucket in json.dumps(records), (case, records)
