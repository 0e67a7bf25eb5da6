"""While the cloud is away, requests that need it fail fast and all others go on: refused and silent networks."""

import contextlib
import pathlib
import socket
import sys
import threading
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parents[1] / "tools" / "gcs_emulator"), str(HERE.parents[1] / "tools" / "demo")]

import gcs_emulator  # noqa: E402
from cable import Cable  # noqa: E402
from doors import Cloud, S3Door, s3_client  # noqa: E402
from scenario import Failed  # noqa: E402

BUCKET = "outage-cloud"
FIRST_S = 4.0     # a question has 2 s; the rest is for a busy machine
LATER_S = 0.5     # refused at once; measured: 1 to 3 ms
PROBE_S = 1.5     # one question in a while is let through, for 1 s
RECOVERY_S = 30
MOUNTS = {"own": (["gcs"], 'freshness = "exclusive"'), "shared": (["gcs"], 'max_staleness = "0s"'),
          "union": (["near", "gcs"], 'max_staleness = "0s"')}  # fmt: skip


class Silence:
    """Takes connections at a port and says nothing."""

    def __init__(self, port):
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen(256)
        self._taken = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                self._taken.append(self._listener.accept()[0])

    def end(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._taken:
            end.close()


@pytest.fixture(scope="module")
def world(make_server):
    emulator = gcs_emulator.start()
    if emulator is None:
        pytest.skip("no emulator of the cloud can be installed here")
    emulator.make_bucket(BUCKET)
    cable = Cable(emulator.port)
    server = make_server("outage")
    native = server.directory / "near"
    native.mkdir()
    text = f'''
[[backend]]
name = "home"
url = "file://{server.objects}"
[[backend]]
name = "near"
url = "file://{native}"
[[backend]]
name = "gcs"
url = "gs://{BUCKET}"
endpoint = "http://127.0.0.1:{cable.port}"
credentials = "none"
[[mount]]
path = "/"
locations = ["home"]
'''
    for name, (locations, freshness) in MOUNTS.items():
        places = ", ".join(f'{{ backend = "{place}", prefix = "{name}/" }}' for place in locations)
        text += f'[[mount]]\npath = "/{name}"\nlocations = [{places}]\n{freshness}\n'
    estate = server.directory / "lake.toml"
    estate.write_text(text)
    server.run("apply", str(estate))
    client = s3_client(server)
    for name in MOUNTS:
        Cloud(emulator.endpoint, BUCKET, name + "/").write("far", b"in the cloud")
    doors = {name: S3Door(client, name) for name in MOUNTS}
    doors["union"].put("near", b"on premises")
    for door in doors.values():
        assert door.get("far") == b"in the cloud"
        assert "far" in door.list("")
    yield cable, doors
    cable.cut()
    emulator.stop()


def timed(call):
    begun = time.monotonic()
    try:
        outcome = call()
    except Failed as failed:
        outcome = failed.outcome
    return outcome, time.monotonic() - begun


def check_outage(doors):
    """The first request pays, the next ones do not; what is near is served all the time."""
    outcome, took = timed(lambda: doors["own"].get("far"))
    assert outcome == "unavailable" and took < FIRST_S, (outcome, took)
    slow = 0
    for _ in range(10):
        for call in (lambda: doors["own"].get("far"), lambda: doors["shared"].get("far"),
                     lambda: doors["union"].get("far")):  # fmt: skip
            outcome, took = timed(call)
            assert outcome == "unavailable", outcome
            assert took < PROBE_S, took
            slow += took > LATER_S
        for call, expected in ((lambda: doors["union"].get("near"), b"on premises"),
                               (lambda: doors["union"].list(""), ["far", "near"])):  # fmt: skip
            outcome, took = timed(call)
            assert outcome == expected
            assert took < PROBE_S, took
            slow += took > LATER_S
    assert slow <= 5, f"{slow} of 50 requests were slow: more than the probes"


@pytest.mark.parametrize("kind", ["refused", "silent"])
@pytest.mark.parametrize("first", ["get", "list"])
def test_outage(world, kind, first):
    cable, doors = world
    cable.cut()
    silence = Silence(cable.port) if kind == "silent" else None
    try:
        if first == "list":
            outcome, took = timed(lambda: doors["union"].list(""))
            assert outcome == ["far", "near"] and took < FIRST_S, (outcome, took)
        check_outage(doors)
    finally:
        if silence:
            silence.end()
        cable.mend()
        deadline = time.monotonic() + RECOVERY_S
        while timed(lambda: doors["own"].get("far"))[0] != b"in the cloud":
            assert time.monotonic() < deadline, "it does not come back"
            time.sleep(0.05)
    for door in doors.values():
        assert door.get("far") == b"in the cloud"
