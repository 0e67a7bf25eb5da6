"""Storage that is full, read-only, gone, or does not let us in: each request gets the protocol's own error, reads
of what can be reached go on, nothing that was acknowledged is lost, and all is well again once the storage is."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import pathlib
import subprocess
import threading
import time

import pytest

from raw import BUCKET, Lake, gcs_reason, s3_code
from traffic.s3 import S3
from traffic.victim import Victim, free_port

MIB = 1 << 20
DEADLINE_S = 30


@contextlib.contextmanager
def small_file_system(place: pathlib.Path, size: str):
    place.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(place)],
                             capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"file systems cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextlib.contextmanager
def running(victim):
    victim.start()
    lake = Lake(victim)
    try:
        assert lake.s3.make_bucket(BUCKET).status == 200
        yield lake
    finally:
        lake.close()
        if victim.alive():
            victim.stop()


def fill(ballast):
    """To the last page."""
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def eventually(check, what):
    deadline = time.monotonic() + DEADLINE_S
    while not check():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def put(lake, door, key, body):
    answer = lake.s3.put(BUCKET, key, body) if door == "s3" else lake.gcs.insert(BUCKET, key, body)
    return answer.status, "" if answer.status == 200 else (s3_code(answer) if door == "s3" else gcs_reason(answer))


def get(lake, door, key):
    answer = lake.s3.get(BUCKET, key) if door == "s3" else lake.gcs.get(BUCKET, key)
    return answer.status, answer.body


def holds(lake, kept):
    return all(get(lake, door, key) == (200, body) for key, body in kept.items() for door in ("s3", "gcs"))


# ---- full ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", ("s3", "gcs"))
def test_a_full_backend_refuses_writes_and_keeps_what_it_has(tmp_path, door):
    with small_file_system(tmp_path / "small", "12m") as objects:
        with running(Victim(tmp_path / "server", objects=objects / "lake")) as lake:
            kept = {}
            for number in range(40):
                body = bytes([number]) * MIB
                status = put(lake, door, f"{number}", body)
                if status[0] != 200:
                    break
                kept[f"{number}"] = body
            assert 5 < len(kept) <= 12
            assert status == ((507, "InsufficientStorage") if door == "s3" else (507, "insufficientStorage"))
            for _ in range(3):
                assert put(lake, door, "more", bytes(3 * MIB))[0] == 507
                assert put(lake, door, "0", bytes(3 * MIB))[0] == 507, "an overwrite, too"
            assert holds(lake, kept)
            assert set(lake.gcs.list_all(BUCKET)) == set(kept)
            # What is deleted makes room at once.
            assert lake.s3.delete(BUCKET, "0").status == 204
            assert lake.s3.delete(BUCKET, "1").status == 204
            del kept["0"], kept["1"]
            eventually(lambda: put(lake, door, "after", b"a" * MIB)[0] == 200, "deletes free no space")
            kept["after"] = b"a" * MIB
            assert holds(lake, kept)
            left = [name for _, _, names in os.walk(objects / "lake" / BUCKET) for name in names]
            assert sorted(left) == sorted(kept), "refused writes leave nothing behind"


def test_a_full_catalog_disk_acknowledges_nothing_that_it_does_not_keep(tmp_path):
    with small_file_system(tmp_path / "small", "48m") as data:
        victim = Victim(tmp_path / "server", data=data / "data")
        with running(victim) as lake:
            kept = {}
            for number in range(20):
                assert put(lake, "s3", f"{number}", b"%d" % number)[0] == 200
                kept[f"{number}"] = b"%d" % number
            ballast = data / "ballast"
            fill(ballast)
            refused = 0
            deadline = time.monotonic() + DEADLINE_S
            number = 100
            while refused < 10 and time.monotonic() < deadline:
                number += 1
                for door in ("s3", "gcs"):
                    key = f"{door}-{number}"
                    status, reason = put(lake, door, key, key.encode())
                    if status == 200:
                        kept[key] = key.encode()
                    else:
                        assert status in (503, 507), (status, reason)
                        refused += 1
            assert refused >= 10, "the disk of the catalog is full and nobody says so"
            assert holds(lake, {key: kept[key] for key in list(kept)[:20]}), "reads go on"
            ballast.unlink()
            # The store stops for good at a failed write: a restart goes on with all that was acknowledged.
            victim.kill()
            victim.start()
            lake.close()
            assert holds(lake, kept)
            eventually(lambda: put(lake, "gcs", "after", b"after")[0] == 200, "writes do not come back")
            verified = victim.run("audit", "verify", str(victim.data), "--json", check=False)
            assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_full_audit_disk_stops_writes_until_there_is_room(tmp_path):
    """The log on a file system of its own: never an unrecorded change."""
    victim = Victim(tmp_path / "server")
    with small_file_system(victim.data / "audit", "1m") as audit:
        with running(victim) as lake:
            assert put(lake, "s3", "before", b"before") == (200, "")
            ballast = audit / "ballast"
            fill(ballast)
            written = {"before": b"before"}

            def is_stopped():
                key = f"x{len(written)}"
                status, _ = put(lake, "s3", key, key.encode())
                if status == 200:
                    written[key] = key.encode()
                return status == 503

            eventually(is_stopped, "writes go on without their audit records")
            assert put(lake, "gcs", "refused", b"x") == (503, "backendError")
            assert lake.s3.delete(BUCKET, "before").status == 503
            assert holds(lake, {"before": b"before"}), "reads go on: their records wait in the catalog"
            ballast.unlink()
            eventually(lambda: put(lake, "s3", "after", b"after")[0] == 200, "writes do not come back")
            assert holds(lake, written)
            victim.stop()
            verified = json.loads(victim.run("audit", "verify", str(victim.data), "--json").stdout)
            assert verified["whole"], verified
            records = b"".join(path.read_bytes() for path in (audit / "tile" / "entries").rglob("*") if path.is_file())
            for key in [*written, "after"]:
                assert f'"/{BUCKET}/{key}"'.encode() in records, key


# ---- read-only and gone -------------------------------------------------------------------------


def test_a_read_only_backend_is_read_and_not_written(tmp_path):
    with small_file_system(tmp_path / "small", "16m") as objects:
        with running(Victim(tmp_path / "server", objects=objects / "lake")) as lake:
            kept = {f"{n}": b"%d" % n * 1000 for n in range(5)}
            assert all(put(lake, "s3", key, body)[0] == 200 for key, body in kept.items())
            subprocess.run(["mount", "-o", "remount,ro", str(objects)], check=True)
            for door in ("s3", "gcs"):
                for key in ("new", "0", "folder/new"):
                    status, reason = put(lake, door, key, b"x")
                    assert status in (403, 500, 503) and reason, (door, key, status)
            assert lake.s3.delete(BUCKET, "0").status in (204, 403, 500, 503)
            subprocess.run(["mount", "-o", "remount,rw", str(objects)], check=True)
            kept.pop("0")  # whether it went was for the answer to say
            assert holds(lake, kept)
            assert get(lake, "s3", "new")[0] == 404
            eventually(lambda: put(lake, "s3", "after", b"after")[0] == 200, "writes do not come back")
            assert holds(lake, kept | {"after": b"after"})


def test_a_backend_that_is_gone_is_unavailable_and_not_empty(tmp_path):
    victim = Victim(tmp_path / "server")
    with running(victim) as lake:
        kept = {f"{n}": b"%d" % n * 1000 for n in range(5)}
        assert all(put(lake, "s3", key, body)[0] == 200 for key, body in kept.items())
        away = victim.objects.with_name("away")
        victim.objects.rename(away)
        for door in ("s3", "gcs"):
            for _ in range(3):
                status, body = get(lake, door, "0")
                assert status in (500, 503), (door, status, body)
                status, reason = put(lake, door, "new", b"x")
                assert status in (500, 503), (door, status, reason)
        assert lake.s3.call("GET", BUCKET, query="list-type=2").status in (200, 503)
        assert lake.s3.delete(BUCKET, "1").status in (204, 500, 503)
        # An empty directory in its place is somebody else's: it must not be taken for a delete of all.
        away.rename(victim.objects)
        kept.pop("1")
        assert holds(lake, kept)
        assert set(kept) <= set(lake.gcs.list_all(BUCKET))
        assert put(lake, "s3", "after", b"after")[0] == 200


def test_a_server_does_not_start_over_a_directory_that_is_not_there(tmp_path):
    victim = Victim(tmp_path / "server")
    victim.objects.rmdir()
    victim.launch()
    assert victim.process.wait(DEADLINE_S) != 0
    assert str(victim.objects) in victim.log_tail()


# ---- wrong credentials --------------------------------------------------------------------------


class Refusing(http.server.BaseHTTPRequestHandler):
    """A cloud that lets nobody in. The token endpoint refuses, or gives a token that is good for nothing."""

    gives_tokens = False

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        if self.path.startswith("/token") and self.gives_tokens:
            status, body = 200, {"access_token": "x", "expires_in": 3600, "token_type": "Bearer"}
        elif self.path.startswith("/token"):
            status, body = 400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        else:
            status = 401
            body = {"error": {"code": 401, "message": "Invalid Credentials", "errors": [
                {"domain": "global", "reason": "authError", "message": "Invalid Credentials"}]}}
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("gives_tokens", (False, True), ids=("no token", "a token that is refused"))
def test_wrong_credentials_of_the_cloud_leave_the_rest_alone(tmp_path, gives_tokens):
    handler = type("Handler", (Refusing,), {"gives_tokens": gives_tokens})
    cloud = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), handler)
    threading.Thread(target=cloud.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{cloud.server_address[1]}"
    victim = Victim(tmp_path / "server")
    try:
        with running(victim) as lake:
            assert put(lake, "s3", "kept", b"kept")[0] == 200
            # A right key of another house: well-formed, and good for nothing there.
            key = json.loads(lake.key_file) | {"token_uri": f"{url}/token"}
            key_path = victim.directory / "wrong-key.json"
            key_path.write_text(json.dumps(key))
            estate = victim.run("estate", "show").stdout
            estate += (f'\n[[backend]]\nname = "cloud"\nurl = "gs://company"\nendpoint = "{url}"\ncredentials = "{key_path}"\n'
                       f'\n[[mount]]\npath = "/cloud"\nlocations = ["cloud"]\n')
            (victim.directory / "lake.toml").write_text(estate)
            victim.run("apply", "lake.toml")
            begun = time.monotonic()
            for door in ("s3", "gcs"):
                in_cloud = S3.put(lake.s3, "cloud", "x", b"x") if door == "s3" else lake.gcs.insert("cloud", "x", b"x")
                assert in_cloud.status in (403, 500, 502, 503), (door, in_cloud)
                assert s3_code(in_cloud) if door == "s3" else gcs_reason(in_cloud)
                read = lake.s3.get("cloud", "x") if door == "s3" else lake.gcs.get("cloud", "x")
                assert read.status in (403, 500, 502, 503), (door, read)
                assert b"PRIVATE KEY" not in in_cloud.body + read.body
            assert time.monotonic() - begun < DEADLINE_S, "refusals are not retried for long"
            assert holds(lake, {"kept": b"kept"})
            assert put(lake, "gcs", "more", b"more")[0] == 200
            told = victim.run("backend", "check", "cloud", check=False)
            assert told.returncode != 0 and ("Invalid" in told.stderr + told.stdout), told
            log = victim.log.read_text()
            assert key["private_key"].splitlines()[1] not in log and victim.secret_key not in log
    finally:
        cloud.shutdown()
        cloud.server_close()
