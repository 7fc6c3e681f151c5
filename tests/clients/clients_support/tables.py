"""The tables that the tests make for themselves: one schema in memory, one in PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from .environment import Servers
from .trino import Trino

#: Own names, so that runs beside each other do not meet.
SCHEMA = f"clients_{os.getpid()}"

#: Every type that Airbyte's suite can check, with a null in each. Its format `time` knows whole seconds and no zone
#: only, so the other times are in the tests with PyAirbyte.
EVERY_TYPE = """
    SELECT * FROM (VALUES
      (BIGINT '1', true, TINYINT '-128', SMALLINT '32767', INTEGER '-2147483648', BIGINT '9223372036854775807',
       REAL '3.25', DOUBLE '1e-7', DECIMAL '12345678901234567890.12', DECIMAL '-99999999999999999999999999999999999999',
       'é 日本 😀 "q" \\', CAST('ab' AS char(5)), X'00FF10', DATE '2020-02-29', TIME '12:34:56',
       TIMESTAMP '2020-01-02 03:04:05.123456', TIMESTAMP '2020-01-02 03:04:05.123 Europe/Vilnius',
       INTERVAL '1 02:03:04.567' DAY TO SECOND, UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59', IPADDRESS '2001:db8::1',
       JSON '{"a": [1, null, "x"]}', ARRAY[1, NULL], MAP(ARRAY['k', 'l'], ARRAY[DECIMAL '1.10', NULL]),
       CAST(ROW(1, 'x') AS ROW(n bigint, "Text" varchar))),
      (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL, NULL, NULL, NULL, NULL)
    ) AS t (id, c_boolean, c_tinyint, c_smallint, c_integer, c_bigint, c_real, c_double, c_decimal, c_decimal_0,
      c_varchar, c_char, c_varbinary, c_date, c_time, c_timestamp, c_timestamp_zone, c_interval, c_uuid, c_ipaddress,
      c_json, c_array, c_map, c_row)
"""

#: Names that SQL and JSON both have to quote.
ODD_NAMES = """CREATE TABLE memory.{schema}."od.d na""me é" AS
    SELECT * FROM (VALUES (1, 'x'), (2, NULL)) AS t ("sel ect", "quo""te é")"""


@contextmanager
def in_memory(trino: Trino, schema: str = SCHEMA) -> Iterator[str]:
    """Makes the tables of catalog `memory`; gives their schema."""
    schema_and_tables = (
        f"CREATE SCHEMA memory.{schema}",
        f"CREATE TABLE memory.{schema}.every_type AS {EVERY_TYPE}",
        ODD_NAMES.format(schema=schema),
        f"CREATE TABLE memory.{schema}.empty (id bigint, name varchar)",
        f"CREATE VIEW memory.{schema}.orders_by_status AS SELECT orderstatus, count(*) AS orders,"
        " CAST(sum(totalprice) AS decimal(20, 2)) AS price FROM tpch.tiny.orders GROUP BY orderstatus",
    )
    try:
        trino.run(*schema_and_tables)
        yield schema
    finally:
        drop_in_memory(trino, schema)


def drop_in_memory(trino: Trino, schema: str) -> None:
    """Drops a schema of catalog `memory` with all that is in it."""
    tables = trino.rows(
        f"SELECT table_name, table_type FROM memory.information_schema.tables WHERE table_schema = '{schema}'"
    )
    for table in tables:
        kind = "VIEW" if table["table_type"] == "VIEW" else "TABLE"
        quoted = table["table_name"].replace('"', '""')
        trino.run(f'DROP {kind} memory.{schema}."{quoted}"')
    trino.run(f"DROP SCHEMA IF EXISTS memory.{schema}")


@contextmanager
def in_postgres(servers: Servers, schema: str = SCHEMA) -> Iterator[str]:
    """Makes tables with primary keys in PostgreSQL; gives their schema."""
    with database(servers) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(
            f"CREATE TABLE {schema}.accounts (id bigint PRIMARY KEY, balance numeric(20, 4), opened timestamptz)"
        )
        connection.execute(
            f"INSERT INTO {schema}.accounts SELECT n, n * 1.0001, '2024-01-01Z'::timestamptz + n * interval '1 hour'"
            " FROM generate_series(1, 500) AS n"
        )
        connection.execute(
            f"CREATE TABLE {schema}.lines (account bigint, number integer, note text, PRIMARY KEY (account, number))"
        )
        connection.execute(f"INSERT INTO {schema}.lines VALUES (1, 1, 'first'), (1, 2, NULL), (2, 1, '')")
    try:
        yield schema
    finally:
        drop_in_postgres(servers, schema)


def drop_in_postgres(servers: Servers, schema: str) -> None:
    """Drops a schema of PostgreSQL with all that is in it."""
    with database(servers) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def database(servers: Servers) -> psycopg.Connection:
    """A connection to PostgreSQL that keeps each statement's work."""
    address = {key: servers.postgres[key] for key in ("host", "port", "user", "password")}
    return psycopg.connect(**address, dbname=servers.postgres["database"], autocommit=True)
