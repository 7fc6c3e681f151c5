"""What a sync costs when little or nothing has changed: a change feed of Iceberg, and many tables read by cursor."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cases
from measure import BenchError, run, summary
from report import say
from tools import RECORD, Workshop
from trino_client import TrinoClient

#: One of so many rows is updated.
_SHARE = 100
#: Files of the table, each with a range of the key.
_FILES = 24
#: Columns of lineitem beside the key.
_COLUMNS = "partkey, quantity, extendedprice, shipdate, shipmode, comment"


class _Syncs:
    """Syncs of all tables of a schema after each other, each with the states of the one before; direct."""

    def __init__(self, workshop: Workshop, catalog: str, cursor: str, key: str, **more: Any) -> None:
        self._workshop = workshop
        self._config = cases.write_json(
            workshop.cache / f"config-changes-{catalog}.json",
            {
                "hostname": "127.0.0.1", "port": workshop.port, "username": "bench", "fetch_protocol": "direct",
                "catalog": catalog, "schema": cases.SCHEMA, **more,
            },
        )  # fmt: skip
        streams = json.loads(self._output("discover", "--configured"))["streams"]
        for stream in streams:
            stream |= {"sync_mode": "incremental", "cursor_field": [cursor], "primary_key": [[key]]}
            stream["destination_sync_mode"] = "append_dedup"
        self._catalog = cases.write_json(workshop.cache / f"catalog-changes-{catalog}.json", {"streams": streams})
        self._state = cases.write_json(workshop.cache / f"state-changes-{catalog}.json", [])

    def prepare(self, expected: int) -> None:
        """One sync that is not measured."""
        cases.write_json(self._state, self._check(expected))

    def measure(self, expected: int, runs: int) -> dict[str, Any]:
        """A sync from the same state again and again, and once before whose output is looked at."""
        states = self._check(expected)
        done = summary([run(self._read(), self._workshop.server_pids, rows=expected) for _ in range(runs)])
        cases.write_json(self._state, states)
        return done

    def _read(self) -> list[str]:
        files = ["--config", self._config, "--catalog", self._catalog, "--state", self._state]
        return [str(self._workshop.binary), "read", *map(str, files)]

    def _check(self, expected: int) -> list[Any]:
        """Runs a sync; the last state of each stream. The number of records has to be right."""
        records, states = 0, {}
        with subprocess.Popen(self._read(), stdout=subprocess.PIPE) as child:
            assert child.stdout
            for line in child.stdout:
                if line.startswith(RECORD.encode()):
                    records += 1
                    continue
                message = json.loads(line)
                if message["type"] == "STATE":
                    state = message["state"]
                    states[state["stream"]["stream_descriptor"]["name"]] = state
        if child.returncode != 0 or records != expected:
            raise BenchError(f"{records:,} records instead of {expected:,}, exit code {child.returncode}")
        return list(states.values())

    def _output(self, *arguments: str) -> str:
        command = [self._workshop.binary, *arguments, "--config", self._config]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"{arguments[0]} failed: {done.stdout[-1500:]}{done.stderr[-500:]}")
        return done.stdout


def changes(workshop: Workshop, quick: bool, runs: int) -> dict[str, Any]:
    """The snapshot of a table, nothing new, one percent updated in two ways; and nothing new in many tables."""
    trino = TrinoClient(workshop.url, "bench", timeout=300)
    syncs = []

    def measure(title: str, these: _Syncs, expected: int) -> None:
        done = these.measure(expected, runs)
        say(f"  {title}: {expected:,} records, {done['wall']:.2f} s, {done['cpu']:.2f} s CPU")
        syncs.append({"title": title, **done})

    with _lineitem(trino, quick) as (table, rows, files):
        feed = _Syncs(workshop, "iceberg", "_ab_cdc_cursor", "id", replication_method={"method": "CHANGES"})
        measure("the first one, a snapshot", feed, rows)
        measure("nothing has changed", feed, 0)
        # In the middle of the table, and not where a file begins.
        begin, part = rows * 2 // 5, rows // _SHARE
        for title, which in (
            ("1 % updated, a range of the key", f"rank > {begin} AND rank <= {begin + part}"),
            ("1 % updated, in every file", f"rank % {_SHARE} = 0"),
        ):
            _update(trino, table, which, part)
            measure(title, feed, part)
    count = 50 if quick else 1000
    with _small_tables(trino, count):
        many = _Syncs(workshop, "postgresql", "changed", "id")
        many.prepare(count)
        measure(f"nothing has changed in {count:,} tables of PostgreSQL, by cursor", many, 0)
    return {"rows": rows, "files": files, "syncs": syncs}


@contextmanager
def _lineitem(trino: TrinoClient, quick: bool) -> Iterator[tuple[str, int, int]]:
    """An Iceberg table with a unique key, and its numbers of rows and files."""
    schema, orders = ("tiny", 60_000) if quick else ("sf1", 6_000_000)
    with cases.schema(trino, "iceberg"):
        table = f"iceberg.{cases.SCHEMA}.changes"
        # A file of each partition; orders have up to 7 lines.
        width = (8 * orders + 7) // _FILES + 1
        trino.rows(
            f"CREATE TABLE {table} WITH (partitioning = ARRAY['truncate(id, {width})']) AS "
            f"SELECT orderkey * 8 + linenumber AS id, {_COLUMNS} FROM tpch.{schema}.lineitem"
        )
        count = "SELECT sum(record_count) AS rows, count(*) AS files"
        [made] = trino.rows(f'{count} FROM iceberg.{cases.SCHEMA}."changes$files"')
        yield table, made["rows"], made["files"]


def _update(trino: TrinoClient, table: str, which: str, expected: int) -> None:
    """Updates the rows whose rank by the key is so."""
    ranks = f"SELECT id, row_number() OVER (ORDER BY id) AS rank FROM {table}"
    update = f"UPDATE {table} SET quantity = quantity + 1 WHERE id IN (SELECT id FROM ({ranks}) WHERE {which})"
    [updated] = trino.rows(update)
    if updated["rows"] != expected:
        raise BenchError(f"{updated['rows']:,} rows were updated instead of {expected:,}")


@contextmanager
def _small_tables(trino: TrinoClient, count: int) -> Iterator[None]:
    """Tables of one row each, made by PostgreSQL itself."""
    with cases.schema(trino, "postgresql"):
        create = f"CREATE TABLE {cases.SCHEMA}.table_%s AS SELECT 1::bigint AS id, now()::timestamp AS changed"
        loop = f"FOR n IN 1..{count} LOOP EXECUTE format($${create}$$, n); END LOOP"
        block = f"DO $do$ BEGIN {loop}; END $do$"
        trino.rows(f"CALL postgresql.system.execute(query => '{block}')")
        yield
