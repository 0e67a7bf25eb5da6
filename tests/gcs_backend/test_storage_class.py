"""A placement asks for a storage class: what is in the bucket already is rewritten in place, once, by its generation.

The bucket is another Beringia's, over its GCS door (tests/gcs_backend/test_bucket_properties.py says why).
"""

import json
import pathlib
import sys
import urllib.parse
import urllib.request

import pytest

from test_bucket_properties import ESTATE, Google, make_process, wait_until  # noqa: F401

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "faults"))
from fault_proxy import FaultProxy, Rule  # noqa: E402

POLICY = """
[[policy]]
name = "colder"
when = 'path.startsWith("/data/")'
place = [{ backend = "cloud", class = "NEARLINE" }]
"""
KEYS = ("one", "two", "three")


@pytest.fixture
def cloud(make_process):  # noqa: F811
    process = make_process()
    process.start()
    google = Google(process)
    google.make_bucket("lake-bucket")
    return google


def resources(cloud):
    listed = cloud.call("GET", "/storage/v1/b/lake-bucket/o?prefix=lake/data/")
    return {one["name"].rpartition("/")[2]: one for one in listed.get("items", []) if not one["name"].endswith("/")}


def put_natively(cloud, key, body):
    name = urllib.parse.quote(f"lake/data/{key}", safe="")
    request = urllib.request.Request(f"{cloud.endpoint}/upload/storage/v1/b/lake-bucket/o?uploadType=media&name={name}", body,
                                     {"Authorization": f"Bearer {cloud.token}", "Content-Type": "text/plain"})  # fmt: skip
    return json.loads(urllib.request.urlopen(request, timeout=30).read())


def mounted(process, cloud, proxy):
    process.start("--move-grace", "0s")
    estate = ESTATE.format(bucket="lake-bucket", endpoint=f"http://127.0.0.1:{proxy.port}", key=cloud.key)
    (process.directory / "lake.toml").write_text(estate.replace('"exclusive"', '"shared"'))
    process.run("apply", "lake.toml", "--yes")
    process.s3().create_bucket(Bucket="data")
    for key in KEYS:
        process.s3().put_object(Bucket="data", Key=key, Body=key.encode())
    (process.directory / "lake.toml").write_text(estate.replace('"exclusive"', '"shared"') + POLICY)
    process.run("apply", "lake.toml", "--yes")


def body_of(process, key):
    return process.s3().get_object(Bucket="data", Key=key)["Body"].read()


def rewrites(proxy):
    """(name, conditions, status) of what was rewritten in place."""
    found = []
    for method, target, status in proxy.answers:
        if method == "POST" and "/rewriteTo/" in target and "/lake%2Fdata%2F" in target:
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)
            found.append((urllib.parse.unquote(target.rpartition("/o/")[2].partition("?")[0]).rpartition("/")[2],
                          query["ifGenerationMatch"], query["ifSourceGenerationMatch"], status))  # fmt: skip
    return found


@pytest.mark.parametrize("lost", [False, True])
def test_objects_are_rewritten_in_place_by_their_generation(make_process, cloud, lost):  # noqa: F811
    process = make_process()
    with FaultProxy("127.0.0.1", cloud.process.gcs_port) as proxy:
        mounted(process, cloud, proxy)
        before = resources(cloud)
        etags = {key: process.s3().head_object(Bucket="data", Key=key)["ETag"] for key in KEYS}
        if lost:
            proxy.add(Rule("drop_reply", method="POST", path="/rewriteTo/"))
        plan = process.json("policy", "plan")
        process.run("policy", "apply", plan["id"])
        after = resources(cloud)
        assert {one["storageClass"] for one in before.values()} == {"STANDARD"}
        assert {one["storageClass"] for one in after.values()} == {"NEARLINE"}
        done = [one for one in rewrites(proxy) if one[3] == 200]
        assert sorted(done) == sorted((key, [before[key]["generation"]], [before[key]["generation"]], 200) for key in KEYS)
        for key in KEYS:
            assert body_of(process, key) == key.encode()
            assert process.s3().head_object(Bucket="data", Key=key)["ETag"] == etags[key]
        again = process.json("policy", "plan")
        process.run("policy", "apply", again["id"])
        assert [one["generation"] for one in resources(cloud).values()] == [one["generation"] for one in after.values()]
        assert process.terminate() == 0


def test_what_somebody_overwrites_meanwhile_is_theirs(make_process, cloud):  # noqa: F811
    process = make_process()
    with FaultProxy("127.0.0.1", cloud.process.gcs_port) as proxy:
        mounted(process, cloud, proxy)
        plan = process.json("policy", "plan")
        rule = proxy.add(Rule("pass", method="POST", path="/rewriteTo/.*two",
                              before=lambda *_: put_natively(cloud, "two", b"theirs")))  # fmt: skip
        process.run("policy", "apply", plan["id"], check=False)
        assert rule.acted == 1
        wait_until(lambda: body_of(process, "two") == b"theirs")
        after = resources(cloud)
        assert after["one"]["storageClass"] == after["three"]["storageClass"] == "NEARLINE"
        assert after["two"]["size"] == str(len(b"theirs"))
        assert body_of(process, "one") == b"one" and body_of(process, "three") == b"three"
        assert process.terminate() == 0
