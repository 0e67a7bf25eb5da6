"""Requests that no client library would send, and what a lake holds that they must not harm."""

from __future__ import annotations

import contextlib
import json
import re
import socket

from traffic.connection import Answer, Connection
from traffic.gcs import Gcs, fetch_token
from traffic.s3 import S3, escape_path

BUCKET = "lake"
KEPT = {f"kept/{number}": b"%d " % number * (200 * number + 1) for number in range(6)}
SECRET = b"a file beside the objects"
PATIENCE_S = 20.0


def s3_code(answer: Answer) -> str:
    """The code of S3's error document; every error but of HEAD has one."""
    found = re.search(rb"<Error><Code>(\w+)</Code>", answer.body)
    assert found, f"no error document of S3: {answer}"
    return found.group(1).decode()


def gcs_reason(answer: Answer) -> str:
    """The reason in Google's error document."""
    try:
        error = json.loads(answer.body)["error"]
    except (ValueError, KeyError) as problem:
        raise AssertionError(f"no error document of Google's: {answer}") from problem
    assert error["code"] == answer.status and error["message"], answer
    return error["errors"][0]["reason"]


def talk(port: int, *pieces: bytes, half_close: bool = False) -> bytes:
    """Sends the pieces and reads until the server closes or PATIENCE_S have passed (then an OSError)."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        received = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            if half_close:
                with contextlib.suppress(OSError):  # it is closed already
                    connection.shutdown(socket.SHUT_WR)
            while more := connection.recv(65536):
                received += more
        except ConnectionError:
            pass  # closed while we were still sending
        return received


def status_of(received: bytes) -> int:
    """Of the first answer; 0: closed without one."""
    return int(received.split(b" ", 2)[1]) if received.startswith(b"HTTP/1.1 ") else 0


class Lake:
    """A server, its root's credentials at both doors, and what must stay as it is."""

    def __init__(self, server):
        self.server = server
        self.s3 = S3(server.s3_port, server.access_key, server.secret_key)
        key = server.run("keys", "create", "--principal", "root", "--kind", "service-account").stdout
        self.gcs = Gcs(server.gcs_port, fetch_token(server.gcs_port, key))
        self.key_file = key
        self.host = self.s3.host

    def fill(self):
        assert self.s3.make_bucket(BUCKET).status == 200
        for key, body in KEPT.items():
            assert self.s3.put(BUCKET, key, body).status == 200
        (self.server.directory / "secret").write_bytes(SECRET)

    def check(self):
        """What was kept is there, unchanged, at both doors, and nothing stands beside it."""
        self.close()  # anew, should the server have closed them as idle
        for key, body in KEPT.items():
            assert self.s3.get(BUCKET, key).body == body, key
            assert self.gcs.get(BUCKET, key).body == body, key
        came = set(self.gcs.list_all(BUCKET)) - set(KEPT)
        for key in came:
            self.s3.delete(BUCKET, key)  # so that the next test is judged by itself
        assert not came, f"something is stored that must not be: {sorted(came)[:20]}"
        assert (self.server.directory / "secret").read_bytes() == SECRET
        assert self.server.alive()

    def s3_head(self, method, key="x", headers=(), body_sha256="UNSIGNED-PAYLOAD", query="", host_lines=True) -> bytes:
        """A signed request head without its end, to be sent by hand."""
        path = escape_path(f"/{BUCKET}" + (f"/{key}" if key else ""))
        signed = self.s3.signer.sign(method, self.host, path, query, list(headers), body_sha256)
        lines = [f"{method} {path}{'?' + query if query else ''} HTTP/1.1"]
        if host_lines:
            lines.append(f"Host: {self.host}")
        return ("\r\n".join(lines + [f"{name}: {value}" for name, value in signed]) + "\r\n").encode()

    def gcs_head(self, method, target) -> bytes:
        return (f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{self.server.gcs_port}\r\n"
                f"Authorization: Bearer {self.gcs.token}\r\n").encode()  # fmt: skip

    def connection(self, door) -> Connection:
        return Connection(self.server.s3_port if door == "s3" else self.server.gcs_port)

    def close(self):
        self.s3.close()
        self.gcs.close()
