"""The stock clients of the demo, pointed at Beringia by endpoint and key only."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import boto3
import botocore.config
import google.auth.transport.requests
import google.cloud.storage
import pyarrow.dataset
import pyarrow.fs
import requests
from google.oauth2 import service_account

BUCKET = "sales"
THREADS = 8


def s3_client(server, access_key, secret_key):
    return boto3.client(
        "s3", endpoint_url=server.s3_url, region_name="us-east-1", aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=botocore.config.Config(max_pool_connections=2 * THREADS, retries={"max_attempts": 2},
                                      s3={"addressing_style": "path"}, read_timeout=60))


def gcs_client(server, key_file):
    info = json.loads(key_file.read_text())
    credentials = service_account.Credentials.from_service_account_info(
        info, scopes=["https://www.googleapis.com/auth/devstorage.read_write"])
    session = google.auth.transport.requests.AuthorizedSession(credentials)
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=2 * THREADS))
    return google.cloud.storage.Client(
        project=info.get("project_id", "beringia"), credentials=credentials, _http=session,
        client_options={"api_endpoint": server.gcs_url})


def native_gcs_client(endpoint):
    """A client of the cloud itself, not through Beringia."""
    return google.cloud.storage.Client(
        project="beringia", credentials=google.auth.credentials.AnonymousCredentials(),
        client_options={"api_endpoint": endpoint})


def s3_read(client, key, byte_range=None):
    extra = {"Range": f"bytes={byte_range[0]}-{byte_range[1]}"} if byte_range else {}
    return client.get_object(Bucket=BUCKET, Key=key, **extra)["Body"].read()


def gcs_read(client, key):
    return client.bucket(BUCKET).blob(key).download_as_bytes()


def in_parallel(work, items, threads=THREADS):
    """Results in order; the first failure is raised."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, items))


def wrong_items(read, items):
    """Reads all items and names those whose bytes differ from what was generated."""
    def check(item):
        data = read(item.key)
        same = len(data) == item.size and hashlib.sha256(data).hexdigest() == item.sha256
        return None if same else item.key
    return [key for key in in_parallel(check, items) if key]


def dataset_totals(server, access_key, secret_key):
    """What a report would ask: revenue by region, over all Parquet files, through S3."""
    system = pyarrow.fs.S3FileSystem(
        access_key=access_key, secret_key=secret_key, scheme="http", region="us-east-1",
        endpoint_override=f"127.0.0.1:{server.s3_port}")
    data = pyarrow.dataset.dataset(f"{BUCKET}/facts", filesystem=system, format="parquet",
                                   partitioning="hive")
    table = data.to_table(columns=["region", "amount_cents"])
    totals = table.group_by("region").aggregate([("amount_cents", "sum")])
    return dict(sorted(zip(totals["region"].to_pylist(), totals["amount_cents_sum"].to_pylist())))
