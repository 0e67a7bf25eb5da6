"""A small but realistic lake: Parquet and CSV in Hive partitions, the same bytes on every run."""

import hashlib
import io
from dataclasses import dataclass

import numpy
import pyarrow
import pyarrow.csv
import pyarrow.parquet

SEED = 20261124
REGIONS = ("east", "north", "south", "west")
YEARS = (2023, 2024, 2025, 2026)
STORES = 400
PRODUCTS = 20000


@dataclass(frozen=True)
class Item:
    key: str
    size: int
    sha256: str
    year: int


def _table(rng, rows, year, month):
    days = rng.integers(1, 29, rows)
    day = numpy.array([f"{year}-{month:02d}-{d:02d}" for d in range(1, 29)])[days - 1]
    quantity = rng.integers(1, 40, rows, dtype=numpy.int32)
    price = numpy.round(rng.gamma(2.0, 9.0, rows), 2)
    return pyarrow.table({
        "day": day,
        "store": rng.integers(1, STORES, rows, dtype=numpy.int32),
        "product": rng.integers(1, PRODUCTS, rows, dtype=numpy.int32),
        "quantity": quantity,
        "price": price,
        "amount_cents": numpy.round(price * 100).astype(numpy.int64) * quantity,
    })


def _parquet(table):
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out, compression="zstd", row_group_size=64 << 10)
    return out.getvalue()


def _csv(table):
    out = io.BytesIO()
    pyarrow.csv.write_csv(table, out)
    return out.getvalue()


def generate(scale=1.0):
    """Yields (key, bytes, year). About 3,000 objects and 300 MB at scale 1."""
    files = max(1, round(11 * scale))
    exports = max(1, round(5 * scale))
    for year in YEARS:
        for month in range(1, 13):
            for region in REGIONS:
                where = f"region={region}/year={year}/month={month:02d}"
                seed = [SEED, year, month, REGIONS.index(region)]
                rng = numpy.random.default_rng(seed)
                for number in range(files):
                    table = _table(rng, int(rng.integers(2000, 6000)), year, month)
                    yield f"facts/{where}/part-{number:05d}.parquet", _parquet(table), year
                for number in range(exports):
                    table = _table(rng, int(rng.integers(500, 2500)), year, month)
                    yield f"exports/{where}/export-{number:03d}.csv", _csv(table), year
        # One large file a year: it goes to the cloud as a resumable upload, in chunks.
        rng = numpy.random.default_rng([SEED, year])
        yield f"yearly/sales-{year}.parquet", _parquet(_table(rng, 1_600_000, year, 12)), year


def item_of(key, data, year):
    return Item(key, len(data), hashlib.sha256(data).hexdigest(), year)
