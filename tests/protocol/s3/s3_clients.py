"""Clients of the S3 tests, by endpoint and key only, and what several tests ask of them."""

import contextlib
import os
import socket

import boto3
import botocore.config
import botocore.exceptions

MIB = 1 << 20


def boto_client(server, *, url=None, access_key=None, secret_key=None, verify=None, token=None, **config):
    """boto3 with its defaults, but for the endpoint and path style."""
    settings = {"retries": {"max_attempts": 1}, "s3": {"addressing_style": "path"}} | config
    return boto3.client(
        "s3", endpoint_url=url or server.s3_url, region_name=server.region,
        aws_access_key_id=access_key or server.access_key, aws_secret_access_key=secret_key or server.secret_key,
        aws_session_token=token, config=botocore.config.Config(**settings), verify=verify,
    )  # fmt: skip


@contextlib.contextmanager
def refused(code: str, status: int | None = None):
    """The call inside is answered with this error code (and status)."""
    try:
        yield
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        if status is not None:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status
        return
    raise AssertionError(f"expected {code}, but the call succeeded")


def keys(page) -> list[str]:
    return [item["Key"] for item in page.get("Contents", [])]


def prefixes(page) -> list[str]:
    return [item["Prefix"] for item in page.get("CommonPrefixes", [])]


def environment(server, **more: str) -> dict[str, str]:
    """For command line clients: no settings of the machine, the server's key."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "S3_", "RCLONE_"))}
    return kept | {
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "AWS_REGION": server.region,
        "AWS_DEFAULT_REGION": server.region,
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
    } | more


def exchange(server, request: bytes, *, half_close: bool = False) -> bytes:
    """Sends raw bytes, and everything that comes back until the server closes or is quiet for a second."""
    with socket.create_connection(("127.0.0.1", server.s3_port), timeout=10) as connection:
        connection.sendall(request)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        connection.settimeout(1)
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
        return answer
