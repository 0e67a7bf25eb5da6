"""Hive with local MapReduce over S3A, its metastore embedded (Derby): what Hive does to directories of a lake."""

from __future__ import annotations

import os
import pathlib
import subprocess
from xml.sax.saxutils import escape

from artifacts import fetch_all
from lake import Lake

HIVE, HADOOP, AWS_SDK = "4.0.1", "3.3.6", "1.12.367"
ARTIFACTS = [
    f"org.apache.hive:hive-standalone-metastore-server:{HIVE}", "org.datanucleus:datanucleus-api-jdo:5.2.8",
    "org.datanucleus:datanucleus-core:5.2.10", "org.datanucleus:datanucleus-rdbms:5.2.10", "org.datanucleus:javax.jdo:3.2.0-release",
    f"org.apache.hive:hive-cli:{HIVE}", f"org.apache.hive:hive-exec:{HIVE}", "org.apache.tez:tez-dag:0.10.4", "org.apache.derby:derby:10.14.2.0",
    "commons-collections:commons-collections:3.2.2", "org.antlr:antlr-runtime:3.5.2", f"org.apache.hadoop:hadoop-aws:{HADOOP}", f"org.apache.hadoop:hadoop-common:{HADOOP}",
    f"org.apache.hadoop:hadoop-hdfs:{HADOOP}", f"org.apache.hadoop:hadoop-hdfs-client:{HADOOP}", f"org.apache.hadoop:hadoop-mapreduce-client-jobclient:{HADOOP}",
    f"org.apache.hadoop:hadoop-mapreduce-client-common:{HADOOP}", f"org.apache.hadoop:hadoop-yarn-server-web-proxy:{HADOOP}",
]  # fmt: skip
# The shaded client stands for classes that the others bring themselves.
EXCLUDED = ("org.slf4j:slf4j-reload4j", "ch.qos.reload4j:reload4j", "org.apache.hadoop:hadoop-client-api", "org.apache.hadoop:hadoop-client-runtime")
OPENED = ("java.base/java.lang", "java.base/java.util", "java.base/java.io", "java.base/java.net", "java.base/java.nio",
          "java.base/java.util.concurrent", "java.base/java.util.concurrent.atomic", "java.base/java.util.regex", "java.base/java.time",
          "java.sql/java.sql", "java.base/java.lang.reflect", "java.base/java.text", "java.base/sun.nio.ch")  # fmt: skip
TIMEOUT_S = 900

# Each SELECT begins its one row with a word of its own.
SCRIPT = """
CREATE DATABASE lake LOCATION 's3a://{b}/external' MANAGEDLOCATION 's3a://{b}/managed';
USE lake;
CREATE EXTERNAL TABLE sales (id INT, amount INT) PARTITIONED BY (day STRING) STORED AS ORC;
INSERT INTO sales PARTITION (day='mon') VALUES (1, 10), (2, 20), (3, 30);
INSERT INTO sales PARTITION (day='tue') VALUES (4, 40);
SELECT 'inserted', count(*), sum(amount) FROM sales;
INSERT OVERWRITE TABLE sales PARTITION (day='mon') SELECT id, amount + 1 FROM sales WHERE day='mon' AND id < 3;
SELECT 'overwritten', count(*), sum(amount) FROM sales;
CREATE EXTERNAL TABLE by_day (id INT) PARTITIONED BY (day STRING) STORED AS PARQUET;
INSERT INTO by_day PARTITION (day) SELECT id, day FROM sales;
SELECT 'dynamic', count(DISTINCT day), count(*) FROM by_day;
ALTER TABLE by_day PARTITION (day='mon') RENAME TO PARTITION (day='sunday');
SELECT 'renamed', count(*), max(id) FROM by_day WHERE day='sunday';
ALTER TABLE by_day DROP PARTITION (day='tue');
SELECT 'dropped', count(*), max(id) FROM by_day;
CREATE EXTERNAL TABLE found (id INT, amount INT) PARTITIONED BY (day STRING) STORED AS ORC LOCATION 's3a://{b}/external/sales';
MSCK REPAIR TABLE found;
SELECT 'repaired', count(*), sum(amount) FROM found;
CREATE EXTERNAL TABLE lines (line STRING) STORED AS TEXTFILE;
INSERT OVERWRITE DIRECTORY 's3a://{b}/exported' SELECT day FROM sales ORDER BY day;
LOAD DATA INPATH 's3a://{b}/exported' INTO TABLE lines;
SELECT 'loaded', count(*), max(line) FROM lines;
CREATE TABLE kept STORED AS ORC TBLPROPERTIES ('transactional'='false') AS SELECT id, sum(amount) AS amount FROM sales GROUP BY id;
SELECT 'created as', count(*), sum(amount) FROM kept;
DROP TABLE kept;
TRUNCATE TABLE lines FORCE;
SELECT 'truncated', count(*), 0 FROM lines;
"""
EXPECTED = {
    "inserted": "4 100", "overwritten": "3 72", "dynamic": "2 3", "renamed": "2 2", "dropped": "2 2", "repaired": "3 72",
    "loaded": "3 tue", "created as": "3 72", "truncated": "0 0",
}  # fmt: skip
TOTAL = len(EXPECTED) + 2


