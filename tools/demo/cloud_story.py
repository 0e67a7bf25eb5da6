"""The chapters with a cloud: plan, move under running readers, cut the cable, mend it."""

import hashlib
import random
import threading
import time

import clients
import gcs_emulator
from beringia import Beringia
from cable import Cable
from telling import check, human_bytes

CLOUD_BUCKET = "company-archive"
COLD_BEFORE_YEAR = 2026


class Cloud:
    """A stand-in for Google Cloud Storage, behind a cable. Somebody else's emulator where it can be
    installed, else a second Beringia that serves the GCS API over its own directory."""

    def __init__(self, tell, directory, emulated):
        self.emulator = gcs_emulator.start() if emulated else None
        self.beringia = None
        self.credentials = "none"
        if self.emulator:
            self.kind = self.emulator.kind
            port = self.emulator.port
            self.emulator.make_bucket(CLOUD_BUCKET)
        else:
            self.kind = "a second Beringia"
            self.beringia = Beringia(directory / "cloud")
            self.beringia.start()
            port = self.beringia.gcs_port
            key_file = self.beringia.directory / "key.json"
            key_file.write_text(self.beringia.run("keys", "create", "--principal", "root", "--kind",
                                                  "service-account"))
            self.credentials = str(key_file)
            clients.gcs_client(self.beringia, key_file).create_bucket(CLOUD_BUCKET)
        self.direct = f"http://127.0.0.1:{port}"
        self.cable = Cable(port)
        self.endpoint = f"http://127.0.0.1:{self.cable.port}"

    def client(self):
        """Looks into the cloud without Beringia."""
        if self.beringia:
            return clients.gcs_client(self.beringia, self.beringia.directory / "key.json")
        return clients.native_gcs_client(self.direct)

    def stop(self):
        self.cable.cut()
        if self.emulator:
            self.emulator.stop()
        if self.beringia:
            self.beringia.kill()


ESTATE = """\
[[backend]]
name = "onprem"
url = "file://{lake}"

[[backend]]
name = "gcs"
url = "gs://{bucket}"
endpoint = "{endpoint}"
credentials = "{credentials}"

[[mount]]
path = "/"
locations = ["onprem", "gcs"]
freshness = "exclusive"

[[policy]]
name = "old-years-to-the-cloud"
when = 'path.startsWith("/sales/") && {condition}'
place = [{{ backend = "gcs", class = "NEARLINE" }}]
"""


def is_cold(item):
    return item.year < COLD_BEFORE_YEAR


def cold_condition():
    years = " || ".join(f'path.contains("{mark}{year}")' for year in range(2023, COLD_BEFORE_YEAR)
                        for mark in ("year=", "sales-"))
    return f"({years})"


