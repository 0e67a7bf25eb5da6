"""Path tricks: names that a file system cannot hold are kept as they are, names that are none are refused, and
nothing leads out of the mounted directory."""

from __future__ import annotations

import json
import os
import urllib.parse
import xml.etree.ElementTree as xml_tree

import pytest

from raw import BUCKET, SECRET, gcs_reason, s3_code, status_of, talk
from traffic.s3 import EMPTY_SHA256, escape_value

# Legal in S3 and GCS, and each another name than every other.
STRANGE = ["..", ".", "../..", "../../secret", "a/../../secret", "a/./b", "a/../b", "a//b", "a///b", "//", "/a", "a/", "a/b/", "./a",
           "...", ".beringia", ".beringia/x", "%2e%2e", "%2F", "a%00b", "a b", "a+b", "a?b", "a#b", "a&b=c", "a\\..\\b", "C:\\x", "a\tb",
           "a\nb", "\x7f", "~root", "-rf", "*", "'\"<>&;", "\u00e9", "e\u0301", "\u2028", "\U0001f600", "\ufeffa",
           "x" * 255, "x" * 256, "x" * 1024, "/".join("y" * 255 for _ in range(4)), "/" * 30, "../" * 30 + "x", "\u00e9" * 512]  # fmt: skip


def refused_by_gcs(key):
    """Google's rules for new names; what S3 clients named so is there all the same."""
    return key in (".", "..") or "\n" in key or "\r" in key


def native_files(lake):
    found = set()
    for folder, _, names in os.walk(lake.server.objects):
        found.update(os.path.join(folder, name) for name in names)
    return found


def listed_over_s3(lake):
    answer = lake.s3.call("GET", BUCKET, query="encoding-type=url&list-type=2")
    assert answer.status == 200, answer
    space = "{http://s3.amazonaws.com/doc/2006-03-01/}"
    return {urllib.parse.unquote_plus(key.text) for key in xml_tree.fromstring(answer.body).iter(f"{space}Key")}


@pytest.mark.parametrize("writer", ("s3", "gcs"))
def test_strange_names_are_kept_as_they_are(lake, writer):
    outside = set(os.listdir(lake.server.directory))
    kept = listed_over_s3(lake)
    names = [key for key in STRANGE if writer == "s3" or not refused_by_gcs(key)]
    bodies = {key: f"{writer} {number}".encode() for number, key in enumerate(names)}
    for key, body in bodies.items():
        answer = lake.s3.put(BUCKET, key, body) if writer == "s3" else lake.gcs.insert(BUCKET, key, body)
        assert answer.status == 200, (key, answer)
    for key, body in bodies.items():
        assert lake.s3.get(BUCKET, key).body == body, key
        assert lake.gcs.get(BUCKET, key).body == body, key
        assert json.loads(lake.gcs.stat(BUCKET, key).body)["name"] == key
    assert listed_over_s3(lake) - kept == set(names)
    assert set(lake.gcs.list_all(BUCKET)) - kept == set(names)
    assert set(os.listdir(lake.server.directory)) == outside
    for key in bodies:
        answer = lake.s3.delete(BUCKET, key) if writer == "gcs" else lake.gcs.delete(BUCKET, key)
        assert answer.status == 204, (key, answer)
    assert listed_over_s3(lake) == kept


def signed_get(lake, method, raw_path):
    headers = lake.s3.signer.sign(method, lake.host, raw_path, "", [], EMPTY_SHA256)
    return lake.s3.connection.exchange(method, raw_path, headers)


def test_names_may_be_as_deep_as_they_are_long(lake):
    for key in ("../" * 341 + "x", "a/" * 511 + "x", "/" * 500):
        assert lake.s3.put(BUCKET, key, b"deep").status == 200, key
        assert lake.gcs.get(BUCKET, key).body == b"deep", key
        assert lake.s3.delete(BUCKET, key).status == 204, key
        assert lake.gcs.get(BUCKET, key).status == 404, key


def test_names_whose_native_path_would_be_too_long_are_refused(lake):
    """Within 1,024 bytes, but 6,000 in a directory: docs/formats/native-names.md."""
    for key in ("/" * 1024, "/" * 1000 + "x"):
        answer = lake.s3.put(BUCKET, key, b"x")
        assert answer.status == 400 and s3_code(answer), answer
        answer = lake.gcs.insert(BUCKET, key, b"x")
        assert answer.status == 400 and gcs_reason(answer) == "invalid", answer


TOO_LONG = ["x" * 1025, "a/" * 512 + "b", "\u00e9" * 513, "x" * 5000]
NOT_UTF8 = ["%ff", "a%80b", "%c0%af", "%ed%a0%80", "%f5%80%80%80", "%c3", "..%c0%afsecret"]
NUL = ["%00", "a%00b", "kept/1%00", "kept/1%00.txt"]
BAD_ESCAPES = ["%", "%2", "%zz", "a%"]


def test_names_that_are_too_long_are_refused(lake):
    for key in TOO_LONG:
        for answer in (lake.s3.put(BUCKET, key, b"x"), lake.s3.get(BUCKET, key)):
            assert (answer.status, s3_code(answer)) == (400, "KeyTooLongError"), (len(key), answer)
        for answer in (lake.gcs.insert(BUCKET, key, b"x"), lake.gcs.get(BUCKET, key)):
            assert answer.status in (400, 404) and gcs_reason(answer), (len(key), answer)
        assert lake.gcs.insert(BUCKET, key, b"x").status == 400
        copied = lake.s3.copy(BUCKET, "kept/1", key)
        assert copied.status == 400 and s3_code(copied)


