"""Wrong signatures, skewed clocks, expired and forged presigned URLs, forged tokens: refused with the protocol's
own error, whatever else the request says."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import time
import urllib.parse

import pytest

from raw import BUCKET, gcs_reason, s3_code
from traffic.connection import Connection
from traffic.gcs import SCOPE
from traffic.s3 import EMPTY_SHA256, Signer

HOUR = datetime.timedelta(hours=1)
MINUTE = datetime.timedelta(minutes=1)


def now():
    return datetime.datetime.now(datetime.UTC)


@pytest.fixture
def s3(lake):
    connection = lake.connection("s3")
    yield connection
    connection.close()


def signed(lake, method="GET", path=f"/{BUCKET}/kept/1", query="", headers=(), sha256=EMPTY_SHA256, when=None, signer=None):
    return (signer or lake.s3.signer).sign(method, lake.host, path, query, list(headers), sha256, when)


def refusal(answer):
    return answer.status, s3_code(answer)


def test_a_wrong_secret_or_an_unknown_key_is_refused(lake, s3):
    path = f"/{BUCKET}/kept/1"
    wrong = Signer(lake.server.access_key, "x" * 40)
    assert refusal(s3.exchange("GET", path, signed(lake, signer=wrong))) == (403, "SignatureDoesNotMatch")
    unknown = Signer("AKIAIOSFODNN7EXAMPLE", "x" * 40)
    assert refusal(s3.exchange("GET", path, signed(lake, signer=unknown))) == (403, "InvalidAccessKeyId")
    other_region = Signer(lake.server.access_key, lake.server.secret_key, "no-such-region")
    assert s3.exchange("GET", path, signed(lake, signer=other_region)).status in (200, 400, 403)


def test_a_request_changed_after_it_was_signed_is_refused(lake, s3):
    headers = signed(lake, "PUT", f"/{BUCKET}/stolen", headers=[("x-amz-meta-a", "1")])
    changed = [(name, "2" if name == "x-amz-meta-a" else value) for name, value in headers]
    assert refusal(s3.exchange("PUT", f"/{BUCKET}/stolen", changed)) == (403, "SignatureDoesNotMatch")
    for method, target in (("PUT", f"/{BUCKET}/other"), ("DELETE", f"/{BUCKET}/kept/1"),
                           ("GET", f"/{BUCKET}/kept/2"), ("GET", f"/{BUCKET}/kept/1?acl")):
        assert s3.exchange(method, target, signed(lake)).status == 403, (method, target)
    # Another body than the hash says: of another length the reader ends, of the same the hash differs.
    body = b"other"
    headers = signed(lake, "PUT", f"/{BUCKET}/stolen", sha256=hashlib.sha256(b"wrong").hexdigest())
    assert refusal(s3.exchange("PUT", f"/{BUCKET}/stolen", headers, body)) == (400, "XAmzContentSHA256Mismatch")


@pytest.mark.parametrize("name,value", [("x-amz-copy-source", f"/{BUCKET}/kept/1"), ("x-amz-acl", "public-read"),
                                        ("x-amz-meta-evil", "1"), ("x-amz-security-token", "t")])
def test_amz_headers_that_are_not_signed_are_refused(lake, s3, name, value):
    headers = signed(lake, "PUT", f"/{BUCKET}/stolen") + [(name, value)]
    assert s3.exchange("PUT", f"/{BUCKET}/stolen", headers).status in (400, 403)


def mangled(lake):
    good = dict(signed(lake))
    authorization = good.pop("Authorization")
    credential, names, signature = authorization.removeprefix("AWS4-HMAC-SHA256 ").split(", ")
    rest = list(good.items())
    for value in ("", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "Bearer x", "AWS AKID:c2ln", "Basic cm9vdDpyb290", "\xe9",
                  f"AWS4-HMAC-SHA256 {credential}", f"AWS4-HMAC-SHA256 {credential}, {names}",
                  f"AWS4-HMAC-SHA256 {names}, {signature}", f"AWS4-HMAC-SHA256 {credential}, {names}, Signature=",
                  f"AWS4-HMAC-SHA256 {credential}, {names}, Signature={'0' * 64}",
                  f"AWS4-HMAC-SHA256 {credential}, {names}, Signature={'z' * 64}",
                  f"AWS4-HMAC-SHA256 {credential}, {names}, {signature}00",
                  f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=, {signature}",
                  f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=x-amz-date, {signature}",
                  f"AWS4-HMAC-SHA256 Credential=///, {names}, {signature}",
                  f"AWS4-HMAC-SHA256 {credential}/more, {names}, {signature}",
                  f"AWS4-HMAC-SHA256 {credential.replace('/s3/', '/sts/')}, {names}, {signature}",
                  f"AWS4-HMAC-SHA1 {credential}, {names}, {signature}",
                  "AWS4-HMAC-SHA256 " + "A=" * 5000):
        yield value, [*rest, ("Authorization", value)]
    yield "two", [*rest, ("Authorization", authorization), ("Authorization", authorization)]
    yield "no date", [(n, v) for n, v in rest if n != "x-amz-date"] + [("Authorization", authorization)]
    yield "bad date", [(n, "yesterday" if n == "x-amz-date" else v) for n, v in rest] + [("Authorization", authorization)]
    yield "no hash", [(n, v) for n, v in rest if n != "x-amz-content-sha256"] + [("Authorization", authorization)]


def test_malformed_authorization_headers_are_refused(lake, s3):
    for what, headers in mangled(lake):
        answer = s3.exchange("GET", f"/{BUCKET}/kept/1", headers)
        assert answer.status in (400, 403), (what, answer)
        assert s3_code(answer), what


@pytest.mark.parametrize("minutes,accepted", [(-16, False), (16, False), (-14, True), (14, True), (-60 * 24 * 400, False)])
def test_clocks_may_differ_by_fifteen_minutes(lake, s3, minutes, accepted):
    answer = s3.exchange("GET", f"/{BUCKET}/kept/1", signed(lake, when=now() + minutes * MINUTE))
    if accepted:
        assert answer.status == 200
    else:
        assert refusal(answer) == (403, "RequestTimeTooSkewed")


def test_the_day_of_the_key_must_be_the_day_of_the_request(lake, s3):
    headers = dict(signed(lake))
    yesterday = (now() - 24 * HOUR).strftime("%Y%m%dT%H%M%SZ")
    headers["x-amz-date"] = yesterday
    assert s3.exchange("GET", f"/{BUCKET}/kept/1", list(headers.items())).status in (400, 403)


def presigned(lake, method="GET", path=f"/{BUCKET}/kept/1", when=None, expires="600", secret=None, more=()):
    """The target of a presigned URL."""
    when = when or now()
    stamp, day = when.strftime("%Y%m%dT%H%M%SZ"), when.strftime("%Y%m%d")
    scope = f"{day}/us-east-1/s3/aws4_request"
    query = [("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", f"{lake.server.access_key}/{scope}"),
             ("X-Amz-Date", stamp), ("X-Amz-Expires", expires), ("X-Amz-SignedHeaders", "host"), *more]
    text = "&".join(sorted(f"{urllib.parse.quote(n, safe='-_.~')}={urllib.parse.quote(v, safe='-_.~')}" for n, v in query))
    canonical = f"{method}\n{path}\n{text}\nhost:{lake.host}\n\nhost\nUNSIGNED-PAYLOAD"
    key = b"AWS4" + (secret or lake.server.secret_key).encode()
    for part in (day, "us-east-1", "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
    return f"{path}?{text}&X-Amz-Signature={signature}"


def test_presigned_urls_hold_for_their_time_and_request_only(lake, s3):
    good = presigned(lake)
    assert s3.exchange("GET", good, []).status == 200
    assert refusal(s3.exchange("GET", presigned(lake, when=now() - HOUR), [])) == (403, "AccessDenied")
    assert s3.exchange("GET", presigned(lake, when=now() - HOUR, expires="4000"), []).status == 200
    # Expires at the second that is told.
    assert s3.exchange("GET", presigned(lake, when=now() - 2 * MINUTE, expires="119"), []).status == 403
    assert s3.exchange("GET", presigned(lake, when=now() + 20 * MINUTE), []).status == 403
    for expires in ("604801", "0", "-5", "", "x", "99999999999999999999"):
        answer = s3.exchange("GET", presigned(lake, expires=expires), [])
        assert answer.status in (400, 403) and s3_code(answer), expires
    assert refusal(s3.exchange("GET", presigned(lake, secret="x" * 40), [])) == (403, "SignatureDoesNotMatch")
    for method, target in (("DELETE", good), ("PUT", good), ("GET", good.replace("kept/1", "kept/2")),
                           ("GET", good + "&versionId=1"), ("GET", good[:-1] + ("0" if good[-1] != "0" else "1")),
                           ("GET", good.replace("X-Amz-Expires=600", "X-Amz-Expires=6000"))):
        assert s3.exchange(method, target, []).status == 403, target
    both = s3.exchange("GET", good, signed(lake))
    assert both.status in (400, 403), "a request is signed in one way"
    for missing in ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"):
        path, query = good.split("?")
        rest = "&".join(part for part in query.split("&") if not part.startswith(missing + "="))
        assert s3.exchange("GET", f"{path}?{rest}", []).status in (400, 403), missing


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def assertion_of(lake, change=None, header_change=None, sign=True):
    """A JWT as Google's libraries make it, with changed claims."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding

    key = json.loads(lake.key_file)
    clock = int(time.time())
    claims = {"iss": key["client_email"], "scope": SCOPE, "aud": key["token_uri"], "iat": clock, "exp": clock + 3600}
    claims |= change or {}
    header = {"alg": "RS256", "typ": "JWT", "kid": key["private_key_id"]} | (header_change or {})
    text = base64url(json.dumps(header).encode()) + "." + base64url(json.dumps(claims).encode())
    private = serialization.load_pem_private_key(key["private_key"].encode(), None)
    signature = private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()) if sign else b""
    return f"{text}.{base64url(signature)}"


