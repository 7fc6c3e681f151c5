"""Fails every statement of a run, one at a time, with errors of every class, and judges it and the sync after it."""

from __future__ import annotations

import json
import os
import re
import threading
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

from . import destinations, faults
from .connector import Connector, Result
from .destinations import Record, Replica, Row, Told
from .faults import Fault, Moment
from .relay import Answers, FailAt, relay

#: Runs of the binary at once; they wait for most of their time.
AT_ONCE = int(os.environ.get("SWEEP_AT_ONCE", "16"))

#: Seconds that a run may take: when the fault goes away, or is one that nobody waits for; when it stays; and in a quiet
#: moment, when the server must answer itself, however busy it is.
LIMIT = 60
PATIENT_LIMIT = 330
QUIET_LIMIT = 180

#: How long a fault stays: for one request, for all of its kind, for everything from there on.
ONCE, LASTING, ON = "once", "lasting", "on"

#: What a server that is gone looks like.
GONE = ("QUERY_QUEUE_FULL", "HTTP 503@post", "closed@post")


# Statements

_METADATA = re.compile(
    r"information_schema\.\w+|system\.metadata\.\w+|\$[a-z_]+\b|table_changes|system\.query|WHERE false|\b(?:max|min|sum|count)\("
)


def kind_of(sql: str) -> str:
    """A short name for what a statement asks for, the same for each table and each version."""
    if sql.startswith(("GET ", "HEAD ")):
        return sql.rsplit("/", 1)[0] if "/spooled/" in sql else sql
    if sql.startswith("SHOW"):
        return " ".join(sql.split()[:2])
    found = sorted({text.rstrip("(") for text in _METADATA.findall(sql)} - {"$path"})
    if sql.startswith("EXPLAIN"):
        # It is the same whatever it explains.
        return "EXPLAIN"
    if "system.query" in found:
        # And so is a query for the database: one that fails while another works is a proof.
        return "system.query"
    return " ".join(found) or ("constant" if "FROM" not in sql else "rows")


# Expectations


@dataclass(frozen=True)
class Whole:
    """A full refresh into a destination that appends within a generation."""

    columns: tuple[str, ...]
    #: The rows of the table.
    table: Counter[Row]
    #: Those that the state that is given leaves to be read.
    left: Counter[Row]
    #: Rows that may come twice: of the slices that were not finished, where several are read at once.
    unfinished: int = 0

    def judge(self, first: Told, second: Told) -> Iterable[str]:
        covered = destinations.rows(first.sure, self.columns)
        again = destinations.rows(second.records, self.columns)
        if first.is_complete:
            yield _compared("COMPLETE, but not with the rows of the table", self.left, covered)
            yield _compared("the next full refresh has not the rows of the table", self.table, again)
        else:
            text = "the rows of both syncs are not those of the table, each once"
            yield _compared(text, self.left, covered + again, self.unfinished)


@dataclass(frozen=True)
class NewRows:
    """A sync by cursor into a destination that appends."""

    columns: tuple[str, ...]
    new: Counter[Row]
    unfinished: int = 0

    def judge(self, first: Told, second: Told) -> Iterable[str]:
        covered = destinations.rows(first.sure, self.columns)
        if first.is_complete:
            yield _compared("COMPLETE, but not with the new rows", self.new, covered)
        again = destinations.rows(second.records, self.columns)
        may_repeat = 0 if first.is_complete else self.unfinished
        yield _compared("the rows of both syncs are not the new ones, each once", self.new, covered + again, may_repeat)


