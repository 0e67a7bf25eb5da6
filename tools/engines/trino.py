"""Trino with its native S3 file system: Hive, Iceberg and Delta Lake tables whose metadata lies in the lake, too."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

from artifacts import fetch
from lake import Lake, free_port

VERSION = "476"
PLUGINS = ("hive", "iceberg", "delta-lake", "tpch")
START_TIMEOUT_S = 300.0
STATEMENT_TIMEOUT_S = 300.0

# (what is asked, the rows of its answer). {b} is the bucket; tpch.tiny has 15,000 orders and 1,500 customers.
STATEMENTS: list[tuple[str, list[list[object]] | None]] = [
    ("CREATE SCHEMA hive.lake", None),  # the file metastore wants managed tables below its own directory
    ("CREATE TABLE hive.lake.orders WITH (partitioned_by = ARRAY['orderstatus']) AS "
     "SELECT orderkey, custkey, totalprice, orderdate, orderstatus FROM tpch.tiny.orders", [[15000]]),
    ("SELECT count(*), sum(orderkey) FROM hive.lake.orders", [[15000, 449872500]]),
    ("SELECT orderstatus, count(*) FROM hive.lake.orders GROUP BY 1 ORDER BY 1", [["F", 7304], ["O", 7333], ["P", 363]]),
    ("INSERT INTO hive.lake.orders SELECT orderkey + 100000, custkey, totalprice, orderdate, 'X' FROM tpch.tiny.orders LIMIT 10", [[10]]),
    ("SELECT count(*) FROM hive.lake.orders WHERE orderstatus = 'X'", [[10]]),
    ("DELETE FROM hive.lake.orders WHERE orderstatus = 'X'", None),
    ("SELECT count(*) FROM hive.lake.orders", [[15000]]),
    ("CREATE TABLE hive.lake.text WITH (format = 'TEXTFILE') AS SELECT * FROM tpch.tiny.nation", [[25]]),
    ("SELECT count(*) FROM hive.lake.text n JOIN tpch.tiny.region r ON n.regionkey = r.regionkey", [[25]]),
    ("CREATE SCHEMA iceberg.ice WITH (location = 's3://{b}/ice')", None),
    ("CREATE TABLE iceberg.ice.customer WITH (partitioning = ARRAY['mktsegment']) AS SELECT * FROM tpch.tiny.customer", [[1500]]),
    ("UPDATE iceberg.ice.customer SET acctbal = 0 WHERE nationkey = 3", None),
    ("DELETE FROM iceberg.ice.customer WHERE nationkey = 4", None),
    ("MERGE INTO iceberg.ice.customer c USING tpch.tiny.customer s ON c.custkey = s.custkey "
     "WHEN NOT MATCHED THEN INSERT VALUES (s.custkey, s.name, s.address, s.nationkey, s.phone, s.acctbal, s.mktsegment, s.comment)", None),
    ("SELECT count(*), count_if(nationkey = 3 AND acctbal <> 0) FROM iceberg.ice.customer", [[1500, 0]]),
    ("ALTER TABLE iceberg.ice.customer EXECUTE optimize", None),
    ("SELECT count(*) FROM iceberg.ice.customer", [[1500]]),
    ("SELECT count(*) > 3 FROM iceberg.ice.\"customer$snapshots\"", [[True]]),
    ("CREATE SCHEMA delta.del WITH (location = 's3://{b}/del')", None),
    ("CREATE TABLE delta.del.supplier AS SELECT * FROM tpch.tiny.supplier", [[100]]),
    ("UPDATE delta.del.supplier SET acctbal = 1 WHERE suppkey <= 50", [[50]]),
    ("DELETE FROM delta.del.supplier WHERE suppkey > 90", [[10]]),
    ("SELECT count(*), count_if(acctbal = 1) FROM delta.del.supplier", [[90, 50]]),
    ("DROP TABLE delta.del.supplier", None),
    ("DROP TABLE iceberg.ice.customer", None),
    ("DROP TABLE hive.lake.orders", None),
    ("DROP TABLE hive.lake.text", None),
]  # fmt: skip


def unpack(work: pathlib.Path) -> pathlib.Path:
    home = work / f"trino-server-{VERSION}"
    if not (home / "complete").is_file():
        archive = fetch(f"io.trino:trino-server:{VERSION}:tar.gz", work)
        # Plugins share files by hard links: all are unpacked, and then the others removed.
        subprocess.run(["tar", "-xzf", archive, "-C", work], check=True)
        for plugin in (home / "plugin").iterdir():
            if plugin.name not in PLUGINS:
                shutil.rmtree(plugin)
        (home / "complete").touch()
    return home


def configure(directory: pathlib.Path, lake: Lake, port: int) -> None:
    (directory / "catalog").mkdir(parents=True)
    (directory / "config.properties").write_text(
        f"coordinator=true\nnode-scheduler.include-coordinator=true\nhttp-server.http.port={port}\n"
        f"discovery.uri=http://127.0.0.1:{port}\ncatalog.management=static\nquery.max-memory=512MB\n"
    )
    s3 = (f"fs.native-s3.enabled=true\ns3.endpoint={lake.url}\ns3.region=us-east-1\ns3.path-style-access=true\n"
          f"s3.aws-access-key={lake.access_key}\ns3.aws-secret-key={lake.secret_key}\n")  # fmt: skip
    store = f"hive.metastore=file\nhive.metastore.catalog.dir=s3://{lake.bucket}/metastore\n"
    catalogs = {
        "hive": f"connector.name=hive\n{store}{s3}",
        "iceberg": "connector.name=iceberg\niceberg.catalog.type=TESTING_FILE_METASTORE\n"
                   f"hive.metastore.catalog.dir=s3://{lake.bucket}/metastore\n{s3}",
        "delta": f"connector.name=delta_lake\n{store}hive.metastore.disable-location-checks=true\n{s3}",
        "tpch": "connector.name=tpch\n",
    }  # fmt: skip
    for name, text in catalogs.items():
        (directory / "catalog" / f"{name}.properties").write_text(text)


def causes(failure: dict[str, object]) -> Iterator[str]:
    while failure:
        yield str(failure.get("message"))
        failure = failure.get("cause")  # type: ignore[assignment]


def ask(port: int, statement: str) -> list[list[object]]:
    """One statement by the client protocol; raises RuntimeError with Trino's own words."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/statement", statement.encode(), {"X-Trino-User": "bench"})
    rows: list[list[object]] = []
    deadline = time.monotonic() + STATEMENT_TIMEOUT_S
    while True:
        with urllib.request.urlopen(request, timeout=60) as answer:
            page = json.load(answer)
        rows += page.get("data", [])
        if "error" in page:
            raise RuntimeError(" <- ".join(causes(page["error"].get("failureInfo", {}))) or page["error"]["message"])
        if "nextUri" not in page:
            return rows
        if time.monotonic() > deadline:
            raise RuntimeError("no end of it")
        request = urllib.request.Request(page["nextUri"])


