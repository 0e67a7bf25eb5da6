"""What others changed in a bucket while nobody told of it is found by a scan, and told: what, and how long unnoticed.

The bucket is fake-gcs-server's; looks on access are good for an hour, and there is no subscription.
"""

import contextlib
import json
import time

import pytest

from test_native_changes import BUCKET, Cloud, body_of, keys, make_process, wait_until  # noqa: F401

import gcs_emulator  # isort: skip

ESTATE = """\
[[backend]]
name = "cloud"
url = "gs://{bucket}/lake"
endpoint = "{endpoint}"
credentials = "none"

[[mount]]
path = "/"
locations = ["cloud"]
freshness = "shared"
max_staleness = "1h"
"""


class Silence:
    """No subscription: nothing is told."""

    def publish(self, *_):
        pass


@pytest.fixture
def world(make_process):  # noqa: F811
    emulator = gcs_emulator.start()
    if emulator is None:
        pytest.skip("no emulator can be had")
    with contextlib.ExitStack() as stack:
        stack.callback(emulator.stop)
        emulator.make_bucket(BUCKET)
        yield make_process(), Cloud(emulator, Silence())


def mounted(process, cloud, *flags):
    process.start(*flags)
    (process.directory / "lake.toml").write_text(ESTATE.format(bucket=BUCKET, endpoint=cloud.endpoint))
    process.run("apply", "lake.toml", "--yes")
    process.s3().create_bucket(Bucket="data")


def value_of(process, series):
    _, metrics = process.get("/metrics")
    return sum(float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line.startswith(series))


def test_a_scan_tells_what_others_changed(world):
    process, cloud = world
    mounted(process, cloud)
    replaced = process.s3().put_object(Bucket="data", Key="replaced", Body=b"1")
    process.s3().put_object(Bucket="data", Key="removed", Body=b"1")
    assert replaced and keys(process) == ["removed", "replaced"]
    assert process.json("mount", "scan", "/data/")["added"] == 0
    written = time.time()
    cloud.write("data/replaced", b"2")
    cloud.write("data/d/e/added", b"2")
    cloud.remove("data/removed", 0)
    assert keys(process) == ["removed", "replaced"], "a look is good for an hour"
    told = process.run("mount", "scan", "/").stdout
    lines = told.splitlines()
    assert sorted(line.split()[:2] for line in lines[:-1]) == [
        ["added", "/data/d/e/added,"], ["changed", "/data/replaced,"], ["gone", "/data/removed"]]  # fmt: skip
    assert "1 added, 1 changed, 1 gone" in lines[-1]
    longest = float(lines[-1].rpartition("unnoticed ")[2].split()[0])
    assert longest <= time.time() - written + 2
    assert keys(process) == ["d/e/added", "replaced"] and body_of(process, "replaced") == b"2"
    for kind in ("added", "changed", "gone"):
        assert value_of(process, f'beringia_core_scan_found_total{{kind="{kind}"}}') == 1
    for kind in ("added", "changed"):
        assert 0 < value_of(process, f'beringia_core_scan_unnoticed_seconds_sum{{kind="{kind}"}}') < 60
    again = process.json("mount", "scan", "/")
    assert (again["added"], again["changed"], again["gone"]) == (0, 0, 0)
    assert process.terminate() == 0


def test_the_server_scans_by_itself_and_remembers_over_a_restart(world):
    process, cloud = world
    mounted(process, cloud, "--scan-interval", "1s")
    assert keys(process) == []
    cloud.write("data/one", b"1")
    wait_until(lambda: keys(process) == ["one"])
    wait_until(lambda: any(one["ended"] for one in process.json("mount", "scans")["scans"]))
    process.kill()
    cloud.write("data/two", b"2")
    process.start("--scan-interval", "1s")
    wait_until(lambda: keys(process) == ["one", "two"])
    scans = json.loads(process.run("mount", "scans", "--json").stdout)["scans"]
    assert [one["mount"] for one in scans] == ["/"] and scans[0]["started"]
    wait_until(lambda: value_of(process, "beringia_policy_scan_ended_timestamp_seconds") > time.time() - 60)
    assert process.terminate() == 0


def test_there_is_no_scan_unless_it_is_asked_for(world):
    process, cloud = world
    mounted(process, cloud)
    assert process.json("mount", "scans")["scans"] == []
    assert process.terminate() == 0
