"""Spark writes, overwrites, appends, queries and renames tables: over S3A (AWS SDK v2) with all committers, and over gs:// with
Google's connector."""

import json
import pathlib
import subprocess
import sys

import boto3
import pytest
from spark_lake import USED


def reasons(output):
    """The lines that say why; a trace of Java's alone fills pages."""
    lines = output.splitlines()
    return "\n".join([*(line for line in lines if "Exception" in line or "Error" in line or "Caused by" in line)][:40] + lines[-20:])


def seen_by(job, settings, directory):
    path = pathlib.Path(__file__).with_name(job)
    done = subprocess.run([sys.executable, str(path), json.dumps(settings)], capture_output=True, text=True, timeout=500, cwd=directory)
    assert done.returncode == 0, reasons(done.stdout + done.stderr)
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("SEEN "))[5:])


def s3_client(server):
    return boto3.client("s3", endpoint_url=server.s3_url, region_name=server.region, aws_access_key_id=server.access_key,
                        aws_secret_access_key=server.secret_key)  # fmt: skip


def keys_of(server, bucket):
    return [item["Key"] for item in s3_client(server).list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_spark_over_s3a_with_its_committers(server, bucket_name, jars):
    client = s3_client(server)
    client.create_bucket(Bucket=bucket_name)
    settings = {"url": server.s3_url, "access_key": server.access_key, "secret_key": server.secret_key,
                "root": f"s3a://{bucket_name}/lake", "jars": [str(jar) for jar in jars]}  # fmt: skip
    assert seen_by("spark_job.py", settings, server.directory) == USED | {
        "committed by": "magic", "directory": ["directory", 3300, 6], "partitioned": ["partitioned", 3300, 6], "file": ["file", 3300, 6],
    }  # fmt: skip
    # Nothing is left of the committer's pending data, nor of its uploads.
    left = keys_of(server, bucket_name)
    assert all(key.startswith("lake/empty/") or key == "lake/" for key in left), left
    assert not client.list_multipart_uploads(Bucket=bucket_name).get("Uploads")


@pytest.mark.parametrize("version", ["4.0.3", "hadoop3-2.2.26"])
def test_spark_over_gs_with_googles_connector(server, bucket_name, gcs_connector, version):
    s3_client(server).create_bucket(Bucket=bucket_name)
    key_file = server.directory / "connector-key.json"
    key_file.write_text(server.run("keys", "create", "--principal", "root", "--kind", "service-account").stdout)
    settings = {"url": server.gcs_url, "key_file": str(key_file), "root": f"gs://{bucket_name}/lake", "jars": [str(gcs_connector(version))]}
    assert seen_by("spark_gcs_job.py", settings, server.directory) == USED | {
        "committed by": "", "range": "e", "file after append": "one,more,", "file after concat": "one,more,two",
        "no overwrite": "FileAlreadyExistsException", "attribute": "sales", "summary": [2, 15], "glob": ["part-1", "part-2"],
    }  # fmt: skip
    # The job left nothing of its own; S3 shows what the connector made (whose concat leaves its sources).
    assert set(keys_of(server, bucket_name)) <= {"lake/", "lake/part-1", "lake/part-2", "lake/empty/", "lake/empty/deep/"}
