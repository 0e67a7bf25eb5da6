#!/usr/bin/env python3
"""Checks the rules of the house that a machine can check. Prints `file:line: what; do` per fault.

Rules: floors (tools/floors.txt), line length, file and function length, banned words and names,
no coroutines, no bare new/delete, #pragma once, [[nodiscard]] on public functions that return a
Result, room READMEs, links in docs. Exit status 1 if anything is wrong.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAX_COLUMNS = 100
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 70
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
BANNED_TEXT = [
    (re.compile(r"\bco_(await|return|yield)\b"), "coroutines are not used", "write a fiber"),
    (re.compile(r"\bFIXME\b|\bXXX\b|\bTODO\b(?!\(#\d+\))"), "unfinished work", "finish it or TODO(#issue)"),
    (re.compile(r"(?<![\w.])(new\s+[A-Za-z_:]+[\s({\[]|delete\s+[a-z_]+;|delete\[\])"),
     "bare new or delete", "use make_unique or a container"),
    (re.compile(r"\bstd::this_thread::sleep|\busleep\(|\bsleep\(\d"), "a real sleep", "io::sleep_for"),
]


class Faults:
    def __init__(self):
        self.count = 0

    def add(self, path, line, what, do):
        self.count += 1
        print(f"{path.relative_to(ROOT)}:{line}: {what}; {do}")


def tracked(pattern):
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", pattern], cwd=ROOT,
                           capture_output=True, text=True, check=True).stdout.split("\n")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def read_floors():
    rooms = {}
    for line in (ROOT / "tools/floors.txt").read_text().splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        room, floor, rest = words[0], int(words[1]), words[2:]
        only = rest[1:] if rest[:1] == ["only"] else None
        rooms[room] = {"floor": floor, "only": only, "extra": [] if only else rest}
    return rooms


def room_of(relative, rooms):
    parts = relative.split("/")
    for size in (2, 1):
        if "/".join(parts[:size]) in rooms:
            return "/".join(parts[:size])
    return None


def check_floors(path, lines, rooms, faults):
    room = room_of(str(path.relative_to(ROOT / "src")), rooms)
    if room is None:
        faults.add(path, 1, "a file outside every room", "move it or add the room to floors.txt")
        return
    rule = rooms[room]
    is_test = path.name.endswith(("_test.cc", "_fuzz.cc"))
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#include "([^"]+)"', line)
        if not match:
            continue
        other = room_of(match.group(1), rooms)
        if other is None or other == room:
            continue
        if rule["only"] is not None:
            allowed = other in rule["only"] or is_test
        else:
            allowed = rooms[other]["floor"] < rule["floor"] or other in rule["extra"]
        if not allowed:
            faults.add(path, number, f"{room} includes {other}", "only lower floors: tools/floors.txt")


def function_lengths(lines):
    """Yields (first line, length) of top-level function bodies, as clang-format lays them out."""
    start = None
    for number, line in enumerate(lines, 1):
        if start is None:
            if re.match(r"^(  )?\S.*\)(\s*(const|noexcept|override|final|mutable|->\s*\S+))*\s*(:.*)?\{$", line) \
                    and not re.match(r"^\s*(if|for|while|switch|namespace|do|else|struct|class|enum)\b", line):
                indent = len(line) - len(line.lstrip())
                start = (number, indent)
        elif line.startswith(" " * start[1] + "}") and not line[start[1] + 1:start[1] + 2].strip(";, )"):
            yield start[0], number - start[0] + 1
            start = None


def check_text(path, lines, faults):
    is_test = "_test." in path.name or "/tests/" in str(path)
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS and "http" not in line:
            faults.add(path, number, f"{len(line)} columns", f"at most {MAX_COLUMNS}")
        code = line.split("//")[0] if "://" not in line else line
        for pattern, what, do in BANNED_TEXT:
            text = line if what == "unfinished work" else re.sub(r'"(\\.|[^"\\])*"', '""', code)
            if pattern.search(text):
                faults.add(path, number, what, do)
    if len(lines) > MAX_FILE_LINES:
        faults.add(path, 1, f"{len(lines)} lines", f"split it by verb; at most {MAX_FILE_LINES}")
    if not is_test:
        for first, length in function_lengths(lines):
            if length > MAX_FUNCTION_LINES:
                faults.add(path, first, f"a function of {length} lines", f"at most {MAX_FUNCTION_LINES}")
    if set(re.split(r"[_.]", path.name)) & BANNED_NAMES:
        faults.add(path, 1, "a file name that says nothing", "name it for its main type or operation")


def check_header(path, lines, faults):
    if "#pragma once" not in "\n".join(lines[:5]):
        faults.add(path, 1, "no #pragma once", "add it")
    public = True
    for number, line in enumerate(lines, 1):
        if re.match(r"^ ?(private|protected):", line):
            public = False
        elif re.match(r"^( public:|};|struct |class )", line):
            public = True
        if public and "static" not in line and re.match(r"^  (virtual )?Result<.*> \w+\(", line) and "override" not in line:
            faults.add(path, number, "a Result that may be dropped", "mark it [[nodiscard]]")


def check_docs(faults):
    for path in tracked("*.md"):
        text = path.read_text()
        for number, line in enumerate(text.splitlines(), 1):
            for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", line):
                if not (path.parent / link).exists():
                    faults.add(path, number, f"a link to nothing: {link}", "mend it")
    readme = ROOT / "README.md"
    if readme.exists() and len(readme.read_text().splitlines()) > 100:
        faults.add(readme, 1, "README over 100 lines", "shorten it")


def check_rooms(rooms, faults):
    for room in rooms:
        folder = ROOT / "src" / room
        if folder.is_dir() and any(folder.rglob("*.cc")) and not (folder / "README.md").exists():
            faults.add(ROOT / "tools/floors.txt", 1, f"room {room} has no README.md", "write its door sign")


def main():
    faults = Faults()
    rooms = read_floors()
    for path in tracked("src/**") + tracked("tests/**") + tracked("bench/**"):
        if path.suffix not in (".h", ".cc"):
            continue
        lines = path.read_text().splitlines()
        if (ROOT / "src") in path.parents:
            check_floors(path, lines, rooms, faults)
        check_text(path, lines, faults)
        if path.suffix == ".h":
            check_header(path, lines, faults)
    check_rooms(rooms, faults)
    check_docs(faults)
    print(f"tidy: {faults.count} faults")
    return 1 if faults.count else 0


if __name__ == "__main__":
    sys.exit(main())
