"""What a job costs is what the service counts, and a budget of calls slows jobs, not users.

The bucket is fake-gcs-server's, seen through tests/faults/fault_proxy.py, which logs each request that comes by.
"""

import json
import pathlib
import subprocess
import sys
import time
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "faults"), str(ROOT / "tools" / "gcs_emulator")]

import gcs_emulator  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402
from traffic.s3 import S3  # noqa: E402
from traffic.victim import Victim, find_binary  # noqa: E402

BUCKET = "what-it-costs"
PATIENCE_S = 60
ESTATE = """\
[[backend]]
name = "premises"
url = "file://{objects}"

[[backend]]
name = "cloud"
url = "gs://{bucket}/lake"
endpoint = "http://127.0.0.1:{port}"
credentials = "none"
{budget}

[[mount]]
path = "/"
locations = ["premises", "cloud"]
freshness = "exclusive"

[[mount]]
path = "/others/"
locations = [{{ backend = "cloud", prefix = "others/" }}]
freshness = "shared"

[[policy]]
name = "up"
when = 'path.startsWith("/cold/")'
place = [{{ backend = "cloud" }}]
"""


def class_of(method, target):
    """As Google's price list has it (Cloud Storage pricing, "Operations")."""
    path, _, query = target.partition("?")
    if method == "DELETE":
        return "free"
    if method == "GET":
        return "A" if path.endswith("/o") else "B"
    return "free" if "upload_id=" in query else "A"


class Lake:
    def __init__(self, directory, port):
        self.victim = Victim(directory, extra=["--move-grace", "0s", "--move-workers", "8"])
        self.port = port
        self.victim.start()
        self.s3 = S3(self.victim.s3_port, self.victim.access_key, self.victim.secret_key, timeout_s=30)

    def run(self, *arguments):
        done = subprocess.run([str(find_binary()), *arguments], env=self.victim.environment, text=True,
                              capture_output=True, timeout=60, cwd=self.victim.directory)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def declare(self, budget=""):
        file = self.victim.directory / "lake.toml"
        file.write_text(ESTATE.format(objects=self.victim.objects, bucket=BUCKET, port=self.port, budget=budget))
        self.run("apply", str(file))

    def put(self, count, first=0):
        for number in range(first, first + count):
            answer = self.s3.put("cold", f"{number:04}", b"x" * (100 + number))
            assert answer.status == 200, answer.body[:300]

    def start_move(self):
        plan = json.loads(self.run("policy", "plan", "--json"))
        return json.loads(self.run("policy", "apply", plan["id"], "--detach", "--json"))["id"]

    def status(self, run):
        return json.loads(self.run("policy", "status", run, "--json"))

    def wait_for(self, run, condition=lambda status: status["state"] != "running"):
        end = time.monotonic() + PATIENCE_S
        while not condition(status := self.status(run)):
            assert time.monotonic() < end, status
            time.sleep(0.1)
        return status

    def calls(self):
        return json.loads(self.run("backend", "calls", "--json"))["backends"][0]

    def metric(self, work, call_class):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.victim.admin_port}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        series = f'beringia_backend_gcs_calls_total{{backend="cloud",class="{call_class}",work="{work}"}} '
        return sum(int(line.removeprefix(series)) for line in lines if line.startswith(series))


@pytest.fixture(scope="module")
def emulator():
    started = gcs_emulator.start()
    if started is None or started.kind != "fake-gcs-server":
        pytest.skip("fake-gcs-server cannot be installed here")
    started.make_bucket(BUCKET)
    yield started
    started.stop()


@pytest.fixture
def proxy(emulator):
    with FaultProxy("127.0.0.1", emulator.port) as made:
        yield made


@pytest.fixture
def lake(proxy, tmp_path):
    made = Lake(tmp_path, proxy.port)
    made.declare()
    assert made.s3.make_bucket("cold").status == 200
    yield made
    made.victim.stop()


def counted(log):
    sums = {"A": 0, "B": 0, "free": 0}
    for method, target, _ in log:
        sums[class_of(method, target)] += 1
    return sums


