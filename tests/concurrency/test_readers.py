"""Readers in the middle of moves and of out-of-band overwrites see one content or none, never a mix."""

import hashlib
import os
import pathlib
import random
import threading
import time

import pytest

from traffic.admin import Admin
from traffic.gcs import Gcs, fetch_token
from traffic.s3 import S3

BUCKET = "read"
OBJECTS = 6
SIZE = 3 << 20
SECONDS = 6.0
ROUNDS = 4

ESTATE = """\
[[backend]]
name = "onprem"
url = "file://{objects}"

[[backend]]
name = "cloud"
url = "gs://archive"
endpoint = "http://127.0.0.1:{port}"
credentials = "{key_file}"

[[mount]]
path = "/"
locations = ["onprem", "cloud"]

[[policy]]
name = "all"
when = 'path.startsWith("/{bucket}/")'
place = [{{ backend = "{target}" }}]
"""


def content(seed):
    return random.Random(seed).randbytes(SIZE)


def origins(body, step=4096):
    """[(offset, seed)] of the contents that the body is made of; None: of no one."""
    whole = {seed: content(seed) for seed in range(OBJECTS)}
    found = []
    for offset in range(0, len(body), step):
        piece = body[offset:offset + step]
        seed = next((seed for seed, bytes_ in whole.items() if bytes_[offset:offset + step] == piece), None)
        if not found or found[-1][1] != seed:
            found.append((offset, seed))
    return found[:8]


class Readers:
    """Threads that read whole objects over both protocols and judge every byte they get."""

    def __init__(self, server, token, allowed, may_break=False):
        self.server, self.token, self.allowed, self.may_break = server, token, allowed, may_break
        self.stop = threading.Event()
        self.wrong, self.reads, self.broken = [], 0, 0
        self.threads = [threading.Thread(target=self._run, args=(n,)) for n in range(4)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _run(self, number):
        dice = random.Random(number)
        if number % 2 == 0:
            api = S3(self.server.s3_port, self.server.access_key, self.server.secret_key)
        else:
            api = Gcs(self.server.gcs_port, self.token)
        while not self.stop.is_set() and not self.wrong:
            key = dice.choice(sorted(self.allowed))
            try:
                answer = api.get(BUCKET, key)
            except OSError:
                # Broken off rather than spliced.
                self.broken += 1
                if not self.may_break:
                    self.wrong.append(f"{key}: the connection broke")
                continue
            self.reads += 1
            if answer.status != 200:
                self.wrong.append(f"{key}: {answer.status} {answer.body[:300]}")
            elif hashlib.sha256(answer.body).digest() not in self.allowed[key]:
                self.wrong.append(f"{key}: {len(answer.body)} bytes that were never written, of contents "
                                  f"{origins(answer.body)} by {type(api).__name__}")
        api.close()


def token_of(victim):
    return fetch_token(victim.gcs_port, victim.run("keys", "create", "--principal", "root", "--kind",
                                                   "service-account").stdout)


def wait_for_runs(admin):
    deadline = time.monotonic() + 60
    while True:
        _, told = admin.call("GET", "/v1/policy/runs")
        if all(run["state"] != "running" for run in told["runs"]):
            return told["runs"]
        assert time.monotonic() < deadline, "a run does not end"
        time.sleep(0.05)


@pytest.mark.timeout(180)
def test_readers_do_not_notice_that_objects_move_to_and_fro(tmp_path, make_victim):
    cloud = make_victim(tmp_path / "cloud", extra=("--log-level", "warn"))
    cloud.start()
    key_file = tmp_path / "cloud-key.json"
    key_file.write_text(cloud.run("keys", "create", "--principal", "root", "--kind", "service-account").stdout)
    archive = Gcs(cloud.gcs_port, fetch_token(cloud.gcs_port, key_file.read_text()))
    assert archive.make_bucket("archive").status == 200
    archive.close()
    server = make_victim(tmp_path / "server", extra=("--move-grace", "100ms"))
    server.start()
    estate = tmp_path / "lake.toml"

    def declare(target):
        estate.write_text(ESTATE.format(objects=server.objects, port=cloud.gcs_port, key_file=key_file,
                                        bucket=BUCKET, target=target))
        server.run("apply", str(estate), "--yes")

    declare("cloud")
    s3 = S3(server.s3_port, server.access_key, server.secret_key)
    assert s3.make_bucket(BUCKET).status == 200
    allowed = {}
    for n in range(OBJECTS):
        body = content(n)
        assert s3.put(BUCKET, f"o{n}", body).status == 200
        allowed[f"o{n}"] = {hashlib.sha256(body).digest()}
    admin = Admin(server)
    with Readers(server, token_of(server), allowed) as readers:
        for number in range(ROUNDS):
            target = "cloud" if number % 2 == 0 else "onprem"
            declare(target)
            status, plan = admin.call("POST", "/v1/policy/plans", body={})
            assert status in (200, 201), plan
            assert plan["totals"]["objects"] == OBJECTS
            status, run = admin.call("POST", f"/v1/policy/plans/{plan['id']}/apply", body={})
            assert status in (200, 201, 202), run
            wait_for_runs(admin)
            moved = sum(1 for path in (cloud.objects / "archive").rglob("o*") if path.is_file())
            assert moved == (OBJECTS if target == "cloud" else 0)
            if readers.wrong:
                break
    assert not readers.wrong, readers.wrong
    assert readers.reads > 20
    admin.close()
    s3.close()
    assert server.stop() == 0
    assert cloud.stop() == 0


@pytest.mark.timeout(120)
@pytest.mark.parametrize("way", ["replaced", "in_place"])
def test_readers_of_files_that_others_overwrite_never_see_a_mix(tmp_path, make_victim, way):
    server = make_victim(tmp_path)
    server.start()
    folder = pathlib.Path(server.objects) / BUCKET
    folder.mkdir()
    versions = [content(n) for n in range(3)]
    target = folder / "o"
    target.write_bytes(versions[0])
    allowed = {"o": {hashlib.sha256(body).digest() for body in versions}}
    with Readers(server, token_of(server), allowed, may_break=True) as readers:
        until = time.monotonic() + SECONDS
        number = 0
        while time.monotonic() < until and not readers.wrong:
            number += 1
            body = versions[number % len(versions)]
            if way == "replaced":
                temporary = tmp_path / "next"
                temporary.write_bytes(body)
                os.replace(temporary, target)
            else:
                # The same size, so that nothing but the bytes and the time tells.
                with target.open("r+b") as file:
                    file.write(body)
            time.sleep(0.02 * (number % 4))
            if way == "in_place":
                # While somebody writes, the file itself is a mix; readers must not take that for a version.
                time.sleep(0.3)
    assert not readers.wrong, readers.wrong
    assert readers.reads > 10
    assert server.stop() == 0
