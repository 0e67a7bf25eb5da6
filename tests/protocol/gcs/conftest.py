"""What the GCS client tests share."""

import json
import pathlib

import pytest
from google.cloud import storage

from gcs_clients import make_key_file, s3_client, storage_client


@pytest.fixture(scope="session")
def key_file(server) -> pathlib.Path:
    path = make_key_file(server, "root")
    assert json.loads(path.read_text())["type"] == "service_account"
    return path


@pytest.fixture(scope="session")
def client(server, key_file) -> storage.Client:
    return storage_client(server, key_file)


@pytest.fixture
def bucket(client, bucket_name):
    return client.create_bucket(bucket_name)


@pytest.fixture(scope="session")
def s3(server):
    return s3_client(server, server.access_key, server.secret_key)
