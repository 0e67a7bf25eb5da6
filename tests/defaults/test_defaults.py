"""The five defaults, each by a test of its name, over both protocols, on a server without any setting:
writes are durable before the answer; catalogued data is revalidated as the mount says; no request without a
verified signature; permissions enforced; audit on."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time

import pytest

from traffic.connection import Connection
from traffic.gcs import Gcs, fetch_token
from traffic.s3 import S3, Signer, escape_value
from traffic.victim import Victim

DOORS = ("s3", "gcs")
DEADLINE_S = 20


class Doors:
    """One principal at both doors: the same verbs, answers as they are."""

    def __init__(self, server, access_key, secret_key, key_file):
        self.s3 = S3(server.s3_port, access_key, secret_key)
        self.gcs = Gcs(server.gcs_port, fetch_token(server.gcs_port, key_file))

    def put(self, door, bucket, key, body):
        return self.s3.put(bucket, key, body) if door == "s3" else self.gcs.insert(bucket, key, body)

    def get(self, door, bucket, key):
        return self.s3.get(bucket, key) if door == "s3" else self.gcs.get(bucket, key)

    def delete(self, door, bucket, key):
        return self.s3.delete(bucket, key) if door == "s3" else self.gcs.delete(bucket, key)

    def list(self, door, bucket, prefix=""):
        if door == "s3":
            return self.s3.call("GET", bucket, query=f"list-type=2&prefix={escape_value(prefix)}")
        return self.gcs.call("GET", f"/storage/v1/b/{bucket}/o?prefix={prefix}")

    def close(self):
        self.s3.close()
        self.gcs.close()


def service_key(server, principal):
    return server.run("keys", "create", "--principal", principal, "--kind", "service-account").stdout


def doors_of(server, principal):
    """A principal that is made on the way."""
    key = json.loads(server.run("keys", "create", "--principal", principal, "--json").stdout)
    return Doors(server, key["access_key"], key["secret_key"], service_key(server, principal))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """No flag but addresses and directories: what is tested are the defaults."""
    victim = Victim(tmp_path_factory.mktemp("defaults"))
    victim.start()
    yield victim
    assert victim.stop() == 0


@pytest.fixture(scope="module")
def root(server):
    doors = Doors(server, server.access_key, server.secret_key, service_key(server, "root"))
    assert doors.s3.make_bucket("lake").status == 200
    yield doors
    doors.close()


# ---- 1 ------------------------------------------------------------------------------------------

CALLS = "fsync,fdatasync,rename,renameat,renameat2,link,linkat,write,writev,send,sendto,sendmsg"


class Trace:
    """strace on a running server."""

    def __init__(self, server, directory):
        self.path = directory / "trace"
        self.process = subprocess.Popen(
            ["strace", "-f", "-yy", "-s", "64", "-e", f"trace={CALLS}", "-o", str(self.path),
             "-p", str(server.process.pid)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        # It says "attached" for each thread; a server without a tracer answers as fast.
        line = self.process.stderr.readline()
        if "attached" not in line:
            self.process.wait()
            pytest.skip(f"no tracing here: {line}")

    def stop(self):
        self.process.terminate()
        self.process.wait()
        return finished_calls(self.path.read_text(errors="replace"))


def finished_calls(text):
    """(name, line) in the order in which the calls ended."""
    begun, calls = {}, []
    for line in text.splitlines():
        found = re.match(r"(\d+) +(?:<\.\.\. )?(\w+)(.*)", line)
        if not found:
            continue
        thread, name, rest = found.groups()
        if "<unfinished ...>" in rest:
            begun[thread] = rest
            continue
        if " resumed>" in rest:
            rest = begun.pop(thread, "") + rest
        calls.append((name, rest))
    return calls


def index_of(calls, what, matches, after=-1):
    for index in range(after + 1, len(calls)):
        if matches(*calls[index]):
            return index
    raise AssertionError(f"no {what} among\n" + "\n".join(f"{name}{rest}" for name, rest in calls))


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
@pytest.mark.parametrize("door", DOORS)
def test_writes_are_durable_before_the_answer(server, root, tmp_path, door):
    port = server.s3_port if door == "s3" else server.gcs_port
    # The connection, the directory and the catalog are warm: what is seen is the write alone.
    assert root.put(door, "lake", f"durable-{door}/warm", b"w").status == 200
    trace = Trace(server, tmp_path)
    answer = root.put(door, "lake", f"durable-{door}/object", b"d" * 5000)
    calls = trace.stop()
    assert answer.status == 200
    objects, catalog = str(server.objects), str(server.data / "catalog")
    said = index_of(
        calls, "answer",
        lambda name, rest: name in ("write", "writev", "send", "sendto", "sendmsg")
        and f":{port}->" in rest and "HTTP/1.1 200" in rest,
    )  # fmt: skip
    synced = index_of(
        calls, "fsync of the bytes",
        lambda name, rest: name in ("fsync", "fdatasync") and objects in rest and rest.endswith("= 0"),
    )  # fmt: skip
    named = index_of(
        calls, "name for the bytes",
        lambda name, rest: name.startswith(("rename", "link")) and "object" in rest and rest.endswith("= 0"),
        after=synced,
    )  # fmt: skip
    directory = index_of(
        calls, "fsync of the directory",
        lambda name, rest: name == "fsync" and f"{objects}/lake/durable-{door}>" in rest and rest.endswith("= 0"),
        after=named,
    )  # fmt: skip
    committed = index_of(
        calls, "sync of the catalog",
        lambda name, rest: name in ("fsync", "fdatasync") and catalog in rest and rest.endswith("= 0"),
        after=directory,
    )  # fmt: skip
    assert synced < named < directory < committed < said, calls


# ---- 2 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", DOORS)
def test_catalogued_data_is_revalidated_as_the_mount_says(server, root, door):
    """The default is `shared`, checked on every access: what others did in the directory is seen at once."""
    (mount,) = json.loads(server.run("mount", "ls", "--json").stdout)["mounts"]
    assert (mount["freshness"], mount["max_staleness"]) == ("shared", "0")
    folder = server.objects / "lake" / f"shared-{door}"
    assert root.put(door, "lake", f"shared-{door}/a", b"ours").status == 200
    for other in DOORS:
        assert root.get(other, "lake", f"shared-{door}/a").body == b"ours"
    for round_number in range(20):
        theirs = b"theirs %d" % round_number
        (folder / "a").write_bytes(theirs)
        for other in DOORS:
            assert root.get(other, "lake", f"shared-{door}/a").body == theirs
    (folder / "new").write_bytes(b"new")
    assert root.get(door, "lake", f"shared-{door}/new").body == b"new"
    assert b"shared-%b/new" % door.encode() in root.list(door, "lake", f"shared-{door}/").body
    os.unlink(folder / "a")
    for other in DOORS:
        assert root.get(other, "lake", f"shared-{door}/a").status == 404
    assert b"shared-%b/a" % door.encode() not in root.list(door, "lake", f"shared-{door}/").body


def test_an_exclusive_mount_says_so_and_keeps_what_it_says(tmp_path):
    victim = Victim(tmp_path, extra=("--freshness", "exclusive"))
    victim.start()
    try:
        (mount,) = json.loads(victim.run("mount", "ls", "--json").stdout)["mounts"]
        assert mount["freshness"] == "exclusive"
        doors = Doors(victim, victim.access_key, victim.secret_key, service_key(victim, "root"))
        assert doors.s3.make_bucket("lake").status == 200
        for number in range(30):
            body = b"%d" % number
            assert doors.put(DOORS[number % 2], "lake", "a", body).status == 200
            assert all(doors.get(door, "lake", "a").body == body for door in DOORS)
        doors.close()
    finally:
        assert victim.stop() == 0


# ---- 3 ------------------------------------------------------------------------------------------


def s3_requests():
    """(method, path, query) of the whole API's kinds."""
    return [
        ("GET", "/", ""), ("PUT", "/stolen", ""), ("DELETE", "/lake", ""), ("HEAD", "/lake", ""),
        ("GET", "/lake", "list-type=2"), ("GET", "/lake", "location="), ("GET", "/lake/kept", ""),
        ("HEAD", "/lake/kept", ""), ("PUT", "/lake/stolen", ""), ("DELETE", "/lake/kept", ""),
        ("POST", "/lake", "delete="), ("POST", "/lake/stolen", "uploads="),
        ("PUT", "/lake/stolen", "partNumber=1&uploadId=x"), ("GET", "/lake/kept", "tagging="),
        ("GET", "/nothing-here/at-all", ""),
    ]  # fmt: skip


