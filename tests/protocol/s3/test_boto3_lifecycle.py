"""Lifecycle rules: set and read by boto3, executed in the background, shown before by the command line."""

import datetime
import re
import time

import pytest

from s3_clients import boto_client, keys, refused

DAY_S = 3  # of the server whose days are short


def until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert met


@pytest.fixture(scope="module")
def quick(make_server):
    """A server whose days are short."""
    return make_server("lifecycle", "--lifecycle-interval", "100ms", "--lifecycle-day", f"{DAY_S}s")


@pytest.fixture
def quick_s3(quick):
    return boto_client(quick)


@pytest.fixture
def quick_bucket(quick_s3, bucket_name):
    quick_s3.create_bucket(Bucket=bucket_name)
    return bucket_name


def rule(name, prefix="", **actions):
    return {"ID": name, "Filter": {"Prefix": prefix}, "Status": "Enabled"} | actions


def configure(s3, bucket, *rules, **more):
    return s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": list(rules)}, **more)


def test_rules_read_back_as_they_were_put(s3, bucket):
    rules = [
        {"ID": "old form", "Prefix": "a/", "Status": "Disabled", "Expiration": {"Days": 1}},
        rule("all", NoncurrentVersionExpiration={"NoncurrentDays": 3, "NewerNoncurrentVersions": 2},
             AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7}),
        {"ID": "and", "Status": "Enabled", "Filter": {"And": {"Prefix": "b/", "Tags": [{"Key": "k", "Value": "v"}],
                                                             "ObjectSizeGreaterThan": 1, "ObjectSizeLessThan": 9}},
         "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 90, "StorageClass": "GLACIER"}],
         "Expiration": {"Days": 365}},
        {"ID": "date", "Status": "Enabled", "Filter": {"Tag": {"Key": "k", "Value": "v"}},
         "Expiration": {"Date": datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)}},
        rule("markers", Expiration={"ExpiredObjectDeleteMarker": True}),
    ]  # fmt: skip
    put = configure(s3, bucket, *rules)
    assert put["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
    got = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert sorted(got["Rules"], key=lambda one: one["ID"]) == sorted(rules, key=lambda one: one["ID"])
    s3.delete_bucket_lifecycle(Bucket=bucket)
    with refused("NoSuchLifecycleConfiguration", 404):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)


@pytest.mark.parametrize(
    "code, bad",
    [
        ("InvalidArgument", rule("x" * 256, Expiration={"Days": 1})),
        ("InvalidArgument", rule("a", Expiration={"Days": 0})),
        ("InvalidArgument", rule("a", Expiration={"Date": "2030-01-01T01:00:00Z"})),
        ("InvalidArgument", rule("a", Transitions=[{"Days": 29, "StorageClass": "STANDARD_IA"}])),
        ("InvalidArgument", rule("a", Transitions=[{"Days": 9, "StorageClass": "GLACIER"}], Expiration={"Days": 9})),
        ("InvalidRequest", rule("a")),
        ("MalformedXML", rule("a", Expiration={"Days": 1}) | {"Status": "enabled"}),
        ("MalformedXML", rule("a", Transitions=[{"Days": 9, "StorageClass": "WARM"}])),
    ],
)
def test_bad_rules_are_refused_with_amazons_codes(s3, bucket, code, bad):
    configure(s3, bucket, rule("good", Expiration={"Days": 7}))
    with refused(code, 400):
        configure(s3, bucket, bad)
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["ID"] == "good"


def test_objects_tell_when_they_expire(s3, bucket, put):
    configure(s3, bucket, rule("the rule", "logs/", Expiration={"Days": 2}))
    answer = put("logs/a")["Expiration"]
    date, name = re.fullmatch(r'expiry-date="(.+)", rule-id="(.+)"', answer).groups()
    assert name == "the%20rule"
    expires = datetime.datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT")
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    assert datetime.timedelta(days=2) - datetime.timedelta(minutes=1) <= expires - now <= datetime.timedelta(days=3)
    assert expires.time() == datetime.time(0)
    assert s3.head_object(Bucket=bucket, Key="logs/a")["Expiration"] == answer
    assert s3.get_object(Bucket=bucket, Key="logs/a")["Expiration"] == answer
    assert "Expiration" not in put("other")


