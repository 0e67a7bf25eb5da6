"""Google's own auth library, unchanged, with credentials on other grounds than a key of one's own. Where the library has no
setting for the address of a Google service, its constant stands in for the DNS entry that a site would make."""

import base64
import datetime
import json
import subprocess
import sys
import time
from pathlib import Path

import google.auth.exceptions
import google.auth.transport.requests
import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from google.api_core.exceptions import Forbidden, NotFound
from google.auth import compute_engine, downscoped, iam, identity_pool, impersonated_credentials
from google.auth.compute_engine import _metadata
from google.cloud import storage
from google.oauth2 import service_account

from serving import binary, free_port

from gcs_clients import SCOPES, make_key_file, s3_client

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "s3"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "audit"))
from test_audit import entries_of  # noqa: E402
from test_web_identity import Provider, declare  # noqa: E402

POOL = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/"
CLOUD = ["https://www.googleapis.com/auth/cloud-platform"]
ETL = "etl@lake.beringia.local"


@pytest.fixture(scope="module")
def provider():
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def lake(make_server, provider, tmp_path_factory):
    server = make_server("oauth")
    server.run("principals", "create", "ann")
    server.run("principals", "create", "bob")
    server.run("principals", "create", "etl", "--assumable-by", "ann")
    declare(server, tmp_path_factory.mktemp("estate"), provider)
    s3 = s3_client(server, server.access_key, server.secret_key)
    s3.create_bucket(Bucket="sales")
    for key in ("a/1", "b/1"):
        s3.put_object(Bucket="sales", Key=key, Body=key.encode())
    server.run("grants", "add", "etl-sales", "--principal", "etl", "--prefix", "/sales/", "--role", "writer")
    return server


def key_credentials(lake, name, scopes=SCOPES):
    path = lake.directory / f"{name}-key.json"
    if not path.exists():
        make_key_file(lake, name)
    return service_account.Credentials.from_service_account_file(str(path), scopes=scopes)


def client_of(lake, credentials):
    return storage.Client(project="any", credentials=credentials, client_options={"api_endpoint": lake.gcs_url})


def read(lake, credentials, name="a/1"):
    return client_of(lake, credentials).bucket("sales").blob(name).download_as_bytes()


def impersonated(lake, source, target=ETL, **more):
    endpoint = f"{lake.gcs_url}/v1/projects/-/serviceAccounts/{target}:generateAccessToken"
    return impersonated_credentials.Credentials(
        source, target, target_scopes=CLOUD, iam_endpoint_override=endpoint, **more
    )  # fmt: skip


def external(lake, tmp_path, token, **more):
    (tmp_path / "token").write_text(token)
    info = {
        "type": "external_account", "audience": POOL + "corp", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{lake.gcs_url}/v1/token", "credential_source": {"file": str(tmp_path / "token")},
    } | more  # fmt: skip
    (tmp_path / "external.json").write_text(json.dumps(info))
    return identity_pool.Credentials.from_file(str(tmp_path / "external.json"), scopes=CLOUD)


def test_a_token_of_an_identity_provider_is_exchanged(lake, provider, tmp_path):
    credentials = external(lake, tmp_path, provider.token())
    assert read(lake, credentials) == b"a/1"
    client_of(lake, credentials).bucket("sales").blob("new").upload_from_string("x")
    with pytest.raises(Forbidden):
        client_of(lake, credentials).create_bucket("another")


@pytest.mark.parametrize(("claims", "audience"), [
    ({"email": "nobody"}, "corp"), ({"aud": "mars"}, "corp"), ({"iss": "https://evil.test"}, "corp"), ({"exp": 1}, "corp"),
    ({}, "other"), ({}, ""),
])  # fmt: skip
def test_what_proves_nothing_is_refused(lake, provider, tmp_path, claims, audience):
    with pytest.raises(google.auth.exceptions.OAuthError):
        external(lake, tmp_path, provider.token(**claims), audience=POOL + audience).refresh(google.auth.transport.requests.Request())


def test_a_federated_identity_acts_as_an_account(lake, provider, tmp_path):
    url = f"{lake.gcs_url}/v1/projects/-/serviceAccounts/{ETL}:generateAccessToken"
    assert read(lake, external(lake, tmp_path, provider.token(email="ann"), service_account_impersonation_url=url)) == b"a/1"
    with pytest.raises(google.auth.exceptions.RefreshError):
        read(lake, external(lake, tmp_path, provider.token(email="bob"), service_account_impersonation_url=url))


