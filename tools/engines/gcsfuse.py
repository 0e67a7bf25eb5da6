"""gcsfuse, Google's file system: a bucket at the GCS door as a directory, for programs that know files only. Needs Go and /dev/fuse."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator

from lake import Lake

GCSFUSE = "github.com/googlecloudplatform/gcsfuse/v3@v3.11.3"
BUILD_TIMEOUT_S = 1800
MOUNT_TIMEOUT_S = 60
LARGE = 40 << 20


def program(work: pathlib.Path) -> pathlib.Path:
    path = work / "gcsfuse" / "gcsfuse"
    if not path.is_file():
        environment = os.environ | {"GOBIN": str(path.parent), "GOFLAGS": "-buildvcs=false", "CGO_ENABLED": "0"}
        subprocess.run(["go", "install", GCSFUSE], env=environment, check=True, timeout=BUILD_TIMEOUT_S)
    return path


@contextlib.contextmanager
def mounted(lake: Lake, work: pathlib.Path) -> Iterator[pathlib.Path]:
    """Over TLS it asks for the kind of bucket by gRPC; at an address with "localhost" in it, it does not."""
    directory = lake.directory / "mounted"
    directory.mkdir()
    command = [
        str(program(work)), "--foreground", f"--custom-endpoint={lake.gcs_url.replace('localhost', '127.0.0.1')}", f"--key-file={lake.key_file()}",
        "--implicit-dirs", f"--temp-dir={lake.directory}", f"--log-file={lake.directory / 'gcsfuse.log'}",
        *([] if lake.certificate else ["--enable-hns=false"]), lake.bucket, str(directory),
    ]  # fmt: skip
    environment = os.environ | ({"SSL_CERT_FILE": str(lake.certificate)} if lake.certificate else {})
    process = subprocess.Popen(command, env=environment)
    try:
        deadline = time.monotonic() + MOUNT_TIMEOUT_S
        while not os.path.ismount(directory):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"gcsfuse did not mount: {(lake.directory / 'gcsfuse.log').read_text()[-3000:]}")
            time.sleep(0.05)
        yield directory
    finally:
        subprocess.run(["fusermount3", "-u", str(directory)], check=False)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()


def digest(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def exclusive(path: pathlib.Path) -> str:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        return "made"
    except FileExistsError:
        return "exists"


def part_of(path: pathlib.Path, offset: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def change(path: pathlib.Path, offset: int, data: bytes) -> bytes:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)
    return path.read_bytes()


def append(path: pathlib.Path, text: str) -> str:
    with path.open("a") as file:
        file.write(text)
    return path.read_text()


def names(directory: pathlib.Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def steps(root: pathlib.Path, lake: Lake) -> list[tuple[str, Callable[[], object], object]]:
    """(name, what is done, what is seen), in order."""
    large = os.urandom(LARGE)
    client = lake.client()
    return [
        ("write", lambda: (root / "a.txt").write_text("hello"), 5),
        ("read", lambda: (root / "a.txt").read_text(), "hello"),
        ("the same over S3", lambda: client.get(lake.bucket, "a.txt").body, b"hello"),
        ("size", lambda: (root / "a.txt").stat().st_size, 5),
        ("append", lambda: append(root / "a.txt", " world"), "hello world"),
        ("write in the middle", lambda: change(root / "a.txt", 0, b"H"), b"Hello world"),
        ("truncate", lambda: (os.truncate(root / "a.txt", 4), (root / "a.txt").read_text())[1], "Hell"),
        ("mkdir", lambda: ((root / "dir/sub").mkdir(parents=True), names(root))[1], ["a.txt", "dir"]),
        ("large", lambda: ((root / "dir/large").write_bytes(large), digest(root / "dir/large"))[1], hashlib.sha256(large).hexdigest()),
        ("range", lambda: part_of(root / "dir/large", 30_000_000, 1000), large[30_000_000:30_001_000]),
        ("exclusive create", lambda: exclusive(root / "dir/large"), "exists"),
        ("empty file", lambda: ((root / "empty").touch(), (root / "empty").stat().st_size)[1], 0),
        ("rename", lambda: ((root / "a.txt").rename(root / "dir/b.txt"), names(root / "dir"))[1], ["b.txt", "large", "sub"]),
        ("rename onto another", lambda: ((root / "empty").rename(root / "dir/b.txt"), (root / "dir/b.txt").read_text())[1], ""),
        ("rename of an empty directory", lambda: ((root / "dir/sub").rename(root / "dir/other"), names(root / "dir"))[1], ["b.txt", "large", "other"]),
        ("symlink", lambda: ((root / "link").symlink_to("dir/b.txt"), os.readlink(root / "link"))[1], "dir/b.txt"),
        ("made over S3", lambda: (client.put(lake.bucket, "far/x", b"s3"), (root / "far/x").read_bytes())[1], b"s3"),
        ("copied tree", lambda: (shutil.copytree(root / "dir", root / "copy"), digest(root / "copy/large"))[1], hashlib.sha256(large).hexdigest()),
        ("remove", lambda: ((root / "link").unlink(), names(root))[1], ["copy", "dir", "far"]),
        ("remove a tree", lambda: (shutil.rmtree(root / "copy"), names(root))[1], ["dir", "far"]),
        ("over S3 at the end", lambda: sorted(key for key in lake.keys() if not key.endswith("/")), ["dir/b.txt", "dir/large", "far/x"]),
    ]  # fmt: skip


TOTAL = 21


def run(lake: Lake, work: pathlib.Path, java: str) -> list[str]:
    failed = []
    with mounted(lake, work) as root:
        for name, done, expected in steps(root, lake):
            try:
                seen = done()
            except OSError as error:
                seen = repr(error)
            if seen != expected:
                failed.append(f"{name}: {str(seen)[:300]} and not {str(expected)[:300]}")
    return failed
