"""Reads by cursor: what is new, once, whatever its type, with ties, nulls and late rows at the boundary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from live_support.connector import Connector
from live_support.history import remembered
from live_support.messages import configured
from live_support.oracle import Trino, quoted, unique
from live_support.syncs import NewTable, incremental, rows, start

Config = Callable[..., dict[str, Any]]

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


def test_a_cursor_of_every_type_finds_what_is_new_once(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    """The state goes through text and back: it must select exactly the same rows."""
    schema = new_schema("memory", "cursors")
    table, source = quoted("memory", schema, "table"), quoted("memory", schema, "values")
    names = ", ".join(f"c{number}" for number in range(len(CURSORS)))
    # The order of the values is the server's.
    lists = (", ".join(f"CAST({value} AS {type_})" for value in values) for type_, values in CURSORS.items())
    sorted_ = ", ".join(f"array_sort(ARRAY[{values}])" for values in lists)
    sql(f"CREATE TABLE {source} AS SELECT id, {names} FROM UNNEST({sorted_}) WITH ORDINALITY t({names}, id)")
    sql(f"CREATE TABLE {table} AS SELECT * FROM {source} WHERE false")
    # A stream for each type, so that one sync reads all of them.
    sql.all([
        f"CREATE VIEW {quoted('memory', schema, type_)} AS SELECT id, c{number} AS c FROM {table}"
        for number, type_ in enumerate(CURSORS)
    ])  # fmt: skip
    settings = config("memory", schema, fetch_protocol="direct")
    streams = connector.discover(settings).streams
    catalog = {"streams": [entry for type_ in CURSORS for entry in incremental(streams[type_], "c")["streams"]]}
    state: list[dict[str, Any]] = []

    def assert_sync_brings(*ids: int) -> None:
        nonlocal state
        result = connector.read(settings, catalog, state)
        assert result.exit_code == 0, result.explain()
        assert {type_: [row["id"] for row in result.data(type_)] for type_ in CURSORS} == dict.fromkeys(CURSORS, [*ids])
        state = list({each["stream"]["stream_descriptor"]["name"]: each for each in result.states}.values())

    assert_sync_brings()
    for id_ in range(1, 5):
        sql(f"INSERT INTO {table} SELECT * FROM {source} WHERE id = {id_}")
        assert_sync_brings(id_)
        if id_ in (1, 4):
            # Twice the same value: ties at the boundary, of which one comes late.
            sql(f"INSERT INTO {table} SELECT id + 100, {names} FROM {source} WHERE id = {id_}")
            assert_sync_brings(id_ + 100)
    assert_sync_brings()


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
        table, syncs = new_table(catalog, "same", ten, fetch_protocol="direct", source=source)
        with remembered(sql, source) as old:
            syncs.read()
        with remembered(sql, source) as queries:
            syncs.read()
        new = [text for query_id, text in queries.items() if query_id not in old]
        of_table = [text for text in new if '"t' in text and text != f"SELECT * FROM {table} WHERE false"]
        assert 0 < len(of_table) <= 2, new
        # Only a table without versions has to be asked for its highest value.
        assert any("max(" in text for text in new) == (catalog == "memory"), new


@pytest.mark.parametrize("catalog", ["iceberg", "delta"])
def test_a_table_made_anew_with_as_many_versions_is_not_taken_for_unchanged(
    new_table: NewTable, sql: Trino, catalog: str
) -> None:
    table, syncs = new_table(catalog, "anew", "AS SELECT 1 AS c")
    syncs.read()
    sql(f"DROP TABLE {table}")
    sql(f"CREATE TABLE {table} AS SELECT 2 AS c")
    assert rows(syncs.read(), "c") == Counter([(2,)])


@pytest.mark.sampled
@pytest.mark.parametrize("catalog", ["iceberg", "delta", "memory"])
@pytest.mark.parametrize("limit", [{"cursor_lag": 86400}, {"exclude_todays_data": True}, {"cursor_lag": 172800}])
def test_rows_that_a_limit_held_back_come_once_it_is_taken_away(
    new_table: NewTable, sql: Trino, catalog: str, limit: dict[str, Any]
) -> None:
    """The table is not written between the syncs."""
    days = "CAST(localtimestamp AS timestamp(6)) - (3 - n) * INTERVAL '1' DAY - INTERVAL '1' HOUR"
    if "exclude_todays_data" in limit:
        days = "CAST(current_date AS timestamp(6)) - (3 - n) * INTERVAL '1' DAY"
    _, syncs = new_table(catalog, "limit", f"AS SELECT n AS id, {days} AS c FROM UNNEST(sequence(0, 3)) t(n)")
    standard = {"method": "STANDARD"}
    held = 2 if limit.get("cursor_lag") == 172800 else 1
    first = rows(syncs.read(replication_method=standard | limit), "id")
    assert first == Counter((n,) for n in range(4 - held))
    assert not syncs.read(replication_method=standard | limit).data("t")
    later = rows(syncs.read(replication_method=standard), "id")
    assert later == Counter((n,) for n in range(4 - held, 4))
    assert not syncs.read(replication_method=standard).data("t")


@pytest.mark.parametrize("part", ["DATE '2024-01-0{}'", "{}"])
def test_a_cursor_on_a_partition_column_works_where_a_filter_is_required(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], part: str
) -> None:
    for catalog in ("delta", "iceberg"):
        schema = new_schema(catalog, "filter")
        table = quoted(catalog, schema, "t")
        by = "partitioned_by" if catalog == "delta" else "partitioning"
        sql(f"CREATE TABLE {table} WITH ({by} = ARRAY['c']) AS SELECT n AS id, {part.format(1)} AS c FROM UNNEST(sequence(1, 3)) t(n)")
        sql(f"INSERT INTO {table} VALUES (4, {part.format(2)}), (5, NULL)")
        settings = config(catalog, schema, session_properties=[f"{catalog}.query_partition_filter_required=true"])
        syncs = start(connector, settings, "c")
        assert rows(syncs.read(), "id") == Counter((n,) for n in range(1, 6))
        sql(f"INSERT INTO {table} VALUES (6, {part.format(2)}), (7, {part.format(3)})")
        assert rows(syncs.read(), "id") == Counter([(6,), (7,)])


@pytest.mark.parametrize("method", ["STANDARD", "CHANGES"])
def test_modes_without_a_condition_work_in_versions_and_name_the_cure_elsewhere(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], method: str
) -> None:
    """A read of a version of an Iceberg table needs no condition on a partition column; Delta Lake's does."""
    for catalog, by in (("iceberg", "partitioning"), ("delta", "partitioned_by")):
        schema = new_schema(catalog, "filter")
        feed = ", change_data_feed_enabled = true" if catalog == "delta" else ""
        table = quoted(catalog, schema, "t")
        sql(f"CREATE TABLE {table} WITH ({by} = ARRAY['c']{feed}) AS SELECT 1 AS id, 7 AS c")
        required = f"{catalog}.query_partition_filter_required"
        settings = config(
            catalog, schema, session_properties=[f"{required}=true"], replication_method={"method": method}
        )
        stream = connector.discover(settings).streams["t"]
        entry = configured([stream])["streams"][0]
        sync_mode = "incremental" if method == "CHANGES" else "full_refresh"
        result = connector.read(settings, {"streams": [entry | {"sync_mode": sync_mode}]})
        if catalog == "iceberg":
            assert rows(result, "id") == Counter([(1,)]), result.explain()
        else:
            [error] = result.errors
            assert error["failure_type"] == "config_error", error
            assert '"queries"' in error["message"] and "query_partition_filter_required" in error["message"], error


