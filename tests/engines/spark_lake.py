"""What every Spark job of these tests does to a lake, whatever protocol its root has."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as sql


def session(jars: list[str], options: dict[str, str]) -> SparkSession:
    builder = SparkSession.builder.master("local[2]")
    common = {
        "spark.jars": ",".join(jars), "spark.driver.memory": "1200m", "spark.ui.enabled": "false", "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1", "spark.sql.shuffle.partitions": "4",
    }  # fmt: skip
    for name, value in (common | options).items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


class Lake:
    """Tables below a root. `files` is Hadoop's FileSystem of it."""

    def __init__(self, spark: SparkSession, root: str):
        self.spark, self.root = spark, root
        self.jvm = spark.sparkContext._jvm
        self.files = self.path("").getFileSystem(spark.sparkContext._jsc.hadoopConfiguration())
        self.numbers = spark.range(50_000).select("id", (sql.col("id") % 5).alias("day"))

    def path(self, name: str):
        return self.jvm.org.apache.hadoop.fs.Path(f"{self.root}/{name}" if name else self.root)

    def rows(self, table: str) -> int:
        return self.spark.read.parquet(f"{self.root}/{table}").count()

    def text_of(self, name: str) -> str:
        stream = self.files.open(self.path(name))
        text = self.jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")
        stream.close()
        return text

    def names(self, name: str) -> list[str]:
        return sorted(status.getPath().getName() for status in self.files.listStatus(self.path(name)))

    def write(self, table: str, count: int = 50_000, mode: str = "overwrite") -> None:
        self.numbers.limit(count).write.mode(mode).partitionBy("day").parquet(f"{self.root}/{table}")

    def use(self) -> dict[str, object]:
        """Writes, overwrites, appends, queries, renames and deletes a table, and what was seen; nothing is left but `empty/`."""
        seen: dict[str, object] = {}
        self.write("sales")
        seen["written"] = self.rows("sales")
        sales = f"{self.root}/sales"
        seen["one partition"] = self.spark.read.parquet(sales).filter("day = 3").agg(sql.sum("id")).collect()[0][0]
        seen["committed by"] = self.text_of("sales/_SUCCESS")
        self.write("sales", 1000)
        seen["overwritten"] = self.rows("sales")
        self.write("sales", 10, "append")
        seen["appended"] = self.rows("sales")
        self.spark.read.parquet(sales).createOrReplaceTempView("sales")
        seen["query"] = self.spark.sql("SELECT day, count(*) c FROM sales GROUP BY day ORDER BY day").collect()[0]["c"]
        seen["renamed"] = self.files.rename(self.path("sales"), self.path("moved"))
        seen["source is gone"] = not self.files.exists(self.path("sales"))
        seen["after rename"] = self.rows("moved")
        seen["names"] = self.names("moved")
        # A directory that holds nothing, and one that goes when its last file does.
        seen["mkdirs"] = self.files.mkdirs(self.path("empty/deep")) and self.files.getFileStatus(self.path("empty/deep")).isDirectory()
        seen["deleted"] = self.files.delete(self.path("moved"), True) and not self.files.exists(self.path("moved"))
        return seen


# What use() sees, but for what differs by protocol.
USED = {
    "written": 50_000, "one partition": sum(range(3, 50_000, 5)), "overwritten": 1000, "appended": 1010, "query": 202, "renamed": True,
    "source is gone": True, "after rename": 1010, "names": ["_SUCCESS", *(f"day={day}" for day in range(5))], "mkdirs": True, "deleted": True,
}  # fmt: skip
