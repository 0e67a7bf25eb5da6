"""The files under a mount, against what the ledgers say: native bytes, and nothing left over."""

import hashlib
import os
import pathlib
import time

RESERVED = ".beringia"
PATIENCE_S = 20.0  # background care comes round every few seconds


class NativeTree:
    def __init__(self, root):
        self.root = pathlib.Path(root)

    def files(self, bucket):
        """{key: path}. An object beside its prefix is called %br-fNAME."""
        found = {}
        for folder, _, names in os.walk(self.root / bucket):
            for name in names:
                path = pathlib.Path(folder) / name
                plain = path.with_name(name.removeprefix("%br-f"))
                found[str(plain.relative_to(self.root / bucket))] = path
        return found

    def faults(self, bucket, workers, on_premises=lambda key: True):
        wanted = {key: version for worker in workers for key, version in worker.ledger.known.items()
                  if on_premises(key)}
        prefixes = tuple(worker.prefix for worker in workers)
        found = {key: path for key, path in self.files(bucket).items() if key.startswith(prefixes)}
        wrong = [f"native file left over: {found[key]}" for key in sorted(found.keys() - wanted)]
        wrong += [f"native file missing: {key}" for key in sorted(wanted.keys() - found)]
        for key in sorted(wanted.keys() & found.keys()):
            body = found[key].read_bytes()
            if hashlib.sha256(body).hexdigest() != wanted[key].sha256:
                wrong.append(f"native bytes of {key} differ: {len(body)} bytes")
        return wrong

    def check(self, bucket, workers, on_premises=lambda key: True):
        deadline = time.monotonic() + PATIENCE_S
        while wrong := self.faults(bucket, workers, on_premises):
            if time.monotonic() > deadline:
                raise AssertionError("native files:\n" + "\n".join(wrong[:20]))
            time.sleep(0.1)
