"""Slow, stalled, greedy and too many clients: bounded, and never in the way of others."""

import select
import socket
import time

import pytest

from traffic.s3 import S3
from traffic.victim import Victim

BUCKET = "limits"
BIG_BYTES = 64 << 20
PATIENCE_S = 20.0
FLAGS = ("--header-timeout", "1s", "--body-idle-timeout", "1s", "--idle-timeout", "30s")


def client(server):
    return S3(server.s3_port, server.access_key, server.secret_key)


def started(directory, *flags, descriptors=None):
    server = Victim(directory, extra=flags)
    if descriptors:
        server.wrapper = ["prlimit", f"--nofile={descriptors}"]
    server.start()
    s3 = client(server)
    assert s3.make_bucket(BUCKET).status == 200
    assert s3.put(BUCKET, "small", b"s" * 1000).status == 200
    s3.close()
    return server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = started(tmp_path_factory.mktemp("limits"), *FLAGS)
    s3 = client(server)
    assert s3.put(BUCKET, "big", bytes(BIG_BYTES)).status == 200
    s3.close()
    yield server
    assert server.stop() == 0


def open_socket(server, receive_buffer=None):
    plain = socket.socket()
    if receive_buffer:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    plain.settimeout(PATIENCE_S)
    plain.connect(("127.0.0.1", server.s3_port))
    return plain


def read_to_end(plain):
    """Bytes until the server closes; a reset is an end too."""
    out = bytearray()
    try:
        while more := plain.recv(1 << 16):
            out += more
    except ConnectionError:
        pass
    return bytes(out)


