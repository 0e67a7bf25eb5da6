"""A key file as `beringia keys create` hands it out, and clients that know nothing but that file and the endpoint."""

import pathlib

import boto3
import botocore.config
import google.auth.transport.requests
from google.cloud import storage
from google.oauth2 import service_account

SCOPES = ["https://www.googleapis.com/auth/devstorage.full_control"]


def make_key_file(server, principal: str) -> pathlib.Path:
    path = server.directory / f"{principal}-key.json"
    path.write_text(server.run("keys", "create", "--principal", principal, "--kind", "service-account").stdout)
    return path


def storage_client(server, key_file) -> storage.Client:
    """Google's Python client by endpoint and key file."""
    return storage.Client.from_service_account_json(
        str(key_file), client_options={"api_endpoint": server.gcs_url}
    )


def access_token(key_file):
    """(token, expiry) from the key file's own token_uri."""
    credentials = service_account.Credentials.from_service_account_file(str(key_file), scopes=SCOPES)
    credentials.refresh(google.auth.transport.requests.Request())
    return credentials.token, credentials.expiry


def s3_client(server, access_key: str, secret_key: str):
    return boto3.client(
        "s3", endpoint_url=server.s3_url, region_name=server.region,
        aws_access_key_id=access_key, aws_secret_access_key=secret_key,
        config=botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}),
    )  # fmt: skip
