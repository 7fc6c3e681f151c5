"""A source of many tables of which none has changed: what a sync of it costs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
from live_support.connector import Connector, Result
from live_support.environment import EVERY_CASE
from live_support.history import remembered
from live_support.oracle import Trino, quoted, unique
from live_support.syncs import incremental

Config = Callable[..., dict[str, Any]]

TABLES = 1000 if EVERY_CASE else 100
#: Tables that are read for the state of all.
FIRST = 20
#: What a sync may cost at the most: queries of each table, queries for all tables together, seconds.
# The time is that of a machine that does other things at once.
QUERIES, OTHER_QUERIES, SECONDS = 2, 15, 400


def make(postgres: psycopg.Connection[Any], schema: str) -> list[str]:
    """Tables with the same few rows."""
    names = [f"table_{number:04}" for number in range(TABLES)]
    with postgres.transaction():
        for name in names:
            table = quoted(schema, name)
            # The same moment in the whole transaction.
            rows = "SELECT n, now() - n * interval '1 h', 'v' FROM generate_series(1, 3) n"
            postgres.execute(f"CREATE TABLE {table} (id bigint PRIMARY KEY, changed timestamp(6), v text)")
            postgres.execute(f"INSERT INTO {table} {rows}")
    return names


def test_each_of_many_unchanged_tables_costs_two_queries(
    connector: Connector,
    config: Config,
    sql: Trino,
    postgres: psycopg.Connection[Any],
    new_schema: Callable[[str, str], str],
) -> None:
    schema, source = new_schema("postgresql", "many"), unique("many")
    names = make(postgres, schema)
    settings = config("postgresql", schema)
    streams = connector.discover(settings).streams
    assert list(streams) == names
    entries = [entry for stream in streams.values() for entry in incremental(stream, "changed")["streams"]]

    # A first sync of all takes minutes. Tables with the same rows have the same state: if it were not so for one of the
    # others, its second sync would have records.
    first = connector.read(settings, {"streams": entries[:FIRST]})
    assert len(first.of_type("RECORD")) == 3 * FIRST
    model, *more = states(first, names[:FIRST])
    assert all(state["stream"]["stream_state"] == model["stream"]["stream_state"] for state in more)
    state = [of_table(model, name) for name in names]

    with remembered(sql, source) as queries:
        second = connector.read(settings | {"source": source}, {"streams": entries}, state, timeout=500)
    states(second, names)
    assert not second.of_type("RECORD")
    named = [set(re.findall(r'"(table_\d+)"', text)) for text in queries.values()]
    queried = Counter(name for [name] in filter(lambda tables: len(tables) == 1, named))
    others = len(queries) - queried.total()
    print(f"{TABLES} unchanged tables: {second.seconds:.1f} s, {queried.total()} queries of one table, {others} others")
    # One of each table shows that no query was forgotten before it was seen.
    assert set(queried) == set(names)
    assert max(queried.values()) <= QUERIES, queried.most_common(3)
    assert 1 <= others <= OTHER_QUERIES
    assert second.seconds < SECONDS


def of_table(state: dict[str, Any], name: str) -> dict[str, Any]:
    """What the state of the table with that name is, if the table has the same rows."""
    descriptor = state["stream"]["stream_descriptor"] | {"name": name}
    return state | {"stream": state["stream"] | {"stream_descriptor": descriptor}}


def states(result: Result, names: list[str]) -> list[dict[str, Any]]:
    """The last states of the streams, all of which were read whole."""
    assert result.exit_code == 0, result.explain()
    last = {state["stream"]["stream_descriptor"]["name"]: state for state in result.states}
    assert sorted(last) == names
    statuses: dict[str, list[str]] = {}
    for status in result.traces("stream_status"):
        statuses.setdefault(status["stream_descriptor"]["name"], []).append(status["status"])
    assert statuses == dict.fromkeys(names, ["STARTED", "RUNNING", "COMPLETE"])
    return [last[name] for name in names]
