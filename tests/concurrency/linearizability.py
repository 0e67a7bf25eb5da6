"""Decides whether what clients saw of one key can be explained by one order of their calls.

Wing and Gong's search with memory: sound and complete. A call is a dict-like `Call`; its effect on the
key's value (None: absent) is what the store promises for it.
"""

import dataclasses

INFINITY = float("inf")
ANY = object()  # a condition that says nothing


@dataclasses.dataclass
class Call:
    """kind: "write" (sets value; `expected` if it was conditional), "remove" (sets None), "read" (saw value).

    ok False: refused because the condition did not hold. unknown: no answer; it may have happened at any
    later time or never.
    """

    kind: str
    value: object
    start: float
    end: float = INFINITY
    expected: object = ANY
    ok: bool = True
    unknown: bool = False
    who: str = ""

    def step(self, value):
        """(possible, the value afterwards)"""
        if self.kind == "read":
            return self.value == value, value
        after = self.value if self.kind == "write" else None
        if self.expected is ANY:
            return True, after
        holds = value is not None if self.expected == "*" else value == self.expected
        if self.unknown:
            return True, after if holds else value
        return holds == self.ok, after if self.ok else value


def explanation_is_missing(calls):
    """None if some order explains all answers, else the calls (in order of their start) that do not fit."""
    calls = sorted(calls, key=lambda call: call.start)
    done = 0  # bit set of the calls that have had their turn
    needed = sum(1 << i for i, call in enumerate(calls) if not call.unknown)
    seen = set()
    stack = [(done, None)]
    furthest = 0
    while stack:
        done, value = stack.pop()
        if done & needed == needed:
            return None
        if (done, value) in seen:
            continue
        seen.add((done, value))
        first = (~done & (done + 1)).bit_length() - 1  # calls before it have all had their turn
        furthest = max(furthest, first)
        earliest_end = INFINITY
        candidates = []
        for i in range(first, len(calls)):
            if done >> i & 1:
                continue
            call = calls[i]
            if call.start > earliest_end:
                break  # later ones start later still
            candidates.append(i)
            if not call.unknown:
                earliest_end = min(earliest_end, call.end)
        for i in candidates:
            if calls[i].start > earliest_end:
                continue
            possible, after = calls[i].step(value)
            if possible:
                stack.append((done | 1 << i, after))
    return calls[max(0, furthest - 6):furthest + 10]
