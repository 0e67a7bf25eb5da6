"""What a Spark job does to a lake over S3A with its committers; tells what it saw as one line of JSON.

spark_job.py SETTINGS, a JSON object: url, access_key, secret_key, root (s3a://BUCKET/PATH), jars
"""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as sql

settings = json.loads(sys.argv[1])
root = settings["root"]
CLOUD = "org.apache.spark.internal.io.cloud."


def session():
    options = {
        "spark.jars": ",".join(settings["jars"]), "spark.driver.memory": "1200m", "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1", "spark.sql.shuffle.partitions": "4",
        "spark.sql.sources.commitProtocolClass": CLOUD + "PathOutputCommitProtocol",
        "spark.sql.parquet.output.committer.class": CLOUD + "BindingParquetOutputCommitter",
    }  # fmt: skip
    hadoop = {
        "endpoint": settings["url"], "endpoint.region": "us-east-1", "path.style.access": "true", "access.key": settings["access_key"],
        "secret.key": settings["secret_key"], "connection.ssl.enabled": "false", "committer.name": "magic", "committer.magic.enabled": "true",
    }  # fmt: skip
    builder = SparkSession.builder.master("local[2]")
    for name, value in (options | {f"spark.hadoop.fs.s3a.{name}": value for name, value in hadoop.items()}).items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


spark = session()
spark.sparkContext.setLogLevel("ERROR")
jvm = spark.sparkContext._jvm
seen = {}


def path(text):
    return jvm.org.apache.hadoop.fs.Path(text)


def rows(table):
    return spark.read.parquet(f"{root}/{table}").count()


def committer_of(table):
    """As _SUCCESS tells it; S3A's committers write JSON, Hadoop's own FileOutputCommitter nothing."""
    stream = files.open(path(f"{root}/{table}/_SUCCESS"))
    text = jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")
    stream.close()
    return json.loads(text)["committer"] if text else "file"


files = path(root).getFileSystem(spark.sparkContext._jsc.hadoopConfiguration())
numbers = spark.range(50_000).select("id", (sql.col("id") % 5).alias("day"))
numbers.write.mode("overwrite").partitionBy("day").parquet(f"{root}/sales")
seen["written"] = rows("sales")
seen["one partition"] = spark.read.parquet(f"{root}/sales").filter("day = 3").agg(sql.sum("id")).collect()[0][0]
seen["committer"] = committer_of("sales")
numbers.limit(1000).write.mode("overwrite").partitionBy("day").parquet(f"{root}/sales")
seen["overwritten"] = rows("sales")
numbers.limit(10).write.mode("append").partitionBy("day").parquet(f"{root}/sales")
seen["appended"] = rows("sales")
spark.read.parquet(f"{root}/sales").createOrReplaceTempView("sales")
seen["query"] = spark.sql("SELECT day, count(*) c FROM sales GROUP BY day ORDER BY day").collect()[0]["c"]
seen["renamed"] = files.rename(path(f"{root}/sales"), path(f"{root}/moved"))
seen["source is gone"] = not files.exists(path(f"{root}/sales"))
seen["after rename"] = rows("moved")
seen["names"] = sorted(status.getPath().getName() for status in files.listStatus(path(f"{root}/moved")))
# A directory that holds nothing, and one that goes when its last file does.
seen["mkdirs"] = files.mkdirs(path(f"{root}/empty/deep")) and files.getFileStatus(path(f"{root}/empty/deep")).isDirectory()
seen["deleted"] = files.delete(path(f"{root}/moved"), True) and not files.exists(path(f"{root}/moved"))
# The other committers: S3A's staging ones (multipart uploads that the job completes), and renames.
hadoop = spark.sparkContext._jsc.hadoopConfiguration()
for name in ("directory", "partitioned", "file"):
    hadoop.set("fs.s3a.committer.name", name)
    hadoop.set("fs.s3a.committer.staging.conflict-mode", "append")
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "static")
    table = f"by-{name}"
    numbers.limit(3000).write.mode("append").partitionBy("day").parquet(f"{root}/{table}")
    numbers.limit(300).write.mode("append").partitionBy("day").parquet(f"{root}/{table}")
    seen[name] = [committer_of(table), rows(table), len(files.listStatus(path(f"{root}/{table}")))]
    files.delete(path(f"{root}/{table}"), True)
spark.stop()
print("SEEN " + json.dumps(seen))
