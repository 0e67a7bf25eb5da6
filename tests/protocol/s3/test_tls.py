"""The same over TLS, where boto3 sends its checksums as trailers of unsigned chunks."""

import os
import pathlib
import subprocess

import pytest

from s3_clients import MIB, boto_client, refused


@pytest.fixture(scope="module")
def tls_server(make_server, tmp_path_factory) -> tuple:
    """(server, authority file) with a certificate for 127.0.0.1."""
    directory: pathlib.Path = tmp_path_factory.mktemp("certificate")
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/CN=beringia test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key),
         "-out", str(certificate)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return make_server("tls", "--tls-certificate", str(certificate), "--tls-key", str(key)), certificate


@pytest.fixture(scope="module")
def secure(tls_server):
    server, certificate = tls_server
    return boto_client(server, url=f"https://127.0.0.1:{server.s3_port}", verify=str(certificate))


@pytest.fixture
def secure_bucket(secure, bucket_name):
    secure.create_bucket(Bucket=bucket_name)
    return bucket_name


@pytest.mark.parametrize("size", [0, 1, 65536, 3 * MIB + 1])
def test_streams_with_trailing_checksums(secure, secure_bucket, tmp_path, size):
    path = tmp_path / "body"
    path.write_bytes(os.urandom(size))
    sent = []
    secure.meta.events.register(
        "before-send.s3.PutObject", lambda request, **_: sent.append(dict(request.headers)) or None, unique_id="spy"
    )
    with path.open("rb") as body:
        secure.put_object(Bucket=secure_bucket, Key="k", Body=body)
    secure.meta.events.unregister("before-send.s3.PutObject", unique_id="spy")
    headers = {name.lower(): value for name, value in sent[0].items()}
    assert headers["x-amz-content-sha256"] in (b"STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                                               "STREAMING-UNSIGNED-PAYLOAD-TRAILER")  # fmt: skip
    got = secure.get_object(Bucket=secure_bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == path.read_bytes()
    assert got["ChecksumCRC32"]
    assert "ContentEncoding" not in got


def test_transfers_and_errors(secure, secure_bucket, tmp_path):
    path = tmp_path / "body"
    path.write_bytes(os.urandom(20 * MIB))
    secure.upload_file(str(path), secure_bucket, "big")
    secure.download_file(secure_bucket, "big", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == path.read_bytes()
    with refused("NoSuchKey", 404):
        secure.get_object(Bucket=secure_bucket, Key="none")
