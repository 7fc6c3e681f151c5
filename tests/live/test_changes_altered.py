"""Change feeds of tables whose columns were altered: swapped, added again, of another type, or with other fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from live_support.changes import CHANGES, FEED, ONE_ROW_A_SLICE, Mirror, content, killed_with_rows, start
from live_support.connector import Connector
from live_support.oracle import Trino, quoted
from live_support.syncs import incremental

Config = Callable[..., dict[str, Any]]


def test_a_field_in_an_array_that_becomes_another_of_its_name_and_type_is_seen(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    """No plan shows the ids of such fields; the id of the table's schema shows that something was altered."""
    schema = new_schema("iceberg", "hidden_fields")
    table = quoted("iceberg", schema, "t")
    sql(f"CREATE TABLE {table} (id integer, v array(row(f integer, g integer)))")
    insert = "INSERT INTO {} SELECT {}, CAST(ARRAY[ROW(1, 2)] AS array(row(f integer, g integer)))"
    sql(insert.format(table, 1))
    syncs, mirror = start(connector, config("iceberg", schema, **CHANGES)), Mirror()
    mirror.take(syncs.read())

    def values() -> dict[int, Any]:
        return {row["id"]: row["v"] for row in mirror.rows.values()}

    sql(f"ALTER TABLE {table} DROP COLUMN v.element.g")
    sql(f"ALTER TABLE {table} ADD COLUMN v.element.g integer")
    sql(insert.format(table, 2))
    result = syncs.read()
    assert any("all rows are read again" in line for line in result.logs("WARN")), result.explain()
    mirror.take(result)
    assert values() == {1: [{"f": 1, "g": None}], 2: [{"f": 1, "g": 2}]}
    # Only once.
    sql(insert.format(table, 3))
    result = syncs.read()
    assert not result.logs("WARN"), result.explain()
    assert mirror.take(result) == 1


def test_a_table_that_was_altered_before_the_first_sync_tells_deletions_after_it(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    """Its last version may have other fields, so the table as it is now is read; what was deleted since is told still."""
    schema = new_schema("iceberg", "altered_before")
    table = quoted("iceberg", schema, "t")
    values = "CAST(ARRAY[ROW(1, 2)] AS array(row(f integer, g integer)))"
    sql(f"CREATE TABLE {table} AS SELECT n AS id, {values} AS v FROM UNNEST(sequence(1, 9)) t(n)")
    sql(f"ALTER TABLE {table} DROP COLUMN v.element.g")
    sql(f"ALTER TABLE {table} ADD COLUMN v.element.g integer")
    syncs, mirror = start(connector, config("iceberg", schema, **CHANGES)), Mirror()
    result = syncs.read()
    assert any("is read with one query" in line for line in result.logs("WARN")), result.explain()
    assert mirror.take(result) == 9
    sql(f"DELETE FROM {table} WHERE id IN (2, 3)")
    mirror.take(syncs.read())
    there = {row["id"]: row["v"] for row in mirror.rows.values() if row["_ab_cdc_deleted_at"] is None}
    assert there == {n: [{"f": 1, "g": None}] for n in (1, 4, 5, 6, 7, 8, 9)}
    result = syncs.read()
    assert mirror.take(result) == 0 and not result.logs("WARN"), result.explain()


@pytest.mark.parametrize("then", ["go on", "roll back"])
def test_fields_that_were_altered_after_a_later_version_are_seen(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], then: str
) -> None:
    """Whether a snapshot goes on with its version, or that version is the present one again."""
    schema = new_schema("iceberg", "altered_later")
    table = quoted("iceberg", schema, "t")
    values = "CAST(ARRAY[ROW(1, 2)] AS array(row(f integer, g integer)))"
    sql(f"CREATE TABLE {table} AS SELECT n AS id, {values} AS v FROM UNNEST(sequence(1, 9)) t(n)")
    first = sql.value(f"SELECT snapshot_id FROM {quoted('iceberg', schema, 't$snapshots')}")
    syncs, mirror = start(connector, config("iceberg", schema, **ONE_ROW_A_SLICE)), Mirror()
    if then == "go on":
        killed_with_rows(syncs)
    sql(f"INSERT INTO {table} VALUES (10, {values})")
    sql(f"ALTER TABLE {table} DROP COLUMN v.element.g")
    sql(f"ALTER TABLE {table} ADD COLUMN v.element.g integer")
    if then == "roll back":
        sql(f"ALTER TABLE {table} EXECUTE rollback_to_snapshot({first})")
    for _ in range(2):
        mirror.take(syncs.read())
    rows = {row["id"]: row["v"] for row in mirror.rows.values()}
    assert rows == {n: [{"f": 1, "g": None}] for n in range(1, 11 if then == "go on" else 10)}


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("DOUBLE '1.6'", "BIGINT '2'"),
        ("TIMESTAMP '2024-01-01 10:00:00'", "DATE '2024-01-01'"),
        ("DECIMAL '1.26'", "DECIMAL '1.3'"),
        ("'abc'", "BIGINT '2'"),
        ("'abc'", "CAST('ab' AS varchar(2))"),
        ("BIGINT '5000000000'", "INTEGER '5'"),
    ],
)
@pytest.mark.parametrize("key", [("id",), ()])
def test_values_of_another_type_are_told_though_they_look_alike_when_rounded(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str],
    old: str, new: str, key: tuple[str, ...],
) -> None:  # fmt: skip
    schema = new_schema("iceberg", "retyped")
    table = quoted("iceberg", schema, "t")
    sql(f"CREATE TABLE {table} AS SELECT 1 AS id, {old} AS v")
    settings = config("iceberg", schema, **CHANGES)
    syncs = start(connector, settings, key)
    syncs.read()
    sql(f"CREATE OR REPLACE TABLE {table} AS SELECT 1 AS id, {new} AS v")
    syncs.catalog = incremental(connector.discover(settings).streams["t"], None, key)
    told = [row for row in syncs.read().data("t") if row["_ab_cdc_deleted_at"] is None]
    expected = sql.value(f"SELECT CAST(v AS varchar) FROM {table}")
    assert [str(row["v"]) for row in told] == [expected]


