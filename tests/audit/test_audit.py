"""The audit log of a real server: complete, dense, accepted by an independent verifier, and no byte of it can
be changed unnoticed, neither by that verifier nor by `beringia audit verify`."""

from __future__ import annotations

import base64
import json
import pathlib
import random
import sys
import time

import boto3
import botocore.config
import botocore.exceptions
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import tessera  # noqa: E402

OBJECTS = 90
READS = 240
DEADLINE_S = 20


def client_of(server, **overrides):
    arguments = dict(
        endpoint_url=server.s3_url, region_name=server.region, aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        config=botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}),
    )  # fmt: skip
    return boto3.client("s3", **(arguments | overrides))


def entries_of(log: pathlib.Path) -> list[dict]:
    """All records under the checkpoint, read by the format's description alone."""
    size = int((log / "checkpoint").read_text().split("\n")[1])
    records = []
    for index in range((size + 255) // 256):
        width = min(256, size - 256 * index)
        name = f"tile/entries/{index:03}" + ("" if width == 256 else f".p/{width}")
        bundle = (log / name).read_bytes()
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            records.append(json.loads(bundle[2 : 2 + length]))
            bundle = bundle[2 + length :]
    assert len(records) == size
    return records


@pytest.fixture(scope="module")
def fsck():
    program = tessera.find_fsck()
    if program is None:
        pytest.fail("no Go toolchain to install the independent verifier with")
    return program


@pytest.fixture(scope="module")
def lake(make_server):
    """A server that has done some work, killed and started again in between."""
    server = make_server("audited")
    s3 = client_of(server)
    s3.create_bucket(Bucket="lake")
    for number in range(OBJECTS):
        s3.put_object(Bucket="lake", Key=f"part={number % 7}/{number:04}", Body=b"x" * number)
        if number == OBJECTS // 2:
            server.kill()
            server.start()
    for number in range(READS):
        s3.get_object(Bucket="lake", Key=f"part={number % OBJECTS % 7}/{number % OBJECTS:04}")["Body"].read()
    s3.delete_object(Bucket="lake", Key="part=0/0000")
    with pytest.raises(botocore.exceptions.ClientError):
        client_of(server, aws_secret_access_key="wrong" * 8).list_objects_v2(Bucket="lake")
    return server


@pytest.fixture(scope="module")
def log(lake):
    """Its log, once the last request is under a checkpoint."""
    directory = lake.data / "audit"
    deadline = time.monotonic() + DEADLINE_S
    while True:
        size = int((directory / "checkpoint").read_text().split("\n")[1])
        names = {record["api"]["operation"] for record in entries_of(directory)[-40:]} if size else set()
        if size >= OBJECTS + READS and any("Delete" in name for name in names):
            return directory
        assert time.monotonic() < deadline, f"{size} records, lately of {names}"
        time.sleep(0.05)


@pytest.fixture
def copy(log, tmp_path):
    return tessera.copy_of(log, tmp_path / "log")


def verify(server, directory, *flags):
    """Exit status and report of `beringia audit verify`, which needs no server."""
    done = server.run("audit", "verify", str(directory), *flags, "--json", check=False)
    return done.returncode, json.loads(done.stdout)


def test_the_log_of_a_server_is_accepted_by_an_independent_verifier(fsck, lake, copy):
    verdict = tessera.check(fsck, copy)
    assert verdict.accepted, verdict.output
    status, report = verify(lake, copy)
    assert (status, report["whole"], report["records"]) == (0, True, verdict.size)


def test_each_request_has_one_record_and_numbers_are_dense(lake, copy):
    records = entries_of(copy)
    assert [record["seq"] for record in records] == list(range(len(records)))
    reads = [r for r in records if r["api"]["operation"] == "GetObject"]
    # kill -9 came while writing: no read was lost.
    assert len(reads) == READS
    written = [r["resources"][0]["name"] for r in records if r["api"]["operation"] == "PutObject"]
    assert sorted(written) == sorted(f"/lake/part={n % 7}/{n:04}" for n in range(OBJECTS))
    for record in reads:
        assert record["actor"]["user"]["credential_uid"] == lake.access_key
        assert record["actor"]["authorizations"][0]["decision"] == "allow"
        assert record["src_endpoint"]["ip"].startswith("127.")
        assert record["api"]["response"]["code"] == 200
    refused = [r for r in records if r["actor"]["authorizations"][0]["decision"] == "deny"]
    assert len(refused) == 1 and "name" not in refused[0]["actor"]["user"]
    assert lake.secret_key not in json.dumps(records)


def test_records_are_canonical_json(copy):
    size = int((copy / "checkpoint").read_text().split("\n")[1])
    bundle = (copy / ("tile/entries/000" if size >= 256 else f"tile/entries/000.p/{size}")).read_bytes()
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        text = bundle[2 : 2 + length].decode()
        # RFC 8785 for objects of ASCII names and whole numbers.
        assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        bundle = bundle[2 + length :]


def tile_files(directory):
    return sorted(path.relative_to(directory) for path in (directory / "tile").rglob("*") if path.is_file())


def test_one_changed_byte_in_any_tile_is_found_by_both_verifiers(fsck, lake, copy):
    chance = random.Random(20260101)
    files = tile_files(copy)
    assert len(files) >= 5
    for name in files:
        path = copy / name
        whole = path.read_bytes()
        changed = bytearray(whole)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        assert not tessera.check(fsck, copy).accepted, name
        status, report = verify(lake, copy)
        assert status != 0 and not report["whole"], name
        assert report["first_damaged"] is not None, name
        path.write_bytes(whole)
    assert verify(lake, copy)[0] == 0


def test_the_first_damaged_record_is_named(lake, copy):
    target = 137
    path = copy / "tile/entries/000"
    bundle = bytearray(path.read_bytes())
    at = 0
    for _ in range(target):
        at += 2 + int.from_bytes(bundle[at : at + 2], "big")
    bundle[at + 40] ^= 1
    path.write_bytes(bundle)
    status, report = verify(lake, copy)
    assert (status != 0, report["first_damaged"]) == (True, target)
    words = lake.run("audit", "verify", str(copy), check=False)
    assert words.returncode != 0 and f"record {target}" in words.stdout + words.stderr


def test_a_changed_checkpoint_or_another_key_is_refused(fsck, lake, copy):
    checkpoint = (copy / "checkpoint").read_text()
    size = checkpoint.split("\n")[1]
    (copy / "checkpoint").write_text(checkpoint.replace(f"\n{size}\n", f"\n{int(size) - 1}\n"))
    assert not tessera.check(fsck, copy).accepted
    assert verify(lake, copy)[0] != 0
    (copy / "checkpoint").write_text(checkpoint)
    name, key_hash, key = (copy / "public-key").read_text().strip().split("+", 2)
    other = bytearray(base64.b64decode(key))
    other[7] ^= 1
    forged = f"{name}+{key_hash}+{base64.b64encode(other).decode()}"
    assert lake.run("audit", "verify", str(copy), "--key", forged, check=False).returncode != 0


def test_the_private_key_is_kept_apart_from_the_log(lake, log):
    key = log.parent / "audit.key"
    assert key.stat().st_mode & 0o777 == 0o600
    private = key.read_text().split("+")[-1].strip()
    assert all(private.encode() not in path.read_bytes() for path in log.rglob("*") if path.is_file())


def test_the_log_of_a_running_server_can_be_verified(lake, log):
    s3 = client_of(lake)
    for _ in range(8):
        for _ in range(20):
            s3.head_bucket(Bucket="lake")
        status, report = verify(lake, log)
        assert status == 0, report


def test_kill_9_leaves_a_whole_log_without_gap_or_repetition(fsck, make_server, tmp_path):
    server = make_server("audited-kills")
    s3 = client_of(server)
    s3.create_bucket(Bucket="lake")
    acknowledged = []
    for life in range(6):
        for number in range(25 + 5 * life):
            key = f"{life}/{number}"
            s3.put_object(Bucket="lake", Key=key, Body=b"")
            acknowledged.append(f"/lake/{key}")
        server.kill()
        server.start()
    server.stop()
    records = entries_of(server.data / "audit")
    assert [record["seq"] for record in records] == list(range(len(records)))
    written = [r["resources"][0]["name"] for r in records if r["api"]["operation"] == "PutObject"]
    assert sorted(written) == sorted(acknowledged)
    verdict = tessera.check(fsck, tessera.copy_of(server.data / "audit", tmp_path / "log"))
    assert verdict.accepted, verdict.output
    assert verdict.size == len(records)
    server.start()
