#!/usr/bin/env python3
"""What encryption costs: PUT and GET of 64 MiB, plain and with SSE-S3, on one server in turns.

    build/venv/bin/python bench/encryption.py [--rounds 5] [--size-mb 64]

One connection, bodies hashed before the clock starts. Seconds are of the client, which reads or sends all bytes;
CPU time is of the server's threads (as in bench/run.py). Medians of the rounds.
"""

import argparse
import hashlib
import pathlib
import random
import shutil
import statistics
import sys
import tempfile
import time

import servers as fleet  # first: it finds tests/traffic
import run as bench
from cases import BUCKET

METHODS = {"plain": [], "SSE-S3": [("x-amz-server-side-encryption", "AES256")]}
RANGE_BYTES = 1 << 20


def exchange(server, client, method, key, headers, body, sha256):
    """(seconds, CPU seconds, bytes that came)"""
    signed = client.signer.sign(method, client.host, f"/{BUCKET}/{key}", "", headers, sha256)
    cpu = server.cpu_s()
    begun = time.monotonic()
    answer = client.connection.exchange(method, f"/{BUCKET}/{key}", signed, body)
    took = time.monotonic() - begun
    if answer.status not in (200, 206):
        raise RuntimeError(f"{method} {key}: {answer.status} {answer.body[:300]}")
    return took, server.cpu_s() - cpu, answer.body


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size-mb", type=int, default=64)
    options = parser.parse_args()
    body = random.Random(1).randbytes(options.size_mb << 20)
    sha256 = hashlib.sha256(body).hexdigest()
    nothing = hashlib.sha256(b"").hexdigest()
    bench.BUILD.mkdir(parents=True, exist_ok=True)
    root = pathlib.Path(tempfile.mkdtemp(prefix="encryption-", dir=bench.BUILD))
    server = fleet.Beringia(root)
    found = {}
    try:
        server.start()
        client = server.client()
        client.make_bucket(BUCKET)
        middle = len(body) // 2 + 12345
        part = [("range", f"bytes={middle}-{middle + RANGE_BYTES - 1}")]
        for number in range(options.rounds + 1):
            for name, headers in METHODS.items():
                put = exchange(server, client, "PUT", name, headers, body, sha256)
                get = exchange(server, client, "GET", name, [], b"", nothing)
                ranged = exchange(server, client, "GET", name, part, b"", nothing)
                if get[2] != body or ranged[2] != body[middle : middle + RANGE_BYTES]:
                    raise RuntimeError(f"{name}: other bytes came back")
                if number == 0:
                    continue  # makes the names
                for case, (took, cpu, _) in {"PUT": put, "GET": get, "GET 1 MiB of it": ranged}.items():
                    found.setdefault((case, name), []).append((took, cpu))
                print(f"round {number} {name:8} PUT {put[0]:.3f} s GET {get[0]:.3f} s", file=sys.stderr)
    finally:
        server.stop()
        shutil.rmtree(root, ignore_errors=True)
    print(f"| {options.size_mb} MiB | " + " | ".join(METHODS) + " | CPU time |")
    print("|---|" + "---|" * (len(METHODS) + 1))
    for case in ("PUT", "GET", "GET 1 MiB of it"):
        cells, costs = [], []
        for name in METHODS:
            took = statistics.median(sample[0] for sample in found[(case, name)])
            cpu = statistics.median(sample[1] for sample in found[(case, name)])
            costs.append(cpu)
            cells.append(f"{took * 1000:.0f} ms, {cpu * 1000:.1f} ms CPU")
        print(f"| {case} | " + " | ".join(cells) + f" | {costs[1] / max(costs[0], 1e-9):.2f}x |")


if __name__ == "__main__":
    main()
