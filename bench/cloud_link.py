"""How fast Beringia moves bytes over a link to the cloud: 30 ms away, 1 Gbit/s.

    build/venv/bin/python bench/cloud_link.py [--large-mib 512] [--small 10000] [--listed 100000]

Between Beringia and a stand-in for Google Cloud Storage stands tests/faults/link_proxy.py: it delays,
limits the rate of the link and keeps a window of 1 MiB per connection, so that one connection alone
reaches 35 MB/s. What it carries between plain sockets is measured first. The stand-in is bench/far_bucket, a bucket
in memory that joins parts by reference as Google does: the emulators copy what they compose and look
through all objects for each call, so that they would be what is measured. Cases:

    upload     one large object moved up by a policy: share of the link from its first byte to its
               last (the run ends later: the grace time)
    download   the same object read cold through S3: share of the link
    small      small objects moved up by a policy, against one connection that uploads one at a time
    first byte a cold range of 1 MiB on a warm connection, in round trips
    list       calls that listing a directory of many objects takes

--json FILE writes the figures as well. Exit 1: an aim was missed.
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "faults")]

from link_proxy import Link  # noqa: E402
from traffic.s3 import EMPTY_SHA256, S3, escape_path  # noqa: E402
from traffic.victim import Victim, find_binary  # noqa: E402

BUCKET = "beringia-link"
MIB = 1 << 20
RUN_TIMEOUT_S = 900

ESTATE = """\
[[backend]]
name = "premises"
url = "file://{objects}"

[[backend]]
name = "cloud"
url = "gs://{bucket}/lake"
endpoint = "http://127.0.0.1:{port}"
credentials = "none"
max_concurrency = {places}

[[backend]]
name = "listed"
url = "gs://{bucket}/listed"
endpoint = "http://127.0.0.1:{port}"
credentials = "none"

[[mount]]
path = "/"
locations = ["premises", "cloud"]
freshness = "exclusive"

