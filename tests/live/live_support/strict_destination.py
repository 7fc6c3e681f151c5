"""A destination of Airbyte's speed mode that forgives nothing.

It waits for the sockets, connects to the first ones of the list in their order, once each, and reads them to their end.
Then it holds what came to the rules that Airbyte's destinations enforce: a partition's records are counted, a STATE is
committed when its count is reached and all states before it are committed, values have the cases of the schema and its
order, and each stream is COMPLETE.
"""

from __future__ import annotations

import json
import socket
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from . import airbyte_protobuf
from .connector import Connector, Result
from .messages import Number, parse, parse_exactly

Name = tuple[str | None, str]
Row = tuple[Any, ...]

#: Cases of a value that a destination accepts for the type that it takes a schema for.
CASES: dict[str, set[str]] = {
    "boolean": {"boolean"},
    "string": {"string"},
    "integer": {"integer", "big_integer"},
    "number": {"number", "big_decimal"},
    "date": {"date"},
    "time": {"time_without_timezone"},
    "time with zone": {"time_with_timezone"},
    "timestamp": {"timestamp_without_timezone"},
    "timestamp with zone": {"timestamp_with_timezone"},
    "json": {"json"},
}


def expected_type(schema: dict[str, Any]) -> str:
    """As `JsonSchemaToAirbyteType` has it."""
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    types = [kind for kind in types if kind != "null"]
    if len(types) != 1 or types[0] in ("array", "object"):
        return "json"
    airbyte_type = schema.get("airbyte_type")
    if types[0] == "number":
        return "integer" if airbyte_type == "integer" else "number"
    if types[0] == "string":
        match schema.get("format"):
            case "date":
                return "date"
            case "time":
                return "time" if airbyte_type == "time_without_timezone" else "time with zone"
            case "date-time":
                return "timestamp" if airbyte_type == "timestamp_without_timezone" else "timestamp with zone"
    return str(types[0])


@dataclass
class Stream:
    """What came of a stream."""

    properties: dict[str, str]
    #: Partition → its records.
    records: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    #: Id → STATE.
    states: dict[int, dict[str, Any]] = field(default_factory=dict)
    statuses: list[str] = field(default_factory=list)
    #: Property → cases of its values.
    cases: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def committed(self) -> list[dict[str, Any]]:
        """The states whose records, and whose states before them, are all there."""
        committed: list[dict[str, Any]] = []
        while (state := self.states.get(len(committed) + 1)) is not None:
            if state["sourceStats"]["recordCount"] != len(self.records.get(state["partition_id"], ())):
                break
            committed.append(state)
        return committed

    def committed_rows(self) -> Counter[Row]:
        partitions = [state["partition_id"] for state in self.committed()]
        return Counter(row for partition in partitions for row in self.records.get(partition, ()))

    def rows(self) -> Counter[Row]:
        return Counter(row for rows in self.records.values() for row in rows)


