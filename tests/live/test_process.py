"""How a run ends that is not let finish: its reader goes away, or a signal comes. Nothing may go on behind it."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from live_support.connector import Connector
from live_support.messages import configured, handwritten
from live_support.oracle import Trino, unique

Config = Callable[..., dict[str, Any]]

#: A signal must end the process within a second; the rest is for a busy machine.
SIGNAL_SECONDS = 1.5
#: A reader that goes away is noticed at the next write.
PIPE_SECONDS = 3.0
#: How long Trino may take to show that a query was cancelled.
CANCEL_SECONDS = 5.0

LARGE = configured([handwritten("lineitem", "sf1", ["orderkey", "comment", "shipdate", "extendedprice"])])


class LongRead:
    """A read of millions of rows that has begun to write."""

    def __init__(self, process: subprocess.Popen[bytes], sql: Trino, source: str) -> None:
        self.process = process
        self._sql = sql
        self._source = source

    def read_records(self, count: int) -> None:
        """Reads lines until so many records have come."""
        assert self.process.stdout
        for line in self.process.stdout:
            count -= line.startswith(b'{"type":"RECORD"')
            if count == 0:
                return
        raise AssertionError("the read ended before its records")

    def ended_after(self, limit: float) -> float:
        """Seconds until the process ended."""
        started = time.monotonic()
        self.process.wait(limit + 10)
        return time.monotonic() - started

    def queries_going_on(self) -> list[Any]:
        """Its queries that Trino still works on, when it has had the time to end them."""
        limit = time.monotonic() + CANCEL_SECONDS
        while True:
            going_on = self._sql(
                f"SELECT query_id, state FROM system.runtime.queries WHERE source = '{self._source}' "
                "AND state NOT IN ('FINISHED', 'FAILED')"
            )
            if not going_on or time.monotonic() > limit:
                return going_on
            time.sleep(0.2)


@pytest.fixture
def long_read(connector: Connector, config: Config, sql: Trino, protocol: str) -> Callable[[], Any]:
    """Starts a long read: `with long_read() as read: …`."""

    @contextmanager
    def start() -> Iterator[LongRead]:
        source = unique("process")
        arguments = connector.read_arguments(config("tpch", "sf1", source=source, fetch_protocol=protocol), LARGE)
        with connector.start(*arguments) as process:
            try:
                yield LongRead(process, sql, source)
            finally:
                process.kill()

    return start


def test_a_reader_that_goes_away_ends_the_read_quietly_and_on_the_server_too(long_read: Callable[[], Any]) -> None:
    with long_read() as read:
        read.read_records(10)
        read.process.stdout.close()
        assert read.ended_after(PIPE_SECONDS) < PIPE_SECONDS
        assert (read.process.returncode, read.process.stderr.read()) == (141, b"")
        assert read.queries_going_on() == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("reader", ["reads on", "has stopped reading"])
def test_a_signal_ends_the_read_within_a_second_and_on_the_server_too(
    long_read: Callable[[], Any], number: signal.Signals, code: int, reader: str
) -> None:
    with long_read() as read:
        read.read_records(10)
        if reader == "has stopped reading":
            time.sleep(0.5)  # until the pipe is full and the connector waits to write
        read.process.send_signal(number)
        if reader == "reads on":
            started = time.monotonic()
            read.process.communicate(timeout=30)
            seconds = time.monotonic() - started
        else:
            seconds = read.ended_after(SIGNAL_SECONDS)
        assert read.process.returncode == code
        assert seconds < SIGNAL_SECONDS
        assert read.queries_going_on() == []


def test_an_interrupted_read_never_says_complete(long_read: Callable[[], Any]) -> None:
    with long_read() as read:
        read.read_records(10)
        read.process.send_signal(signal.SIGTERM)
        rest, _ = read.process.communicate(timeout=30)
        assert b'"COMPLETE"' not in rest
        assert b'"type":"STATE"' not in rest


def test_a_slow_reader_gets_all_rows(connector: Connector, config: Config) -> None:
    arguments = connector.read_arguments(
        config("tpch", "tiny"), configured([handwritten("orders", "tiny", ["orderkey"])])
    )
    records = 0
    with connector.start(*arguments) as process:
        assert process.stdout
        for line in process.stdout:
            records += line.startswith(b'{"type":"RECORD"')
            if records % 5000 == 0:
                time.sleep(0.3)
    assert (process.returncode, records) == (0, 15_000)