def shown(count):
    return {"A": count["class_a_calls"], "B": count["class_b_calls"], "free": count["free_calls"]}


def sum_of(counts):
    return {key: sum(shown(one)[key] for one in counts) for key in ("A", "B", "free")}


def test_calls_are_those_that_the_service_gets(lake, proxy):
    lake.put(30)
    status = lake.wait_for(lake.start_move())
    assert status["state"] == "done", status
    assert lake.s3.get("cold", "0007").body == b"x" * 107
    assert lake.s3.get("others", "none").status == 404
    end = time.monotonic() + PATIENCE_S
    while True:  # background care may send one just now
        before, calls, after = counted(proxy.log), lake.calls(), counted(proxy.log)
        if before == after and shown(calls) == after:
            break
        assert time.monotonic() < end, (before, calls, after)
        time.sleep(0.1)
    run = next(one for one in calls["by_work"] if one["work"] == "run")
    users = next(one for one in calls["by_work"] if one["work"] == "users")
    assert shown(run) == shown(status) and status["class_a_calls"] >= 30
    assert users["class_b_calls"] >= 1, "the read of what has moved"
    assert sum_of(calls["by_work"]) == sum_of(calls["by_mount"]) == shown(calls)
    root = next(one for one in calls["by_mount"] if one["mount"] == "/")
    assert root["class_a_calls"] >= 30
    assert any(one["mount"] == "/others/" and one["class_a_calls"] + one["class_b_calls"] > 0
               for one in calls["by_mount"])
    for name, key in (("A", "class_a_calls"), ("B", "class_b_calls"), ("free", "free_calls")):
        assert lake.metric("run", name) == run[key]
    # Google's list prices: 0.005 and 0.0004 USD per 1,000.
    price = status["class_a_calls"] * 0.005 / 1000 + status["class_b_calls"] * 0.0004 / 1000
    assert status["calls_usd"] == pytest.approx(price)
    text = lake.run("backend", "calls")
    assert "mount /others/" in text and "budget not limited a second" in text
    assert f"{status['class_a_calls']} writes and lists" in lake.run("policy", "status", status["id"])


def test_a_budget_by_the_second_slows_a_run_and_not_readers(lake, proxy):
    lake.put(40)
    assert lake.wait_for(lake.start_move())["state"] == "done"
    lake.declare("call_budget = { per_second = 20 }")
    lake.put(60, first=40)
    begun = time.monotonic()
    run = lake.start_move()
    slowest, reads = 0.0, 0
    while lake.status(run)["state"] == "running":
        asked = time.monotonic()
        assert lake.s3.get("cold", f"{reads % 40:04}").body == b"x" * (100 + reads % 40)
        slowest, reads = max(slowest, time.monotonic() - asked), reads + 1
        assert time.monotonic() < begun + PATIENCE_S
        time.sleep(0.2)
    took = time.monotonic() - begun
    status = lake.status(run)
    billed = status["class_a_calls"] + status["class_b_calls"]
    assert status["state"] == "done" and billed >= 60
    assert took >= (billed - 20) / 20, "calls under way when the budget is used up are not held"
    assert reads >= 5 and slowest < 1.0, "users' reads are not held back"


def test_a_budget_of_a_day_pauses_a_run_until_it_is_raised(lake, proxy):
    lake.put(20)
    assert lake.wait_for(lake.start_move())["state"] == "done"
    used = lake.calls()["billed_today"]
    assert used >= 20
    lake.declare(f"call_budget = {{ per_day = {used} }}")
    lake.put(20, first=20)
    run = lake.start_move()
    status = lake.wait_for(run, lambda status: status["paused"])
    assert "call_budget" in status["paused_why"] or "billed calls were sent today" in status["paused_why"]
    before = lake.status(run)
    assert lake.s3.get("cold", "0003").body == b"x" * 103, "a read of a user, above the budget"
    assert lake.status(run)["class_a_calls"] == before["class_a_calls"] == 0
    lake.declare(f"call_budget = {{ per_day = {used + 100_000} }}")
    status = lake.wait_for(run)
    assert status["state"] == "done" and status["objects_done"] == 20 and not status["objects_failed"]