def test_no_value_of_a_cursor_is_in_the_log(new_table: NewTable, sql: Trino) -> None:
    """It may be personal data."""
    table, syncs = new_table("memory", "private", "AS SELECT 'anna@example.com' AS c")
    for _ in range(3):
        result = syncs.read()
        assert not [line for line in result.lines if line.startswith(b'{"type":"LOG"') and b"anna" in line]
        sql(f"INSERT INTO {table} VALUES 'anna@example.com'")


def test_the_columns_of_a_stream_may_change_between_syncs(new_table: NewTable, sql: Trino) -> None:
    """Rows at the boundary look different then; their number tells."""
    table, syncs = new_table("iceberg", "columns", "AS SELECT 1 AS id, 1 AS c, 'a' AS v")
    syncs.read()
    properties = syncs.catalog["streams"][0]["stream"]["json_schema"]["properties"]
    removed = properties.pop("v")
    sql(f"INSERT INTO {table} VALUES (2, 2, 'b')")
    assert rows(syncs.read(), "id") == Counter([(2,)])
    properties["v"] = removed
    sql(f"INSERT INTO {table} VALUES (0, 0, 'late')")
    assert not syncs.read().data("t")
    sql(f"INSERT INTO {table} VALUES (3, 3, 'c')")
    assert rows(syncs.read(), "id") == Counter([(3,)])


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
            f"AND query LIKE 'SELECT %\"t\" %WHERE%\"{column}\" >%' AND query NOT LIKE '%rand()%' AND state = 'FINISHED'"
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
