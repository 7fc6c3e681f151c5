"""What a test says as it goes: a line for each thing that was found to be so."""

from __future__ import annotations

import time
from contextlib import contextmanager

from build import ImageError


@contextmanager
def step(purpose: str):
    """Says what was found to be so, and how long that took."""
    started = time.monotonic()
    yield
    step.count = getattr(step, "count", 0) + 1
    print(f"ok {step.count:2}  {purpose} ({time.monotonic() - started:.1f} s)", flush=True)


def expect(condition: object, what: str) -> None:
    """Ends the test with a sentence unless the condition holds."""
    if not condition:
        raise ImageError(what)
