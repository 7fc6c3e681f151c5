"""Runs one program and says what it cost: wall time, CPU time, peak memory, and what the servers spent meanwhile.

CPU time is the child's own, as `wait4` gives it. Peak memory is VmHWM of the child, read while it runs: the
`ru_maxrss` of a child is never less than the size that this process had when it started the child.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

#: Seconds between two looks at a child's memory.
_LOOK = 0.02
#: Seconds that a child has for ending after SIGTERM.
_PATIENCE = 20
_TICKS = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """A failure that is explained by its message alone."""


@dataclass
class Run:
    """One execution. Seconds and MB (10^6 bytes); `others` is CPU time of all that has nothing to do with it."""

    wall: float
    cpu: float
    peak_mb: float
    rows: int
    server_cpu: float
    others: float
    #: Whether it ended by itself, not by the bound on its time.
    complete: bool = True


@dataclass
class Counter:
    """CPU seconds so far: of the servers under test, and of the whole machine."""

    servers: float
    machine: float

    @classmethod
    def now(cls, pids: list[int]) -> Counter:
        """Reads both from /proc."""
        with open("/proc/stat") as stat:
            user, nice, system, _idle, _wait, irq, softirq, *_ = map(int, stat.readline().split()[1:])
        return cls(sum(map(_cpu_of, pids)), (user + nice + system + irq + softirq) / _TICKS)


def _cpu_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def run(
    command: list[str],
    servers: list[int],
    *,
    rows: int = 0,
    count: str | None = None,
    prints_rows: bool = False,
    bound: float | None = None,
    reader: list[str] | None = None,
    environment: dict[str, str] | None = None,
) -> Run:
    """Runs `command` with stdout to /dev/null and measures it.

    With `count`, stdout goes through a pipe into a grep that counts the lines that begin so; with `reader`, it goes
    through a pipe into this program; with `prints_rows`, it is one JSON object with a number of `rows`; else `rows` is
    taken as given.
    After `bound` seconds the program is asked to end.
    """
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as complaints:
        counting = None
        stdout: Any = answer if prints_rows else subprocess.DEVNULL
        if count is not None or reader:
            counting = subprocess.Popen(
                reader or ["grep", "-c", f"^{count}"],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL if reader else answer,
                env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
            )
            stdout = counting.stdin
        before, own = Counter.now(servers), time.process_time()
        started = time.monotonic()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=complaints,
            env={**os.environ, **(environment or {})},
        )
        if counting and counting.stdin:
            counting.stdin.close()
        watch = _Watch(child.pid, bound)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        watch.stop()
        counted = 0.0
        if counting:
            _, _, grep = os.wait4(counting.pid, 0)
            counting.returncode = 0
            counted = grep.ru_utime + grep.ru_stime
        after = Counter.now(servers)
        if child.returncode != 0 and not watch.bounded:
            complaints.seek(0)
            text = complaints.read().decode(errors="replace")[-1500:]
            raise BenchError(f"exit code {child.returncode}: {' '.join(command)[:500]}\n{text}")
        answer.seek(0)
        text = answer.read().decode()
    if prints_rows:
        rows = json.loads(text)["rows"]
    elif count is not None:
        rows = int(text)
    cpu, server = usage.ru_utime + usage.ru_stime, after.servers - before.servers
    others = after.machine - before.machine - server - cpu - counted - (time.process_time() - own)
    return Run(wall, cpu, watch.peak / 1e6, rows, server, max(others, 0), not watch.bounded)


class _Watch:
    """Follows a child's memory, and ends it when its time is over."""

    def __init__(self, pid: int, bound: float | None) -> None:
        self.peak, self.bounded = 0, False
        self._pid, self._bound = pid, bound
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """To be called when the child has ended."""
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        started = time.monotonic()
        while True:
            try:
                status = Path(f"/proc/{self._pid}/status").read_text()
                self.peak = max(self.peak, 1024 * int(status.split("VmHWM:")[1].split()[0]))
            except (OSError, IndexError):
                pass
            if self._ended.wait(_LOOK):
                return
            late = time.monotonic() - started - self._bound if self._bound else -1
            if late > 0:
                # Not yet waited for, so the number is still this child's.
                os.kill(self._pid, signal.SIGTERM if late < _PATIENCE else signal.SIGKILL)
                self.bounded = True
                if self._ended.wait(1):
                    return


def summary(runs: list[Run]) -> dict[str, Any]:
    """Medians of all runs, with the runs themselves."""
    median = {
        name: statistics.median(getattr(run, name) for run in runs)
        for name in ("wall", "cpu", "peak_mb", "rows", "server_cpu", "others")
    }
    median["rows_per_s"] = statistics.median(run.rows / run.wall for run in runs)
    median["rows_per_cpu_s"] = statistics.median(run.rows / max(run.cpu, 0.001) for run in runs)
    return {**median, "complete": all(run.complete for run in runs), "runs": [asdict(run) for run in runs]}