class Readers:
    """Clients that read all the time and compare every byte, while data moves under them."""

    def __init__(self, s3, gcs, items, threads=4):
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.reads = 0
        self.wrong = []
        self._threads = [threading.Thread(target=self._read, args=(n, s3, gcs, items), daemon=True)
                         for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def _read(self, number, s3, gcs, items):
        dice = random.Random(number)
        while not self._stop.is_set():
            item = dice.choice(items)
            try:
                data = clients.s3_read(s3, item.key) if number % 2 else clients.gcs_read(gcs, item.key)
                good = hashlib.sha256(data).hexdigest() == item.sha256
                problem = None if good else f"{item.key}: other bytes"
            except Exception as error:
                problem = f"{item.key}: {error}"
            with self._lock:
                self.reads += 1
                if problem:
                    self.wrong.append(problem)

    def finish(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        check(not self.wrong, f"{len(self.wrong)} reads went wrong during the move: {self.wrong[:3]}")
        return self.reads


class HalfReader:
    """Has read half of a file when the move begins, and reads on when it is over."""

    def __init__(self, s3, item):
        self._item = item
        self._body = s3.get_object(Bucket=clients.BUCKET, Key=item.key)["Body"]
        self._hash = hashlib.sha256(self._body.read(item.size // 2))

    def finish(self):
        for piece in self._body.iter_chunks(1 << 20):
            self._hash.update(piece)
        check(self._hash.hexdigest() == self._item.sha256, "the open file changed while it moved")


def native_size(server):
    return sum(p.stat().st_size for p in (server.lake / clients.BUCKET).rglob("*") if p.is_file())


def become_hybrid(tell, server, cloud):
    tell.chapter(f"Becoming hybrid: one more location for the same paths ({cloud.kind})")
    estate = server.directory / "lake.toml"
    estate.write_text(ESTATE.format(lake=server.lake, bucket=CLOUD_BUCKET, endpoint=cloud.endpoint,
                                    credentials=cloud.credentials, condition=cold_condition()))
    tell.quote(server.run("plan", str(estate)), lines=24)
    server.run("apply", str(estate))
    tell.fact("applied; no client was told, no path changed")


def move(tell, server, s3, gcs, items):
    tell.chapter("What would move? (policy plan)")
    plan = server.directory / "plan.json"
    tell.quote(server.run("policy", "plan", "--out", str(plan), "--rows", "4"), lines=24)
    cold = [item for item in items if is_cold(item)]
    tell.fact(f"expected: {len(cold):,} objects, {human_bytes(sum(i.size for i in cold))}")

    tell.chapter("The move, with readers at work on the very same files (policy apply)")
    before = native_size(server)
    half = HalfReader(s3, max(cold, key=lambda item: item.size))
    readers = Readers(s3, gcs, items)
    begun = time.monotonic()
    server.run("policy", "apply", str(plan), timeout=1800)
    seconds = time.monotonic() - begun
    half.finish()
    reads = readers.finish()
    moved = before - native_size(server)
    size = sum(item.size for item in cold)
    check(moved >= size, f"only {human_bytes(moved)} left the premises, expected {human_bytes(size)}")
    tell.fact(f"{len(cold):,} objects, {human_bytes(size)} moved in {seconds:.1f} s "
              f"({human_bytes(size / seconds)}/s), each verified by CRC32C before the switch")
    tell.fact(f"{reads:,} reads by both protocols meanwhile: every byte right, none refused; a reader in "
              "the middle of a file went on to its end")
    tell.fact(f"disk use on premises: {human_bytes(before)} -> {human_bytes(before - moved)}")
    return cold


def check_native_objects(tell, server, cloud, cold):
    native = cloud.client().bucket(CLOUD_BUCKET)
    sample = cold[::max(1, len(cold) // 50)]
    for item in sample:
        data = native.blob(f"{clients.BUCKET}/{item.key}").download_as_bytes()
        check(hashlib.sha256(data).hexdigest() == item.sha256, f"native object {item.key} differs")
    tell.fact(f"in the cloud they are ordinary objects: gs://{CLOUD_BUCKET}/{clients.BUCKET}/{cold[0].key} "
              f"({len(sample)} read without Beringia, all right)")
    tell.quote(server.run("explain", f"/{clients.BUCKET}/{cold[0].key}"))


def cut_the_cloud(tell, server, cloud, s3, gcs, items, cold):
    tell.chapter("The cloud is cut off")
    cloud.cable.cut()
    local = [item for item in items if not is_cold(item)]
    begun = time.monotonic()
    for name, read in (("s3://", lambda key: clients.s3_read(s3, key)),
                       ("gs://", lambda key: clients.gcs_read(gcs, key))):
        wrong = clients.wrong_items(read, local)
        check(not wrong, f"without the cloud these on-premises objects fail by {name}: {wrong[:5]}")
    tell.fact(f"all {len(local):,} objects on premises read by both protocols, every byte right "
              f"({time.monotonic() - begun:.1f} s)")
    names = [o["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket=clients.BUCKET)
             for o in page.get("Contents", [])]
    check(sorted(names) == sorted(item.key for item in items), "the listing is not whole")
    s3.put_object(Bucket=clients.BUCKET, Key="cut/new.txt", Body=b"written without a cloud")
    check(clients.gcs_read(gcs, "cut/new.txt") == b"written without a cloud", "a new write is wrong")
    s3.delete_object(Bucket=clients.BUCKET, Key="cut/new.txt")
    tell.fact(f"the listing still shows all {len(names):,} names; new writes are taken")
    begun = time.monotonic()
    try:
        clients.s3_read(s3, cold[0].key)
        check(False, "an object that is only in the cloud was read without the cloud")
    except s3.exceptions.ClientError as error:
        answer = error.response["Error"]
        tell.fact(f"an object that is only in the cloud says so after {time.monotonic() - begun:.0f} s: "
                  f"{answer.get('Code')}: {answer.get('Message', '')[:90]}")
    check(server.process.poll() is None, "beringia ended")


def seconds_until_readable(s3, item):
    """Beringia asks a store that was away again once a second; until then it refuses at once."""
    begun = time.monotonic()
    while True:
        try:
            clients.s3_read(s3, item.key)
            return time.monotonic() - begun
        except s3.exceptions.ClientError as error:
            check(time.monotonic() - begun < 15, f"the cloud is back, and not for Beringia: {error}")


def tell_story(tell, server, cloud, s3, gcs, items, totals, keys):
    become_hybrid(tell, server, cloud)
    cold = move(tell, server, s3, gcs, items)
    check_native_objects(tell, server, cloud, cold)

    tell.chapter("Did anybody notice?")
    for name, read in (("s3://", lambda key: clients.s3_read(s3, key)),
                       ("gs://", lambda key: clients.gcs_read(gcs, key))):
        wrong = clients.wrong_items(read, items)
        check(not wrong, f"after the move {len(wrong)} objects differ by {name}: {wrong[:5]}")
    tell.fact(f"same paths, same clients: all {len(items):,} objects right by both protocols")
    check(clients.dataset_totals(server, *keys) == totals, "the report gives other numbers")
    tell.fact("the pyarrow report over all partitions gives the very same numbers")

    cut_the_cloud(tell, server, cloud, s3, gcs, items, cold)

    tell.chapter("The cloud is back")
    cloud.cable.mend()
    tell.fact(f"the first object is readable again after {seconds_until_readable(s3, cold[0]):.1f} s")
    wrong = clients.wrong_items(lambda key: clients.s3_read(s3, key), cold[:: max(1, len(cold) // 200)])
    check(not wrong, f"after the cloud came back these differ: {wrong[:5]}")
    tell.fact(f"everything is readable again; nothing had to be repaired; "
              f"{human_bytes(cloud.cable.bytes_up)} went up, {human_bytes(cloud.cable.bytes_down)} down")


