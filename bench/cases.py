"""What is measured: ready-made requests for each case and server."""

import hashlib
import pathlib
import random

from traffic.s3 import EMPTY_SHA256, Signer, escape_path

BUCKET = "bench"
LIST_BUCKET = "many"
SMALL, MIDDLE, LARGE = 4 << 10, 1 << 20, 64 << 20
SMALL_KEYS, MIDDLE_KEYS, LARGE_KEYS = 1000, 64, 2
PUT_KEYS = {SMALL: 400, MIDDLE: 16}
LIST_KEYS, LIST_FOLDERS = 100_000, 100  # --list-keys changes the first


def objects():
    """(key, size) of what is read."""
    for size, count in ((SMALL, SMALL_KEYS), (MIDDLE, MIDDLE_KEYS), (LARGE, LARGE_KEYS)):
        for number in range(count):
            yield key_of(size, number), size


def key_of(size, number):
    return f"{size}/object-{number:05d}"


def list_keys():
    for folder in range(LIST_FOLDERS):
        for number in range(LIST_KEYS // LIST_FOLDERS):
            yield f"folder-{folder:03d}/object-{number:05d}"


class Case:
    def __init__(self, name, method, tool, size=0, reads_only=False):
        self.name, self.method, self.tool, self.size = name, method, tool, size
        self.needs_s3 = method == "PUT" or name.startswith("LIST")

    def requests(self, server):
        """Raw requests, signed now (good for a quarter of an hour)."""
        dice = random.Random(7)
        signer = Signer(server.access_key, server.secret_key) if server.signed else None
        if self.name.startswith("LIST"):
            keys = [f"folder-{dice.randrange(LIST_FOLDERS - 2):03d}/object-{dice.randrange(LIST_KEYS // LIST_FOLDERS):05d}"
                    for _ in range(50)]
            return [_raw(server, signer, "GET", f"/{LIST_BUCKET}",
                         f"list-type=2&max-keys=1000&start-after={key.replace('/', '%2F')}", b"")
                    for key in keys]
        if self.method == "PUT":
            return [_raw(server, signer, "PUT", f"/{BUCKET}/put/{self.size}/object-{number:05d}", "",
                         dice.randbytes(self.size)) for number in range(PUT_KEYS[self.size])]
        count = {SMALL: SMALL_KEYS, MIDDLE: MIDDLE_KEYS, LARGE: LARGE_KEYS}[self.size]
        numbers = list(range(count))
        dice.shuffle(numbers)
        return [_raw(server, signer, self.method, f"/{BUCKET}/{key_of(self.size, number)}", "", b"")
                for number in numbers]

    def write(self, server, directory):
        path = pathlib.Path(directory) / f"{server.name}-{self.name.replace(' ', '-')}.requests"
        with open(path, "wb") as file:
            for raw in self.requests(server):
                file.write(b"%d %s\n" % (len(raw), self.method.encode()) + raw)
        return path


def _raw(server, signer, method, path, query, body):
    host = f"127.0.0.1:{server.port}"
    path = escape_path(path)
    headers = []
    if signer:
        sha256 = hashlib.sha256(body).hexdigest() if body else EMPTY_SHA256
        headers = signer.sign(method, host, path, query, [], sha256)
    if method == "PUT":
        headers.append(("Content-Length", len(body)))
    lines = [f"{method} {path}{'?' + query if query else ''} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


CASES = [
    Case("GET 4 KiB", "GET", "wrk", SMALL),
    Case("GET 1 MiB", "GET", "wrk", MIDDLE),
    Case("GET 64 MiB", "GET", "wrk", LARGE),
    Case("HEAD", "HEAD", "replay", SMALL),
    Case("LIST 1,000", "GET", "wrk"),
    Case("PUT 4 KiB", "PUT", "replay", SMALL),
    Case("PUT 1 MiB", "PUT", "replay", MIDDLE),
]
