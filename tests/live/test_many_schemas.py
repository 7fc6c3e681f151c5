"""A catalog of which more than 100 schemas are wanted: they are listed together, and it shows in nothing but the time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from live_support.connector import Connector, Result, all_streams
from live_support.environment import Environment
from live_support.faults import DENIED, NO_ROWS, Fault
from live_support.history import remembered
from live_support.oracle import Trino, quoted, unique
from live_support.relay import relay

Config = Callable[..., dict[str, Any]]

SCHEMAS = 110
#: A discover of them one by one has five statements for each; together, hardly more than one schema has.
STATEMENTS = 30


@dataclass
class Tenants:
    """Schemas of one database, each with two tables, but for an empty one."""

    prefix: str
    schemas: list[str]

    def patterns(self) -> list[str]:
        """Patterns for disjoint groups of the schemas, each of which is listed one by one."""
        return [f"{self.prefix}_{digits}*" for digits in ("00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10")]


@pytest.fixture(scope="module")
def tenants(postgres: psycopg.Connection[Any]) -> Iterator[Tenants]:
    prefix = unique("tenant")
    schemas = [f"{prefix}_{number:03}" for number in range(SCHEMAS)]
    try:
        for number, schema in enumerate(schemas):
            postgres.execute(f"CREATE SCHEMA {quoted(schema)}".encode())
            if number == 7:
                continue
            postgres.execute(
                f"CREATE TABLE {quoted(schema, 'orders')} (line int, id int, at timestamp, PRIMARY KEY (id, line))".encode()
            )
            # Trino leaves out what has a type that it does not know.
            unknown = ", place point" if number % 50 == 1 else ""
            postgres.execute(f"CREATE TABLE {quoted(schema, 'items')} (name text, n numeric(10, 2){unknown})".encode())
            if number == 2:
                # It spoils every statement about a group of tables that it is in.
                postgres.execute(f"CREATE TABLE {quoted(schema, 'places')} (place point)".encode())
        yield Tenants(prefix, schemas)
    finally:
        for schema in schemas:
            postgres.execute(f"DROP SCHEMA IF EXISTS {quoted(schema)} CASCADE".encode())


@pytest.fixture(scope="module")
def settings(config: Config, tenants: Tenants) -> dict[str, Any]:
    return config("postgresql", tenants.schemas[0], schemas=[f"{tenants.prefix}_*"])


@pytest.fixture(scope="module")
def one_by_one(connector: Connector, config: Config, tenants: Tenants) -> list[dict[str, Any]]:
    """The streams of the schemas, found a few schemas at a time."""
    streams = []
    for pattern in tenants.patterns():
        first = tenants.schemas[-1] if pattern.endswith("10*") else pattern.replace("*", "0")
        streams += all_streams(connector.discover(config("postgresql", first, schemas=[pattern])))
    return streams


def by_name(streams: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(stream["namespace"], stream["name"]): stream for stream in streams}


def test_the_streams_are_those_of_the_schemas_one_by_one(
    connector: Connector, sql: Trino, settings: dict[str, Any], one_by_one: list[dict[str, Any]]
) -> None:
    source = unique("together")
    with remembered(sql, source) as statements:
        result = connector.discover(settings | {"source": source})
    assert len(all_streams(result)) == 2 * (SCHEMAS - 1)
    assert by_name(all_streams(result)) == by_name(one_by_one)
    keys = {stream["name"]: stream.get("source_defined_primary_key") for stream in all_streams(result)}
    assert keys["orders"] == [["id"], ["line"]] and not keys["items"]
    assert_places_are_told(result)
    assert 0 < len(statements) <= STATEMENTS


def assert_places_are_told(result: Result) -> None:
    """The columns that Trino leaves out are named: of three tables, and of one that has no other."""
    left_out = [text for text in result.logs("WARN") if "unsupported_type_handling" in text]
    assert len(left_out) == 4 and all('"place"' in text for text in left_out), left_out


def test_patterns_choose_among_the_tables_of_all_schemas(
    connector: Connector, sql: Trino, settings: dict[str, Any], one_by_one: list[dict[str, Any]]
) -> None:
    source = unique("patterns")
    chosen = settings | {"source": source, "table_patterns": {"include": ["it*"]}}
    with remembered(sql, source) as statements:
        result = connector.discover(chosen)
    items = [stream for stream in one_by_one if stream["name"] == "items"]
    assert by_name(all_streams(result)) == by_name(items)
    assert 0 < len(statements) <= STATEMENTS
    assert connector.check(chosen).status["status"] == "SUCCEEDED"


COUNTS = "count(*) AS total FROM pg_attribute"
COLUMNS, TABLES = (f"information_schema.{name} WHERE table_schema IN" for name in ("columns", "tables"))
#: A statement about more tables than a schema has.
READABLE = "SELECT 1 FROM" + " UNION ALL SELECT 1 FROM" * 2


@pytest.mark.parametrize(
    ("part", "fault"),
    [(COLUMNS, NO_ROWS), (TABLES, DENIED), (READABLE, DENIED), (COUNTS, DENIED), (COUNTS, NO_ROWS)],
    ids=["columns", "tables", "rights", "counts are denied", "counts are empty"],
)
def test_what_cannot_be_told_of_all_together_is_asked_one_by_one(
    connector: Connector, environment: Environment, settings: dict[str, Any], one_by_one: list[dict[str, Any]],
    part: str, fault: Fault,
) -> None:  # fmt: skip
    # The names of the tables do not matter.
    is_hit = lambda sent: part in re.sub(r' "[^ ]+"', "", sent.sql)  # noqa: E731
    with relay(environment.http_port, lambda sent: fault if is_hit(sent) else None) as through:
        result = connector.run("discover", "--config", connector.file(settings | {"port": through.port}))
        assert through.hits
    assert result.exit_code == 0, result.explain()
    assert by_name(all_streams(result)) == by_name(one_by_one)
    assert_places_are_told(result)
