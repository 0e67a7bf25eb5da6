"""A Hive-partitioned dataset moves from premises to a stand-in for Google Cloud Storage and back.

Clients read the same paths before, during and after: DuckDB and pyarrow get equal results, and readers
through both protocols never see a wrong byte, also when the server is killed in the middle of the run.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
import random
import sys
import threading
import time

import duckdb
import duckdb_extension_httpfs
import google.cloud.storage
import pyarrow as pa
import pyarrow.dataset
import pyarrow.fs
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / "cli"), str(ROOT / "tools" / "gcs_emulator")]

import gcs_emulator  # noqa: E402
from processes import make_process  # noqa: E402, F401

BUCKET = "beringia-moves"
DAYS, REGIONS, ROWS = 12, 4, 400
END_TIMEOUT_S = 90

ESTATE = """\
[[backend]]
name = "premises"
url = "file://{objects}"

[[backend]]
name = "cloud"
url = "gs://{bucket}/{prefix}"
endpoint = "{endpoint}"
credentials = "none"
prices = {{ storage_gb_month = 0.02, write_per_1000 = 0.005, read_per_1000 = 0.0004, egress_gb = 0.12 }}

[[mount]]
path = "/"
locations = ["premises", "cloud"]
freshness = "exclusive"
"""

POLICY = """
[[policy]]
name = "{name}"
when = '{when}'
place = [{{ backend = "{backend}" }}]
"""


@pytest.fixture(scope="module")
def emulator():
    started = gcs_emulator.start()
    if started is None:
        pytest.skip("no emulator can be installed here")
    started.make_bucket(BUCKET)
    yield started
    started.stop()


class Lake:
    """One server with a dataset of known bytes, and what policies did to it."""

    def __init__(self, process, emulator, prefix):
        self.process, self.emulator, self.prefix = process, emulator, prefix
        self.objects = process.directory / "objects"
        self.objects.mkdir()
        self.start()
        self.declare()
        self.s3 = process.s3()
        self.s3.create_bucket(Bucket="sales")
        self.hashes: dict[str, str] = {}
        self.write_dataset()

    def start(self):
        self.process.start("--mount", f"/=file://{self.objects}", "--move-grace", "1s")

    def declare(self, *policies: str):
        file = self.process.directory / "lake.toml"
        file.write_text("".join((ESTATE.format(objects=self.objects, bucket=BUCKET, prefix=self.prefix,
                                               endpoint=self.emulator.endpoint), *policies)))  # fmt: skip
        self.process.run("apply", str(file))

    def filesystem(self):
        return pa.fs.S3FileSystem(access_key=self.process.access_key, secret_key=self.process.secret_key, scheme="http",
                                  endpoint_override=f"127.0.0.1:{self.process.s3_port}", region="us-east-1")  # fmt: skip

    def write_dataset(self):
        chance = random.Random(7)
        rows = [(day, region, number, chance.random())
                for day in range(DAYS) for region in range(REGIONS) for number in range(ROWS)]  # fmt: skip
        table = pa.table({"day": [f"2026-01-{r[0] + 1:02d}" for r in rows], "region": [f"r{r[1]}" for r in rows],
                          "number": [r[2] for r in rows], "amount": [r[3] for r in rows]})  # fmt: skip
        pa.dataset.write_dataset(table, "sales/orders", format="parquet", filesystem=self.filesystem(),
                                 partitioning=pa.dataset.partitioning(pa.schema([("day", pa.string()), ("region", pa.string())]), flavor="hive"))  # fmt: skip
        self.s3.put_object(Bucket="sales", Key="big.bin", Body=chance.randbytes(9 << 20))
        for key in self.keys():
            body = self.s3.get_object(Bucket="sales", Key=key)["Body"].read()
            self.hashes[key] = hashlib.sha256(body).hexdigest()
        assert len(self.hashes) >= DAYS * REGIONS + 1

    def keys(self):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket="sales")
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def premises(self):
        """Keys of the native files; docs/formats/native-names.md: an empty last component is %br-x."""
        files = (p for p in (self.objects / "sales").rglob("*") if p.is_file())
        return sorted(str(p.relative_to(self.objects / "sales")).replace("%br-x", "") for p in files)

    def apply(self, *flags: str) -> str:
        """Plans and starts; @return the run's id."""
        plan = self.process.json("policy", "plan")
        started = self.process.json("policy", "apply", plan["id"], "--detach", *flags)
        return started["id"]

    def status(self, run: str):
        return self.process.json("policy", "status", run)

    def wait(self, run: str):
        deadline = time.monotonic() + END_TIMEOUT_S
        while time.monotonic() < deadline:
            status = self.status(run)
            if status["state"] != "running":
                return status
            time.sleep(0.1)
        raise AssertionError(f"the run did not end: {status}")

    def totals_by_duckdb(self):
        (httpfs,) = pathlib.Path(duckdb_extension_httpfs.__file__).parent.rglob("httpfs.duckdb_extension")
        with duckdb.connect(config={"allow_unsigned_extensions": "true"}) as db:
            db.execute(f"LOAD '{httpfs}'")
            db.execute(f"""CREATE SECRET (TYPE s3, KEY_ID '{self.process.access_key}', SECRET '{self.process.secret_key}',
                           ENDPOINT '127.0.0.1:{self.process.s3_port}', USE_SSL false, URL_STYLE 'path', REGION 'us-east-1')""")
            return db.execute("""SELECT day, region, count(*), sum(number), round(sum(amount), 6)
                                 FROM read_parquet('s3://sales/orders/**/*.parquet', hive_partitioning = true)
                                 GROUP BY ALL ORDER BY ALL""").fetchall()

    def totals_by_pyarrow(self):
        table = pa.dataset.dataset("sales/orders", filesystem=self.filesystem(), partitioning="hive").to_table()
        return table.num_rows, sum(table["number"].to_pylist()), round(sum(table["amount"].to_pylist()), 6)

    def check_every_byte(self):
        assert sorted(self.keys()) == sorted(self.hashes)
        for key, expected in self.hashes.items():
            body = self.s3.get_object(Bucket="sales", Key=key)["Body"].read()
            assert hashlib.sha256(body).hexdigest() == expected, key