def grant(lake, assertion, grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer"):
    connection = Connection(lake.server.gcs_port)
    form = urllib.parse.urlencode({"grant_type": grant_type, "assertion": assertion})
    answer = connection.exchange("POST", "/token", [("Content-Type", "application/x-www-form-urlencoded")], form.encode())
    connection.close()
    return answer


def test_the_token_endpoint_takes_right_assertions_only(lake):
    assert grant(lake, assertion_of(lake)).status == 200
    clock = int(time.time())
    bad = [
        assertion_of(lake, {"exp": clock - 600, "iat": clock - 4200}), assertion_of(lake, {"iat": clock + 3600, "exp": clock + 7000}),
        assertion_of(lake, {"exp": clock + 100 * 86400}), assertion_of(lake, {"aud": "https://example.com/token"}),
        assertion_of(lake, {"iss": "nobody@lake.beringia.local"}), assertion_of(lake, {"exp": None}),
        assertion_of(lake, {"exp": "soon"}), assertion_of(lake, header_change={"alg": "none"}, sign=False),
        assertion_of(lake, header_change={"alg": "none"}), assertion_of(lake, header_change={"alg": "HS256"}),
        assertion_of(lake, header_change={"kid": "../../etc/passwd"}), assertion_of(lake, header_change={"kid": 7}),
        assertion_of(lake, sign=False), assertion_of(lake)[:-4] + "AAAA", "", "a.b.c", "a.b", ".." , "x" * 20000,
    ]  # fmt: skip
    for number, assertion in enumerate(bad):
        answer = grant(lake, assertion)
        assert answer.status in (400, 401), (number, answer)
        assert json.loads(answer.body)["error"], answer
    assert grant(lake, assertion_of(lake), "password").status == 400


def test_tokens_that_we_did_not_give_are_refused(lake):
    connection = lake.connection("gcs")
    token = lake.gcs.token
    target = f"/storage/v1/b/{BUCKET}/o/kept%2F1?alt=media"
    assert connection.exchange("GET", target, [("Authorization", f"Bearer {token}")]).status == 200
    flipped = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1:] for at in range(0, len(token) - 1, max(1, len(token) // 40))]
    others = ["", "null", token[:-5], token[:5], token + token, "ya29.a0AfH6SMB", assertion_of(lake), "x" * 30000]
    for forged in flipped + others:
        answer = connection.exchange("GET", target, [("Authorization", f"Bearer {forged}")])
        assert answer.status in (400, 401, 431), (forged[:60], answer)
        if answer.status == 401:
            assert gcs_reason(answer) in ("authError", "required")
    assert connection.exchange("GET", target + f"&access_token={token}x", []).status == 401
    connection.close()
