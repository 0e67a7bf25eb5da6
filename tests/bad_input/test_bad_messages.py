"""Malformed XML, JSON, chunks and heads, truncated bodies, wrong checksums: the protocol's own error, and nothing
is stored of what came."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import time
import zlib

import pytest

from raw import BUCKET, PATIENCE_S, gcs_reason, s3_code, status_of, talk
from traffic.s3 import escape_value


DOORS = ("s3", "gcs")
BOMB = (b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(8))
        + b"]><Delete><Object><Key>&i;</Key></Object></Delete>")  # fmt: skip
ENTITY = b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&x;</Key></Object></Delete>'
BAD_XML = [b"", b"<", b"<Delete>", b"<Delete></Wrong>", b"not xml", b"{}", b"\xff\xfe<Delete/>", b"<Delete/>", b"<Wrong/>",
           b"<Delete><Object></Object></Delete>", b"<Delete>" + b"<Object>" * 20000, ENTITY, BOMB,
           b"<Delete><Object><Key>a</Key></Object></Delete>trailing", b"<Delete>" + b"<Object><Key>a</Key></Object>" * 1001 + b"</Delete>"]  # fmt: skip


def port_of(lake, door):
    return lake.server.s3_port if door == "s3" else lake.server.gcs_port


# ---- documents ----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(BAD_XML)))
def test_malformed_xml_is_refused(lake, number):
    body = BAD_XML[number]
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    answer = lake.s3.call("POST", BUCKET, query="delete", headers=[("Content-MD5", md5)], body=body)
    assert answer.status == 400, answer
    assert s3_code(answer) in ("MalformedXML", "MissingRequestBodyError", "InvalidRequest"), answer
    upload = lake.s3.begin_multipart(BUCKET, "upload")
    assert lake.s3.put_part(BUCKET, "upload", upload, 1, b"part").status == 200
    completed = lake.s3.call("POST", BUCKET, "upload", query=f"uploadId={upload}", body=body)
    assert completed.status == 400, completed
    assert s3_code(completed) in ("MalformedXML", "MissingRequestBodyError", "InvalidRequest"), completed
    assert lake.s3.call("DELETE", BUCKET, "upload", query=f"uploadId={upload}").status == 204


def test_documents_have_a_size_limit(lake):
    """Refused by their length: the rest of the body need not be read."""
    md5 = base64.b64encode(bytes(16)).decode()
    head = lake.s3_head("POST", "", [("Content-MD5", md5)], query="delete")
    received = talk(lake.server.s3_port, head + b"Content-Length: 900000000\r\n\r\n<Delete>" + b" " * 5000)
    assert status_of(received) == 400 and b"<Code>" in received, received[:500]
    body = b'{"metadata":{"a":"' + b"x" * (12 << 20) + b'"}}'
    head = lake.gcs_head("PATCH", f"/storage/v1/b/{BUCKET}/o/kept%2F1")
    head += b"Content-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert status_of(talk(lake.server.gcs_port, head + body)) in (0, 400, 413)


BAD_JSON = [b"{", b"[]", b"7", b'"x"', b"{'a':1}", b'{"name":}', b'{"name":"a"} x', b'{"name":"\xff"}',
            b'{"name":"\\ud800"}', b'{"metadata":[]}', b'{"metadata":{"a":{}}}', b'{"contentType":7}', b"\x00",
            b'{"a":' * 5000 + b"1" + b"}" * 5000, b"[" * 100000, b'{"metadata":' + b"9" * 5000 + b"}"]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BAD_JSON)))
def test_malformed_json_is_refused(lake, number):
    body, kind = BAD_JSON[number], [("Content-Type", "application/json")]
    before = json.loads(lake.gcs.stat(BUCKET, "kept/1").body)
    for method, target in (("PATCH", f"/storage/v1/b/{BUCKET}/o/kept%2F1"), ("POST", "/storage/v1/b?project=p"),
                           ("POST", f"/storage/v1/b/{BUCKET}/o/new/compose"),
                           ("POST", f"/upload/storage/v1/b/{BUCKET}/o?uploadType=resumable&name=new")):
        answer = lake.gcs.call(method, target, body, kind)
        assert answer.status == 400, (method, target, answer)
        assert gcs_reason(answer) in ("invalid", "required", "parseError", "badRequest"), answer
    assert json.loads(lake.gcs.stat(BUCKET, "kept/1").body)["metageneration"] == before["metageneration"]


def test_malformed_multipart_uploads_are_refused(lake):
    target = f"/upload/storage/v1/b/{BUCKET}/o?uploadType=multipart"
    part = b'--b\r\nContent-Type: application/json\r\n\r\n{"name":"new"}\r\n'
    media = b"--b\r\nContent-Type: text/plain\r\n\r\nbytes\r\n"
    related = "multipart/related; boundary=b"
    for kind, body in ((related, b""), (related, b"--b--"), (related, part), (related, part + b"--b--"), (related, part + media),
                       (related, media + b"--b--"), (related, media + part + b"--b--"), (related, part + media + media + b"--b--"),
                       ("multipart/related", part + media + b"--b--"), ("multipart/related; boundary=", part + media + b"--b--"),
                       ("multipart/related; boundary=other", part + media + b"--b--"),
                       ("multipart/related; boundary=" + "x" * 500, part + media + b"--b--"), ("text/plain", part + media + b"--b--"),
                       (related, part.replace(b'{"name":"new"}', b"{") + media + b"--b--")):
        answer = lake.gcs.call("POST", target, body, [("Content-Type", kind)])
        assert answer.status == 400, (kind, body, answer)
        assert gcs_reason(answer)


def test_parameters_that_are_no_numbers_or_too_many_are_refused(lake):
    for query in ("list-type=2&max-keys=x", "list-type=2&max-keys=-1", "list-type=2&continuation-token=%00",
                  "list-type=2&encoding-type=x", "uploads&max-uploads=x", "list-type=2&prefix=%ff"):
        answer = lake.s3.call("GET", BUCKET, query=query)
        assert answer.status == 400 and s3_code(answer), (query, answer)
    for query in ("maxResults=x", "maxResults=-1", "pageToken=%21%21", "prefix=%ff", "maxResults=99999999999999999999"):
        answer = lake.gcs.call("GET", f"/storage/v1/b/{BUCKET}/o?{query}")
        assert answer.status == 400 and gcs_reason(answer), (query, answer)
    for header in ("bytes=5-2", "bytes=x", "bytes=99999999-", "bytes=-0"):
        answer = lake.s3.get(BUCKET, "kept/1", [("Range", header)])
        assert answer.status in (200, 416), (header, answer)
    for query in ("ifGenerationMatch=x", "ifGenerationMatch=-1", "ifMetagenerationMatch=1x", "generation=x"):
        answer = lake.gcs.call("GET", f"/storage/v1/b/{BUCKET}/o/kept%2F1?{query}")
        assert answer.status == 400 and gcs_reason(answer), (query, answer)


# ---- heads --------------------------------------------------------------------------------------


HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HTTP2_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


def frame_types(received):
    """Of the HTTP/2 frames that were received."""
    found = []
    while len(received) >= 9:
        found.append(received[3])
        received = received[9 + int.from_bytes(received[:3], "big") :]
    return found


@pytest.mark.parametrize("nonsense", [
    b"x" * 65536,
    HTTP2_SETTINGS + b"\x00\x00\x04\x00\x01\x00\x00\x00\x01abcd",  # DATA of a stream that nobody opened
    HTTP2_SETTINGS + b"\x00\x00\x04\x01\x05\x00\x00\x00\x01\xff\xff\xff\xff",  # HEADERS that HPACK cannot read
    HTTP2_SETTINGS + b"\xff\xff\xff\x01\x05\x00\x00\x00\x01",  # a frame longer than allowed
    HTTP2_SETTINGS + b"\x00\x00\x04\x01\x05\x00\x00\x00\x00\x82\x87\x84\x41",  # HEADERS of no stream
])  # fmt: skip
def test_http2_that_is_none_ends_the_connection(lake, nonsense):
    GOAWAY = 7
    assert GOAWAY in frame_types(talk(port_of(lake, "gcs"), HTTP2_PREFACE + nonsense))


def heads(lake, door):
    """Heads that no server may obey; that of HTTP/2 is one where only HTTP/1.1 is spoken."""
    host = f"127.0.0.1:{port_of(lake, door)}".encode()
    start = b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n"
    return {
        "no host": b"GET / HTTP/1.1\r\n\r\n",
        "two hosts": start + b"Host: other\r\n\r\n",
        "no version": b"GET /\r\n\r\n",
        "wrong version": b"GET / HTTP/3.7\r\nHost: x\r\n\r\n",
        "bare line feeds": b"GET / HTTP/1.1\nHost: x\n\n" + b" " * 70000,
        "a folded line": start + b"A: b\r\n c\r\n\r\n",
        "a space before the colon": start + b"A : b\r\n\r\n",
        "no colon": start + b"A\r\n\r\n",
        "an empty name": start + b": b\r\n\r\n",
        "a NUL in a value": start + b"A: b\x00c\r\n\r\n",
        "a NUL in the target": b"GET /a\x00b HTTP/1.1\r\nHost: x\r\n\r\n",
        "a control byte in the target": b"GET /a\x01b HTTP/1.1\r\nHost: x\r\n\r\n",
        "a space in the target": b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        "a method of no token": b"G(T / HTTP/1.1\r\nHost: x\r\n\r\n",
        "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 600 + b"\r\n\r\n",
        **({} if door == "gcs" else {"HTTP/2": HTTP2_PREFACE}),
        "length and chunked": start.replace(b"GET", b"PUT") + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "chunked and length": start.replace(b"GET", b"PUT") + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        "two lengths": start.replace(b"GET", b"PUT") + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "a negative length": start.replace(b"GET", b"PUT") + b"Content-Length: -3\r\n\r\n",
        "a length with a sign": start.replace(b"GET", b"PUT") + b"Content-Length: +3\r\n\r\nabc",
        "a length of words": start.replace(b"GET", b"PUT") + b"Content-Length: three\r\n\r\n",
        "a huge length": start.replace(b"GET", b"PUT") + b"Content-Length: 99999999999999999999\r\n\r\n",
        "an unknown coding": start.replace(b"GET", b"PUT") + b"Transfer-Encoding: gzip\r\n\r\n",
        "chunked twice": start.replace(b"GET", b"PUT") + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "chunked not last": start.replace(b"GET", b"PUT") + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "an oversized field": start + b"A: " + b"x" * (1 << 20) + b"\r\n\r\n",
        "an oversized target": b"GET /" + b"x" * (1 << 20) + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        "too many fields": start + b"".join(b"A%d: b\r\n" % n for n in range(5000)) + b"\r\n",
    }  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_malformed_heads_are_refused_and_the_connection_is_closed(lake, door):
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    for what, head in heads(lake, door).items():
        received = talk(port_of(lake, door), head + smuggled)
        assert status_of(received) in (0, 400, 414, 431, 501, 505), (what, received[:300])
        # What follows on the connection is never taken for another request.
        assert received.count(b"HTTP/1.1 ") <= 1, (what, received[:600])


def test_user_metadata_has_a_size_limit(lake):
    answer = lake.s3.put(BUCKET, "big-metadata", b"x", [("x-amz-meta-a", "x" * 3000)])
    assert (answer.status, s3_code(answer)) == (400, "MetadataTooLarge")
    body = json.dumps({"metadata": {"a": "x" * 20000}}).encode()
    answer = lake.gcs.call("PATCH", f"/storage/v1/b/{BUCKET}/o/kept%2F1", body, [("Content-Type", "application/json")])
    assert answer.status == 400 and gcs_reason(answer)


# ---- bodies -------------------------------------------------------------------------------------


def put_head(lake, door, key, more=()):
    """A signed head of an upload, with `more` lines, ready for its body."""
    if door == "s3":
        head = lake.s3_head("PUT", key)
    else:
        head = lake.gcs_head("POST", f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={key.replace('/', '%2F')}")
    return head + b"".join(line + b"\r\n" for line in more) + b"\r\n"


BAD_CHUNKS = [b"x\r\nabc\r\n0\r\n\r\n", b"-3\r\nabc\r\n0\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"3\r\nab\r\n0\r\n\r\n", b"3abc\r\n0\r\n\r\n",
              b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n", b"\r\n\r\n", b"3\nabc\n0\n\n" + b"x" * 100, b"3;" + b"e" * 100000 + b"\r\nabc\r\n0\r\n\r\n",
              b"0x3\r\nabc\r\n0\r\n\r\n", b"3 x\r\nabc\r\n0\r\n\r\n", b"3\r\nabc\r\n0\r\nbad trailer\r\n\r\n"]  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("number", range(len(BAD_CHUNKS)))
def test_malformed_chunks_store_nothing(lake, door, number):
    for key in ("chunks", "kept/1"):
        head = put_head(lake, door, key, [b"Transfer-Encoding: chunked"])
        received = talk(port_of(lake, door), head + BAD_CHUNKS[number], half_close=True)
        # The S3 door takes such bodies with a decoded length only.
        assert status_of(received) in ((0, 400, 411) if door == "s3" else (0, 400)), received[:300]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("body", [b"", b"half of what was told", b"x" * 200_000], ids=len)
def test_a_body_that_ends_early_stores_nothing(lake, door, body):
    for key in ("truncated", "kept/1"):
        for more, sent in ((b"Content-Length: %d" % (2 * len(body) + 10), body),
                           (b"Transfer-Encoding: chunked", b"%x\r\n" % (len(body) + 1) + body)):
            received = talk(port_of(lake, door), put_head(lake, door, key, [more]) + sent, half_close=True)
            assert status_of(received) in (0, 400, 408, 411, 503), received[:300]


def test_a_resumable_upload_that_ends_early_goes_on_where_it_was(lake):
    session = lake.gcs.begin_resumable(BUCKET, "resumed")
    whole = bytes(range(256)) * 4096  # 1 MiB
    head = (f"PUT {session} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {lake.gcs.token}\r\nContent-Length: {len(whole)}\r\n\r\n").encode()
    talk(lake.server.gcs_port, head + whole[:600_000], half_close=True)
    assert lake.gcs.stat(BUCKET, "resumed").status == 404
    deadline = time.monotonic() + PATIENCE_S
    while (told := lake.gcs.put_chunk(session, b"", 0, len(whole))).status == 503 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert told.status == 308, told
    have = int(told.header("range").rpartition("-")[2]) + 1 if told.header("range") else 0
    assert lake.gcs.put_chunk(session, whole[have:], have, len(whole)).status == 200
    assert lake.gcs.get(BUCKET, "resumed").body == whole
    assert lake.gcs.delete(BUCKET, "resumed").status == 204


@pytest.mark.parametrize("door", DOORS)
def test_slow_clients_are_cut_off(lake, door):
    """Heads and bodies that come a byte at a time, or not at all."""
    port = port_of(lake, door)
    begun = time.monotonic()
    for first in (b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nA: ", put_head(lake, door, "slow", [b"Content-Length: 1000"]) + b"x"):
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
            connection.sendall(first)
            closed = False
            while not closed and time.monotonic() - begun < 4 * PATIENCE_S:
                connection.settimeout(0.3)
                try:
                    closed = not connection.recv(4096)
                except TimeoutError:
                    if b"slow" not in first:
                        try:
                            connection.sendall(b"a")
                        except OSError:
                            closed = True
                except OSError:
                    closed = True
            assert closed, first
    assert time.monotonic() - begun < 4 * PATIENCE_S


# ---- checksums ----------------------------------------------------------------------------------


def crc32_of(body):
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


def test_wrong_checksums_store_nothing_over_s3(lake):
    body = b"these bytes"
    other = b"those bytes"
    md5 = base64.b64encode(hashlib.md5(other).digest()).decode()
    for key in ("checked", "kept/1"):
        for name, value, codes in (
            ("Content-MD5", md5, ("BadDigest",)), ("Content-MD5", "bm9uZQ==", ("InvalidDigest",)), ("Content-MD5", "!", ("InvalidDigest",)),
            ("x-amz-checksum-crc32", crc32_of(other), ("BadDigest",)), ("x-amz-checksum-crc32c", "AAAAAA==", ("BadDigest",)),
            ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=", ("BadDigest",)),
            ("x-amz-checksum-sha1", base64.b64encode(hashlib.sha1(other).digest()).decode(), ("BadDigest",)),
            ("x-amz-checksum-sha256", base64.b64encode(hashlib.sha256(other).digest()).decode(), ("BadDigest",)),
            ("x-amz-checksum-sha256", "short", ("InvalidRequest", "BadDigest")),
        ):  # fmt: skip
            answer = lake.s3.put(BUCKET, key, body, [(name, value)])
            assert answer.status == 400 and s3_code(answer) in codes, (name, value, answer)
        upload = lake.s3.begin_multipart(BUCKET, key)
        answer = lake.s3.call("PUT", BUCKET, key, query=f"partNumber=1&uploadId={upload}", headers=[("Content-MD5", md5)], body=body)
        assert (answer.status, s3_code(answer)) == (400, "BadDigest")
        part = lake.s3.put_part(BUCKET, key, upload, 1, body)
        assert part.status == 200
        wrong = lake.s3.complete_multipart(BUCKET, key, upload, ['"' + "0" * 32 + '"'])
        assert (wrong.status, s3_code(wrong)) == (400, "InvalidPart")
        assert lake.s3.call("DELETE", BUCKET, key, query=f"uploadId={upload}").status == 204


def trailer_body(chunks, trailer):
    out = b"".join(b"%x\r\n" % len(chunk) + chunk + b"\r\n" for chunk in chunks)
    return out + b"0\r\n" + trailer + b"\r\n"


@pytest.mark.parametrize("trailer,status", [(b"x-amz-checksum-crc32:%s\r\n" % crc32_of(b"abcdef").encode(), 200),
                                            (b"x-amz-checksum-crc32:AAAAAA==\r\n", 400), (b"x-amz-checksum-crc32:?\r\n", 400),
                                            (b"", 400), (b"x-amz-checksum-sha256:AAAA\r\n", 400), (b"garbage\r\n", 400)])
def test_streamed_bodies_are_checked_against_their_trailer(lake, trailer, status):
    body = trailer_body([b"abc", b"def"], trailer)
    headers = [("content-encoding", "aws-chunked"), ("x-amz-decoded-content-length", "6"), ("x-amz-trailer", "x-amz-checksum-crc32")]
    head = lake.s3_head("PUT", "trailed", headers, "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    received = talk(lake.server.s3_port, head + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert status_of(received) == status, received[:500]
    assert lake.s3.head(BUCKET, "trailed").status == (200 if status == 200 else 404)
    lake.s3.delete(BUCKET, "trailed")


def test_signed_chunks_are_checked_one_by_one(lake):
    """STREAMING-AWS4-HMAC-SHA256-PAYLOAD with a chunk changed, missing, or of another length."""
    from traffic.s3 import _hmac

    sha_empty = hashlib.sha256(b"").hexdigest()
    chunks = [b"a" * 8192, b"b" * 1000, b""]

    def sent(change):
        headers = [("content-encoding", "aws-chunked"), ("x-amz-decoded-content-length", "9192")]
        head = lake.s3_head("PUT", "signed", headers, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
        text = head.decode()
        stamp = text.partition("x-amz-date: ")[2][:16]
        previous = text.partition("Signature=")[2][:64]
        scope = f"{stamp[:8]}/us-east-1/s3/aws4_request"
        key = lake.s3.signer._key_of(stamp[:8])
        body = b""
        for number, chunk in enumerate(chunks):
            to_sign = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", stamp, scope, previous, sha_empty, hashlib.sha256(chunk).hexdigest()])
            previous = _hmac(key, to_sign).hex()
            body += change(number, b"%x;chunk-signature=%s\r\n" % (len(chunk), previous.encode()), chunk) + b"\r\n"
        received = talk(lake.server.s3_port, head + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body, half_close=True)
        stored = lake.s3.head(BUCKET, "signed").status == 200
        lake.s3.delete(BUCKET, "signed")
        return status_of(received), stored

    assert sent(lambda number, head, chunk: head + chunk) == (200, True)
    changes = [
        lambda n, head, chunk: head + (chunk if n != 1 else b"c" * 1000),
        lambda n, head, chunk: (head if n != 0 else head.replace(b"chunk-signature=", b"chunk-signature=0")) + chunk,
        lambda n, head, chunk: (head if n != 2 else b"0;chunk-signature=" + b"0" * 64 + b"\r\n") + chunk,
        lambda n, head, chunk: b"" if n == 1 else head + chunk,
        lambda n, head, chunk: head.partition(b";")[0] + b"\r\n" + chunk,
        lambda n, head, chunk: b"" if n == 2 else head + chunk,
    ]
    for number, change in enumerate(changes):
        status, stored = sent(change)
        assert status in (0, 400, 403) and not stored, number


def test_wrong_checksums_store_nothing_over_gcs(lake):
    body = b"these bytes"
    for key in ("checked", "kept/1"):
        name = key.replace("/", "%2F")
        target = f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={name}"
        for value in ("crc32c=AAAAAA==", "md5=AAAAAAAAAAAAAAAAAAAAAA==", "crc32c=?", "crc32c=AAAA"):
            answer = lake.gcs.call("POST", target, body, [("x-goog-hash", value)])
            assert answer.status == 400 and gcs_reason(answer), (value, answer)
        answer = lake.gcs.call("POST", target, body, [("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==")])
        assert answer.status == 400 and gcs_reason(answer)
        for claim in ('"crc32c":"AAAAAA=="', '"md5Hash":"AAAAAAAAAAAAAAAAAAAAAA=="'):
            parts = (b'--b\r\nContent-Type: application/json\r\n\r\n{"name":"%b",%b}\r\n--b\r\nContent-Type: text/plain\r\n\r\n%b\r\n--b--'
                     % (key.encode(), claim.encode(), body))  # fmt: skip
            answer = lake.gcs.call("POST", f"/upload/storage/v1/b/{BUCKET}/o?uploadType=multipart", parts,
                                   [("Content-Type", "multipart/related; boundary=b")])
            assert answer.status == 400 and gcs_reason(answer), (claim, answer)
            session = lake.gcs.call("POST", f"/upload/storage/v1/b/{BUCKET}/o?uploadType=resumable&name={name}",
                                    b"{%b}" % claim.encode(), [("Content-Type", "application/json")]).header("location")
            answer = lake.gcs.put_chunk(session[session.index("/upload"):], body, 0, len(body))
            assert answer.status == 400 and gcs_reason(answer), (claim, answer)


def test_bad_parts_and_orders_are_refused(lake):
    upload = lake.s3.begin_multipart(BUCKET, "parts")
    for number in ("0", "10001", "x", "-1", ""):
        answer = lake.s3.call("PUT", BUCKET, "parts", query=f"partNumber={number}&uploadId={upload}", body=b"x")
        assert (answer.status, s3_code(answer)) == (400, "InvalidArgument"), (number, answer)
    one = lake.s3.put_part(BUCKET, "parts", upload, 1, b"small").header("etag")
    two = lake.s3.put_part(BUCKET, "parts", upload, 2, b"small").header("etag")

    def complete(*parts):
        rows = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{e}</ETag></Part>" for n, e in parts)
        body = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()
        answer = lake.s3.call("POST", BUCKET, "parts", query=f"uploadId={upload}", body=body)
        return answer.status, s3_code(answer)

    assert complete((2, two), (1, one)) == (400, "InvalidPartOrder")
    assert complete((1, one), (1, one)) == (400, "InvalidPartOrder")
    assert complete((1, one), (3, two)) == (400, "InvalidPart")
    assert complete((1, two + "x")) == (400, "InvalidPart")
    assert complete((1, one), (2, two)) == (400, "EntityTooSmall")
    for bad in ("none", "../../x", "\0", "x" * 2000):
        answer = lake.s3.call("PUT", BUCKET, "parts", query=f"partNumber=1&uploadId={escape_value(bad)}", body=b"x")
        assert answer.status in (400, 404) and s3_code(answer), (bad, answer)
    assert lake.s3.call("DELETE", BUCKET, "parts", query=f"uploadId={upload}").status == 204
