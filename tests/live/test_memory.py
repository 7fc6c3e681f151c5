"""Memory does not grow with the table: the peak while six million rows are read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
from live_support.connector import Connector
from live_support.messages import configured, parse

ROWS = 6_001_215
#: The server offers spooling, so `auto` is spooled: rows come in segments of up to 16 MB, which are held whole.
LIMIT_MB = {"direct": 64, "auto": 160}

_RECORD = b'{"type":"RECORD"'
_CHUNK = 1 << 20


class Drain(threading.Thread):
    """Reads everything as fast as it comes; keeps the number of records and the last lines."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self.records = 0
        self.tail = b""

    def run(self) -> None:
        # What marks a record may be cut by the end of a chunk: the next one begins with the end of the one before.
        overlap = b""
        while chunk := self._stream.read(_CHUNK):
            self.records += (overlap + chunk).count(_RECORD)
            overlap = chunk[-(len(_RECORD) - 1) :]
            self.tail = (self.tail + chunk)[-_CHUNK:]


def peak_kb(process_id: int) -> int:
    """The highest resident size so far; 0 when the process has just ended."""
    try:
        status = Path(f"/proc/{process_id}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)


@pytest.mark.parametrize(("fetch_protocol", "limit_mb"), LIMIT_MB.items())
def test_six_million_rows_are_read_in_little_memory(
    connector: Connector, config: Callable[..., dict[str, Any]], fetch_protocol: str, limit_mb: int
) -> None:
    streams = connector.discover(config("tpch", "sf1")).streams
    catalog = configured([streams["lineitem"]])
    peak = 0
    with connector.start(
        *connector.read_arguments(config("tpch", "sf1", fetch_protocol=fetch_protocol), catalog)
    ) as process:
        assert process.stdout
        drain = Drain(process.stdout)
        drain.start()
        # Not `ru_maxrss`: a child starts with its parent's.
        while process.poll() is None:
            peak = max(peak, peak_kb(process.pid))
            time.sleep(0.05)
        drain.join()
    messages = [parse(line) for line in drain.tail.split(b"\n")[1:] if line]
    counts = [message["state"]["sourceStats"]["recordCount"] for message in messages if message["type"] == "STATE"]
    assert (process.returncode, drain.records, counts) == (0, ROWS, [ROWS])
    assert 0 < peak < limit_mb * 1024