@contextlib.contextmanager
def running(home: pathlib.Path, directory: pathlib.Path, java: str, lake: Lake) -> Iterator[int]:
    port = free_port()
    configure(directory, lake, port)
    command = [java, "-Xmx2g", "-XX:+UseG1GC", "-Djdk.attach.allowAttachSelf=true", "--add-modules=jdk.incubator.vector",
               f"-Dconfig={directory}/config.properties", f"-Dnode.data-dir={directory}/data", "-Dnode.environment=bench", f"-Dplugin.dir={home}/plugin",
               f"-Dcatalog.config-dir={directory}/catalog", "-cp", f"{home}/lib/*", "io.trino.server.TrinoServer"]  # fmt: skip
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ)
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            with contextlib.suppress(OSError, RuntimeError, ValueError):
                if ask(port, "SELECT 1") == [[1]]:
                    break
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"Trino does not start: {(directory / 'log').read_text(errors='replace')[-3000:]}")
            time.sleep(1)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run(lake: Lake, work: pathlib.Path, java: str) -> list[str]:
    """What failed."""
    failed = []
    with running(unpack(work), lake.directory / "trino", java, lake) as port:
        for template, expected in STATEMENTS:
            statement = template.replace("{b}", lake.bucket)
            try:
                rows = ask(port, statement)
            except (RuntimeError, urllib.error.URLError) as error:
                failed.append(f"{statement}: {error}")
                continue
            if expected is not None and rows != expected:
                failed.append(f"{statement}: {rows} and not {expected}")
    left = [key for key in lake.keys() if key.endswith(".parquet")]
    if left:
        failed.append(f"files are left of dropped tables: {left[:5]}")
    return failed


TOTAL = len(STATEMENTS) + 1
