#!/usr/bin/env python3
"""Large and many: a multipart upload of 1 GiB in 16 MiB parts, DeleteObjects of 1,000 keys, what a bucket policy costs.

    build/venv/bin/python bench/bulk.py [--rounds 3] [--servers beringia,versitygw,minio] [--size-mb 1024] [--directory DIR]
                                        [--durable]

Servers take turns in each round; the numbers are medians. Bodies are hashed before the clock starts. The policy is
measured on Beringia alone, as its CPU time per HEAD by a principal that a grant lets read.

--durable (needs root): like against like. Each server has an ext4 image of its own, those of the peers mounted with -o sync,
because they do not sync what they acknowledge (bench/power_loss.py).
"""

import argparse
import concurrent.futures
import contextlib
import hashlib
import json
import pathlib
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time

import servers as fleet  # first: it finds tests/traffic
import run as bench
from cases import BUCKET, CASES
from durable_put import Image
from power_loss import make
from traffic.s3 import escape_value

PART = 16 << 20
UPLOADERS = 4
DELETED = 1000
POLICY = {"Version": "2012-10-17", "Statement": [
    {"Sid": "office", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}/*",
     "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}},
    {"Sid": "readers", "Effect": "Allow", "Principal": {"AWS": ["bob", "carl"]}, "Action": ["s3:GetObject", "s3:ListBucket"],
     "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]},
    {"Sid": "tls", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/*",
     "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}  # fmt: skip


def upload(server, size):
    """@return seconds from the begin to the answer of the completion"""
    body = random.Random(1).randbytes(PART)
    sha256 = hashlib.sha256(body).hexdigest()
    local = threading.local()
    first = server.client()
    begun = time.monotonic()
    upload_id = first.begin_multipart(BUCKET, "large")

    def put(number):
        if not hasattr(local, "client"):
            local.client = server.client()
        client = local.client
        query = f"partNumber={number}&uploadId={escape_value(upload_id)}"
        headers = client.signer.sign("PUT", client.host, f"/{BUCKET}/large", query, [], sha256)
        answer = client.connection.exchange("PUT", f"/{BUCKET}/large?{query}", headers, body)
        if answer.status != 200:
            raise RuntimeError(f"{server.name}: part {number}: {answer.status} {answer.body[:300]}")
        return answer.header("etag")

    with concurrent.futures.ThreadPoolExecutor(UPLOADERS) as pool:
        etags = list(pool.map(put, range(1, size // PART + 1)))
    answer = first.complete_multipart(BUCKET, "large", upload_id, etags)
    took = time.monotonic() - begun
    if answer.status != 200 or b"<Error>" in answer.body:
        raise RuntimeError(f"{server.name}: {answer.status} {answer.body[:300]}")
    if first.delete(BUCKET, "large").status != 204:
        raise RuntimeError(f"{server.name}: cannot delete")
    return took


def delete_many(server):
    keys = [f"many/{number % 10}/object-{number:05d}" for number in range(DELETED)]
    local = threading.local()

    def put(key):
        if not hasattr(local, "client"):
            local.client = server.client()
        if local.client.put(BUCKET, key, b"x" * 1024).status != 200:
            raise RuntimeError(f"{server.name}: PUT {key}")

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(put, keys))
    client = server.client()
    begun = time.monotonic()
    answer = client.delete_many(BUCKET, keys)
    took = time.monotonic() - begun
    if answer.status != 200 or answer.body.count(b"<Deleted>") != DELETED:
        raise RuntimeError(f"{server.name}: {answer.status} {answer.body[:300]}")
    return took


def policy_cost(directory, options):
    """(CPU us per GET without, with a policy), medians."""
    replay = bench.build_replay()
    server = fleet.Beringia(directory)
    try:
        bench.prepare(server, False)
        server.victim.run("principals", "create", "ann")
        server.victim.run("grants", "add", "ann-reads", "--principal", "ann", "--prefix", f"/{BUCKET}/", "--role", "reader")
        made = json.loads(server.victim.run("keys", "create", "--principal", "ann", "--json").stdout)
        root = server.client()
        server.access_key, server.secret_key = made["access_key"], made["secret_key"]
        case = next(case for case in CASES if case.name == "HEAD")
        options.connections, options.seconds = 16, 3
        found = {False: [], True: []}
        for _ in range(options.rounds * 2):
            for with_policy in (False, True):
                if with_policy:
                    answer = root.call("PUT", BUCKET, query="policy", body=json.dumps(POLICY).encode())
                else:
                    answer = root.call("DELETE", BUCKET, query="policy")
                if answer.status not in (200, 204):
                    raise RuntimeError(f"policy: {answer.status} {answer.body[:300]}")
                found[with_policy].append(bench.measure(case, server, options, replay, directory)[1])
        return statistics.median(found[False]), statistics.median(found[True])
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--servers", default="beringia,versitygw,minio")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size-mb", type=int, default=1024)
    parser.add_argument("--directory", default=None)
    parser.add_argument("--durable", action="store_true")
    options = parser.parse_args()
    root = pathlib.Path(tempfile.mkdtemp(prefix="bulk-", dir=options.directory or bench.BUILD))
    try:
        with contextlib.ExitStack() as stack:
            line = durable_line(options, root, stack) if options.durable else bench.build_line(options.servers.split(","), root)
            compare(line, options, root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def durable_line(options, root, stack):
    line = []
    for name in options.servers.split(","):
        image = Image(root / name, "" if name == "beringia" else ",sync", 3 * options.size_mb + 1024)
        line.append(make(name, stack.enter_context(image)))
    return line


def compare(line, options, root):
    cases = {f"multipart upload, {options.size_mb} MiB": lambda server: upload(server, options.size_mb << 20), f"DeleteObjects {DELETED}": delete_many}
    found = {}
    try:
        for server in line:
            server.start()
            server.client().make_bucket(BUCKET)
        for number in range(options.rounds):
            for name, measure in cases.items():
                for server in line:
                    took = measure(server)
                    found.setdefault((name, server.name), []).append(took)
                    print(f"round {number + 1} {name:28} {server.name:10} {took * 1000:9,.1f} ms", file=sys.stderr)
        for server in line:
            server.stop()
        cost = policy_cost(root / "policy", options) if "beringia" in options.servers else None
    finally:
        for server in line:
            server.stop()
    print("| case | " + " | ".join(server.name for server in line) + " | to best peer |")
    print("|---|" + "---|" * (len(line) + 1))
    for name in cases:
        medians = {server.name: statistics.median(found[name, server.name]) for server in line}
        peers = [value for server, value in medians.items() if server != "beringia"]
        ratio = f"{min(peers) / medians['beringia']:.2f}x" if peers and "beringia" in medians else "-"
        print(f"| {name} | " + " | ".join(f"{medians[server.name] * 1000:,.0f} ms" for server in line) + f" | {ratio} |")
    if cost:
        print(f"| HEAD, CPU without and with a bucket policy | {cost[0]:.1f} us, {cost[1]:.1f} us ({(cost[1] / cost[0] - 1) * 100:+.0f} %) |")


if __name__ == "__main__":
    main()
