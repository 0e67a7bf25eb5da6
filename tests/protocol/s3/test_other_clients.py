"""s5cmd, rclone, the AWS CLI, pyarrow and DuckDB, by endpoint and key only."""

import json
import os
import pathlib
import subprocess
import sys

import duckdb
import duckdb_extension_httpfs
import pyarrow
import pyarrow.compute
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet
import pytest

from s3_clients import MIB, environment, keys

TOOLS = pathlib.Path(sys.executable).parent


def run(command, **more) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **more)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def tree(tmp_path) -> pathlib.Path:
    """A small directory with awkward names and one file that needs several parts."""
    root = tmp_path / "tree"
    for name, size in {"a.txt": 10, "dir/b ü.bin": 100_000, "dir/deep/c+d.bin": 0, "big.bin": 60 * MIB}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(os.urandom(size))
    return root


def same_trees(left: pathlib.Path, right: pathlib.Path) -> None:
    files = sorted(path.relative_to(left) for path in left.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(right) for path in right.rglob("*") if path.is_file())
    for file in files:
        assert (left / file).read_bytes() == (right / file).read_bytes(), file


def test_s5cmd(server, bucket, tree, tmp_path, s3):
    s5cmd = [TOOLS / "s5cmd", "--endpoint-url", server.s3_url]
    env = environment(server)
    run([*s5cmd, "cp", f"{tree}/", f"s3://{bucket}/t/"], env=env)
    assert "big.bin" in run([*s5cmd, "ls", f"s3://{bucket}/t/*"], env=env)
    run([*s5cmd, "cp", f"s3://{bucket}/t/*", f"{tmp_path}/back/"], env=env)
    same_trees(tree, tmp_path / "back")
    run([*s5cmd, "mv", f"s3://{bucket}/t/a.txt", f"s3://{bucket}/moved"], env=env)
    run([*s5cmd, "rm", f"s3://{bucket}/t/*"], env=env)
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["moved"]


def test_rclone(server, bucket_name, tree, tmp_path, s3):
    env = environment(
        server, RCLONE_CONFIG="/nonexistent", RCLONE_CONFIG_LAKE_TYPE="s3", RCLONE_CONFIG_LAKE_PROVIDER="Other",
        RCLONE_CONFIG_LAKE_ENDPOINT=server.s3_url, RCLONE_CONFIG_LAKE_REGION=server.region,
        RCLONE_CONFIG_LAKE_ACCESS_KEY_ID=server.access_key, RCLONE_CONFIG_LAKE_SECRET_ACCESS_KEY=server.secret_key,
    )  # fmt: skip
    rclone = [TOOLS / "rclone", "--s3-upload-cutoff", "16M", "--s3-chunk-size", "16M"]
    target = f"lake:{bucket_name}/t"
    run([*rclone, "sync", tree, target], env=env)
    run([*rclone, "check", tree, target, "--download"], env=env)
    listed = json.loads(run([*rclone, "lsjson", "-R", "--files-only", target], env=env))
    assert {item["Path"] for item in listed} == {"a.txt", "big.bin", "dir/b ü.bin", "dir/deep/c+d.bin"}
    (tree / "a.txt").unlink()
    run([*rclone, "sync", tree, target], env=env)
    run([*rclone, "copy", target, tmp_path / "back"], env=env)
    same_trees(tree, tmp_path / "back")
    run([*rclone, "moveto", f"{target}/big.bin", f"lake:{bucket_name}/moved"], env=env)
    run([*rclone, "purge", f"lake:{bucket_name}"], env=env)
    assert bucket_name not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


def test_aws_cli(server, bucket_name, tree, tmp_path, s3):
    aws = [TOOLS / "aws", "--endpoint-url", server.s3_url]
    env = environment(server)
    run([*aws, "s3", "mb", f"s3://{bucket_name}"], env=env)
    run([*aws, "s3", "sync", tree, f"s3://{bucket_name}/t"], env=env)
    assert "big.bin" in run([*aws, "s3", "ls", "--recursive", f"s3://{bucket_name}"], env=env)
    run([*aws, "s3", "sync", f"s3://{bucket_name}/t", tmp_path / "back"], env=env)
    same_trees(tree, tmp_path / "back")
    assert run([*aws, "s3", "sync", tree, f"s3://{bucket_name}/t"], env=env) == "", "nothing is left to do"
    head = json.loads(run([*aws, "s3api", "head-object", "--bucket", bucket_name, "--key", "t/a.txt"], env=env))
    assert head["ContentLength"] == 10
    run([*aws, "s3", "rb", "--force", f"s3://{bucket_name}"], env=env)
    assert bucket_name not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


