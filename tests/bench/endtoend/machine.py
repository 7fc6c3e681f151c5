"""What the figures belong to: machine, date, versions, commit, and how busy the machine was with other things."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import java
from measure import Counter
from tools import HERE, Workshop


def facts(workshop: Workshop) -> dict[str, Any]:
    """Everything that a reader needs to know of where a figure comes from."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "processor": _field("/proc/cpuinfo", "model name"),
        "processors": os.cpu_count(),
        "memory_gb": round(int(_field("/proc/meminfo", "MemTotal").split()[0]) / 1e6),
        "system": f"{platform.system()} {platform.release()}",
        "trino": workshop.kind.version,
        "java": _answer([java.find_java(workshop.kind), "-version"]).splitlines()[0],
        "python": platform.python_version(),
        "commit": _commit(),
        "binary": hashlib.sha256(workshop.binary.read_bytes()).hexdigest()[:12],
        "binary_built": datetime.fromtimestamp(workshop.binary.stat().st_mtime, timezone.utc).isoformat(timespec="seconds"),
    }  # fmt: skip


class Quiet:
    """How much of the machine others used, from the first moment to `said`."""

    def __init__(self, workshop: Workshop) -> None:
        self._pids = workshop.server_pids
        self._load = os.getloadavg()[0]
        self._started, self._before, self._own = time.monotonic(), Counter.now(self._pids), _own()

    def said(self) -> dict[str, Any]:
        """Load average in the beginning, and processors that others kept busy on average since then."""
        seconds, after = time.monotonic() - self._started, Counter.now(self._pids)
        servers = after.servers - self._before.servers
        others = after.machine - self._before.machine - servers - (_own() - self._own)
        return {"load_before": self._load, "seconds": seconds, "others": max(others, 0) / seconds}


def _own() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def _commit() -> str:
    """The commit of the tree, which a program built from a changed tree is not quite."""
    commit = _answer(["git", "-C", HERE, "rev-parse", "--short", "HEAD"])
    changed = _answer(["git", "-C", HERE, "status", "--porcelain", "--", "../../../src"])
    return commit + ("+changes" if changed else "")


def _answer(command: list[Any]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()
