"""Temporary credentials as AWS clients get and use them: AssumeRole, GetSessionToken, session policies."""

import json
import sys
import time
from pathlib import Path

import boto3
import botocore.exceptions
import pytest
import requests

from s3_clients import boto_client

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "audit"))
from test_audit import entries_of  # noqa: E402

ROLE = "arn:aws:iam::000000000000:role/{}"


@pytest.fixture(scope="module")
def lake(make_server):
    """catalog may take etl's rights; etl has a bucket; ann has nothing."""
    server = make_server("sts")
    server.run("principals", "create", "etl", "--assumable-by", "catalog")
    for name in ("catalog", "ann"):
        server.run("principals", "create", name)
    server.run("grants", "add", "makers", "--principal", "etl", "--prefix", "/", "--role", "creator")
    etl = key_of(server, "etl")
    s3_of(server, etl).create_bucket(Bucket="sales")
    for key in ("a/1", "b/1"):
        s3_of(server, etl).put_object(Bucket="sales", Key=key, Body=key.encode())
    return server


def key_of(server, principal):
    made = server.run_json("keys", "create", "--principal", principal)
    return {"AccessKeyId": made["access_key"], "SecretAccessKey": made["secret_key"]}


def sts_of(server, credentials):
    return boto3.client(
        "sts", endpoint_url=server.s3_url, region_name="us-east-1", aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"], aws_session_token=credentials.get("SessionToken"),
    )  # fmt: skip


def s3_of(server, credentials):
    return boto_client(server, access_key=credentials["AccessKeyId"], secret_key=credentials["SecretAccessKey"],
                       token=credentials.get("SessionToken"), signature_version="s3v4")  # fmt: skip


def refused(call):
    """(status, code) of the error that the call ends with."""
    with pytest.raises(botocore.exceptions.ClientError) as problem:
        call()
    return problem.value.response["ResponseMetadata"]["HTTPStatusCode"], code_of(problem)


def code_of(problem):
    return problem.value.response["Error"]["Code"]


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, *resources, **more):
    return {"Effect": "Allow", "Action": actions, "Resource": [f"arn:aws:s3:::{name}" for name in resources], **more}


@pytest.fixture(scope="module")
def catalog(lake):
    return sts_of(lake, key_of(lake, "catalog"))


def assume(catalog, **more):
    return catalog.assume_role(RoleArn=ROLE.format("etl"), RoleSessionName="run-1", **more)


def test_a_role_is_a_principal_whose_rights_the_session_has(lake, catalog):
    answer = assume(catalog)
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts:::assumed-role/etl/run-1"
    left = answer["Credentials"]["Expiration"] - answer["Credentials"]["Expiration"].now(answer["Credentials"]["Expiration"].tzinfo)
    assert 3500 < left.total_seconds() <= 3600
    s3 = s3_of(lake, answer["Credentials"])
    assert s3.get_object(Bucket="sales", Key="a/1")["Body"].read() == b"a/1"
    s3.put_object(Bucket="sales", Key="made", Body=b"x")
    url = s3.generate_presigned_url("get_object", {"Bucket": "sales", "Key": "made"})
    assert requests.get(url, timeout=10).content == b"x"
    s3.delete_object(Bucket="sales", Key="made")
    assert sts_of(lake, answer["Credentials"]).get_caller_identity()["UserId"] == "etl"


def test_a_session_policy_narrows_and_never_widens(lake, catalog):
    narrow = policy(allow("s3:GetObject", "sales/a/*"), allow("s3:ListBucket", "sales", Condition={"StringLike": {"s3:prefix": "a/*"}}))
    s3 = s3_of(lake, assume(catalog, Policy=narrow)["Credentials"])
    assert s3.get_object(Bucket="sales", Key="a/1")["Body"].read() == b"a/1"
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="sales", Prefix="a/")["Contents"]] == ["a/1"]
    for what in (
        lambda: s3.get_object(Bucket="sales", Key="b/1"), lambda: s3.put_object(Bucket="sales", Key="a/2", Body=b""),
        lambda: s3.list_objects_v2(Bucket="sales"), lambda: s3.delete_object(Bucket="sales", Key="a/1"),
        lambda: s3.create_bucket(Bucket="other-bucket"), lambda: s3.put_bucket_policy(Bucket="sales", Policy=narrow),
    ):  # fmt: skip
        assert refused(what) == (403, "AccessDenied")
    # What the principal may not do, no policy of its session gives.
    ann = sts_of(lake, key_of(lake, "ann")).assume_role(RoleArn=ROLE.format("ann"), RoleSessionName="wide", Policy=policy(allow("s3:*", "*")))
    assert refused(lambda: s3_of(lake, ann["Credentials"]).get_object(Bucket="sales", Key="a/1")) == (403, "AccessDenied")
    # root, too, is narrowed.
    root = sts_of(lake, {"AccessKeyId": lake.access_key, "SecretAccessKey": lake.secret_key})
    s3 = s3_of(lake, root.assume_role(RoleArn=ROLE.format("root"), RoleSessionName="narrow", Policy=narrow)["Credentials"])
    assert s3.get_object(Bucket="sales", Key="a/1")["Body"].read() == b"a/1"
    assert refused(lambda: s3.get_object(Bucket="sales", Key="b/1")) == (403, "AccessDenied")


