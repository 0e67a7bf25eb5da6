"""Native accesses that Google logged come into the one trail, which stays whole."""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / "cli"), str(ROOT / "tests" / "audit")]

from processes import make_process  # noqa: E402, F401
from test_audit import entries_of  # noqa: E402

ESTATE = """\
[[backend]]
name = "cloud"
url = "gs://archive/lake"
endpoint = "http://127.0.0.1:1"
credentials = "none"

[[mount]]
path = "/cold/"
locations = ["cloud"]
"""


def entry(number, method="storage.objects.get", who="bq@acme.iam.gserviceaccount.com", code=0, service="storage.googleapis.com"):
    return {
        "protoPayload": {
            "serviceName": service, "methodName": method, "status": {"code": code} if code else {},
            "authenticationInfo": {"principalEmail": who}, "requestMetadata": {"callerIp": "203.0.113.9"},
            "authorizationInfo": [{"permission": method, "granted": code != 7}],
            "resourceName": f"projects/_/buckets/archive/objects/lake/part-{number:05}",
        },
        "insertId": f"id-{number}", "timestamp": f"2026-03-04T05:06:{number % 60:02}.5Z",
    }  # fmt: skip


def test_native_accesses_are_in_the_trail(make_process):  # noqa: F811
    process = make_process()
    process.start()
    (process.directory / "lake.toml").write_text(ESTATE)
    process.run("apply", "lake.toml")
    entries = [entry(n) for n in range(12_000)]
    entries += [entry(20_000, "storage.objects.delete", code=7), entry(20_001, service="bigquery.googleapis.com"),
                entry(20_002, who="lake@acme.iam.gserviceaccount.com")]  # fmt: skip
    file = process.directory / "export.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in entries) + "\n")
    told = process.json("audit", "ingest", str(file), "--except", "lake@acme.iam.gserviceaccount.com")
    assert told == {"recorded": 12_001, "repeated": 0, "other_services": 1, "excepted": 1, "faulty": 0, "first_fault": ""}

    verified = process.json("audit", "verify")
    assert verified["whole"] and verified["records"] >= 12_001
    process.terminate()  # nothing is written while it is read
    native = [text for text in map(json.dumps, entries_of(process.data / "audit")) if "gcs-native" in text]
    assert len(native) == 12_001
    assert any("/cold/part-00007" in text and "bq@acme" in text and "203.0.113.9" in text for text in native)
    assert any("/cold/part-20000" in text and '"deny"' in text for text in native)
    assert not any("lake@acme" in text for text in native)


def test_a_file_taken_over_twice_is_recorded_once(make_process):  # noqa: F811
    process = make_process()
    process.start()
    file = process.directory / "export.jsonl"
    file.write_text("\n".join(json.dumps(entry(n)) for n in range(300)) + "\n")
    assert process.json("audit", "ingest", str(file))["recorded"] == 300
    process.terminate()
    process.start()
    with file.open("a") as more:
        more.write(json.dumps(entry(300)) + "\n")
    told = process.json("audit", "ingest", str(file))
    assert (told["recorded"], told["repeated"]) == (1, 300)
    process.terminate()
    native = [text for text in map(json.dumps, entries_of(process.data / "audit")) if "gcs-native" in text]
    assert len(native) == 301


def test_damaged_lines_are_told_and_the_others_recorded(make_process):  # noqa: F811
    process = make_process()
    process.start()
    file = process.directory / "export.jsonl"
    file.write_text(json.dumps(entry(1)) + "\n\n{broken\n" + json.dumps(entry(2)) + "\n")
    done = process.run("audit", "ingest", str(file), "--json", check=False)
    told = json.loads(done.stdout)
    assert done.returncode == 1 and told["recorded"] == 2 and told["faulty"] == 1, done
    assert "line 3" in told["first_fault"]
    missing = process.run("audit", "ingest", str(process.directory / "nothing"), check=False)
    assert missing.returncode == 1 and "cannot read" in missing.stderr
