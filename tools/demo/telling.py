"""How the demo talks: chapters, facts with numbers, and a check that ends it."""

import sys
import time


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def human_bytes(count):
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit in ("B", "KB") else f"{count:.1f} {unit}"
        count /= 1000
    return ""


class Teller:
    def __init__(self):
        self._begun = time.monotonic()
        self._chapter = 0
        self._live = sys.stdout.isatty()

    def chapter(self, title):
        self._chapter += 1
        self._clear()
        print(f"\n{self._chapter}. {title}", flush=True)

    def fact(self, text):
        self._clear()
        print(f"   ✓ {text}", flush=True)

    def quote(self, text, lines=12):
        """What a command printed."""
        self._clear()
        shown = text.rstrip().splitlines()
        for line in shown[:lines]:
            print(f"     | {line}")
        if len(shown) > lines:
            print(f"     | ... {len(shown) - lines} more lines")
        sys.stdout.flush()

    def progress(self, text):
        if self._live:
            print(f"\r   … {text:<70}", end="", flush=True)

    def end(self):
        self._clear()
        print(f"\nDone in {time.monotonic() - self._begun:.0f} s. Every byte that was read was the byte "
              "that was written.", flush=True)

    def _clear(self):
        if self._live:
            print("\r" + " " * 78 + "\r", end="")