@pytest.mark.parametrize("altered", [["DROP COLUMN v", "ADD COLUMN v varchar"], ["RENAME COLUMN v TO z", "RENAME COLUMN w TO v"]])
def test_a_column_of_delta_lake_that_may_be_another_one_is_read_again(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], altered: list[str]
) -> None:
    """Its columns are known by their names only; the history tells what was done to them."""
    schema = new_schema("delta", "renamed")
    table = quoted("delta", schema, "t")
    mapped = "WITH (change_data_feed_enabled = true, column_mapping_mode = 'name')"
    sql(f"CREATE TABLE {table} {mapped} AS SELECT n AS id, 'v' AS v, 'w' AS w FROM UNNEST(sequence(1, 9)) t(n)")
    syncs, mirror = start(connector, config("delta", schema, **CHANGES)), Mirror()
    mirror.take(syncs.read())
    sql(f"ALTER TABLE {table} SET PROPERTIES change_data_feed_enabled = false")
    for statement in altered:
        sql(f"ALTER TABLE {table} {statement}")
    sql(f"DELETE FROM {table} WHERE id = 2")
    sql(f"ALTER TABLE {table} SET PROPERTIES change_data_feed_enabled = true")
    syncs.catalog = incremental(connector.discover(syncs.config).streams["t"], None, ("id",))
    result = syncs.read()
    assert any("all rows are read again" in line for line in result.logs("WARN")), result.explain()
    mirror.take(result)
    assert mirror.content == content(sql, table)
    assert not syncs.read().data("t")


@pytest.mark.sampled
@pytest.mark.parametrize("catalog", FEED)
@pytest.mark.parametrize("altered", ["swapped", "swapped and written", "added again"])
def test_a_key_that_is_another_column_now_leaves_no_row_under_its_old_values(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], catalog: str, altered: str
) -> None:
    """The destination knows rows by what was told under the key's name, whichever column that was."""
    schema = new_schema(catalog, "other_key")
    table = quoted(catalog, schema, "t")
    mapped = {"iceberg": "", "delta": "WITH (change_data_feed_enabled = true, column_mapping_mode = 'name')"}[catalog]
    sql(f"CREATE TABLE {table} {mapped} AS SELECT n AS id, n + 5 AS w, 'v' || CAST(n AS varchar) AS v FROM UNNEST(sequence(1, 9)) t(n)")
    syncs, mirror = start(connector, config(catalog, schema, **CHANGES)), Mirror()
    mirror.take(syncs.read())
    swap = ["RENAME COLUMN id TO z", "RENAME COLUMN w TO id", "RENAME COLUMN z TO w"]
    again = ["DROP COLUMN id", "ADD COLUMN id bigint"]
    feed = (
        lambda on: sql(f"ALTER TABLE {table} SET PROPERTIES change_data_feed_enabled = {on}")
        if catalog == "delta"
        else None
    )
    feed("false")
    for statement in again if altered == "added again" else swap:
        sql(f"ALTER TABLE {table} {statement}")
    if altered == "swapped and written":
        sql(f"DELETE FROM {table} WHERE w = 3")
    elif altered == "added again":
        sql(f"UPDATE {table} SET id = w")
    feed("true")
    syncs.catalog = incremental(connector.discover(syncs.config).streams["t"], None, ("id",))
    result = syncs.read()
    mirror.take(result)
    assert mirror.content == content(sql, table), result.explain()
    assert not syncs.read().data("t")