@pytest.mark.parametrize("escaped", NOT_UTF8 + NUL + BAD_ESCAPES)
def test_names_that_are_not_utf8_or_hold_nul_are_refused(lake, escaped):
    before = native_files(lake)
    for method in ("PUT", "GET", "DELETE", "HEAD"):
        path = f"/{BUCKET}/{escaped}"
        # Clients sign the path as they send it.
        answer = signed_get(lake, method, path)
        assert answer.status in (400, 403), (method, escaped, answer)
        if method != "HEAD":
            assert s3_code(answer)
    for method, target in (("GET", f"/storage/v1/b/{BUCKET}/o/{escaped}"), ("GET", f"/storage/v1/b/{BUCKET}/o/{escaped}?alt=media"),
                           ("DELETE", f"/storage/v1/b/{BUCKET}/o/{escaped}"),
                           ("POST", f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={escaped}"),
                           ("POST", f"/storage/v1/b/{BUCKET}/o/kept%2F1/rewriteTo/b/{BUCKET}/o/{escaped}")):
        answer = lake.gcs.call(method, target)
        assert answer.status in (400, 405), (method, target, answer)
        assert gcs_reason(answer)
    assert native_files(lake) == before


RAW = ["/../secret", "/../../secret", f"/{BUCKET}/../../secret", f"/{BUCKET}/../secret", "/%2e%2e/secret", f"/{BUCKET}/%2e%2e/%2e%2e/secret",
       f"/{BUCKET}/..%2f..%2fsecret", f"/{BUCKET}/..%5c..%5csecret", f"//{BUCKET}/kept/1/../../../secret", "/./../secret", "/..", "/.", "//",
       f"/{BUCKET}/%252e%252e/secret", "/~/secret", "/etc/passwd", "//etc/passwd", f"/{BUCKET}//etc/passwd", "/../data/audit.key",
       f"/{BUCKET}/../../data/audit.key", f"/{BUCKET}/../../data/catalog/CURRENT"]  # fmt: skip


@pytest.mark.parametrize("path", RAW)
def test_no_path_leads_out_of_the_mount(lake, path):
    answers = [signed_get(lake, "GET", path), lake.gcs.call("GET", path),
               lake.gcs.call("GET", f"/storage/v1/b/{BUCKET}/o/{urllib.parse.quote(path, safe='')}?alt=media"),
               lake.gcs.call("GET", f"/storage/v1/b/{urllib.parse.quote(path, safe='')}/o")]
    for answer in answers:
        assert SECRET not in answer.body and b"PRIVATE+KEY" not in answer.body and b"root:" not in answer.body, path
        assert answer.status in (400, 403, 404, 405) or (answer.status == 200 and b"ListAllMyBuckets" in answer.body), (path, answer)


BUCKETS = ["..", ".", ".beringia", "A", "a", "ab", "-a-", "a_b", "UPPER", "x" * 64, "a..b", "a b", "a%00b", "a%2Fb", "a%2F..%2Fb", "192.168.1.1", "%ff", "xn--", "a\\b"]  # fmt: skip


@pytest.mark.parametrize("name", BUCKETS)
def test_bucket_names_that_are_none_are_refused(lake, name):
    escaped = name if "%" in name else urllib.parse.quote(name)
    answer = signed_get(lake, "PUT", f"/{escaped}")
    if answer.status == 200:
        # Lenient, as names of directories are: then it is one, and goes again.
        assert name in os.listdir(lake.server.objects)
        assert signed_get(lake, "DELETE", f"/{escaped}").status == 204
    else:
        assert answer.status in (400, 403, 404, 405), (name, answer)
        assert s3_code(answer)
    made = lake.gcs.call("POST", "/storage/v1/b?project=p", json.dumps({"name": name}).encode(), [("Content-Type", "application/json")])
    if made.status == 200:
        assert lake.gcs.call("DELETE", f"/storage/v1/b/{urllib.parse.quote(name, safe='')}").status == 204
    else:
        assert made.status == 400 and gcs_reason(made), (name, made)
    assert not (lake.server.objects / ".." / "b").exists()


def test_symbolic_links_do_not_lead_out(lake):
    folder = lake.server.objects / BUCKET
    (folder / "link").symlink_to(lake.server.directory / "secret")
    (folder / "links").symlink_to(lake.server.directory)
    try:
        for key in ("link", "links/secret", "links/data/audit.key", "links"):
            for answer in (lake.s3.get(BUCKET, key), lake.gcs.get(BUCKET, key)):
                assert answer.status in (403, 404), (key, answer)
                assert SECRET not in answer.body
        written = lake.s3.put(BUCKET, "links/planted", b"x")
        assert written.status >= 400, written
        assert not (lake.server.directory / "planted").exists()
    finally:
        (folder / "link").unlink()
        (folder / "links").unlink()


def test_copies_from_paths_that_are_none_are_refused(lake):
    for source in ("", "/", BUCKET, f"/{BUCKET}/", "kept/1", f"/{BUCKET}/../../secret", f"/{BUCKET}/%ff", f"/{BUCKET}/a%00", "/nowhere/x",
                   f"/{BUCKET}/kept/1?versionId=x", "https://example.com/x", escape_value(f"/{BUCKET}/absent")):
        answer = lake.s3.call("PUT", BUCKET, "copy", headers=[("x-amz-copy-source", source)])
        assert answer.status in (400, 403, 404), (source, answer)
        assert s3_code(answer)


def test_a_request_line_may_hold_raw_bytes_only_to_be_refused(lake):
    for port in (lake.server.s3_port, lake.server.gcs_port):
        for target in (b"/\xff\xfe", b"/lake/\xc3\x28", b"/lake/\x80", b"*", b"lake", b"", b"http://", b"http://[::1", b"//", b"/?\xff"):
            received = talk(port, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert status_of(received) in (0, 400, 401, 403, 404, 405), (target, received[:300])
