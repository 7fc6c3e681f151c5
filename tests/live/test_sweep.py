"""Every statement of every command fails, with errors of every class, once and for good: nothing is lost by it.

A quiet run through a relay shows the statements of a command. Then each of them is failed in runs of its own, and a quiet
sync goes on from what the failed one has left. Over both of them no row and no deletion is lost, no finished slice comes
again, no stream is COMPLETE with rows missing, and `discover` gives the catalog of the quiet moment or an error.

`SWEEP=all` tries every class of fault with every statement, which takes hours; `SWEEP=1` deals each class out to a few
statements, some 5,700 cases in ten minutes (`make test-long`); `SWEEP=1/16` is every sixteenth of them, as `make test` does.
`SWEEP_CASE='…'` is the one case of that name, as a failure prints it, with all that the run has said. `SWEEP_LOG=file` gets
a line for each case.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from live_support import destinations, sweep
from live_support.connector import Connector
from live_support.destinations import Row
from live_support.environment import Environment
from live_support.faults import Fault
from live_support.messages import configured
from live_support.oracle import Trino, quoted
from live_support.relay import FailAt, relay
from live_support.sweep import Changed, NewRows, Scenario, Sweep, Whole
from live_support.syncs import incremental

Config = Callable[..., dict[str, Any]]

WANTED, ONLY = os.environ.get("SWEEP", "1/16"), os.environ.get("SWEEP_CASE")

COLUMNS = ("id", "c", "v")
SLICE, AT_ONCE = 3, 3
CHANGES = {"replication_method": {"method": "CHANGES"}}
CATALOGS = ("memory", "iceberg", "delta", "postgresql")
LAKES = ("iceberg", "delta")

SCENARIOS = [
    *(f"check {catalog}" for catalog in CATALOGS),
    *(f"discover {catalog}" for catalog in CATALOGS),
    *(f"discover {catalog} changes" for catalog in LAKES),
    *(f"full refresh {catalog}" for catalog in CATALOGS),
    "full refresh memory spooled",
    *(f"resumed full refresh {catalog}" for catalog in CATALOGS[1:]),
    *(f"first cursor {catalog}" for catalog in CATALOGS),
    *(f"resumed cursor {catalog}" for catalog in ("postgresql", "iceberg")),
    *(f"later cursor {catalog}" for catalog in CATALOGS),
    *(f"snapshot {catalog}" for catalog in LAKES),
    *(f"resumed snapshot {catalog}" for catalog in LAKES),
    *(f"changes {catalog}" for catalog in LAKES),
    "changes iceberg appended",
    # The two versions are compared, because neither led to the other, or no feed leads there.
    "changes iceberg rolled back",
    "changes delta without a feed",
    # Several queries at once.
    *(f"full refresh {catalog} at once" for catalog in ("iceberg", "postgresql")),
    *(f"later cursor {catalog} at once" for catalog in ("iceberg", "postgresql")),
    *(f"resumed snapshot {catalog} at once" for catalog in LAKES),
]

#: An error that nobody tries again, to break a read with.
LASTING = Fault("EXCEEDED_SCAN_LIMIT", error_type="INSUFFICIENT_RESOURCES", code=131081)


class Schema:
    """A schema with tables, and the states of syncs that were made before they were written last."""

    def __init__(self, connector: Connector, config: Config, sql: Trino, upstream: int, catalog: str, name: str) -> None:
        self.connector, self.sql, self.upstream, self.catalog, self.name = connector, sql, upstream, catalog, name
        # Few rows, a slice for each file, and one query after the other, so that it is known which rows a state covers.
        self.config = config(catalog, name, slice_rows=SLICE, concurrency=1, fetch_protocol="direct")
        self.states: dict[str, list[dict[str, Any]]] = {}
        self.records: dict[str, tuple[dict[str, Any], ...]] = {}
        self.streams: dict[str, dict[str, Any]] = {}

    def fill(self, postgres: psycopg.Connection[Any]) -> None:
        """Makes the tables, reads them, and writes them again."""
        is_lake = self.catalog in LAKES
        if self.catalog == "postgresql":
            table = quoted(self.name, "t")
            postgres.execute(f"CREATE TABLE {table} (id bigint PRIMARY KEY, c bigint, v text)")
        else:
            # The view of Delta Lake has no feed, and neither has the table of rows.
            feed = "WITH (change_data_feed_enabled = true)" if self.catalog == "delta" else ""
            tables = "tag" if is_lake else "ta"
            self.sql.all([f"CREATE TABLE {self._table(t)} (id bigint, c bigint, v varchar) {feed}" for t in tables])
            self.sql(f"CREATE TABLE {self._table('r')} (id bigint, x row(a bigint, b varchar))")
        if is_lake:
            self.sql(f"CREATE VIEW {self._table('w')} AS SELECT id, v FROM {self._table('t')}")
        for first in (1, 4, 7, 10):
            self._insert("t", [(n, n // 3, "old") for n in range(first, first + 3)])
            if self.catalog != "postgresql":
                self._insert("a", [(n, n // 3, "old") for n in range(first, first + 3)])
        self._analyze(postgres)
        self._look()
        self._sync("cursor", self.config, incremental(self.streams["t"], "c"))
        if is_lake:
            for table in "ta":
                self._sync(f"changes {table}", self.config | CHANGES, self._feed(table))
            self._make_gap()
            self.sql(f"DELETE FROM {self._table('t')} WHERE id = 7")
            self.sql(f"UPDATE {self._table('t')} SET v = 'new' WHERE id = 2")
            self._insert("a", [(13, 4, "new"), (14, 5, "new")])
        # One with the highest cursor of before, and two above it.
        self._insert("t", [(13, 4, "late"), (14, 5, "new"), (15, 6, "new")])
        self._analyze(postgres)

    def _make_gap(self) -> None:
        """Writes a table so that no list of changes leads from the version of its sync to the present one."""
        table = self._table("g")
        self._insert("g", [(n, n // 3, "old") for n in range(1, 7)])
        delete = f"DELETE FROM {table} WHERE id = {{}}"
        if self.catalog == "iceberg":
            first = self.sql.present_snapshot(self.name, "g")
            self.sql(delete.format(2))
            self._sync("changes g", self.config | CHANGES, self._feed("g"))
            self.sql(f"ALTER TABLE {table} EXECUTE rollback_to_snapshot({first})")
            self.sql(delete.format(5))
        else:
            self._sync("changes g", self.config | CHANGES, self._feed("g"))
            self.sql(f"ALTER TABLE {table} SET PROPERTIES change_data_feed_enabled = false")
            self.sql(delete.format(5))
            self.sql(f"ALTER TABLE {table} SET PROPERTIES change_data_feed_enabled = true")
        self._insert("g", [(7, 2, "new")])

    def _look(self) -> None:
        """The streams as they are discovered in a quiet moment."""
        self.streams = self.connector.discover(self.config).streams
        if self.catalog in LAKES:
            found = self.connector.discover(self.config | CHANGES).streams
            self.streams |= {f"{name} changes": stream for name, stream in found.items()}

    def _table(self, name: str) -> str:
        return quoted(self.catalog, self.name, name)

    def _insert(self, table: str, rows: list[Row]) -> None:
        values = ", ".join(f"({n}, {c}, '{v}')" for n, c, v in rows)
        self.sql(f"INSERT INTO {self._table(table)} VALUES {values}")

    def _analyze(self, postgres: psycopg.Connection[Any]) -> None:
        if self.catalog == "postgresql":
            postgres.execute(f"ANALYZE {quoted(self.name, 't')}")

    def _feed(self, table: str) -> dict[str, Any]:
        return incremental(self.streams[f"{table} changes"], None, ("id",))

    def _sync(self, name: str, config: dict[str, Any], catalog: dict[str, Any]) -> None:
        result = self.connector.read(config, catalog)
        assert result.exit_code == 0, result.explain()
        [stream] = destinations.told(result.lines).values()
        assert stream.state
        self.states[name], self.records[name] = [stream.state], tuple(stream.records)

    def rows(self, table: str = "t") -> Counter[Row]:
        return Counter(tuple(row) for row in self.sql(f"SELECT id, c, v FROM {self._table(table)}"))

    def broken(self, scenario: Scenario) -> tuple[list[dict[str, Any]], Counter[Row]]:
        """A sync that ends after some slices: its last state, and the rows that are covered by it."""
        with relay(self.upstream, FailAt(sweep.kind_of, "rows", 3, LASTING, goes_on=True)) as failing:
            result = scenario.run(self.connector, failing.port, limit=sweep.QUIET_LIMIT)
        [stream] = destinations.told(result.lines).values()
        assert result.exit_code == 1 and stream.state and stream.sure, result.explain()
        return [stream.state], destinations.rows(stream.sure, COLUMNS)

    # Scenarios

    def scenario(self, name: str) -> Scenario:
        what = name.replace(f" {self.catalog}", "").removesuffix(" spooled").removesuffix(" at once")
        make = {
            "check": self._check,
            "discover": self._discover,
            "discover changes": self._discover,
            "full refresh": self._full_refresh,
            "resumed full refresh": self._resumed,
            "first cursor": self._first_cursor,
            "resumed cursor": self._resumed,
            "later cursor": self._later_cursor,
            "snapshot": self._snapshot,
            "resumed snapshot": self._resumed,
            "changes": self._changes,
            "changes appended": self._changes,
            "changes rolled back": self._changes,
            "changes without a feed": self._changes,
        }[what]
        scenario = make(name)
        if not name.endswith(" at once"):
            return scenario
        expected = {stream: replace(one, unfinished=2 * SLICE * AT_ONCE) for stream, one in scenario.expected.items()}
        return replace(scenario, config=scenario.config | {"concurrency": AT_ONCE}, expected=expected)

    def _check(self, name: str) -> Scenario:
        query = {"name": "q", "sql": "SELECT 1 AS one"}
        return Scenario(name, "check", self.config | {"queries": [query]})

    def _discover(self, name: str) -> Scenario:
        query = {"name": "q", "sql": "SELECT 1 AS one"}
        more = CHANGES if "changes" in name else {"queries": [query]}
        return Scenario(name, "discover", self.config | more)

    def _full_refresh(self, name: str) -> Scenario:
        config = self.config | ({"fetch_protocol": "auto"} if "spooled" in name else {})
        # Beside it another one, which must not suffer.
        tables = [table for table in "ta" if table in self.streams and not name.startswith("resumed")]
        tables = tables or ["t"]
        expected = {table: Whole(COLUMNS, self.rows(table), self.rows(table)) for table in tables}
        return Scenario(name, "read", config, configured([self.streams[table] for table in tables]), expected=expected)

    def _first_cursor(self, name: str) -> Scenario:
        catalog = incremental(self.streams["t"], "c")
        return Scenario(name, "read", self.config, catalog, expected={"t": NewRows(COLUMNS, self.rows())})

    def _later_cursor(self, name: str) -> Scenario:
        new = Counter({row: count for row, count in self.rows().items() if row[0] > 12})
        catalog = incremental(self.streams["t"], "c")
        return Scenario(name, "read", self.config, catalog, self.states["cursor"], {"t": NewRows(COLUMNS, new)})

    def _snapshot(self, name: str) -> Scenario:
        expected = Changed(COLUMNS, ("id",), (), self.rows())
        return Scenario(name, "read", self.config | CHANGES, self._feed("t"), expected={"t": expected})

    def _changes(self, name: str) -> Scenario:
        tables = {"appended": "a", "rolled back": "g", "without a feed": "g"}
        table = next((table for ending, table in tables.items() if name.endswith(ending)), "t")
        before = f"changes {table}"
        expected = Changed(COLUMNS, ("id",), self.records[before], self.rows(table))
        return Scenario(name, "read", self.config | CHANGES, self._feed(table), self.states[before], {table: expected})

    def _resumed(self, name: str) -> Scenario:
        """A sync that goes on after one that was broken."""
        begun = {"full": self._full_refresh, "cursor": self._first_cursor, "snapshot": self._snapshot}
        whole = begun[name.split()[1]](name)
        state, covered = self.broken(whole)
        left = self.rows() - covered
        expected = whole.expected["t"]
        if isinstance(expected, Whole):
            expected = replace(expected, left=left)
        elif isinstance(expected, NewRows):
            expected = replace(expected, new=left)
        else:
            before = [dict(zip(COLUMNS, row, strict=True)) for row in covered]
            taken = tuple(row | {destinations.CURSOR: 0, destinations.DELETED: None} for row in before)
            expected = replace(expected, before=taken, left=left)
        return replace(whole, state=state, expected={"t": expected})


@pytest.fixture(scope="module")
def running(
    request: pytest.FixtureRequest,
    connector: Connector,
    config: Config,
    environment: Environment,
    sql: Trino,
    postgres: psycopg.Connection[Any],
    new_schema: Callable[[str, str], str],
) -> Iterator[sweep.Running]:
    """The sweep of the scenarios that are asked for, which all run at once."""
    chosen = [getattr(item, "callspec", None) for item in request.session.items]
    names = {spec.params["scenario"] for spec in chosen if spec and "scenario" in spec.params}
    names = {name for name in SCENARIOS if name in names and (not ONLY or ONLY.startswith(f"{name}: "))}
    catalogs = [catalog for catalog in CATALOGS if any(f" {catalog}" in name for name in names)]
    upstream = environment.http_port
    schemas = {
        catalog: Schema(connector, config, sql, upstream, catalog, new_schema(catalog, "sweep")) for catalog in catalogs
    }
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda schema: schema.fill(postgres), schemas.values()))
        make = lambda name: next(s for catalog, s in schemas.items() if f" {catalog}" in name).scenario(name)  # noqa: E731
        scenarios = list(pool.map(make, [name for name in SCENARIOS if name in names]))
    running = sweep.Running(Sweep(connector, upstream, scenarios), WANTED, ONLY)
    yield running
    running.close()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nothing_is_lost_whichever_statement_fails(running: sweep.Running, scenario: str) -> None:
    results = running.results(scenario)
    if ONLY and not results:
        pytest.skip("SWEEP_CASE is a case of another scenario, or there is none of that name")
    if ONLY:
        print(results[0].explained)
    if problems := sweep.report(scenario, results):
        pytest.fail(problems, pytrace=False)


def test_nearly_every_fault_was_given(running: sweep.Running) -> None:
    """A fault that finds no request tries nothing. A few do: on a slow machine a read asks for statistics, or not."""
    results = [result for scenario in SCENARIOS for result in running.results(scenario)]
    vain = [str(result.case) for result in results if not result.was_hit]
    assert len(vain) <= len(results) // 20, vain