class Readers:
    """Threads that read random objects through both protocols and remember everything that was wrong."""

    def __init__(self, lake: Lake, gcs_bucket):
        self.lake, self.gcs_bucket = lake, gcs_bucket
        self.wrong: list[str] = []
        self.reads = {"s3": 0, "gcs": 0}
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.loop, args=(door, number))
                        for number, door in enumerate(("s3", "gcs", "s3", "gcs"))]  # fmt: skip

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def loop(self, door, number):
        chance = random.Random(number)
        keys = sorted(self.lake.hashes)
        s3 = self.lake.process.s3()
        while not self.ended.is_set():
            key = chance.choice(keys)
            try:
                if door == "s3":
                    body = s3.get_object(Bucket="sales", Key=key)["Body"].read()
                else:
                    body = self.gcs_bucket.blob(key).download_as_bytes()
                if hashlib.sha256(body).hexdigest() != self.lake.hashes[key]:
                    self.wrong.append(f"{door} {key}: wrong bytes")
                self.reads[door] += 1
            except Exception as error:  # noqa: BLE001: every failure is one
                self.wrong.append(f"{door} {key}: {error!r}")


@pytest.fixture
def lake(make_process, emulator, request):
    return Lake(make_process(), emulator, request.node.name)


@pytest.fixture
def gcs_bucket(lake):
    path = lake.process.directory / "service-account.json"
    path.write_text(lake.process.run("keys", "create", "--principal", "root", "--kind", "service-account").stdout)
    client = google.cloud.storage.Client.from_service_account_json(
        str(path), project="any", client_options={"api_endpoint": f"http://127.0.0.1:{lake.process.gcs_port}"})  # fmt: skip
    return client.bucket("sales")


def to(backend, when='path.startsWith("/sales/")'):
    return POLICY.format(name=f"to-{backend}", when=when, backend=backend)


