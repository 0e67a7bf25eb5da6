"""A server, its clients and what they may expect, over many kills."""

import time

from .gcs import Gcs, fetch_token

from .native import NativeTree
from .versioned_worker import VersionedWorker
from .victim import Victim
from .worker import Worker

BUCKET = "crash"
KEEPING_BUCKET = "crash-versions"
WORKERS = 5
POINT_PATIENCE_S = 4.0  # for the load to pass a kill point
SETTLE_ROUNDS = 5


class Violation(AssertionError):
    pass


class Campaign:
    def __init__(self, directory, dice, victim=None, workers=WORKERS, large=True, names=None, with_versions=False):
        """names: of the keys of each worker; with_versions: one worker more, in a bucket that keeps versions"""
        self.dice = dice
        self.victim = victim or Victim(directory)
        self.begun = time.monotonic()
        self.kills = 0
        self.undecided = 0
        self.slowest_start_s = 0.0
        self.victim.start()
        key_file = self.victim.run("keys", "create", "--principal", "root", "--kind",
                                   "service-account").stdout
        self.token = fetch_token(self.victim.gcs_port, key_file)
        gcs = Gcs(self.victim.gcs_port, self.token)
        assert gcs.make_bucket(BUCKET).status == 200
        gcs.close()
        self.workers = [Worker(n, self.victim, self.token, BUCKET, names, large)
                        for n in range(workers)]
        self.plain_workers = list(self.workers)
        if with_versions:
            keeper = VersionedWorker(workers, self.victim, self.token, KEEPING_BUCKET)
            keeper.prepare()
            self.workers.append(keeper)
        self.prepare()
        self.victim.kill()

    def prepare(self):
        """Once, while the server runs for the first time."""

    @property
    def acknowledged(self):
        return sum(worker.ledger.acknowledged for worker in self.workers)

    def describe(self):
        return (f"{self.kills} kills in {time.monotonic() - self.begun:.0f} s, {self.acknowledged} "
                f"changes acknowledged, {self.undecided} not answered; slowest start "
                f"{self.slowest_start_s:.2f} s")

    # ---- one kill each

    def kill_at(self, crash_at, patience_s=POINT_PATIENCE_S):
        """Load until the server kills itself at a point. @return 1 if it did"""
        hit = 0
        if not self.victim.start(crash_at):
            hit = 1
            self.victim.start()
        hit |= self._settle()
        if not hit:
            self._start_load()
            deadline = time.monotonic() + patience_s
            while self.victim.alive() and time.monotonic() < deadline:
                time.sleep(0.002)
            hit = 0 if self.victim.alive() else 1
        self._end_load()
        self.kills += 1
        return hit

    def kill_at_random(self):
        if self.dice.random() < 0.15:  # in the middle of a start
            self.victim.launch()
            time.sleep(self.dice.uniform(0, 0.15))
            self.victim.kill()
            self.kills += 1
        self.victim.start()
        self._settle()
        self._start_load()
        time.sleep(self.dice.uniform(0.02, 0.4))
        self._end_load()
        self.kills += 1

    # ---- parts of it

    def _start_load(self):
        for worker in self.workers:
            worker.start()

    def _end_load(self):
        if not self.victim.alive() and self.victim.process.returncode != -9:
            raise Violation(f"the server ended by itself ({self.victim.process.returncode}):\n"
                            + self.victim.log_tail())
        self.victim.kill()
        for worker in self.workers:
            worker.stop()
            self.undecided += len(worker.ledger.open)

    def _settle(self, everything=False):
        """Looks at what was touched. @return 1 if the server killed itself meanwhile (a kill point
        in a recovery); then it is started again and the look is repeated."""
        self.slowest_start_s = max(self.slowest_start_s, self.victim.start_s)
        died = 0
        for _ in range(SETTLE_ROUNDS):
            wrong = self._unexpected()
            try:
                for worker in self.workers:
                    worker.connect()
                    wrong += worker.settle(everything)
                    worker.disconnect()
            except OSError:
                if not self.victim.is_dead_soon():
                    raise
                died = 1
                self.victim.start()
                continue
            if wrong:
                raise Violation(f"after {self.kills} kills:\n" + "\n".join(wrong[:20]) + "\n"
                                + self.victim.log_tail(15))
            return died
        raise Violation("the server does not stay alive while it is looked at")

    def _unexpected(self):
        wrong = []
        for worker in self.workers:
            wrong += worker.unexpected
            worker.unexpected = []
        return wrong

    def look_at_native_files(self):
        """Starts, looks at everything, and compares the directory. Leaves the server killed."""
        self.victim.start()
        self._settle(everything=True)
        self.check_natively()
        self.victim.kill()

    def check_natively(self):
        """Compares what lies in the backends, while the server runs."""
        NativeTree(self.victim.objects).check(BUCKET, self.plain_workers)

    def finish(self):
        """The end of it: everything is right, SIGTERM ends it well, the audit log verifies."""
        self.victim.start()
        self._settle(everything=True)
        self.check_natively()
        status = self.victim.stop()
        if status != 0:
            raise Violation(f"SIGTERM: {status}\n{self.victim.log_tail()}")
        self.verify_audit()

    def verify_audit(self):
        done = self.victim.run("audit", "verify", str(self.victim.data), check=False)
        if done.returncode != 0:
            raise Violation(f"the audit log does not verify:\n{done.stdout}{done.stderr}")

    def close(self):
        if self.victim.alive():
            self.victim.kill()
        for worker in self.workers:
            worker.stop()
