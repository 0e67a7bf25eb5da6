"""Runs the scenarios of this folder (*.txt; scenario.py says how they are written) on mounts of every kind."""

import pathlib
import secrets
import sys
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parents[1] / "tools" / "gcs_emulator"), str(HERE.parents[1] / "tools" / "demo")]

import gcs_emulator  # noqa: E402
from cable import Cable  # noqa: E402
from doors import Cloud, Disk, GcsDoor, S3Door, gcs_client, s3_client  # noqa: E402
from scenario import Failed, Runner, parse  # noqa: E402

CLOUD_BUCKET = "scenario-cloud"
LAZY_S = 2
RECOVERY_S = 40
# name: locations, freshness. The names are buckets; each location has a prefix of that name.
MOUNTS = {
    "file-shared": (["onprem"], 'max_staleness = "0s"'),
    "file-lazy": (["onprem"], f'max_staleness = "{LAZY_S}s"'),
    "file-own": (["onprem"], 'freshness = "exclusive"'),
    "cloud-shared": (["gcs"], 'max_staleness = "0s"'),
    "cloud-lazy": (["gcs"], f'max_staleness = "{LAZY_S}s"'),
    "cloud-own": (["gcs"], 'freshness = "exclusive"'),
    "union-shared": (["onprem", "gcs"], 'max_staleness = "0s"'),
    "union-lazy": (["onprem", "gcs"], f'max_staleness = "{LAZY_S}s"'),
}


class World:
    """One server over all mounts, the directory and the emulator below it, and the cable between."""

    def __init__(self, server, emulator):
        self.server, self.emulator = server, emulator
        emulator.make_bucket(CLOUD_BUCKET)
        self.cable = Cable(emulator.port)
        self.native = server.directory / "native"
        self.native.mkdir()
        self.away = server.directory / "native.away"
        self._apply(self._estate())
        key = server.directory / "key.json"
        key.write_text(server.run("keys", "create", "--principal", "root", "--kind", "service-account").stdout)
        key.chmod(0o600)
        self._key = key
        self.is_cut = False
        self.connect()

    def _apply(self, text):
        estate = self.server.directory / "lake.toml"
        estate.write_text(text)
        self.server.run("apply", str(estate))

    def connect(self):
        self._s3 = s3_client(self.server)
        self._gcs = gcs_client(self.server, self._key)

    def _estate(self):
        text = f'''
[[backend]]
name = "home"
url = "file://{self.server.objects}"
[[backend]]
name = "onprem"
url = "file://{self.native}"
[[backend]]
name = "gcs"
url = "gs://{CLOUD_BUCKET}"
endpoint = "http://127.0.0.1:{self.cable.port}"
credentials = "none"
[[mount]]
path = "/"
locations = ["home"]
'''
        for name, (locations, freshness) in MOUNTS.items():
            places = ", ".join(f'{{ backend = "{location}", prefix = "{name}/" }}' for location in locations)
            text += f'[[mount]]\npath = "/{name}"\nlocations = [{places}]\n{freshness}\n'
        return text

    def actor(self, name, mount):
        if name == "s3":
            return S3Door(self._s3, mount)
        if name == "gcs":
            return GcsDoor(self._gcs, mount)
        if name == "disk":
            return Disk(self.native / mount)
        assert name == "cloud", f"nobody is called {name}"
        return Cloud(self.emulator.endpoint, CLOUD_BUCKET, mount + "/")

    def cable_cut(self):
        self.cable.cut()
        self.is_cut = True

    def cable_mend(self):
        self.cable.mend()
        self.is_cut = False

    def native_away(self):
        self.native.rename(self.away)

    def native_back(self):
        self.away.rename(self.native)

    def make_whole(self):
        """After a scenario that broke something: a backend that failed is left alone for a while."""
        if self.is_cut:
            self.cable_mend()
        if self.away.exists():
            self.native_back()
        deadline = time.monotonic() + RECOVERY_S
        for mount in ("cloud-shared", "file-shared"):
            while True:
                try:
                    self.actor("s3", mount).get(f"nothing-{secrets.token_hex(4)}")
                except Failed as failed:
                    if failed.outcome == "absent":
                        break
                    assert time.monotonic() < deadline, failed
                time.sleep(0.05)

    def server_restart(self):
        assert self.server.stop() == 0
        self.server.start()
        self.connect()

    def server_move(self, directory, backend):
        """All below a directory of the namespace goes to one backend."""
        when = f'path.startsWith("{directory}") && size >= 0'
        self._apply(self._estate() + f"[[policy]]\nname = \"move\"\nwhen = '{when}'\n"
                                     f"place = [{{ backend = \"{backend}\" }}]\n")
        plan = self.server.run_json("policy", "plan")
        self.server.run("policy", "apply", plan["id"])
        self._apply("policy = []\n" + self._estate())

    def server_kill(self):
        self.server.kill()
        self.server.start()
        self.connect()


@pytest.fixture(scope="module")
def world(make_server):
    emulator = gcs_emulator.start()
    if emulator is None:
        pytest.skip("no emulator of the cloud can be installed here")
    made = World(make_server("scenario", "--move-grace", "0"), emulator)
    yield made
    made.cable.cut()
    emulator.stop()


SCENARIOS = [parse(path) for path in sorted(HERE.glob("*.txt"))]
RUNS = [(scenario, mount) for scenario in SCENARIOS for mount in scenario.mounts]


@pytest.mark.parametrize(("scenario", "mount"), RUNS, ids=[f"{s.name}-{m}" for s, m in RUNS])
def test_scenario(world, scenario, mount):
    world.make_whole()
    Runner(world, mount, f"t-{secrets.token_hex(4)}/").run(scenario)