def gcs_requests():
    lake = "/storage/v1/b/lake"
    return [
        ("GET", "/storage/v1/b?project=p"), ("POST", "/storage/v1/b?project=p"), ("GET", lake), ("DELETE", lake),
        ("GET", f"{lake}/o"), ("GET", f"{lake}/o/kept"), ("GET", f"{lake}/o/kept?alt=media"),
        ("DELETE", f"{lake}/o/kept"), ("PATCH", f"{lake}/o/kept"), ("POST", f"{lake}/o/stolen/compose"),
        ("POST", f"{lake}/o/kept/rewriteTo/b/lake/o/stolen"), ("GET", "/download/storage/v1/b/lake/o/kept?alt=media"),
        ("POST", "/upload/storage/v1/b/lake/o?uploadType=media&name=stolen"),
        ("POST", "/upload/storage/v1/b/lake/o?uploadType=resumable&name=stolen"),
        ("GET", "/storage/v1/b/nothing-here/o/at-all"),
    ]  # fmt: skip


def admin_requests():
    return [("GET", "/v1/keys"), ("POST", "/v1/keys"), ("GET", "/v1/grants"), ("GET", "/v1/audit"), ("GET", "/v1/estate")]


def test_no_request_without_a_verified_signature(server, root):
    assert root.put("s3", "lake", "kept", b"kept").status == 200
    s3, gcs = Connection(server.s3_port), Connection(server.gcs_port)
    host = f"127.0.0.1:{server.s3_port}"
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    wrong = [Signer(server.access_key, "guess" * 8), Signer("minioadmin", "minioadmin"), Signer("", ""),
             Signer(server.access_key, "")]  # fmt: skip
    for method, path, query in s3_requests():
        target = path + (f"?{query}" if query else "")
        assert s3.exchange(method, target, []).status == 403, (method, target)
        for signer in wrong:
            headers = signer.sign(method, host, path, query, [], empty)
            answer = s3.exchange(method, target, headers)
            assert answer.status in (400, 403), (method, target, answer)
        # A right signature of another request.
        other = Signer(server.access_key, server.secret_key).sign("GET", host, "/lake/other", "", [], empty)
        assert s3.exchange(method, target, other).status == 403, (method, target)
    for method, target in gcs_requests():
        assert gcs.exchange(method, target, []).status == 401, (method, target)
        for value in ("Bearer x", "Bearer ", "Bearer eyJhbGciOiJub25lIn0.e30.", "Basic cm9vdDpyb290", root.gcs.token):
            answer = gcs.exchange(method, target, [("Authorization", value)])
            assert answer.status == 401, (method, target, value, answer)
    admin = Connection(server.admin_port)
    for method, target in admin_requests():
        assert admin.exchange(method, target, []).status in (401, 403), (method, target)
    assert root.get("s3", "lake", "kept").body == b"kept"
    assert root.get("gcs", "lake", "stolen").status == 404
    assert root.s3.head("stolen", "").status == 404
    assert sorted(path.name for path in server.objects.iterdir() if path.name[0] != ".") == ["lake"]
    for connection in (s3, gcs, admin):
        connection.close()