class Delivery:
    """What came over the sockets of one run, and what was on stdout."""

    def __init__(self, result: Result, catalog: dict[str, Any], sockets: list[bytes], form: str, whole: bool) -> None:
        self.result, self.form = result, form
        self.sockets = sockets
        self.streams: dict[Name, Stream] = {}
        for entry in catalog["streams"]:
            stream = entry["stream"]
            properties = stream["json_schema"]["properties"]
            types = {name: expected_type(schema) for name, schema in properties.items()}
            self.streams[stream.get("namespace"), stream["name"]] = Stream(types)
        for content in sockets:
            if form == "PROTOBUF":
                self._take_protobuf(content, whole)
            else:
                self._take_lines(content, whole)

    def __getitem__(self, name: str) -> Stream:
        [stream] = [stream for (_, known), stream in self.streams.items() if known == name]
        return stream

    def _take_protobuf(self, content: bytes, whole: bool) -> None:
        for message in airbyte_protobuf.messages(content, whole):
            kind = message.WhichOneof("type")
            if kind == "record":
                self._take_record(message.record)
            else:
                assert kind == "airbyte_protocol_message", f"a message of kind {kind}"
                self._take_message(parse(message.airbyte_protocol_message))

    def _take_record(self, record: Any) -> None:
        namespace = record.stream_namespace if record.HasField("stream_namespace") else None
        stream = self.streams[namespace, record.stream_name]
        assert record.emitted_at_ms > 1_600_000_000_000 and record.partition_id
        names = sorted(stream.properties, key=lambda name: name.encode("utf-16-be"))
        assert len(record.data) == len(names), f"{len(record.data)} values for {len(names)} properties"
        values = []
        for name, value in zip(names, record.data, strict=True):
            case = value.WhichOneof("value")
            if case is None:
                values.append((name, None))
                continue
            assert case in CASES[stream.properties[name]], f"{name} of {record.stream_name} is sent as {case}"
            stream.cases[name].add(case)
            values.append((name, _sent(case, getattr(value, case))))
        changes = tuple((change.field, change.change, change.reason) for change in record.meta.changes)
        stream.records[record.partition_id].append((tuple(sorted(values)), changes))

    def _take_lines(self, content: bytes, whole: bool) -> None:
        *lines, rest = content.split(b"\n")
        assert not whole or not rest, "the last line is cut"
        for line in lines:
            message = parse_exactly(line) if line.startswith(b'{"type":"RECORD"') else parse(line)
            if message["type"] == "RECORD":
                record = message["record"]
                stream = self.streams[record.get("namespace"), record["stream"]]
                stream.records[record["partition_id"]].append(canonical(record, stream))
            else:
                self._take_message(message)

    def _take_message(self, message: dict[str, Any]) -> None:
        """STATE or STREAM_STATUS: nothing else belongs on a socket."""
        if message["type"] == "STATE":
            state = message["state"]
            stream = self._stream_of(state["stream"])
            assert isinstance(state["id"], int) and isinstance(state["partition_id"], str)
            assert state["id"] not in stream.states, f"two states {state['id']}"
            used = [known["partition_id"] for known in stream.states.values()]
            assert state["partition_id"] not in used, "two states of one partition"
            stream.states[state["id"]] = state
            return
        assert message["type"] == "TRACE" and message["trace"]["type"] == "STREAM_STATUS", message
        status = message["trace"]["stream_status"]
        self._stream_of(status).statuses.append(status["status"])

    def _stream_of(self, holder: dict[str, Any]) -> Stream:
        descriptor = holder["stream_descriptor"]
        return self.streams[descriptor.get("namespace"), descriptor["name"]]

    def assert_sync(self) -> None:
        """What a destination demands of a sync that succeeds, and the platform of its stdout."""
        assert self.result.exit_code == 0, self.result.explain()
        assert not self.result.of_type("RECORD"), "a record on stdout is lost"
        for (_, name), stream in self.streams.items():
            committed = stream.committed()
            ids = sorted(stream.states)
            assert ids and len(committed) == len(ids), f"{name}: states {ids}, of which {len(committed)} are committed"
            assert sum(stream.committed_rows().values()) == sum(stream.rows().values()), f"{name}: rows without a state"
            assert stream.statuses == self.result.statuses(name) == ["STARTED", "RUNNING", "COMPLETE"], name
        self.assert_states_are_on_stdout()

    def assert_states_are_on_stdout(self) -> None:
        """The platform pairs the states of both sides by their ids."""
        for (namespace, name), stream in self.streams.items():
            descriptor = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
            told = [state for state in self.result.states if state["stream"]["stream_descriptor"] == descriptor]
            assert [state["id"] for state in told] == list(range(1, len(told) + 1))
            for identity, state in stream.states.items():
                assert told[identity - 1] == state, "a STATE differs from its copy on stdout"

    def next_state(self) -> list[dict[str, Any]]:
        """What the platform keeps for the next sync: the last committed state of each stream."""
        committed = [stream.committed() for stream in self.streams.values()]
        return [states[-1] for states in committed if states]

    def last_states(self) -> list[dict[str, Any]]:
        """The last states without what only belongs to this sync."""
        return [state["stream"] for state in self.next_state()]


def _days(text: str) -> int:
    """Days since 1970 of an Airbyte date, without a calendar of our own: 400 years are 146,097 days."""
    year, rest = int(text[:4]), text[4:10]
    year = 1 - year if text.endswith(" BC") else year
    cycles = (year - 2000) // 400
    return date.fromisoformat(f"{year - 400 * cycles:04}{rest}").toordinal() - 719_163 + 146_097 * cycles


def _nanoseconds(clock: str) -> int:
    seconds, _, fraction = clock.partition(".")
    hours, minutes, rest = (int(part) for part in seconds.split(":"))
    return (hours * 3600 + minutes * 60 + rest) * 10**9 + int(fraction.ljust(9, "0") or 0)


def _timestamp(text: str) -> tuple[int, int]:
    return _days(text[:10] + (" BC" if text.endswith(" BC") else "")), _nanoseconds(text.removesuffix(" BC")[11:])


def _sent(case: str, value: Any) -> Any:
    """A value of Protobuf, comparable with one of `_read`."""
    match case:
        case "integer":
            return case, str(value)
        case "big_integer":
            assert not -(2**63) <= int(value) < 2**63, "a big_integer that has 64 bits"
            return "integer", value
        case "number":
            return case, value.hex()
        case "json":
            return case, repr(parse_exactly(value.decode("utf-8")))
        case "time_with_timezone":
            return case, (value.nanos_of_day, value.offset_seconds)
        case "timestamp_without_timezone":
            assert 0 <= value.nanos_of_day < 86_400 * 10**9
            return case, (value.date_days_since_epoch, value.nanos_of_day)
        case "timestamp_with_timezone":
            assert 0 <= value.nano < 10**9 and value.offset_seconds == 0
            return case, (value.epoch_second, value.nano)
    return case, value


