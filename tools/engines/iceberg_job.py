"""The Spark side of iceberg.py: iceberg_job.py SETTINGS, a JSON object: url, access_key, secret_key, root, jars."""

import json
import os
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as sql

settings = json.loads(sys.argv[1])
os.environ |= {"AWS_REGION": "us-east-1"}
options = {
    "spark.jars": ",".join(settings["jars"]), "spark.driver.memory": "1500m", "spark.ui.enabled": "false", "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1", "spark.sql.shuffle.partitions": "2",
    "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
    "spark.sql.catalog.lake.catalog-impl": "org.apache.iceberg.inmemory.InMemoryCatalog",
    "spark.sql.catalog.lake.io-impl": "org.apache.iceberg.aws.s3.S3FileIO", "spark.sql.catalog.lake.warehouse": settings["root"],
    "spark.sql.catalog.lake.s3.endpoint": settings["url"], "spark.sql.catalog.lake.s3.path-style-access": "true",
    "spark.sql.catalog.lake.s3.access-key-id": settings["access_key"], "spark.sql.catalog.lake.s3.secret-access-key": settings["secret_key"],
}  # fmt: skip
builder = SparkSession.builder.master("local[2]")
for name, value in options.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
seen = {}


def one(query):
    return spark.sql(query).collect()[0][0]


table = "lake.db.sales"
spark.sql("CREATE NAMESPACE lake.db")
spark.range(10_000).selectExpr("id", "id % 5 AS part", "'new' AS state").writeTo(table).partitionedBy(sql.col("part")).create()
first = one(f"SELECT snapshot_id FROM {table}.snapshots")
seen["created"] = list(spark.sql(f"SELECT count(*), sum(id) FROM {table}").collect()[0])
seen["by partition"] = one(f"SELECT count(*) FROM {table} WHERE part = 3")
spark.sql(f"UPDATE {table} SET state = 'changed' WHERE id < 500")
seen["updated"] = one(f"SELECT count(*) FROM {table} WHERE state = 'changed'")
spark.sql(f"DELETE FROM {table} WHERE id >= 9000")
seen["deleted"] = one(f"SELECT count(*) FROM {table}")
spark.range(8_500, 10_500).selectExpr("id", "id % 5 AS part", "'merged' AS state").createOrReplaceTempView("more")
spark.sql(f"MERGE INTO {table} t USING more m ON t.id = m.id WHEN MATCHED THEN UPDATE SET t.state = m.state WHEN NOT MATCHED THEN INSERT *")
seen["merged"] = one(f"SELECT count(*) FROM {table}")
seen["as it was"] = one(f"SELECT count(*) FROM {table} VERSION AS OF {first}")
spark.sql(f"ALTER TABLE {table} CREATE BRANCH trial")
spark.sql(f"INSERT INTO {table}.branch_trial VALUES (99999, 0, 'on a branch')")
seen["branch"] = one(f"SELECT count(*) FROM {table} VERSION AS OF 'trial'")
seen["main"] = one(f"SELECT count(*) FROM {table}")
spark.sql("CALL lake.system.rewrite_data_files(table => 'db.sales')")
seen["rewritten"] = one(f"SELECT count(*) FROM {table}")
seen["of this store"] = one(f"SELECT min(file_path LIKE 's3://%') FROM {table}.files")
spark.sql(f"DROP TABLE {table} PURGE")
print("SEEN " + json.dumps(seen))
