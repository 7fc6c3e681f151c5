"""Starting servers that outlive this program, and stopping exactly those again.

A process is remembered by its id together with the moment it was started, so that a reused id is never
taken for it. What was started is written down before anything waits for it; a crash leaves nothing that
`down` does not find.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import settings
from report import ServerError, last_lines


def started_at(pid: int) -> str | None:
    """When the process was started, as an opaque text; None if there is no such process any more."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            # The name in parentheses may hold blanks; the fields after it do not.
            fields = stat.read_text().rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except (OSError, ValueError):
            return None
        state, start_ticks = fields[0], fields[19]
        return None if state in "ZX" else f"{boot}/{start_ticks}"
    answer = subprocess.run(
        ["ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return None if not answer or answer.startswith("Z") else answer.partition(" ")[2].strip()


class Processes:
    """The processes of one kind of servers, with their record in `processes.json`."""

    def __init__(self, directory: Path) -> None:
        self._record = directory / "processes.json"
        self._logs = directory / "logs"
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._recording = threading.Lock()

    def _read(self) -> dict[str, dict[str, str | int]]:
        try:
            return json.loads(self._record.read_text())
        except (OSError, ValueError):
            return {}

    def log(self, name: str) -> Path:
        """Where the named process writes its output."""
        return self._logs / f"{name}.log"

    def running(self) -> dict[str, int]:
        """Name and id of every recorded process that is still the one that was started."""
        return {
            name: int(entry["pid"])
            for name, entry in self._read().items()
            if started_at(int(entry["pid"])) == entry["started"]
        }

    def start(
        self, name: str, command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None
    ) -> int:
        """Starts a process in a session of its own, its output in its log, and records it."""
        self._logs.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("wb") as log:
            child = subprocess.Popen(
                list(command),
                cwd=cwd,
                env=dict(env) if env is not None else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children[name] = child
        with self._recording:
            record = self._read()
            record[name] = {"pid": child.pid, "started": started_at(child.pid) or "gone"}
            write_json(self._record, record)
        return child.pid

    def wait_until_ready(self, name: str, unready: Callable[[], str | None], limit: float) -> None:
        """Waits until there is no reason any more why the process is not ready.

        Fails with the end of its log if it dies, and with the last reason as well if time is up.
        """
        deadline = time.monotonic() + limit
        while reason := unready():
            code = self._children[name].poll()
            if code is not None:
                raise ServerError(f"{name} ended with code {code} while it was starting. {self._tail(name)}")
            if time.monotonic() > deadline:
                raise ServerError(f"{name} was not ready after {limit:.0f} s: {reason}. {self._tail(name)}")
            time.sleep(0.2)

    def _tail(self, name: str) -> str:
        log = self.log(name)
        return f"The end of {log}:\n{last_lines(log)}"

    def stop(self, limit: float = 30) -> list[str]:
        """Stops every recorded process that still runs, the last started first; returns their names."""
        running = self.running()
        names = [name for name in reversed(self._read()) if name in running]
        for name in names:
            # PostgreSQL ends its connections at once on SIGINT; SIGTERM would wait for its clients.
            _signal(running[name], signal.SIGINT if name == "postgres" else signal.SIGTERM)
        deadline = time.monotonic() + limit
        while (left := self.running()) and time.monotonic() < deadline:
            time.sleep(0.1)
        for pid in left.values():
            _signal(pid, signal.SIGKILL)
        self._record.unlink(missing_ok=True)
        return names


def _signal(pid: int, number: signal.Signals) -> None:
    """Signals a server and whatever it has started; every server leads a process group."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass


def write_json(path: Path, value: object) -> None:
    """Writes a JSON file in one go: a reader finds the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps(value, indent=2) + "\n")
    draft.replace(path)


def choose_port(purpose: str) -> int:
    """The preferred port for this purpose, or any free one where that is taken."""
    for port in (settings.PREFERRED_PORTS[purpose], 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServerError(f"there is no free port on {settings.HOST} for {purpose}")


def not_listening(port: int) -> str | None:
    """Why this loopback port takes no connection; None if it does."""
    try:
        with socket.create_connection((settings.HOST, port), timeout=2):
            return None
    except OSError as error:
        return f"port {port}: {error}"
