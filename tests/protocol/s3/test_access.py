"""Who may do what in a bucket, as its owner says it in S3's own words: policies, lists, blocks, CORS, forms."""

import base64
import datetime
import hashlib
import hmac
import json
import urllib.parse

import boto3
import botocore
import botocore.config
import pytest
import requests

from s3_clients import boto_client, refused

PUBLIC = "http://acs.amazonaws.com/groups/global/AllUsers"


@pytest.fixture(scope="module")
def access_server(make_server):
    """Buckets here have lists, unless they say otherwise; ann may make buckets, bob may nothing."""
    server = make_server("access", "--s3-object-ownership", "ObjectWriter")
    for name in ("ann", "bob"):
        server.run("principals", "create", name)
    server.run("grants", "add", "makers", "--principal", "ann", "--prefix", "/", "--role", "creator")
    return server


def client_of(server, principal):
    key = server.run_json("keys", "create", "--principal", principal)
    client = boto_client(server, access_key=key["access_key"], secret_key=key["secret_key"], signature_version="s3v4")
    client.key = key
    return client


@pytest.fixture(scope="module")
def ann(access_server):
    return client_of(access_server, "ann")


@pytest.fixture(scope="module")
def bob(access_server):
    return client_of(access_server, "bob")


@pytest.fixture(scope="module")
def nobody(access_server):
    return boto3.client(
        "s3", endpoint_url=access_server.s3_url, region_name=access_server.region,
        config=botocore.config.Config(signature_version=botocore.UNSIGNED, s3={"addressing_style": "path"}),
    )  # fmt: skip


@pytest.fixture
def bucket(ann, bucket_name):
    ann.create_bucket(Bucket=bucket_name)
    ann.put_object(Bucket=bucket_name, Key="in/a", Body=b"a")
    return bucket_name


def policy(bucket, *statements):
    defaults = {"Effect": "Allow", "Principal": "*", "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}
    return json.dumps({"Version": "2012-10-17", "Statement": [defaults | one for one in statements]})


def test_a_creator_owns_what_it_made_and_nothing_else(access_server, ann, bob, bucket):
    assert ann.get_object(Bucket=bucket, Key="in/a")["Body"].read() == b"a"
    with refused("AccessDenied", 403):
        bob.get_object(Bucket=bucket, Key="in/a")
    with refused("AccessDenied", 403):
        bob.create_bucket(Bucket=bucket + "-2")
    with refused("NoSuchBucket", 404):
        ann.list_objects_v2(Bucket=bucket + "-none")
    with refused("AccessDenied", 403):
        bob.list_objects_v2(Bucket=bucket + "-none")


def test_a_policy_gives_and_takes(ann, bob, bucket):
    document = policy(
        bucket,
        {"Principal": {"AWS": "arn:aws:iam::1:user/bob"}, "Action": ["s3:GetObject", "s3:ListBucket"]},
        {"Effect": "Deny", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/in/secret*"},
    )
    ann.put_object(Bucket=bucket, Key="in/secret", Body=b"s")
    ann.put_bucket_policy(Bucket=bucket, Policy=document)
    assert ann.get_bucket_policy(Bucket=bucket)["Policy"] == document
    assert bob.get_object(Bucket=bucket, Key="in/a")["Body"].read() == b"a"
    assert bob.list_objects_v2(Bucket=bucket)["KeyCount"] == 2
    for client in (ann, bob):
        with refused("AccessDenied", 403):
            client.get_object(Bucket=bucket, Key="in/secret")
    with refused("AccessDenied", 403):
        bob.put_object(Bucket=bucket, Key="in/b", Body=b"")
    assert not ann.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"]
    ann.delete_bucket_policy(Bucket=bucket)
    with refused("NoSuchBucketPolicy", 404):
        ann.get_bucket_policy(Bucket=bucket)
    with refused("AccessDenied", 403):
        bob.get_object(Bucket=bucket, Key="in/a")


def test_conditions_look_at_the_request_and_at_the_object(ann, bob, bucket):
    ann.put_bucket_policy(
        Bucket=bucket,
        Policy=policy(
            bucket,
            {"Action": "s3:ListBucket", "Condition": {"StringLike": {"s3:prefix": "in/*"}}},
            {"Action": "s3:GetObject", "Condition": {"StringEquals": {"s3:ExistingObjectTag/stage": "done"}}},
            {"Action": "s3:PutObject", "Condition": {"StringEquals": {"s3:RequestObjectTag/stage": "raw"}}},
            {"Action": "s3:GetObjectTagging", "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}},
            {"Action": "s3:GetObjectAttributes", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        ),
    )
    assert bob.list_objects_v2(Bucket=bucket, Prefix="in/")["KeyCount"] == 1
    with refused("AccessDenied", 403):
        bob.list_objects_v2(Bucket=bucket)
    with refused("AccessDenied", 403):
        bob.get_object(Bucket=bucket, Key="in/a")
    ann.put_object_tagging(Bucket=bucket, Key="in/a", Tagging={"TagSet": [{"Key": "stage", "Value": "done"}]})
    assert bob.get_object(Bucket=bucket, Key="in/a")["Body"].read() == b"a"
    bob.put_object(Bucket=bucket, Key="in/b", Body=b"b", Tagging="stage=raw")
    with refused("AccessDenied", 403):
        bob.put_object(Bucket=bucket, Key="in/c", Body=b"c", Tagging="stage=done")
    bob.get_object_tagging(Bucket=bucket, Key="in/a")
    with refused("AccessDenied", 403):
        bob.get_object_attributes(Bucket=bucket, Key="in/a", ObjectAttributes=["ObjectSize"])


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Maybe"},
        {"Action": "s3:Fly"},
        {"Principal": {"AWS": "b*b"}},
        {"Resource": "arn:aws:s3:::somebody-elses/*"},
        {"Condition": {"StringEquals": {"aws:Moon": "full"}}},
        {"Condition": {"StringNearly": {"aws:SourceIp": "x"}}},
        {"Surprise": True},
    ],
)
def test_what_a_policy_cannot_mean_here_is_refused(ann, bucket, change):
    with refused("MalformedPolicy", 400):
        ann.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, {"Action": "s3:GetObject"} | change))
    with refused("NoSuchBucketPolicy", 404):
        ann.get_bucket_policy(Bucket=bucket)