def settings(lake: Lake) -> str:
    own = lake.directory / "hive"
    values = {
        "fs.s3a.endpoint": lake.url, "fs.s3a.endpoint.region": "us-east-1", "fs.s3a.path.style.access": "true", "fs.s3a.access.key": lake.access_key,
        "fs.s3a.secret.key": lake.secret_key, "fs.s3a.connection.ssl.enabled": "false",
        "javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={own}/metastore;create=true",
        "javax.jdo.option.ConnectionDriverName": "org.apache.derby.jdbc.EmbeddedDriver",
        "datanucleus.schema.autoCreateAll": "true", "hive.metastore.schema.verification": "false", "hive.metastore.uris": "",
        "hive.execution.engine": "mr", "mapreduce.framework.name": "local", "hive.exec.scratchdir": f"{own}/scratch",
        "hive.exec.local.scratchdir": f"{own}/local", "hive.stats.autogather": "false", "hive.exec.dynamic.partition.mode": "nonstrict",
        "hive.cli.print.header": "false", "hadoop.tmp.dir": f"{own}/hadoop", "hive.metastore.warehouse.dir": f"s3a://{lake.bucket}/managed",
        "hive.metastore.warehouse.external.dir": f"s3a://{lake.bucket}/external", "hive.strict.managed.tables": "false",
        "metastore.metastore.event.db.notification.api.auth": "false", "hive.fetch.task.conversion": "more",
        "hive.metastore.event.db.notification.api.auth": "false", "hive.notification.event.poll.interval": "0s",
    }  # fmt: skip
    rows = "".join(f"<property><name>{name}</name><value>{escape(value)}</value></property>" for name, value in values.items())
    return f"<configuration>{rows}</configuration>"


def run(lake: Lake, work: pathlib.Path, java: str) -> list[str]:
    jars = fetch_all(ARTIFACTS, work / f"hive-{HIVE}", excluded=EXCLUDED)
    own = lake.directory / "hive"
    (own / "conf").mkdir(parents=True)
    (own / "conf" / "hive-site.xml").write_text(settings(lake))
    (own / "script.sql").write_text(SCRIPT.replace("{b}", lake.bucket))
    first = [jar for jar in jars if jar.name.startswith(("commons-collections-3", "antlr-runtime-3.5"))]
    path = ":".join(map(str, [own / "conf", *first, *(jar for jar in jars if jar not in first)]))
    done = subprocess.run(
        [java, "-Xmx1500m", *(f"--add-opens={name}=ALL-UNNAMED" for name in OPENED), "-cp", path, "org.apache.hadoop.hive.cli.CliDriver",
         "-f", str(own / "script.sql")],
        cwd=own, env=os.environ | {"AWS_JAVA_V1_DISABLE_DEPRECATION_ANNOUNCEMENT": "true"}, capture_output=True, text=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    failed = [] if done.returncode == 0 else [f"ended with {done.returncode}: {done.stderr[-3000:]}"]
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    for word, expected in EXPECTED.items():
        seen = [" ".join(row[1:]) for row in rows if row[0] == word]
        if seen != [expected]:
            failed.append(f"{word}: {seen} and not {expected}")
    left = [key for key in lake.keys() if "staging" in key or "_tmp" in key or key.startswith("managed/lake.db/kept/")]
    if left:
        failed.append(f"left behind: {left[:5]}")
    return failed