@dataclass(frozen=True)
class Changed:
    """A sync by CHANGES into a destination that dedups."""

    columns: tuple[str, ...]
    key: tuple[str, ...]
    #: What the destination has.
    before: tuple[Record, ...]
    table: Counter[Row]
    #: Rows that are left of a snapshot, which must not all come again.
    left: Counter[Row] | None = None
    unfinished: int = 0

    def judge(self, first: Told, second: Told) -> Iterable[str]:
        if any(destinations.CURSOR not in record for record in [*first.records, *second.records]):
            yield f"records have no {destinations.CURSOR}"
            return
        if first.is_complete:
            replica = self._replica(first.records)
            yield _compared("COMPLETE, but the destination is not the table", self.table, replica.rows(self.columns))
        for text, taken in (("", first.records), (", without what no state covers", first.sure)):
            replica = self._replica([*taken, *second.records])
            found = replica.rows(self.columns)
            yield _compared(f"after both syncs the destination is not the table{text}", self.table, found)
        if self.left is not None and not first.is_complete:
            found = destinations.rows([*first.sure, *second.records], self.columns)
            yield _compared("finished slices come again", Counter(), found - self.left, self.unfinished)

    def _replica(self, records: Iterable[Record]) -> Replica:
        return Replica(self.key, [*self.before, *records])


def _compared(text: str, expected: Counter[Row], found: Counter[Row], may_repeat: int = 0) -> str:
    if not expected - found and (found - expected).total() <= may_repeat:
        return ""
    return f"{text} ({destinations.difference(expected, found)})"


Expectation = Whole | NewRows | Changed


# Scenarios


@dataclass(frozen=True)
class Scenario:
    """A command with its configuration, and what its streams must come to."""

    name: str
    command: str
    config: dict[str, Any]
    catalog: dict[str, Any] | None = None
    state: list[dict[str, Any]] = field(default_factory=list)
    expected: dict[str, Expectation] = field(default_factory=dict)

    def run(self, connector: Connector, port: int, state: list[dict[str, Any]] | None = None, limit: float = LIMIT) -> Result:
        config = self.config | {"port": port}
        if self.command == "read":
            arguments = connector.read_arguments(config, self.catalog, self.state if state is None else state)
        else:
            arguments = [self.command, "--config", connector.file(config)]
        return connector.run(*arguments, timeout=limit)


@dataclass(frozen=True)
class Step:
    """A request of a quiet run."""

    scenario: str
    kind: str
    #: Which of its kind.
    occurrence: int
    had_rows: bool

    def takes(self, fault: Fault) -> bool:
        """Whether the fault can be given to it."""
        if self.kind.startswith(("GET ", "HEAD ")):
            return not fault.is_error and not fault.takes_rows and fault.moment is Moment.POST
        if fault.takes_rows:
            return self.had_rows and "information_schema" in self.kind
        return self.had_rows or fault.moment is not Moment.AFTER_ROWS


@dataclass(frozen=True)
class Case:
    """One fault of one request. Its text names it in `SWEEP_CASE`."""

    step: Step
    fault: Fault
    stay: str

    def __str__(self) -> str:
        step = self.step
        return f"{step.scenario}: {step.kind} {step.occurrence}: {self.fault.label}: {self.stay}"

    @property
    def rule(self) -> FailAt:
        step = self.step
        return FailAt(kind_of, step.kind, step.occurrence, self.fault, self.stay == LASTING, self.stay == ON)

    @property
    def limit(self) -> float:
        return PATIENT_LIMIT if self.fault.is_slow and self.stay != ONCE else LIMIT


@dataclass
class Judged:
    """A case, whether its fault was given, and what was wrong."""

    case: Case
    was_hit: bool
    problems: list[str]
    seconds: float
    explained: str = ""


