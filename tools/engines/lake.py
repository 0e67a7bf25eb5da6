"""A Beringia of its own with one bucket, for an engine to use."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
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
    port: int

    def keys(self) -> list[str]:
        client = S3(self.port, self.access_key, self.secret_key)
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
            yield Lake(f"http://127.0.0.1:{server.s3_port}", server.access_key, server.secret_key, bucket, directory, server.s3_port)
        finally:
            server.stop()
