"""AssumeRoleWithWebIdentity: tokens of an OpenID Connect provider that the estate declares."""

import base64
import http.server
import json
import threading
import time

import boto3
import botocore
import botocore.config
import botocore.exceptions
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from s3_clients import boto_client

ISSUER = "https://login.test"
ROLE = "arn:aws:iam::000000000000:role/{}"


def encoded(data):
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


class Provider:
    """Signs tokens, and shows its keys at a URL."""

    def __init__(self):
        self.keys = {}
        self.asked = 0
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                provider.asked += 1
                body = json.dumps(provider.key_set()).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.new_key("first")

    def new_key(self, name):
        self.keys[name] = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def key_set(self):
        def number(value):
            return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))

        public = {name: key.public_key().public_numbers() for name, key in self.keys.items()}
        keys = [{"kty": "RSA", "kid": name, "use": "sig", "alg": "RS256", "n": number(key.n), "e": number(key.e)} for name, key in public.items()]
        return {"keys": [{"kty": "EC", "kid": "other", "crv": "P-256", "x": "AA", "y": "AA"}, *keys]}

    def token(self, key="first", algorithm="RS256", **claims):
        now = int(time.time())
        body = {"iss": ISSUER, "sub": "subject-1", "aud": "lake", "iat": now, "exp": now + 300, "email": "etl"} | claims
        signed = encoded({"alg": algorithm, "typ": "JWT", "kid": key}) + "." + encoded({k: v for k, v in body.items() if v is not None})
        signature = self.keys[key].sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return signed + "." + encoded(signature)


@pytest.fixture(scope="module")
def provider():
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def lake(make_server, provider, tmp_path_factory):
    server = make_server("oidc")
    server.run("principals", "create", "reports", "--assumable-by", "etl")
    for name in ("etl", "ann"):
        server.run("principals", "create", name)
    server.run("grants", "add", "etl-makes", "--principal", "etl", "--prefix", "/", "--role", "creator")
    declare(server, tmp_path_factory.mktemp("estate"), provider)
    boto_client(server).create_bucket(Bucket="sales")
    server.run("grants", "add", "etl-sales", "--principal", "etl", "--prefix", "/sales/", "--role", "writer")
    return server


def declare(server, directory, provider):
    estate = directory / "lake.toml"
    text = f'[[identity_provider]]\nname = "corp"\nissuer = "{ISSUER}"\naudiences = ["lake", "other"]\nkeys = "{provider.url}"\nclaim = "email"\n'
    estate.write_text(text if provider.url else "identity_provider = []\n")
    server.run("apply", str(estate), "--yes")


@pytest.fixture(scope="module")
def sts(lake):
    return boto3.client("sts", endpoint_url=lake.s3_url, region_name="us-east-1", config=botocore.config.Config(signature_version=botocore.UNSIGNED))


def assume(sts, token, role="etl", **more):
    return sts.assume_role_with_web_identity(RoleArn=ROLE.format(role), RoleSessionName="job-7", WebIdentityToken=token, **more)


def code_of(call):
    with pytest.raises(botocore.exceptions.ClientError) as problem:
        call()
    return problem.value.response["Error"]["Code"]


def s3_of(lake, credentials):
    return boto_client(lake, access_key=credentials["AccessKeyId"], secret_key=credentials["SecretAccessKey"], token=credentials["SessionToken"])


def test_a_token_gives_the_rights_of_the_principal_it_names(lake, sts, provider):
    answer = assume(sts, provider.token())
    assert (answer["SubjectFromWebIdentityToken"], answer["Audience"], answer["Provider"]) == ("subject-1", "lake", "corp")
    assert answer["AssumedRoleUser"]["AssumedRoleId"] == "etl:job-7"
    s3 = s3_of(lake, answer["Credentials"])
    s3.put_object(Bucket="sales", Key="k", Body=b"x")
    narrow = json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::sales/k"}]})
    s3 = s3_of(lake, assume(sts, provider.token(aud=["x", "other"]), Policy=narrow)["Credentials"])
    assert s3.get_object(Bucket="sales", Key="k")["Body"].read() == b"x"
    assert code_of(lambda: s3.put_object(Bucket="sales", Key="k", Body=b"y")) == "AccessDenied"
    # A role that the principal may take.
    assert assume(sts, provider.token(), role="reports")["AssumedRoleUser"]["AssumedRoleId"] == "reports:job-7"
    for role in ("ann", "root", "nobody"):
        assert code_of(lambda role=role: assume(sts, provider.token(), role=role)) == "AccessDenied"


def test_tokens_that_prove_nothing_are_refused(sts, provider):
    stranger = Provider()
    stranger.server.shutdown()
    stranger.server.server_close()
    past = int(time.time()) - 4000
    good = provider.token()
    for what, token in {
        "not signed by the provider": stranger.token(), "another issuer": provider.token(iss="https://evil.test"), "another audience": provider.token(aud="mars"),
        "no audience": provider.token(aud=None), "expired": provider.token(iat=past, exp=past + 300), "no end": provider.token(exp=None),
        "not yet": provider.token(nbf=int(time.time()) + 4000), "no claim": provider.token(email=None), "nobody": provider.token(email="nobody"),
        "algorithm none": provider.token(algorithm="none"), "HMAC": provider.token(algorithm="HS256"), "cut": good[:-8], "no token": "x.y.z",
        "other claims": ".".join((good.split(".")[0], provider.token(email="ann").split(".")[1], good.split(".")[2])),
    }.items():  # fmt: skip
        assert code_of(lambda token=token: assume(sts, token)) == "InvalidIdentityToken", what


def test_keys_are_fetched_again_for_a_new_one_but_not_for_every_stranger(sts, provider):
    assume(sts, provider.token())
    before = provider.asked
    for _ in range(5):
        assume(sts, provider.token())
    assert provider.asked == before
    provider.new_key("second")
    deadline = time.monotonic() + 30
    while True:  # a key that is not known is asked for once in ten seconds
        try:
            assume(sts, provider.token(key="second"))
            break
        except botocore.exceptions.ClientError:
            assert time.monotonic() < deadline
            time.sleep(0.5)
    assert provider.asked <= before + 4


def test_sessions_end_with_their_provider(lake, sts, provider, tmp_path):
    s3 = s3_of(lake, assume(sts, provider.token())["Credentials"])
    s3.put_object(Bucket="sales", Key="last", Body=b"x")
    (tmp_path / "lake.toml").write_text("identity_provider = []\n")
    lake.run("apply", str(tmp_path / "lake.toml"), "--yes")
    assert code_of(lambda: s3.get_object(Bucket="sales", Key="last")) == "AccessDenied"
    assert code_of(lambda: assume(sts, provider.token())) == "InvalidIdentityToken"
