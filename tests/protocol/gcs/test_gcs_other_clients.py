"""gcsfs, pyarrow, rclone and DuckDB over gs://, by endpoint and credentials only."""

import json
import os
import pathlib
import subprocess

import duckdb
import duckdb_extension_httpfs
import pyarrow
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet
import pytest

from gcs_clients import access_token

# gcsfs asks for the kind of a bucket by gRPC over TLS at the endpoint's host and port, and waits a minute for an answer
# that a plain HTTP/1.1 endpoint cannot give (docs/gcs-compatibility.md).
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"
import gcsfs  # noqa: E402

MIB = 1 << 20
ROWS = 400_000  # of a table whose file is uploaded in parts


@pytest.fixture(scope="session")
def filesystem(server, key_file):
    return gcsfs.GCSFileSystem(token=str(key_file), endpoint_url=server.gcs_url, project="lake",
                               use_listings_cache=False, skip_instance_cache=True)  # fmt: skip


def test_gcsfs_reads_and_writes(filesystem, bucket):
    fs, root = filesystem, bucket.name
    fs.pipe(f"{root}/small", b"hello")
    assert fs.cat(f"{root}/small") == b"hello"
    big = os.urandom(11 * MIB)
    with fs.open(f"{root}/dir/big ü", "wb", block_size=5 * MIB) as out:
        for start in range(0, len(big), MIB):
            out.write(big[start : start + MIB])
    assert fs.info(f"{root}/dir/big ü")["size"] == len(big)
    assert fs.cat(f"{root}/dir/big ü") == big
    ranges = fs.cat_ranges([f"{root}/dir/big ü"] * 3, [0, 5 * MIB, 10 * MIB], [100, 5 * MIB + 100, 10 * MIB + 100])
    assert ranges == [big[0:100], big[5 * MIB : 5 * MIB + 100], big[10 * MIB : 10 * MIB + 100]]
    with fs.open(f"{root}/dir/big ü", "rb") as read:
        read.seek(-7, 2)
        assert read.read() == big[-7:]


def test_gcsfs_lists_moves_and_removes(filesystem, bucket):
    fs, root = filesystem, bucket.name
    for name in ("a.csv", "d/1.csv", "d/2.txt", "d/e/3.csv"):
        fs.pipe(f"{root}/{name}", name.encode())
    assert sorted(fs.ls(root)) == [f"{root}/a.csv", f"{root}/d"]
    assert sorted(fs.find(root)) == [f"{root}/{n}" for n in ("a.csv", "d/1.csv", "d/2.txt", "d/e/3.csv")]
    assert sorted(fs.glob(f"{root}/**/*.csv")) == [f"{root}/{n}" for n in ("a.csv", "d/1.csv", "d/e/3.csv")]
    assert fs.isdir(f"{root}/d") and fs.isfile(f"{root}/a.csv") and not fs.exists(f"{root}/none")
    fs.mv(f"{root}/a.csv", f"{root}/moved.csv")
    assert fs.cat(f"{root}/moved.csv") == b"a.csv" and not fs.exists(f"{root}/a.csv")
    fs.cp(f"{root}/moved.csv", f"{root}/copy.csv")
    fs.setxattrs(f"{root}/copy.csv", key="value")
    assert fs.getxattr(f"{root}/copy.csv", "key") == "value"
    fs.rm(f"{root}/d", recursive=True)
    assert not fs.exists(f"{root}/d")
    with pytest.raises(FileNotFoundError):
        fs.cat(f"{root}/none")


@pytest.fixture
def arrow(server, key_file):
    token, expiry = access_token(key_file)
    return pyarrow.fs.GcsFileSystem(access_token=token, credential_token_expiration=expiry,
                                    endpoint_override=f"127.0.0.1:{server.gcs_port}", scheme="http")  # fmt: skip


def test_pyarrow_reads_a_partitioned_dataset_it_wrote(arrow, bucket):
    table = pyarrow.table({
        "region": ["north", "south"] * 5000,
        "amount": list(range(10_000)),
        "text": [f"row {n}" * 20 for n in range(10_000)],
    })  # fmt: skip
    pyarrow.dataset.write_dataset(table, f"{bucket.name}/facts", filesystem=arrow, format="parquet",
                                  partitioning=["region"], partitioning_flavor="hive")  # fmt: skip
    data = pyarrow.dataset.dataset(f"{bucket.name}/facts", filesystem=arrow, format="parquet", partitioning="hive")
    assert data.count_rows() == 10_000
    north = data.to_table(filter=pyarrow.dataset.field("region") == "north", columns=["amount"])
    assert sum(north["amount"].to_pylist()) == sum(range(0, 10_000, 2))
    assert data.to_table().sort_by("amount")["text"].to_pylist() == table["text"].to_pylist()


def test_pyarrow_file_calls(arrow, bucket):
    root = bucket.name
    with arrow.open_output_stream(f"{root}/x") as out:
        out.write(b"0123456789")
    assert arrow.get_file_info(f"{root}/x").size == 10
    with arrow.open_input_file(f"{root}/x") as source:
        assert source.read_at(4, 3) == b"3456"
        assert source.size() == 10
    arrow.copy_file(f"{root}/x", f"{root}/y")
    arrow.move(f"{root}/y", f"{root}/z")
    assert {i.base_name for i in arrow.get_file_info(pyarrow.fs.FileSelector(root))} == {"x", "z"}
    arrow.delete_file(f"{root}/x")
    assert arrow.get_file_info(f"{root}/x").type == pyarrow.fs.FileType.NotFound