class Sweep:
    """Runs cases over tables that nobody writes; the server says each thing once, quiet runs from one state are made once."""

    def __init__(self, connector: Connector, upstream: int, scenarios: Iterable[Scenario]) -> None:
        self.connector, self.upstream = connector, upstream
        self.scenarios = {scenario.name: scenario for scenario in scenarios}
        self._answers = Answers()
        self._quiet: dict[tuple[str, str], Future[Result]] = {}
        self._lock = threading.Lock()

    def steps(self, scenario: Scenario) -> list[Step]:
        """The requests of a quiet run, which must be right itself."""
        with relay(self.upstream, answers=self._answers) as quiet:
            result = scenario.run(self.connector, quiet.port, limit=QUIET_LIMIT)
            sent = list(quiet.sent)
        with self._lock:
            future = self._quiet[scenario.name, _canonical(scenario.state)] = Future()
        future.set_result(result)
        problems = self.judge(scenario, result, None)
        assert result.exit_code == 0 and not problems, f"{scenario.name}: {problems}\n{result.explain()}"
        counts: Counter[str] = Counter()
        steps = []
        for request in sent:
            kind = kind_of(request.sql)
            counts[kind] += 1
            steps.append(Step(scenario.name, kind, counts[kind], request.had_rows))
        return steps

    def run(self, case: Case) -> Judged:
        scenario = self.scenarios[case.step.scenario]
        with relay(self.upstream, case.rule, self._answers) as failing:
            try:
                result = scenario.run(self.connector, failing.port, limit=case.limit)
            except TimeoutExpired:
                return Judged(case, bool(failing.hits), [f"it did not end in {case.limit} s"], case.limit)
            hit = bool(failing.hits)
        try:
            problems = self.judge(scenario, result, case.fault)
        except (AssertionError, ValueError, KeyError, TimeoutExpired) as error:
            problems = [f"it cannot be judged: {error!r}"]
        return Judged(case, hit, problems, result.seconds, result.explain())

    def quiet(self, scenario: Scenario, state: list[dict[str, Any]]) -> Result:
        """The run in a quiet moment from a state."""
        key = scenario.name, _canonical(state)
        with self._lock:
            future, is_new = self._quiet.get(key), False
            if future is None:
                future, is_new = self._quiet.setdefault(key, Future()), True
        if is_new:
            try:
                with relay(self.upstream, answers=self._answers) as quiet:
                    future.set_result(scenario.run(self.connector, quiet.port, state, QUIET_LIMIT))
            except BaseException as error:
                future.set_exception(error)
        return future.result(QUIET_LIMIT + LIMIT)

    # Judgement

    def judge(self, scenario: Scenario, result: Result, fault: Fault | None) -> list[str]:
        judges = {"check": self._judge_check, "discover": self._judge_discover, "read": self._judge_read}
        problems = judges[scenario.command](scenario, result)
        if scenario.command == "discover" and fault and fault.is_about_the_table and result.logs("WARN"):
            # What the user may not read, or is not there, may be left out, if that is said.
            problems = []
        if fault and fault.passes and result.errors and result.errors[0]["failure_type"] != "transient_error":
            error = result.errors[0]
            problems.append(f"the first error trace is a {error['failure_type']}: {error['message']}")
        return [problem for problem in problems if problem]

    def _judge_check(self, scenario: Scenario, result: Result) -> list[str]:
        statuses = [message["connectionStatus"] for message in result.of_type("CONNECTION_STATUS")]
        match statuses:
            case [{"status": "SUCCEEDED"}] if result.exit_code == 0:
                return []
            case [{"status": "FAILED", "message": str(message)}] if result.exit_code == 0 and message:
                return []
            case [] if result.exit_code != 0 and result.errors and result.errors[0]["message"]:
                return []
        return [f"check said {statuses}, exit code {result.exit_code}"]

    def _judge_discover(self, scenario: Scenario, result: Result) -> list[str]:
        catalogs = [message["catalog"] for message in result.of_type("CATALOG")]
        if result.exit_code != 0:
            wrong = [] if not catalogs else ["exit code 1, and a catalog"]
            return wrong + ([] if result.errors else ["exit code 1 without an error trace"])
        expected = self.quiet(scenario, scenario.state).streams
        if len(catalogs) != 1:
            return [f"exit code 0 with {len(catalogs)} catalogs"]
        found = result.streams
        problems = []
        if missing := [name for name in expected if name not in found]:
            problems.append(f"streams are missing: {missing}")
        for name, stream in found.items():
            if name in expected and stream != expected[name]:
                changed = [member for member in expected[name] if stream.get(member) != expected[name][member]]
                problems.append(f"stream {name} has another {changed}")
        if set(found) - set(expected):
            problems.append("there are more streams")
        return [f"exit code 0, but {problem}" for problem in problems]

    def _judge_read(self, scenario: Scenario, result: Result) -> list[str]:
        first = destinations.told(result.lines)
        problems = destinations.broken_rules(first, scenario.expected, result.exit_code, result.errors)
        second = self.quiet(scenario, _next_state(scenario, first))
        if second.exit_code != 0:
            error = second.errors[0]["message"] if second.errors else "no error trace"
            return [*problems, f"the next sync fails: {error}"]
        after = destinations.told(second.lines)
        for name, expectation in scenario.expected.items():
            found = expectation.judge(first.get(name, Told()), after[name])
            problems += [f"{name}: {problem}" for problem in found if problem]
        return problems


