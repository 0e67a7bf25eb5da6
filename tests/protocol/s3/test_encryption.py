"""Server-side encryption as boto3 asks for it, and what then lies in the directory."""

import base64
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from s3_clients import MIB, boto_client, refused

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}
OTHER_CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": OTHER_KEY}
SOURCE_CUSTOMER = {"CopySourceSSECustomerAlgorithm": "AES256", "CopySourceSSECustomerKey": KEY}
SERVER = {"ServerSideEncryption": "AES256"}
NAMED = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "finance"}
METHODS = {"server": SERVER, "named": NAMED, "customer": CUSTOMER}
DECRYPT = pathlib.Path(__file__).resolve().parents[3] / "tools/decrypt/decrypt.py"


@pytest.fixture(scope="module")
def key_file(tmp_path_factory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("keys") / "keys"
    path.touch(mode=0o600)
    keys = {name: base64.b64encode(os.urandom(32)).decode() for name in ("default", "finance", "server/2026")}
    path.write_text("# keys of the tests\n" + "".join(f"{name} {key}\n" for name, key in keys.items()))
    return path


@pytest.fixture(scope="module")
def keyed(make_server, key_file):
    return make_server("keyed", "--encryption-keys", str(key_file), "--customer-keys", "any")


@pytest.fixture(scope="module")
def client(keyed):
    return boto_client(keyed)


@pytest.fixture
def crate(client, bucket_name):
    client.create_bucket(Bucket=bucket_name)
    return bucket_name


def read(client, bucket, key="k", **more) -> bytes:
    return client.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def shown(answer) -> dict:
    names = ("ServerSideEncryption", "SSEKMSKeyId", "SSECustomerAlgorithm", "SSECustomerKeyMD5", "BucketKeyEnabled")
    return {name: answer[name] for name in names if name in answer}


KEY_MD5 = base64.b64encode(hashlib.md5(KEY).digest()).decode()
SHOWN = {
    "server": {"ServerSideEncryption": "AES256"},
    "named": {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "finance"},
    "customer": {"SSECustomerAlgorithm": "AES256", "SSECustomerKeyMD5": KEY_MD5},
}


def reader(method: str) -> dict:
    return CUSTOMER if method == "customer" else {}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [0, 1, 65536, 3 * MIB + 1])
