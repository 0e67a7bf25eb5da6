"""Directories that hold odd things, are full, read-only or gone: each door says so, nothing is lost."""

import os
import pathlib
import subprocess
import time

import botocore.exceptions
import pytest
from doors import s3_client  # noqa: E402  (test_scenarios.py and this one: rootdir/tests/scenario is on the path)


def status_of(call, **arguments):
    try:
        return call(**arguments)["ResponseMetadata"]["HTTPStatusCode"]
    except botocore.exceptions.ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def keys(s3, bucket):
    return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_a_tree_with_links_pipes_and_unreadable_names_is_adopted_without_them(make_server):
    server = make_server("odd")
    outside = server.directory / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    tree = server.objects / "lake"
    (tree / "sub").mkdir(parents=True)
    (tree / "plain").write_text("plain")
    (tree / "sub" / "file").write_text("below")
    (tree / "link-out").symlink_to(outside)
    (tree / "link-file").symlink_to(outside / "secret")
    (tree / "link-in").symlink_to(tree / "plain")
    (tree / "loop").symlink_to(tree)
    os.mkfifo(tree / "pipe")
    with open(os.fsencode(tree) + b"/latin-\xe9", "wb") as file:
        file.write(b"not UTF-8")
    (tree / ("l" * 255)).write_text("long")
    s3 = s3_client(server)
    assert keys(s3, "lake") == ["l" * 255, "plain", "sub/file"]
    for key in ("link-out/secret", "link-file", "link-in", "loop/plain", "pipe", "../outside/secret"):
        assert status_of(s3.get_object, Bucket="lake", Key=key) == 404, key
    assert status_of(s3.put_object, Bucket="lake", Key="link-out/new", Body=b"x") >= 400
    assert sorted(p.name for p in outside.iterdir()) == ["secret"]
    # A name that a link has can be written beside it; the link stays what it was.
    assert status_of(s3.put_object, Bucket="lake", Key="link-file", Body=b"mine") == 200
    assert s3.get_object(Bucket="lake", Key="link-file")["Body"].read() == b"mine"
    assert (outside / "secret").read_text() == "secret"
    assert (tree / "link-file").is_symlink()


@pytest.fixture
def mounted(tmp_path_factory):
    """mount(options): a small file system of its own. Needs the right to mount."""
    mounts = []

    def mount(options):
        place = tmp_path_factory.mktemp("mounted")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True)
        if done.returncode != 0:
            pytest.skip("this user may not mount")
        mounts.append(place)
        return pathlib.Path(place)

    yield mount
    for place in mounts:
        subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_full_disk_refuses_writes_and_keeps_the_rest(make_server, mounted):
    place = mounted("size=6m")
    server = make_server("full", "--mount", f"/tiny=file://{place}")
    s3 = s3_client(server)
    s3.put_object(Bucket="tiny", Key="kept", Body=b"k" * 1_000_000)
    statuses = [status_of(s3.put_object, Bucket="tiny", Key=f"fill-{n}", Body=b"f" * 2_000_000) for n in range(5)]
    assert 200 in statuses and statuses[-1] in (503, 507), statuses
    # A failed overwrite leaves what was there.
    assert status_of(s3.put_object, Bucket="tiny", Key="kept", Body=b"n" * 5_000_000) in (503, 507)
    assert s3.get_object(Bucket="tiny", Key="kept")["Body"].read() == b"k" * 1_000_000
    written = [f"fill-{n}" for n, status in enumerate(statuses) if status == 200]
    assert keys(s3, "tiny") == written + ["kept"]
    assert not list((place / ".beringia" / "tmp").iterdir())
    # Room again, and it goes on.
    assert status_of(s3.delete_object, Bucket="tiny", Key=written[0]) == 204
    assert status_of(s3.put_object, Bucket="tiny", Key="after", Body=b"a" * 1_000_000) == 200


def test_a_read_only_directory_is_readable_and_refuses_writes(make_server, mounted):
    place = mounted("size=6m")
    (place / "foreign").write_text("bytes")
    server = make_server("readonly", "--mount", f"/frozen=file://{place}")
    s3 = s3_client(server)
    s3.put_object(Bucket="frozen", Key="ours", Body=b"ours")
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    for key in ("ours", "foreign", "new"):
        assert status_of(s3.put_object, Bucket="frozen", Key=key, Body=b"x") in (403, 503), key
    assert s3.get_object(Bucket="frozen", Key="ours")["Body"].read() == b"ours"
    assert s3.get_object(Bucket="frozen", Key="foreign")["Body"].read() == b"bytes"
    assert keys(s3, "frozen") == ["foreign", "ours"]
    # A delete is the catalog's first (docs/adr/0005): it holds although the file is still there ...
    assert status_of(s3.delete_object, Bucket="frozen", Key="ours") == 204
    assert keys(s3, "frozen") == ["foreign"]
    assert status_of(s3.get_object, Bucket="frozen", Key="ours") == 404
    assert (place / "ours").exists()
    subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
    assert status_of(s3.put_object, Bucket="frozen", Key="new", Body=b"x") == 200
    # ... and never comes back, not even by a look at the directory.
    assert keys(s3, "frozen") == ["foreign", "new"]
    assert status_of(s3.get_object, Bucket="frozen", Key="ours") == 404


def test_a_directory_that_is_not_mounted_is_unavailable_not_empty(make_server, tmp_path):
    place = tmp_path / "export"
    place.mkdir()
    server = make_server("away", "--mount", f"/share=file://{place}")
    s3 = s3_client(server)
    s3.put_object(Bucket="share", Key="kept", Body=b"kept")
    place.rename(tmp_path / "export.away")
    place.mkdir()  # the mount point, empty
    assert status_of(s3.get_object, Bucket="share", Key="kept") == 503
    assert status_of(s3.put_object, Bucket="share", Key="new", Body=b"x") == 503
    assert not list(place.iterdir())
    place.rmdir()
    (tmp_path / "export.away").rename(place)
    assert s3.get_object(Bucket="share", Key="kept")["Body"].read() == b"kept"
    deadline = time.monotonic() + 10  # a backend that failed is left alone for a few seconds
    while status_of(s3.list_objects_v2, Bucket="share") == 503 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert keys(s3, "share") == ["kept"]
