"""Buckets as websites: set by boto3, looked at as a browser does."""

import contextlib
import http.client
import json
import pathlib
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "audit"))
from test_audit import entries_of  # noqa: E402

from s3_clients import boto_client, refused

DOMAIN = "web.example.test"
INDEX = {"IndexDocument": {"Suffix": "index.html"}}


@pytest.fixture(scope="module")
def site(make_server):
    return make_server("website", "--s3-website-domain", DOMAIN, "--audit-interval", "100ms")


@pytest.fixture
def s3(site):
    return boto_client(site)


@pytest.fixture
def bucket(s3, bucket_name):
    s3.create_bucket(Bucket=bucket_name)
    return bucket_name


def open_to_all(s3, bucket, resource="*"):
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/{resource}"}]}))  # fmt: skip


@pytest.fixture
def get(site, bucket):
    def ask(path, method="GET", name=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", site.s3_port, timeout=10)
        host = f"{name or bucket}.{DOMAIN}:{site.s3_port}"
        connection.request(method, path, headers={"Host": host} | headers)
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        connection.close()
        return answer

    return ask


def test_the_configuration_is_read_back_and_taken_away(s3, bucket):
    with refused("NoSuchWebsiteConfiguration", 404):
        s3.get_bucket_website(Bucket=bucket)
    wanted = INDEX | {
        "ErrorDocument": {"Key": "error.html"},
        "RoutingRules": [
            {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/"}},
            {"Condition": {"HttpErrorCodeReturnedEquals": "404"},
             "Redirect": {"HostName": "example.com", "Protocol": "https", "HttpRedirectCode": "302"}},
        ],
    }  # fmt: skip
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=wanted)
    shown = s3.get_bucket_website(Bucket=bucket)
    assert {key: shown[key] for key in wanted} == wanted
    s3.delete_bucket_website(Bucket=bucket)
    with refused("NoSuchWebsiteConfiguration", 404):
        s3.get_bucket_website(Bucket=bucket)
    with refused("InvalidArgument", 400):
        s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"ErrorDocument": {"Key": "e"}})


def test_pages_are_served_to_everyone_who_may_read_them(s3, bucket, get):
    s3.put_object(Bucket=bucket, Key="index.html", Body=b"home", ContentType="text/html")
    s3.put_object(Bucket=bucket, Key="a/index.html", Body=b"inner", ContentType="text/html")
    assert get("/").status == 404 and "NoSuchWebsiteConfiguration" in get("/").text
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=INDEX)
    assert get("/").status == 403, "nothing is public by itself"
    open_to_all(s3, bucket)
    home = get("/")
    assert (home.status, home.text, home.headers["Content-Type"]) == (200, "home", "text/html")
    assert get("/a/").text == "inner"
    assert get("/a/index.html").text == "inner"
    there = get("/a")
    assert there.status == 302 and there.headers["Location"] == "/a/"
    assert get("/index.html?versionId=nonsense&x=y").text == "home", "queries mean nothing here"
    head = get("/", "HEAD")
    assert head.status == 200 and head.headers["Content-Length"] == "4" and head.text == ""
    assert get("/", Range="bytes=1-2").text == "om"
    assert get("/", **{"If-None-Match": home.headers["ETag"]}).status == 304
    assert get("/", "PUT").status == 405 and get("/", "DELETE").status == 405
    assert get("/", name="no-such-bucket-here").status == 404


def test_errors_are_pages(s3, bucket, get):
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=INDEX | {"ErrorDocument": {"Key": "error.html"}})
    open_to_all(s3, bucket)
    missing = get("/<b>no</b>")
    assert missing.status == 404 and missing.headers["Content-Type"].startswith("text/html")
    assert "<h1>404 NoSuchKey</h1>" in missing.text and "<b>" not in missing.text
    assert missing.headers["x-amz-error-code"] == "NoSuchKey"
    s3.put_object(Bucket=bucket, Key="error.html", Body=b"sorry", ContentType="text/html")
    missing = get("/none")
    assert (missing.status, missing.text) == (404, "sorry")
    assert missing.headers["x-amz-error-code"] == "NoSuchKey"
    head = get("/none", "HEAD")
    assert head.status == 404 and head.text == ""
    open_to_all(s3, bucket, "error.html")
    s3.put_object(Bucket=bucket, Key="secret", Body=b"secret")
    hidden = get("/secret")
    assert hidden.status == 403 and hidden.text == "sorry"


def test_redirects(s3, bucket, get):
    open_to_all(s3, bucket)
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=INDEX | {"RoutingRules": [
        {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/"}},
        {"Condition": {"HttpErrorCodeReturnedEquals": "404", "KeyPrefixEquals": "img/"},
         "Redirect": {"ReplaceKeyWith": "none.png", "HttpRedirectCode": "302"}},
        {"Condition": {"HttpErrorCodeReturnedEquals": "404"},
         "Redirect": {"HostName": "other.example", "Protocol": "https", "ReplaceKeyPrefixWith": "lost/"}},
    ]})  # fmt: skip
    moved = get("/docs/a b.html".replace(" ", "%20"))
    assert moved.status == 301 and moved.headers["Location"].endswith("/documents/a%20b.html")
    assert moved.headers["Location"].startswith(f"http://{bucket}.{DOMAIN}:")
    image = get("/img/x.png")
    assert image.status == 302 and image.headers["Location"].endswith("/none.png")
    lost = get("/x")
    assert lost.status == 301 and lost.headers["Location"] == "https://other.example/lost/x"
    s3.put_object(Bucket=bucket, Key="there", Body=b"x", WebsiteRedirectLocation="/elsewhere")
    there = get("/there")
    assert there.status == 301 and there.headers["Location"] == "/elsewhere" and there.text == ""
    assert s3.get_object(Bucket=bucket, Key="there")["WebsiteRedirectLocation"] == "/elsewhere"
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"RedirectAllRequestsTo": {"HostName": "new.example"}})
    anywhere = get("/a/b")
    assert anywhere.status == 301 and anywhere.headers["Location"] == "http://new.example/a/b"


def test_the_audit_trail_has_every_page(site, s3, bucket, get):
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=INDEX)
    s3.put_object(Bucket=bucket, Key="index.html", Body=b"home")
    open_to_all(s3, bucket)
    assert get("/").status == 200 and get("/none").status == 404

    def recorded():
        with contextlib.suppress(FileNotFoundError):  # a partial tile may go while it is read
            texts = [json.dumps(one) for one in entries_of(site.data / "audit")]
            return [text for text in texts if f"/{bucket}/" in text and "(anonymous)" in text]
        return []

    def times(path):
        return sum(f'"/{bucket}/{path}"' in text for text in recorded())

    # Of /none the index below it was looked for, too.
    wanted = ("index.html", "none", "none/index.html")
    deadline = time.monotonic() + 20
    while not all(times(path) for path in wanted) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [times(path) for path in wanted] == [1, 1, 1]
