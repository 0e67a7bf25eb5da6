"""Spark writes, overwrites, appends, queries and renames tables over S3A (AWS SDK v2) with all committers."""

import json
import pathlib
import subprocess
import sys

import boto3


def test_spark_over_s3a_with_its_committers(server, bucket_name, jars):
    client = boto3.client("s3", endpoint_url=server.s3_url, region_name=server.region, aws_access_key_id=server.access_key,
                          aws_secret_access_key=server.secret_key)  # fmt: skip
    client.create_bucket(Bucket=bucket_name)
    settings = {"url": server.s3_url, "access_key": server.access_key, "secret_key": server.secret_key,
                "root": f"s3a://{bucket_name}/lake", "jars": [str(jar) for jar in jars]}  # fmt: skip
    job = pathlib.Path(__file__).with_name("spark_job.py")
    done = subprocess.run([sys.executable, str(job), json.dumps(settings)], capture_output=True, text=True, timeout=500, cwd=server.directory)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    seen = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("SEEN "))[5:])
    assert seen == {
        "written": 50_000, "one partition": sum(range(3, 50_000, 5)), "committer": "magic", "overwritten": 1000, "appended": 1010, "query": 202,
        "renamed": True, "source is gone": True, "after rename": 1010, "names": ["_SUCCESS", *(f"day={day}" for day in range(5))],
        "mkdirs": True, "deleted": True, "directory": ["directory", 3300, 6], "partitioned": ["partitioned", 3300, 6], "file": ["file", 3300, 6],
    }  # fmt: skip
    # Nothing is left of the committer's pending data, nor of its uploads.
    left = [item["Key"] for item in client.list_objects_v2(Bucket=bucket_name).get("Contents", [])]
    assert all(key.startswith("lake/empty/") or key == "lake/" for key in left), left
    assert not client.list_multipart_uploads(Bucket=bucket_name).get("Uploads")