[[mount]]
path = "/listed/"
locations = ["listed"]
freshness = "shared"
max_staleness = "1h"
"""
POLICY = """
[[policy]]
name = "{name}"
when = 'path.startsWith("/{bucket}/")'
place = [{{ backend = "cloud" }}]
"""


def run_cli(victim, *arguments):
    done = subprocess.run([str(find_binary()), *arguments], env=victim.environment, text=True,
                          capture_output=True, timeout=120, cwd=victim.directory)
    if done.returncode != 0:
        raise RuntimeError(f"{arguments}: {done.stderr}{done.stdout}")
    return done.stdout


def find_far_bucket():
    named = os.environ.get("BERINGIA_FAR_BUCKET")
    path = pathlib.Path(named) if named else ROOT / "build" / "release" / "far_bucket"
    if not path.is_file():
        raise RuntimeError("build it first: cmake --build build/release --target far_bucket")
    return path


class Far:
    """The cloud: bench/far_bucket, a bucket in memory that joins parts by reference, as Google does."""

    def __init__(self, listed):
        self.process = subprocess.Popen([str(find_far_bucket()), BUCKET, "listed/object-", str(listed)],
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def counts(self):
        """Requests of each kind, as the service counts them."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/counts", timeout=30) as answer:
            return {kind: int(count) for kind, count in (line.split() for line in answer.read().decode().splitlines())}

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class Lake:
    """A server with premises and the cloud behind the link."""

    def __init__(self, directory, far, link, arguments):
        self.victim = Victim(directory, extra=["--move-grace", "1s", "--move-workers", str(arguments.workers)])
        self.far, self.link, self.places = far, link, arguments.places
        self.policies = ""
        self.victim.start()
        self.declare()
        self.s3 = S3(self.victim.s3_port, self.victim.access_key, self.victim.secret_key, timeout_s=300)

    def run(self, *arguments):
        return run_cli(self.victim, *arguments)

    def declare(self):
        file = self.victim.directory / "lake.toml"
        file.write_text(ESTATE.format(objects=self.victim.objects, bucket=BUCKET, port=self.link.port,
                                      places=self.places) + self.policies)
        self.run("apply", str(file))

    def move_up(self, bucket):
        """@return seconds from the start of the run until its last copy has switched"""
        self.policies += POLICY.format(name=bucket, bucket=bucket)
        self.declare()
        plan = json.loads(self.run("policy", "plan", "--json"))
        begun = time.monotonic()
        run = json.loads(self.run("policy", "apply", plan["id"], "--detach", "--json"))["id"]
        while time.monotonic() < begun + RUN_TIMEOUT_S:
            status = json.loads(self.run("policy", "status", run, "--json"))
            if status["state"] != "running":
                if status["state"] != "done" or status.get("failed"):
                    raise RuntimeError(f"the run failed: {status}")
                return time.monotonic() - begun
            time.sleep(0.05)
        raise RuntimeError("the run does not end")

    def metric(self, name, **labels):
        """Sum of the series that have these labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.victim.admin_port}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines
                   if line.startswith(name) and line[len(name)] in "{ " and all(w in line for w in wanted))

    def request(self, path, headers=(), query=""):
        """A signed GET on a connection of its own. @return (seconds to the first byte, body reader)"""
        target = escape_path(path)
        connection = http.client.HTTPConnection("127.0.0.1", self.victim.s3_port, timeout=300)
        connection.connect()
        signed = self.s3.signer.sign("GET", self.s3.host, target, query, headers, EMPTY_SHA256)
        begun = time.monotonic()
        connection.request("GET", target + ("?" + query if query else ""), headers=dict(signed))
        answer = connection.getresponse()
        if answer.status not in (200, 206):
            raise RuntimeError(f"GET {path}: {answer.status} {answer.read(2000)}")
        first = answer.read(1)
        return time.monotonic() - begun, begun, first, answer


def drain(answer):
    size = 0
    while piece := answer.read(MIB):
        size += len(piece)
    return size


def measure_large(lake, link, size, rate):
    """Upload by a move, then the cold read. @param rate of the link, bytes/s"""
    before = link.bytes_up
    link.forget()
    cpu = time.process_time(), lake.victim.cpu_s(), lake.far.cpu_s()
    seconds = lake.move_up("large")
    cpu = [now - then for now, then in zip((time.process_time(), lake.victim.cpu_s(), lake.far.cpu_s()), cpu)]
    sent = link.bytes_up - before
    bulk_s = link.bulk_up_s
    first, begun, _, answer = lake.request("/large/object.bin")
    got = 1 + drain(answer)
    down_s = time.monotonic() - begun
    if got != size:
        raise RuntimeError(f"{got} bytes of {size} came")
    return {"upload_share": size / bulk_s / rate, "upload_bulk_s": bulk_s, "upload_run_s": seconds, "upload_bytes_sent": sent,
            "upload_cpu_link_s": cpu[0], "upload_cpu_beringia_s": cpu[1], "upload_cpu_far_s": cpu[2],
            "download_share": size / down_s / rate, "download_s": down_s, "download_first_byte_s": first}


def measure_first_byte(lake, size, round_trip_s, times=20):
    chance = random.Random(3)
    waits = []
    for _ in range(times):
        start = chance.randrange(0, size - MIB)
        wait, _, _, answer = lake.request("/large/object.bin",
                                          [("Range", f"bytes={start}-{start + MIB - 1}")])
        drain(answer)
        waits.append(wait / round_trip_s)
    return {"first_byte_round_trips_p50": statistics.median(waits[1:]), "first_byte_round_trips_max": max(waits[1:])}


def one_at_a_time(link, bodies):
    """@return objects per second of one warm connection"""
    connection = http.client.HTTPConnection("127.0.0.1", link.port, timeout=60)
    connection.connect()
    begun = time.monotonic()
    for number, body in enumerate(bodies):
        name = urllib.parse.quote(f"single/{number}", safe="")
        connection.request("POST", f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={name}&ifGenerationMatch=0",
                           body, {"Content-Type": "application/octet-stream"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"upload: {answer.status} {answer.read(500)}")
        answer.read()
    return len(bodies) / (time.monotonic() - begun)


def measure_small(lake, link, count):
    single = one_at_a_time(link, [os.urandom(4096) for _ in range(100)])
    cpu = lake.victim.cpu_s()
    seconds = lake.move_up("small")
    return {"small_per_s": count / seconds, "small_s": seconds, "one_at_a_time_per_s": single,
            "small_ratio": count / seconds / single, "small_cpu_s": lake.victim.cpu_s() - cpu}


def measure_list(lake, count):
    calls_before = lake.far.counts().get("list", 0)
    begun = time.monotonic()
    seen, token = 0, ""
    while True:
        query = "list-type=2&max-keys=1000" + (f"&continuation-token={urllib.parse.quote(token, safe='')}" if token else "")
        _, _, first, answer = lake.request("/listed", query=query)
        page = (first + answer.read()).decode()
        seen += page.count("<Contents>")
        if "<IsTruncated>true" not in page:
            break
        token = page.partition("<NextContinuationToken>")[2].partition("<")[0]
    calls = lake.far.counts()["list"] - calls_before
    if seen != count:
        raise RuntimeError(f"{seen} of {count} objects were listed")
    return {"list_calls": calls, "list_objects": seen, "list_s": time.monotonic() - begun,
            "list_calls_per_1000": calls / (count / 1000)}


def put(lake, bucket, key, body):
    answer = lake.s3.put(bucket, key, body)
    if answer.status != 200:
        raise RuntimeError(f"PUT /{bucket}/{key}: {answer.status} {answer.body[:500]}")


def plain_sockets(rate, round_trip_s, connections=8, megabytes=512):
    """What the link itself carries. @return share of its rate, between plain sockets"""
    sink = socket.create_server(("127.0.0.1", 0), backlog=connections)

    def swallow():
        buffer = bytearray(MIB)
        for _ in range(connections):
            one, _ = sink.accept()
            threading.Thread(target=drain_socket, args=(one, buffer), daemon=True).start()

    def drain_socket(one, buffer):
        while one.recv_into(buffer):
            pass
        one.sendall(b"k")
        one.close()

    def send(port):
        with socket.create_connection(("127.0.0.1", port)) as one:
            for _ in range(megabytes // connections):
                one.sendall(bytes(MIB))
            one.shutdown(socket.SHUT_WR)
            one.recv(1)

    accepting = threading.Thread(target=swallow, daemon=True)
    accepting.start()
    with Link("127.0.0.1", sink.getsockname()[1], round_trip_s, rate) as link:
        senders = [threading.Thread(target=send, args=(link.port,)) for _ in range(connections)]
        for one in senders:
            one.start()
        for one in senders:
            one.join()
        accepting.join()
        sink.close()
        return link.bytes_up * 8 / link.bulk_up_s / rate


AIMS = [  # figure, text, at least (or at most, when negative)
    ("upload_share", "upload of one large object, share of the link", 0.9),
    ("download_share", "cold sequential read of it, share of the link", 0.9),
    ("small_ratio", "small objects moved up, times one at a time", 10),
    ("first_byte_round_trips_p50", "first byte of a cold range of 1 MiB, round trips", -1.3),
    ("list_calls_per_1000", "calls per 1,000 objects listed", -1.0),
]


def measure(arguments, directory):
    round_trip_s = arguments.round_trip_ms / 1000
    size = arguments.large_mib * MIB
    figures = {"plain_sockets_share": plain_sockets(arguments.gbit_per_s * 1e9, round_trip_s)}
    with contextlib.ExitStack() as stack:
        far = Far(arguments.listed)
        stack.callback(far.stop)
        rate = arguments.gbit_per_s * 1e9
        link = stack.enter_context(Link("127.0.0.1", far.port, round_trip_s, rate))
        lake = Lake(directory / "server", far, link, arguments)
        stack.callback(lake.victim.stop)
        stack.push(lambda kind, *_: kind and print(lake.victim.log_tail(), file=sys.stderr))
        for bucket in ("large", "small"):
            answer = lake.s3.make_bucket(bucket)
            if answer.status != 200:
                raise RuntimeError(f"PUT /{bucket}: {answer.status} {answer.body[:500]}")
        put(lake, "large", "object.bin", os.urandom(size))
        figures |= measure_large(lake, link, size, rate / 8)
        figures |= measure_first_byte(lake, size, round_trip_s)
        for number in range(arguments.small):
            put(lake, "small", f"{number:06}", os.urandom(4096))
        figures |= measure_small(lake, link, arguments.small)
        if arguments.listed:
            figures |= measure_list(lake, arguments.listed)
        figures["memory_mb"] = lake.victim.memory_mb()
        figures["connections"] = link.connections
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large-mib", type=int, default=512)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--listed", type=int, default=100_000)
    parser.add_argument("--round-trip-ms", type=float, default=30)
    parser.add_argument("--gbit-per-s", type=float, default=1.0)
    parser.add_argument("--places", type=int, default=64, help="max_concurrency of the backend")
    parser.add_argument("--workers", type=int, default=64, help="--move-workers of the server")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="cloud-link-"))
    try:
        figures = measure(arguments, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    missed = 0
    for name, text, aim in AIMS:
        if name not in figures:
            continue
        met = figures[name] >= aim if aim > 0 else figures[name] <= -aim
        missed += not met
        print(f"{text:55} {figures[name]:9.2f}  aim {'>=' if aim > 0 else '<='} {abs(aim)}  "
              f"{'met' if met else 'MISSED'}")
    for name, value in sorted(figures.items()):
        print(f"  {name:28} {value:14.3f}")
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(figures, indent=1))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
