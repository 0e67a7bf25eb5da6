"""A campaign over a union of a directory and a cloud, with policies that move objects all the time.

The cloud is a second Beringia that serves the GCS API over a directory of its own: nobody kills it, and
what lies in it can be looked at as files.
"""

import os
import pathlib
import threading
import time

from .admin import Admin
from .campaign import BUCKET, Campaign, Violation
from .gcs import Gcs, fetch_token
from .s3 import escape_value
from .victim import Victim

ARCHIVE = "archive"
NAMES = [f"{place}/k{n}" for n in range(30) for place in ("hot", "cold")]
PATIENCE_S = 60.0
# What is renamed from hot/ to cold/ is to move, and back again.
ESTATE = """\
[[backend]]
name = "onprem"
url = "file://{objects}"

[[backend]]
name = "cloud"
url = "gs://{bucket}"
endpoint = "http://127.0.0.1:{port}"
credentials = "{key_file}"

[[mount]]
path = "/"
locations = ["onprem", "cloud"]

[[policy]]
name = "to-a-cheaper-class"
when = 'path.contains("/cold/") && age > duration("500ms")'
place = [{{ backend = "cloud", class = "NEARLINE" }}]

[[policy]]
name = "to-the-cloud"
when = 'path.contains("/cold/")'
place = [{{ backend = "cloud", class = "STANDARD" }}]

[[policy]]
name = "to-the-premises"
when = 'path.contains("/hot/")'
place = [{{ backend = "onprem" }}]
"""


class Mover:
    """Plans and applies in a circle until the server is gone or stop()."""

    def __init__(self, victim):
        self.victim = victim
        self.unexpected = []
        self.runs = 0
        self._thread = None

    def start(self):
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self):
        if self._thread:
            self._stop.set()
            self._thread.join()
            self._thread = None

    def _run(self):
        admin = Admin(self.victim)
        try:
            while not self._stop.is_set():
                self._move_once(admin)
                self._stop.wait(0.03)
        except OSError:
            pass
        finally:
            admin.close()

    def _move_once(self, admin):
        status, plan = admin.call("POST", "/v1/policy/plans", body={})
        if status not in (200, 201):
            self.unexpected.append(f"policy plan: {status} {plan}")
            return
        if plan["totals"]["objects"] == 0:
            return
        status, run = admin.call("POST", f"/v1/policy/plans/{plan['id']}/apply", body={})
        if status in (200, 201, 202):
            self.runs += 1
        elif status not in (409, 503):  # drifted; enough runs are under way
            self.unexpected.append(f"policy apply: {status} {run}")


class MovingCampaign(Campaign):
    def __init__(self, directory, dice):
        directory = pathlib.Path(directory)
        self.cloud = Victim(directory / "cloud", extra=("--log-level", "warn"))
        self.cloud.start()
        self.key_file = directory / "cloud-key.json"
        self.key_file.write_text(self.cloud.run("keys", "create", "--principal", "root", "--kind",
                                                "service-account").stdout)
        gcs = Gcs(self.cloud.gcs_port, fetch_token(self.cloud.gcs_port, self.key_file.read_text()))
        assert gcs.make_bucket(ARCHIVE).status == 200
        gcs.close()
        victim = Victim(directory / "server", extra=("--move-grace", "100ms"))
        self.mover = Mover(victim)
        super().__init__(directory, dice, victim, workers=3, large=False, names=NAMES)

    def prepare(self):
        for worker in self.workers:
            worker.pause_s = 0.015  # an object must stay as it is for long enough to be moved
        estate = self.victim.directory / "lake.toml"
        estate.write_text(ESTATE.format(objects=self.victim.objects, bucket=ARCHIVE,
                                        port=self.cloud.gcs_port, key_file=self.key_file))
        self.victim.run("apply", str(estate), "--yes")

    def _start_load(self):
        super()._start_load()
        self.mover.start()

    def _end_load(self):
        super()._end_load()
        self.mover.stop()

    def _unexpected(self):
        wrong, self.mover.unexpected = self.mover.unexpected, []
        return wrong + super()._unexpected()

    def check_natively(self):
        """Native bytes are in exactly the copies that explain tells, once all runs have ended."""
        admin = Admin(self.victim)
        deadline = time.monotonic() + PATIENCE_S
        while wrong := self._native_faults(admin):
            if time.monotonic() > deadline:
                raise Violation("native copies:\n" + "\n".join(wrong[:20]) + "\n"
                                + self.victim.log_tail(10))
            time.sleep(0.2)
        admin.close()

    def _native_faults(self, admin):
        _, told = admin.call("GET", "/v1/policy/runs")
        running = [run["id"] for run in told["runs"] if run["state"] == "running"]
        if running:
            return [f"run {run} does not end" for run in running]
        roots = {"onprem": self.victim.objects, "cloud": self.cloud.objects / ARCHIVE}
        wrong, told = [], {name: set() for name in roots}
        for worker in self.workers:
            for key, version in worker.ledger.known.items():
                status, where = admin.call("GET", "/v1/explain",
                                           f"path={escape_value(f'/{BUCKET}/{key}')}")
                if status != 200 or not where["copies"]:
                    wrong.append(f"explain {key}: {status} {where}")
                    continue
                for copy in where["copies"]:
                    path = roots[copy["backend"]] / copy["native_name"]
                    told[copy["backend"]].add(path)
                    if not path.is_file():
                        wrong.append(f"{key}: explain tells of {path}, which is not there")
                    elif path.stat().st_size != version.size:
                        wrong.append(f"{key}: {path} has {path.stat().st_size} bytes")
        for name, root in roots.items():
            wrong += [f"left over in {name}: {path}"
                      for path in _files(root / BUCKET) - told[name]]
        return wrong

    def close(self):
        self.mover.stop()
        super().close()
        if self.cloud.alive():
            self.cloud.kill()


def _files(root):
    return {pathlib.Path(folder) / name for folder, _, names in os.walk(root) for name in names}
