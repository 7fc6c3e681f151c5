"""One table, written and read at random: after every sync that completes, the destination has what SQL says."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from . import destinations, faults
from .connector import Connector
from .destinations import CURSOR, Record, Replica, Row, Told
from .doubles import through_doubles
from .faults import Fault, Moment
from .messages import parse
from .relay import Relay, Sent
from .tables import Content, Table

#: Seconds that a run may take.
LIMIT = 90

#: Bytes that the first run is thought to write.
FIRST_SIZE = 3000

#: Faults that a run may meet. What stays is not among them: the next sync must find a quiet moment.
FAULTS = [
    *(replace(fault, moment=moment) for fault in faults.ERRORS for moment in (Moment.AT_ONCE, Moment.AFTER_ROWS)),
    *(replace(fault, moment=moment) for fault in faults.OF_HTTP for moment in Moment),
]


class Wrong(AssertionError):
    """What a run did is not right."""


@dataclass
class Run:
    """What a run wrote."""

    lines: list[bytes]
    size: int
    #: `None` if it was killed.
    exit_code: int | None
    #: How many slices it read side by side.
    concurrency: int

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [parse(line) for line in self.lines]

    @property
    def errors(self) -> list[dict[str, Any]]:
        traces = (message["trace"] for message in self.messages if message["type"] == "TRACE")
        return [trace["error"] for trace in traces if trace["type"] == "ERROR"]

    @property
    def warnings(self) -> list[str]:
        logs = (message["log"] for message in self.messages if message["type"] == "LOG")
        return [log["message"] for log in logs if log["level"] == "WARN"]

    @property
    def starts_anew(self) -> bool:
        """Whether what earlier attempts told is told again; "the table was made anew" may be the reason to go on."""
        return any("starts anew" in text or "is read anew" in text for text in self.warnings)

    def explain(self) -> str:
        kept = [line.decode(errors="replace")[:600] for line in self.lines if b'"type":"RECORD"' not in line[:20]]
        return "\n".join([f"exit code {self.exit_code}", *kept[-25:]])


class Destination(Protocol):
    """Keeps what the runs of a stream told."""

    def take(self, run: Run, told: Told, table: Table) -> None:
        """One more run, complete or not."""

    def problem(self, table: Table, columns: list[str]) -> str:
        """What is wrong after a complete one; empty if nothing is."""

    def settle(self) -> None:
        """The sync is complete, and right."""


class Keyed:
    """Dedups by key, of CHANGES. Twice: with what no state covers, and without."""

    def __init__(self) -> None:
        self._replicas = [Replica(("id",)), Replica(("id",))]
        self._since: list[list[Record]] = [[], []]
        self._warned = False
        self._highest: int | None = None
        self._falls = ""

    def take(self, run: Run, told: Told, table: Table) -> None:
        if run.starts_anew:
            # The refresh that it asks for brings what is told from here on.
            self._since = [[], []]
        for replica, since, records in zip(self._replicas, self._since, (told.records, told.sure), strict=True):
            replica.take(records)
            since += records
        self._warned = self._warned or bool(run.warnings)
        lowest = min((record[CURSOR] for record in told.records), default=None)
        if lowest is not None and self._highest is not None and lowest <= self._highest:
            self._falls = f"{CURSOR} {lowest} was sent after a sync that sent {self._highest}"

    def problem(self, table: Table, columns: list[str]) -> str:
        if self._falls:
            return self._falls
        expected = table.content.of(columns)
        different = [destinations.difference(expected, replica.rows(columns)) for replica in self._replicas]
        if any(different) and table.has_gap and self._warned:
            # Deletions cannot be told: people were asked to refresh, which leaves what came since.
            fresh = [Replica(("id",), records) for records in self._since]
            if all(replica.rows(columns) == expected for replica in fresh):
                self._replicas = fresh
                return ""
        return next(filter(None, different), "")

    def settle(self) -> None:
        values = [record[CURSOR] for record in self._since[0]]
        self._highest = max([*values, *([] if self._highest is None else [self._highest])], default=None)
        self._since = [[], []]
        self._warned = False


class Attempts:
    """What the runs of one sync told, up to the last state of each.

    A run tells a row once. Where it read several slices side by side, its last state does not cover all that it told of
    the slices that it left unfinished; the next run tells these rows again. All others come once.
    """

    def __init__(self) -> None:
        self._runs: list[list[Record]] = []
        #: Runs that may have left a slice whose rows stand before their last state.
        self._unfinished: set[int] = set()

    def take(self, run: Run, told: Told) -> None:
        if run.concurrency > 1 and not told.is_complete:
            self._unfinished.add(len(self._runs))
        self._runs.append(told.sure)

    @property
    def records(self) -> list[Record]:
        return [record for records in self._runs for record in records]

    def rows(self, columns: Sequence[str]) -> Counter[Row]:
        """The rows, without those that a later run had to repeat."""
        found, repeatable = Counter[Row](), set[Row]()
        for number, records in enumerate(self._runs):
            told = destinations.rows(records, columns)
            found += told - Counter(repeatable)
            if number in self._unfinished:
                repeatable |= told.keys()
        return found


class Overwritten:
    """Takes the place of what there was, when a full refresh is complete."""

    def __init__(self) -> None:
        self._attempts = Attempts()
        self._from = 0
        self._is_finished = False

    def take(self, run: Run, told: Told, table: Table) -> None:
        # A run that was killed after its last state has told everything. Without a platform that names its jobs, the next
        # run is the next full refresh.
        if run.starts_anew or self._is_finished:
            self._attempts = Attempts()
        self._attempts.take(run, told)
        self._is_finished = bool(told.state) and "finished_at_ms" in told.state["stream"]["stream_state"]

    def begin(self, table: Table) -> None:
        """The first of the attempts of a full refresh."""
        self._attempts, self._from = Attempts(), len(table.contents) - 1

    def problem(self, table: Table, columns: list[str]) -> str:
        contents = table.contents[self._from :]
        different = [self._difference(content, columns) for content in contents]
        if "" in different:
            return ""
        return f"the rows are those of no version; from the newest one: {different[-1]}"

    def _difference(self, content: Content, columns: list[str]) -> str:
        shared = [column for column in columns if column in content.columns]
        return destinations.difference(content.of(shared), self._attempts.rows(shared))

    def settle(self) -> None:
        pass


class Appended:
    """Appends, of reads by cursor."""

    COLUMNS = ("id", "c", "v")

    def __init__(self) -> None:
        #: Those of each sync that is complete.
        self._settled: list[Attempts] = []
        self._since = Attempts()

    def take(self, run: Run, told: Told, table: Table) -> None:
        if run.starts_anew and table.has_gap:
            self._since = Attempts()
        self._since.take(run, told)

    def problem(self, table: Table, columns: list[str]) -> str:
        syncs = [*self._settled, self._since]
        records = [record for attempts in syncs for record in attempts.records]
        # A row whose other columns have changed comes again.
        names = sorted({name for record in records for name in record})
        found = sum((attempts.rows(names) for attempts in syncs), Counter[Row]())
        if twice := [row for row, count in found.items() if count > 1]:
            return f"{len(twice)} rows came more than once, for example {twice[0]}"
        newest: dict[Any, Record] = {}
        for record in records:
            present = newest.get(record["id"])
            if present is None or present["c"] <= record["c"]:
                newest[record["id"]] = record
        return destinations.difference(table.content.of(self.COLUMNS), destinations.rows(newest.values(), self.COLUMNS))

    def settle(self) -> None:
        self._settled.append(self._since)
        self._since = Attempts()


@dataclass
class Reader:
    """Syncs one table again and again."""

    connector: Connector
    table: Table
    destination: Keyed | Overwritten | Appended
    relay: Relay
    config: dict[str, Any]
    chance: random.Random
    state: list[dict[str, Any]] | None = None
    catalog: dict[str, Any] | None = None
    #: Attempts of the sync that is under way.
    attempts: int = 0
    _size: int = FIRST_SIZE
    _columns_at: int = -1
    _last: Run | None = None

    def sync(self) -> None:
        """One sync, in a way that chance chooses, and what must hold after it."""
        way = self.chance.choice(["quiet", "quiet", "quiet", "fault", "fault", "kill", "kill", "meanwhile"])
        size = self.chance.randint(1, self._size * 13 // 10) if way == "kill" else None
        if way == "fault":
            fault, number = self.chance.choice(FAULTS), self.chance.randint(1, 12)
            self.tell(f"the next sync meets {fault.label} at request {number}")
            self.relay.rule = _at(number, lambda: fault)
        elif way == "meanwhile":
            number = self.chance.randint(1, 8)
            self.tell(f"the next sync waits at request {number} for:")
            self.relay.rule = _at(number, self._write)
        complete = self.run(size)
        self.relay.rule = _never
        if way == "quiet" and not complete:
            raise Wrong("a sync in a quiet moment is not COMPLETE")
        may_trail = way == "meanwhile" or self.attempts > 1
        if complete:
            self._judge(may_trail)

    def finish(self) -> None:
        """A last sync, which must be complete."""
        self.relay.rule = _never
        if not self.run(None):
            raise Wrong("a sync in a quiet moment is not COMPLETE")
        self._judge(may_trail=True)

    def _judge(self, may_trail: bool) -> None:
        columns = self._columns()
        problem = self.destination.problem(self.table, columns)
        if problem and may_trail and not isinstance(self.destination, Overwritten):
            # It may be of an earlier version; one more sync is not.
            if not self.run(None):
                raise Wrong("a sync in a quiet moment is not COMPLETE")
            problem = self.destination.problem(self.table, columns)
        if problem:
            raise Wrong(f"the destination is not the table: {problem}")
        self.destination.settle()
        self.table.has_gap = False
        self.attempts = 0

    def _write(self) -> None:
        self.table.write(only_rows=True)

    def _columns(self) -> list[str]:
        """Those of the catalog that the table has now."""
        assert self.catalog
        selected = self.catalog["streams"][0]["stream"]["json_schema"]["properties"]
        return [column for column in self.table.types if column in selected]

    def tell(self, text: str) -> None:
        self.table.history.append(f"-- {text}")

    def run(self, size: int | None) -> bool:
        """One run, killed when `size` bytes have come; whether the stream is COMPLETE."""
        if self.attempts == 0 and isinstance(self.destination, Overwritten):
            self.destination.begin(self.table)
        self.attempts += 1
        settings = {
            "slice_rows": self.chance.choice([1, 4, 1000]),
            "concurrency": self.chance.choice([1, 2, 3]),
            "fetch_protocol": self.chance.choice(["direct", "direct", "auto"]),
        }
        state, how = self.state, ""
        if state and self.chance.random() < 0.5:
            state, how = through_doubles(state), ", its state through doubles"
        arguments = self.connector.read_arguments(
            self.config | settings | {"port": self.relay.port}, self._configured(), state
        )
        before = len(self.relay.sent)
        run = self._last = self._run([str(argument) for argument in arguments], size, settings["concurrency"])
        self._size = max(run.size, 500)
        hit = [sent.sql[:80] for sent in self.relay.sent[before:] if sent.was_hit]
        told = destinations.told(run.lines).get("t", Told())
        end = f"killed after {run.size} bytes" if run.exit_code is None else f"exit code {run.exit_code}"
        self.tell(
            f"sync with {settings}{how}: {end}, {told.last_status}, {len(told.records)} records, "
            f"{len(told.unsure)} of them in no state{', failed: ' if hit else ''}{'; '.join(hit)}"
        )
        self.destination.take(run, told, self.table)
        if told.state:
            self.state = [told.state]
        if run.exit_code is not None:
            streams = {"t": told} if told.statuses or told.records else {}
            problems = destinations.broken_rules(streams, ["t"], run.exit_code, run.errors)
            if problems:
                raise Wrong("; ".join(problems))
        return told.is_complete

    def _configured(self) -> dict[str, Any]:
        """The catalog: as it was, while a sync is under way, or else with the columns of now."""
        follows_columns = isinstance(self.destination, Keyed) or self.attempts == 1
        if isinstance(self.destination, Appended) and self.catalog:
            return self.catalog
        if self.catalog is None or (follows_columns and self._columns_at != self.table.column_changes):
            self.catalog = self._discovered()
            self._columns_at = self.table.column_changes
        return self.catalog

    def _discovered(self) -> dict[str, Any]:
        stream = self.connector.discover(self.config).streams["t"]
        entry: dict[str, Any] = {"stream": stream}
        match self.destination:
            case Keyed():
                entry |= {"sync_mode": "incremental", "destination_sync_mode": "append_dedup", "primary_key": [["id"]]}
            case Appended():
                entry |= {"sync_mode": "incremental", "destination_sync_mode": "append", "cursor_field": ["c"]}
            case _:
                entry |= {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
        return {"streams": [entry]}

    def _run(self, arguments: list[str], size: int | None, concurrency: int) -> Run:
        process = self.connector.start(*arguments, stderr=None)
        assert process.stdout
        late = threading.Event()
        timer = threading.Timer(LIMIT, lambda: (late.set(), process.kill()))
        timer.start()
        with process:
            read = process.stdout.read() if size is None else process.stdout.read(size)
            killed = size is not None and len(read) >= size
            if killed:
                process.kill()
        timer.cancel()
        if late.is_set():
            raise Wrong(f"a run did not end in {LIMIT} s")
        # What stands after the last line end is no message.
        lines = read.split(b"\n")[:-1]
        return Run(lines, len(read), None if killed else process.returncode, concurrency)

    def story(self) -> str:
        """What happened, for a failure."""
        last = self._last.explain() if self._last else ""
        return "\n".join([*self.table.history, "-- the last run:", last])


def _never(sent: Sent) -> Fault | None:
    return None


def _at(number: int, then: Any) -> Any:
    """A rule for one request, counted from now on: what `then` gives is its fault."""
    counted = iter(range(1, number + 1))

    def rule(sent: Sent) -> Fault | None:
        if next(counted, None) == number:
            fault: Fault | None = then()
            return fault
        return None

    return rule


#: Writes and syncs of one table, before another one is made.
STEPS = 14


def round_of(reader: Reader, is_over: Callable[[], bool]) -> int:
    """Writes a table and syncs it in turn, in the end in a quiet moment; returns the number of syncs."""
    table, syncs = reader.table, 0
    table.make()
    while syncs < STEPS and not is_over():
        for _ in range(table.chance.randint(0, 3)):
            table.write()
        reader.sync()
        syncs += 1
    reader.finish()
    table.drop()
    return syncs + 1
