"""The same random requests of the GCS JSON API against Beringia and against emulators that others wrote.

Each difference is either a fault of ours, mended, or one of the listed ones (known.py), which docs/gcs-compatibility.md explains.
A failing seed is in the message; BERINGIA_DIFFERENCE_SEED=N replays it. fake-gcs-server is always asked; Google's storage-testbench,
which is in no registry, where BERINGIA_STORAGE_TESTBENCH=URL says that one runs. BERINGIA_DIFFERENCE_SEEDS=N asks more of both.
"""

import os
import sys
from pathlib import Path

import pytest
from access_steps import AccessSteps
from bucket_steps import BucketSteps
from known import comparable, known
from object_steps import ObjectSteps
from service import Service
from version_steps import VersionSteps

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "gcs_emulator"))
import gcs_emulator  # noqa: E402

NAMED_SEED = os.environ.get("BERINGIA_DIFFERENCE_SEED")
SEEDS = [int(NAMED_SEED)] if NAMED_SEED else range(int(os.environ.get("BERINGIA_DIFFERENCE_SEEDS", "8")))
STEPS = 50
TESTBENCH = os.environ.get("BERINGIA_STORAGE_TESTBENCH")


@pytest.fixture(scope="module", params=["fake-gcs-server", "storage-testbench"])
def emulator(request):
    """(name, service)"""
    if request.param == "storage-testbench":
        if not TESTBENCH:
            pytest.skip("BERINGIA_STORAGE_TESTBENCH names no storage-testbench")
        yield request.param, Service(TESTBENCH)
        return
    started = gcs_emulator.start()
    if started is None or started.kind != "fake-gcs-server":
        pytest.skip("fake-gcs-server cannot be had here")
    yield request.param, Service(started.endpoint)
    started.stop()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("steps", [ObjectSteps, VersionSteps, BucketSteps, AccessSteps], ids=["objects", "versions", "buckets", "access"])
def test_beringia_answers_as_the_emulator_does(server, token, emulator, steps, seed):
    name, other = emulator
    services = [Service(server.gcs_url, token), other]
    sequence, unexplained = steps(seed), []
    for service in services:
        sequence.start_anew(service)
    for number in range(STEPS):
        what, run = sequence.step()
        if what[0].startswith(sequence.not_served.get(name, ())):
            continue
        ours, theirs = (comparable(name, run(service)) for service in services)
        if ours == theirs:
            continue
        if known(name, what, ours, theirs) is None:
            unexplained.append(f"step {number}: {what}\n  ours:   {ours}\n  theirs: {theirs}")
        for service in services:  # the two states may differ now
            sequence.start_anew(service)
    assert not unexplained, f"seed {seed}:\n" + "\n".join(unexplained)
