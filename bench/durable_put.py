#!/usr/bin/env python3
"""PUT of 4 KiB with the same promise for all: bytes and names are on disk before the answer.

    sudo build/venv/bin/python bench/durable_put.py [--servers beringia,versitygw,minio] [--rounds 3]

The peers do not sync what they acknowledge (bench/power_loss.py: nothing of it survives). Here each
server has an ext4 image of its own, mounted by loop; those of the peers are mounted with -o sync,
which makes the kernel write through what the peer does not. Beringia syncs by itself. Needs root.
"""

import argparse
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

import servers as fleet
import run as bench
from cases import BUCKET, CASES
from power_loss import make

IMAGE_MB = 1024


class Image:
    """A file system of its own in a file, mounted as long as the block runs."""

    def __init__(self, directory, options, size_mb=IMAGE_MB):
        self.size_mb = size_mb
        self.file = directory / "image"
        self.path = directory / "mount"
        self.options = options

    def __enter__(self):
        self.path.mkdir(parents=True)
        with open(self.file, "wb") as file:
            file.truncate(self.size_mb << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.file], check=True)
        subprocess.run(["mount", "-o", f"loop{self.options}", self.file, self.path], check=True)
        return self.path

    def __exit__(self, *_):
        subprocess.run(["umount", self.path], check=True)
        self.file.unlink()


def measure(name, case, options, replay, root):
    with Image(root / name, "" if name == "beringia" else ",sync") as directory:
        server = make(name, directory)
        if server is None:
            return None
        try:
            server.start()
            client = server.client()
            client.make_bucket(BUCKET)
            client.close()
            # The first pass makes the names, the second replaces their objects, as in bench/run.py.
            bench.measure(case, server, options, replay, root)
            return bench.measure(case, server, options, replay, root)
        finally:
            server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--servers", default="beringia,versitygw,minio")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    replay = bench.build_replay()
    case = next(case for case in CASES if case.name == "PUT 4 KiB")
    rates = {}
    root = pathlib.Path(tempfile.mkdtemp(prefix="durable-", dir=bench.BUILD))
    try:
        for number in range(options.rounds):
            for name in options.servers.split(","):
                found = measure(name, case, options, replay, root / str(number))
                if found is None:
                    continue
                rates.setdefault(name, []).append(found[0])
                print(f"round {number + 1} {name:10} {found[0]:8,.0f}/s {found[1]:7,.0f} us CPU  "
                      f"p50 {found[2]:,.0f} us p99 {found[3]:,.0f} us", file=sys.stderr)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    print("| durable PUT 4 KiB | requests/s | beringia is |\n|---|---|---|")
    ours = statistics.median(rates["beringia"])
    for name, found in rates.items():
        print(f"| {name} | {statistics.median(found):,.0f} | {ours / statistics.median(found):.2f}x |")


if __name__ == "__main__":
    main()