def _next_state(scenario: Scenario, streams: dict[str, Told]) -> list[dict[str, Any]]:
    """What a platform gives to the next sync: the last state of each stream."""
    states = {state["stream"]["stream_descriptor"]["name"]: state for state in scenario.state}
    states |= {name: told.state for name, told in streams.items() if told.state}
    return [states[name] for name in sorted(states)]


def _canonical(state: list[dict[str, Any]]) -> str:
    """States that mean the same are the same text."""

    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: without(item) for name, item in value.items() if name not in ("finished_at_ms", "sourceStats")}
        return [without(item) for item in value] if isinstance(value, list) else value

    return json.dumps(without(state), sort_keys=True, default=str)


# Cases


def everything(step: Step) -> list[tuple[Fault, str]]:
    """Each fault that can be given to a request, and how long it stays."""
    return [
        (fault, stay)
        for fault in _all_faults()
        for stay in (ONCE, LASTING, ON)
        if step.takes(fault) and not (fault.takes_rows and stay == ON)
        # What everybody waits for takes minutes when it stays: of those only a server that is gone for good.
        and not (fault.is_slow and (stay == LASTING or (stay == ON and fault.label not in GONE)))
    ]


def _all_faults() -> list[Fault]:
    moments = [Moment.AT_ONCE, Moment.AFTER_ROWS, Moment.POST]
    both = [*faults.ERRORS, *faults.OF_HTTP]
    return [*(replace(fault, moment=moment) for moment in moments for fault in both), faults.NO_ROWS]


def spread(steps: Iterable[Step], rounds: int = 1) -> list[Case]:
    """Cases such that every request fails, and every kind of request of every kind of sync with every class of fault,
    each of them once, for good, and with all that follows.

    The classes are dealt out over the requests of a kind, and so are the moments at which a request fails. Each further
    round deals them out in another way.
    """
    groups: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in steps:
        groups[_way_to_read(step.scenario), step.kind].append(step)
    cases: dict[Case, None] = {}
    for turn, key in enumerate(sorted(groups)):
        members = groups[key]
        for number in range(rounds):
            deal = [
                (fault, stay)
                for fault in [*faults.ERRORS, *faults.OF_HTTP, faults.NO_ROWS]
                for stay in (ONCE, LASTING, ON)
                # What everybody waits for takes minutes when it stays.
                if not (fault.is_slow and stay != ONCE) and not (fault.takes_rows and stay == ON)
            ]
            for at, (fault, stay) in enumerate(deal):
                case = _dealt(members, at + turn + number, fault, stay)
                if case:
                    cases[case] = None
            # More requests than classes: the others get one, too.
            for at, step in enumerate(members[len(deal) :]):
                cases[Case(step, deal[(at + turn + number) % len(deal)][0], ONCE)] = None
    return list(cases)


