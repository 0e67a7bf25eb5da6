"""The power goes off on a real mount: what was acknowledged is there when it comes back.

Catalog, audit log and objects lie on a file system of the tests (forgetful_fs.cc) that forgets all that
was not fsynced, or keeps a random part of it. The ledgers of tests/crash say what must be there.

BERINGIA_POWER_LOSSES sets how often (24), BERINGIA_SEED when.
"""

import errno
import os
import pathlib
import random

import pytest

from traffic.campaign import BUCKET, Campaign
from traffic.forgetful_mount import ForgetfulMount, find_program
from traffic.ledger import make_bytes, version_of
from traffic.victim import Victim, find_binary

POWER_LOSSES = int(os.environ.get("BERINGIA_POWER_LOSSES", "24"))
SEED = int(os.environ.get("BERINGIA_SEED", "1"))
# Where unsynced state is most worth losing.
POINTS = ("file.renamed", "write.published", "write.committed", "remove.committed", "file.unlinked",
          "rename.committed", "doom.removed", "write.intent")


@pytest.fixture
def disk(tmp_path):
    if not pathlib.Path("/dev/fuse").exists():
        pytest.skip("this machine has no FUSE")
    mount = ForgetfulMount(find_program(find_binary()), tmp_path / "mount")
    yield mount
    mount.close()


def campaign_on(disk, directory):
    root = disk.mount_point
    victim = Victim(directory, data=root / "data", objects=root / "objects")
    return Campaign(directory, random.Random(SEED), victim, workers=4, large=False)


@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_by_power_losses(disk, tmp_path):
    # The mount point itself is made before the server: it belongs to the machine.
    campaign = campaign_on(disk, tmp_path / "server")
    try:
        counts = disk.power_off()
        for number in range(POWER_LOSSES):
            if number % 3 == 2:
                point = campaign.dice.choice(POINTS)
                campaign.kill_at(f"{point}:{campaign.dice.randrange(1, 20)}")
            else:
                campaign.kill_at_random()
            # All of it, or a part that a seed says.
            counts = disk.power_off(0 if number % 2 == 0 else SEED * 1000 + number)
        assert counts["forgotten_names"] > 0 and counts["forgotten_pages"] > 0, \
            "the power losses took nothing: the test shows nothing"
        campaign.finish()
        print(f"\n{POWER_LOSSES} power losses, {campaign.acknowledged} changes acknowledged, "
              f"{campaign.undecided} not answered; {counts}")
    finally:
        campaign.close()


def attempts(worker):
    """(what, outcome, call) of every kind of change, each on a key of its own."""
    s3, gcs = worker.s3, worker.gcs
    body = make_bytes(99, 5000)

    def one(what, outcome, call):
        return what, outcome, call

    there = sorted(worker.ledger.known)
    new = version_of(body)
    yield one("PUT new", {"w0/new1": new}, lambda: s3.put(BUCKET, "w0/new1", body))
    yield one("PUT over", {there[0]: new}, lambda: s3.put(BUCKET, there[0], body))
    yield one("DELETE", {there[1]: None}, lambda: s3.delete(BUCKET, there[1]))
    yield one("copy", {"w0/new2": worker.ledger.known[there[2]]},
              lambda: s3.copy(BUCKET, there[2], "w0/new2"))
    yield one("make bucket", {}, lambda: s3.make_bucket("another"))
    yield one("insert", {"w0/new3": new}, lambda: gcs.insert(BUCKET, "w0/new3", body))
    yield one("insert over", {there[3]: new}, lambda: gcs.insert(BUCKET, there[3], body))
    yield one("delete", {there[4]: None}, lambda: gcs.delete(BUCKET, there[4]))
    yield one("rewrite", {"w0/new4": worker.ledger.known[there[5]]},
              lambda: gcs.copy(BUCKET, there[5], "w0/new4"))
    yield one("move", {there[6]: None, "w0/new5": worker.ledger.known[there[6]]},
              lambda: gcs.move(BUCKET, there[6], "w0/new5"))
    yield one("compose", {"w0/new6": new}, lambda: gcs.compose(BUCKET, [there[7]], "w0/new6"))


def check_reads(worker):
    """Reads go on with the right bytes, or are refused for the one reason that a failing disk gives:
    the audit log cannot take their records, and no request goes unrecorded."""
    for key in sorted(worker.ledger.known.keys() - worker.ledger.undecided()):
        for client in (worker.s3, worker.gcs):
            answer = client.get(BUCKET, key)
            if answer.status == 503:
                assert b"audit record" in answer.body, answer.body
            else:
                assert answer.status == 200, answer.body
                assert version_of(answer.body).same_content(worker.ledger.known[key])


@pytest.mark.timeout(300)
def test_while_every_fsync_fails_no_write_is_acknowledged(disk, tmp_path):
    campaign = campaign_on(disk, tmp_path / "server")
    victim, worker = campaign.victim, campaign.workers[0]
    try:
        victim.start()
        worker.connect()
        for number in range(12):
            key, body = f"w0/key{number}", make_bytes(number, 3000 + number)
            change = worker.ledger.begin(f"PUT {key}", {key: version_of(body)})
            answer = worker.s3.put(BUCKET, key, body)
            assert answer.status == 200
            worker.ledger.acknowledge(change)
        assert worker.settle() == []

        disk.fail_syncs(errno.EIO)
        failed_before = disk.counts()["failed_syncs"]
        for what, outcome, call in list(attempts(worker)):
            worker.ledger.begin(what, outcome)  # stays open: the old or the new may be found
            answer = call()
            assert answer.status >= 500, f"{what} was answered {answer.status} {answer.body[:300]}"
            assert b"error" in answer.body.lower(), f"{what}: no error document: {answer.body[:300]}"
        assert disk.counts()["failed_syncs"] > failed_before, "no fsync was tried"

        check_reads(worker)
        worker.disconnect()
        victim.kill()
        disk.fail_syncs(0)
        disk.power_off()  # only what was really made durable

        victim.start()
        worker.connect()
        assert worker.settle() == []
        answer = worker.s3.put(BUCKET, "w0/after", b"after")
        assert answer.status == 200
        worker.disconnect()
        assert victim.stop() == 0
        campaign.verify_audit()
    finally:
        campaign.close()
