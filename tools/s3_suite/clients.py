#!/usr/bin/env python3
"""Runs the functional tests that two client libraries bring along against a Beringia of its own.

    tools/s3_suite/clients.py minio-go     --binary build/release/beringia --work DIR   needs Go
    tools/s3_suite/clients.py object-store --binary build/release/beringia --work DIR   needs Rust

Their sources come from the Go proxy and crates.io, pinned, into DIR, and stay outside of this repository. Prints what
failed, and a closing line.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))
from traffic.s3 import S3
from traffic.victim import Victim

MINIO_GO = "v7.4.1"
OBJECT_STORE = "0.14.2"
# Buckets that the tests of object_store expect; the last one with object lock.
BUCKETS = ("test-bucket", "test-bucket-for-signing", "test-bucket-for-copy-if-not-exists", "test-bucket-for-spawn", "test-bucket-for-checksum")
LOCK_BUCKET = "test-object-lock"


def output_of(command: list[str], directory: pathlib.Path, **more: str) -> str:
    done = subprocess.run(command, cwd=directory, env=os.environ | more, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {done.stderr[-3000:]}")
    return done.stdout


def build_minio_go(work: pathlib.Path) -> pathlib.Path:
    work.mkdir(parents=True, exist_ok=True)
    module = json.loads(output_of(["go", "mod", "download", "-json", f"github.com/minio/minio-go/v7@{MINIO_GO}"], work))
    source = (pathlib.Path(module["Dir"]) / "functional_tests.go").read_text()
    # The file is a program that the module's own build leaves out by a tag.
    (work / "main.go").write_text(re.sub(r"^//( \+|go:)build.*\n", "", source, flags=re.MULTILINE))
    (work / "go.mod").write_text(f"module functional\ngo 1.25\nrequire github.com/minio/minio-go/v7 {MINIO_GO}\n")
    output_of(["go", "mod", "tidy"], work)
    output_of(["go", "build", "-o", "functional", "."], work)
    return work / "functional"


def run_minio_go(server: Victim, work: pathlib.Path) -> int:
    program = build_minio_go(work / "minio-go")
    told = subprocess.run(
        [program], capture_output=True, text=True, cwd=work / "minio-go",
        env=os.environ | {"SERVER_ENDPOINT": f"127.0.0.1:{server.s3_port}", "ACCESS_KEY": server.access_key, "SECRET_KEY": server.secret_key,
                          "ENABLE_HTTPS": "0", "MINT_MODE": "full", "RUN_ON_FAIL": "1"},
    )  # fmt: skip
    counts: dict[str, int] = {}
    for line in (told.stdout + told.stderr).splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if "status" not in record:
            continue
        counts[record["status"]] = counts.get(record["status"], 0) + 1
        if record["status"] == "FAIL":
            print(record.get("name", ""), record.get("function", ""), record.get("message", ""), str(record.get("error", ""))[:300], sep=" | ")
    print("minio-go:", ", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
    return counts.get("FAIL", 0)


def run_object_store(server: Victim, work: pathlib.Path) -> int:
    client = S3(server.s3_port, server.access_key, server.secret_key)
    for bucket in BUCKETS:
        client.make_bucket(bucket)
    client.call("PUT", LOCK_BUCKET, headers=[("x-amz-bucket-object-lock-enabled", "true")])
    outer, crate = work / "object-store", work / "object-store" / "crate"
    outer.mkdir(parents=True, exist_ok=True)
    if not crate.is_dir():
        (outer / "src").mkdir(exist_ok=True)
        (outer / "src" / "lib.rs").write_text("")
        (outer / "Cargo.toml").write_text('[package]\nname = "outer"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\n'
                                          f'object_store = {{version = "={OBJECT_STORE}", features = ["aws"]}}\n')  # fmt: skip
        packages = json.loads(output_of(["cargo", "metadata", "--format-version", "1"], outer))["packages"]
        manifest = next(item["manifest_path"] for item in packages if item["name"] == "object_store")
        shutil.copytree(pathlib.Path(manifest).parent, crate)
    told = subprocess.run(
        ["cargo", "test", "--features", "aws", "aws::tests"], cwd=crate, text=True, capture_output=True,
        env=os.environ | {"TEST_INTEGRATION": "1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": server.access_key,
                          "AWS_SECRET_ACCESS_KEY": server.secret_key, "AWS_ENDPOINT": f"http://127.0.0.1:{server.s3_port}", "AWS_ALLOW_HTTP": "true",
                          "OBJECT_STORE_BUCKET": BUCKETS[0], "AWS_BUCKET": BUCKETS[0], "AWS_CONDITIONAL_PUT": "etag", "AWS_COPY_IF_NOT_EXISTS": "multipart"},
    )  # fmt: skip
    for line in (told.stdout + told.stderr).splitlines():
        if re.search(r"FAILED|panicked|test result|called `Result", line):
            print(line[:300])
    return told.returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("client", choices=("minio-go", "object-store"))
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    options = parser.parse_args()
    os.environ["BERINGIA_BINARY"] = str(options.binary.resolve())
    with tempfile.TemporaryDirectory(prefix="beringia-clients-") as directory:
        server = Victim(directory, extra=["--s3-signature-v2", "on"])
        server.start()
        try:
            run = run_minio_go if options.client == "minio-go" else run_object_store
            return 1 if run(server, options.work.resolve()) else 0
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
