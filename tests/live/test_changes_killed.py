"""Change feeds of syncs that were killed: the next sync knows every row that the destination may have kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from live_support.changes import (
    CHANGES,
    FEED,
    ONE_ROW_A_SLICE,
    Mirror,
    content,
    killed_after_a_slice,
    killed_with_rows,
    make,
    start,
)
from live_support.connector import Connector
from live_support.oracle import Trino, quoted
from live_support.syncs import incremental

Config = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("catalog", FEED)
def test_a_row_that_a_killed_sync_sent_is_told_when_it_is_deleted(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], catalog: str
) -> None:
    """A destination may keep what it has received after the last state."""
    schema = new_schema(catalog, "killed")
    table = quoted(catalog, schema, "t")
    make(sql, table, catalog)
    syncs, mirror = start(connector, config(catalog, schema, **CHANGES)), Mirror()
    # In the snapshot, in changes that are appends alone, and in others.
    for statements in (
        [],
        [f"INSERT INTO {table} SELECT n, 'later' FROM UNNEST(sequence(1001, 1100)) t(n)"],
        [f"DELETE FROM {table} WHERE id = 50", f"INSERT INTO {table} SELECT n, 'last' FROM UNNEST(sequence(2001, 2100)) t(n)"],
    ):
        for statement in statements:
            sql(statement)
        told = killed_with_rows(syncs)
        mirror.add(told)
        sql(f"DELETE FROM {table} WHERE id IN ({', '.join(str(row['id']) for row in told)})")
        # The sync that was interrupted is finished, and then comes what has changed since.
        for _ in range(2):
            result = syncs.read()
            assert not result.logs("WARN"), result.explain()
            mirror.take(result)
        assert mirror.content == content(sql, table)
        assert not syncs.read().data("t")


def test_a_version_up_to_which_a_killed_sync_read_may_be_lost(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    """The changes since the sync before are told still; a WARN says which rows nobody can tell of any more."""
    schema = new_schema("iceberg", "lost_end")
    table = quoted("iceberg", schema, "t")
    make(sql, table, "iceberg")
    syncs, mirror = start(connector, config("iceberg", schema, **CHANGES)), Mirror()
    mirror.take(syncs.read())
    first = sql.present_snapshot(schema, "t")
    sql(f"INSERT INTO {table} SELECT n, 'of a version that goes' FROM UNNEST(sequence(1001, 1100)) t(n)")
    sent = killed_with_rows(syncs)
    mirror.add(sent)
    sql(f"ALTER TABLE {table} EXECUTE rollback_to_snapshot({first})")
    sql.expire_snapshots(table)
    sql(f"DELETE FROM {table} WHERE id <= 3")
    sql(f"UPDATE {table} SET v = 'new' WHERE id = 4")
    result = syncs.read()
    [warning] = result.logs("WARN")
    assert "with which an interrupted sync had begun, cannot be read any more" in warning, result.explain()
    assert mirror.take(result) == 4
    assert mirror.content == content(sql, table) | {(row["id"], row["v"]) for row in sent}
    assert not syncs.read().data("t")


def test_a_snapshot_that_goes_on_after_names_were_swapped_is_read_anew(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    """The rows of its finished slices have other values under these names now."""
    schema = new_schema("iceberg", "swapped")
    table = quoted("iceberg", schema, "t")
    sql(f"CREATE TABLE {table} AS SELECT 0 AS id, 'a0' AS v, 'b0' AS w")
    for n in (1, 2, 3):
        sql(f"INSERT INTO {table} VALUES ({n}, 'a{n}', 'b{n}')")
    settings = config("iceberg", schema, **ONE_ROW_A_SLICE)
    syncs, mirror = start(connector, settings), Mirror()
    mirror.add(killed_after_a_slice(syncs))
    for rename in ("v TO z", "w TO v", "z TO w"):
        sql(f"ALTER TABLE {table} RENAME COLUMN {rename}")
    result = syncs.read()
    assert any("all its rows are read again" in line for line in result.logs("WARN")), result.explain()
    assert mirror.take(result) == 4
    assert mirror.content == content(sql, table)
    assert not syncs.read().data("t")


def test_a_snapshot_of_delta_lake_goes_on_after_a_column_was_added(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    schema = new_schema("delta", "added")
    table = quoted("delta", schema, "t")
    sql(f"CREATE TABLE {table} {FEED['delta']} AS SELECT 0 AS id, 'v' AS v")
    for n in (1, 2, 3):
        sql(f"INSERT INTO {table} VALUES ({n}, 'v')")
    settings = config("delta", schema, **ONE_ROW_A_SLICE)
    syncs, mirror = start(connector, settings), Mirror()
    mirror.add(killed_after_a_slice(syncs))
    sql(f"ALTER TABLE {table} ADD COLUMN w varchar")
    syncs.catalog = incremental(connector.discover(settings).streams["t"], None, ("id",))
    result = syncs.read()
    assert 0 < mirror.take(result) < 4, "no finished slice comes again"
    assert mirror.content == content(sql, table)


@pytest.mark.parametrize("gap", ["deleted", "updated back"])
def test_what_a_killed_sync_sent_from_a_feed_is_known_when_the_feed_has_a_gap(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], gap: str
) -> None:
    """The difference of the versions at both ends of the gap does not know such rows."""
    schema = new_schema("delta", "killed_gap")
    table = quoted("delta", schema, "t")
    make(sql, table, "delta")
    syncs, mirror = start(connector, config("delta", schema, **CHANGES)), Mirror()
    mirror.take(syncs.read())
    came = f"INSERT INTO {table} SELECT n, 'came' FROM UNNEST(sequence(1001, 1100)) t(n)"
    sql(came if gap == "deleted" else f"UPDATE {table} SET v = 'wrong'")
    mirror.add(killed_with_rows(syncs))
    sql(f"ALTER TABLE {table} SET PROPERTIES change_data_feed_enabled = false")
    sql(f"DELETE FROM {table} WHERE id > 1000" if gap == "deleted" else f"UPDATE {table} SET v = 'v' || CAST(id AS varchar)")
    sql(f"ALTER TABLE {table} SET PROPERTIES change_data_feed_enabled = true")
    for _ in range(2):
        result = syncs.read()
        assert not result.logs("WARN"), result.explain()
        mirror.take(result)
    assert mirror.content == content(sql, table)


def test_rows_are_above_those_of_a_killed_sync_of_a_table_that_was_made_anew(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    schema = new_schema("delta", "killed_anew")
    table = quoted("delta", schema, "t")
    make(sql, table, "delta")
    syncs, mirror = start(connector, config("delta", schema, **CHANGES)), Mirror()
    mirror.take(syncs.read())
    for n in (1, 2, 3):
        sql(f"UPDATE {table} SET v = 'u{n}'")
    mirror.add(killed_with_rows(syncs))
    sql(f"DROP TABLE {table}")
    make(sql, table, "delta")
    mirror.take(syncs.read())
    assert mirror.content == content(sql, table)
