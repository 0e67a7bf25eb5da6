"""SigV2 for old clients: refused unless the setting allows it, then as AWS clients sign it."""

import boto3
import botocore.config
import pytest
import requests

from s3_clients import boto_client, refused


@pytest.fixture(scope="module")
def old_server(make_server):
    return make_server("old", "--s3-signature-v2", "on")


@pytest.fixture(scope="module")
def old(old_server):
    return boto_client(old_server, signature_version="s3")


def test_is_off_by_default(server, bucket):
    client = boto_client(server, signature_version="s3")
    with refused("InvalidRequest", 400):
        client.list_objects_v2(Bucket=bucket)
    assert requests.get(client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "x"}), timeout=10).status_code == 400


def test_headers_and_queries(old, old_server, bucket_name):
    old.create_bucket(Bucket=bucket_name)
    for key in ("plain", "with space & ü", "a/b+c"):
        old.put_object(Bucket=bucket_name, Key=key, Body=key.encode(), Metadata={"m": "value"}, ContentType="text/x")
        assert old.get_object(Bucket=bucket_name, Key=key)["Body"].read() == key.encode()
        assert old.get_object(Bucket=bucket_name, Key=key, ResponseContentType="text/y")["ContentType"] == "text/y"
        url = old.generate_presigned_url("get_object", {"Bucket": bucket_name, "Key": key}, ExpiresIn=60)
        assert "AWSAccessKeyId=" in url and requests.get(url, timeout=10).content == key.encode()
        assert requests.get(url.replace("Signature=", "Signature=A"), timeout=10).status_code == 403
        assert requests.put(url, data=b"x", timeout=10).status_code == 403
    upload = old.create_multipart_upload(Bucket=bucket_name, Key="parts")["UploadId"]
    part = old.upload_part(Bucket=bucket_name, Key="parts", UploadId=upload, PartNumber=1, Body=b"part")
    old.complete_multipart_upload(Bucket=bucket_name, Key="parts", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    old.put_object_tagging(Bucket=bucket_name, Key="parts", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert len(old.list_objects_v2(Bucket=bucket_name, Prefix="p")["Contents"]) == 2
    with refused("SignatureDoesNotMatch", 403):
        boto_client(old_server, signature_version="s3", secret_key="x" * 40).list_buckets()
    with refused("InvalidAccessKeyId", 403):
        boto_client(old_server, signature_version="s3", access_key="NOBODY").list_buckets()


def test_policies_can_demand_the_new_kind(old, old_server, bucket_name):
    new = boto_client(old_server)
    new.create_bucket(Bucket=bucket_name)
    new.put_object(Bucket=bucket_name, Key="x", Body=b"x")
    old_server.run("principals", "create", "ann")
    key = old_server.run_json("keys", "create", "--principal", "ann")
    new.put_bucket_policy(Bucket=bucket_name, Policy=(
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"ann"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/*",'
        '"Condition":{"StringEquals":{"s3:signatureversion":"AWS4-HMAC-SHA256"}}}]}' % bucket_name))  # fmt: skip
    ann = {"access_key": key["access_key"], "secret_key": key["secret_key"]}
    assert boto_client(old_server, **ann).get_object(Bucket=bucket_name, Key="x")["Body"].read() == b"x"
    with refused("AccessDenied", 403):
        boto_client(old_server, signature_version="s3", **ann).get_object(Bucket=bucket_name, Key="x")


def test_virtual_hosts(make_server):
    server = make_server("old-hosts", "--s3-signature-v2", "on", "--s3-domain", "s3.localhost")
    boto_client(server).create_bucket(Bucket="vhost")
    client = boto3.client(
        "s3", endpoint_url=f"http://s3.localhost:{server.s3_port}", region_name=server.region, aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key, config=botocore.config.Config(signature_version="s3", s3={"addressing_style": "virtual"}),
    )  # fmt: skip
    key, port = "vhost-like-the-bucket", f":{server.s3_port}"
    for verb, method in (("put_object", "PUT"), ("get_object", "GET")):
        url = client.generate_presigned_url(verb, {"Bucket": "vhost", "Key": key})
        assert url.startswith(f"http://vhost.s3.localhost{port}/{key}?")
        answer = requests.request(method, url.replace("vhost.s3.localhost", "127.0.0.1"), timeout=10, headers={"Host": "vhost.s3.localhost" + port})
        assert answer.status_code == 200, answer.text
    # The bucket is under the signature.
    boto_client(server).create_bucket(Bucket="other")
    answer = requests.get(url.replace("vhost.s3.localhost", "127.0.0.1"), timeout=10, headers={"Host": "other.s3.localhost" + port})
    assert answer.status_code == 403
