"""Fixtures of the S3 client tests: a client that is root, and a bucket of its own for each test."""

import pytest

from s3_clients import boto_client


@pytest.fixture(scope="session")
def s3(server):
    return boto_client(server)


@pytest.fixture
def bucket(s3, bucket_name):
    s3.create_bucket(Bucket=bucket_name)
    return bucket_name


@pytest.fixture
def put(s3, bucket):
    """put(key, body="x") stores an object in the test's bucket."""

    def store(key: str, body=b"x", **more):
        return s3.put_object(Bucket=bucket, Key=key, Body=body, **more)

    return store
