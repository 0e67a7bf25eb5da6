"""What a Spark job does to a lake over S3A with its committers; tells what it saw as one line of JSON.

spark_job.py SETTINGS, a JSON object: url, access_key, secret_key, root (s3a://BUCKET/PATH), jars
"""

import json
import sys

from spark_lake import Lake, session

settings = json.loads(sys.argv[1])
CLOUD = "org.apache.spark.internal.io.cloud."
S3A = {
    "endpoint": settings["url"], "endpoint.region": "us-east-1", "path.style.access": "true", "access.key": settings["access_key"],
    "secret.key": settings["secret_key"], "connection.ssl.enabled": "false", "committer.name": "magic", "committer.magic.enabled": "true",
}  # fmt: skip
COMMITTERS = {
    "spark.sql.sources.commitProtocolClass": CLOUD + "PathOutputCommitProtocol",
    "spark.sql.parquet.output.committer.class": CLOUD + "BindingParquetOutputCommitter",
}


def committer_of(success):
    """As _SUCCESS tells it; S3A's committers write JSON, Hadoop's own FileOutputCommitter nothing."""
    return json.loads(success)["committer"] if success else "file"


spark = session(settings["jars"], COMMITTERS | {f"spark.hadoop.fs.s3a.{name}": value for name, value in S3A.items()})
lake = Lake(spark, settings["root"])
seen = lake.use()
seen["committed by"] = committer_of(seen["committed by"])
# The other committers: S3A's staging ones (multipart uploads that the job completes), and renames.
hadoop = spark.sparkContext._jsc.hadoopConfiguration()
for name in ("directory", "partitioned", "file"):
    hadoop.set("fs.s3a.committer.name", name)
    hadoop.set("fs.s3a.committer.staging.conflict-mode", "append")
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "static")
    table = f"by-{name}"
    lake.write(table, 3000, "append")
    lake.write(table, 300, "append")
    seen[name] = [committer_of(lake.text_of(f"{table}/_SUCCESS")), lake.rows(table), len(lake.names(table))]
    lake.files.delete(lake.path(table), True)
spark.stop()
print("SEEN " + json.dumps(seen))