@pytest.mark.timeout(300)
def test_queries_give_the_same_before_during_and_after(lake, gcs_bucket):
    before = lake.totals_by_duckdb(), lake.totals_by_pyarrow()
    assert len(before[0]) == DAYS * REGIONS
    etags = {item["Key"]: item["ETag"] for item in lake.s3.list_objects_v2(Bucket="sales")["Contents"]}
    lake.declare(to("cloud"))
    with Readers(lake, gcs_bucket) as readers:
        run = lake.apply("--bandwidth", "1MiB/s")
        during = 0
        while lake.status(run)["state"] == "running":
            assert lake.totals_by_duckdb() == before[0]
            assert lake.totals_by_pyarrow() == before[1]
            during += 1
        status = lake.wait(run)
    assert during >= 1 and readers.wrong == [] and min(readers.reads.values()) > 0, readers.wrong[:5]
    assert status["objects_done"] == len(lake.hashes) and status["objects_failed"] == 0, status
    assert lake.premises() == []
    assert (lake.totals_by_duckdb(), lake.totals_by_pyarrow()) == before
    assert {item["Key"]: item["ETag"] for item in lake.s3.list_objects_v2(Bucket="sales")["Contents"]} == etags
    lake.check_every_byte()

    # And back: the same code, the same promises.
    lake.declare(to("premises"))
    with Readers(lake, gcs_bucket) as readers:
        status = lake.wait(lake.apply())
    assert readers.wrong == []
    assert status["objects_done"] == len(lake.hashes), status
    assert lake.premises() == sorted(lake.hashes)
    assert lake.totals_by_duckdb() == before[0]
    lake.check_every_byte()


@pytest.mark.timeout(300)
def test_a_run_goes_on_after_the_server_was_killed(lake):
    before = lake.totals_by_duckdb()
    lake.declare(to("cloud"))
    chance = random.Random(11)
    run = lake.apply("--bandwidth", "2MiB/s")
    for _ in range(6):
        time.sleep(chance.uniform(0.05, 0.7))
        lake.process.kill()
        lake.start()
        assert lake.totals_by_duckdb() == before
    status = lake.wait(run)
    assert status["state"] == "done" and status["objects_done"] == len(lake.hashes), status
    assert lake.premises() == []
    lake.check_every_byte()
    assert lake.totals_by_duckdb() == before
    audited = lake.process.run("audit", "verify", check=False)
    assert audited.returncode == 0, audited.stdout + audited.stderr


@pytest.mark.timeout(120)
def test_explain_and_plan_tell_what_happens(lake):
    lake.declare(to("cloud", 'path.startsWith("/sales/") && size > 1048576'))
    plan = lake.process.json("policy", "plan")
    assert plan["totals"]["objects"] == 1 and plan["totals"]["class_a_calls"] == 1
    assert plan["totals"]["cost_usd_per_month"] > 0 and plan["totals"]["egress_bytes"] == 0
    told = lake.process.json("explain", "/sales/big.bin")
    assert told["copies"][0]["backend"] == "premises"
    run = lake.process.json("policy", "apply", plan["id"], "--detach")["id"]
    assert lake.wait(run)["objects_done"] == 1
    told = lake.process.json("explain", "/sales/big.bin")
    assert [copy["backend"] for copy in told["copies"]] == ["cloud"] and run in json.dumps(told)
    # Back again would cost egress, and the plan says so.
    lake.declare(to("premises"))
    back = lake.process.json("policy", "plan")
    assert back["totals"]["egress_bytes"] == 9 << 20 and back["totals"]["cost_usd"] > 0


@pytest.mark.timeout(120)
def test_a_changed_estate_refuses_the_plan_and_a_cut_off_cloud_pauses_the_run(lake):
    lake.declare(to("cloud", 'path.startsWith("/sales/orders/")'))
    old = lake.process.json("policy", "plan")
    lake.emulator = own = gcs_emulator.start()
    try:
        own.make_bucket(BUCKET)
        lake.declare(to("cloud", 'path.startsWith("/sales/orders/")'))
        refused = lake.process.run("policy", "apply", old["id"], "--detach", check=False)
        assert refused.returncode != 0 and "changed" in refused.stdout + refused.stderr
        plan = lake.process.json("policy", "plan")
        lake.check_every_byte()  # every directory is known now
    finally:
        own.stop()
    run = lake.process.json("policy", "apply", plan["id"], "--detach")["id"]
    deadline = time.monotonic() + 30
    while not lake.status(run)["paused"] and time.monotonic() < deadline:
        time.sleep(0.1)
    status = lake.status(run)
    assert status["paused"] and "cloud" in status["paused_why"], status
    lake.check_every_byte()
