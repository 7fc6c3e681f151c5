"""Several reads of one stream after each other, each with the state of the one before; and reads that are killed."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from .connector import Connector, Result
from .messages import parse

Row = tuple[Any, ...]
Records = list[dict[str, Any]]

#: The number in a state from which on parts of a sync are no slices (`OUTSIDE` in src/read/incremental.rs).
FIRST_PART_THAT_IS_NO_SLICE = 2**32 - 3


def incremental(stream: dict[str, Any], cursor: str | None = None, key: Iterable[str] = ()) -> dict[str, Any]:
    """The configured catalog of one stream, read incrementally."""
    entry: dict[str, Any] = {"stream": stream, "sync_mode": "incremental", "destination_sync_mode": "append"}
    if cursor:
        entry["cursor_field"] = [cursor]
    return {"streams": [entry | {"primary_key": [[column] for column in key]}]}


def rows(result: Result, *columns: str) -> Counter[Row]:
    """The records as tuples."""
    records = [message["record"]["data"] for message in result.of_type("RECORD")]
    return Counter(tuple(record[column] for column in columns) for record in records)


class Syncs:
    """Reads a stream again and again."""

    def __init__(self, connector: Connector, config: dict[str, Any], catalog: dict[str, Any]) -> None:
        self.connector, self.config, self.catalog = connector, config, catalog
        self.state: list[dict[str, Any]] = []

    def read(self, **fields: Any) -> Result:
        """One more sync, which must succeed; its last state is that of the next one."""
        return self._finished(self.connector.read(self.config | fields, self.catalog, self.state))

    def read_while(
        self, size: int, meanwhile: Callable[[], None], fails: bool = False, **fields: Any
    ) -> Result:
        """One more sync, whose reader waits when `size` bytes have come until `meanwhile` is done. One that `fails`
        leaves its last state, too."""
        started = time.monotonic()
        process = self.connector.start(*self.connector.read_arguments(self.config | fields, self.catalog, self.state))
        with process:
            assert process.stdout and process.stderr
            first = process.stdout.read(size)
            meanwhile()
            rest, errors = process.stdout.read(), process.stderr.read()
        seconds = time.monotonic() - started
        result = Result(process.returncode, first + rest, errors.decode(errors="replace"), seconds)
        if not fails:
            return self._finished(result)
        self.state = result.states[-1:] or self.state
        return result

    def _finished(self, result: Result) -> Result:
        assert result.exit_code == 0, result.explain()
        [stream] = self.catalog["streams"]
        assert result.statuses(stream["stream"]["name"]) == ["STARTED", "RUNNING", "COMPLETE"], result.explain()
        counted = sum(state["sourceStats"]["recordCount"] for state in result.states)
        assert counted == len(result.of_type("RECORD")), "every record is counted by a state"
        self.state = result.states[-1:]
        return result

    @property
    def content(self) -> dict[str, Any]:
        """What the last state holds."""
        content: dict[str, Any] = self.state[0]["stream"]["stream_state"]
        return content

    @property
    def finished_slices(self) -> int:
        """How many slices the last state says are finished, if its sync is not. A sync by cursor has other parts beside
        its slices, such as the rows with the highest value; they may be finished first, and have the highest numbers."""
        if not self.state:
            return 0
        progress = (self.content.get("sync") or self.content).get("progress") or {"done": []}
        return sum(last - first + 1 for first, last in progress["done"] if first < FIRST_PART_THAT_IS_NO_SLICE)

    def read_until(self, size: int, **fields: Any) -> tuple[bool, Records, Records]:
        """Reads, and kills the connector when more than `size` bytes have come. Whether it had ended by then; the
        records before the last state, and those after it. The last state is that of the next read."""
        return self._read_until(lambda came, *_: came > size, fields)

    def read_until_enough(self, is_enough: Callable[[Records, Records], bool]) -> tuple[Records, Records]:
        """Reads, and kills the connector when enough records have come: those before the last state, and those after
        it. The last state is that of the next read."""
        ended, sure, unsure = self._read_until(lambda _, sure, unsure: is_enough(sure, unsure), {})
        assert not ended, "what was waited for never came"
        return sure, unsure

    def _read_until(
        self, is_over: Callable[[int, Records, Records], bool], fields: dict[str, Any]
    ) -> tuple[bool, Records, Records]:
        """Kills the connector before the first line at which it `is_over`, by the bytes up to the end of that line and
        the records before it."""
        arguments = self.connector.read_arguments(self.config | fields, self.catalog, self.state)
        process = self.connector.start(*arguments, stderr=None)
        assert process.stdout
        came, ended = 0, True
        sure: Records = []
        unsure: Records = []
        for line in process.stdout:
            came += len(line)
            if is_over(came, sure, unsure):
                ended = False
                break
            message = parse(line)
            if message["type"] == "RECORD":
                unsure.append(message["record"]["data"])
            elif message["type"] == "STATE":
                state = message["state"]
                assert state["sourceStats"]["recordCount"] == len(unsure)
                self.state = [state]
                sure, unsure = sure + unsure, []
        if not ended:
            process.send_signal(signal.SIGKILL)
        process.stdout.close()
        code = process.wait(timeout=60)
        assert not ended or code == 0, f"exit code {code}"
        return ended, sure, unsure


#: Makes a table and reads it by cursor: `new_table("memory", "ties", "AS SELECT 1 AS c")`.
NewTable = Callable[..., tuple[str, Syncs]]


def start(connector: Connector, settings: dict[str, Any], cursor: str) -> Syncs:
    """Syncs of the stream `t` by a cursor."""
    return Syncs(connector, settings, incremental(connector.discover(settings).streams["t"], cursor))
