"""Inventories of buckets: set by boto3, written as Parquet or CSV, read by pyarrow and DuckDB."""

import csv
import gzip
import hashlib
import io
import json
import time

import duckdb
import pyarrow.parquet
import pytest

from s3_clients import boto_client, refused

FIELDS = [
    "Size", "LastModifiedDate", "StorageClass", "ETag", "IsMultipartUploaded", "ReplicationStatus", "EncryptionStatus",
    "ObjectLockRetainUntilDate", "ObjectLockMode", "ObjectLockLegalHoldStatus", "IntelligentTieringAccessTier",
    "BucketKeyStatus", "ChecksumAlgorithm", "ObjectAccessControlList", "ObjectOwner",
]  # fmt: skip


@pytest.fixture
def target(s3, bucket):
    name = f"{bucket}-inv"
    s3.create_bucket(Bucket=name)
    allow(s3, name, bucket)
    return name


def allow(s3, target, source):
    s3.put_bucket_policy(Bucket=target, Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{target}/*",
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{source}"},
                      "StringEquals": {"aws:SourceAccount": "root", "s3:x-amz-acl": "bucket-owner-full-control"}}}]}))  # fmt: skip


def configuration(target, identity="daily", **more):
    wanted = {
        "Id": identity,
        "IsEnabled": True,
        "IncludedObjectVersions": "Current",
        "Schedule": {"Frequency": "Daily"},
        "OptionalFields": FIELDS,
        "Destination": {
            "S3BucketDestination": {"Bucket": f"arn:aws:s3:::{target}", "Format": "Parquet", "Prefix": "reports"}
        },
    }
    return wanted | more


def put(s3, bucket, wanted):
    s3.put_bucket_inventory_configuration(Bucket=bucket, Id=wanted["Id"], InventoryConfiguration=wanted)


def run(server, bucket, identity="daily"):
    return server.run_json("inventory", "run", bucket, identity)


def read(s3, target, report):
    """The manifest and the bytes of the report's only file, both checked against their sums."""
    key = report["manifest"].removeprefix(f"/{target}/")
    manifest = s3.get_object(Bucket=target, Key=key)["Body"].read()
    checksum = s3.get_object(Bucket=target, Key=key.replace("manifest.json", "manifest.checksum"))["Body"].read()
    assert hashlib.md5(manifest).hexdigest() == checksum.decode()
    manifest = json.loads(manifest)
    (file,) = manifest["files"]
    data = s3.get_object(Bucket=target, Key=file["key"])["Body"].read()
    assert len(data) == file["size"] and hashlib.md5(data).hexdigest() == file["MD5checksum"]
    return manifest, data


def test_configurations_are_listed_shown_and_removed(s3, bucket, target):
    first = configuration(target)
    second = configuration(target, "weekly.csv", IncludedObjectVersions="All", Schedule={"Frequency": "Weekly"},
                           Filter={"Prefix": "logs/"}, OptionalFields=["Size"])  # fmt: skip
    second["Destination"]["S3BucketDestination"] |= {"Format": "CSV", "Encryption": {"SSES3": {}}}
    with refused("NoSuchConfiguration", 404):
        s3.get_bucket_inventory_configuration(Bucket=bucket, Id="daily")
    put(s3, bucket, second)
    put(s3, bucket, first)
    assert s3.get_bucket_inventory_configuration(Bucket=bucket, Id="weekly.csv")["InventoryConfiguration"] == second
    shown = s3.list_bucket_inventory_configurations(Bucket=bucket)
    assert shown["InventoryConfigurationList"] == [first, second] and not shown["IsTruncated"]
    s3.delete_bucket_inventory_configuration(Bucket=bucket, Id="daily")
    with refused("NoSuchConfiguration", 404):
        s3.delete_bucket_inventory_configuration(Bucket=bucket, Id="daily")
    assert [one["Id"] for one in s3.list_bucket_inventory_configurations(Bucket=bucket)["InventoryConfigurationList"]] == ["weekly.csv"]
    with refused("InvalidS3DestinationBucket", 400):
        put(s3, bucket, configuration("no-such-bucket-anywhere"))
    with refused("MalformedXML", 400):
        put(s3, bucket, configuration(target, OptionalFields=["Weight"]))
    with refused("InvalidArgument", 400):
        s3.put_bucket_inventory_configuration(Bucket=bucket, Id="other", InventoryConfiguration=first)


def test_a_parquet_report_is_what_the_list_says(server, s3, bucket, target, tmp_path):
    keys = sorted(f"dir{n % 3}/ü key {n}" for n in range(2345))
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode()[: hash(key) % 7])
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts", StorageClass="STANDARD_IA")["UploadId"]
    parts = [
        {"PartNumber": n, "ETag": s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=n, Body=body)["ETag"]}
        for n, body in ((1, b"x" * (5 << 20)), (2, b"y"))
    ]
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    s3.put_object(Bucket=bucket, Key="sealed", Body=b"s", ServerSideEncryption="AES256", ChecksumAlgorithm="SHA256")
    put(s3, bucket, configuration(target))
    report = run(server, bucket)
    assert report["rows"] == len(keys) + 2
    assert report["manifest"].startswith(f"/{target}/reports/{bucket}/daily/20")
    manifest, data = read(s3, target, report)
    assert manifest["sourceBucket"] == bucket and manifest["destinationBucket"] == f"arn:aws:s3:::{target}"
    assert manifest["version"] == "2016-11-30" and manifest["fileFormat"] == "Parquet"
    assert abs(int(manifest["creationTimestamp"]) / 1000 - time.time()) < 300
    assert manifest["fileSchema"].startswith("message s3.inventory {  required binary bucket (UTF8);  required binary key (UTF8);")
    assert manifest["files"][0]["key"].startswith(f"reports/{bucket}/daily/data/")

    table = pyarrow.parquet.read_table(io.BytesIO(data), page_checksum_verification=True)
    listed = {
        one["Key"]: one
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        for one in page["Contents"]
    }
    rows = table.to_pylist()
    assert [row["key"] for row in rows] == sorted(listed, key=lambda key: key.encode())
    for row in rows:
        one = listed[row["key"]]
        assert row["bucket"] == bucket and row["size"] == one["Size"] and row["e_tag"] == one["ETag"].strip('"')
        assert row["storage_class"] == one["StorageClass"] and row["object_owner"] == "root"
        assert int(row["last_modified_date"].timestamp()) == int(one["LastModified"].timestamp())
        assert row["is_multipart_uploaded"] == (row["key"] == "parts")
        assert row["encryption_status"] == ("SSE-S3" if row["key"] == "sealed" else "NOT-SSE")
        assert row["replication_status"] is None and row["object_lock_mode"] is None
    assert next(row for row in rows if row["key"] == "sealed")["checksum_algorithm"] == "SHA256"

    # Hive's symlink leads to the same file, and DuckDB reads it, too.
    (link,) = s3.list_objects_v2(Bucket=target, Prefix=f"reports/{bucket}/daily/hive/")["Contents"]
    assert "/hive/dt=20" in link["Key"] and link["Key"].endswith("/symlink.txt")
    text = s3.get_object(Bucket=target, Key=link["Key"])["Body"].read().decode()
    assert text == f"s3://{target}/{manifest['files'][0]['key']}\n"
    path = tmp_path / "inventory.parquet"
    path.write_bytes(data)
    count, total, newest = duckdb.sql(
        f"SELECT count(*), sum(size), max(last_modified_date)::VARCHAR FROM read_parquet('{path}')"
    ).fetchone()
    assert (count, total) == (len(listed), sum(one["Size"] for one in listed.values()))
    assert newest.startswith("20")


def test_versions_and_marks_are_in_a_csv_report(server, s3, bucket, target):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key='logs/a "b",c', Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key='logs/a "b",c', Body=b"22")["VersionId"]
    mark = s3.delete_object(Bucket=bucket, Key='logs/a "b",c')["VersionId"]
    s3.put_object(Bucket=bucket, Key="elsewhere", Body=b"1")
    wanted = configuration(target, "all", IncludedObjectVersions="All", Filter={"Prefix": "logs/"}, OptionalFields=["Size"])
    wanted["Destination"]["S3BucketDestination"] |= {"Format": "CSV"}
    put(s3, bucket, wanted)
    manifest, data = read(s3, target, run(server, bucket, "all"))
    assert manifest["fileFormat"] == "CSV" and manifest["files"][0]["key"].endswith(".csv.gz")
    assert manifest["fileSchema"] == "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size"
    rows = list(csv.reader(io.StringIO(gzip.decompress(data).decode())))
    key = "logs/a%20%22b%22%2Cc"
    assert rows == [
        [bucket, key, mark, "true", "true", ""],
        [bucket, key, second, "false", "false", "2"],
        [bucket, key, first, "false", "false", "1"],
    ]


def test_an_empty_bucket_has_an_empty_report(server, s3, bucket, target):
    put(s3, bucket, configuration(target))
    _, data = read(s3, target, run(server, bucket))
    table = pyarrow.parquet.read_table(io.BytesIO(data))
    assert table.num_rows == 0 and "e_tag" in table.column_names


def test_the_target_decides_who_delivers(server, s3, bucket):
    closed = f"{bucket}-closed"
    s3.create_bucket(Bucket=closed)
    put(s3, bucket, configuration(closed))
    failed = server.run("inventory", "run", bucket, "daily", check=False)
    assert failed.returncode != 0 and "s3.amazonaws.com" in failed.stderr + failed.stdout
    assert "Contents" not in s3.list_objects_v2(Bucket=closed)
    allow(s3, closed, "another-bucket")
    assert server.run("inventory", "run", bucket, "daily", check=False).returncode != 0
    missing = server.run("inventory", "run", bucket, "none", check=False)
    assert missing.returncode != 0 and "no inventory" in missing.stderr + missing.stdout


def test_the_first_report_comes_by_itself(make_server, bucket_name):
    server = make_server("inventories")
    s3 = boto_client(server)
    s3.create_bucket(Bucket=bucket_name)
    s3.put_object(Bucket=bucket_name, Key="k", Body=b"x")
    s3.create_bucket(Bucket=f"{bucket_name}-inv")
    allow(s3, f"{bucket_name}-inv", bucket_name)
    put(s3, bucket_name, configuration(f"{bucket_name}-inv"))
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        found = s3.list_objects_v2(Bucket=f"{bucket_name}-inv").get("Contents", [])
        if any(one["Key"].endswith("manifest.checksum") for one in found):
            break
        time.sleep(0.2)
    assert len(found) == 4
