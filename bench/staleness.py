"""How late others' changes in a bucket are shown: by notification, and by scan.

The bucket is fake-gcs-server's; the subscription is the stand-in of tests/gcs_backend/test_native_changes.py, which has a
message at once. So what is measured is Beringia's own part: what Google's Pub/Sub takes comes on top. Looks on access
are good for an hour and find nothing here.

    build/venv/bin/python bench/staleness.py [--changes 200] [--scan-interval 2]
"""

import argparse
import pathlib
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / part) for part in ("tests", "tests/gcs_backend", "tests/cli", "tools/gcs_emulator")]

import gcs_emulator  # noqa: E402
import test_native_changes as told  # noqa: E402
import test_scan as silent  # noqa: E402
from processes import Process  # noqa: E402

PATIENCE_S = 120


def wait_for(client, key):
    """Asks for one key until it is there; without a notification or scan it would not be for an hour."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            client.head_object(Bucket="data", Key=key)
            return time.monotonic()
        except client.exceptions.ClientError:
            time.sleep(0.002)
    raise SystemExit(f"{key} is not shown")


def look(client, key):
    """That there is nothing is remembered for an hour."""
    try:
        client.head_object(Bucket="data", Key=key)
        raise SystemExit(f"{key} is there already")
    except client.exceptions.ClientError:
        pass


def measure(process, cloud, changes, pause_s):
    client = process.s3()
    late = []
    for number in range(changes):
        look(client, f"{number:05}")
        cloud.write(f"data/{number:05}", b"x")
        changed = time.monotonic()
        late.append(wait_for(client, f"{number:05}") - changed)
        time.sleep(pause_s * (number % 7) / 7)  # not in step with the scans
    late.sort()
    return late


def show(name, late):
    print(f"| {name} | {len(late)} | {statistics.median(late):.3f} | {late[int(len(late) * 0.95)]:.3f} | {late[-1]:.3f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--scan-interval", type=float, default=2)
    arguments = parser.parse_args()
    print("| path | changes | median s | 95 % s | longest s |\n|---|---|---|---|---|")
    for name in ("notification", f"scan every {arguments.scan_interval:g} s"):
        emulator = gcs_emulator.start()
        emulator.make_bucket(told.BUCKET)
        subscription = told.Subscription()
        with tempfile.TemporaryDirectory() as directory:
            process = Process(pathlib.Path(directory))
            try:
                if name == "notification":
                    cloud = told.Cloud(emulator, subscription)
                    told.mounted(process, emulator, subscription)
                    show(name, measure(process, cloud, arguments.changes, 0.05))
                else:
                    cloud = told.Cloud(emulator, silent.Silence())
                    silent.mounted(process, cloud, "--scan-interval", f"{arguments.scan_interval:g}s")
                    show(name, measure(process, cloud, max(10, arguments.changes // 5), arguments.scan_interval))
            finally:
                process.terminate()
                subscription.close()
                emulator.stop()


if __name__ == "__main__":
    main()
