"""Scenarios as text: what is written through one door is read through the others, and natively.

A file has a header `on: MOUNT...` and one step a line; `#` begins a comment. Keys lie below a directory of
their own in the bucket of each mount named; the scenario runs once for each.

    s3 put KEY TEXT             also gcs; `upload` is multipart or resumable; `put-new` only if absent
    gcs get KEY = TEXT          TEXT or one of: absent, unavailable, refused
    s3 get KEY 2-4 = TEXT       bytes 2 to 4
    s3 delete KEY
    s3 copy KEY TO
    gcs list PREFIX = NAME...   names and directories/ at that level, in order; nothing = empty
    disk write KEY TEXT         somebody else, in the native directory; also: delete KEY, get KEY = TEXT
    disk rename KEY TO          also a directory; disk remove-tree KEY; disk link KEY TO (a symbolic link)
    cloud write KEY TEXT        somebody else, in the bucket of the cloud; also: delete, get
    cable cut | cable mend      between Beringia and the cloud
    native away | native back   the directory of the native files, as by an unmount
    server restart | server kill
    server move DIRECTORY BACKEND   by a policy: plan, apply, to its end
    within 5s: STEP             repeated until it holds, at most so long

TEXT is "quoted" or random(SIZE, SEED), e.g. random(3MiB, 1). A step without `= ...` must succeed; with
`= refused` and the like it must fail like that.
"""

import random
import re
import shlex
import time
from dataclasses import dataclass, field

POLL_S = 0.05
SIZES = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20}
OUTCOMES = {"absent", "unavailable", "refused"}


class Failed(Exception):
    """What a door or a native store said no with: one of OUTCOMES."""

    def __init__(self, outcome, why):
        super().__init__(f"{outcome}: {why}")
        self.outcome = outcome


@dataclass
class Step:
    line: int
    text: str
    actor: str
    verb: str
    arguments: list
    expected: list | None = None  # None: nothing was said about the outcome
    within_s: float = 0


@dataclass
class Scenario:
    name: str
    mounts: list = field(default_factory=list)
    steps: list = field(default_factory=list)


def parse(path):
    scenario = Scenario(path.stem)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        # `shlex` would take # inside of quotes for a comment only if told so.
        words = shlex.split(re.sub(r"random\((\S+),\s*(\S+)\)", r"random:\1:\2", line), comments=True, posix=False)
        if not words:
            continue
        if words[0] == "on:":
            scenario.mounts = words[1:]
            continue
        step = Step(number, line.strip(), "", "", [])
        if words[0] == "within":
            step.within_s = float(words[1].removesuffix("s:"))
            words = words[2:]
        step.actor, step.verb, rest = words[0], words[1], words[2:]
        if "=" in rest:
            step.expected = rest[rest.index("=") + 1:]
            rest = rest[:rest.index("=")]
        step.arguments = rest
        scenario.steps.append(step)
    assert scenario.mounts and scenario.steps, f"{path.name} has no mounts or no steps"
    return scenario


def bytes_of(word):
    if word.startswith("random:"):
        _, size, seed = word.split(":")
        number, unit = re.fullmatch(r"(\d+)(\w*)", size).groups()
        return random.Random(int(seed)).randbytes(int(number) * SIZES[unit])
    assert word[0] == word[-1] == '"', f"{word} is neither quoted nor random(...)"
    return word[1:-1].encode()


def unquoted(word):
    return word[1:-1] if word.startswith('"') else word


def show(value):
    if isinstance(value, bytes):
        return repr(value) if len(value) < 100 else f"{len(value)} bytes"
    return str(value)


class Runner:
    """Runs one scenario on one mount."""

    def __init__(self, world, mount, prefix):
        self.world, self.mount, self.prefix = world, mount, prefix

    def run(self, scenario):
        for step in scenario.steps:
            deadline = time.monotonic() + step.within_s
            while (problem := self._try(step)) and time.monotonic() < deadline:
                time.sleep(POLL_S)
            assert not problem, f"{scenario.name}:{step.line} on {self.mount}: {step.text}\n  {problem}"

    def _try(self, step):
        """What is wrong with the outcome of a step; None if nothing is."""
        expected = step.expected
        wanted_failure = expected[0] if expected and expected[0] in OUTCOMES else None
        try:
            got = self._do(step)
        except Failed as failed:
            if failed.outcome == wanted_failure:
                return None
            return f"it failed with {failed}"
        if wanted_failure:
            return f"it should have failed as {wanted_failure}, got {show(got)}"
        if expected is None:
            return None
        wanted = [unquoted(word) for word in expected] if step.verb == "list" else bytes_of(expected[0])
        return None if got == wanted else f"got {show(got)}, wanted {show(wanted)}"

    def _do(self, step):
        if step.verb == "move":
            return self.world.server_move(f"/{self.mount}/{self.prefix}{step.arguments[0]}", step.arguments[1])
        if step.actor in ("cable", "server", "native"):
            return getattr(self.world, f"{step.actor}_{step.verb}")()
        door = self.world.actor(step.actor, self.mount)
        arguments = [unquoted(word) if not word.startswith("random:") else word for word in step.arguments]
        key = self.prefix + (arguments[0] if arguments else "")
        if step.verb in ("put", "put-new", "upload", "write"):
            return getattr(door, step.verb.replace("-", "_"))(key, bytes_of(step.arguments[1]))
        if step.verb in ("copy", "rename", "link"):
            return getattr(door, step.verb)(key, self.prefix + arguments[1])
        if step.verb == "get" and len(arguments) > 1:
            first, last = arguments[1].split("-")
            return door.get(key, int(first), int(last))
        return getattr(door, step.verb.replace("-", "_"))(key)