def test_objects_come_back_and_are_unreadable_in_the_directory(client, keyed, crate, method, size):
    body = os.urandom(size)
    put = client.put_object(Bucket=crate, Key="k", Body=body, **METHODS[method])
    assert shown(put) == SHOWN[method]
    got = client.get_object(Bucket=crate, Key="k", ChecksumMode="ENABLED", **reader(method))
    assert got["Body"].read() == body
    assert shown(got) == SHOWN[method]
    head = client.head_object(Bucket=crate, Key="k", **reader(method))
    assert (head["ContentLength"], head["ETag"]) == (size, put["ETag"])
    assert shown(head) == SHOWN[method]
    is_md5 = put["ETag"].strip('"') == hashlib.md5(body).hexdigest()
    assert is_md5 == (method == "server")
    native = (keyed.objects / crate / "k").read_bytes()
    assert len(native) == 40 + size + 16 * max(1, -(-size // 65536))
    assert size < 16 or body[:16] not in native
    assert client.list_objects_v2(Bucket=crate)["Contents"][0]["Size"] == size


@pytest.mark.parametrize("method", METHODS)
def test_ranges(client, crate, method):
    body = os.urandom(5 * 65536 + 77)
    client.put_object(Bucket=crate, Key="k", Body=body, **METHODS[method])
    for first, last in [(0, 0), (65535, 65536), (65536, 131071), (100_000, 300_000), (len(body) - 1, len(body) + 9)]:
        got = client.get_object(Bucket=crate, Key="k", Range=f"bytes={first}-{last}", **reader(method))
        assert got["Body"].read() == body[first : last + 1]
        assert got["ContentRange"] == f"bytes {first}-{min(last, len(body) - 1)}/{len(body)}"
    assert read(client, crate, Range="bytes=-5", **reader(method)) == body[-5:]


@pytest.mark.parametrize("method", METHODS)
def test_multipart(client, crate, method):
    upload = client.create_multipart_upload(Bucket=crate, Key="k", **METHODS[method])
    assert shown(upload) == SHOWN[method]
    bodies = [os.urandom(5 * MIB + 3), os.urandom(5 * MIB + 3), os.urandom(1000)]
    parts = []
    for number, body in enumerate(bodies, 1):
        part = client.upload_part(
            Bucket=crate, Key="k", UploadId=upload["UploadId"], PartNumber=number, Body=body, **reader(method)
        )
        assert shown(part) == SHOWN[method]
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    done = client.complete_multipart_upload(
        Bucket=crate, Key="k", UploadId=upload["UploadId"], MultipartUpload={"Parts": parts}, **reader(method)
    )
    assert method == "customer" or shown(done) == SHOWN[method]
    whole = b"".join(bodies)
    assert read(client, crate, **reader(method)) == whole
    edge = 5 * MIB + 3
    assert read(client, crate, Range=f"bytes={edge - 10}-{edge + 9}", **reader(method)) == whole[edge - 10 : edge + 10]
    second = client.get_object(Bucket=crate, Key="k", PartNumber=2, **reader(method))
    assert second["Body"].read() == bodies[1]


@pytest.mark.parametrize("source", [None, *METHODS])
@pytest.mark.parametrize("target", [None, *METHODS])
def test_copies_and_parts_that_are_copies(client, crate, source, target):
    body = os.urandom(200_000)
    client.put_object(Bucket=crate, Key="from", Body=body, **METHODS.get(source, {}))
    origin = {"CopySource": {"Bucket": crate, "Key": "from"}} | (SOURCE_CUSTOMER if source == "customer" else {})
    wanted = OTHER_CUSTOMER if target == "customer" else METHODS.get(target, {})
    readers = OTHER_CUSTOMER if target == "customer" else {}
    client.copy_object(Bucket=crate, Key="to", **origin, **wanted)
    got = client.get_object(Bucket=crate, Key="to", **readers)
    assert got["Body"].read() == body
    if target != "customer":
        assert shown(got) == SHOWN.get(target, {})
    upload = client.create_multipart_upload(Bucket=crate, Key="joined", **wanted)["UploadId"]
    part = client.upload_part_copy(
        Bucket=crate, Key="joined", UploadId=upload, PartNumber=1, CopySourceRange="bytes=70000-140000", **origin, **readers
    )["CopyPartResult"]
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    client.complete_multipart_upload(
        Bucket=crate, Key="joined", UploadId=upload, MultipartUpload={"Parts": parts}, **readers
    )
    assert read(client, crate, "joined", **readers) == body[70000:140001]


def test_a_copy_onto_itself_changes_the_encryption(client, crate):
    client.put_object(Bucket=crate, Key="k", Body=b"bytes", Metadata={"a": "b"})
    client.copy_object(Bucket=crate, Key="k", CopySource={"Bucket": crate, "Key": "k"}, **NAMED)
    head = client.head_object(Bucket=crate, Key="k")
    assert shown(head) == SHOWN["named"] and head["Metadata"] == {"a": "b"}
    assert read(client, crate) == b"bytes"


def test_customers_keys_are_needed_and_have_to_be_the_right_ones(client, crate):
    client.put_object(Bucket=crate, Key="k", Body=b"secret", **CUSTOMER)
    with refused("InvalidRequest", 400):
        read(client, crate)
    with refused("InvalidRequest", 400):
        read(client, crate, **OTHER_CUSTOMER)
    with refused("400"):
        client.head_object(Bucket=crate, Key="k")
    with refused("InvalidRequest", 400):
        client.get_object_attributes(Bucket=crate, Key="k", ObjectAttributes=["ETag"])
    with refused("InvalidRequest", 400):
        client.copy_object(Bucket=crate, Key="to", CopySource={"Bucket": crate, "Key": "k"})
    client.put_object(Bucket=crate, Key="plain", Body=b"x")
    with refused("InvalidRequest", 400):
        read(client, crate, "plain", **CUSTOMER)
    with refused("InvalidArgument", 400):
        text = base64.b64encode(KEY).decode()
        client.put_object(
            Bucket=crate, Key="k", SSECustomerAlgorithm="AES256", SSECustomerKey=text, SSECustomerKeyMD5="A" * 22 + "=="
        )
    with refused("InvalidArgument", 400):
        client.put_object(Bucket=crate, Key="k", SSECustomerAlgorithm="AES192", SSECustomerKey=KEY)
    # Attributes are no bytes: they change without the key.
    client.put_object_tagging(Bucket=crate, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert read(client, crate, **CUSTOMER) == b"secret"


def test_a_completion_needs_the_customers_key_where_checksums_were_agreed_on(client, crate):
    for algorithm, needed in ((None, False), ("CRC32", True)):
        agreed = {"ChecksumAlgorithm": algorithm} if algorithm else {}
        upload = client.create_multipart_upload(Bucket=crate, Key="k", **CUSTOMER, **agreed)["UploadId"]
        with refused("InvalidRequest", 400):
            client.upload_part(Bucket=crate, Key="k", UploadId=upload, PartNumber=1, Body=b"x")
        with refused("InvalidRequest", 400):
            client.upload_part(Bucket=crate, Key="k", UploadId=upload, PartNumber=1, Body=b"x", **OTHER_CUSTOMER)
        part = client.upload_part(Bucket=crate, Key="k", UploadId=upload, PartNumber=1, Body=b"x", **CUSTOMER)
        done = {"Bucket": crate, "Key": "k", "UploadId": upload}
        done["MultipartUpload"] = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        with refused("InvalidRequest", 400):
            client.complete_multipart_upload(**done, **OTHER_CUSTOMER)
        if needed:
            with refused("InvalidRequest", 400):
                client.complete_multipart_upload(**done)
        client.complete_multipart_upload(**done, **(CUSTOMER if needed else {}))
        assert read(client, crate, **CUSTOMER) == b"x"


def test_customers_keys_are_refused_without_tls(s3, put, bucket):
    with refused("InvalidRequest", 400):
        put("k", b"x", **CUSTOMER)
    put("k", b"x")
    with refused("InvalidRequest", 400):
        s3.get_object(Bucket=bucket, Key="k", **CUSTOMER)
    with refused("InvalidRequest", 400):
        s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "k"}, **SOURCE_CUSTOMER)


def test_the_servers_own_key_needs_no_setting(s3, put, bucket, server):
    put("k", b"some bytes of ours", **SERVER)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"some bytes of ours"
    with refused("KMS.NotFoundException", 400):
        put("k", b"x", ServerSideEncryption="aws:kms")


def test_default_encryption_of_a_bucket(client, crate):
    with refused("ServerSideEncryptionConfigurationNotFoundError", 404):
        client.get_bucket_encryption(Bucket=crate)
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "finance"}
    rule = {"ApplyServerSideEncryptionByDefault": by_default, "BucketKeyEnabled": True}
    client.put_bucket_encryption(Bucket=crate, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert client.get_bucket_encryption(Bucket=crate)["ServerSideEncryptionConfiguration"]["Rules"] == [rule]
    put = client.put_object(Bucket=crate, Key="dir/k", Body=b"x")
    assert shown(put) == SHOWN["named"] | {"BucketKeyEnabled": True}
    assert shown(client.put_object(Bucket=crate, Key="k", Body=b"x", **SERVER)) == SHOWN["server"]
    client.copy_object(Bucket=crate, Key="copy", CopySource={"Bucket": crate, "Key": "k"})
    assert shown(client.head_object(Bucket=crate, Key="copy")) == SHOWN["named"] | {"BucketKeyEnabled": True}
    unknown = {"ApplyServerSideEncryptionByDefault": by_default | {"KMSMasterKeyID": "nobody"}}
    with refused("KMS.NotFoundException", 400):
        client.put_bucket_encryption(Bucket=crate, ServerSideEncryptionConfiguration={"Rules": [unknown]})
    client.delete_bucket_encryption(Bucket=crate)
    assert shown(client.put_object(Bucket=crate, Key="k", Body=b"x")) == {}
    assert read(client, crate, "dir/k") == b"x"


@pytest.mark.parametrize("method", METHODS)
def test_stored_objects_can_be_decrypted_without_beringia(client, keyed, key_file, crate, method):
    def decrypted(key: str) -> bytes:
        command = [sys.executable, str(DECRYPT), str(keyed.objects / crate / key), "--key-file", str(key_file)]
        command += ["--customer-key", base64.b64encode(KEY).decode()]
        return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout

    body = os.urandom(200_000)
    client.put_object(Bucket=crate, Key="k", Body=body, **METHODS[method])
    assert decrypted("k") == body
    upload = client.create_multipart_upload(Bucket=crate, Key="parts", **METHODS[method])["UploadId"]
    bodies = [os.urandom(5 * MIB), b"the end"]
    parts = []
    for number, piece in enumerate(bodies, 1):
        part = client.upload_part(
            Bucket=crate, Key="parts", UploadId=upload, PartNumber=number, Body=piece, **reader(method)
        )
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    client.complete_multipart_upload(
        Bucket=crate, Key="parts", UploadId=upload, MultipartUpload={"Parts": parts}, **reader(method)
    )
    assert decrypted("parts") == b"".join(bodies)


def test_objects_of_the_derived_key_can_be_decrypted_with_the_sealing_key(put, bucket, server):
    body = os.urandom(100_000)
    put("k", body, **SERVER)
    command = [sys.executable, str(DECRYPT), str(server.objects / bucket / "k")]
    command += ["--sealing-key", str(server.data / "sealing-key")]
    assert subprocess.run(command, check=True, capture_output=True, timeout=60).stdout == body


def test_keys_never_appear_in_logs_or_the_audit_trail(client, keyed, crate):
    client.put_object(Bucket=crate, Key="k", Body=b"secret", **CUSTOMER)
    with refused("InvalidRequest"):
        read(client, crate, **OTHER_CUSTOMER)
    forms = [form for key in (KEY, OTHER_KEY) for form in (base64.b64encode(key), key.hex().encode(), key)]
    for path in [keyed.log, *(keyed.data.rglob("*"))]:
        if path.is_file():
            found = path.read_bytes()
            assert not any(form in found for form in forms), path
    assert not any(form in keyed.run("audit", "ls", check=False).stdout.encode() for form in forms[:2])


def test_a_lost_catalog_leaves_encrypted_objects_readable(make_server, key_file):
    server = make_server(
        "lost", "--encryption-keys", str(key_file), "--customer-keys", "any", "--freshness", "exclusive"
    )
    client = boto_client(server)
    client.create_bucket(Bucket="b-lost")
    body = os.urandom(150_000)
    for method, headers in METHODS.items():
        client.put_object(Bucket="b-lost", Key=method, Body=body, Metadata={"a": "b"}, **headers)
    server.kill()
    shutil.rmtree(server.data / "catalog")
    shutil.rmtree(server.data / "audit")
    server.start()
    client = boto_client(server)
    for method in METHODS:
        got = client.get_object(Bucket="b-lost", Key=method, **reader(method))
        assert got["Body"].read() == body
        assert shown(got) == SHOWN[method] and got["Metadata"] == {"a": "b"}
    listed = client.list_objects_v2(Bucket="b-lost")["Contents"]
    assert {item["Size"] for item in listed} == {len(body)}
    entries = server.run_json("ls", "--recursive", "/b-lost/")["items"]
    assert {entry.get("encryption_key") for entry in entries} == {"server/2026", "finance", None}


@pytest.mark.parametrize("method", METHODS)
def test_versions_keep_their_own_encryption(client, crate, method):
    client.put_bucket_versioning(Bucket=crate, VersioningConfiguration={"Status": "Enabled"})
    first, second = os.urandom(100_000), os.urandom(70_000)
    old = client.put_object(Bucket=crate, Key="k", Body=first, **METHODS[method])["VersionId"]
    new = client.put_object(Bucket=crate, Key="k", Body=second)["VersionId"]
    assert read(client, crate) == second
    got = client.get_object(Bucket=crate, Key="k", VersionId=old, **reader(method))
    assert got["Body"].read() == first and shown(got) == SHOWN[method]
    assert read(client, crate, VersionId=old, Range="bytes=70000-70009", **reader(method)) == first[70000:70010]
    source = {"CopySource": {"Bucket": crate, "Key": "k", "VersionId": old}}
    source |= SOURCE_CUSTOMER if method == "customer" else {}
    client.copy_object(Bucket=crate, Key="copy", **source)
    assert read(client, crate, "copy") == first
    if method == "customer":
        with refused("InvalidRequest", 400):
            read(client, crate, VersionId=old)
    # The older version is the current one again.
    client.delete_object(Bucket=crate, Key="k", VersionId=new)
    got = client.get_object(Bucket=crate, Key="k", **reader(method))
    assert got["Body"].read() == first and shown(got) == SHOWN[method]


def test_rotation_and_loss_of_keys(make_server, tmp_path):
    def line(name: str) -> str:
        return f"{name} {base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()}\n"

    path = tmp_path / "keys"
    path.touch(mode=0o600)
    path.write_text(line("server/1") + line("finance"))
    server = make_server("rotated", "--encryption-keys", str(path))
    client = boto_client(server)
    client.create_bucket(Bucket="b-rotated")
    for key, method in {"old": SERVER, "named": NAMED}.items():
        client.put_object(Bucket="b-rotated", Key=key, Body=b"bytes", **method)
    path.write_text(line("server/1") + line("server/2"))
    server.stop()
    server.start()
    client = boto_client(server)
    client.put_object(Bucket="b-rotated", Key="new", Body=b"bytes", **SERVER)
    assert read(client, "b-rotated", "old") == read(client, "b-rotated", "new") == b"bytes"
    attributes = {name: os.getxattr(server.objects / "b-rotated" / name, "user.beringia.object") for name in ("old", "new")}
    assert b"key=server/1" in attributes["old"] or b"key%3Dserver/1" in attributes["old"]
    assert b"server/2" in attributes["new"]
    with refused("KMS.NotFoundException", 400):
        read(client, "b-rotated", "named")
    assert client.head_object(Bucket="b-rotated", Key="named")["ContentLength"] == 5
    # A copy onto itself goes over to the new key.
    client.copy_object(Bucket="b-rotated", Key="old", CopySource={"Bucket": "b-rotated", "Key": "old"}, **SERVER)
    assert b"server/2" in os.getxattr(server.objects / "b-rotated" / "old", "user.beringia.object")
    assert read(client, "b-rotated", "old") == b"bytes"