def test_who_is_named_acts_as_an_account(lake):
    with pytest.raises(Forbidden):
        read(lake, key_credentials(lake, "ann"))
    credentials = impersonated(lake, key_credentials(lake, "ann", CLOUD), lifetime=300)
    assert read(lake, credentials) == b"a/1"
    left = credentials.expiry - datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    assert datetime.timedelta(seconds=240) < left <= datetime.timedelta(seconds=301)
    for who, target in (("bob", ETL), ("ann", "root@lake.beringia.local"), ("ann", "nobody@lake.beringia.local")):
        with pytest.raises(google.auth.exceptions.RefreshError, match="does not have iamcredentials.generateAccessToken"):
            read(lake, impersonated(lake, key_credentials(lake, who, CLOUD), target))


def test_a_downscoped_token_reaches_what_it_names(lake, monkeypatch):
    monkeypatch.setattr(downscoped, "_STS_TOKEN_URL_PATTERN", lake.gcs_url + "/v1/token")
    condition = downscoped.AvailabilityCondition(
        "resource.name.startsWith('projects/_/buckets/sales/objects/a/') || "
        "api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('a/')"
    )
    rule = downscoped.AccessBoundaryRule(
        available_resource="//storage.googleapis.com/projects/_/buckets/sales",
        available_permissions=["inRole:roles/storage.objectViewer"], availability_condition=condition,
    )  # fmt: skip
    source = key_credentials(lake, "etl", CLOUD)
    narrow = downscoped.Credentials(source, credential_access_boundary=downscoped.CredentialAccessBoundary(rules=[rule]))
    client = client_of(lake, narrow)
    assert client.bucket("sales").blob("a/1").download_as_bytes() == b"a/1"
    assert [blob.name for blob in client.list_blobs("sales", prefix="a/")] == ["a/1"]
    with pytest.raises(Forbidden):
        list(client.list_blobs("sales"))
    with pytest.raises(Forbidden):
        client.bucket("sales").blob("b/1").download_as_bytes()
    with pytest.raises(Forbidden):
        client.bucket("sales").blob("a/2").upload_from_string("x")
    client_of(lake, source).bucket("sales").blob("a/2").upload_from_string("x")


def test_a_token_tells_what_it_is_and_ends_when_it_is_revoked(lake):
    credentials = key_credentials(lake, "etl")
    credentials.refresh(google.auth.transport.requests.Request())
    url = lake.gcs_url
    info = requests.get(f"{url}/oauth2/v3/tokeninfo", params={"access_token": credentials.token}, timeout=20)
    assert (info.json()["email"], 3500 < int(info.json()["expires_in"]) <= 3600) == (ETL, True)
    assert requests.post(f"{url}/revoke", data={"token": credentials.token}, timeout=20).status_code == 200
    bearer = {"Authorization": f"Bearer {credentials.token}"}
    assert requests.get(f"{url}/storage/v1/b/sales/o/a%2F1", headers=bearer, timeout=20).status_code == 401
    assert requests.post(f"{url}/tokeninfo", data={"access_token": credentials.token}, timeout=20).status_code == 400
    # A bucket may have such a name.
    key = key_credentials(lake, "root")
    client_of(lake, key).create_bucket("tokeninfo")
    with pytest.raises(NotFound):
        client_of(lake, key).bucket("tokeninfo").blob("x").download_as_bytes()