def test_nobody_gets_in_without_a_credential_unless_it_is_said(ann, nobody, bucket):
    with refused("AccessDenied", 403):
        nobody.get_object(Bucket=bucket, Key="in/a")
    ann.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, {"Action": "s3:GetObject"}))
    assert nobody.get_object(Bucket=bucket, Key="in/a")["Body"].read() == b"a"
    assert ann.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"]
    for call, arguments in ((nobody.put_object, {"Key": "x"}), (nobody.list_objects_v2, {}), (nobody.delete_object, {"Key": "in/a"})):
        with refused("AccessDenied", 403):
            call(Bucket=bucket, **arguments)
    with refused("AccessDenied", 403):
        nobody.list_buckets()


def test_lists_give_what_they_name(ann, bob, nobody, bucket):
    ann.put_object(Bucket=bucket, Key="open", Body=b"o", ACL="public-read")
    assert nobody.get_object(Bucket=bucket, Key="open")["Body"].read() == b"o"
    grants = ann.get_object_acl(Bucket=bucket, Key="open")["Grants"]
    assert {(one["Grantee"].get("URI"), one["Grantee"].get("ID"), one["Permission"]) for one in grants} == {
        (PUBLIC, None, "READ"), (None, "ann", "FULL_CONTROL"),
    }  # fmt: skip
    ann.put_bucket_acl(Bucket=bucket, GrantWrite='id="bob"', GrantFullControl='id="ann"')
    bob.put_object(Bucket=bucket, Key="bobs", Body=b"b")
    with refused("AccessDenied", 403):
        bob.list_objects_v2(Bucket=bucket)
    with refused("AccessDenied", 403):
        ann.get_object(Bucket=bucket, Key="bobs")
    bob.put_object_acl(Bucket=bucket, Key="bobs", ACL="bucket-owner-read")
    assert ann.get_object(Bucket=bucket, Key="bobs")["Body"].read() == b"b"
    assert bob.get_object_acl(Bucket=bucket, Key="bobs")["Owner"]["ID"] == "bob"
    with refused("InvalidArgument", 400):
        ann.put_bucket_acl(Bucket=bucket, GrantRead='id="no-such-principal"')


