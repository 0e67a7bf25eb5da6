"""The Spark side of hudi.py: hudi_job.py SETTINGS, a JSON object: url, access_key, secret_key, root, jars."""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as sql

settings = json.loads(sys.argv[1])
options = {
    "spark.jars": ",".join(settings["jars"]), "spark.driver.memory": "1500m", "spark.ui.enabled": "false", "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1", "spark.sql.shuffle.partitions": "2", "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
    "spark.sql.extensions": "org.apache.spark.sql.hudi.HoodieSparkSessionExtension",
    "spark.kryo.registrator": "org.apache.spark.HoodieSparkKryoRegistrar",
    "spark.hadoop.fs.s3a.endpoint": settings["url"], "spark.hadoop.fs.s3a.path.style.access": "true",
    "spark.hadoop.fs.s3a.access.key": settings["access_key"], "spark.hadoop.fs.s3a.secret.key": settings["secret_key"],
    "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
}  # fmt: skip
builder = SparkSession.builder.master("local[2]")
for name, value in options.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
seen = {}


def rows(first, last, version):
    return spark.range(first, last).select(sql.col("id"), (sql.col("id") % 3).cast("string").alias("part"), sql.lit(version).alias("version"))


for kind in ("COPY_ON_WRITE", "MERGE_ON_READ"):
    root = f"{settings['root']}/{kind}"
    table = {
        "hoodie.table.name": kind.lower(), "hoodie.datasource.write.table.type": kind, "hoodie.datasource.write.recordkey.field": "id",
        "hoodie.datasource.write.partitionpath.field": "part", "hoodie.datasource.write.precombine.field": "version",
        "hoodie.datasource.write.hive_style_partitioning": "true", "hoodie.upsert.shuffle.parallelism": "2",
    }  # fmt: skip

    def write(frame, operation, mode="append"):
        frame.write.format("hudi").options(**table).option("hoodie.datasource.write.operation", operation).mode(mode).save(root)

    def read(**more):
        return spark.read.format("hudi").options(**more).load(root)

    write(rows(0, 1000, 1), "upsert", "overwrite")
    first = read().select(sql.max("_hoodie_commit_time")).collect()[0][0]
    seen[f"{kind} inserted"] = read().count()
    write(rows(900, 1100, 2), "upsert")
    seen[f"{kind} upserted"] = [read().count(), read().filter("version = 2").count()]
    write(rows(0, 50, 3), "delete")
    seen[f"{kind} deleted"] = read().count()
    seen[f"{kind} as it was"] = read(**{"as.of.instant": first}).count()
    meta = spark.sparkContext._jvm.org.apache.hadoop.fs.Path(f"{root}/.hoodie/timeline")
    names = [status.getPath().getName() for status in meta.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration()).listStatus(meta)]
    seen[f"{kind} commits"] = sum(name.endswith(("commit", "deltacommit")) for name in names)
print("SEEN " + json.dumps(seen))