def test_there_is_no_well_known_credential(tmp_path, make_victim):
    """Without credentials in the environment the first start makes some at random, and prints them once."""
    secrets_seen = set()
    for life in range(2):
        victim = make_victim(tmp_path / str(life))
        environment = {name: value for name, value in victim.environment.items() if "ROOT" not in name}
        with victim.log.open("ab") as log:
            victim.process = subprocess.Popen(victim.command(), env=environment, stdin=subprocess.DEVNULL,
                                              stdout=log, stderr=log, cwd=victim.directory)
        victim.wait_until_it_answers()
        assert victim.stop() == 0
        printed = victim.log.read_text()
        (secret,) = re.findall(r"secret key +(\S{32,})", printed)
        secrets_seen.add(secret)
        with victim.log.open("ab") as log:
            victim.process = subprocess.Popen(victim.command(), env=environment, stdin=subprocess.DEVNULL,
                                              stdout=log, stderr=log, cwd=victim.directory)
        victim.wait_until_it_answers()
        assert victim.stop() == 0
        assert victim.log.read_text().count(secret) == 1
    assert len(secrets_seen) == 2


# ---- 4 ------------------------------------------------------------------------------------------


def test_permissions_are_enforced(server, root):
    for key in ("open/a", "open/b/c", "openness", "closed/a"):
        assert root.put("s3", "lake", key, b"of root").status == 200
    reader = doors_of(server, "reader")
    denied = {"s3": 403, "gcs": 403}

    def refused(door, key):
        answers = [reader.get(door, "lake", key), reader.put(door, "lake", key, b"x"), reader.delete(door, "lake", key)]
        return [answer.status for answer in answers] == [denied[door]] * 3

    for door in DOORS:
        assert all(refused(door, key) for key in ("open/a", "openness", "closed/a", "absent"))
        assert reader.list(door, "lake").status == denied[door]
    assert reader.s3.make_bucket("mine").status == 403
    server.run("grants", "add", "readers", "--principal", "reader", "--prefix", "/lake/open/", "--role", "reader")
    for door in DOORS:
        assert reader.get(door, "lake", "open/a").body == b"of root"
        assert reader.get(door, "lake", "open/b/c").body == b"of root"
        assert reader.put(door, "lake", "open/a", b"x").status == denied[door]
        assert reader.delete(door, "lake", "open/a").status == denied[door]
        assert refused(door, "openness"), "a prefix ends at a '/'"
        assert refused(door, "closed/a")
    # A copy is a read and a write.
    assert reader.s3.copy("lake", "closed/a", "open/stolen").status == 403
    assert reader.gcs.copy("lake", "closed/a", "open/stolen").status == 403
    server.run("grants", "add", "writers", "--principal", "reader", "--prefix", "/lake/open/", "--role", "writer")
    for door in DOORS:
        assert reader.put(door, "lake", f"open/of-{door}", b"mine").status == 200
    assert reader.s3.copy("lake", "closed/a", "open/stolen").status == 403
    assert reader.gcs.copy("lake", "closed/a", "open/stolen").status == 403
    server.run("grants", "add", "no", "--principal", "reader", "--prefix", "/lake/open/b/", "--deny", "--role", "owner")
    for door in DOORS:
        assert refused(door, "open/b/c"), "an explicit deny wins"
        assert reader.get(door, "lake", "open/a").body == b"of root"
    for name in ("readers", "writers", "no"):
        server.run("grants", "remove", name)
    for door in DOORS:
        assert refused(door, "open/a"), "a grant that was removed stops at once"
    assert root.get("s3", "lake", "closed/a").body == b"of root"
    reader.close()