def test_versions_are_judged_by_their_own_lists_and_tags(ann, bob, bucket):
    ann.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = ann.put_object(Bucket=bucket, Key="k", Body=b"old", ACL="public-read", Tagging="stage=done")["VersionId"]
    new = ann.put_object(Bucket=bucket, Key="k", Body=b"new", Tagging="stage=raw")["VersionId"]
    assert bob.get_object(Bucket=bucket, Key="k", VersionId=old)["Body"].read() == b"old"
    copied = {"Bucket": bucket, "Key": "k"}
    for version in ({}, {"VersionId": new}):
        with refused("AccessDenied", 403):
            bob.get_object(Bucket=bucket, Key="k", **version)
        with refused("AccessDenied", 403):
            bob.copy_object(Bucket=bucket, Key="copy", CopySource=copied | version)
    ann.put_object_acl(Bucket=bucket, Key="k", VersionId=old, ACL="private")
    ann.put_object_acl(Bucket=bucket, Key="k", ACL="public-read")
    assert bob.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"
    with refused("AccessDenied", 403):
        bob.get_object(Bucket=bucket, Key="k", VersionId=old)
    # Likewise where a policy looks at tags.
    ann.put_object_acl(Bucket=bucket, Key="k", ACL="private")
    done = {"StringEquals": {"s3:ExistingObjectTag/stage": "done"}}
    who = {"AWS": "bob"}
    ann.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, {"Principal": who, "Action": "s3:GetObject*", "Condition": done}))
    assert bob.get_object(Bucket=bucket, Key="k", VersionId=old)["Body"].read() == b"old"
    with refused("AccessDenied", 403):
        bob.get_object(Bucket=bucket, Key="k")
    with refused("AccessDenied", 403):
        bob.get_object(Bucket=bucket, Key="k", VersionId=new)


def test_enforced_ownership_turns_lists_off(ann, bob, bucket):
    ann.put_object(Bucket=bucket, Key="open", Body=b"o", ACL="public-read")
    assert bob.get_object(Bucket=bucket, Key="open")["Body"].read() == b"o"
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    ann.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rules)
    assert ann.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == rules
    with refused("AccessDenied", 403):
        bob.get_object(Bucket=bucket, Key="open")
    with refused("AccessControlListNotSupported", 400):
        ann.put_object_acl(Bucket=bucket, Key="open", ACL="public-read")


def test_the_public_access_block_wins(ann, nobody, bucket):
    ann.put_object(Bucket=bucket, Key="open", Body=b"o", ACL="public-read")
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    ann.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    assert ann.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == block
    for attempt in (
        lambda: nobody.get_object(Bucket=bucket, Key="open"),
        lambda: ann.put_object(Bucket=bucket, Key="more", Body=b"", ACL="public-read"),
        lambda: ann.put_bucket_acl(Bucket=bucket, ACL="public-read"),
        lambda: ann.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, {"Action": "s3:GetObject"})),
    ):
        with refused("AccessDenied", 403):
            attempt()
    ann.delete_public_access_block(Bucket=bucket)
    assert nobody.get_object(Bucket=bucket, Key="open")["Body"].read() == b"o"


def test_bucket_tags(ann, bucket):
    tags = [{"Key": "team", "Value": "lake"}, {"Key": "cost", "Value": "7 & <more>"}]
    ann.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert sorted(ann.get_bucket_tagging(Bucket=bucket)["TagSet"], key=lambda tag: tag["Key"], reverse=True) == tags
    ann.delete_bucket_tagging(Bucket=bucket)
    with refused("NoSuchTagSet", 404):
        ann.get_bucket_tagging(Bucket=bucket)


def test_browsers_may_ask_from_where_the_bucket_says(access_server, ann, bucket):
    rule = {"AllowedOrigins": ["https://*.example.com"], "AllowedMethods": ["GET"], "AllowedHeaders": ["x-amz-*"],
            "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 60}  # fmt: skip
    ann.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    assert ann.get_bucket_cors(Bucket=bucket)["CORSRules"] == [rule]
    url = f"{access_server.s3_url}/{bucket}/in/a"
    ask = {"Origin": "https://a.example.com", "Access-Control-Request-Method": "GET"}
    good = requests.options(url, headers=ask | {"Access-Control-Request-Headers": "X-Amz-Date"}, timeout=10)
    assert good.status_code == 200
    assert good.headers["Access-Control-Allow-Origin"] == ask["Origin"]
    assert good.headers["Access-Control-Max-Age"] == "60"
    for change in ({"Origin": "https://evil.test"}, {"Access-Control-Request-Method": "PUT"}, {"Access-Control-Request-Headers": "cookie"}):
        assert requests.options(url, headers=ask | change, timeout=10).status_code == 403
    assert requests.options(url, timeout=10).status_code == 400
    # The answer itself is for the page too, also when it is a refusal.
    answer = requests.get(url, headers={"Origin": ask["Origin"]}, timeout=10)
    assert (answer.status_code, answer.headers["Access-Control-Expose-Headers"]) == (403, "ETag")
    signed = ann.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "in/a"})
    assert requests.get(signed, headers={"Origin": ask["Origin"]}, timeout=10).headers["Access-Control-Allow-Origin"]
    assert "Access-Control-Allow-Origin" not in requests.get(signed, timeout=10).headers


