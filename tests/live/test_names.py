"""Odd names of schemas, tables and columns work end to end: discovered, configured, read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg
import pytest
from live_support.connector import Connector, Result
from live_support.messages import configured, handwritten
from live_support.oracle import Trino, quoted, unique

#: Names as they are created. Trino shows all of them in lower case.
NAMES = (
    'double"quote',
    "single'quote",
    "dot.ted",
    "two words",
    "UPPER and lower",
    "ąžuolas",
    "東京",
    "😀",
    "select",
    "100%",
    "under_score",
    "semi;colon",
    "com,ma",
    "back\\slash",
    "--comment",
    "{brace}[bracket](paren)",
    "1starts with a digit",
    "*",
    "?",
    "@at",
)
#: Would be taken for `under_score` and `100%` by a condition that reads them as patterns.
DECOYS = ("underxscore", "1001")

#: The metastore of the test server keeps Iceberg's tables as directories; it shows other names wrongly or refuses them.
LAKE_NAMES = tuple(name for name in NAMES if not set(name) & set("\"'%{*?\\@"))

CATALOGS = {"memory": NAMES, "iceberg": LAKE_NAMES, "postgresql": NAMES}
CASES = [pytest.param(catalog, name, id=f"{catalog} {name}") for catalog, names in CATALOGS.items() for name in names]


class Read(NamedTuple):
    """What was discovered of a schema and read of it."""

    streams: dict[str, dict[str, Any]]
    result: Result


def definition(table: str) -> list[str]:
    """A table with a column of every name, whose values say which table and column they are from."""
    columns = ", ".join(f"{quoted(name)} varchar" for name in [*NAMES, *DECOYS])
    values = ", ".join("'" + f"{name} of {table}".replace("'", "''") + "'" for name in [*NAMES, *DECOYS])
    return [columns, values]


@pytest.fixture(scope="module")
def reads(
    connector: Connector,
    config: Callable[..., dict[str, Any]],
    sql: Trino,
    postgres: psycopg.Connection[Any],
    new_schema: Callable[[str, str], str],
) -> dict[str, Read]:
    """A table of every name in every catalog, discovered and read."""
    reads = {}
    for catalog, names in CATALOGS.items():
        schema = new_schema(catalog, "names")
        for table in [*names, *DECOYS]:
            columns, values = definition(table)
            if catalog == "postgresql":
                postgres.execute(f"CREATE TABLE {quoted(schema, table)} ({columns})".encode())
                postgres.execute(f"INSERT INTO {quoted(schema, table)} VALUES ({values})".encode())
            else:
                names_only = ", ".join(quoted(name) for name in [*NAMES, *DECOYS])
                sql(
                    f"CREATE TABLE {quoted(catalog, schema, table)} AS "
                    f"SELECT * FROM (VALUES ({values})) v({names_only})"
                )
        streams = connector.discover(config(catalog, schema)).streams
        reads[catalog] = Read(streams, connector.read(config(catalog, schema), configured(streams.values())))
    return reads


@pytest.mark.parametrize("catalog", CATALOGS)
def test_every_table_is_discovered_and_no_other(reads: dict[str, Read], catalog: str) -> None:
    expected = sorted(name.lower() for name in [*CATALOGS[catalog], *DECOYS])
    assert list(reads[catalog].streams) == expected


@pytest.mark.parametrize(("catalog", "table"), CASES)
def test_table_has_the_columns_of_all_names(reads: dict[str, Read], catalog: str, table: str) -> None:
    properties = reads[catalog].streams[table.lower()]["json_schema"]["properties"]
    assert set(properties) == {name.lower() for name in [*NAMES, *DECOYS]}


@pytest.mark.parametrize(("catalog", "table"), CASES)
def test_table_is_read_with_all_its_columns(reads: dict[str, Read], catalog: str, table: str) -> None:
    expected = {name.lower(): f"{name} of {table}" for name in [*NAMES, *DECOYS]}
    assert reads[catalog].result.data(table.lower()) == [expected]


@pytest.mark.parametrize("catalog", CATALOGS)
def test_every_stream_is_complete(reads: dict[str, Read], catalog: str) -> None:
    result = reads[catalog].result
    assert (result.exit_code, result.errors) == (0, []), result.explain()


@pytest.mark.parametrize("name", NAMES)
def test_one_column_of_an_odd_name_is_selected(
    connector: Connector, config: Callable[..., dict[str, Any]], reads: dict[str, Read], name: str
) -> None:
    stream = reads["memory"].streams["two words"]
    catalog = configured([handwritten("two words", stream["namespace"], [name.lower()])])
    result = connector.read(config("memory", stream["namespace"]), catalog)
    assert result.data("two words") == [{name.lower(): f"{name} of two words"}], result.explain()


@pytest.mark.parametrize("name", ["q\"s'.odd schema", "100%_Ąžuolas", "select", "a*b"])
@pytest.mark.parametrize("catalog", ["memory", "postgresql"])
def test_schema_of_an_odd_name(
    connector: Connector, config: Callable[..., dict[str, Any]], sql: Trino, catalog: str, name: str
) -> None:
    schema = unique(name)
    sql(f"CREATE SCHEMA {quoted(catalog, schema)}")
    try:
        sql(f"CREATE TABLE {quoted(catalog, schema, 't')} AS SELECT 1 AS a")
        streams = connector.discover(config(catalog, schema)).streams
        result = connector.read(config(catalog, schema), configured(streams.values()))
        assert [(record["namespace"], record["data"]) for record in result.records("t")] == [(schema.lower(), {"a": 1})]
    finally:
        sql(f"DROP SCHEMA {quoted(catalog, schema)} CASCADE")


def test_names_in_upper_case_in_postgresql_are_read_by_their_lower_case(
    connector: Connector,
    config: Callable[..., dict[str, Any]],
    postgres: psycopg.Connection[Any],
    new_schema: Callable[[str, str], str],
) -> None:
    schema = new_schema("postgresql", "upper")
    postgres.execute(
        f"""CREATE TABLE {quoted(schema, "Orders")} ("OrderKey" int PRIMARY KEY, "userName" text)""".encode()
    )
    postgres.execute(f"INSERT INTO {quoted(schema, 'Orders')} VALUES (1, 'x')".encode())
    streams = connector.discover(config("postgresql", schema)).streams
    assert streams["orders"]["source_defined_primary_key"] == [["orderkey"]]
    result = connector.read(config("postgresql", schema), configured(streams.values()))
    assert result.data("orders") == [{"orderkey": 1, "username": "x"}], result.explain()


def test_one_table_may_be_configured_with_and_without_its_schema(
    connector: Connector, config: Callable[..., dict[str, Any]], sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    schema = new_schema("memory", "twice")
    sql(f"CREATE TABLE {quoted('memory', schema, 't')} AS SELECT 1 AS id")
    streams = [handwritten("t", schema, ["id"]), handwritten("t", None, ["id"])]
    result = connector.read(config("memory", schema), configured(streams))
    assert result.exit_code == 0, result.explain()
    assert sorted(str(record.get("namespace")) for record in result.records("t")) == sorted([schema, "None"])
