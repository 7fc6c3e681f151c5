"""Reads by cursor: what is new, once, whatever its type, with ties, nulls and late rows at the boundary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from live_support.connector import Connector
from live_support.oracle import Trino, quoted, unique
from live_support.syncs import Syncs, incremental, rows

Config = Callable[..., dict[str, Any]]
#: Makes a table and reads it by cursor: `new_table("memory", "ties", "AS SELECT 1 AS c")`.
NewTable = Callable[..., tuple[str, Syncs]]

#: Type → rising values as SQL.
CURSORS: dict[str, list[str]] = {
    "tinyint": ["-128", "0", "126", "127"],
    "smallint": ["-32768", "0", "1", "32767"],
    "integer": ["-2147483648", "-1", "0", "2147483647"],
    "bigint": ["-9223372036854775808", "0", "9007199254740993", "9223372036854775807"],
    "real": ["REAL '-3.4028235E38'", "REAL '0.1'", "REAL '0.3'", "REAL '16777217'"],
    "double": ["DOUBLE '-1.7976931348623157E308'", "DOUBLE '4.9E-324'", "DOUBLE '0.1'", "infinity()"],
    "decimal(38,10)": ["DECIMAL '-1.0000000001'", "DECIMAL '0.1'", "DECIMAL '9007199254740993.1'",
                       "DECIMAL '9999999999999999999999999999.9999999999'"],
    "varchar": ["''", "'a''b'", "'a\"\\%_'", "U&'\\00e9\\+01F600'"],
    "varchar(5)": ["'a'", "'b'", "'ba'", "'zzzzz'"],
    "char(3)": ["'a'", "'b'", "'ba'", "'zzz'"],
    "date": ["DATE '-0044-03-15'", "DATE '1969-12-31'", "DATE '2024-02-29'", "DATE '9999-12-31'"],
    "time(0)": ["TIME '00:00:00'", "TIME '00:00:01'", "TIME '12:00:00'", "TIME '23:59:59'"],
    "time(12)": ["TIME '00:00:00.000000000000'", "TIME '00:00:00.000000000001'", "TIME '12:00:00.000000000000'",
                 "TIME '23:59:59.999999999999'"],
    "time(3) with time zone": ["TIME '01:00:00.000+14:00'", "TIME '12:00:00.123+05:30'", "TIME '12:00:00.123 +01:00'",
                               "TIME '23:00:00.999 -14:00'"],
    "timestamp(0)": ["TIMESTAMP '1969-12-31 23:59:59'", "TIMESTAMP '2024-01-01 00:00:00'",
                     "TIMESTAMP '2024-01-01 00:00:01'", "TIMESTAMP '9999-12-31 23:59:59'"],
    "timestamp(6)": ["TIMESTAMP '-0001-01-01 00:00:00.000000'", "TIMESTAMP '2024-01-01 00:00:00.000001'",
                     "TIMESTAMP '2024-01-01 00:00:00.000002'", "TIMESTAMP '9999-12-31 23:59:59.999999'"],
    "timestamp(12)": ["TIMESTAMP '2024-01-01 00:00:00.000000000001'", "TIMESTAMP '2024-01-01 00:00:00.000000000002'",
                      "TIMESTAMP '2024-01-01 00:00:00.000000001000'", "TIMESTAMP '2024-01-01 00:00:01.000000000000'"],
    "timestamp(3) with time zone": [
        "TIMESTAMP '2024-10-27 02:30:00.000 Europe/Berlin' - INTERVAL '1' HOUR", "TIMESTAMP '2024-10-27 02:30:00.000 Europe/Berlin'",
        "TIMESTAMP '2024-10-27 04:30:00.123 +02:00'", "TIMESTAMP '2024-12-31 00:00:00.001 UTC'"],
    "timestamp(12) with time zone": [
        "TIMESTAMP '2024-01-01 00:00:00.000000000001 UTC'", "TIMESTAMP '2024-01-01 01:00:00.000000000002 +01:00'",
        "TIMESTAMP '2024-01-01 00:00:00.000000001000 UTC'", "TIMESTAMP '2024-01-01 00:00:01.000000000000 UTC'"],
    "uuid": ["UUID '00000000-0000-0000-0000-000000000000'", "UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59'",
             "UUID '7fffffff-ffff-ffff-ffff-ffffffffffff'", "UUID '80000000-0000-0000-0000-000000000000'"],
    "ipaddress": ["IPADDRESS '10.0.0.1'", "IPADDRESS '10.0.0.2'", "IPADDRESS '2001:db8::1'", "IPADDRESS 'ffff::'"],
}  # fmt: skip


def start(connector: Connector, settings: dict[str, Any], cursor: str) -> Syncs:
    return Syncs(connector, settings, incremental(connector.discover(settings).streams["t"], cursor))


@pytest.fixture
def new_table(connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]) -> NewTable:
    def make(catalog: str, purpose: str, definition: str, **fields: Any) -> tuple[str, Syncs]:
        schema = new_schema(catalog, purpose)
        table = quoted(catalog, schema, "t")
        sql(f"CREATE TABLE {table} {definition}")
        return table, start(connector, config(catalog, schema, **fields), "c")

    return make


@pytest.mark.parametrize("type_", CURSORS)
def test_a_cursor_of_every_type_finds_what_is_new_once(new_table: NewTable, sql: Trino, type_: str) -> None:
    """The state goes through text and back: it must select exactly the same rows."""
    # The order of the values is the server's.
    listed = ", ".join(f"CAST({value} AS {type_})" for value in CURSORS[type_])
    values = f"FROM UNNEST(ARRAY[{listed}]) t(c)"
    definition = f"AS SELECT 0 AS id, c {values} WHERE false"
    table, syncs = new_table("memory", "cursor", definition, fetch_protocol="direct")
    source = quoted("memory", syncs.config["schema"], "values")
    sql(f"CREATE TABLE {source} AS SELECT CAST(row_number() OVER (ORDER BY c) AS integer) AS id, c {values}")
    assert not rows(syncs.read(), "id")
    count = len(CURSORS[type_])
    for id_ in range(1, count + 1):
        sql(f"INSERT INTO {table} SELECT * FROM {source} WHERE id = {id_}")
        assert rows(syncs.read(), "id") == Counter([(id_,)])
        if id_ in (1, count):
            # Twice the same value: ties at the boundary, of which one comes late.
            sql(f"INSERT INTO {table} SELECT id + 100, c FROM {source} WHERE id = {id_}")
            assert rows(syncs.read(), "id") == Counter([(id_ + 100,)]), "the row that came late"
    assert not rows(syncs.read(), "id"), "nothing is new"
    sql(f"DROP TABLE {table}")
    sql(f"DROP TABLE {source}")


@pytest.mark.parametrize("catalog", ["postgresql", "iceberg", "delta", "memory"])
def test_syncs_bring_each_row_once_on_every_catalog(new_table: NewTable, sql: Trino, catalog: str) -> None:
    table, syncs = new_table(catalog, "syncs", "(id integer, c timestamp(6))", slice_rows=50)
    time = "TIMESTAMP '2024-01-01 00:00:00.000000' + (n / 10) * INTERVAL '1' SECOND"
    insert = f"INSERT INTO {table} SELECT n, {time} FROM UNNEST(sequence({{0}}, {{1}})) t(n)"
    seen: Counter[Any] = Counter()
    for first, last in ((0, 499), (500, 504), (505, 505), (506, 999)):
        sql(insert.format(first, last))
        sql(f"INSERT INTO {table} VALUES ({-first - 1}, NULL)")
        new = rows(syncs.read(), "id")
        expected = Counter((n,) for n in range(first, last + 1))
        # Rows without a cursor value come in the first sync only.
        assert new == (expected + Counter([(-1,)]) if first == 0 else expected)
        seen += new
        again = syncs.read()
        assert not again.of_type("RECORD")
    assert len(seen) == 1001


def test_nothing_new_costs_one_small_query(new_table: NewTable, sql: Trino) -> None:
    for catalog in ("memory", "iceberg"):
        source, ten = unique("same"), "AS SELECT CAST(n AS bigint) AS c FROM UNNEST(sequence(1, 10)) t(n)"
        _, syncs = new_table(catalog, "same", ten, fetch_protocol="direct", source=source)
        syncs.read()
        queries = (
            f"SELECT query FROM system.runtime.queries WHERE source = '{source}' AND query LIKE '%\"t%' "
            "AND query NOT LIKE '%information_schema%' ORDER BY created"
        )
        old = len(sql(queries))
        syncs.read()
        new = [text for [text] in sql(queries)][old:]
        assert len(new) <= 2, new
        assert catalog == "memory" or not any("max(" in text for text in new), new


@pytest.mark.parametrize("catalog", ["iceberg", "delta"])
def test_a_table_made_anew_with_as_many_versions_is_not_taken_for_unchanged(
    new_table: NewTable, sql: Trino, catalog: str
) -> None:
    table, syncs = new_table(catalog, "anew", "AS SELECT 1 AS c")
    syncs.read()
    sql(f"DROP TABLE {table}")
    sql(f"CREATE TABLE {table} AS SELECT 2 AS c")
    assert rows(syncs.read(), "c") == Counter([(2,)])


def test_millions_of_ties_are_told_by_their_number(new_table: NewTable, sql: Trino) -> None:
    ties = "AS SELECT n AS id, DATE '2024-01-01' AS c FROM UNNEST(sequence(1, 5000)) t(n)"
    table, syncs = new_table("memory", "ties", ties)
    assert len(syncs.read().data("t")) == 5000
    assert len(str(syncs.content)) < 1000
    assert not syncs.read().data("t")
    sql(f"INSERT INTO {table} VALUES (5001, DATE '2024-01-01')")
    assert len(syncs.read().data("t")) == 5001, "all are sent again rather than one missed"
    sql(f"INSERT INTO {table} VALUES (5002, DATE '2024-01-02')")
    assert rows(syncs.read(), "id") == Counter([(5002,)])


def test_nan_is_no_cursor_value(new_table: NewTable, sql: Trino) -> None:
    table, syncs = new_table("memory", "nan", "AS SELECT * FROM (VALUES (1, 1e0), (2, nan()), (3, NULL)) t(id, c)")
    assert rows(syncs.read(), "id") == Counter([(1,), (2,), (3,)])
    sql(f"INSERT INTO {table} VALUES (4, nan()), (5, 2e0)")
    assert rows(syncs.read(), "id") == Counter([(5,)])


def test_another_cursor_or_a_lost_one_starts_anew(new_table: NewTable) -> None:
    _, syncs = new_table("memory", "another", "AS SELECT 1 AS id, 1 AS c")
    syncs.read()
    syncs.catalog["streams"][0]["cursor_field"] = ["id"]
    result = syncs.read()
    assert rows(result, "id") == Counter([(1,)])
    assert any("its cursor was" in line for line in result.logs("WARN"))
    syncs.catalog["streams"][0]["cursor_field"] = ["gone"]
    result = syncs.read()
    assert any("no column \"gone\"" in line for line in result.logs("WARN"))


def test_rows_of_today_or_of_the_lag_are_left_for_later(new_table: NewTable) -> None:
    times = (
        "(1, current_timestamp - INTERVAL '2' DAY), (2, current_timestamp - INTERVAL '1' MINUTE), "
        "(3, current_timestamp + INTERVAL '1' HOUR)"
    )
    _, syncs = new_table("memory", "lag", f"AS SELECT * FROM (VALUES {times}) t(id, c)")
    standard = {"method": "STANDARD"}
    assert rows(syncs.read(replication_method=standard | {"cursor_lag": 3600}), "id") == Counter([(1,)])
    assert not syncs.read(replication_method=standard | {"cursor_lag": 3600}).data("t")
    later = rows(syncs.read(replication_method=standard), "id")
    assert later == Counter([(2,), (3,)])


@pytest.mark.parametrize("catalog", ["postgresql", "iceberg", "delta"])
def test_conditions_reach_the_connector_behind_trino(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], catalog: str
) -> None:
    """The connector's own queries, explained: the condition is a constraint of the table scan."""
    schema = new_schema(catalog, "pushed")
    table = quoted(catalog, schema, "t")
    sql(
        f"CREATE TABLE {table} AS SELECT CAST(n AS bigint) AS c, "
        "date_add('second', n, TIMESTAMP '2024-01-01 00:00:00.000000') AS at, "
        "CAST(n AS decimal(20,2)) AS d FROM UNNEST(sequence(1, 10)) t(n)"
    )
    for column in ("c", "at", "d"):
        settings = config(catalog, schema, source=f"pushed-{schema}-{column}", fetch_protocol="direct")
        syncs = start(connector, settings, column)
        syncs.read()
        sql(f"INSERT INTO {table} SELECT c + 10, date_add('minute', 1, at), d + 10 FROM {table}")
        assert syncs.read().data("t")
        texts = sql(
            f"SELECT query FROM system.runtime.queries WHERE source = 'pushed-{schema}-{column}' "
            f"AND query LIKE 'SELECT %\"t\" %WHERE%\"{column}\" >%' AND state = 'FINISHED'"
        )
        assert texts
        for [text] in texts:
            [[plan]] = sql(f"EXPLAIN {text}")
            assert f"constraint on [{column}]" in plan or "remote" in plan or f"{column}:" in plan, plan
            assert catalog != "postgresql" or "Filter" not in plan, plan


def test_increments_of_a_big_table_are_cut_by_the_cursor(new_table: NewTable, postgres: psycopg.Connection[Any]) -> None:
    _, syncs = new_table("postgresql", "cut", "(c bigint)", slice_rows=100)
    syncs.read()
    name = quoted(syncs.config["schema"], "t")
    postgres.execute(f"INSERT INTO {name} SELECT n FROM generate_series(1, 1000) n")
    result = syncs.read()
    assert rows(result, "c") == Counter((n,) for n in range(1, 1001))
    assert len(result.states) > 5, "every slice is a checkpoint"
