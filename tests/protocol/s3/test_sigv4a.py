"""SigV4A, signatures by a key pair that the client derives of its secret: by Amazon's own runtime (aws-crt)."""

import botocore.config
import boto3
import pytest
import requests

from s3_clients import refused


def client_of(server, secret_key=None, version="s3v4a", regions="us-east-1,eu-west-1"):
    config = botocore.config.Config(signature_version=version, sigv4a_signing_region_set=regions, s3={"addressing_style": "path"})
    return boto3.client("s3", endpoint_url=server.s3_url, region_name=server.region, aws_access_key_id=server.access_key,
                        aws_secret_access_key=secret_key or server.secret_key, config=config)  # fmt: skip


def test_requests_signed_by_a_key_pair(server, bucket_name):
    client = client_of(server)
    client.create_bucket(Bucket=bucket_name)
    for key, body in (("plain", b"bytes"), ("ü z/+&=", b"x" * 100_000), ("empty", b"")):
        client.put_object(Bucket=bucket_name, Key=key, Body=body, Metadata={"note": "a  b"})
        got = client.get_object(Bucket=bucket_name, Key=key)
        assert got["Body"].read() == body and got["Metadata"] == {"note": "a  b"}
    listed = client.list_objects_v2(Bucket=bucket_name, Prefix="ü", MaxKeys=5)
    assert [item["Key"] for item in listed["Contents"]] == ["ü z/+&="]
    with refused("SignatureDoesNotMatch", 403):
        client_of(server, "w" * 40).list_objects_v2(Bucket=bucket_name)


def test_presigned_by_a_key_pair(server, bucket_name):
    client = client_of(server, version="s3v4a-query")
    client_of(server).create_bucket(Bucket=bucket_name)
    address = client.generate_presigned_url("put_object", Params={"Bucket": bucket_name, "Key": "k"}, ExpiresIn=60)
    assert "AWS4-ECDSA-P256-SHA256" in address
    assert requests.put(address, data=b"bytes", timeout=20).status_code == 200
    address = client.generate_presigned_url("get_object", Params={"Bucket": bucket_name, "Key": "k"}, ExpiresIn=60)
    assert requests.get(address, timeout=20).content == b"bytes"
    assert requests.get(address.replace("/k?", "/other?"), timeout=20).status_code == 403
    assert requests.get(address.replace("us-east-1", "us-west-2"), timeout=20).status_code == 403, "the regions are signed"


@pytest.mark.parametrize("change", [("AWS4-ECDSA-P256-SHA256", "AWS4-HMAC-SHA256"), ("X-Amz-Region-Set", "X-Amz-Other")])
def test_a_claim_that_is_not_one_is_refused(server, bucket_name, change):
    client = client_of(server, version="s3v4a-query")
    address = client.generate_presigned_url("get_object", Params={"Bucket": bucket_name, "Key": "k"}, ExpiresIn=60)
    answer = requests.get(address.replace(*change), timeout=20)
    assert answer.status_code == 400 and b"AuthorizationQueryParametersError" in answer.content