def signed_request(server, method, key, headers=(), declared=None):
    """The head of a request as bytes."""
    s3 = client(server)
    path = f"/{BUCKET}/{key}"
    signed = s3.signer.sign(method, s3.host, path, "", headers, "UNSIGNED-PAYLOAD")
    lines = [f"{method} {path} HTTP/1.1", f"Host: {s3.host}"]
    lines += [f"{name}: {value}" for name, value in signed]
    if declared is not None:
        lines.append(f"Content-Length: {declared}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def assert_serves(server):
    s3 = client(server)
    assert s3.get(BUCKET, "small").body == b"s" * 1000
    s3.close()


def test_a_client_that_dribbles_its_header_is_answered_408_and_closed(server):
    with open_socket(server) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        begun = time.monotonic()
        answer = b""
        plain.settimeout(0.1)
        while time.monotonic() - begun < PATIENCE_S:
            try:
                more = plain.recv(4096)
                if not more:
                    break
                answer += more
            except TimeoutError:
                plain.sendall(b"X-Slow: 1\r\n")  # progress does not extend the time
            except ConnectionError:
                break
        assert time.monotonic() - begun < 10, "it was not closed"
        assert answer.startswith(b"HTTP/1.1 408 "), answer[:100]
    assert_serves(server)


def test_a_body_that_stands_still_is_given_up_and_leaves_nothing(server):
    with open_socket(server) as plain:
        plain.sendall(signed_request(server, "PUT", "stalled", declared=1000) + b"half")
        begun = time.monotonic()
        answer = read_to_end(plain)
        assert 0.5 < time.monotonic() - begun < 15
        assert not answer.startswith(b"HTTP/1.1 2"), answer[:200]
    s3 = client(server)
    assert s3.get(BUCKET, "stalled").status == 404
    assert "stalled" not in s3.list_all(BUCKET)
    s3.close()


def test_a_client_that_goes_away_in_mid_body_leaves_nothing(server):
    with open_socket(server) as plain:
        plain.sendall(signed_request(server, "PUT", "left", declared=100_000) + b"x" * 50_000)
    s3 = client(server)
    assert s3.get(BUCKET, "left").status == 404
    s3.close()
    assert_serves(server)


def test_a_reader_that_stands_still_is_closed(server):
    with open_socket(server, receive_buffer=4096) as plain:
        plain.sendall(signed_request(server, "GET", "big"))
        assert plain.recv(12) == b"HTTP/1.1 200"
        # The server gives up without our reading on: then only what was under way arrives.
        deadline = time.monotonic() + PATIENCE_S
        while connections(server) > 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert connections(server) == 0, "the stalled reader still has its connection"
        assert len(read_to_end(plain)) < BIG_BYTES
    assert_serves(server)


def connections(server):
    """Established TCP connections of the server's S3 port, as the kernel tells."""
    port, count = f":{server.s3_port:04X}", 0
    with open("/proc/net/tcp") as table:
        for line in table:
            words = line.split()
            count += words[1].endswith(port) and words[3] == "01"
    return count


@pytest.mark.parametrize("head", [
    b"GET / HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 70_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Many: 1\r\n" * 300 + b"\r\n",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
])
def test_a_header_beyond_the_limits_is_answered_431(server, head):
    with open_socket(server) as plain:
        plain.sendall(head)
        assert plain.recv(13).startswith(b"HTTP/1.1 431 ")
    assert_serves(server)


def test_endless_headers_do_not_grow_memory(server):
    before = server.memory_mb()
    for _ in range(20):
        with open_socket(server) as plain:
            try:
                for _ in range(64):
                    plain.sendall(b"X-Big: " + b"a" * 65_000 + b"\r\n")
            except ConnectionError:
                pass
    assert server.memory_mb() < before + 30
    assert_serves(server)


def test_memory_stays_bounded_under_many_slow_clients(server):
    before = server.memory_mb()
    slow = []
    try:
        for _ in range(1500):
            plain = open_socket(server)
            plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Part: ")
            slow.append(plain)
        head = signed_request(server, "GET", "big")
        for _ in range(200):
            plain = open_socket(server, receive_buffer=4096)
            plain.sendall(head)
            slow.append(plain)
        assert_serves(server)
        grown = server.memory_mb() - before
        # 1,700 connections: a fiber's touched stack, a read buffer, bookkeeping.
        assert grown < 120, f"{grown:.0f} MB for {len(slow)} slow clients"
    finally:
        for plain in slow:
            plain.close()


def test_connections_beyond_the_limit_get_503(tmp_path):
    server = started(tmp_path, "--max-connections", "40")
    held = []
    try:
        s3 = client(server)
        assert s3.get(BUCKET, "small").status == 200
        held = [open_socket(server) for _ in range(60)]
        # One is taken by `s3`; which of these came in first is the server's affair.
        answers = {}
        deadline = time.monotonic() + PATIENCE_S
        while len(answers) < 21 and time.monotonic() < deadline:
            for plain in select.select(held, [], [], 0.1)[0]:
                answers[plain] = answers.get(plain, b"") + read_to_end(plain)
        assert len(answers) == 21
        for answer in answers.values():
            assert answer.startswith(b"HTTP/1.1 503 ") and b"Retry-After: " in answer, answer[:200]
        assert s3.get(BUCKET, "small").status == 200, "who is in stays in"
        for plain in held:
            plain.close()
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                assert_serves(server)
                break
            except (OSError, AssertionError):
                time.sleep(0.05)
        assert_serves(server)
        s3.close()
    finally:
        for plain in held:
            plain.close()
        assert server.stop() == 0


def test_serves_again_after_all_descriptors_were_used_up(tmp_path):
    server = started(tmp_path, descriptors=256)
    held = []
    try:
        for _ in range(600):
            plain = socket.socket()
            plain.setblocking(False)
            plain.connect_ex(("127.0.0.1", server.s3_port))
            held.append(plain)
        deadline = time.monotonic() + PATIENCE_S
        while len(server.open_descriptors()) < 250 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(server.open_descriptors()) >= 250, "the descriptors were not used up"
        for plain in held:
            plain.close()
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                assert_serves(server)
                break
            except (OSError, AssertionError):
                assert time.monotonic() < deadline, "it does not serve again:\n" + server.log_tail()
                time.sleep(0.05)
        s3 = client(server)
        # The audit log may have met the shortage: it tries again once a second, until then changes are refused.
        while (answer := s3.put(BUCKET, "after", b"a" * 5000)).status == 503:
            assert time.monotonic() < deadline, answer.body
            time.sleep(0.05)
        assert answer.status == 200, answer.body
        assert s3.get(BUCKET, "after").body == b"a" * 5000
        s3.close()
    finally:
        for plain in held:
            plain.close()
        assert server.stop() == 0, server.log_tail()
