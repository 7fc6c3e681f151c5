"""A source of many tables of which none has changed: what a sync of it costs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
from live_support.connector import Connector, Result
from live_support.oracle import Trino, quoted, unique
from live_support.syncs import incremental

Config = Callable[..., dict[str, Any]]

TABLES = 1000
#: What a sync may cost at the most: queries of each table, queries for all tables together, seconds.
QUERIES, OTHER_QUERIES, SECONDS = 2, 15, 120


def make(postgres: psycopg.Connection[Any], schema: str) -> list[str]:
    """Tables with a few rows each."""
    names = [f"table_{number:04}" for number in range(TABLES)]
    with postgres.transaction():
        for name in names:
            table = quoted(schema, name)
            rows = "SELECT n, now() - n * interval '1 h', 'v' FROM generate_series(1, 3) n"
            postgres.execute(f"CREATE TABLE {table} (id bigint PRIMARY KEY, changed timestamp(6), v text)")
            postgres.execute(f"INSERT INTO {table} {rows}")
    return names


def test_a_thousand_unchanged_tables_cost_two_queries_each(
    connector: Connector,
    config: Config,
    sql: Trino,
    postgres: psycopg.Connection[Any],
    new_schema: Callable[[str, str], str],
) -> None:
    schema, source = new_schema("postgresql", "many"), unique("many")
    names = make(postgres, schema)
    settings = config("postgresql", schema, source=source)
    streams = connector.discover(settings).streams
    assert list(streams) == names
    catalog = {"streams": [entry for stream in streams.values() for entry in incremental(stream, "changed")["streams"]]}
    first = connector.read(settings, catalog, timeout=600)
    assert len(first.of_type("RECORD")) == 3 * TABLES, first.explain()
    before = [text for [text] in sql(queries_of(source))]
    # All queries of the last 15 minutes are in the history, however many they are. This shows that it is so.
    assert set(names) <= set(tables(before)), "the server has forgotten queries"

    second = connector.read(settings, catalog, states(first, names))
    asked = [text for [text] in sql(queries_of(source))][len(before) :]
    states(second, names)
    assert not second.of_type("RECORD")
    of_table = Counter(tables(asked))
    other = len(asked) - of_table.total()
    print(
        f"{TABLES} unchanged tables: {second.seconds:.1f} s, {of_table.total()} queries of tables and {other} others; "
        f"the first sync took {first.seconds:.1f} s and {len(before)} queries"
    )
    assert set(of_table) == set(names)
    assert max(of_table.values()) <= QUERIES, of_table.most_common(3)
    assert other <= OTHER_QUERIES
    assert second.seconds < SECONDS


def states(result: Result, names: list[str]) -> list[dict[str, Any]]:
    """The last state of each stream, all of which were read whole."""
    assert result.exit_code == 0, result.explain()
    last = {state["stream"]["stream_descriptor"]["name"]: state for state in result.states}
    assert sorted(last) == names
    statuses: dict[str, list[str]] = {}
    for status in result.traces("stream_status"):
        statuses.setdefault(status["stream_descriptor"]["name"], []).append(status["status"])
    assert statuses == dict.fromkeys(names, ["STARTED", "RUNNING", "COMPLETE"])
    return list(last.values())


def queries_of(source: str) -> str:
    return f"SELECT query FROM system.runtime.queries WHERE source = '{source}' ORDER BY created, query_id"


def tables(texts: list[str]) -> list[str]:
    """The table of each query that is about one."""
    return [found[1] for text in texts if (found := re.search(r'"\."(table_\d+)"', text))]