def test_urls_are_signed_without_a_key_of_ones_own(lake, monkeypatch):
    """As on Compute Engine or Cloud Run: by signBlob, in the name of an account that one may act as."""
    account = f"{lake.gcs_url}/v1/projects/-/serviceAccounts/{{}}:"
    monkeypatch.setattr(iam, "_IAM_SIGN_ENDPOINT", account + "signBlob")
    acting = impersonated(lake, key_credentials(lake, "ann", CLOUD))
    blob = client_of(lake, acting).bucket("sales").blob("a/1")
    for version in ("v2", "v4"):
        url = blob.generate_signed_url(datetime.timedelta(minutes=5), version=version, credentials=acting, api_access_endpoint=lake.gcs_url)
        assert requests.get(url, timeout=20).content == b"a/1", version
        assert requests.get(url.replace("a/1", "b/1"), timeout=20).status_code == 403, version
        assert requests.put(url, data=b"x", timeout=20).status_code == 403, version
    # The key opens no other door: an assertion by it is no proof.
    now = int(time.time())
    payload = json.dumps({"iss": ETL, "sub": ETL, "aud": f"{lake.gcs_url}/token", "iat": now, "exp": now + 600})
    answer = act_as(lake, "ann", "signJwt", {"payload": payload})
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": answer["signedJwt"]}
    refused = requests.post(f"{lake.gcs_url}/token", data=form, timeout=20)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    # It ends with its key, and the next signature has another.
    keys = [key for key in lake.run_json("keys", "ls")["keys"] if key["kind"] == "managed" and key["principal"] == "etl"]
    assert [key["id"] for key in keys] == [answer["keyId"]]
    lake.run("keys", "disable", answer["keyId"])
    assert requests.get(url, timeout=20).status_code == 403
    assert act_as(lake, "ann", "signJwt", {"payload": payload})["keyId"] != answer["keyId"]


def act_as(lake, who, action, body, target=ETL, status=200):
    credentials = key_credentials(lake, who, CLOUD)
    credentials.refresh(google.auth.transport.requests.Request())
    answer = requests.post(
        f"{lake.gcs_url}/v1/projects/-/serviceAccounts/{target}:{action}", json=body, timeout=20,
        headers={"Authorization": f"Bearer {credentials.token}"},
    )  # fmt: skip
    assert answer.status_code == status, answer.text
    return answer.json()


