"""The Flink side of flink.py: flink_job.py SETTINGS, a JSON object: url, access_key, secret_key, root, plugin."""

import json
import os
import pathlib
import shutil
import sys

import pyflink

settings = json.loads(sys.argv[1])
# Found by the service loader of the class path: the job's own JVM has no directory of plugins.
shutil.copy(settings["plugin"], pathlib.Path(pyflink.__path__[0]) / "lib")
own = pathlib.Path.cwd()
values = {
    "s3.endpoint": settings["url"], "s3.path.style.access": "true", "s3.access-key": settings["access_key"], "s3.secret-key": settings["secret_key"],
    "s3.endpoint.region": "us-east-1", "rest.address": "127.0.0.1", "rest.bind-address": "127.0.0.1",
}  # fmt: skip
(own / "config.yaml").write_text("".join(f"{name}: {value}\n" for name, value in values.items()))
os.environ["FLINK_CONF_DIR"] = str(own)

from pyflink.common import Configuration  # noqa: E402
from pyflink.java_gateway import get_gateway  # noqa: E402
from pyflink.table import EnvironmentSettings, TableEnvironment  # noqa: E402

flink = get_gateway().jvm.org.apache.flink
flink.core.fs.FileSystem.initialize(flink.configuration.GlobalConfiguration.loadConfiguration(str(own)), None)
configuration = Configuration()
for name, value in (values | {"parallelism.default": "2", "execution.checkpointing.interval": "1s"}).items():
    configuration.set_string(name, value)
root = settings["root"]
seen = {}


def environment(mode):
    return TableEnvironment.create(getattr(EnvironmentSettings.new_instance().with_configuration(configuration), mode)().build())


def numbers(tables, count):
    tables.execute_sql(
        "CREATE TEMPORARY TABLE numbers (id BIGINT) WITH ('connector' = 'datagen', 'fields.id.kind' = 'sequence', "
        f"'fields.id.start' = '0', 'fields.id.end' = '{count - 1}', 'number-of-rows' = '{count}')"
    )


def files(tables, name):
    tables.execute_sql(
        f"CREATE TEMPORARY TABLE {name} (id BIGINT, part BIGINT) PARTITIONED BY (part) WITH ('connector' = 'filesystem', "
        f"'path' = '{root}/{name}', 'format' = 'csv', 'sink.partition-commit.policy.kind' = 'success-file')"
    )


def rows(tables, query):
    with tables.execute_sql(query).collect() as answer:
        return [list(row) for row in answer]


batch = environment("in_batch_mode")
numbers(batch, 10_000)
files(batch, "batch")
batch.execute_sql("INSERT INTO batch SELECT id, MOD(id, 5) FROM numbers").wait()
seen["batch"] = rows(batch, "SELECT COUNT(*), SUM(id) FROM batch")[0]
seen["partitions"] = rows(batch, "SELECT COUNT(DISTINCT part) FROM batch")[0][0]
stream = environment("in_streaming_mode")
numbers(stream, 20_000)
files(stream, "streamed")
stream.execute_sql("INSERT INTO streamed SELECT id, MOD(id, 5) FROM numbers").wait()
files(batch, "streamed")
seen["streamed"] = rows(batch, "SELECT COUNT(*) FROM streamed")[0][0]
print("SEEN " + json.dumps(seen))
