"""What a Spark job does to a lake over gs:// with Google's connector; tells what it saw as one line of JSON.

spark_gcs_job.py SETTINGS, a JSON object: url, key_file, root (gs://BUCKET/PATH), jars
"""

import json
import sys

from spark_lake import Lake, session

settings = json.loads(sys.argv[1])
CONNECTOR = {
    "fs.gs.impl": "com.google.cloud.hadoop.fs.gcs.GoogleHadoopFileSystem",
    "fs.AbstractFileSystem.gs.impl": "com.google.cloud.hadoop.fs.gcs.GoogleHadoopFS",
    "fs.gs.storage.root.url": settings["url"] + "/", "fs.gs.token.server.url": settings["url"] + "/token", "fs.gs.project.id": "any",
    "fs.gs.auth.type": "SERVICE_ACCOUNT_JSON_KEYFILE", "fs.gs.auth.service.account.json.keyfile": settings["key_file"],
    "google.cloud.auth.service.account.enable": "true", "google.cloud.auth.service.account.json.keyfile": settings["key_file"],
}  # fmt: skip

spark = session(settings["jars"], {f"spark.hadoop.{name}": value for name, value in CONNECTOR.items()})
lake = Lake(spark, settings["root"])
seen = lake.use()
jvm, files = lake.jvm, lake.files


def put(name, text, overwrite=True):
    stream = files.create(lake.path(name), overwrite)
    stream.write(bytearray(text.encode()))
    stream.close()


# What the connector does by other calls than tables do: ranges, appends and concatenation by compose, attributes.
put("part-1", "one,")
put("part-2", "two")
stream = files.open(lake.path("part-1"))
stream.seek(2)
seen["range"] = chr(stream.read())
stream.close()
appended = files.append(lake.path("part-1"))
appended.write(bytearray(b"more,"))
appended.close()
seen["file after append"] = lake.text_of("part-1")
sources = spark.sparkContext._gateway.new_array(jvm.org.apache.hadoop.fs.Path, 1)
sources[0] = lake.path("part-2")
files.concat(lake.path("part-1"), sources)
seen["file after concat"] = lake.text_of("part-1")
try:
    put("part-1", "never", overwrite=False)
    seen["no overwrite"] = "written"
except Exception as refused:  # noqa: BLE001 - the JVM's exception, by name
    seen["no overwrite"] = refused.java_exception.getClass().getSimpleName()
files.setXAttr(lake.path("part-1"), "team", bytearray(b"sales"))
seen["attribute"] = bytes(files.getXAttr(lake.path("part-1"), "team")).decode()
summary = files.getContentSummary(lake.path(""))
seen["summary"] = [summary.getFileCount(), summary.getLength()]
seen["glob"] = [status.getPath().getName() for status in files.globStatus(lake.path("part-*"))]
spark.stop()
print("SEEN " + json.dumps(seen))
