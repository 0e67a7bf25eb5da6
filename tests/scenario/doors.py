"""Who acts in a scenario: real clients of Beringia's doors, and others in the native stores."""

import json
import shutil
import urllib.error
import urllib.parse
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
import google.api_core.exceptions
import google.auth.transport.requests
import google.cloud.storage
from google.oauth2 import service_account
from scenario import Failed

TIMEOUT_S = 30
PART_BYTES = 5 << 20
OUTCOME_OF_STATUS = {404: "absent", 412: "refused", 409: "refused", 503: "unavailable"}


def failed(status, why):
    return Failed(OUTCOME_OF_STATUS.get(status, f"HTTP {status}"), why)


def shown(names, prefix):
    """As a person lists a directory: without its name."""
    return sorted(name.removeprefix(prefix[:prefix.rfind("/") + 1]) for name in names)


def s3_client(server):
    return boto3.client(
        "s3", endpoint_url=server.s3_url, region_name="us-east-1", aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        config=botocore.config.Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"},
                                      read_timeout=TIMEOUT_S))  # fmt: skip


class S3Door:
    def __init__(self, client, bucket):
        self.client, self.bucket = client, bucket

    def _call(self, name, **arguments):
        try:
            return getattr(self.client, name)(Bucket=self.bucket, **arguments)
        except botocore.exceptions.ClientError as error:
            raise failed(error.response["ResponseMetadata"]["HTTPStatusCode"], error) from None

    def put(self, key, data):
        self._call("put_object", Key=key, Body=data)

    def put_new(self, key, data):
        self._call("put_object", Key=key, Body=data, IfNoneMatch="*")

    def upload(self, key, data):
        upload = self._call("create_multipart_upload", Key=key)["UploadId"]
        parts = []
        for number, start in enumerate(range(0, len(data), PART_BYTES), 1):
            part = self._call("upload_part", Key=key, UploadId=upload, PartNumber=number,
                              Body=data[start:start + PART_BYTES])
            parts.append({"PartNumber": number, "ETag": part["ETag"]})
        self._call("complete_multipart_upload", Key=key, UploadId=upload, MultipartUpload={"Parts": parts})

    def get(self, key, first=None, last=None):
        extra = {} if first is None else {"Range": f"bytes={first}-{last}"}
        return self._call("get_object", Key=key, **extra)["Body"].read()

    def delete(self, key):
        self._call("delete_object", Key=key)

    def copy(self, key, to):
        self._call("copy_object", Key=to, CopySource={"Bucket": self.bucket, "Key": key})

    def list(self, prefix):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/")
        names = []
        try:
            for page in pages:
                names += [item["Key"] for item in page.get("Contents", [])]
                names += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
        except botocore.exceptions.ClientError as error:
            raise failed(error.response["ResponseMetadata"]["HTTPStatusCode"], error) from None
        return shown(names, prefix)


def gcs_client(server, key_file):
    credentials = service_account.Credentials.from_service_account_info(
        json.loads(key_file.read_text()), scopes=["https://www.googleapis.com/auth/devstorage.read_write"])
    session = google.auth.transport.requests.AuthorizedSession(credentials)
    return google.cloud.storage.Client(project="beringia", credentials=credentials, _http=session,
                                       client_options={"api_endpoint": server.gcs_url})


class GcsDoor:
    def __init__(self, client, bucket):
        self.client, self.bucket = client, client.bucket(bucket)

    @staticmethod
    def _call(work):
        try:
            return work()
        except google.api_core.exceptions.GoogleAPICallError as error:
            raise failed(error.code, error) from None

    def put(self, key, data):
        self._call(lambda: self.bucket.blob(key).upload_from_string(data, retry=None, timeout=TIMEOUT_S))

    def put_new(self, key, data):
        self._call(lambda: self.bucket.blob(key).upload_from_string(data, if_generation_match=0, retry=None,
                                                                    timeout=TIMEOUT_S))

    def upload(self, key, data):
        def work():
            with self.bucket.blob(key).open("wb", chunk_size=1 << 20, retry=None) as stream:
                stream.write(data)
        self._call(work)

    def get(self, key, first=None, last=None):
        return self._call(lambda: self.bucket.blob(key).download_as_bytes(start=first, end=last, retry=None,
                                                                          timeout=TIMEOUT_S))

    def delete(self, key):
        self._call(lambda: self.bucket.blob(key).delete(retry=None, timeout=TIMEOUT_S))

    def copy(self, key, to):
        self._call(lambda: self.bucket.copy_blob(self.bucket.blob(key), self.bucket, to, retry=None,
                                                 timeout=TIMEOUT_S))

    def list(self, prefix):
        def work():
            found = self.client.list_blobs(self.bucket, prefix=prefix, delimiter="/", retry=None, timeout=TIMEOUT_S)
            names = [blob.name for blob in found]
            return shown(names + list(found.prefixes), prefix)
        return self._call(work)


class Disk:
    """Somebody else with a shell on the storage server."""

    def __init__(self, root):
        self.root = root

    def rename(self, key, to):
        (self.root / to).parent.mkdir(parents=True, exist_ok=True)
        (self.root / key).rename(self.root / to)

    def remove_tree(self, key):
        shutil.rmtree(self.root / key)

    def link(self, key, to):
        (self.root / to).symlink_to(self.root / key)

    def write(self, key, data):
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def delete(self, key):
        path = self.root / key
        if not path.exists():
            raise Failed("absent", key)
        path.unlink()

    def get(self, key):
        try:
            return (self.root / key).read_bytes()
        except FileNotFoundError:
            raise Failed("absent", key) from None


class Cloud:
    """Somebody else with an account of the cloud. Does not go through the cable."""

    def __init__(self, endpoint, bucket, prefix):
        self.endpoint, self.bucket, self.prefix = endpoint, bucket, prefix

    def _call(self, method, path, body=None):
        request = urllib.request.Request(self.endpoint + path, body, {"Content-Type": "a/b"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise failed(error.code, error.read()) from None

    def _object(self, key):
        return f"/storage/v1/b/{self.bucket}/o/{urllib.parse.quote(self.prefix + key, safe='')}"

    def write(self, key, data):
        name = urllib.parse.quote(self.prefix + key, safe="")
        self._call("POST", f"/upload/storage/v1/b/{self.bucket}/o?uploadType=media&name={name}", data)

    def delete(self, key):
        self._call("DELETE", self._object(key))

    def get(self, key):
        return self._call("GET", self._object(key) + "?alt=media")
