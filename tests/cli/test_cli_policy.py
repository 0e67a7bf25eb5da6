"""policy plan, apply, status, cancel, runs: from one directory to another and back."""

import json
import pathlib
import time

import pytest
from processes import make_process  # noqa: F401

ESTATE = """\
[[backend]]
name = "near"
url = "file://{near}"

[[backend]]
name = "far"
url = "file://{far}"
prices = {{ storage_gb_month = 0.01, write_per_1000 = 0.05, read_per_1000 = 0.004, egress_gb = 0.12 }}

[[mount]]
path = "/"
locations = ["near", "far"]
freshness = "exclusive"

[[policy]]
name = "big-away"
when = 'path.startsWith("/sales/") && size >= 1000'
place = [{{ backend = "{target}" }}]
"""


@pytest.fixture
def lake(make_process):
    process = make_process()
    for name in ("near", "far"):
        (process.directory / name).mkdir()
    process.near, process.far = process.directory / "near", process.directory / "far"
    process.start("--mount", f"/=file://{process.near}", "--move-grace", "0")
    s3 = process.s3()
    s3.create_bucket(Bucket="sales")
    process.bodies = {f"k{n:02d}": bytes([n]) * (100 if n % 4 == 0 else 5000 + n) for n in range(20)}
    for key, body in process.bodies.items():
        s3.put_object(Bucket="sales", Key=key, Body=body)
    declare(process, "far")
    return process


def declare(process, target):
    file = process.directory / "lake.toml"
    file.write_text(ESTATE.format(near=process.near, far=process.far, target=target))
    process.run("apply", str(file))


def files(directory: pathlib.Path):
    return sorted(p.name for p in (directory / "sales").glob("k*"))


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()


def check_reads(process):
    s3 = process.s3()
    for key, body in process.bodies.items():
        assert s3.get_object(Bucket="sales", Key=key)["Body"].read() == body


def test_plan_shows_then_apply_moves_and_back(lake):
    big = sorted(key for key, body in lake.bodies.items() if len(body) >= 1000)
    plan_file = lake.directory / "plan.json"
    shown = lake.run("policy", "plan", "--out", str(plan_file)).stdout
    assert f"moves    {len(big)} objects" in shown and "policy apply" in shown and "/sales/k01" in shown
    plan = json.loads(plan_file.read_text())
    assert plan["totals"]["objects"] == len(big)
    assert plan["totals"]["bytes"] == sum(len(lake.bodies[key]) for key in big)
    assert files(lake.far) == [], "planning moves nothing"

    done = lake.run("policy", "apply", str(plan_file))
    assert f"{len(big)} of {len(big)} moved" in done.stdout
    assert done.stderr.strip() != "", "progress on standard error"
    until(lambda: files(lake.near) == sorted(set(lake.bodies) - set(big)))
    assert files(lake.far) == big
    check_reads(lake)
    run = lake.json("policy", "status")
    assert run["state"] == "done" and run["objects_done"] == len(big)
    assert lake.json("policy", "runs")["runs"][0]["id"] == run["id"]
    assert run["id"] in lake.run("policy", "runs").stdout
    explained = lake.run("explain", "/sales/k01").stdout
    assert "far: sales/k01" in explained and run["id"] in explained and "big-away" in explained

    again = lake.json("policy", "plan")
    assert again["totals"]["objects"] == 0 and again["in_place"] == len(big)
    repeated = lake.run("policy", "apply", str(plan_file), check=False)
    assert repeated.returncode == 1

    declare(lake, "near")
    back = lake.json("policy", "plan")
    ended = lake.json("policy", "apply", back["id"])
    assert ended["state"] == "done" and ended["objects_done"] == len(big)
    until(lambda: files(lake.far) == [])
    check_reads(lake)
    assert lake.json("audit", "verify")["whole"]


def test_a_plan_whose_estate_changed_is_refused(lake):
    plan = lake.json("policy", "plan")
    declare(lake, "near")
    done = lake.run("policy", "apply", plan["id"], check=False)
    assert done.returncode == 1 and files(lake.far) == []


def test_changed_entries_are_skipped_or_refused(lake):
    plan = lake.json("policy", "plan")
    lake.bodies["k01"] = b"new" * 2000
    lake.s3().put_object(Bucket="sales", Key="k01", Body=lake.bodies["k01"])
    assert lake.run("policy", "apply", plan["id"], "--refuse-changed", check=False).returncode == 1
    ended = lake.json("policy", "apply", plan["id"])
    assert ended["objects_skipped"] == 1
    problems = lake.json("policy", "status", ended["id"], "--problems")["problems"]
    assert [row["path"] for row in problems] == ["/sales/k01"]
    check_reads(lake)


def test_a_run_goes_on_after_a_restart_and_can_be_cancelled(lake):
    plan = lake.json("policy", "plan")
    started = lake.json("policy", "apply", plan["id"], "--detach", "--bandwidth", "20KiB/s")
    assert started["state"] == "running"
    lake.kill()
    lake.start("--move-grace", "0")
    assert lake.json("policy", "status", started["id"])["state"] == "running"
    cancelled = lake.json("policy", "cancel", started["id"])
    assert cancelled["state"] in ("running", "cancelled")
    until(lambda: lake.json("policy", "status", started["id"])["state"] == "cancelled")
    check_reads(lake)
