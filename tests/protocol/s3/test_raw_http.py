"""Requests that no SDK sends: what the wire must withstand."""

import datetime
import hashlib

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from s3_clients import exchange, refused


def signed(server, method: str, path: str, headers: dict[str, str] | None = None, payload: str | None = None) -> bytes:
    """A request head with a good signature (Host, x-amz-* and `headers` signed), without the last empty line."""
    request = botocore.awsrequest.AWSRequest(method=method, url=server.s3_url + path, headers=headers or {})
    request.context["payload_signing_enabled"] = True
    credentials = botocore.credentials.Credentials(server.access_key, server.secret_key)

    class Auth(botocore.auth.S3SigV4Auth):
        def payload(self, _):
            return payload or hashlib.sha256(b"").hexdigest()

    Auth(credentials, "s3", server.region).add_auth(request)
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{server.s3_port}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n"


def test_a_body_without_length_is_411(server, bucket):
    answer = exchange(server, signed(server, "PUT", f"/{bucket}/k") + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 411") and b"MissingContentLength" in answer


def test_refusals_come_before_100_continue(server, bucket):
    head = f"PUT /{bucket}/k HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n".encode()
    answer = exchange(server, head)
    assert answer.startswith(b"HTTP/1.1 403") and b"100 Continue" not in answer


def test_a_good_head_is_asked_for_its_body(server, bucket, s3):
    head = signed(server, "PUT", f"/{bucket}/k", payload="UNSIGNED-PAYLOAD")
    answer = exchange(server, head + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 100 Continue")


def test_a_short_body_is_never_stored(server, bucket, s3):
    head = signed(server, "PUT", f"/{bucket}/k", payload="UNSIGNED-PAYLOAD")
    exchange(server, head + b"Content-Length: 100\r\n\r\nhello", half_close=True)
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="k")


def test_two_lengths_are_refused(server, bucket):
    head = signed(server, "PUT", f"/{bucket}/k", payload="UNSIGNED-PAYLOAD")
    answer = exchange(server, head + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")
    assert answer.startswith(b"HTTP/1.1 400")
    answer = exchange(server, head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello")
    assert answer.startswith(b"HTTP/1.1 400")


def test_plain_chunked_bodies_have_no_length(server, bucket, s3):
    head = signed(server, "PUT", f"/{bucket}/k", payload="UNSIGNED-PAYLOAD")
    body = b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    assert exchange(server, head + body).startswith(b"HTTP/1.1 411")
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="k")


def test_pipelined_requests_are_answered_in_order(server, bucket, put):
    put("a", b"first")
    put("b", b"second")
    requests = [signed(server, "GET", f"/{bucket}/{key}") + b"\r\n" for key in ("a", "b", "none")]
    answer = exchange(server, b"".join(requests))
    assert answer.index(b"first") < answer.index(b"second") < answer.index(b"NoSuchKey")


def test_errors_of_head_have_no_body(server, bucket):
    answer = exchange(server, signed(server, "HEAD", f"/{bucket}/none") + b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404") and answer.endswith(b"\r\n\r\n")


def test_the_signature_holds_in_lower_case_escapes(server, bucket, put, s3):
    put("ü/+", b"hello")
    head = signed(server, "GET", f"/{bucket}/%C3%BC/%2B").replace(b"%C3%BC", b"%c3%bc", 1)
    assert b"hello" in exchange(server, head + b"\r\n")


def test_expired_and_skewed_requests(server, bucket):
    past = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
    stamp = past.strftime("%Y%m%dT%H%M%SZ")
    head = (
        f"GET /{bucket}/k HTTP/1.1\r\nHost: x\r\nx-amz-date: {stamp}\r\n"
        f"x-amz-content-sha256: UNSIGNED-PAYLOAD\r\nAuthorization: AWS4-HMAC-SHA256 "
        f"Credential={server.access_key}/{stamp[:8]}/us-east-1/s3/aws4_request, "
        f"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={'0' * 64}\r\n\r\n"
    )
    assert b"RequestTimeTooSkewed" in exchange(server, head.encode())


def test_the_sdk_probe_for_the_region(server):
    answer = exchange(server, signed(server, "HEAD", "/%24extremelyunlikelytoexist%24") + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 404")
    assert f"x-amz-bucket-region: {server.region}".encode() in answer