# ---- 5 ------------------------------------------------------------------------------------------


def wait_for_record(server, wanted):
    """The record that `wanted` accepts, once it is under a signed checkpoint."""
    log = server.data / "audit"
    deadline = time.monotonic() + DEADLINE_S
    while True:
        size = int((log / "checkpoint").read_text().split("\n")[1])
        for name in sorted((log / "tile" / "entries").rglob("*")):
            if not name.is_file():
                continue
            try:
                bundle = name.read_bytes()
            except FileNotFoundError:
                continue  # a partial file that has grown meanwhile
            while bundle:
                length = int.from_bytes(bundle[:2], "big")
                record = json.loads(bundle[2 : 2 + length])
                if record["seq"] < size and wanted(record):
                    return record
                bundle = bundle[2 + length :]
        assert time.monotonic() < deadline, "the request has no audit record"
        time.sleep(0.05)


def test_audit_is_on(server, root):
    for door in DOORS:
        key = f"audited-{door}"
        root.put(door, "lake", key, b"x")
        root.get(door, "lake", key)
        root.delete(door, "lake", key)
        for action in ("write", "read", "delete"):
            record = wait_for_record(
                server,
                lambda r, action=action, key=key: r["resources"][0]["name"] == f"/lake/{key}"
                and r["unmapped"]["action"] == action,
            )
            assert record["api"]["service"]["name"] == door
            assert record["actor"]["user"]["name"] == "root"
            assert record["actor"]["authorizations"][0]["decision"] == "allow"
        anonymous = Connection(server.s3_port if door == "s3" else server.gcs_port)
        path = f"/lake/nobody-{door}" if door == "s3" else f"/storage/v1/b/lake/o/nobody-{door}"
        assert anonymous.exchange("GET", path, []).status in (401, 403)
        refused = wait_for_record(server, lambda r, door=door: f"nobody-{door}" in r["resources"][0]["name"])
        assert refused["actor"]["authorizations"][0]["decision"] == "deny"
        anonymous.close()
    assert json.loads(server.run("audit", "verify", "--json").stdout)["whole"]
    # No setting turns it off.
    switches = re.findall(r"(?m)^.*audit\w*.*$", server.run("settings").stdout)
    assert switches and not any(re.search(r"\b(on|off|true|false|enabled?|disabled?)\b", line) for line in switches)
