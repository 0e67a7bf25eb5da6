"""Each request that changes something, of each operation of the backend: its answer is lost after success, somebody
else writes just before it, what it builds on vanishes. Nothing is lost, nothing is done twice, nobody is overwritten.
docs/gcs-backend.md has the table. Servers as in test_published_retry_cases.py.
"""

import json
import re
import urllib.parse

import pytest

from one_operation import (THEIRS, check_what_is_there, door, fake_gcs_server, make_process,  # noqa: F401
                           prepare, run, testbench)

from fault_proxy import FaultProxy, Rule  # isort: skip

# (operation, verb and pattern of the request, how many pass before, what the operation makes); the session of 9 MiB
# has chunks of 2 MiB: five.
OPEN, CHUNK, PART = ("POST", "uploadType=resumable"), ("PUT", "upload_id="), ("POST", "uploadType=multipart")
REQUESTS = [
    ("write", *PART, 0, "new"),
    ("write a session", *OPEN, 0, "new"),
    ("write a session", *CHUNK, 0, "new"),
    ("write a session", *CHUNK, 2, "new"),
    ("write a session", *CHUNK, 4, "new"),
    ("write parts", *PART, 0, "new"),
    ("write parts", *PART, 3, "new"),
    ("write parts", "POST", "/compose", 0, "new"),
    ("write parts", "DELETE", "/o/", 0, "new"),
    ("write staged", *CHUNK, 4, "there"),
    ("write staged", "POST", "/rewriteTo/", 0, "there"),
    ("write staged", "DELETE", "/o/", 0, "there"),
    ("compose", "POST", "/compose", 0, "new"),
    ("copy", "POST", "/rewriteTo/", 0, "new"),
    ("patch", "PATCH", "/o/", 0, "there"),
    ("reclassify", "POST", "/rewriteTo/", 0, "there"),
    ("delete", "DELETE", "/o/", 0, "other"),
    ("grant", "PUT", "/iam", 0, "rights"),
]
SERVERS = ["fake_gcs_server", "testbench", "door"]


def fits(server, operation, pattern):
    """fake-gcs-server heeds conditions of uploads only, and its sessions cannot be resumed."""
    return server.kind != "fake-gcs-server" or operation.startswith("write") and pattern in (OPEN[1], PART[1])


# The request that makes the result of an operation: done once, or not at all.
DECISIVE = {
    "write": PART, "write a session": CHUNK, "write parts": ("POST", "/compose"), "write staged": ("POST", "/rewriteTo/"),
    "compose": ("POST", "/compose"), "copy": ("POST", "/rewriteTo/"), "patch": ("PATCH", "/o/"),
    "reclassify": ("POST", "/rewriteTo/"), "delete": ("DELETE", "/o/"), "grant": ("PUT", "/iam"),
}  # fmt: skip
MADE = {operation: made for operation, _, _, _, made in REQUESTS}


def is_done(server, proxy, operation, times):
    """Of a session who asks again how it ended is told again; the testbench copies a MiB by call, and does not compare
    etags of policies. There the object, or the policy, tells."""
    if operation == "write a session" or server.kind == "testbench" and operation in ("write staged", "grant"):
        return True
    return times_done(proxy, operation) == times


def times_done(proxy, operation):
    verb, pattern = DECISIVE[operation]
    return sum(seen == verb and status in (200, 204) and bool(re.search(pattern, target))
               for seen, target, status in proxy.answers)  # fmt: skip


def has_right(server, prefix):
    return server.rights().count(("roles/storage.objectViewer", f"user:{prefix}@example.com"))


