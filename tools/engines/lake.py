"""A Beringia of its own with one bucket, for an engine to use."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))
from traffic.s3 import S3
from traffic.victim import Victim, free_port

__all__ = ["Lake", "free_port", "serving"]


@dataclasses.dataclass
class Lake:
    url: str
    access_key: str
    secret_key: str
    bucket: str
    directory: pathlib.Path  # for the engine's own files
    server: Victim

    certificate: pathlib.Path | None = None  # of a server that speaks TLS

    @property
    def gcs_url(self) -> str:
        if self.certificate is not None:
            return f"https://localhost:{self.server.gcs_port}"
        return f"http://127.0.0.1:{self.server.gcs_port}"

    def key_file(self) -> pathlib.Path:
        """Of a service account that may do everything."""
        path = self.directory / "key.json"
        if not path.is_file():
            command = [self.server.command()[0], "keys", "create", "--principal", "root", "--kind", "service-account"]
            if self.certificate is not None:
                command += ["--admin", f"https://127.0.0.1:{self.server.admin_port}", "--ca", str(self.certificate)]
                command += ["--token-uri", f"{self.gcs_url}/token"]
            made = subprocess.run(command, env=self.server.environment, capture_output=True, text=True, check=True)
            path.write_text(made.stdout)
        return path

    def client(self) -> S3:
        return S3(self.server.s3_port, self.access_key, self.secret_key)

    def keys(self) -> list[str]:
        client = self.client()
        try:
            return client.list_all(self.bucket)
        finally:
            client.close()


def certified(directory: pathlib.Path) -> tuple[pathlib.Path, tuple[str, ...]]:
    """(certificate for localhost, flags of a server that has it)"""
    certificate, key = directory / "certificate.pem", directory / "certificate-key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, ("--tls-certificate", str(certificate), "--tls-key", str(key))


@contextlib.contextmanager
def serving(bucket: str, tls: bool = False) -> Iterator[Lake]:
    """With TLS the bucket is not made: that is for the client."""
    with tempfile.TemporaryDirectory(prefix="beringia-engine-") as text:
        directory = pathlib.Path(text)
        certificate, flags = certified(directory) if tls else (None, ())
        server = Victim(directory / "beringia", extra=("--log-level", "warn", *flags))
        server.start()
        try:
            if not tls:
                client = S3(server.s3_port, server.access_key, server.secret_key)
                client.make_bucket(bucket)
                client.close()
            scheme = "https" if tls else "http"
            url = f"{scheme}://127.0.0.1:{server.s3_port}"
            yield Lake(url, server.access_key, server.secret_key, bucket, directory, server, certificate)
        finally:
            server.stop()