def test_what_has_expired_goes_and_is_audited(quick, quick_s3, quick_bucket):
    for key in ("logs/a", "logs/b", "kept/a"):
        quick_s3.put_object(Bucket=quick_bucket, Key=key, Body=b"12345")
    configure(quick_s3, quick_bucket, rule("short", "logs/", Expiration={"Days": 1}),
              rule("never", "kept/", Expiration={"Days": 1000}))  # fmt: skip
    until(lambda: keys(quick_s3.list_objects_v2(Bucket=quick_bucket)) == ["kept/a"])
    assert not (quick.objects / quick_bucket / "logs").exists()
    status = next(
        one for one in quick.run_json("policy", "lifecycle")["lifecycles"] if one["bucket"] == quick_bucket
    )
    assert [one["id"] for one in status["rules"]] == ["short", "never"]
    assert status["last"]["scanned"] >= 1
    quick.run_json("audit", "verify")
    quick_s3.put_object(Bucket=quick_bucket, Key="logs/c", Body=b"x")
    until(lambda: keys(quick_s3.list_objects_v2(Bucket=quick_bucket)) == ["kept/a"])


def test_a_plan_tells_before_what_would_go(quick, quick_s3, quick_bucket):
    quick_s3.put_object(Bucket=quick_bucket, Key="logs/a", Body=b"12345")
    configure(quick_s3, quick_bucket, rule("yearly", "logs/", Expiration={"Days": 365}))
    now = quick.run_json("policy", "lifecycle", quick_bucket)
    assert now["totals"] == [] and now["rows"] == [] and now["next"] > now["at"]
    then = quick.run_json("policy", "lifecycle", quick_bucket, "--at", "2100-01-01")
    assert then["totals"] == [
        {"rule": "yearly", "action": "expire", "class": "", "objects": 1, "bytes": 5}
    ]
    assert then["rows"][0]["path"] == f"/{quick_bucket}/logs/a"
    text = quick.run("policy", "lifecycle", quick_bucket, "--at", "2100-01-01").stdout
    assert "expire 1 objects" in text and "expire after 365 d" in text
    assert quick_bucket in quick.run("policy", "lifecycle").stdout
    assert quick_bucket in quick.run("policy", "status").stdout
    assert quick.run("policy", "lifecycle", quick_bucket, "--at", "soon", check=False).returncode == 1
    assert keys(quick_s3.list_objects_v2(Bucket=quick_bucket)) == ["logs/a"]


def test_left_uploads_are_aborted(quick_s3, quick_bucket):
    for key in ("up/a", "down/a"):
        quick_s3.create_multipart_upload(Bucket=quick_bucket, Key=key)
    configure(quick_s3, quick_bucket, rule("up", "up/", AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1}))

    def left():
        return [one["Key"] for one in quick_s3.list_multipart_uploads(Bucket=quick_bucket).get("Uploads", [])]

    until(lambda: left() == ["down/a"])


def test_objects_change_their_class(quick_s3, quick_bucket):
    quick_s3.put_object(Bucket=quick_bucket, Key="a", Body=b"12345")
    configure(quick_s3, quick_bucket, rule("cool", Transitions=[{"Days": 1, "StorageClass": "GLACIER"},
                                                               {"Days": 2, "StorageClass": "DEEP_ARCHIVE"}]))  # fmt: skip
    seen = []

    def class_now():
        seen.append(quick_s3.head_object(Bucket=quick_bucket, Key="a").get("StorageClass", "STANDARD"))
        return seen[-1]

    until(lambda: class_now() == "DEEP_ARCHIVE")
    assert list(dict.fromkeys(seen)) in (["STANDARD", "GLACIER", "DEEP_ARCHIVE"], ["STANDARD", "DEEP_ARCHIVE"])
    assert quick_s3.get_object(Bucket=quick_bucket, Key="a")["Body"].read() == b"12345"


def test_noncurrent_versions_and_lone_markers_go(quick_s3, quick_bucket):
    quick_s3.put_bucket_versioning(Bucket=quick_bucket, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2", b"3"):
        quick_s3.put_object(Bucket=quick_bucket, Key="kept", Body=body)
    quick_s3.put_object(Bucket=quick_bucket, Key="gone", Body=b"1")
    quick_s3.delete_object(Bucket=quick_bucket, Key="gone")

    def versions():
        page = quick_s3.list_object_versions(Bucket=quick_bucket)
        return [one["Key"] for one in page.get("Versions", [])], [one["Key"] for one in page.get("DeleteMarkers", [])]

    assert versions() == (["gone", "kept", "kept", "kept"], ["gone"])
    configure(quick_s3, quick_bucket, rule("old", NoncurrentVersionExpiration={"NoncurrentDays": 1}))
    until(lambda: versions() == (["kept"], ["gone"]))
    configure(quick_s3, quick_bucket, rule("markers", Expiration={"ExpiredObjectDeleteMarker": True}))
    until(lambda: versions() == (["kept"], []))
    assert quick_s3.get_object(Bucket=quick_bucket, Key="kept")["Body"].read() == b"3"