def test_who_is_not_named_may_not_assume(lake, catalog):
    ann = sts_of(lake, key_of(lake, "ann"))
    for role in ("etl", "catalog", "root", "nobody"):
        with pytest.raises(botocore.exceptions.ClientError) as problem:
            ann.assume_role(RoleArn=ROLE.format(role), RoleSessionName="x1")
        assert code_of(problem) == "AccessDenied", role
    # Nor does a session begin another: it would lose its policy.
    session = sts_of(lake, assume(catalog, Policy=policy(allow("s3:GetObject", "sales/a/*")))["Credentials"])
    for call in (lambda: session.assume_role(RoleArn=ROLE.format("etl"), RoleSessionName="again"), session.get_session_token):
        with pytest.raises(botocore.exceptions.ClientError) as problem:
            call()
        assert code_of(problem) == "AccessDenied"


def test_get_session_token(lake):
    credentials = key_of(lake, "etl")
    session = sts_of(lake, credentials).get_session_token(DurationSeconds=900)["Credentials"]
    s3 = s3_of(lake, session)
    assert s3.get_object(Bucket="sales", Key="b/1")["Body"].read() == b"b/1"
    # The key that began it ends it.
    lake.run("keys", "disable", credentials["AccessKeyId"])
    assert refused(lambda: s3.get_object(Bucket="sales", Key="b/1"))[0] == 403


def test_bad_requests_are_refused(lake, catalog):
    for more, code in (
        ({"Policy": "{"}, "MalformedPolicyDocument"), ({"Policy": policy({"Effect": "Allow", "Action": "s3:Nothing", "Resource": "*"})}, "MalformedPolicyDocument"),
        ({"Policy": policy(allow("s3:*", "*", Principal="*"))}, "MalformedPolicyDocument"), ({"DurationSeconds": 43201}, "ValidationError"),
        ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}]}, "ValidationError"), ({"Tags": [{"Key": "a", "Value": "b"}]}, "ValidationError"),
        ({"SerialNumber": "GAHT12345678", "TokenCode": "123456"}, "ValidationError"),
    ):  # fmt: skip
        with pytest.raises(botocore.exceptions.ClientError) as problem:
            assume(catalog, **more)
        assert code_of(problem) == code, more
    for arn in ("arn:aws:iam::000000000000:user/etl", "arn:aws:iam::000000000000:role/", "etl-and-some-more-text"):
        with pytest.raises(botocore.exceptions.ClientError) as problem:
            catalog.assume_role(RoleArn=arn, RoleSessionName="x1")
        assert code_of(problem) in ("ValidationError", "AccessDenied"), arn
    wrong = key_of(lake, "catalog") | {"SecretAccessKey": "x" * 40}
    with pytest.raises(botocore.exceptions.ClientError) as problem:
        sts_of(lake, wrong).get_caller_identity()
    assert code_of(problem) == "SignatureDoesNotMatch"


def test_tokens_hold_only_together_with_their_keys(lake, catalog):
    one, other = assume(catalog)["Credentials"], assume(catalog)["Credentials"]
    for credentials in (one | {"SessionToken": other["SessionToken"]}, one | {"SessionToken": "x" * 100}, one | {"SessionToken": one["SessionToken"][:-2]}):
        assert refused(lambda credentials=credentials: s3_of(lake, credentials).get_object(Bucket="sales", Key="a/1")) == (400, "InvalidToken")
    without = {name: value for name, value in one.items() if name != "SessionToken"}
    assert refused(lambda: s3_of(lake, without).get_object(Bucket="sales", Key="a/1")) == (403, "InvalidAccessKeyId")
    assert refused(lambda: s3_of(lake, one | {"SecretAccessKey": "x" * 40}).get_object(Bucket="sales", Key="a/1")) == (403, "SignatureDoesNotMatch")


def test_sessions_are_in_the_audit_trail_without_their_secrets(lake, catalog):
    made = assume(catalog, Policy=policy(allow("s3:GetObject", "sales/a/*")))["Credentials"]
    s3 = s3_of(lake, made)
    s3.get_object(Bucket="sales", Key="a/1")
    assert refused(lambda: s3.get_object(Bucket="sales", Key="b/1")) == (403, "AccessDenied")
    deadline = time.monotonic() + 20
    while True:
        records = entries_of(lake.data / "audit")
        own = [record for record in records if made["AccessKeyId"] in json.dumps(record)]
        if len(own) >= 3 or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    assert len(own) == 3, own
    text = json.dumps(records)
    assert made["SessionToken"] not in text and made["SecretAccessKey"] not in text