@pytest.fixture
def arrow(server) -> pyarrow.fs.S3FileSystem:
    return pyarrow.fs.S3FileSystem(
        access_key=server.access_key, secret_key=server.secret_key, region=server.region, scheme="http",
        endpoint_override=f"127.0.0.1:{server.s3_port}", allow_bucket_creation=True, allow_bucket_deletion=True,
    )  # fmt: skip


def sales() -> pyarrow.Table:
    rows = 50_000
    return pyarrow.table({
        "year": pyarrow.array([2020 + i % 5 for i in range(rows)], pyarrow.int32()),
        "store": [f"store-{i % 7}" for i in range(rows)],
        "amount": pyarrow.array(range(rows), pyarrow.int64()),
    })  # fmt: skip


def test_pyarrow_filesystem(arrow, bucket):
    body = os.urandom(21 * MIB)
    with arrow.open_output_stream(f"{bucket}/dir/big") as out:
        out.write(body)
    with arrow.open_output_stream(f"{bucket}/empty") as out:
        out.write(b"")
    with arrow.open_input_file(f"{bucket}/dir/big") as read:
        assert read.size() == len(body)
        read.seek(20 * MIB)
        assert read.read(100) == body[20 * MIB :][:100]
        assert read.read_at(50, 7) == body[7:57]
    with arrow.open_input_stream(f"{bucket}/dir/big") as read:
        assert read.read() == body
    arrow.create_dir(f"{bucket}/made")
    arrow.copy_file(f"{bucket}/dir/big", f"{bucket}/dir/copy")
    arrow.move(f"{bucket}/dir/copy", f"{bucket}/dir/moved")
    found = arrow.get_file_info(pyarrow.fs.FileSelector(bucket, recursive=True))
    assert {info.path.removeprefix(f"{bucket}/") for info in found} == {
        "dir", "dir/big", "dir/moved", "empty", "made"}  # fmt: skip
    arrow.delete_dir(f"{bucket}/dir")
    assert arrow.get_file_info(f"{bucket}/dir/big").type == pyarrow.fs.FileType.NotFound


def test_pyarrow_dataset_and_duckdb_agree(server, arrow, bucket):
    table = sales()
    pyarrow.dataset.write_dataset(
        table, f"{bucket}/sales", filesystem=arrow, format="parquet",
        partitioning=pyarrow.dataset.partitioning(pyarrow.schema([("year", pyarrow.int32())]), flavor="hive"),
    )  # fmt: skip
    read = pyarrow.dataset.dataset(f"{bucket}/sales", filesystem=arrow, format="parquet", partitioning="hive")
    assert read.count_rows() == table.num_rows
    assert read.to_table(filter=pyarrow.dataset.field("year") == 2021).num_rows == table.num_rows // 5

    (httpfs,) = pathlib.Path(duckdb_extension_httpfs.__file__).parent.rglob("httpfs.duckdb_extension")
    with duckdb.connect() as db:
        db.execute(f"LOAD '{httpfs}'")
        db.execute(
            f"CREATE SECRET (TYPE s3, KEY_ID '{server.access_key}', SECRET '{server.secret_key}', "
            f"REGION '{server.region}', ENDPOINT '127.0.0.1:{server.s3_port}', URL_STYLE 'path', USE_SSL false)"
        )
        rows = db.execute(
            f"SELECT year, sum(amount) FROM read_parquet('s3://{bucket}/sales/*/*.parquet', hive_partitioning = true) "
            "GROUP BY year ORDER BY year"
        ).fetchall()
        db.execute(f"COPY (SELECT * FROM range(300000)) TO 's3://{bucket}/out.parquet'")
        assert db.execute(f"SELECT count(*) FROM 's3://{bucket}/out.parquet'").fetchone() == (300_000,)
    grouped = table.group_by("year").aggregate([("amount", "sum")]).sort_by("year")
    assert rows == list(zip(grouped["year"].to_pylist(), grouped["amount_sum"].to_pylist(), strict=True))
