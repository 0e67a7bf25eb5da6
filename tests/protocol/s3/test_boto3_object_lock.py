"""Object lock by boto3: of buckets, retention, legal holds, bypass, defaults, and what they forbid."""

import datetime
import json

import pytest

from s3_clients import boto_client, refused

DAY = datetime.timedelta(days=1)


def in_days(days):
    return (datetime.datetime.now(datetime.timezone.utc) + days * DAY).replace(microsecond=0)


@pytest.fixture
def locked(s3, bucket_name):
    s3.create_bucket(Bucket=bucket_name, ObjectLockEnabledForBucket=True)
    return bucket_name


def put(s3, bucket, body=b"x", **more):
    return s3.put_object(Bucket=bucket, Key="k", Body=body, **more)["VersionId"]


def remove(s3, bucket, version, **more):
    s3.delete_object(Bucket=bucket, Key="k", VersionId=version, **more)


def test_a_bucket_made_with_locks_keeps_versions(s3, locked, bucket_name):
    assert s3.get_bucket_versioning(Bucket=locked)["Status"] == "Enabled"
    assert s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"] == {"ObjectLockEnabled": "Enabled"}
    with refused("InvalidBucketState", 409):
        s3.put_bucket_versioning(Bucket=locked, VersioningConfiguration={"Status": "Suspended"})
    for rule in (
        {"Mode": "GOVERNANCE", "Days": 3},
        {"Mode": "COMPLIANCE", "Years": 2},
    ):
        wanted = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": rule}}
        s3.put_object_lock_configuration(Bucket=locked, ObjectLockConfiguration=wanted)
        assert s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"] == wanted
    for rule, code in (
        ({"Mode": "GOVERNANCE", "Days": 0}, "InvalidRetentionPeriod"),
        ({"Mode": "GOVERNANCE", "Years": -1}, "InvalidRetentionPeriod"),
        ({"Mode": "governance", "Days": 1}, "MalformedXML"),
        ({"Mode": "GOVERNANCE", "Days": 1, "Years": 1}, "MalformedXML"),
        ({"Mode": "GOVERNANCE"}, "MalformedXML"),
    ):
        with refused(code, 400):
            s3.put_object_lock_configuration(
                Bucket=locked,
                ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": rule}},
            )


def test_locks_need_versions(s3, bucket):
    wanted = {"ObjectLockEnabled": "Enabled"}
    with refused("ObjectLockConfigurationNotFoundError", 404):
        s3.get_object_lock_configuration(Bucket=bucket)
    with refused("InvalidBucketState", 409):
        s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=wanted)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for call, arguments in (
        (s3.put_object_legal_hold, {"LegalHold": {"Status": "ON"}}),
        (s3.put_object_retention, {"Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": in_days(1)}}),
        (s3.get_object_legal_hold, {}),
        (s3.get_object_retention, {}),
    ):
        with refused("InvalidRequest", 400):
            call(Bucket=bucket, Key="k", **arguments)
    with refused("InvalidRequest", 400):
        s3.put_object(Bucket=bucket, Key="other", Body=b"x", ObjectLockLegalHoldStatus="ON")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=wanted)
    s3.put_object_legal_hold(Bucket=bucket, Key="k", LegalHold={"Status": "ON"})


