"""Tables of Iceberg, Delta Lake and PostgreSQL: created, filled and read back, each with the types that it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg
import pytest
from jsonschema import Draft7Validator
from live_support.connector import Connector, Result
from live_support.messages import configured, parse_exactly
from live_support.oracle import Trino, quoted
from live_support.type_cases import (
    ANY,
    BINARY,
    BOOLEAN,
    DATE,
    INTEGER,
    NUMBER,
    STRING,
    SUMMER_0130,
    TIME,
    TIMESTAMP,
    TIMESTAMP_ZONED,
    WINTER_0130,
    Schema,
    array,
    mapping,
    row,
)


class Column(NamedTuple):
    """A column with the value that is inserted, and what must be said of both; the value as JSON text."""

    name: str
    type: str
    literal: str
    schema: Schema
    value: str


LAKE = [
    Column("flag", "boolean", "true", BOOLEAN, "true"),
    Column("int", "integer", "-2147483648", INTEGER, "-2147483648"),
    Column("big", "bigint", "9223372036854775807", INTEGER, "9223372036854775807"),
    Column("single", "real", "REAL '3.14'", NUMBER, "3.14"),
    Column("twice", "double", "1E100", NUMBER, "1.0E100"),
    Column("exact", "decimal(38, 10)", "DECIMAL '1234567890123456789012345678.1000000000'", NUMBER,
           "1234567890123456789012345678.1000000000"),
    Column("whole", "decimal(38, 0)", "DECIMAL '99999999999999999999999999999999999999'", INTEGER,
           "99999999999999999999999999999999999999"),
    Column("text", "varchar", "'Žemaitė \"東京\"'", STRING, r'"Žemaitė \"東京\""'),
    Column("bytes", "varbinary", "X'00FF10'", BINARY, '"AP8Q"'),
    Column("day", "date", "DATE '9999-12-31'", DATE, '"9999-12-31"'),
    Column("local", "timestamp(6)", "TIMESTAMP '2020-01-02 03:04:05.123456'", TIMESTAMP,
           '"2020-01-02T03:04:05.123456"'),
    Column("list", "array(varchar)", "ARRAY['a', NULL]", array(STRING), '["a", null]'),
    Column("dict", "map(varchar, decimal(5, 2))", "MAP(ARRAY['k'], ARRAY[DECIMAL '1.50'])", mapping(NUMBER),
           '{"k": 1.50}'),
    Column("struct", "row(a bigint, b row(c varchar, d array(date)))", "ROW(1, ROW('x', ARRAY[DATE '2020-01-02']))",
           row(a=INTEGER, b=row(c=STRING, d=array(DATE))), '{"a": 1, "b": {"c": "x", "d": ["2020-01-02"]}}'),
]  # fmt: skip

ICEBERG = [
    *LAKE,
    Column("clock", "time(6)", "TIME '03:04:05.123456'", TIME, '"03:04:05.123456"'),
    Column("id", "uuid", "UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59'", STRING,
           '"12151fd2-7586-11e9-8f9e-2a86e4085a59"'),
    Column("summer", "timestamp(6) with time zone", SUMMER_0130, TIMESTAMP_ZONED, '"2020-11-01T05:30:00.000000Z"'),
    Column("winter", "timestamp(6) with time zone", WINTER_0130, TIMESTAMP_ZONED, '"2020-11-01T06:30:00.000000Z"'),
    Column("both", "array(timestamp(6) with time zone)", f"ARRAY[{SUMMER_0130}, {WINTER_0130}]",
           array(TIMESTAMP_ZONED), '["2020-11-01T05:30:00.000000Z", "2020-11-01T06:30:00.000000Z"]'),
]  # fmt: skip

DELTA = [
    *LAKE,
    Column("tiny", "tinyint", "-128", INTEGER, "-128"),
    Column("small", "smallint", "-32768", INTEGER, "-32768"),
    Column("summer", "timestamp(3) with time zone", SUMMER_0130, TIMESTAMP_ZONED, '"2020-11-01T05:30:00.000Z"'),
    Column("winter", "timestamp(3) with time zone", WINTER_0130, TIMESTAMP_ZONED, '"2020-11-01T06:30:00.000Z"'),
]  # fmt: skip

#: Types and literals are PostgreSQL's own.
POSTGRESQL = [
    Column("flag", "boolean", "true", BOOLEAN, "true"),
    Column("small", "smallint", "-32768", INTEGER, "-32768"),
    Column("int", "integer", "2147483647", INTEGER, "2147483647"),
    Column("big", "bigint", "-9223372036854775808", INTEGER, "-9223372036854775808"),
    Column("single", "real", "'3.14'", NUMBER, "3.14"),
    Column("twice", "double precision", "'0.1'", NUMBER, "0.1"),
    Column("exact", "numeric(38, 10)", "'1234567890123456789012345678.1'", NUMBER,
           "1234567890123456789012345678.1000000000"),
    Column("whole", "numeric(38, 0)", "'-99999999999999999999999999999999999999'", INTEGER,
           "-99999999999999999999999999999999999999"),
    Column("text", "text", "'Žemaitė \"東京\"'", STRING, r'"Žemaitė \"東京\""'),
    Column("padded", "char(5)", "'ab'", STRING, '"ab   "'),
    Column("short", "varchar(5)", "'ab'", STRING, '"ab"'),
    Column("bytes", "bytea", r"'\x00ff10'", BINARY, '"AP8Q"'),
    Column("day", "date", "'0001-01-01'", DATE, '"0001-01-01"'),
    Column("last_day", "date", "'9999-12-31'", DATE, '"9999-12-31"'),
    Column("clock", "time(3)", "'03:04:05.123'", TIME, '"03:04:05.123"'),
    Column("local", "timestamp", "'2020-01-02 03:04:05.123456'", TIMESTAMP, '"2020-01-02T03:04:05.123456"'),
    Column("local_seconds", "timestamp(0)", "'2020-01-02 03:04:05'", TIMESTAMP, '"2020-01-02T03:04:05"'),
    Column("summer", "timestamptz", "'2020-11-01 01:30:00-04:00'", TIMESTAMP_ZONED, '"2020-11-01T05:30:00.000000Z"'),
    Column("winter", "timestamptz", "'2020-11-01 01:30:00-05:00'", TIMESTAMP_ZONED, '"2020-11-01T06:30:00.000000Z"'),
    Column("id", "uuid", "'12151FD2-7586-11E9-8F9E-2A86E4085A59'", STRING, '"12151fd2-7586-11e9-8f9e-2a86e4085a59"'),
    Column("doc", "jsonb", """'{"b": [1, null], "a": "x"}'""", ANY, '{"b": [1, null], "a": "x"}'),
]  # fmt: skip

CATALOGS = {"iceberg": ICEBERG, "delta": DELTA, "postgresql": POSTGRESQL}
CASES = [
    pytest.param(catalog, column, id=f"{catalog} {column.name} {column.type}")
    for catalog, columns in CATALOGS.items()
    for column in columns
]

#: The table of every catalog, and how many rows it has: the values, nulls, and the values again.
TABLE = "everything"
ROWS = 3


class Read(NamedTuple):
    """A stream as discovered, and the read of it."""

    stream: dict[str, Any]
    result: Result

    @property
    def rows(self) -> list[dict[str, Any]]:
        return sorted((record["data"] for record in self.result.exact_records), key=lambda row: row["n"].text)


def fill(columns: list[Column], table: str) -> list[str]:
    """SQL that both engines understand."""
    definitions = ", ".join(f'"{column.name}" {column.type}' for column in columns)
    values = ", ".join(column.literal for column in columns)
    nulls = ", ".join("NULL" for _ in columns)
    return [
        f"CREATE TABLE {table} (n bigint, {definitions})",
        f"INSERT INTO {table} VALUES (1, {values})",
        f"INSERT INTO {table} VALUES (2, {nulls})",
        f"INSERT INTO {table} VALUES (3, {values})",
    ]


@pytest.fixture(scope="module")
def reads(
    connector: Connector,
    config: Callable[..., dict[str, Any]],
    sql: Trino,
    postgres: psycopg.Connection[Any],
    new_schema: Callable[[str, str], str],
) -> dict[str, Read]:
    """The table of each catalog, discovered and read."""
    reads = {}
    for catalog, columns in CATALOGS.items():
        schema = new_schema(catalog, "types")
        if catalog == "postgresql":
            for statement in fill(columns, quoted(schema, TABLE)):
                postgres.execute(statement)
        else:
            for statement in fill(columns, quoted(catalog, schema, TABLE)):
                sql(statement)
        streams = connector.discover(config(catalog, schema)).streams
        reads[catalog] = Read(streams[TABLE], connector.read(config(catalog, schema), configured(streams.values())))
    return reads


@pytest.mark.parametrize("catalog", CATALOGS)
def test_all_rows_are_read(reads: dict[str, Read], catalog: str) -> None:
    result = reads[catalog].result
    assert (result.exit_code, len(result.records(TABLE))) == (0, ROWS), result.explain()


@pytest.mark.parametrize(("catalog", "column"), CASES)
def test_schema(reads: dict[str, Read], catalog: str, column: Column) -> None:
    assert reads[catalog].stream["json_schema"]["properties"][column.name] == column.schema


@pytest.mark.parametrize(("catalog", "column"), CASES)
def test_value(reads: dict[str, Read], catalog: str, column: Column) -> None:
    expected = parse_exactly(column.value)
    assert [row[column.name] for row in reads[catalog].rows] == [expected, None, expected]


@pytest.mark.parametrize("catalog", CATALOGS)
def test_records_are_valid_by_the_discovered_schema(reads: dict[str, Read], catalog: str) -> None:
    validator = Draft7Validator(reads[catalog].stream["json_schema"])
    data = reads[catalog].result.data(TABLE)
    assert [error.message for record in data for error in validator.iter_errors(record)] == []


def test_deleted_and_updated_rows_of_iceberg_are_read_as_they_are_now(
    connector: Connector, config: Callable[..., dict[str, Any]], sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    schema = new_schema("iceberg", "changed")
    table = quoted("iceberg", schema, "t")
    sql(f"CREATE TABLE {table} AS SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (3, 'c')) v(id, name)")
    sql(f"DELETE FROM {table} WHERE id = 1")
    sql(f"UPDATE {table} SET name = 'B' WHERE id = 2")
    streams = connector.discover(config("iceberg", schema)).streams
    data = connector.read(config("iceberg", schema), configured(streams.values())).data("t")
    assert sorted(data, key=lambda row: row["id"]) == [{"id": 2, "name": "B"}, {"id": 3, "name": "c"}]