def _read(expected: str, cases: set[str], value: Any) -> Any:
    """The value of a JSON record, as Protobuf must have sent it. Whether a number is a double, only its sender knows."""
    if value is None:
        return None
    text = value.text if isinstance(value, Number) else value
    match expected:
        case "integer":
            return "integer", str(int(text))
        case "number" if cases == {"number"}:
            return "number", float(text).hex()
        case "number":
            return "big_decimal", text
        case "date":
            return "date", _days(text)
        case "time":
            return "time_without_timezone", _nanoseconds(text)
        case "time with zone":
            sign = -1 if text[-6] == "-" else 1
            offset = sign * (int(text[-5:-3]) * 3600 + int(text[-2:]) * 60)
            return "time_with_timezone", (_nanoseconds(text[:-6]), offset)
        case "timestamp":
            return "timestamp_without_timezone", _timestamp(text)
        case "timestamp with zone":
            days, nanoseconds = _timestamp(text.replace("Z", ""))
            return "timestamp_with_timezone", (days * 86_400 + nanoseconds // 10**9, nanoseconds % 10**9)
        case "json":
            return "json", repr(value)
    return expected, text


_CHANGES = {"NULLED": 0, "TRUNCATED": 1}
_REASONS = {
    "SOURCE_RECORD_SIZE_LIMITATION": 0,
    "SOURCE_FIELD_SIZE_LIMITATION": 3,
    "SOURCE_SERIALIZATION_ERROR": 6,
}


def canonical(record: dict[str, Any], stream: Stream) -> Row:
    """A JSON record, its numbers as texts, in the form in which records of Protobuf are kept."""
    values = [
        (name, _read(expected, stream.cases.get(name, set()), record["data"].get(name)))
        for name, expected in stream.properties.items()
    ]
    changes = record.get("meta", {}).get("changes", [])
    told = [(change["field"], _CHANGES[change["change"]], _REASONS[change["reason"]]) for change in changes]
    return tuple(sorted(values)), tuple(change for change in told if change[0] in stream.properties)


class StrictDestination:
    """Takes what a run of the connector sends."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector

    def sync(
        self,
        config: dict[str, Any],
        catalog: dict[str, Any],
        form: str,
        sockets: int,
        state: Any = None,
        take: int | None = None,
        kill: Callable[[int], bool] | None = None,
    ) -> Delivery:
        """One run over so many sockets, of which the first `take` are used. It is killed as soon as `kill`, which is
        told of the bytes that came, says so."""
        # Short, because the path of a socket is.
        with tempfile.TemporaryDirectory(prefix="s") as directory:
            paths = [Path(directory) / f"airbyte_socket_{number}.sock" for number in range(1, sockets + 1)]
            environment = {
                "DATA_CHANNEL_MEDIUM": "SOCKET",
                "DATA_CHANNEL_FORMAT": form,
                "DATA_CHANNEL_SOCKET_PATHS": ",".join(map(str, paths)),
            }
            arguments = self.connector.read_arguments(config, catalog, state)
            started = time.monotonic()
            process = self.connector.start(*arguments, environment=environment)
            contents = [bytearray() for _ in paths[:take]]
            lock = threading.Lock()
            killed = threading.Event()

            def read(client: socket.socket, content: bytearray) -> None:
                with client:
                    while some := client.recv(16 * 1024):
                        content += some
                        with lock:
                            if kill and not killed.is_set() and kill(sum(map(len, contents))):
                                killed.set()
                                process.kill()

            outputs: dict[str, bytes] = {}

            def drain() -> None:
                outputs["stdout"], outputs["stderr"] = process.communicate()

            threads = [threading.Thread(target=drain)]
            threads[0].start()
            try:
                for path, content in zip(paths[:take], contents, strict=True):
                    client = self._connect(path, process)
                    threads.append(threading.Thread(target=read, args=(client, content)))
                    threads[-1].start()
                for thread in threads:
                    thread.join(timeout=180)
                    assert not thread.is_alive(), "the run does not end"
            finally:
                process.kill()
            # A killed run leaves its sockets; every other one removes them.
            assert killed.is_set() or not list(Path(directory).iterdir()), "the sockets are still there"
        stdout = outputs["stdout"]
        if killed.is_set():
            stdout = stdout[: stdout.rfind(b"\n") + 1]
        result = Result(process.returncode, stdout, outputs["stderr"].decode(), time.monotonic() - started)
        return Delivery(result, catalog, [bytes(content) for content in contents], form, not killed.is_set())

    @staticmethod
    def _connect(path: Path, process: Any) -> socket.socket:
        """Once the file is there, and without a second try."""
        limit = time.monotonic() + 60
        while not path.exists():
            assert process.poll() is None, "the connector has ended before it had sockets"
            assert time.monotonic() < limit, f"{path} does not come"
            time.sleep(0.01)
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.connect(str(path))
        return client


def dump(states: list[dict[str, Any]]) -> str:
    """States as text, for comparisons that explain themselves."""
    return json.dumps(states, indent=1, sort_keys=True, default=str)