def test_retention_is_kept_and_told(s3, locked):
    until = in_days(5)
    version = put(s3, locked, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until, ObjectLockLegalHoldStatus="ON")
    for answer in (s3.head_object(Bucket=locked, Key="k"), s3.get_object(Bucket=locked, Key="k", VersionId=version)):
        assert (answer["ObjectLockMode"], answer["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", until)
        assert answer["ObjectLockLegalHoldStatus"] == "ON"
    assert s3.get_object_retention(Bucket=locked, Key="k")["Retention"] == {"Mode": "GOVERNANCE", "RetainUntilDate": until}
    assert s3.get_object_legal_hold(Bucket=locked, Key="k")["LegalHold"]["Status"] == "ON"
    with refused("AccessDenied", 403):
        remove(s3, locked, version, BypassGovernanceRetention=True)
    s3.put_object_legal_hold(Bucket=locked, Key="k", LegalHold={"Status": "OFF"})
    with refused("AccessDenied", 403):
        remove(s3, locked, version)
    assert s3.get_object(Bucket=locked, Key="k", VersionId=version)["Body"].read() == b"x"
    remove(s3, locked, version, BypassGovernanceRetention=True)
    with refused("NoSuchVersion", 404):
        s3.get_object(Bucket=locked, Key="k", VersionId=version)


def test_bad_requests_of_locks(s3, locked):
    for more in (
        {"ObjectLockMode": "GOVERNANCE"},
        {"ObjectLockRetainUntilDate": in_days(1)},
        {"ObjectLockMode": "governance", "ObjectLockRetainUntilDate": in_days(1)},
        {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": in_days(-1)},
        {"ObjectLockLegalHoldStatus": "on"},
    ):
        with refused("InvalidArgument", 400):
            put(s3, locked, **more)
    put(s3, locked)
    with refused("MalformedXML", 400):
        s3.put_object_legal_hold(Bucket=locked, Key="k", LegalHold={"Status": "abc"})
    with refused("InvalidArgument", 400):
        s3.put_object_retention(Bucket=locked, Key="k", Retention={"Mode": "GOVERNANCE", "RetainUntilDate": in_days(-1)})
    with refused("NoSuchObjectLockConfiguration", 404):
        s3.get_object_retention(Bucket=locked, Key="k")
    assert s3.get_object_legal_hold(Bucket=locked, Key="k")["LegalHold"]["Status"] == "OFF"


def test_compliance_cannot_be_weakened(s3, locked):
    version = put(s3, locked, ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=in_days(2))
    for retention in (
        {"Mode": "COMPLIANCE", "RetainUntilDate": in_days(1)},
        {"Mode": "GOVERNANCE", "RetainUntilDate": in_days(3)},
        {},
    ):
        with refused("AccessDenied", 403):
            s3.put_object_retention(Bucket=locked, Key="k", Retention=retention, BypassGovernanceRetention=True)
    s3.put_object_retention(Bucket=locked, Key="k", Retention={"Mode": "COMPLIANCE", "RetainUntilDate": in_days(4)})
    # It is replaced and deleted like any other; that version stays.
    put(s3, locked, b"newer")
    marker = s3.delete_object(Bucket=locked, Key="k")["VersionId"]
    with refused("AccessDenied", 403):
        remove(s3, locked, version, BypassGovernanceRetention=True)
    remove(s3, locked, marker)
    assert s3.get_object(Bucket=locked, Key="k", VersionId=version)["Body"].read() == b"x"
    answer = s3.delete_objects(Bucket=locked, Delete={"Objects": [{"Key": "k", "VersionId": version}]})
    assert answer["Errors"][0]["Code"] == "AccessDenied"


def test_new_versions_have_the_default(s3, locked):
    rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 2}}}
    s3.put_object_lock_configuration(Bucket=locked, ObjectLockConfiguration=rule)
    version = put(s3, locked)
    retention = s3.get_object_retention(Bucket=locked, Key="k")["Retention"]
    assert retention["Mode"] == "GOVERNANCE" and abs(retention["RetainUntilDate"] - in_days(2)) < DAY / 24
    own = in_days(1)
    other = put(s3, locked, ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=own)
    assert s3.get_object_retention(Bucket=locked, Key="k", VersionId=other)["Retention"]["RetainUntilDate"] == own
    upload = s3.create_multipart_upload(Bucket=locked, Key="k", ObjectLockLegalHoldStatus="ON")["UploadId"]
    etag = s3.upload_part(Bucket=locked, Key="k", UploadId=upload, PartNumber=1, Body=b"part")["ETag"]
    s3.complete_multipart_upload(
        Bucket=locked, Key="k", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]}
    )  # fmt: skip
    answer = s3.head_object(Bucket=locked, Key="k")
    assert (answer["ObjectLockMode"], answer["ObjectLockLegalHoldStatus"]) == ("GOVERNANCE", "ON")
    with refused("AccessDenied", 403):
        remove(s3, locked, version)


def test_bypassing_needs_its_own_right(server, s3, locked, bucket_name):
    version = put(s3, locked, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=in_days(2))
    name = "writer-" + bucket_name[-8:]
    server.run("principals", "create", name)
    key = server.run_json("keys", "create", "--principal", name)
    server.run("grants", "add", name, "--principal", name, "--prefix", f"/{locked}/", "--role", "writer")
    writer = boto_client(server, access_key=key["access_key"], secret_key=key["secret_key"])
    with refused("AccessDenied", 403):
        remove(writer, locked, version, BypassGovernanceRetention=True)
    statement = {"Effect": "Allow", "Principal": {"AWS": name}, "Resource": f"arn:aws:s3:::{locked}/*",
                 "Action": ["s3:BypassGovernanceRetention", "s3:DeleteObjectVersion"]}  # fmt: skip
    s3.put_bucket_policy(Bucket=locked, Policy=json.dumps({"Statement": [statement]}))
    with refused("AccessDenied", 403):
        remove(writer, locked, version)
    remove(writer, locked, version, BypassGovernanceRetention=True)
