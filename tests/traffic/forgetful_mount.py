"""Mounts the file system of the tests whose power can be cut (forgetful_fs.cc says its commands)."""

import os
import pathlib
import socket
import subprocess
import time

START_TIMEOUT_S = 10.0


def find_program(beringia):
    """It is built beside the binary under test."""
    named = os.environ.get("BERINGIA_FORGETFUL_FS")
    return pathlib.Path(named) if named else pathlib.Path(beringia).parent / "forgetful_fs"


class ForgetfulMount:
    def __init__(self, program, directory):
        self.mount_point = pathlib.Path(directory) / "disk"
        self.control = pathlib.Path(directory) / "power"
        self.mount_point.mkdir(parents=True)
        with open(pathlib.Path(directory) / "forgetful_fs.log", "wb") as log:
            self.process = subprocess.Popen([program, self.mount_point, self.control],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (self.control.exists() and os.path.ismount(self.mount_point)):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise RuntimeError(f"cannot mount: {log.name}: {open(log.name).read()}")
            time.sleep(0.01)

    def _command(self, line):
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(60)
            caller.connect(str(self.control))
            caller.sendall(line.encode())
            answer = caller.makefile().readline()
        counts = [int(word) for word in answer.split()]
        return dict(zip(("syncs", "failed_syncs", "forgotten_names", "forgotten_pages"), counts,
                        strict=True))

    def power_off(self, seed=0):
        """Forgets what was not synced: all of it, or with a seed a part. No program may run on it."""
        return self._command(f"power_off {seed}")

    def fail_syncs(self, errno):
        return self._command(f"sync_error {errno}")

    def fail_writes(self, errno):
        return self._command(f"write_error {errno}")

    def counts(self):
        return self._command("counts 0")

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if os.path.ismount(self.mount_point):
            subprocess.run(["umount", "-l", self.mount_point], check=False)
