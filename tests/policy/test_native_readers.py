"""Moved data is good without Beringia: pyarrow and PyIceberg read it from the stand-in for Google Cloud
Storage directly, under the very gs:// locations that it was written to through Beringia's own door.

The native bucket has the name of the bucket here (a mount of /NAME/ on gs://NAME), so a location that a
table remembers means the same object in both.
"""

from __future__ import annotations

import json
import pathlib
import sys
import time
import urllib.request

import google.auth.transport.requests
import pyarrow as pa
import pyarrow.dataset
import pyarrow.fs
import pytest
from google.oauth2 import service_account
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import StaticTable

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / "cli"), str(ROOT / "tools" / "gcs_emulator")]

import gcs_emulator  # noqa: E402
from processes import make_process  # noqa: E402, F401

BUCKET = "beringia-native"
END_TIMEOUT_S = 60
SCOPES = ["https://www.googleapis.com/auth/devstorage.read_write"]

ESTATE = """\
[[backend]]
name = "premises"
url = "file://{objects}"

[[backend]]
name = "cloud"
url = "gs://{bucket}"
endpoint = "{endpoint}"
credentials = "none"

[[mount]]
path = "/{bucket}/"
locations = ["premises", "cloud"]
freshness = "exclusive"

[[policy]]
name = "all-to-cloud"
when = 'path.startsWith("/{bucket}/")'
place = [{{ backend = "cloud" }}]
"""


@pytest.fixture(scope="module")
def emulator():
    started = gcs_emulator.start()
    if started is None:
        pytest.skip("no emulator can be installed here")
    started.make_bucket(BUCKET)
    yield started
    started.stop()


@pytest.fixture
def process(make_process, emulator):  # noqa: F811
    made = make_process()
    objects = made.directory / "objects"
    objects.mkdir()
    made.start("--move-grace", "1s")
    file = made.directory / "lake.toml"
    file.write_text(ESTATE.format(objects=objects, bucket=BUCKET, endpoint=emulator.endpoint))
    made.run("apply", str(file))
    return made


@pytest.fixture
def token(process):
    path = process.directory / "key.json"
    path.write_text(process.run("keys", "create", "--principal", "root", "--kind", "service-account").stdout)
    credentials = service_account.Credentials.from_service_account_file(str(path), scopes=SCOPES)
    credentials.refresh(google.auth.transport.requests.Request())
    return credentials


def move_all(process):
    plan = process.json("policy", "plan")
    run = process.json("policy", "apply", plan["id"], "--detach")["id"]
    deadline = time.monotonic() + END_TIMEOUT_S
    while (status := process.json("policy", "status", run))["state"] == "running":
        assert time.monotonic() < deadline, status
        time.sleep(0.1)
    assert status["state"] == "done" and status["objects_done"] > 0, status
    # What is left on premises is nothing: the readers below read the cloud or fail.
    assert not [p for p in (process.directory / "objects").rglob("*") if p.is_file()]
    return status["objects_done"]


def through_beringia(process, token):
    return pa.fs.GcsFileSystem(access_token=token.token, credential_token_expiration=token.expiry,
                               endpoint_override=f"127.0.0.1:{process.gcs_port}", scheme="http")  # fmt: skip


def native(emulator):
    return pa.fs.GcsFileSystem(anonymous=True, endpoint_override=f"127.0.0.1:{emulator.port}", scheme="http")


def native_names(emulator):
    with urllib.request.urlopen(f"{emulator.endpoint}/storage/v1/b/{BUCKET}/o", timeout=10) as answer:
        return sorted(item["name"] for item in json.load(answer).get("items", []))


@pytest.mark.timeout(120)
def test_a_hive_partitioned_dataset_is_read_natively(process, token, emulator):
    table = pa.table({"day": [f"2026-01-{d:02}" for d in range(1, 7) for _ in range(50)], "number": list(range(300))})
    schema = pa.schema([("day", pa.string())])
    pa.dataset.write_dataset(table, f"{BUCKET}/orders", format="parquet", filesystem=through_beringia(process, token),
                             partitioning=pa.dataset.partitioning(schema, flavor="hive"))  # fmt: skip
    assert native_names(emulator) == []
    moved = move_all(process)
    names = native_names(emulator)
    parquet = [name for name in names if name.endswith(".parquet")]
    assert len(parquet) == 6 and moved >= 6
    assert parquet[0].startswith("orders/day=2026-01-01/"), parquet

    files = pa.dataset.dataset([f"{BUCKET}/{name}" for name in parquet], filesystem=native(emulator), format="parquet",
                               partitioning=pa.dataset.partitioning(schema, flavor="hive"),
                               partition_base_dir=f"{BUCKET}/orders")  # fmt: skip
    found = files.to_table()
    assert found.num_rows == 300 and sorted(found["number"].to_pylist()) == list(range(300))
    one_day = files.to_table(filter=pa.dataset.field("day") == "2026-01-03")
    assert sorted(one_day["number"].to_pylist()) == list(range(100, 150))


@pytest.mark.timeout(120)
def test_an_iceberg_table_is_valid_at_its_location_natively(process, token, emulator, tmp_path):
    catalog = SqlCatalog(
        "lake", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"gs://{BUCKET}/warehouse",
        **{"py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO", "gcs.service.host": f"http://127.0.0.1:{process.gcs_port}",
           "gcs.oauth2.token": token.token, "gcs.oauth2.token-expires-at": str(int(token.expiry.timestamp() * 1000))},
    )  # fmt: skip
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.orders", schema=pa.schema([("id", pa.int64())]))
    table.append(pa.table({"id": list(range(1000))}))
    table.append(pa.table({"id": list(range(1000, 1500))}))
    table.delete("id < 250")
    location = table.metadata_location
    catalog.close()
    assert location.startswith(f"gs://{BUCKET}/warehouse/")
    move_all(process)
    process.terminate()  # nobody but the cloud can answer now

    static = StaticTable.from_metadata(location, {
        "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO", "gcs.service.host": emulator.endpoint, "gcs.oauth2.token": "any",
        "gcs.oauth2.token-expires-at": str(int((time.time() + 3600) * 1000))})  # fmt: skip
    assert sorted(static.scan().to_arrow()["id"].to_pylist()) == list(range(250, 1500))
    first = static.history()[0].snapshot_id
    assert static.scan(snapshot_id=first).to_arrow().num_rows == 1000