def form_of(client, bucket, **more):
    post = client.generate_presigned_post(bucket, "in/${filename}", **more)
    return post["url"], post["fields"]


def test_a_form_uploads_what_its_policy_allows(ann, bucket):
    url, fields = form_of(ann, bucket, Fields={"x-amz-meta-a": "1", "success_action_status": "201", "Content-Type": "text/x"},
                          Conditions=[{"x-amz-meta-a": "1"}, {"success_action_status": "201"}, {"Content-Type": "text/x"},
                                      ["content-length-range", 2, 10]])  # fmt: skip
    done = requests.post(url, data=fields, files={"file": ("x.txt", b"hello")}, timeout=10)
    assert done.status_code == 201, done.text
    assert "<Key>in/x.txt</Key>" in done.text
    stored = ann.get_object(Bucket=bucket, Key="in/x.txt")
    assert (stored["Body"].read(), stored["Metadata"], stored["ContentType"]) == (b"hello", {"a": "1"}, "text/x")
    for body, code in ((b"x", "EntityTooSmall"), (b"x" * 11, "EntityTooLarge")):
        answer = requests.post(url, data=fields, files={"file": ("y.txt", body)}, timeout=10)
        assert (answer.status_code, code in answer.text) == (400, True)
    for change, code in (
        ({"x-amz-meta-a": "2"}, "AccessDenied"),
        ({"x-amz-meta-b": "2"}, "AccessDenied"),
        ({"x-amz-signature": "0" * 64}, "SignatureDoesNotMatch"),
        ({"x-amz-credential": fields["x-amz-credential"].replace("BR", "XX", 1)}, "InvalidAccessKeyId"),
    ):
        answer = requests.post(url, data=fields | change, files={"file": ("y.txt", b"hello")}, timeout=10)
        assert (answer.status_code, code in answer.text) == (403, True), answer.text
    with refused("404", 404):
        ann.head_object(Bucket=bucket, Key="in/y.txt")


def test_a_form_has_no_more_rights_than_its_signer(ann, bob, bucket, access_server):
    url, fields = form_of(bob, bucket)
    assert requests.post(url, data=fields, files={"file": ("x", b"x")}, timeout=10).status_code == 403
    assert requests.post(url, data={"key": "in/x"}, files={"file": ("x", b"x")}, timeout=10).status_code == 403
    url, fields = form_of(ann, bucket, ExpiresIn=-5)
    assert "expired" in requests.post(url, data=fields, files={"file": ("x", b"x")}, timeout=10).text


def test_a_form_may_be_signed_as_of_old(ann, bucket, access_server):
    expiration = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    document = {"expiration": expiration, "conditions": [{"bucket": bucket}, ["starts-with", "$key", "in/"],
                                                         ["starts-with", "$success_action_redirect", ""]]}  # fmt: skip
    encoded = base64.b64encode(json.dumps(document).encode()).decode()
    signature = base64.b64encode(hmac.new(ann.key["secret_key"].encode(), encoded.encode(), hashlib.sha1).digest()).decode()
    fields = {"key": "in/old", "AWSAccessKeyId": ann.key["access_key"], "policy": encoded, "signature": signature,
              "success_action_redirect": "http://page.test/done?x=1"}  # fmt: skip
    answer = requests.post(f"{access_server.s3_url}/{bucket}", data=fields, files={"file": ("x", b"x")}, timeout=10, allow_redirects=False)
    assert answer.status_code == 303, answer.text
    query = urllib.parse.parse_qs(urllib.parse.urlparse(answer.headers["Location"]).query)
    assert (query["x"], query["bucket"], query["key"]) == (["1"], [bucket], ["in/old"])


def test_absence_is_told_to_who_may_list(ann, bob, nobody, bucket):
    ann.put_bucket_policy(
        Bucket=bucket,
        Policy=policy(bucket, {"Action": "s3:ListBucket", "Condition": {"StringLike": {"s3:prefix": "public/*"}}}),
    )
    ann.put_object(Bucket=bucket, Key="public/secret", Body=b"s")
    for client in (bob, nobody):
        with refused("NoSuchKey", 404):
            client.get_object(Bucket=bucket, Key="public/none")
        for key in ("private/none", "public/secret"):
            with refused("AccessDenied", 403):
                client.get_object(Bucket=bucket, Key=key)
