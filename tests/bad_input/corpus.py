"""A corpus of bad requests, made from good ones by named changes. The same requests in every run: the dice are seeded."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import hashlib
import hmac
import json
import random
from collections.abc import Iterator

from traffic.s3 import S3, escape_path

SCRATCH = "scratch"


@dataclasses.dataclass(frozen=True)
class Request:
    what: str
    method: str
    path: str  # escaped
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    raw: bytes | None = None  # sent as it is, on a connection of its own
    signed: bool = True

    def but(self, what: str, **changes) -> Request:
        return dataclasses.replace(self, what=f"{self.what}: {what}", **changes)


XML = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"'
POLICY = {"Version": "2012-10-17", "Statement": [{"Sid": "a", "Effect": "Allow", "Principal": {"AWS": "*"},
          "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{SCRATCH}/*",
          "Condition": {"StringLike": {"s3:prefix": ["a*"]}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
                        "NumericLessThan": {"s3:max-keys": "10"}, "DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}}]}  # fmt: skip

DOCUMENTS = {
    "delete": ("POST", "", "delete", f"<Delete {XML}><Quiet>false</Quiet><Object><Key>none</Key></Object><Object><Key>b</Key></Object></Delete>"),
    "complete": ("POST", "key", "uploadId=0123456789abcdef0123456789abcdef",
                 f'<CompleteMultipartUpload {XML}><Part><PartNumber>1</PartNumber><ETag>"a"</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part></CompleteMultipartUpload>'),
    "object tags": ("PUT", "key", "tagging", f"<Tagging {XML}><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"),
    "bucket tags": ("PUT", "", "tagging", f"<Tagging {XML}><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"),
    "cors": ("PUT", "", "cors", f"<CORSConfiguration {XML}><CORSRule><ID>x</ID><AllowedMethod>GET</AllowedMethod><AllowedOrigin>http://*.example.com</AllowedOrigin>"
             "<AllowedHeader>x-*</AllowedHeader><ExposeHeader>etag</ExposeHeader><MaxAgeSeconds>5</MaxAgeSeconds></CORSRule></CORSConfiguration>"),
    "bucket acl": ("PUT", "", "acl", f"<AccessControlPolicy {XML}><Owner><ID>root</ID></Owner><AccessControlList><Grant><Grantee {XSI}><ID>root</ID></Grantee>"
                   "<Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>"),
    "object acl": ("PUT", "key", "acl", f"<AccessControlPolicy {XML}><Owner><ID>root</ID></Owner><AccessControlList><Grant><Grantee {XSI}><ID>root</ID></Grantee>"
                   "<Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>"),
    "ownership": ("PUT", "", "ownershipControls", f"<OwnershipControls {XML}><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>"),
    "public access": ("PUT", "", "publicAccessBlock", f"<PublicAccessBlockConfiguration {XML}><BlockPublicAcls>false</BlockPublicAcls><IgnorePublicAcls>false</IgnorePublicAcls>"
                      "<BlockPublicPolicy>false</BlockPublicPolicy><RestrictPublicBuckets>false</RestrictPublicBuckets></PublicAccessBlockConfiguration>"),
    "versioning": ("PUT", "", "versioning", f"<VersioningConfiguration {XML}><Status>Suspended</Status></VersioningConfiguration>"),
    "lifecycle": ("PUT", "", "lifecycle", f"<LifecycleConfiguration {XML}><Rule><ID>r</ID><Filter><And><Prefix>x/</Prefix><Tag><Key>a</Key><Value>b</Value></Tag></And></Filter>"
                  "<Status>Disabled</Status><Expiration><Days>365</Days></Expiration><NoncurrentVersionExpiration><NoncurrentDays>9</NoncurrentDays></NoncurrentVersionExpiration>"
                  "</Rule></LifecycleConfiguration>"),
    "encryption": ("PUT", "", "encryption", f"<ServerSideEncryptionConfiguration {XML}><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
                   "</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>"),
    "object lock": ("PUT", "", "object-lock", f"<ObjectLockConfiguration {XML}><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode>"
                    "<Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>"),
    "retention": ("PUT", "key", "retention", f"<Retention {XML}><Mode>GOVERNANCE</Mode><RetainUntilDate>2020-01-01T00:00:00Z</RetainUntilDate></Retention>"),
    "legal hold": ("PUT", "key", "legal-hold", f"<LegalHold {XML}><Status>OFF</Status></LegalHold>"),
    "logging": ("PUT", "", "logging", f"<BucketLoggingStatus {XML}><LoggingEnabled><TargetBucket>nowhere</TargetBucket><TargetPrefix>x</TargetPrefix></LoggingEnabled></BucketLoggingStatus>"),
    "notification": ("PUT", "", "notification", f"<NotificationConfiguration {XML}><QueueConfiguration><Id>1</Id><Queue>arn:aws:sqs:us-east-1:1:q</Queue>"
                     "<Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>"),
    "create bucket": ("PUT", None, "", f"<CreateBucketConfiguration {XML}><LocationConstraint>us-east-1</LocationConstraint></CreateBucketConfiguration>"),
}  # fmt: skip


def change_text(text: bytes, dice: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    """Cut, bent and doubled."""
    for part in range(1, 9):
        yield f"cut at {part}/9", text[: len(text) * part // 9]
    for number in range(count):
        at = dice.randrange(len(text))
        byte = bytes([dice.choice(b"<>&\"'/{}[]:,\\\x00\xff\x80 =%") if dice.random() < 0.7 else dice.randrange(256)])
        yield f"byte {number} at {at} is {byte!r}", text[:at] + byte + text[at + 1 :]
    for number in range(count // 2):
        first, last = sorted((dice.randrange(len(text)), dice.randrange(len(text))))
        yield f"without {first} to {last}", text[:first] + text[last:]
        yield f"twice {first} to {last}", text[:last] + text[first:]


def documents() -> Iterator[Request]:
    dice = random.Random(1)
    for name, (method, key, query, text) in DOCUMENTS.items():
        path = f"/{SCRATCH}" + (f"/{key}" if key else "") if key is not None else f"/{SCRATCH}-new"
        good = Request(name, method, path, query)
        body = text.encode()
        bad = [("empty", b""), ("blank", b" \n"), ("another root", b"<Other/>"), ("no XML", b"{}"), ("JSON", b'{"a":1}'),
               ("UTF-16", text.encode("utf-16")), ("Latin-1", b'<?xml version="1.0" encoding="iso-8859-1"?>' + body[:-5]),
               ("an entity", b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + body.replace(b"</", b"&e;</", 1)),
               ("deep", b"<a>" * 5000), ("deep inside", body.replace(b">", b">" + b"<x>" * 300, 1)), ("two documents", body + body),
               ("trailing text", body + b"x"), ("text before", b"x" + body), ("unknown element", body.replace(b"</", b"<Unknown/></", 1)),
               ("no namespace end", body.replace(b'/"', b"", 1)), ("long", body.replace(b">", b">" + b"y" * 70000, 2)),
               ("attributes", body.replace(b">", b" " + b" ".join(b'a%d="1"' % n for n in range(3000)) + b">", 1))]  # fmt: skip
        for word in (b"-1", b"0", b"99999999999999999999", b"1e3", b"0x10", b"", b"true", b"%s%n", b"\xed\xa0\x80"):
            for old in (b"365", b">1<", b">9<", b">5<", b">false<", b">Enabled<", b">GET<", b">AES256<", b">READ<", b">Suspended<", b">GOVERNANCE<",
                        b">OFF<", b">FULL_CONTROL<", b">ObjectWriter<", b">Disabled<", b">r<", b">none<"):  # fmt: skip
                if old in body:
                    new = b">" + word + b"<" if old.startswith(b">") else word
                    bad.append((f"{old.decode()} is {word!r}", body.replace(old, new, 1)))
        bad += change_text(body, dice, 24)
        for what, changed in bad:
            md5 = base64.b64encode(hashlib.md5(changed).digest()).decode()
            yield good.but(what, body=changed, headers=(("Content-MD5", md5),))
        yield good.but("wrong MD5", body=body, headers=(("Content-MD5", base64.b64encode(bytes(16)).decode()),))
        yield good.but("no MD5", body=body, headers=(("Content-MD5", "?"),))


def policies() -> Iterator[Request]:
    dice = random.Random(2)
    good = Request("policy", "PUT", f"/{SCRATCH}", "policy")
    text = json.dumps(POLICY).encode()
    for what, changed in change_text(text, dice, 120):
        yield good.but(what, body=changed)
    for field in ("Effect", "Principal", "Action", "Resource", "Condition", "Sid"):
        for value in (None, 7, [], {}, "", "*", "x" * 70000, ["*", 7], {"AWS": []}, {"AWS": {"a": "b"}}, {"Service": 7}, [[]], True,
                      {"StringEquals": 7}, {"StringEquals": {"aws:x": 1}}, {"Unknown": {"aws:SourceIp": "1"}}, {"IpAddress": {"aws:SourceIp": "1.2.3"}},
                      {"NumericEquals": {"s3:max-keys": "x"}}, {"DateEquals": {"aws:CurrentTime": "yesterday"}}, "arn:aws:s3:::other/*", "s3:Nothing"):  # fmt: skip
            bent = json.loads(text)
            bent["Statement"][0][field] = value
            yield good.but(f"{field} is {json.dumps(value)[:60]}", body=json.dumps(bent).encode())
        bent = json.loads(text)
        del bent["Statement"][0][field]
        yield good.but(f"no {field}", body=json.dumps(bent).encode())
    for what, value in (("version", dict(POLICY, Version="2099-01-01")), ("no statements", dict(POLICY, Statement=[])), ("a list", [POLICY]),
                        ("many", dict(POLICY, Statement=POLICY["Statement"] * 2000)), ("unknown", dict(POLICY, Extra=1)), ("nothing", {})):  # fmt: skip
        yield good.but(what, body=json.dumps(value).encode())


def queries() -> Iterator[Request]:
    strange = ("%", "%zz", "%ff", "%00", "-1", "x", "99999999999999999999", "1.5", "", "%c3%28", "a" * 9000, "..%2f..%2f", "%0d%0aX:%20y", "'\"<>", "+")
    parameters = {
        ("GET", ""): ("list-type=2", ("max-keys", "continuation-token", "encoding-type", "prefix", "start-after", "delimiter", "fetch-owner")),
        ("GET", "?v1"): ("", ("max-keys", "marker", "encoding-type", "prefix", "delimiter")),
        ("GET", "?uploads"): ("uploads", ("max-uploads", "key-marker", "upload-id-marker", "encoding-type", "prefix")),
        ("GET", "?versions"): ("versions", ("max-keys", "key-marker", "version-id-marker", "encoding-type", "prefix")),
        ("GET", "key"): ("", ("versionId", "partNumber", "response-expires", "response-content-type", "uploadId", "attributes", "torrent")),
        ("PUT", "key"): ("", ("partNumber", "uploadId", "versionId", "append", "tagging", "retention", "legal-hold", "acl", "restore")),
        ("POST", "key"): ("", ("uploadId", "uploads", "select", "restore")),
        ("DELETE", "key"): ("", ("versionId", "uploadId", "tagging")),
    }  # fmt: skip
    for (method, key), (first, names) in parameters.items():
        path = f"/{SCRATCH}" + ("" if not key or key.startswith("?") else f"/{key}")
        for name in names:
            for value in strange:
                query = "&".join(part for part in (first, f"{name}={value}") if part)
                yield Request(f"{method} {key} {name}={value[:20]}", method, path, query)
            yield Request(f"{method} {key} {name} twice", method, path, "&".join(part for part in (first, f"{name}=1&{name}=2") if part))


def headers() -> Iterator[Request]:
    strange = ("", " ", "x", "-1", "99999999999999999999", "\x7f", "é", "a=b&c", "a" * 9000, "%zz", '"', "*", "<x>", "1;2,3", "=?utf-8?Q?a?=")
    names = ("x-amz-acl", "x-amz-storage-class", "x-amz-tagging", "x-amz-copy-source", "x-amz-copy-source-range", "x-amz-checksum-crc32", "x-amz-checksum-sha256",
             "x-amz-checksum-crc64nvme", "x-amz-sdk-checksum-algorithm", "x-amz-trailer", "x-amz-decoded-content-length", "Content-MD5", "x-amz-server-side-encryption",
             "x-amz-server-side-encryption-customer-algorithm", "x-amz-server-side-encryption-customer-key", "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date",
             "x-amz-object-lock-legal-hold", "x-amz-grant-read", "x-amz-metadata-directive", "x-amz-tagging-directive", "x-amz-website-redirect-location",
             "x-amz-expected-bucket-owner", "If-Match", "If-None-Match", "If-Modified-Since", "Range", "x-amz-mfa", "Content-Encoding", "x-amz-request-payer")  # fmt: skip
    for name in names:
        for value in strange:
            shown = value.encode("utf-8").decode("latin-1")  # what is sent is this in Latin-1
            yield Request(f"PUT with {name}: {value[:20]!r}", "PUT", f"/{SCRATCH}/key", headers=((name, shown),), body=b"body")
        for value in strange[1:6]:
            yield Request(f"GET with {name}: {value[:20]!r}", "GET", f"/{SCRATCH}/key", headers=((name, value.encode().decode("latin-1")),))


def paths() -> Iterator[Request]:
    for path in ("//", "/%", "/%zz", "/%00", "/..", "/../..", "/.", "/%2e%2e/x", "/A", "/a", "/ab", "/" + "a" * 64, "/a..b", "/-ab", "/ab-", "/a_b", "/192.168.1.1",
                 "/xn--ab", "/ab.-c", "/%ff%fe", "/ab%20c", "/ab%0a", f"/{SCRATCH}/%", f"/{SCRATCH}/%zz", f"/{SCRATCH}/%00", f"/{SCRATCH}/%ff", f"/{SCRATCH}/" + "k" * 1025,
                 f"/{SCRATCH}/" + "%c3%a9" * 513, f"/{SCRATCH}/.beringia/x", "/.beringia/x", "*", f"http://h/{SCRATCH}", f"/{SCRATCH}/%ed%a0%80"):  # fmt: skip
        for method in ("GET", "PUT", "DELETE", "POST", "PATCH", "TRACE", "OPTIONS", "FOO"):
            yield Request(f"{method} {path[:40]}", method, path)


def signatures(signer) -> Iterator[Request]:
    """Bent after signing; all of them are refused."""
    dice = random.Random(3)
    good = Request("signature", "GET", f"/{SCRATCH}/key", signed=False)

    def signed(**more) -> dict[str, str]:
        return dict(signer.sign("GET", "HOST", good.path, "", more.pop("headers", []), hashlib.sha256(b"").hexdigest(), **more))

    fields = signed()
    value = fields["Authorization"]
    for what, changed in change_text(value.encode(), dice, 110):
        if changed != value.encode() and b"\x00" not in changed:
            yield good.but(what, headers=(("Authorization", changed.decode("latin-1")),) + tuple(item for item in fields.items() if item[0] != "Authorization"))
    for what, changed in (
        ("twice", value + ", " + value), ("no algorithm", value.partition(" ")[2]), ("Basic", "Basic YTpi"), ("Bearer", "Bearer x"), ("AWS2", "AWS a:b"),
        ("only the algorithm", "AWS4-HMAC-SHA256"), ("long", value + "a" * 20000), ("SigV4A", value.replace("AWS4-HMAC", "AWS4-ECDSA-P256")),
        ("no host", value.replace("host;", "")), ("other region", value.replace("us-east-1", "mars")), ("other service", value.replace("/s3/", "/ec2/")),
        ("capital names", value.replace("host;", "Host;")), ("unsorted", value.replace("host;x-amz-content-sha256", "x-amz-content-sha256;host")),
        ("many names", value.replace("host;", "host;" + "".join(f"a{n};" for n in range(500))))):  # fmt: skip
        yield good.but(what, headers=(("Authorization", changed),) + tuple(item for item in fields.items() if item[0] != "Authorization"))
    for stamp in ("", "x", "20200101T000000Z", "20991231T235959Z", "20260231T000000Z", "2026-11-26T00:00:00Z", "20261126", "99999999T999999Z", "-0261126T000000Z"):
        yield good.but(f"date {stamp}", headers=tuple((name, stamp if name == "x-amz-date" else text) for name, text in fields.items()))
    for sha in ("", "x", "UNSIGNED", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "0" * 64, "g" * 64, "A" * 63):
        yield good.but(f"payload {sha}", headers=tuple((name, sha if name == "x-amz-content-sha256" else text) for name, text in fields.items()))
    for late in (-16, 16, 60 * 24, -60 * 24 * 365):
        moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=late)
        yield good.but(f"{late} minutes", headers=tuple(signed(now=moment).items()))
    query = ("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20261126%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261126T000000Z"
             "&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature=" + "0" * 64)  # fmt: skip
    for what, changed in change_text(query.encode(), dice, 100):
        if not any(byte <= 32 or byte >= 127 for byte in changed):
            yield good.but(f"presigned, {what}", query=changed.decode())


def forms(access_key: str, secret_key: str) -> Iterator[Request]:
    """POST of a browser, with a policy that is good or bent."""
    dice = random.Random(4)
    now = datetime.datetime.now(datetime.UTC)
    day, stamp = now.strftime("%Y%m%d"), now.strftime("%Y%m%dT%H%M%SZ")
    credential = f"{access_key}/{day}/us-east-1/s3/aws4_request"

    def sign(text: str) -> str:
        key = b"AWS4" + secret_key.encode()
        for part in (day, "us-east-1", "s3", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.new(key, text.encode(), "sha256").hexdigest()

    def form(policy: bytes, drop: str = "", more: tuple[tuple[str, str], ...] = ()) -> bytes:
        encoded = base64.b64encode(policy).decode()
        fields = {"key": "from-a-form", "x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-credential": credential, "x-amz-date": stamp,
                  "policy": encoded, "x-amz-signature": sign(encoded)} | dict(more)  # fmt: skip
        parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items() if name != drop]
        return ("".join(parts) + '--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nbytes\r\n--b--\r\n').encode()

    until = (now + datetime.timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    policy = json.dumps({"expiration": until, "conditions": [{"bucket": SCRATCH}, ["starts-with", "$key", "from"], ["content-length-range", 0, 100],
                                                             {"x-amz-algorithm": "AWS4-HMAC-SHA256"}, {"x-amz-credential": credential}, {"x-amz-date": stamp}]}).encode()  # fmt: skip
    kind = (("Content-Type", "multipart/form-data; boundary=b"),)
    good = Request("form", "POST", f"/{SCRATCH}", headers=kind, signed=False)
    for what, changed in change_text(policy, dice, 60):
        yield good.but(f"policy {what}", body=form(changed))
    for what, changed in change_text(form(policy), dice, 120):
        yield good.but(what, body=changed)
    for name in ("key", "policy", "x-amz-signature", "x-amz-credential", "x-amz-algorithm", "x-amz-date"):
        yield good.but(f"without {name}", body=form(policy, drop=name))
        for value in ("", "x", "\x00", "é", "y" * 30000):
            yield good.but(f"{name} is {value[:10]!r}", body=form(policy, more=((name, value),)))
    for text in ("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + "c" * 300, "text/plain", "application/x-www-form-urlencoded"):
        yield good.but(f"type {text[:50]}", headers=(("Content-Type", text),), body=form(policy))


def heads(client: S3) -> Iterator[Request]:
    """HTTP that is bent before anybody can look at a signature."""
    dice = random.Random(5)
    head = (f"PUT /{SCRATCH}/key HTTP/1.1\r\nHost: {client.host}\r\nContent-Length: 4\r\nTransfer-Encoding: identity\r\nX-A: b\r\n"
            "Expect: 100-continue\r\nConnection: close\r\n\r\nbody").encode()  # fmt: skip
    for what, changed in change_text(head, dice, 160):
        yield Request(f"head {what}", "PUT", "", raw=changed)


def all_requests(client: S3) -> Iterator[Request]:
    yield from documents()
    yield from policies()
    yield from queries()
    yield from headers()
    yield from paths()
    yield from signatures(client.signer)
    yield from forms(client.signer.access_key, client.signer.secret_key)
    yield from heads(client)


def target_of(request: Request) -> str:
    return request.path + (f"?{request.query}" if request.query else "")


def headers_of(request: Request, client: S3) -> list[tuple[str, str]]:
    if not request.signed:
        return [(name, value.replace("HOST", client.host)) for name, value in request.headers]
    path = request.path if request.path.startswith("/") else escape_path(request.path)
    return client.signer.sign(request.method, client.host, path, request.query, list(request.headers), hashlib.sha256(request.body).hexdigest())
