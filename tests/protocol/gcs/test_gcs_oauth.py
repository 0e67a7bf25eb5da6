"""Google's own auth library, unchanged, with credentials on other grounds than a key of one's own. Where the library has no
setting for the address of a Google service, its constant stands in for the DNS entry that a site would make."""

import datetime
import json
import sys
from pathlib import Path

import google.auth.exceptions
import google.auth.transport.requests
import pytest
import requests
from google.api_core.exceptions import Forbidden, NotFound
from google.auth import downscoped, identity_pool, impersonated_credentials
from google.cloud import storage
from google.oauth2 import service_account

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
