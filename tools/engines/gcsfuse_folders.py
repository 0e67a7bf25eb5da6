"""gcsfuse over TLS at a bucket with hierarchy, whose folders it renames by gRPC. Needs what gcsfuse.py needs, and google-cloud-storage."""

from __future__ import annotations

import os
import pathlib

from command_steps import Step, failed_of
from gcsfuse import mounted, names
from google.cloud import storage
from lake import Lake

TLS = True
TOTAL = 9
FILES = 50


def made(lake: Lake) -> storage.Bucket:
    os.environ["REQUESTS_CA_BUNDLE"] = str(lake.certificate)
    client = storage.Client.from_service_account_json(str(lake.key_file()), client_options={"api_endpoint": lake.gcs_url})
    bucket = client.bucket(lake.bucket)
    bucket.hierarchical_namespace_enabled = True
    return client.create_bucket(bucket)


def written(directory: pathlib.Path) -> int:
    directory.mkdir(parents=True)
    for number in range(FILES):
        (directory / f"{number}").write_text(str(number))
    return len(names(directory))


def steps(root: pathlib.Path, bucket: storage.Bucket) -> list[Step]:
    def listed(prefix: str) -> int:
        return sum(not blob.name.endswith("/") for blob in bucket.list_blobs(prefix=prefix))

    return [
        ("files", lambda: written(root / "d/e"), FILES),
        ("the same by JSON", lambda: listed("d/e/"), FILES),
        ("rename of a folder", lambda: ((root / "d/e").rename(root / "d/x"), (root / "d/x/7").read_text())[1], "7"),
        ("rename of its parent", lambda: ((root / "d").rename(root / "m"), (root / "m/x/49").read_text())[1], "49"),
        ("the same by JSON afterwards", lambda: (listed("d/"), listed("m/x/")), (0, FILES)),
        ("an empty folder", lambda: ((root / "empty").mkdir(), names(root))[1], ["empty", "m"]),
        ("a folder that is not empty stays", lambda: refused(root / "m"), "refused"),
        ("rmdir", lambda: ((root / "empty").rmdir(), names(root))[1], ["m"]),
        ("remove a tree", lambda: (removed(root / "m"), names(root), listed("")), (None, [], 0)),
    ]


def refused(directory: pathlib.Path) -> str:
    try:
        directory.rmdir()
        return "removed"
    except OSError:
        return "refused"


def removed(directory: pathlib.Path) -> None:
    for path in sorted(directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    directory.rmdir()


def run(lake: Lake, work: pathlib.Path, java: str) -> list[str]:
    bucket = made(lake)
    with mounted(lake, work) as root:
        return failed_of(steps(root, bucket))
