"""PyIceberg keeps tables here: its catalog is a local database, all else are objects."""

import boto3
import pyarrow
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.types import StringType


@pytest.fixture
def catalog(server, bucket_name, tmp_path):
    boto3.client("s3", endpoint_url=server.s3_url, region_name=server.region, aws_access_key_id=server.access_key,
                 aws_secret_access_key=server.secret_key).create_bucket(Bucket=bucket_name)  # fmt: skip
    made = SqlCatalog(
        "lake", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"s3://{bucket_name}/warehouse",
        **{"py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO", "s3.endpoint": server.s3_url, "s3.access-key-id": server.access_key,
           "s3.secret-access-key": server.secret_key, "s3.region": server.region, "s3.force-virtual-addressing": "false"},
    )  # fmt: skip
    made.create_namespace("sales")
    yield made
    made.close()


def rows(count, start=0):
    return pyarrow.table({"id": pyarrow.array(range(start, start + count), pyarrow.int64()), "name": pyarrow.array([f"n{n}" for n in range(start, start + count)], pyarrow.string())})


def test_tables_are_written_read_changed_and_travelled(catalog):
    table = catalog.create_table("sales.orders", schema=rows(0).schema)
    table.append(rows(1000))
    first = table.current_snapshot().snapshot_id
    table.append(rows(500, 1000))
    assert table.scan().to_arrow().num_rows == 1500
    assert table.scan(row_filter="id >= 1400", selected_fields=("id",)).to_arrow().num_rows == 100
    assert table.scan(snapshot_id=first).to_arrow().num_rows == 1000
    table.delete("id < 250")
    assert catalog.load_table("sales.orders").scan().to_arrow().num_rows == 1250
    table.overwrite(rows(10))
    assert catalog.load_table("sales.orders").scan().to_arrow().sort_by("id").to_pylist() == rows(10).to_pylist()
    with table.update_schema() as change:
        change.add_column("more", StringType())
    assert "more" in catalog.load_table("sales.orders").schema().column_names


def test_two_writers_do_not_overwrite_each_other(catalog):
    """The one that comes late finds that the table has gone on, and puts its files on top of that."""
    catalog.create_table("sales.raced", schema=rows(0).schema)
    one, other = catalog.load_table("sales.raced"), catalog.load_table("sales.raced")
    one.append(rows(10))
    other.append(rows(20, 10))
    assert sorted(catalog.load_table("sales.raced").scan().to_arrow()["id"].to_pylist()) == list(range(30))
    catalog.purge_table("sales.raced")
