"""Customer-supplied keys and named keys, as google-cloud-storage and the XML API ask for them."""

import base64
import hashlib
import os
import pathlib

import google.auth.transport.requests
import pytest
from google.api_core import exceptions
from google.cloud import storage

from gcs_clients import access_token, make_key_file, s3_client, storage_client

MIB = 1 << 20
KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
SHA256 = base64.b64encode(hashlib.sha256(KEY).digest()).decode()


def key_headers(key: bytes, prefix: str = "x-goog-encryption-") -> dict:
    return {
        prefix + "algorithm": "AES256",
        prefix + "key": base64.b64encode(key).decode(),
        prefix + "key-sha256": base64.b64encode(hashlib.sha256(key).digest()).decode(),
    }


@pytest.fixture(scope="module")
def keyed(make_server, tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "keys"
    path.touch(mode=0o600)
    path.write_text("".join(f"{name} {base64.b64encode(os.urandom(32)).decode()}\n" for name in ("finance", "other")))
    return make_server("keyed-gcs", "--encryption-keys", str(path), "--customer-keys", "any")


@pytest.fixture(scope="module")
def keyed_file(keyed) -> pathlib.Path:
    return make_key_file(keyed, "root")


@pytest.fixture(scope="module")
def keyed_client(keyed, keyed_file) -> storage.Client:
    return storage_client(keyed, keyed_file)


@pytest.fixture
def crate(keyed_client, bucket_name):
    return keyed_client.create_bucket(bucket_name)


@pytest.fixture(scope="module")
def xml(keyed, keyed_file):
    """xml(method, path, body, headers) -> (status, headers, body), as the XML API answers."""
    token, _ = access_token(keyed_file)
    session = google.auth.transport.requests.requests.Session()

    def send(method: str, path: str, body: bytes = b"", headers: dict | None = None):
        answer = session.request(
            method, keyed.gcs_url + path, data=body, headers={"Authorization": f"Bearer {token}"} | (headers or {})
        )
        return answer.status_code, answer.headers, answer.content

    return send


@pytest.mark.parametrize("size", [0, 10, 3 * MIB + 5])
def test_objects_under_the_customers_key(keyed, crate, size):
    body = os.urandom(size)
    blob = crate.blob("k", encryption_key=KEY)
    blob.upload_from_string(body)
    assert crate.blob("k", encryption_key=KEY).download_as_bytes() == body
    native = (keyed.objects / crate.name / "k").read_bytes()
    assert len(native) == 40 + size + 16 * max(1, -(-size // 65536))
    with pytest.raises(exceptions.BadRequest, match="Customer|customer|encrypt"):
        crate.blob("k").download_as_bytes()
    with pytest.raises(exceptions.BadRequest):
        crate.blob("k", encryption_key=OTHER_KEY).download_as_bytes()
    # Metadata needs no key, and tells no checksum without it.
    bare = crate.get_blob("k")
    assert (bare.size, bare.crc32c, bare.md5_hash) == (size, None, None)
    assert bare._properties["customerEncryption"] == {"encryptionAlgorithm": "AES256", "keySha256": SHA256}
    assert crate.get_blob("k", encryption_key=KEY).crc32c is not None


def test_ranges_and_resumable_uploads(crate):
    body = os.urandom(5 * MIB + 77)
    blob = crate.blob("k", encryption_key=KEY, chunk_size=MIB)
    blob.upload_from_string(body)
    whole = crate.blob("k", encryption_key=KEY)
    assert whole.download_as_bytes() == body
    for start, end in [(0, 0), (MIB - 1, MIB), (65535, 200_000), (len(body) - 1, len(body) + 5)]:
        assert whole.download_as_bytes(start=start, end=end, raw_download=True) == body[start : end + 1]


def test_rewrites_change_the_key(crate):
    body = os.urandom(200_000)
    crate.blob("plain").upload_from_string(body, content_type="text/x")
    for source_key, target_key in [(None, KEY), (KEY, OTHER_KEY), (OTHER_KEY, None)]:
        source = crate.blob("plain" if source_key is None else "k", encryption_key=source_key)
        target = crate.blob("k", encryption_key=target_key)
        token, written, total = target.rewrite(source)
        assert token is None and written == total == len(body)
        read = crate.blob("k", encryption_key=target_key)
        assert read.download_as_bytes() == body
        assert crate.get_blob("k").content_type == "text/x"
    crate.blob("k", encryption_key=KEY).upload_from_string(body)
    with pytest.raises(exceptions.BadRequest):
        crate.blob("to").rewrite(crate.blob("k"))


def test_compose_under_one_key(crate, xml):
    """Google's Python client sends no keys with compose: the request is made by hand."""
    for name, part in {"a": b"one,", "b": b"two"}.items():
        crate.blob(name, encryption_key=KEY).upload_from_string(part)
    compose = f"/storage/v1/b/{crate.name}/o/whole/compose"
    body = b'{"sourceObjects":[{"name":"a"},{"name":"b"}],"destination":{"contentType":"text/plain"}}'
    status, _, answer = xml("POST", compose, body)
    assert status == 400 and b"resourceIsEncryptedWithCustomerEncryptionKey" in answer
    status, _, answer = xml("POST", compose, body, key_headers(OTHER_KEY))
    assert status == 400 and b"customerEncryptionKeyIsIncorrect" in answer
    assert xml("POST", compose, body, key_headers(KEY))[0] == 200
    assert crate.blob("whole", encryption_key=KEY).download_as_bytes() == b"one,two"


def test_named_keys_and_the_buckets_default(keyed_client, crate):
    crate.blob("k", kms_key_name="projects/p/locations/l/keyRings/r/cryptoKeys/finance").upload_from_string(b"bytes")
    shown = crate.get_blob("k")
    assert shown.kms_key_name == "finance"
    assert shown.download_as_bytes() == b"bytes"
    crate.default_kms_key_name = "other"
    crate.patch()
    assert keyed_client.get_bucket(crate.name).default_kms_key_name == "other"
    crate.blob("by-default").upload_from_string(b"x")
    assert crate.get_blob("by-default").kms_key_name == "other"
    copied = crate.blob("copied", kms_key_name="finance")
    copied.rewrite(crate.blob("by-default"))
    assert crate.get_blob("copied").kms_key_name == "finance"
    crate.default_kms_key_name = "nobody"
    with pytest.raises(exceptions.BadRequest):
        crate.patch()
    crate.default_kms_key_name = None
    crate.patch()
    crate.blob("plain").upload_from_string(b"x")
    assert crate.get_blob("plain").kms_key_name is None
    with pytest.raises(exceptions.BadRequest):
        crate.blob("k", kms_key_name="nobody").upload_from_string(b"x")


def test_both_doors_read_what_the_other_encrypted(keyed, crate):
    s3 = s3_client(keyed, keyed.access_key, keyed.secret_key)
    crate.blob("from-gcs", encryption_key=KEY).upload_from_string(b"bytes")
    customer = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}
    assert s3.get_object(Bucket=crate.name, Key="from-gcs", **customer)["Body"].read() == b"bytes"
    s3.put_object(Bucket=crate.name, Key="from-s3", Body=b"bytes", **customer)
    assert crate.blob("from-s3", encryption_key=KEY).download_as_bytes() == b"bytes"
    s3.put_object(Bucket=crate.name, Key="server", Body=b"bytes", ServerSideEncryption="AES256")
    blob = crate.get_blob("server")
    assert blob.download_as_bytes() == b"bytes" and blob.md5_hash


def test_the_xml_api(crate, xml):
    path = f"/{crate.name}/k"
    status, headers, _ = xml("PUT", path, b"secret", key_headers(KEY))
    assert status == 200
    assert headers["x-goog-encryption-algorithm"] == "AES256"
    assert headers["x-goog-encryption-key-sha256"] == SHA256
    assert xml("GET", path, headers=key_headers(KEY))[2] == b"secret"
    status, _, body = xml("GET", path)
    assert status == 400 and b"<Code>ResourceIsEncryptedWithCustomerEncryptionKey</Code>" in body
    status, _, body = xml("GET", path, headers=key_headers(OTHER_KEY))
    assert status == 400 and b"<Code>CustomerEncryptionKeyIsIncorrect</Code>" in body
    status, headers, _ = xml("HEAD", path)
    assert status == 200 and "x-goog-hash" not in headers
    for broken, code in {
        "algorithm": b"CustomerEncryptionAlgorithmIsInvalid", "key": b"CustomerEncryptionKeyFormatIsInvalid",
        "key-sha256": b"CustomerEncryptionKeySha256IsInvalid",
    }.items():  # fmt: skip
        status, _, body = xml("PUT", path, b"x", key_headers(KEY) | {"x-goog-encryption-" + broken: "AAAA"})
        assert status == 400 and b"<Code>" + code + b"</Code>" in body
    copy = {"x-goog-copy-source": path} | key_headers(KEY, "x-goog-copy-source-encryption-")
    assert xml("PUT", f"/{crate.name}/copy", headers=copy)[0] == 200
    assert xml("GET", f"/{crate.name}/copy")[2] == b"secret"
    copy |= key_headers(OTHER_KEY)
    assert xml("PUT", f"/{crate.name}/copy", headers=copy)[0] == 200
    assert xml("GET", f"/{crate.name}/copy", headers=key_headers(OTHER_KEY))[2] == b"secret"


def test_multipart_uploads_of_the_xml_api(crate, xml):
    path = f"/{crate.name}/k"
    _, _, body = xml("POST", path + "?uploads", headers=key_headers(KEY))
    upload = body.split(b"<UploadId>")[1].split(b"<")[0].decode()
    pieces = [os.urandom(5 * MIB), b"the end"]
    assert xml("PUT", f"{path}?partNumber=1&uploadId={upload}", b"x")[0] == 400
    parts = ""
    for number, piece in enumerate(pieces, 1):
        status, headers, _ = xml("PUT", f"{path}?partNumber={number}&uploadId={upload}", piece, key_headers(KEY))
        assert status == 200
        parts += f"<Part><PartNumber>{number}</PartNumber><ETag>{headers['ETag']}</ETag></Part>"
    document = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    assert xml("POST", f"{path}?uploadId={upload}", document)[0] == 200
    assert xml("GET", path, headers=key_headers(KEY))[2] == b"".join(pieces)


def test_customers_keys_are_refused_without_tls(bucket):
    with pytest.raises(exceptions.BadRequest, match="TLS"):
        bucket.blob("k", encryption_key=KEY).upload_from_string(b"x")
    assert bucket.get_blob("k") is None