def _way_to_read(scenario: str) -> str:
    """What a scenario has in common with others: the command or what the state holds, and whether tables have versions."""
    word = scenario.split()[0]
    has_versions = "iceberg" in scenario or "delta" in scenario
    return f"{'first' if word in ('full', 'snapshot') else word} {has_versions}"


def _dealt(members: list[Step], turn: int, fault: Fault, stay: str) -> Case | None:
    moments = [Moment.AT_ONCE, Moment.AFTER_ROWS, Moment.POST]
    if fault.is_error:
        # Most errors come before rows do.
        moments = [Moment.AT_ONCE, Moment.AT_ONCE, Moment.AFTER_ROWS]
    if fault.takes_rows:
        moments = [fault.moment]
    for at in range(len(members)):
        step = members[(turn + at) % len(members)]
        for moment in moments[turn % len(moments) :] + moments:
            chosen = replace(fault, moment=moment)
            if step.takes(chosen):
                return Case(step, chosen, stay)
    return None


# Running them all


class Running:
    """A sweep in the background: the results of each scenario can be waited for.

    `wanted` is `all`, or in how many rounds the classes of faults are dealt out, or `1/3` for every third case of one
    round; `only` is the text of one case.
    """

    def __init__(self, sweep: Sweep, wanted: str, only: str | None) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE)
        steps = [step for found in self._pool.map(sweep.steps, sweep.scenarios.values()) for step in found]
        if only or wanted == "all":
            cases = [Case(step, fault, stay) for step in steps for fault, stay in everything(step)]
            self.cases = [case for case in cases if not only or str(case) == only]
        else:
            rounds, _, part = wanted.partition("/")
            cases = spread(steps, int(rounds))
            self.cases = [case for case in cases if zlib.crc32(str(case).encode()) % int(part or 1) == 0]
        self._futures: dict[str, list[Future[Judged]]] = defaultdict(list)
        self._log = Path(log).open("a") if (log := os.environ.get("SWEEP_LOG")) else None
        for case in self.cases:
            self._futures[case.step.scenario].append(self._pool.submit(self._run, sweep, case))

    def _run(self, sweep: Sweep, case: Case) -> Judged:
        judged = sweep.run(case)
        if self._log:
            print(json.dumps([str(case), judged.was_hit, round(judged.seconds, 1), judged.problems]), file=self._log, flush=True)
        return judged

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def results(self, scenario: str) -> list[Judged]:
        """The results of a scenario, when they are all there."""
        return [future.result() for future in self._futures[scenario]]


def report(scenario: str, judged: list[Judged]) -> str:
    """What failed, by what was wrong, and at which requests; empty if nothing did."""
    groups: dict[str, dict[str, list[Judged]]] = defaultdict(lambda: defaultdict(list))
    for one in judged:
        for problem in one.problems:
            # Rows differ from case to case, what they mean does not.
            text = re.sub(r" \(.*|\bstream \w+ ", " ", problem)
            groups[text][f"{one.case.step.kind} {one.case.step.occurrence}"].append(one)
    if not groups:
        return ""
    failed = [one for one in judged if one.problems]
    lines = [f"{scenario}: {len(failed)} of {len(judged)} cases failed. To run one of them alone:"]
    lines.append(f"  SWEEP_CASE='{failed[0].case}' pytest tests/live/test_sweep.py")
    for problem, steps in sorted(groups.items(), key=lambda item: -len(item[1])):
        lines.append(f"- {problem}")
        for step, ones in steps.items():
            classes = dict.fromkeys(f"{one.case.fault.label}: {one.case.stay}" for one in ones)
            lines.append(f"    {step}: {', '.join(classes)}")
        some = next(iter(steps.values()))[0]
        lines.append(f"    for example {some.case}: {'; '.join(some.problems)[:600]}")
    return "\n".join(lines)
