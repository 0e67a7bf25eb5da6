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

    @property
    def gcs_url(self) -> str:
        return f"http://127.0.0.1:{self.server.gcs_port}"

    def key_file(self) -> pathlib.Path:
        """Of a service account that may do everything."""
        path = self.directory / "key.json"
        if not path.is_file():
            command = [self.server.command()[0], "keys", "create", "--principal", "root", "--kind", "service-account"]
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


@contextlib.contextmanager
def serving(bucket: str) -> Iterator[Lake]:
    with tempfile.TemporaryDirectory(prefix="beringia-engine-") as text:
        directory = pathlib.Path(text)
        server = Victim(directory / "beringia", extra=("--log-level", "warn"))
        server.start()
        try:
            client = S3(server.s3_port, server.access_key, server.secret_key)
            client.make_bucket(bucket)
            client.close()
            yield Lake(f"http://127.0.0.1:{server.s3_port}", server.access_key, server.secret_key, bucket, directory, server)
        finally:
            server.stop()
