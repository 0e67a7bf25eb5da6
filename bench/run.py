#!/usr/bin/env python3
"""Beringia against nginx and other S3 servers, in one run, interleaved: ratios that a noisy machine
leaves alone. Prints a table (--markdown FILE writes it too).

    build/venv/bin/python bench/run.py [--rounds 3] [--seconds 3] [--connections 16] [--only GET]
                                       [--servers beringia,nginx,versitygw,minio]

Each round runs each case on each server after the other; the numbers are medians of the rounds. The
server's own CPU time per request stands beside requests/s, because load generator and server share
the cores. Needs the release binary (or BERINGIA_BINARY), wrk, nginx, and Go for the peers.
"""

import argparse
import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading

import servers as fleet  # first: it finds tests/traffic
import cases as scenario
from cases import BUCKET, CASES, LIST_BUCKET, list_keys, objects

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent / "build" / "bench"
FILLERS = 16
MANY_KEYS = 200_000


def build_replay():
    BUILD.mkdir(parents=True, exist_ok=True)
    program = BUILD / "replay"
    source = HERE / "replay.cc"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["c++", "-std=c++20", "-O2", "-o", program, source], check=True)
    return program


# ---- filling

def fill_directory(root):
    """Native files, for servers that read directories as they are."""
    dice = random.Random(1)
    for key, size in objects():
        path = root / BUCKET / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dice.randbytes(size))
    for key in list_keys():
        path = root / LIST_BUCKET / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def fill_by_s3(server, with_list):
    """Through the front door, by several connections."""
    dice = random.Random(1)
    work = [(BUCKET, key, size) for key, size in objects()]
    if with_list:
        work += [(LIST_BUCKET, key, 1) for key in list_keys()]
    bodies = {size: dice.randbytes(size) for size in {size for _, _, size in work}}
    local = threading.local()

    def put(item):
        if not hasattr(local, "client"):
            local.client = server.client()
        bucket, key, size = item
        answer = local.client.put(bucket, key, bodies[size])
        if answer.status != 200:
            raise RuntimeError(f"{server.name}: PUT {key}: {answer.status} {answer.body[:300]}")

    with concurrent.futures.ThreadPoolExecutor(FILLERS) as pool:
        for _ in pool.map(put, work, chunksize=64):
            pass


def fill_minio_natively(server):
    """A million objects by requests take MinIO most of an hour. Its files hold no names: one object's stands for all."""
    client = server.client()
    if client.put(LIST_BUCKET, "first", b"x").status != 200:
        raise RuntimeError("minio takes no object")
    bucket = server.directory / "disk" / LIST_BUCKET
    meta = (bucket / "first" / "xl.meta").read_bytes()
    for key in list_keys():
        (bucket / key).mkdir(parents=True)
        (bucket / key / "xl.meta").write_bytes(meta)
    client.close()
    client = server.client()
    if client.delete(LIST_BUCKET, "first").status != 204:
        raise RuntimeError("minio removes no object")
    if len(client.list_all(LIST_BUCKET)) != scenario.LIST_KEYS:
        raise RuntimeError("minio does not show the files")
    client.close()


def prepare(server, with_list):
    print(f"filling {server.name} ...", file=sys.stderr)
    if server.fills_before_start:
        fill_directory(server.objects)
    server.start()
    server.idle_mb = server.memory_mb()
    client = server.client()
    if not server.takes_files_later:
        if server.signed and with_list and len(client.list_all(LIST_BUCKET)) != scenario.LIST_KEYS:
            raise RuntimeError(f"{server.name} does not show the files")
        client.close()
        return
    for bucket in (BUCKET, LIST_BUCKET):
        answer = client.make_bucket(bucket)
        if answer.status != 200:
            raise RuntimeError(f"{server.name}: {answer.status} {answer.body[:300]}")
    if server.objects is not None:
        fill_directory(server.objects)
        client.close()
        client = server.client()  # a million files take longer than a connection may idle
        if len(client.list_all(LIST_BUCKET)) != scenario.LIST_KEYS:
            raise RuntimeError(f"{server.name} does not show the files")
    elif with_list and scenario.LIST_KEYS > MANY_KEYS:
        fill_minio_natively(server)
        fill_by_s3(server, False)
    else:
        fill_by_s3(server, with_list)
    client.close()


# ---- measuring

class Measure:
    def __init__(self):
        self.rates, self.cpu_us, self.p50_us, self.p99_us = [], [], [], []


def measure(case, server, options, replay, directory):
    path = case.write(server, directory)
    cpu_before = server.cpu_s()
    if case.tool == "wrk":
        requests, seconds, p50, p99 = run_wrk(server, options, path)
    else:
        requests, seconds, p50, p99 = run_replay(replay, server, options, path)
    cpu = server.cpu_s() - cpu_before
    server.peak_mb = max(server.peak_mb, server.memory_mb())
    path.unlink()
    if requests == 0:
        raise RuntimeError(f"{server.name}: {case.name}: no request was answered")
    return requests / seconds, cpu / requests * 1e6, p50, p99


