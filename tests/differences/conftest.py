import google.auth.transport.requests
import pytest
from google.oauth2 import service_account


@pytest.fixture(scope="session")
def token(server) -> str:
    """An access token of root, from a key file."""
    path = server.directory / "differences-key.json"
    path.write_text(server.run("keys", "create", "--principal", "root", "--kind", "service-account").stdout)
    credentials = service_account.Credentials.from_service_account_file(
        str(path), scopes=["https://www.googleapis.com/auth/devstorage.full_control"]
    )
    credentials.refresh(google.auth.transport.requests.Request())
    return credentials.token
