"""S3 by hand: SigV4 and the verbs that the load needs. Answers come back as they are."""

import base64
import datetime
import hashlib
import hmac
import re
import urllib.parse
from xml.sax.saxutils import escape, unescape

from .connection import Connection

REGION = "us-east-1"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


def _hmac(key, text):
    return hmac.digest(key, text.encode(), "sha256")


class Signer:
    """AWS Signature Version 4 in the Authorization header, with the hash of the body."""

    def __init__(self, access_key, secret_key, region=REGION, service="s3"):
        self.access_key = access_key
        self.secret_key = secret_key
        self.region = region
        self.service = service
        self._day = ""
        self._key = b""

    def _key_of(self, day):
        if self._day != day:
            key = _hmac(b"AWS4" + self.secret_key.encode(), day)
            for part in (self.region, self.service, "aws4_request"):
                key = _hmac(key, part)
            self._day, self._key = day, key
        return self._key

    def sign(self, method, host, path, query, headers, body_sha256, now=None):
        """path and query are escaped already. @return the headers to send, without Host"""
        now = now or datetime.datetime.now(datetime.UTC)
        stamp = now.strftime("%Y%m%dT%H%M%SZ")
        day = stamp[:8]
        headers = list(headers) + [("x-amz-content-sha256", body_sha256), ("x-amz-date", stamp)]
        signed = sorted([("host", host)] + [(name.lower(), value) for name, value in headers])
        names = ";".join(name for name, _ in signed)
        canonical_query = "&".join(sorted(part if "=" in part else part + "="
                                          for part in query.split("&") if part))
        canonical = "\n".join([method, path, canonical_query,
                               "".join(f"{name}:{value}\n" for name, value in signed), names,
                               body_sha256])
        scope = f"{day}/{self.region}/{self.service}/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope,
                          hashlib.sha256(canonical.encode()).hexdigest()])
        signature = hmac.new(self._key_of(day), text.encode(), "sha256").hexdigest()
        headers.append(("Authorization",
                        f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, "
                        f"SignedHeaders={names}, Signature={signature}"))
        return headers


def escape_path(text):
    return urllib.parse.quote(text, safe="/-_.~")


def escape_value(text):
    return urllib.parse.quote(text, safe="-_.~")


class S3:
    """One connection that signs. Not thread-safe."""

    def __init__(self, port, access_key, secret_key, timeout_s=30.0):
        self.connection = Connection(port, timeout_s=timeout_s)
        self.signer = Signer(access_key, secret_key)
        self.host = f"127.0.0.1:{port}"

    def close(self):
        self.connection.close()

    def call(self, method, bucket="", key="", query="", headers=(), body=b""):
        path = escape_path(f"/{bucket}" + (f"/{key}" if key else ""))
        sha256 = hashlib.sha256(body).hexdigest() if body else EMPTY_SHA256
        signed = self.signer.sign(method, self.host, path, query, headers, sha256)
        return self.connection.exchange(method, path + (f"?{query}" if query else ""), signed, body)

    def make_bucket(self, bucket):
        return self.call("PUT", bucket)

    def put(self, bucket, key, body, headers=()):
        return self.call("PUT", bucket, key, headers=headers, body=body)

    def get(self, bucket, key, headers=()):
        return self.call("GET", bucket, key, headers=headers)

    def head(self, bucket, key):
        return self.call("HEAD", bucket, key)

    def delete(self, bucket, key):
        return self.call("DELETE", bucket, key)

    def copy(self, bucket, source, target):
        return self.call("PUT", bucket, target,
                         headers=[("x-amz-copy-source", escape_path(f"/{bucket}/{source}"))])

    def delete_many(self, bucket, keys):
        body = ("<Delete>" + "".join(f"<Object><Key>{escape(key)}</Key></Object>" for key in keys)
                + "</Delete>").encode()
        md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
        return self.call("POST", bucket, query="delete", headers=[("Content-MD5", md5)], body=body)

    def begin_multipart(self, bucket, key):
        answer = self.call("POST", bucket, key, query="uploads")
        found = re.search(rb"<UploadId>([^<]+)</UploadId>", answer.body)
        return unescape(found.group(1).decode()) if found else None

    def put_part(self, bucket, key, upload_id, number, body):
        return self.call("PUT", bucket, key, body=body,
                         query=f"partNumber={number}&uploadId={escape_value(upload_id)}")

    def complete_multipart(self, bucket, key, upload_id, etags):
        body = ("<CompleteMultipartUpload>" + "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag)}</ETag></Part>"
            for number, etag in enumerate(etags, 1)) + "</CompleteMultipartUpload>").encode()
        return self.call("POST", bucket, key, query=f"uploadId={escape_value(upload_id)}", body=body)

    def list_all(self, bucket, prefix=""):
        """{key: (size, etag)} of the whole listing by pages. @raise RuntimeError: an error answer"""
        found, token = {}, ""
        while True:
            query = f"list-type=2&prefix={escape_value(prefix)}"
            if token:
                query = f"continuation-token={escape_value(token)}&" + query
            answer = self.call("GET", bucket, query=query)
            if answer.status != 200:
                raise RuntimeError(f"listing {bucket}/{prefix}: {answer.status} {answer.body[:500]}")
            for item in re.findall(rb"<Contents>(.*?)</Contents>", answer.body, re.DOTALL):
                key, size, etag = (unescape(re.search(rb"<%s>(.*?)</%s>" % (tag, tag), item)
                                            .group(1).decode(), {"&quot;": '"', "&#34;": '"'})
                                   for tag in (b"Key", b"Size", b"ETag"))
                found[key] = (int(size), etag.strip('"'))
            next_token = re.search(rb"<NextContinuationToken>(.*?)</NextContinuationToken>",
                                   answer.body)
            if not next_token:
                return found
            token = unescape(next_token.group(1).decode())
