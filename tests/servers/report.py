"""What the person at the terminal reads: one line a step, and plain sentences for failures.

Everything goes to stderr, so that stdout carries only what a command was asked for (a path, rows).
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class ServerError(Exception):
    """A failure that is explained by its message alone; it is shown without a traceback."""


def say(text: str) -> None:
    """Writes one line for the person at the terminal."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(purpose: str) -> Iterator[None]:
    """Announces a step and closes its line with the time that it took."""
    print(f"{purpose} ... ", end="", file=sys.stderr, flush=True)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        say(f"failed after {time.monotonic() - started:.1f} s")
        raise
    say(f"{time.monotonic() - started:.1f} s")


def last_lines(path: Path, count: int = 25) -> str:
    """The end of a log file, for a message about a server that did not start."""
    try:
        with path.open(encoding="utf-8", errors="replace") as log:
            lines = deque(log, maxlen=count)
    except OSError as error:
        return f"(no log: {error})"
    return "".join(f"    {line.rstrip()}\n" for line in lines) or "    (the log is empty)\n"