@pytest.fixture(params=SERVERS)
def server(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("kind", ["drop_reply", "status_after"])
def test_an_answer_that_is_lost_after_success(server, tmp_path, kind):
    count = 0
    for operation, verb, pattern, skip, made in REQUESTS:
        if not fits(server, operation, pattern):
            continue
        prefix, before, version = prepare(server, operation)
        rule = Rule(kind, method=verb, path=pattern, skip=skip)
        with FaultProxy("127.0.0.1", server.port, rules=[rule]) as proxy:
            run(server, f"http://127.0.0.1:{proxy.port}", operation, prefix, version, tmp_path, "success")
        where = f"{server.kind}: {operation}, {verb} {pattern} number {skip}"
        assert rule.acted == 1, where
        if made == "rights":
            assert has_right(server, prefix) == 1, where
        else:
            check_what_is_there(server, operation, made, prefix, before, True)
        assert is_done(server, proxy, operation, 1), where
        count += 1
    assert count >= 4


class Outsider:
    """Overwrites what the operation is about to make or change, without any condition."""

    def __init__(self, server, prefix, made):
        self.server, self.name, self.resource = server, f"{prefix}/{made}", None

    def __call__(self, _method, _target):
        self.resource = self.server.put(self.name, THEIRS)

    def is_unharmed(self):
        now, body = self.server.get(self.name)
        assert body == THEIRS
        return (now["generation"], now["metageneration"]) == (self.resource["generation"],
                                                              self.resource["metageneration"])  # fmt: skip


def race(server, tmp_path, operation, lost_first):
    verb, pattern = DECISIVE[operation]
    prefix, _, version = prepare(server, operation)
    outsider = Outsider(server, prefix, MADE[operation])
    skip = 4 if operation == "write a session" else 0
    lost = Rule("drop_reply", method=verb, path=pattern, times=1 if lost_first else 0)
    comes = Rule("pass", method=verb, path=pattern, skip=skip, before=outsider)
    with FaultProxy("127.0.0.1", server.port, rules=[lost, comes]) as proxy:
        run(server, f"http://127.0.0.1:{proxy.port}", operation, prefix, version, tmp_path, "conflict")
    where = f"{server.kind}: {operation}"
    assert comes.acted == 1 and lost.acted == lost_first, where
    assert outsider.is_unharmed(), where
    assert is_done(server, proxy, operation, lost_first), where
    others = {"there", "other", MADE[operation]}
    assert {name for name in server.names(prefix + "/")} == others, where


@pytest.mark.parametrize("lost_first", [False, True])
def test_a_race_with_somebody_else_is_lost_and_told(server, tmp_path, lost_first):
    """`lost_first`: ours is done, its answer is lost, and somebody else comes before we ask again."""
    count = 0
    for operation, made in MADE.items():
        _, pattern = DECISIVE[operation]
        if made == "rights" or not fits(server, operation, pattern) or operation == "write a session" and lost_first:
            continue
        race(server, tmp_path, operation, lost_first)
        count += 1
    assert count >= 1


def test_who_changes_rights_at_the_same_time_is_not_overwritten(door, tmp_path):
    def grant_other(_method, _target):
        policy = json.loads(door.call("GET", f"/storage/v1/b/{door.bucket}/iam"))
        policy["bindings"].append({"role": "roles/storage.objectAdmin", "members": ["user:other@example.com"]})
        door.call("PUT", f"/storage/v1/b/{door.bucket}/iam", json.dumps(policy).encode())

    prefix, _, version = prepare(door, "grant")
    comes = Rule("pass", method="PUT", path="/iam", before=grant_other)
    with FaultProxy("127.0.0.1", door.port, rules=[comes]) as proxy:
        run(door, f"http://127.0.0.1:{proxy.port}", "grant", prefix, version, tmp_path, "success")
    assert comes.acted == 1 and has_right(door, prefix) == 1
    assert ("roles/storage.objectAdmin", "user:other@example.com") in door.rights()


def vanishes(server, tmp_path, operation, rules, ends):
    prefix, before, version = prepare(server, operation)
    with FaultProxy("127.0.0.1", server.port, rules=rules(prefix)) as proxy:
        run(server, f"http://127.0.0.1:{proxy.port}", operation, prefix, version, tmp_path, ends)
        assert all(rule.acted == 1 for rule in proxy.rules)
    check_what_is_there(server, operation, MADE[operation], prefix, before, ends == "success")


@pytest.mark.parametrize("status", [404, 410])
def test_a_session_that_vanishes(server, tmp_path, status):
    for operation in ("write a session", "write staged"):
        vanishes(server, tmp_path, operation,
                 lambda _: [Rule("status", *CHUNK, status=status, skip=2)], "unavailable")  # fmt: skip


def test_a_session_that_vanishes_when_it_had_ended(server, tmp_path):
    """The answer to its last chunk is lost, and nobody knows of it any more: the object itself tells."""
    def rules(_):
        lost = Rule("drop_reply", *CHUNK, skip=4)
        return [lost, Rule("status", *CHUNK, status=410, when=lambda _: lost.acted > 0)]

    vanishes(server, tmp_path, "write a session", rules, "success")


@pytest.mark.parametrize("operation", ["write parts", "write staged"])
def test_a_piece_that_vanishes(door, tmp_path, operation):
    """Somebody cleans up below .beringia/ while an upload is under way."""
    def rules(prefix):
        def clean(_method, _target):
            for name in door.names(prefix + "/"):
                if name.startswith(".beringia/"):
                    door.call("DELETE", f"/storage/v1/b/{door.bucket}/o/" + urllib.parse.quote(f"{prefix}/{name}", safe=""))

        return [Rule("pass", *DECISIVE[operation], before=clean)]

    vanishes(door, tmp_path, operation, rules, "unavailable")
