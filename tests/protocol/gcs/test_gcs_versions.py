"""Object versioning over the JSON API, by google-cloud-storage; and both doors on the same versions."""

import google.api_core.exceptions as exceptions
import pytest


@pytest.fixture
def versioned(bucket):
    bucket.versioning_enabled = True
    bucket.patch()
    return bucket


def upload(bucket, name, body, **more):
    blob = bucket.blob(name)
    blob.upload_from_string(body, **more)
    return blob.generation


def generations(bucket, **more):
    return [(blob.name, blob.generation) for blob in bucket.client.list_blobs(bucket, versions=True, **more)]


def test_the_state_is_kept(bucket):
    bucket.reload()
    assert not bucket.versioning_enabled
    bucket.versioning_enabled = False
    bucket.patch()
    bucket.reload()
    assert "versioning" not in bucket._properties
    for state in (True, False, True):
        bucket.versioning_enabled = state
        bucket.patch()
        bucket.reload()
        assert bucket.versioning_enabled is state


def test_old_generations_stay_readable(versioned):
    one, two = upload(versioned, "k", "one"), upload(versioned, "k", "two")
    assert versioned.blob("k", generation=one).download_as_bytes() == b"one"
    assert versioned.blob("k").download_as_bytes() == b"two"
    old = versioned.get_blob("k", generation=one)
    assert (old.size, old.generation) == (3, one) and old.time_deleted is not None
    assert versioned.get_blob("k").time_deleted is None
    assert versioned.get_blob("k", generation=12345) is None
    assert generations(versioned) == [("k", one), ("k", two)]
    assert [blob.generation for blob in versioned.client.list_blobs(versioned)] == [two]
    with pytest.raises(exceptions.PreconditionFailed):
        versioned.blob("k", generation=one).download_as_bytes(if_generation_match=two)


def test_a_delete_keeps_and_a_named_delete_does_not(versioned):
    one, two = upload(versioned, "d/k", "one"), upload(versioned, "d/k", "two")
    versioned.blob("d/k").delete()
    assert versioned.get_blob("d/k") is None
    assert generations(versioned) == [("d/k", one), ("d/k", two)], "marks of deletions are not shown"
    with pytest.raises(exceptions.NotFound):
        versioned.blob("d/k").delete()
    versioned.blob("d/k", generation=two).delete()
    assert versioned.get_blob("d/k") is None, "nothing comes back by itself"
    with pytest.raises(exceptions.NotFound):
        versioned.blob("d/k", generation=two).delete()
    with pytest.raises(exceptions.Conflict):
        versioned.delete()
    versioned.blob("d/k", generation=one).delete()
    assert generations(versioned) == []
    three = upload(versioned, "k", "three")
    versioned.blob("k", generation=three).delete()
    versioned.delete()


def test_old_generations_are_sources(versioned):
    one = upload(versioned, "k", "one")
    upload(versioned, "k", "two")
    versioned.copy_blob(versioned.blob("k"), versioned, "copy", source_generation=one)
    assert versioned.blob("copy").download_as_bytes() == b"one"
    restored = versioned.copy_blob(versioned.blob("k"), versioned, "k", source_generation=one)
    assert versioned.blob("k").download_as_bytes() == b"one" and restored.generation > one
    target = versioned.blob("joined")
    target.compose([versioned.blob("k", generation=one), versioned.blob("copy")])
    assert target.download_as_bytes() == b"oneone"
    with pytest.raises(exceptions.NotFound):
        versioned.copy_blob(versioned.blob("k"), versioned, "none", source_generation=999)


def test_metadata_of_an_old_generation(versioned):
    one = upload(versioned, "k", "one")
    two = upload(versioned, "k", "two")
    old = versioned.blob("k", generation=one)
    old.metadata = {"a": "b"}
    old.patch()
    assert versioned.get_blob("k", generation=one).metadata == {"a": "b"}
    now = versioned.get_blob("k")
    assert (now.metadata, now.generation) == (None, two)


def test_lists_of_versions_come_in_pages(versioned):
    written = [(name, upload(versioned, name, "x")) for name in ("a", "b/1", "b/2", "c") for _ in range(3)]
    versioned.blob("b/2").delete()
    assert generations(versioned) == written
    assert sorted(generations(versioned, page_size=1)) == sorted(written)
    assert generations(versioned, prefix="b/") == [row for row in written if row[0].startswith("b/")]
    rows = versioned.client.list_blobs(versioned, versions=True, delimiter="/")
    assert [blob.name for blob in rows] == ["a"] * 3 + ["c"] * 3 and rows.prefixes == {"b/"}


def test_suspended_keeps_what_was_kept(versioned):
    one = upload(versioned, "k", "one")
    versioned.versioning_enabled = False
    versioned.patch()
    two = upload(versioned, "k", "two")
    assert generations(versioned) == [("k", one), ("k", two)], "what was written as a version stays"
    three = upload(versioned, "k", "three")
    assert generations(versioned) == [("k", one), ("k", three)]
    versioned.blob("k").delete()
    assert generations(versioned) == [("k", one)]


def test_both_doors_see_the_same_versions(s3, versioned):
    one = upload(versioned, "k", "by gcs")
    two = int(s3.put_object(Bucket=versioned.name, Key="k", Body=b"by s3")["VersionId"])
    assert generations(versioned) == [("k", one), ("k", two)]
    assert s3.get_object(Bucket=versioned.name, Key="k", VersionId=str(one))["Body"].read() == b"by gcs"
    versioned.blob("k").delete()
    marker = s3.list_object_versions(Bucket=versioned.name)["DeleteMarkers"][0]
    assert marker["IsLatest"]
    s3.delete_object(Bucket=versioned.name, Key="k", VersionId=marker["VersionId"])
    assert versioned.blob("k").download_as_bytes() == b"by s3"
    assert versioned.get_blob("k").generation == two
