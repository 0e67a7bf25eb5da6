"""SigV4A, signatures by a key pair that the client derives of its secret: by Amazon's own runtime (aws-crt)."""

import base64
import datetime
import hashlib
import hmac
import zlib

import botocore.config
import boto3
import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

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


# ---- chunks signed by the pair: no client library at hand sends them, so this is written from Amazon's description

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of the curve P-256


def pair_of(access_key: str, secret_key: str) -> ec.EllipticCurvePrivateKey:
    """NIST SP 800-108 in counter mode over the secret."""
    for counter in range(1, 255):
        fixed = b"\0\0\0\1AWS4-ECDSA-P256-SHA256\0" + access_key.encode() + bytes([counter]) + b"\0\0\1\0"
        candidate = int.from_bytes(hmac.digest(b"AWS4A" + secret_key.encode(), fixed, "sha256"), "big")
        if candidate <= ORDER - 2:
            return ec.derive_private_key(candidate + 1, ec.SECP256R1())
    raise AssertionError


class ChunkSender:
    """One PUT whose chunks, and trailer if there is one, are signed."""

    def __init__(self, server, bucket: str, trailer: str = ""):
        self.server, self.path, self.trailer = server, f"/{bucket}/chunked", trailer
        self.pair = pair_of(server.access_key, server.secret_key)
        self.time = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        self.scope = f"{self.time[:8]}/s3/aws4_request"

    def sign(self, kind: str, *lines: str) -> str:
        text = "\n".join([f"AWS4-ECDSA-P256-SHA256{kind}", self.time, self.scope, *lines])
        return self.pair.sign(text.encode(), ec.ECDSA(hashes.SHA256())).hex()

    def head(self, decoded: int) -> tuple[dict[str, str], str]:
        host = self.server.s3_url.removeprefix("http://")
        headers = {"host": host, "x-amz-content-sha256": "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD" + ("-TRAILER" if self.trailer else ""),
                   "x-amz-date": self.time, "x-amz-decoded-content-length": str(decoded), "x-amz-region-set": "*"}  # fmt: skip
        if self.trailer:
            headers["x-amz-trailer"] = "x-amz-checksum-crc32"
        canonical = "\n".join(["PUT", self.path, "", *(f"{name}:{headers[name]}" for name in sorted(headers)), "", ";".join(sorted(headers)),
                               headers["x-amz-content-sha256"]])  # fmt: skip
        signature = self.sign("", digest(canonical.encode()))
        claim = f"Credential={self.server.access_key}/{self.scope}, SignedHeaders={';'.join(sorted(headers))}, Signature={signature}"
        return headers | {"authorization": f"AWS4-ECDSA-P256-SHA256 {claim}", "content-encoding": "aws-chunked"}, signature

    def put(self, chunks: list[bytes], spoil: int | None = None, padded: bool = True) -> requests.Response:
        """`spoil`: this chunk's bytes are changed after they were signed."""
        headers, previous = self.head(sum(map(len, chunks)))
        body = b""
        for number, chunk in enumerate([*chunks, b""]):
            previous = self.sign("-PAYLOAD", previous, digest(b""), digest(chunk))
            shown = previous.ljust(144, "*") if padded else previous
            sent = b"#" + chunk[1:] if number == spoil else chunk
            body += f"{len(chunk):x};chunk-signature={shown}\r\n".encode() + (sent + b"\r\n" if chunk else b"")
        if self.trailer:
            line = f"x-amz-checksum-crc32:{self.trailer}"
            signature = self.sign("-TRAILER", previous, digest(line.encode() + b"\n"))
            body += f"{line}\r\nx-amz-trailer-signature:{signature.ljust(144, '*')}\r\n".encode()
        return requests.put(self.server.s3_url + self.path, data=body + b"\r\n", headers=headers, timeout=20)


def digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("has_trailer", [False, True])
def test_chunks_signed_by_a_key_pair(server, bucket_name, padded, has_trailer):
    client = client_of(server)
    client.create_bucket(Bucket=bucket_name)
    chunks = [b"a" * 65536, b"b" * 65536, b"the end"]
    body = b"".join(chunks)
    trailer = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode() if has_trailer else ""
    answer = ChunkSender(server, bucket_name, trailer).put(chunks, padded=padded)
    assert answer.status_code == 200, answer.text
    assert client.get_object(Bucket=bucket_name, Key="chunked")["Body"].read() == body
    for spoilt in range(3):
        answer = ChunkSender(server, bucket_name, trailer).put([b"c" * 65536, b"d" * 65536, b"other"], spoil=spoilt, padded=padded)
        assert answer.status_code == 403 and b"SignatureDoesNotMatch" in answer.content
    assert client.get_object(Bucket=bucket_name, Key="chunked")["Body"].read() == body, "nothing of a refused body is kept"


def test_a_pair_signs_no_chunks_by_hmac(server, bucket_name):
    client_of(server).create_bucket(Bucket=bucket_name)
    sender = ChunkSender(server, bucket_name)
    headers, _ = sender.head(4)
    headers["x-amz-content-sha256"] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    answer = requests.put(server.s3_url + sender.path, data=b"4\r\nabcd\r\n0\r\n\r\n", headers=headers, timeout=20)
    assert answer.status_code == 400 and b"InvalidArgument" in answer.content
