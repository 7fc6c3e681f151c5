"""Change feeds of Iceberg and Delta Lake: a snapshot, then inserts, updates and deletions from exactly there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from live_support.changes import CHANGES, FEED, Mirror, content, make, start
from live_support.connector import Connector
from live_support.oracle import Trino, quoted

Config = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("catalog", FEED)
def test_changes_follow_the_snapshot(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], catalog: str
) -> None:
    schema = new_schema(catalog, "feed")
    table = quoted(catalog, schema, "t")
    make(sql, table, catalog)
    syncs, mirror = start(connector, config(catalog, schema, **CHANGES)), Mirror()
    assert mirror.take(syncs.read()) == 100
    assert mirror.take(syncs.read()) == 0, "nothing has changed"
    steps = [
        ([f"INSERT INTO {table} VALUES (101, 'new'), (102, NULL)"], 2),
        ([f"UPDATE {table} SET v = 'changed' WHERE id % 10 = 0"], 10),
        ([f"DELETE FROM {table} WHERE id IN (1, 2, 101)"], 3),
        ([f"INSERT INTO {table} VALUES (1, 'again')", f"DELETE FROM {table} WHERE id = 50",
          # A new key: Delta Lake's feed does not tell that the old one is gone.
          f"UPDATE {table} SET id = 1000 WHERE id = 60" if catalog == "iceberg" else f"DELETE FROM {table} WHERE id = 60"], None),
        ([f"MERGE INTO {table} t USING (VALUES (3, 'merged'), (4, NULL), (200, 'inserted')) s(id, v) ON t.id = s.id "
          "WHEN MATCHED AND s.v IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v)"], 3),
    ]  # fmt: skip
    for statements, expected in steps:
        for statement in statements:
            sql(statement)
        result = syncs.read()
        assert not result.logs("WARN"), result.explain()
        count = mirror.take(result)
        assert expected is None or count == expected, result.data("t")
        assert mirror.content == content(sql, table), statements
    # Compaction changes nothing that a reader sees.
    sql(f"ALTER TABLE {table} EXECUTE optimize")
    result = syncs.read()
    assert mirror.take(result) == 0, result.data("t")
    assert not result.logs("WARN"), result.explain()
    sql(f"DELETE FROM {table} WHERE id = 5")
    assert mirror.take(syncs.read()) == 1
    # An append alone, to a table that has deleted rows.
    sql(f"INSERT INTO {table} VALUES (400, 'after a deletion')")
    result = syncs.read()
    assert mirror.take(result) == 1
    assert not result.logs("WARN"), result.explain()
    assert mirror.content == content(sql, table)


@pytest.mark.parametrize("catalog", FEED)
def test_the_columns_of_changes_say_when(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], catalog: str
) -> None:
    schema = new_schema(catalog, "columns")
    table = quoted(catalog, schema, "t")
    make(sql, table, catalog)
    syncs = start(connector, config(catalog, schema, **CHANGES))
    first = syncs.read().data("t")[0]
    assert first["_ab_cdc_deleted_at"] is None
    assert first["_ab_cdc_updated_at"].endswith("Z") and first["_ab_cdc_updated_at"].startswith("20")
    sql(f"DELETE FROM {table} WHERE id = 7")
    [deleted] = syncs.read().data("t")
    assert deleted["id"] == 7
    assert deleted["_ab_cdc_deleted_at"] == deleted["_ab_cdc_updated_at"] >= first["_ab_cdc_updated_at"]
    assert deleted["_ab_cdc_cursor"] > first["_ab_cdc_cursor"]


def test_a_key_of_several_columns_tells_rows_apart(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    schema = new_schema("iceberg", "two_keys")
    table = quoted("iceberg", schema, "t")
    sql(f"CREATE TABLE {table} AS SELECT n / 10 AS id, n % 10 AS part, 'old' AS v FROM UNNEST(sequence(0, 99)) t(n)")
    syncs = start(connector, config("iceberg", schema, **CHANGES), key=("id", "part"))
    syncs.read()
    sql(f"UPDATE {table} SET v = 'new' WHERE part = 3 AND id < 2")
    sql(f"DELETE FROM {table} WHERE id = 7 AND part = 7")
    # There and back again is no change.
    sql(f"UPDATE {table} SET v = 'other' WHERE id = 5")
    sql(f"UPDATE {table} SET v = 'old' WHERE id = 5")
    sql(f"INSERT INTO {table} VALUES (10, 0, 'old')")
    changes = {
        (row["id"], row["part"], row["v"], row["_ab_cdc_deleted_at"] is not None) for row in syncs.read().data("t")
    }
    assert changes == {(0, 3, "new", False), (1, 3, "new", False), (7, 7, None, True), (10, 0, "old", False)}


@pytest.mark.sampled
@pytest.mark.parametrize("key", [("id",), ()], ids=["with a key", "without a key"])
@pytest.mark.parametrize("nested", [
    "CAST(ROW(n, NULL) AS row(a bigint, b bigint))",
    "ARRAY[CAST(ROW(NULL, 'x') AS row(a bigint, b varchar))]",
    "ARRAY[n, NULL]",
    "MAP(ARRAY['k'], ARRAY[CAST(NULL AS bigint)])",
    "CAST(ROW(CAST(ROW(NULL) AS row(c bigint))) AS row(a row(c bigint)))",
])  # fmt: skip
def test_values_with_nulls_inside_are_told_apart(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], nested: str, key: tuple[str, ...]
) -> None:
    schema = new_schema("iceberg", "nulls_inside")
    table = quoted("iceberg", schema, "t")
    # All rows are alike but for `id`, and two of them are the same.
    rows = "FROM UNNEST(ARRAY[1, 2, 3, 4, 5, 6, 6]) t(id) CROSS JOIN (VALUES BIGINT '7') u(n)"
    sql(f"CREATE TABLE {table} AS SELECT id, {nested} AS v {rows}")
    syncs = start(connector, config("iceberg", schema, **CHANGES), key)
    assert len(syncs.read().data("t")) == 7
    # Every row is written anew, into one file; then some go.
    sql(f"INSERT INTO {table} SELECT 8, {nested} FROM (VALUES BIGINT '7') u(n)")
    sql(f"ALTER TABLE {table} EXECUTE optimize")
    sql(f"DELETE FROM {table} WHERE id = 2")
    sql(f"UPDATE {table} SET v = NULL WHERE id = 3")
    result = syncs.read()
    told = Counter((row["id"], row["_ab_cdc_deleted_at"] is not None) for row in result.data("t"))
    gone = {(2, True): 1} if key else {(2, True): 1, (3, True): 1}
    assert told == Counter({(8, False): 1, (3, False): 1} | gone), result.explain()
    assert not syncs.read().data("t")


def test_without_a_key_iceberg_tells_whole_rows(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    schema = new_schema("iceberg", "keyless")
    table = quoted("iceberg", schema, "t")
    make(sql, table, "iceberg")
    syncs = start(connector, config("iceberg", schema, **CHANGES), key=())
    syncs.read()
    sql(f"INSERT INTO {table} VALUES (1, 'v1'), (200, NULL)")
    assert len(syncs.read().data("t")) == 2
    sql(f"DELETE FROM {table} WHERE id <= 3 OR id = 200")
    sql(f"INSERT INTO {table} VALUES (300, 'x'), (300, 'x')")
    sql(f"UPDATE {table} SET v = 'y' WHERE id = 5")
    records = syncs.read().data("t")
    told = Counter((row["id"], row["v"], row["_ab_cdc_deleted_at"] is not None) for row in records)
    gone = {(1, "v1", True): 2, (2, "v2", True): 1, (3, "v3", True): 1, (200, None, True): 1, (5, "v5", True): 1}
    assert told == gone | {(300, "x", False): 2, (5, "y", False): 1}


def test_a_key_that_a_commit_deletes_and_writes_again_is_there(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    """The two have no order, but the row exists after both."""
    schema = new_schema("delta", "rewritten")
    table = quoted("delta", schema, "t")
    sql(f"CREATE TABLE {table} {FEED['delta']} AS SELECT n AS id, 1 AS ver, 'old' AS v FROM UNNEST(sequence(1, 9)) t(n)")
    syncs, mirror = start(connector, config("delta", schema, **CHANGES)), Mirror()
    mirror.take(syncs.read())
    sql(
        f"MERGE INTO {table} t USING (SELECT n AS id, k AS ver FROM UNNEST(sequence(1, 5)) a(n), UNNEST(sequence(1, 2)) b(k)) s "
        "ON t.id = s.id AND t.ver = s.ver WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.ver, 'new')"
    )
    sql(f"DELETE FROM {table} WHERE id = 9")
    mirror.take(syncs.read())
    assert mirror.content == content(sql, table)


def test_a_point_in_time_is_read(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    for catalog in FEED:
        schema = new_schema(catalog, "as_of")
        table = quoted(catalog, schema, "t")
        make(sql, table, catalog)
        now = sql.value("SELECT to_iso8601(current_timestamp)")
        sql(f"DELETE FROM {table} WHERE id > 10")
        settings = config(catalog, schema)
        stream = connector.discover(settings).streams["t"]
        catalog_ = {"streams": [{"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "append"}]}
        assert len(connector.read(settings | {"as_of": now}, catalog_).data("t")) == 100
        assert len(connector.read(settings, catalog_).data("t")) == 10
        result = connector.read(settings | {"as_of": "2020-01-01T00:00:00Z"}, catalog_)
        assert result.exit_code == 1 and not result.of_type("RECORD")
        assert "no version that old" in result.explain()


def through_doubles(value: Any) -> Any:
    """A state as a program leaves it that reads all numbers as doubles, as jq 1.6 and JavaScript do."""
    return json.loads(json.dumps(value, default=float), parse_int=float)


@pytest.mark.parametrize("catalog", FEED)
def test_a_position_survives_programs_that_read_numbers_as_doubles(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], catalog: str
) -> None:
    schema = new_schema(catalog, "doubles")
    table = quoted(catalog, schema, "t")
    make(sql, table, catalog)
    syncs = start(connector, config(catalog, schema, **CHANGES))
    for id_ in (7, 8):
        syncs.read()
        syncs.state = through_doubles(syncs.state)
        sql(f"DELETE FROM {table} WHERE id = {id_}")
        result = syncs.read()
        assert [row["id"] for row in result.data("t")] == [id_], result.explain()
        assert not result.logs("WARN"), result.explain()


@pytest.mark.parametrize("catalog", FEED)
def test_the_cursor_of_changes_rises_whatever_the_clocks_say(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], catalog: str
) -> None:
    """An earlier commit was by a writer whose clock is an hour ahead."""
    schema = new_schema(catalog, "clocks")
    table = quoted(catalog, schema, "t")
    make(sql, table, catalog)
    syncs = start(connector, config(catalog, schema, **CHANGES))
    syncs.read()
    rising = syncs.content["rising"]
    rising["sent"] = highest = rising["sent"] + 3_600_000
    for statement in (
        f"INSERT INTO {table} VALUES (201, 'append')",
        f"UPDATE {table} SET v = 'update' WHERE id = 1",
        f"DELETE FROM {table} WHERE id = 2",
    ):
        sql(statement)
        [row] = syncs.read().data("t")
        assert row["_ab_cdc_cursor"] > highest, statement
        highest = row["_ab_cdc_cursor"]


@pytest.mark.parametrize("key", [("id",), ()])
def test_columns_may_have_the_names_that_a_comparison_needs(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], key: tuple[str, ...]
) -> None:
    schema = new_schema("iceberg", "names")
    table = quoted("iceberg", schema, "t")
    names = ("_ab_cdc_count", "_ab_cdc_count_", "_AB_CDC_BLOCK", "_ab_cdc_one", "added", "old", "e0", "total", "value")
    columns = ", ".join(f"n AS {quoted(name)}" for name in names)
    sql(f"CREATE TABLE {table} AS SELECT n AS id, 'v' AS v, {columns} FROM UNNEST(sequence(1, 9)) t(n)")
    syncs = start(connector, config("iceberg", schema, **CHANGES), key)
    assert len(syncs.read().data("t")) == 9
    sql(f"UPDATE {table} SET v = 'w' WHERE id = 2")
    sql(f"DELETE FROM {table} WHERE id = 3")
    told = {(row["id"], row["v"], row["_ab_cdc_deleted_at"] is None) for row in syncs.read().data("t")}
    assert told == ({(2, "w", True), (3, None, False)} if key else {(2, "v", False), (2, "w", True), (3, "v", False)})