def claims_of(token, key_set):
    """The claims of a token, verified with the key that it names."""
    head, body, signature = token.split(".")
    def decoded(text):
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    def number(text):
        return int.from_bytes(decoded(text), "big")
    key = {one["kid"]: one for one in key_set["keys"]}[json.loads(decoded(head))["kid"]]
    public = rsa.RSAPublicNumbers(number(key["e"]), number(key["n"])).public_key()
    public.verify(decoded(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    return json.loads(decoded(body))


def test_signed_tokens_are_verified_with_published_keys(lake):
    url = lake.gcs_url
    payload = {"iss": ETL, "aud": "https://partner.test"}
    answer = act_as(lake, "ann", "signJwt", {"payload": json.dumps(payload)})
    claims = claims_of(answer["signedJwt"], requests.get(f"{url}/service_accounts/v1/jwk/{ETL}", timeout=20).json())
    assert claims.pop("exp") > time.time() + 3000 and claims == payload
    answer = act_as(lake, "ann", "generateIdToken", {"audience": "https://partner.test", "includeEmail": True})
    known = requests.get(f"{url}/.well-known/openid-configuration", timeout=20).json()
    claims = claims_of(answer["token"], requests.get(known["jwks_uri"], timeout=20).json())
    assert (claims["iss"], claims["sub"], claims["email"], claims["aud"]) == (known["issuer"], "etl", ETL, "https://partner.test")
    bearer = {"Authorization": f"Bearer {answer['token']}"}
    assert requests.get(f"{url}/storage/v1/b/sales/o/a%2F1", headers=bearer, timeout=20).status_code == 401
    far = json.dumps(payload | {"exp": int(time.time()) + 50_000})
    for action, body in (("signJwt", {"payload": "[]"}), ("signJwt", {"payload": far}), ("signBlob", {"payload": "*"}), ("signBlob", {}), ("generateIdToken", {})):
        act_as(lake, "ann", action, body, status=400)
    for action, body in (("signJwt", {"payload": "{}"}), ("signBlob", {"payload": "eA=="}), ("generateIdToken", {"audience": "x"})):
        act_as(lake, "bob", action, body, status=403)
        act_as(lake, "ann", action, body, target="root@lake.beringia.local", status=403)


@pytest.fixture
def metadata(make_server, monkeypatch):
    host = f"127.0.0.1:{free_port()}"
    server = make_server("metadata", "--metadata", host, "--metadata-principal", "etl")
    server.run("principals", "create", "etl")
    s3 = s3_client(server, server.access_key, server.secret_key)
    s3.create_bucket(Bucket="sales")
    s3.put_object(Bucket="sales", Key="a/1", Body=b"a/1")
    server.run("grants", "add", "etl-sales", "--principal", "etl", "--prefix", "/sales/", "--role", "writer")
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", host)
    monkeypatch.setenv("GCE_METADATA_IP", host)
    return server, f"http://{host}/computeMetadata/v1/"


def test_a_machine_gets_tokens_without_a_key(metadata):
    server, url = metadata
    assert _metadata.ping(google.auth.transport.requests.Request())
    credentials = compute_engine.Credentials()
    client = client_of(server, credentials)
    assert client.bucket("sales").blob("a/1").download_as_bytes() == b"a/1"
    assert _metadata.get_service_account_info(google.auth.transport.requests.Request())["email"] == ETL
    client.bucket("sales").blob("new").upload_from_string("x")
    reads = client_of(server, compute_engine.Credentials(scopes=["https://www.googleapis.com/auth/devstorage.read_only"]))
    assert reads.bucket("sales").blob("new").download_as_bytes() == b"x"
    with pytest.raises(Forbidden):
        reads.bucket("sales").blob("new").upload_from_string("y")
    with pytest.raises(Forbidden):
        client.create_bucket("another")
    flavor = {"Metadata-Flavor": "Google"}
    given = requests.get(url + "instance/service-accounts/default/token", headers=flavor, timeout=20).json()
    assert (given["token_type"], 3500 < given["expires_in"] <= 3600) == ("Bearer", True)
    token = requests.get(url + "instance/service-accounts/default/identity?audience=me&format=full", headers=flavor, timeout=20).text
    keys = requests.get(f"{server.gcs_url}/oauth2/v3/certs", timeout=20).json()
    claims = claims_of(token, keys)
    assert (claims["aud"], claims["email"], claims["iss"]) == ("me", ETL, server.gcs_url)
    assert requests.get(url + "project/project-id", headers=flavor, timeout=20).text == "lake"
    for headers in ({}, {"Metadata-Flavor": "other"}, flavor | {"X-Forwarded-For": "10.0.0.1"}):
        refused = requests.get(url + "instance/service-accounts/default/token", headers=headers, timeout=20)
        assert (refused.status_code, refused.headers["Metadata-Flavor"]) == (403, "Google")
    assert requests.get(url + "instance/service-accounts/root@lake.beringia.local/token", headers=flavor, timeout=20).status_code == 404
    assert requests.post(url + "instance/service-accounts/default/token", headers=flavor, timeout=20).status_code == 405
    server.stop()
    server.start()
    records = [one for one in entries_of(server.data / "audit") if one["api"]["operation"] == "metadata.token"]
    assert records and all("token of etl" in json.dumps(one) for one in records)
    log = server.log.read_text()
    assert not any(secret in text for secret in (given["access_token"], token) for text in (json.dumps(records), log))


@pytest.mark.parametrize(("flags", "why"), [
    ((), "metadata_principal"), (("--metadata-principal", "root"), "metadata_principal"),
    (("--metadata-principal", "etl", "--metadata", "0.0.0.0:{}"), "metadata_clients"),
])  # fmt: skip
def test_a_metadata_server_says_whose_tokens_it_gives_and_to_whom(tmp_path, flags, why):
    port = free_port()
    flags = [flag.format(port) for flag in flags]
    if "--metadata" not in flags:
        flags += ["--metadata", f"127.0.0.1:{port}"]
    doors = [word for door in ("s3", "gcs", "admin") for word in (f"--{door}", f"127.0.0.1:{free_port()}")]
    answer = subprocess.run([str(binary()), "serve", "--data", str(tmp_path / "data"), *doors, *flags], capture_output=True, text=True, timeout=60)
    assert answer.returncode != 0 and why in answer.stderr


def test_every_token_is_in_the_audit_trail_and_none_can_be_read_there(lake, provider, tmp_path):
    token = provider.token()
    credentials = external(lake, tmp_path, token)
    credentials.refresh(google.auth.transport.requests.Request())
    acting = impersonated(lake, key_credentials(lake, "ann", CLOUD))
    acting.refresh(google.auth.transport.requests.Request())
    lake.stop()
    lake.start()
    records = [one for one in entries_of(lake.data / "audit") if one["api"]["operation"].startswith(("sts.", "oauth2.", "iam"))]
    assert {one["api"]["operation"] for one in records} >= {"oauth2.token", "sts.exchangeToken", "iamcredentials.generateAccessToken"}
    text = json.dumps(records)
    assert "token of etl" in text and "oidc:corp" in text
    for secret in (token, credentials.token, acting.token):
        assert secret not in text and secret not in lake.log.read_text()
    assert read(lake, acting) == b"a/1", "tokens outlive a restart"
