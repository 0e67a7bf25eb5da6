#!/usr/bin/env python3
"""How many acknowledged PUTs of each server survive a power loss.

    build/venv/bin/python bench/power_loss.py [--servers beringia,versitygw,minio] [--objects 50]

Each runs on the file system of the tests that forgets what was not fsynced (tests/power_loss); it is
killed with SIGKILL, the disk forgets, it is started again and asked for its objects. Says what a PUT/s of
bench/run.py is worth.
"""

import argparse
import os
import pathlib
import shutil
import signal
import tempfile

import servers as fleet
from traffic.forgetful_mount import ForgetfulMount, find_program
from traffic.victim import find_binary


def make(name, directory):
    if name == "beringia":
        return fleet.Beringia(directory)
    kind, module = {"versitygw": (fleet.Versitygw, fleet.VERSITYGW),
                    "minio": (fleet.Minio, fleet.MINIO)}[name]
    program = fleet.find_peer(name, module)
    return kind(directory, program) if program else None


def make_durable(root):
    for folder, _, _ in os.walk(root):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(descriptor)
        os.close(descriptor)


def survivors(server, mount, count):
    """@return how many of `count` acknowledged objects are there with their bytes"""
    server.start()
    client = server.client()
    if client.make_bucket("bucket").status != 200:
        raise RuntimeError(f"{server.name} makes no bucket")
    body = os.urandom(4096)
    for number in range(count):
        answer = client.put("bucket", f"folder/object-{number}", body)
        if answer.status != 200:
            raise RuntimeError(f"{server.name}: PUT: {answer.status} {answer.body[:300]}")
    client.close()
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()
    mount.power_off()
    try:
        server.start()
    except RuntimeError:
        return 0
    client = server.client()
    found = 0
    for number in range(count):
        answer = client.get("bucket", f"folder/object-{number}")
        found += answer.status == 200 and answer.body == body
    client.close()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--servers", default="beringia,versitygw,minio")
    parser.add_argument("--objects", type=int, default=50)
    options = parser.parse_args()
    for name in options.servers.split(","):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="beringia-power-"))
        mount = ForgetfulMount(find_program(find_binary()), directory / "mount")
        server = make(name, mount.mount_point)
        if server is None:
            print(f"{name} cannot be had here")
            mount.close()
            continue
        make_durable(mount.mount_point)  # what was there before the start is not the question
        try:
            found = survivors(server, mount, options.objects)
            print(f"{name}: {found} of {options.objects} acknowledged objects are there after a "
                  "power loss")
        finally:
            server.stop()
            mount.close()
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
