"""Failures that a real server and a real database give: what kind they are, and in which words."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from live_support.connector import Connector
from live_support.environment import Environment
from live_support.messages import configured

Config = Callable[..., dict[str, Any]]

#: A role of PostgreSQL without any right; roles are of the whole server, so its name is this file's own.
ROLE = "live_failures_nobody"

#: Columns with a value that PostgreSQL has and Trino's driver cannot pass on, and the driver's words.
VALUES = {
    "nan": ("numeric(10, 2)", "'NaN'", "NaN"),
    "endless_day": ("date", "'infinity'", "date"),
    "endless_time": ("timestamptz", "'infinity'", "overflow"),
    "three_bits": ("bit(3)", "B'101'", "boolean"),
}


@pytest.fixture(scope="module")
def schema(postgres: psycopg.Connection[Any], new_schema: Callable[[str, str], str]) -> Iterator[str]:
    """A schema with a good table, a view whose owner may not read its table, and a table for each bad value."""
    name = new_schema("postgresql", "failures")
    postgres.execute(f'CREATE TABLE "{name}".good AS SELECT 1 AS id')
    postgres.execute(f'CREATE TABLE "{name}".closed_base AS SELECT 1 AS id')
    with contextlib.suppress(psycopg.errors.DuplicateObject):
        postgres.execute(f"CREATE ROLE {ROLE}")
    postgres.execute(f'CREATE VIEW "{name}".closed AS SELECT * FROM "{name}".closed_base')
    postgres.execute(f'GRANT USAGE, CREATE ON SCHEMA "{name}" TO {ROLE}')
    postgres.execute(f'ALTER VIEW "{name}".closed OWNER TO {ROLE}')
    for table, (kind, literal, _) in VALUES.items():
        postgres.execute(f'CREATE TABLE "{name}".{table} (id integer, v {kind})')
        postgres.execute(f'INSERT INTO "{name}".{table} VALUES (1, {literal})')
    yield name
    postgres.execute(f'DROP VIEW "{name}".closed')
    postgres.execute(f'REVOKE ALL ON SCHEMA "{name}" FROM {ROLE}')
    postgres.execute(f"DROP ROLE {ROLE}")


@pytest.mark.parametrize(
    ("table", "words"),
    [("closed", "permission denied"), *((table, words) for table, (_, _, words) in VALUES.items())],
)
def test_what_a_database_refuses_every_time_is_run_once_and_is_somebodys_to_mend(
    connector: Connector, config: Config, schema: str, table: str, words: str
) -> None:
    made = config("postgresql", schema)
    streams = connector.discover(made).streams
    result = connector.read(made, configured([streams[table], streams["good"]]))
    assert result.exit_code == 1
    assert (result.statuses(table)[-1], result.statuses("good")[-1]) == ("INCOMPLETE", "COMPLETE")
    [error] = result.errors
    assert error["failure_type"] == "config_error", error
    for part in (table, words, '"queries"', "JDBC_ERROR"):
        assert part in error["message"], error
    assert not [text for text in result.logs("WARN") if "starting again" in text]


def test_more_streams_than_a_resource_group_takes_are_all_read(
    connector: Connector, config: Config, environment: Environment
) -> None:
    """One query of the group runs and one waits; four at once are too many, and the others have to wait."""
    made = config("tpch", "tiny", client_tags=[environment.trino["queue_tag"]], concurrency=4)
    names = ["nation", "region", "supplier", "customer", "part"]
    streams = connector.discover(made).streams
    result = connector.read(made, configured([streams[name] for name in names]))
    assert result.exit_code == 0, result.explain()
    assert [result.statuses(name)[-1] for name in names] == ["COMPLETE"] * len(names)
    assert len(result.records("customer")) == 1500


def test_missing_workers_pass(connector: Connector, config: Config) -> None:
    properties = ["required_workers_count=50", "required_workers_max_wait_time=1s"]
    streams = connector.discover(config("tpch", "tiny")).streams
    made = config("tpch", "tiny", session_properties=properties)
    result = connector.read(made, configured([streams["nation"]]))
    [error] = result.errors
    assert error["failure_type"] == "transient_error"
    assert "required_workers_max_wait_time" in error["message"]


@pytest.mark.parametrize("limit", ["query_max_planning_time", "query_max_run_time", "query_max_execution_time"])
def test_a_time_limit_is_told_with_its_own_name(connector: Connector, config: Config, limit: str) -> None:
    slow = "SELECT count(*) AS n FROM tpch.sf1000.lineitem a, tpch.sf1000.lineitem b WHERE a.tax < b.tax"
    queries = [{"name": "slow", "sql": slow}]
    made = config("tpch", "tiny", queries=queries, fetch_protocol="direct", session_properties=[f"{limit}=1ms"])
    if limit != "query_max_planning_time":
        made["session_properties"] = [f"{limit}=2s"]
    stream = {"name": "slow", "json_schema": {}, "supported_sync_modes": ["full_refresh"]}
    result = connector.read(made, configured([stream]))
    assert f"Raise {limit}" in result.errors[0]["message"], result.explain()


@pytest.mark.parametrize(
    ("rows", "changed"),
    [
        ("rpad('', 21000000, 'x') AS v", "SOURCE_FIELD_SIZE_LIMITATION"),
        ("rpad('', 4000000, chr(1)) AS v", "SOURCE_FIELD_SIZE_LIMITATION"),
        ("to_utf8(rpad('', 16000000, 'x')) AS v", "SOURCE_FIELD_SIZE_LIMITATION"),
        (", ".join(f"rpad('', 1000000, 'x') AS v{n}" for n in range(25)), "SOURCE_RECORD_SIZE_LIMITATION"),
    ],
)
def test_a_record_has_fewer_than_twenty_million_bytes(
    connector: Connector, config: Config, protocol: str, rows: str, changed: str
) -> None:
    queries = [{"name": "large", "sql": f"SELECT 1 AS id, {rows}"}]
    made = config("tpch", "tiny", queries=queries, fetch_protocol=protocol)
    stream = {"name": "large", "json_schema": {}, "supported_sync_modes": ["full_refresh"]}
    result = connector.read(made, configured([stream]))
    assert result.exit_code == 0, result.explain()
    assert max(len(line) for line in result.lines) < 20_000_000
    [record] = result.records("large")
    changes = record["meta"]["changes"]
    assert {(change["change"], change["reason"]) for change in changes} == {("NULLED", changed)}
    assert record["data"]["id"] == 1
    assert all(record["data"][change["field"]] is None for change in changes)
