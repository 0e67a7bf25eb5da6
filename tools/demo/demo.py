"""The main job on real input: a lake written with an S3 client, read with a Google client, moved
to the cloud underneath both, and then the cloud goes away.

    ./beringia.sh demo [--no-cloud] [--scale 0.1] [--keep DIRECTORY]

Ends with 0 only if every byte that was read anywhere is the byte that was written.
"""

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path += [str(Path(__file__).resolve().parent),
             str(Path(__file__).resolve().parents[1] / "gcs_emulator")]

import clients  # noqa: E402
import cloud_story  # noqa: E402
import lake  # noqa: E402
from beringia import Beringia, CommandFailed  # noqa: E402
from telling import Teller, check, human_bytes  # noqa: E402


def write_lake(tell, server, s3, scale):
    """Writes the generated lake through S3; the manifest is what all later checks compare with."""
    s3.create_bucket(Bucket=clients.BUCKET)
    begun = time.monotonic()
    generating = 0.0

    def upload(thing):
        key, data, year = thing
        s3.put_object(Bucket=clients.BUCKET, Key=key, Body=data)
        return lake.item_of(key, data, year)

    items = []
    batch = []
    source = lake.generate(scale)
    while True:
        mark = time.monotonic()
        batch = [thing for thing, _ in zip(source, range(128))]
        generating += time.monotonic() - mark
        if not batch:
            break
        items += clients.in_parallel(upload, batch)
        tell.progress(f"{len(items)} objects, {human_bytes(sum(i.size for i in items))}")
    seconds = time.monotonic() - begun - generating
    size = sum(item.size for item in items)
    tell.fact(f"{len(items):,} objects ({human_bytes(size)}) written with boto3 in {seconds:.1f} s; "
              f"each was on disk, synced, before its answer")
    return items


def check_native_files(tell, server, items):
    root = server.lake / clients.BUCKET
    for item in items:
        path = root / item.key
        check(path.is_file() and path.stat().st_size == item.size, f"{path} is not the object")
    tell.fact(f"on premises they are ordinary files: {root / items[0].key}")


def verify_everywhere(tell, s3, gcs, items):
    for name, read in (("boto3, s3://", lambda key: clients.s3_read(s3, key)),
                       ("google-cloud-storage, gs://", lambda key: clients.gcs_read(gcs, key))):
        begun = time.monotonic()
        wrong = clients.wrong_items(read, items)
        check(not wrong, f"{len(wrong)} objects differ through {name}: {wrong[:5]}")
        tell.fact(f"{name}: all {len(items):,} objects read, every SHA-256 right "
                  f"({time.monotonic() - begun:.1f} s)")


def list_through_gcs(tell, gcs, items):
    names = {blob.name: blob.size for blob in gcs.list_blobs(clients.BUCKET, page_size=1000)}
    check(names == {item.key: item.size for item in items}, "the gs:// listing differs")
    folders = gcs.list_blobs(clients.BUCKET, prefix="facts/", delimiter="/")
    list(folders)
    tell.fact(f"the same {len(names):,} names and sizes under gs://{clients.BUCKET}; "
              f"partitions: {', '.join(sorted(p.split('/')[1] for p in folders.prefixes))}")


def make_keys(server):
    """A principal with an S3 key and a Google key file."""
    key_file = server.directory / "etl-key.json"
    s3_key = server.run_json("keys", "create", "--principal", "root")
    key_file.write_text(server.run("keys", "create", "--principal", "root", "--kind",
                                   "service-account"))
    return s3_key["access_key"], s3_key["secret_key"], key_file


def crash_and_return(tell, server, s3, items):
    """kill -9 while writing; what was acknowledged must be there afterwards."""
    acknowledged = []
    for number in range(50):
        key, data = f"crash/{number}.bin", str(number).encode() * 5000
        s3.put_object(Bucket=clients.BUCKET, Key=key, Body=data)
        acknowledged.append(lake.item_of(key, data, 0))
    server.kill()
    server.start()
    wrong = clients.wrong_items(lambda key: clients.s3_read(s3, key), acknowledged + items[:100])
    check(not wrong, f"after kill -9 these are missing or wrong: {wrong[:5]}")
    for item in acknowledged:
        s3.delete_object(Bucket=clients.BUCKET, Key=item.key)
    tell.fact(f"kill -9 right after the last answer; back in {server.started_in_s:.2f} s, "
              f"all {len(acknowledged)} fresh writes there")


def verify_audit(tell, server):
    text = server.run("audit", "verify")
    tell.fact("audit log verified: " + " ".join(text.split())[:160])


def run(arguments, directory):
    tell = Teller()
    server = Beringia(directory / "beringia")
    cloud = None
    try:
        tell.chapter("One process, on premises, no cloud")
        server.start()
        tell.fact(f"Beringia answers after {server.started_in_s:.2f} s with {server.memory_mb():.0f} MB; "
                  f"S3 {server.s3_url}, GCS {server.gcs_url}")
        access_key, secret_key, key_file = make_keys(server)
        s3 = clients.s3_client(server, access_key, secret_key)
        items = write_lake(tell, server, s3, arguments.scale)
        check_native_files(tell, server, items)

        tell.chapter("The same objects under gs://, with Google's own client")
        gcs = clients.gcs_client(server, key_file)
        list_through_gcs(tell, gcs, items)
        verify_everywhere(tell, s3, gcs, items)
        totals = clients.dataset_totals(server, access_key, secret_key)
        tell.fact("pyarrow over s3://: revenue by region " +
                  ", ".join(f"{k} {v / 1e11:.2f} bn" for k, v in totals.items()))

        if not arguments.no_cloud:
            cloud = cloud_story.Cloud(tell, directory, arguments.cloud == "emulator")
            cloud_story.tell_story(tell, server, cloud, s3, gcs, items, totals,
                                   (access_key, secret_key))
        else:
            tell.chapter("The power goes")
            crash_and_return(tell, server, s3, items)

        tell.chapter("The record")
        verify_audit(tell, server)
        tell.fact(f"memory now: {server.memory_mb():.0f} MB")
        server.stop()
        tell.end()
        return 0
    finally:
        server.kill()
        if cloud:
            cloud.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--no-cloud", action="store_true", help="show what works without any cloud")
    parser.add_argument("--cloud", choices=("emulator", "beringia"), default="emulator",
                        help="what stands in for the cloud: somebody else's emulator (if it can be "
                             "installed), or a second Beringia")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the lake (1 = 3,000 objects)")
    parser.add_argument("--keep", type=Path, help="work in this directory and leave it there")
    arguments = parser.parse_args()
    directory = arguments.keep or Path(tempfile.mkdtemp(prefix="beringia-demo-"))
    directory.mkdir(parents=True, exist_ok=True)
    try:
        return run(arguments, directory)
    except (AssertionError, CommandFailed) as error:
        print(f"\nFAILED: {error}", file=sys.stderr)
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        if not arguments.keep:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
