"""Delta tables by delta-rs (Rust object_store): commits by conditional PUT, several writers at once, older versions."""

import threading

import boto3
import pyarrow
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError

WRITERS = 4
ROWS = 500


@pytest.fixture
def table(server, bucket_name):
    client = boto3.client("s3", endpoint_url=server.s3_url, region_name=server.region, aws_access_key_id=server.access_key,
                          aws_secret_access_key=server.secret_key)  # fmt: skip
    client.create_bucket(Bucket=bucket_name)
    options = {"AWS_ACCESS_KEY_ID": server.access_key, "AWS_SECRET_ACCESS_KEY": server.secret_key, "AWS_REGION": server.region,
               "AWS_ENDPOINT_URL": server.s3_url, "AWS_ALLOW_HTTP": "true", "aws_conditional_put": "etag"}  # fmt: skip
    return f"s3://{bucket_name}/tables/sales", options


def numbers(first, count):
    return pyarrow.table({"id": pyarrow.array(range(first, first + count), pyarrow.int64()),
                          "day": pyarrow.array([n % 3 for n in range(first, first + count)], pyarrow.int64())})  # fmt: skip


def ids_of(address, options, version=None):
    return sorted(DeltaTable(address, version=version, storage_options=options).to_pyarrow_table()["id"].to_pylist())


def test_a_delta_table_is_written_read_and_cleaned(table):
    address, options = table
    write_deltalake(address, numbers(0, ROWS), storage_options=options, partition_by=["day"])
    write_deltalake(address, numbers(ROWS, ROWS), storage_options=options, mode="append")
    assert ids_of(address, options) == list(range(2 * ROWS))
    DeltaTable(address, storage_options=options).delete("id >= 10")
    assert ids_of(address, options) == list(range(10))
    assert ids_of(address, options, version=1) == list(range(2 * ROWS)), "older versions stay readable"
    write_deltalake(address, numbers(7, 3), storage_options=options, mode="overwrite")
    newest = DeltaTable(address, storage_options=options)
    newest.optimize.compact()
    newest.create_checkpoint()
    removed = newest.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    assert removed and ids_of(address, options) == [7, 8, 9]


def test_writers_at_once_lose_nothing(table):
    address, options = table
    write_deltalake(address, numbers(0, 1), storage_options=options)
    faults = []

    def append(first):
        for number in range(first, first + 5):
            for _ in range(20):
                try:
                    write_deltalake(address, numbers(number, 1), storage_options=options, mode="append")
                    break
                except CommitFailedError:  # more races than it repeats by itself
                    continue
            else:
                faults.append(number)

    threads = [threading.Thread(target=append, args=(100 * writer,)) for writer in range(1, WRITERS + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    wanted = [0] + [100 * writer + n for writer in range(1, WRITERS + 1) for n in range(5)]
    assert ids_of(address, options) == wanted
    assert DeltaTable(address, storage_options=options).version() == len(wanted) - 1
