"""What must be there: the exact model of one worker's keys, with changes whose outcome is unknown.

Only one worker writes a key, one change at a time, so each key has one acknowledged version. A
change that was not answered leaves two possibilities, and both of its keys (of a rename) decide
together. What is found after a restart is from then on what must be there.
"""

import dataclasses
import hashlib


@dataclasses.dataclass(frozen=True)
class Version:
    """Bytes and what is told about them. etag "" and generation 0: not learnt yet."""

    size: int
    sha256: str
    note: str = ""  # user metadata
    etag: str = ""
    generation: int = 0

    def same_content(self, other):
        return (self.size, self.sha256, self.note) == (other.size, other.sha256, other.note)

    def describe(self):
        return f"{self.size} bytes {self.sha256[:12]} note={self.note!r} etag={self.etag} " \
               f"generation={self.generation}"


def make_bytes(seed, size):
    """Bytes that no two seeds share (for size >= 8)."""
    return hashlib.shake_128(b"beringia %d" % seed).digest(size)


def version_of(body, note="", etag="", generation=0):
    return Version(len(body), hashlib.sha256(body).hexdigest(), note, etag, generation)


class Change:
    """One request under way: what each of its keys will hold (None: nothing)."""

    def __init__(self, what, outcome):
        self.what = what
        self.outcome = outcome


class Ledger:
    def __init__(self):
        self.known = {}  # key -> Version, as acknowledged or found
        self.open = []  # changes whose outcome is unknown
        self.touched = set()  # keys that changed since the last settling
        self.newest = {}  # key -> highest generation seen
        self.acknowledged = 0

    def begin(self, what, outcome):
        change = Change(what, outcome)
        self.open.append(change)
        self.touched.update(outcome)
        return change

    def acknowledge(self, change, learnt=None):
        """learnt: key -> Version with what the answer told."""
        self.open.remove(change)
        self.acknowledged += 1
        for key, version in change.outcome.items():
            if version is None:
                self.known.pop(key, None)
            else:
                self.known[key] = (learnt or {}).get(key, version)

    def refuse(self, change):
        """The server said that nothing happened."""
        self.open.remove(change)

    def undecided(self):
        return {key for change in self.open for key in change.outcome}

    def settle(self, found):
        """found: key -> Version or None, for every touched key. @return list of violations"""
        wrong = []
        for change in self.open:
            wrong += self._decide(change, found)
        self.open = []
        for key in sorted(self.touched):
            wrong += self._compare(key, self.known.get(key), found.get(key))
        self.touched.clear()
        return wrong

    def _decide(self, change, found):
        def holds(wanted, key):
            there = found.get(key)
            if wanted is None or there is None:
                return wanted is None and there is None
            return wanted.same_content(there)

        before = {key: self.known.get(key) for key in change.outcome}
        # A change that leaves the content as it is may have a new generation: either is right.
        if all(holds(version, key) for key, version in change.outcome.items()):
            for key in change.outcome:
                if found.get(key) is None:
                    self.known.pop(key, None)
                else:
                    self.known[key] = found[key]
            return []
        if all(holds(version, key) for key, version in before.items()):
            return []
        lines = [f"{change.what} was not answered, but what is there is neither old nor new:"]
        for key in change.outcome:
            lines += [f"  {key}", f"    old   {_text(before[key])}",
                      f"    new   {_text(change.outcome[key])}", f"    found {_text(found.get(key))}"]
            self.known.pop(key, None)
            if found.get(key) is not None:
                self.known[key] = found[key]
        return ["\n".join(lines)]

    def _compare(self, key, wanted, there):
        if wanted is None and there is None:
            return []
        if wanted is None:
            self.known[key] = there
            return [f"{key}: an acknowledged delete returned: {there.describe()}"]
        if there is None:
            del self.known[key]
            return [f"{key}: an acknowledged write is gone: {wanted.describe()}"]
        self.known[key] = there
        wrong = not wanted.same_content(there) or \
            (wanted.etag and wanted.etag != there.etag) or \
            (wanted.generation and wanted.generation != there.generation)
        if wrong:
            return [f"{key}: acknowledged {wanted.describe()}\n  found {there.describe()}"]
        if there.generation < self.newest.get(key, 0):
            return [f"{key}: generation {there.generation} after {self.newest[key]}"]
        self.newest[key] = there.generation
        return []


def _text(version):
    return "nothing" if version is None else version.describe()