def rclone(server, key_file, *arguments: str) -> str:
    remote = f":gcs,service_account_file='{key_file}',endpoint='{server.gcs_url}',bucket_policy_only=true,project_number=1:"
    command = [argument.replace("REMOTE:", remote) for argument in arguments]
    done = subprocess.run(["build/venv/bin/rclone", "--config", os.devnull, "--retries", "1", "-v", *command],
                          capture_output=True, text=True, timeout=120)  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_rclone_syncs_both_ways(server, key_file, bucket, tmp_path):
    source = tmp_path / "source"
    for name, size in (("a", 0), ("b/c.bin", 100_000), ("b/d ü.bin", 20 * MIB)):
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    rclone(server, key_file, "sync", str(source), f"REMOTE:{bucket.name}/tree")
    rclone(server, key_file, "check", str(source), f"REMOTE:{bucket.name}/tree", "--one-way")
    listed = json.loads(rclone(server, key_file, "lsjson", "-R", "--files-only", f"REMOTE:{bucket.name}/tree"))
    assert {(one["Path"], one["Size"]) for one in listed} == {("a", 0), ("b/c.bin", 100_000), ("b/d ü.bin", 20 * MIB)}
    rclone(server, key_file, "copy", f"REMOTE:{bucket.name}/tree", str(tmp_path / "back"))
    for name in ("a", "b/c.bin", "b/d ü.bin"):
        assert (tmp_path / "back" / name).read_bytes() == (source / name).read_bytes()
    rclone(server, key_file, "move", f"REMOTE:{bucket.name}/tree/b", f"REMOTE:{bucket.name}/moved")
    rclone(server, key_file, "purge", f"REMOTE:{bucket.name}/tree")
    assert sorted(rclone(server, key_file, "lsf", "-R", "--files-only", f"REMOTE:{bucket.name}").split("\n")) == [
        "", "moved/c.bin", "moved/d ü.bin",
    ]  # fmt: skip


def test_duckdb_reads_gs_paths_through_gcsfs(filesystem, arrow, bucket):
    table = pyarrow.table({"part": ["a", "b"] * 500, "n": list(range(1000))})
    pyarrow.dataset.write_dataset(table, f"{bucket.name}/t", filesystem=arrow, format="parquet",
                                  partitioning=["part"], partitioning_flavor="hive")  # fmt: skip
    database = duckdb.connect()
    database.register_filesystem(filesystem)
    rows = database.execute(
        f"select part, sum(n) from read_parquet('gs://{bucket.name}/t/**/*.parquet', hive_partitioning=true)"
        " group by part order by part"
    ).fetchall()
    assert rows == [("a", sum(range(0, 1000, 2))), ("b", sum(range(1, 1000, 2)))]


@pytest.fixture
def duck(server):
    """DuckDB's own httpfs, by an HMAC key: it signs for the XML API."""
    (httpfs,) = pathlib.Path(duckdb_extension_httpfs.__file__).parent.rglob("httpfs.duckdb_extension")
    with duckdb.connect(config={"allow_unsigned_extensions": "true"}) as database:
        database.execute(f"LOAD '{httpfs}'")
        database.execute(
            f"create secret (type gcs, key_id '{server.access_key}', secret '{server.secret_key}',"
            f" endpoint '127.0.0.1:{server.gcs_port}', url_style 'path', use_ssl false)"
        )
        yield database


def test_duckdb_reads_and_writes_gs_paths_by_hmac(duck, bucket):
    root = f"gs://{bucket.name}/duck"
    duck.execute(f"create table t as select i % 3 as part, i as n, repeat(md5(i::text), 4) as text from range({ROWS}) r(i)")
    duck.execute(f"copy t to '{root}/whole.parquet' (format parquet)")
    assert bucket.get_blob("duck/whole.parquet").size > 10 * MIB
    assert duck.execute(f"select sum(n), count(distinct text) from '{root}/whole.parquet'").fetchone() == (sum(range(ROWS)), ROWS)
    duck.execute(f"copy t to '{root}/by' (format parquet, partition_by (part))")
    names = duck.execute(f"select count(*), min(file) from glob('{root}/by/*/*.parquet') g(file)").fetchone()
    assert names[0] >= 3 and names[1].startswith(f"{root}/by/part=0/")
    rows = duck.execute(f"select part, sum(n) from read_parquet('{root}/by/**/*.parquet', hive_partitioning=true) group by part order by part")
    assert rows.fetchall() == [(part, sum(range(part, ROWS, 3))) for part in range(3)]
    assert {blob.name.split("/")[2] for blob in bucket.list_blobs(prefix="duck/by/")} == {"part=0", "part=1", "part=2"}


def test_duckdb_is_refused_with_a_wrong_secret(duck, server, bucket):
    duck.execute(f"create or replace secret (type gcs, key_id '{server.access_key}', secret 'wrong',"
                 f" endpoint '127.0.0.1:{server.gcs_port}', url_style 'path', use_ssl false)")  # fmt: skip
    bucket.blob("x.csv").upload_from_string("a\n1\n")
    with pytest.raises(duckdb.Error, match="HTTP 403 Forbidden"):
        duck.execute(f"select * from 'gs://{bucket.name}/x.csv'")
