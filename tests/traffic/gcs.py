"""The GCS JSON API by hand, with a token from a service-account key of Beringia's."""

import base64
import json
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from .connection import Connection

SCOPE = "https://www.googleapis.com/auth/devstorage.full_control"


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def fetch_token(port, key_file_text):
    """The JWT-bearer grant (RFC 7523) as Google's libraries do it."""
    key = json.loads(key_file_text)
    now = int(time.time())
    claims = {"iss": key["client_email"], "scope": SCOPE, "aud": key["token_uri"],
              "iat": now, "exp": now + 3600}
    header = {"alg": "RS256", "typ": "JWT", "kid": key["private_key_id"]}
    text = b".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
    private_key = serialization.load_pem_private_key(key["private_key"].encode(), None)
    signature = private_key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    form = urllib.parse.urlencode({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                                   "assertion": (text + b"." + _base64url(signature)).decode()})
    connection = Connection(port)
    answer = connection.exchange("POST", "/token",
                                 [("Content-Type", "application/x-www-form-urlencoded")],
                                 form.encode())
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"no token: {answer.status} {answer.body[:500]}")
    return json.loads(answer.body)["access_token"]


def _name(text):
    return urllib.parse.quote(text, safe="")


class Gcs:
    """One connection with a bearer token. Not thread-safe."""

    def __init__(self, port, token, timeout_s=30.0):
        self.connection = Connection(port, timeout_s=timeout_s)
        self.token = token

    def close(self):
        self.connection.close()

    def call(self, method, target, body=b"", headers=()):
        return self.connection.exchange(
            method, target, [("Authorization", f"Bearer {self.token}"), *headers], body)

    def _object(self, bucket, key):
        return f"/storage/v1/b/{_name(bucket)}/o/{_name(key)}"

    def make_bucket(self, bucket):
        return self.call("POST", "/storage/v1/b?project=p", json.dumps({"name": bucket}).encode(),
                         [("Content-Type", "application/json")])

    def insert(self, bucket, key, body, query=""):
        return self.call("POST", f"/upload/storage/v1/b/{_name(bucket)}/o?uploadType=media"
                                 f"&name={_name(key)}{query}", body,
                         [("Content-Type", "application/octet-stream")])

    def begin_resumable(self, bucket, key):
        """The session's address (path and query), or None."""
        answer = self.call("POST", f"/upload/storage/v1/b/{_name(bucket)}/o?uploadType=resumable"
                                   f"&name={_name(key)}", b"{}",
                           [("Content-Type", "application/json")])
        location = urllib.parse.urlsplit(answer.header("location"))
        return f"{location.path}?{location.query}" if location.path else None

    def put_chunk(self, session, body, first, total=None):
        """total None: more will come."""
        last = first + len(body) - 1
        end = "*" if total is None else total
        span = f"bytes {first}-{last}/{end}" if body else f"bytes */{end}"
        return self.call("PUT", session, body, [("Content-Range", span)])

    def get(self, bucket, key):
        return self.call("GET", self._object(bucket, key) + "?alt=media")

    def stat(self, bucket, key):
        return self.call("GET", self._object(bucket, key))

    def delete(self, bucket, key):
        return self.call("DELETE", self._object(bucket, key))

    def patch(self, bucket, key, change):
        return self.call("PATCH", self._object(bucket, key), json.dumps(change).encode(),
                         [("Content-Type", "application/json")])

    def copy(self, bucket, source, target):
        return self.call("POST", f"{self._object(bucket, source)}/rewriteTo/b/{_name(bucket)}/o/"
                                 f"{_name(target)}", b"{}", [("Content-Type", "application/json")])

    def move(self, bucket, source, target):
        return self.call("POST", f"{self._object(bucket, source)}/moveTo/o/{_name(target)}")

    def compose(self, bucket, sources, target):
        body = json.dumps({"sourceObjects": [{"name": name} for name in sources]}).encode()
        return self.call("POST", self._object(bucket, target) + "/compose", body,
                         [("Content-Type", "application/json")])

    def list_all(self, bucket, prefix=""):
        """{key: resource}. @raise RuntimeError: an error answer"""
        found, token = {}, ""
        while True:
            answer = self.call("GET", f"/storage/v1/b/{_name(bucket)}/o?prefix={_name(prefix)}"
                                      + (f"&pageToken={_name(token)}" if token else ""))
            if answer.status != 200:
                raise RuntimeError(f"listing {bucket}/{prefix}: {answer.status} {answer.body[:500]}")
            page = json.loads(answer.body)
            found |= {item["name"]: item for item in page.get("items", [])}
            token = page.get("nextPageToken", "")
            if not token:
                return found
