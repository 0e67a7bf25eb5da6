"""Multipart uploads of the XML API that are under way: those of a bucket, page by page, and the parts of one."""

import xml.etree.ElementTree as ElementTree

from test_gcs_json_api import api, world  # noqa: F401

NS = "{http://s3.amazonaws.com/doc/2006-03-01/}"


def ask(world, method, target, body=b""):  # noqa: F811
    answer = world.gcs.call(method, target, body)
    assert answer.status in (200, 204), (method, target, answer.status, answer.body)
    return ElementTree.fromstring(answer.body) if answer.body else None


def texts(root, *path):
    return [node.text or "" for node in root.findall("/".join(NS + name for name in path))]


def begin(world, bucket, name):  # noqa: F811
    return texts(ask(world, "POST", f"/{bucket}/{name}?uploads"), "UploadId")[0]


def test_uploads_of_a_bucket(world):  # noqa: F811
    bucket = world["empty"]
    assert texts(ask(world, "GET", f"/{bucket}?uploads"), "Upload", "Key") == []
    begun = [(name, begin(world, bucket, name)) for name in ("a/1", "a/1", "a/2", "b")]
    root = ask(world, "GET", f"/{bucket}?uploads")
    assert root.tag == NS + "ListMultipartUploadsResult" and texts(root, "IsTruncated") == ["false"]
    found = list(zip(texts(root, "Upload", "Key"), texts(root, "Upload", "UploadId")))
    assert sorted(found) == sorted(begun) and texts(root, "Upload", "StorageClass") == ["STANDARD"] * 4
    assert texts(ask(world, "GET", f"/{bucket}?uploads&prefix=a/"), "Upload", "Key") == ["a/1", "a/1", "a/2"]
    pages, markers = [], ""
    while True:
        root = ask(world, "GET", f"/{bucket}?uploads&max-uploads=1{markers}")
        pages += zip(texts(root, "Upload", "Key"), texts(root, "Upload", "UploadId"))
        if texts(root, "IsTruncated") == ["false"]:
            break
        markers = f"&key-marker={texts(root, 'NextKeyMarker')[0]}&upload-id-marker={texts(root, 'NextUploadIdMarker')[0]}"
    assert pages == found
    ask(world, "DELETE", f"/{bucket}/b?uploadId={begun[-1][1]}")
    assert texts(ask(world, "GET", f"/{bucket}?uploads"), "Upload", "Key") == ["a/1", "a/1", "a/2"]
    for wrong, status in (("max-uploads=0", 400), ("max-uploads=x", 400), ("delimiter=/", 501)):
        assert world.gcs.call("GET", f"/{bucket}?uploads&{wrong}").status == status
    # JSON's sessions are no uploads of this kind, nor are those of S3.
    assert world.gcs.call("POST", f"/upload/storage/v1/b/{bucket}/o?uploadType=resumable&name=c").status == 200
    assert len(texts(ask(world, "GET", f"/{bucket}?uploads"), "Upload", "Key")) == 3


def test_parts_of_an_upload(world):  # noqa: F811
    bucket = world["empty"]
    upload = f"/{bucket}/k?uploadId={begin(world, bucket, 'k')}"
    etags = {}
    for number in (3, 1, 2):
        answer = world.gcs.call("PUT", f"{upload}&partNumber={number}", b"x" * number)
        etags[str(number)] = answer.header("ETag")
    root = ask(world, "GET", upload)
    assert root.tag == NS + "ListPartsResult" and texts(root, "Part", "PartNumber") == ["1", "2", "3"]
    assert dict(zip(texts(root, "Part", "PartNumber"), texts(root, "Part", "ETag"))) == etags
    assert texts(root, "Part", "Size") == ["1", "2", "3"] and texts(root, "IsTruncated") == ["false"]
    root = ask(world, "GET", upload + "&max-parts=1&part-number-marker=1")
    assert texts(root, "Part", "PartNumber") == ["2"] and texts(root, "NextPartNumberMarker") == ["2"]
    assert texts(root, "IsTruncated") == ["true"]
    assert world.gcs.call("GET", f"/{bucket}/k?uploadId=none").status == 404
    assert world.gcs.call("GET", f"/{bucket}/other?{upload.partition('?')[2]}").status == 404
