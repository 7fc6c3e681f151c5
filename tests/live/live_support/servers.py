"""Servers beside the usual ones, for the tests of one module."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .environment import Environment

_SERVERS = Path(__file__).parents[2] / "servers"


@contextmanager
def another(kind: str, usual: Environment) -> Iterator[Environment]:
    """Servers of this kind in place of the usual ones.

    They are started here, and stopped in the end, unless `SOURCE_TRINO_KIND`, the kind in capitals, is the path of a
    `servers.json` of some that run.
    """
    given = os.environ.get(f"SOURCE_TRINO_{kind.upper()}")
    path = given or _run("up", kind)
    try:
        yield dataclasses.replace(usual, trino=json.loads(Path(path).read_text())["trino"], postgres={})
    finally:
        if not given:
            _run("down", kind)


def _run(command: str, kind: str) -> str:
    done = subprocess.run([sys.executable, _SERVERS, command, kind], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()
