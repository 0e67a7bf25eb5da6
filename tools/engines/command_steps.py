"""Steps of a program of the command line: what it is told, and what it must say."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
from collections.abc import Callable

TIMEOUT_S, SHORT_TIMEOUT_S = 120, 20
Step = tuple[str, Callable[[], object], object]  # name, what is done, what is seen


class Program:
    def __init__(self, command: list[str], environment: dict[str, str], directory: pathlib.Path):
        self.command, self.environment, self.directory = command, os.environ | {"PYTHONUNBUFFERED": "1"} | environment, directory

    def _run(self, arguments: tuple[str, ...], timeout_s: float = TIMEOUT_S) -> subprocess.CompletedProcess:
        """@error subprocess.TimeoutExpired, with what was printed; the program and what it started are ended then"""
        command = [*self.command, *arguments]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, env=self.environment, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe,
                              text=True, start_new_session=True) as process:  # fmt: skip
            try:
                out, errors = process.communicate(timeout=timeout_s)
            except subprocess.TimeoutExpired as expired:
                os.killpg(process.pid, signal.SIGKILL)
                out, errors = process.communicate()
                raise subprocess.TimeoutExpired(command, timeout_s, out, errors) from expired
        return subprocess.CompletedProcess(command, process.returncode, out, errors)

    def printed(self, *arguments: str) -> str:
        """What it prints within a short while, however it ends."""
        try:
            return self._run(arguments, SHORT_TIMEOUT_S).stdout
        except subprocess.TimeoutExpired as expired:
            return expired.stdout or ""

    def __call__(self, *arguments: str) -> str:
        """What it prints. @error RuntimeError: it failed, with what it said"""
        done = self._run(arguments)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stderr[-400:]}")
        return done.stdout

    def lines(self, *arguments: str) -> list[str]:
        return [line.rstrip() for line in self(*arguments).splitlines() if line.strip()]

    def fails(self, *arguments: str) -> bool:
        try:
            self(*arguments)
        except RuntimeError:
            return True
        return False


def tree_of(directory: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def make_tree(directory: pathlib.Path) -> dict[str, bytes]:
    """Small files, a large one, an empty one, a name that must be escaped."""
    for name, body in {"a.txt": b"hello\n", "d/large": os.urandom(20 << 20), "d/empty": b"", "d/ü x": b"x"}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return tree_of(directory)


def failed_of(steps: list[Step]) -> list[str]:
    """Does them in order. @return what was not as expected"""
    failed = []
    for name, done, expected in steps:
        try:
            seen = done()
        except (RuntimeError, OSError, ValueError, KeyError, IndexError, subprocess.TimeoutExpired) as error:
            seen = repr(error)
        if seen != expected:
            failed.append(f"{name}: {str(seen)[:300]} and not {str(expected)[:300]}")
    return failed
