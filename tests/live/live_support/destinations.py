"""What a destination makes of runs, by the rules that Airbyte's destinations have, and the rules that every run keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .messages import parse

Record = dict[str, Any]
Row = tuple[Any, ...]

CURSOR, DELETED = "_ab_cdc_cursor", "_ab_cdc_deleted_at"
LAST_STATUSES = ("COMPLETE", "INCOMPLETE")


@dataclass
class Told:
    """What a run said of one stream."""

    statuses: list[str] = field(default_factory=list)
    #: Records before the last state: they are the destination's whatever comes.
    sure: list[Record] = field(default_factory=list)
    #: Records after it: a destination may have them or not.
    unsure: list[Record] = field(default_factory=list)
    #: The last state.
    state: dict[str, Any] | None = None
    #: Rules that were broken.
    problems: list[str] = field(default_factory=list)

    @property
    def last_status(self) -> str:
        return self.statuses[-1] if self.statuses else "none"

    @property
    def is_complete(self) -> bool:
        return self.last_status == "COMPLETE"

    @property
    def records(self) -> list[Record]:
        return self.sure + self.unsure

    def take(self, message: dict[str, Any]) -> None:
        """One more message of the stream."""
        trace = message.get("trace", {})
        ended = self.last_status in LAST_STATUSES
        if message["type"] == "RECORD":
            self.unsure.append(message["record"]["data"])
        elif message["type"] == "STATE":
            counted = message["state"].get("sourceStats", {}).get("recordCount")
            if counted != len(self.unsure):
                self.problems.append(f"a state counts {counted} records, and {len(self.unsure)} came since the one before")
            self.sure += self.unsure
            self.unsure = []
            self.state = message["state"]
        elif trace.get("type") == "STREAM_STATUS":
            self.statuses.append(trace["stream_status"]["status"])
        else:
            return
        if ended:
            self.problems.append(f"a {message['type']} follows the last status of the stream")


def told(lines: Iterable[bytes]) -> dict[str, Told]:
    """What a run said of each stream, by name. A line without an end is no line."""
    streams: dict[str, Told] = {}
    for line in lines:
        message = parse(line)
        name = _stream_of(message)
        if name is not None:
            streams.setdefault(name, Told()).take(message)
    return streams


def _stream_of(message: dict[str, Any]) -> str | None:
    if message["type"] == "RECORD":
        return str(message["record"]["stream"])
    if message["type"] == "STATE":
        return str(message["state"]["stream"]["stream_descriptor"]["name"])
    if message["type"] == "TRACE" and message["trace"]["type"] == "STREAM_STATUS":
        return str(message["trace"]["stream_status"]["stream_descriptor"]["name"])
    return None


def broken_rules(streams: dict[str, Told], wanted: Iterable[str], exit_code: int, errors: list[Any]) -> list[str]:
    """What a read that ended by itself must hold to, whatever happened to it."""
    wanted = list(wanted)
    problems = [f"{name}: {text}" for name, stream in streams.items() for text in stream.problems]
    for name, stream in streams.items():
        begun = stream.statuses[:-1]
        if begun not in (["STARTED"], ["STARTED", "RUNNING"]) or stream.last_status not in LAST_STATUSES:
            problems.append(f"{name}: its statuses are {stream.statuses}")
        if stream.is_complete and stream.unsure:
            problems.append(f"{name}: COMPLETE, and {len(stream.unsure)} records are in no state")
    incomplete = [name for name in wanted if name not in streams or not streams[name].is_complete]
    if (exit_code == 0) != (not incomplete):
        problems.append(f"the exit code is {exit_code}, and not COMPLETE is {incomplete}")
    if exit_code != 0 and not errors:
        problems.append(f"exit code {exit_code} without an error trace")
    return problems


def rows(records: Iterable[Record], columns: Sequence[str]) -> Counter[Row]:
    """Records as tuples; a column that is missing is null."""
    return Counter(tuple(record.get(column) for column in columns) for record in records)


class Replica:
    """A table as a destination keeps it that dedups by key, with the newest change by `_ab_cdc_cursor`."""

    def __init__(self, key: Sequence[str], records: Iterable[Record] = ()) -> None:
        self.key = key
        self._rows: dict[Row, Record] = {}
        self.take(records)

    def copy(self) -> Replica:
        return Replica(self.key, self._rows.values())

    def take(self, records: Iterable[Record]) -> None:
        for record in records:
            key = tuple(record.get(column) for column in self.key)
            present = self._rows.get(key)
            if present is None or present[CURSOR] <= record[CURSOR]:
                self._rows[key] = record

    def rows(self, columns: Sequence[str]) -> Counter[Row]:
        """The rows that are not deleted."""
        return rows((record for record in self._rows.values() if record[DELETED] is None), columns)


def difference(expected: Counter[Row], found: Counter[Row], shown: int = 6) -> str:
    """What is missing and what is too much; empty if nothing is."""
    parts = []
    for text, rows in (("missing", expected - found), ("too much", found - expected)):
        if rows:
            some = ", ".join(str(row) for row in sorted(rows, key=str)[:shown])
            parts.append(f"{rows.total()} {text}: {some}{', …' if len(rows) > shown else ''}")
    return "; ".join(parts)