def run_wrk(server, options, path):
    done = subprocess.run(
        ["wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s", "--timeout", "30s",
         "--latency", "-s", HERE / "replay.lua", f"http://127.0.0.1:{server.port}/", "--", path],
        capture_output=True, text=True, check=True)
    text = done.stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(f"{server.name}: {text}\n{server.log_tail()}")
    found = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", text)
    seconds = float(found.group(2)) * {"ms": 0.001, "s": 1, "m": 60}[found.group(3)]
    return int(found.group(1)), seconds, _latency(text, "50%"), _latency(text, "99%")


def _latency(text, part):
    value, unit = re.search(rf"{part}\s+([\d.]+)(us|ms|s|m)", text).groups()
    return float(value) * {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}[unit]


def run_replay(replay, server, options, path):
    done = subprocess.run([replay, str(server.port), str(options.connections),
                           str(options.seconds), path], capture_output=True, text=True, check=True)
    requests, failed, seconds, _, p50, p99 = (float(word) for word in done.stdout.split())
    if failed > requests * 0.001:
        raise RuntimeError(f"{server.name}: {failed:.0f} failed\n{server.log_tail()}")
    return requests, seconds, p50, p99


# ---- telling

def table(results, line, cases):
    names = [server.name for server in line]
    rows = [["", *names, "to nginx", "to best peer"]]
    for case in cases:
        rates = {name: statistics.median(results[case.name, name].rates)
                 for name in names if (case.name, name) in results}
        row = [case.name]
        for name in names:
            if name not in rates:
                row.append("-")
                continue
            cpu = statistics.median(results[case.name, name].cpu_us)
            row.append(f"{rates[name]:,.0f}/s, {cpu:,.0f} us")
        ours = rates.get("beringia")
        row.append(_ratio(ours, rates.get("nginx")))
        peers = [rates[name] for name in ("versitygw", "minio") if name in rates]
        row.append(_ratio(ours, max(peers, default=None)))
        rows.append(row)
    for title, tell in (("memory idle", lambda s: f"{s.idle_mb:.0f} MB"),
                        ("memory at most", lambda s: f"{s.peak_mb:.0f} MB"),
                        ("start to first answer", lambda s: f"{s.start_s:.2f} s")):
        rows.append([title, *(tell(server) for server in line), "", ""])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)


def _ratio(ours, theirs):
    return f"{ours / theirs:.2f}x" if ours and theirs else "-"


def build_line(names, directory):
    line = []
    objects_root = None
    for name in names:
        if name == "beringia":
            line.append(fleet.Beringia(directory))
        elif name == "beringia-exclusive":
            line.append(fleet.ExclusiveBeringia(directory))
        elif name == "nginx":
            line.append(fleet.Nginx(directory, objects_root))
        elif program := fleet.find_peer(*{"versitygw": ("versitygw", fleet.VERSITYGW),
                                          "minio": ("minio", fleet.MINIO)}[name]):
            line.append({"versitygw": fleet.Versitygw, "minio": fleet.Minio}[name](directory, program))
        else:
            print(f"{name} cannot be had here", file=sys.stderr)
        if objects_root is None and line:
            objects_root = line[0].objects
    return line


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--servers", default="beringia,nginx,versitygw,minio")
    parser.add_argument("--list-keys", type=int, default=scenario.LIST_KEYS)
    parser.add_argument("--directory", default=None, help="where objects are made (default: build)")
    parser.add_argument("--markdown", type=pathlib.Path)
    options = parser.parse_args()
    scenario.LIST_KEYS = options.list_keys
    replay = build_replay()
    cases = [case for case in CASES if options.only in case.name]
    with_list = any(case.name.startswith("LIST") for case in cases)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=options.directory or BUILD))
    line = build_line(options.servers.split(","), directory)
    results = {}
    try:
        for server in line:
            prepare(server, with_list)
        os.sync()
        for round_number in range(options.rounds):
            for case in cases:
                for server in line:
                    if case.needs_s3 and not server.signed:
                        continue
                    found = measure(case, server, options, replay, directory)
                    kept = results.setdefault((case.name, server.name), Measure())
                    for values, value in zip((kept.rates, kept.cpu_us, kept.p50_us, kept.p99_us),
                                             found, strict=True):
                        values.append(value)
                    print(f"round {round_number + 1} {case.name:11} {server.name:10} "
                          f"{found[0]:10,.0f}/s {found[1]:9,.0f} us CPU  p50 {found[2]:,.0f} us "
                          f"p99 {found[3]:,.0f} us", file=sys.stderr)
    finally:
        for server in line:
            server.stop()
        shutil.rmtree(directory, ignore_errors=True)
    text = table(results, line, cases)
    print(text)
    if options.markdown:
        options.markdown.write_text(text + "\n")


if __name__ == "__main__":
    main()
