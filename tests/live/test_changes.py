"""Change feeds of Iceberg and Delta Lake: a snapshot, then inserts, updates and deletions from exactly there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import arro3.core
import deltalake
import pytest
from live_support.connector import Connector, Result
from live_support.environment import Environment
from live_support.oracle import Trino, quoted
from live_support.syncs import Syncs, incremental

Config = Callable[..., dict[str, Any]]

FEED = {"iceberg": "", "delta": "WITH (change_data_feed_enabled = true)"}
CHANGES = {"replication_method": {"method": "CHANGES"}}
#: One query after the other, so that a killed read has finished slices.
ONE_ROW_A_SLICE = CHANGES | {"slice_rows": 1, "concurrency": 1, "fetch_protocol": "direct"}


class Mirror:
    """A table as a destination keeps it that dedups by key, with the latest change by `_ab_cdc_cursor`."""

    def __init__(self) -> None:
        self.rows: dict[Any, dict[str, Any]] = {}

    def take(self, result: Result) -> int:
        return self.add(result.data("t"))

    def add(self, records: list[dict[str, Any]]) -> int:
        for record in records:
            known = self.rows.get(record["id"])
            if known is None or known["_ab_cdc_cursor"] <= record["_ab_cdc_cursor"]:
                self.rows[record["id"]] = record
        return len(records)

    @property
    def content(self) -> set[tuple[Any, ...]]:
        return {(row["id"], row["v"]) for row in self.rows.values() if row["_ab_cdc_deleted_at"] is None}


def content(sql: Trino, table: str) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in sql(f"SELECT id, v FROM {table}")}


def start(connector: Connector, settings: dict[str, Any], key: tuple[str, ...] = ("id",)) -> Syncs:
    stream = connector.discover(settings).streams["t"]
    assert stream["source_defined_cursor"] is True
    assert stream["default_cursor_field"] == ["_ab_cdc_cursor"]
    assert set(stream["supported_sync_modes"]) == {"full_refresh", "incremental"}
    return Syncs(connector, settings, incremental(stream, None, key))


def make(sql: Trino, table: str, catalog: str) -> None:
    sql(f"CREATE TABLE {table} {FEED[catalog]} AS SELECT n AS id, 'v' || CAST(n AS varchar) AS v FROM UNNEST(sequence(1, 100)) t(n)")


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


def killed_with_rows(syncs: Syncs) -> list[dict[str, Any]]:
    """Kills a sync, or several, until some of its rows have left without a state after them; gives all rows that left."""
    told: list[dict[str, Any]] = []
    for size in range(500, 20_000, 500):
        ended, sure, unsure = syncs.read_until(size)
        assert not ended
        told += sure + unsure
        if unsure:
            return told
    raise AssertionError("no row came")


def killed_after_a_slice(syncs: Syncs) -> list[dict[str, Any]]:
    """Kills a sync, or several, until a slice is finished; gives all rows that left."""
    told: list[dict[str, Any]] = []
    for size in range(500, 20_000, 100):
        ended, sure, unsure = syncs.read_until(size)
        assert not ended
        told += sure + unsure
        if sure:
            return told
    raise AssertionError("no slice was finished")


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


def test_gaps_are_closed_with_a_new_snapshot(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    schema = new_schema("iceberg", "gaps")
    table = quoted("iceberg", schema, "t")
    make(sql, table, "iceberg")
    syncs = start(connector, config("iceberg", schema, **CHANGES))
    syncs.read()

    highest = 0

    def starts_anew() -> None:
        nonlocal highest
        result = syncs.read()
        cursors = [record["_ab_cdc_cursor"] for record in result.data("t")]
        assert min(cursors) > highest, "a destination would keep the older rows"
        highest = max(cursors)
        assert len(result.data("t")) == sql.value(f"SELECT count(*) FROM {table}")
        assert any("starts anew with a snapshot" in line for line in result.logs("WARN")), result.explain()

    sql(f"INSERT INTO {table} VALUES (300, 'x')")
    sql.expire_snapshots(table)
    starts_anew()
    before = sql.present_snapshot(schema, "t")
    sql(f"INSERT INTO {table} VALUES (301, 'x')")
    [newest] = syncs.read().data("t")
    assert newest["_ab_cdc_cursor"] > highest
    highest = newest["_ab_cdc_cursor"]

    def is_told() -> Counter[tuple[int, bool]]:
        nonlocal highest
        result = syncs.read()
        assert not result.logs("WARN"), result.explain()
        rows = result.data("t")
        assert min(row["_ab_cdc_cursor"] for row in rows) > highest
        highest = max(row["_ab_cdc_cursor"] for row in rows)
        return Counter((row["id"], row["_ab_cdc_deleted_at"] is not None) for row in rows)

    # The version before can be read, so what came back and what went is told.
    sql(f"ALTER TABLE {table} EXECUTE rollback_to_snapshot({before})")
    assert is_told() == {(301, True): 1}
    sql(f"UPDATE {table} SET v = 'after' WHERE id = 300")
    assert is_told() == {(300, False): 1}
    present = sql.value(f"SELECT count(*) FROM {table}")
    sql(f"CREATE OR REPLACE TABLE {table} AS SELECT 1 AS id, 'replaced' AS v")
    told = is_told()
    assert told[1, False] == 1 and told.total() == present
    sql(f"DROP TABLE {table}")
    make(sql, table, "iceberg")
    starts_anew()


def test_a_replaced_delta_table_is_a_gap_and_one_without_a_feed_is_read_whole(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    schema = new_schema("delta", "gaps")
    table = quoted("delta", schema, "t")
    make(sql, table, "delta")
    syncs = start(connector, config("delta", schema, **CHANGES))
    syncs.read()
    sql(f"DELETE FROM {table} WHERE id = 1")
    [deletion] = syncs.read().data("t")
    highest = deletion["_ab_cdc_cursor"]
    # With fewer versions than it had, as many, and more.
    for versions in (1, 2, 4):
        sql(f"DROP TABLE {table}")
        sql(f"CREATE TABLE {table} {FEED['delta']} AS SELECT 1 AS id, 'replaced' AS v")
        for _ in range(1, versions):
            sql(f"INSERT INTO {table} VALUES (2, 'more')")
        result = syncs.read()
        assert len(result.data("t")) == versions
        assert {record["_ab_cdc_cursor"] for record in result.data("t")} == {highest + 1}
        sql(f"UPDATE {table} SET v = 'newer' WHERE id = 1")
        [update] = syncs.read().data("t")
        assert update["_ab_cdc_cursor"] == highest + 2
        highest += 2
        assert any("starts anew with a snapshot" in line for line in result.logs("WARN")), result.explain()
    sql(f"CREATE TABLE {quoted('delta', schema, 'plain')} AS SELECT 1 AS id")
    plain = connector.discover(config("delta", schema, **CHANGES)).streams["plain"]
    assert plain["source_defined_cursor"] is False
    assert "_ab_cdc_cursor" not in plain["json_schema"]["properties"]


def test_a_time_without_a_feed_loses_no_deletion(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    """Both versions can be read, so they are compared."""
    schema = new_schema("delta", "without_feed")
    table = quoted("delta", schema, "t")
    make(sql, table, "delta")
    syncs, mirror = start(connector, config("delta", schema, **CHANGES)), Mirror()
    mirror.take(syncs.read())
    sql(f"ALTER TABLE {table} SET PROPERTIES change_data_feed_enabled = false")
    sql(f"DELETE FROM {table} WHERE id <= 2")
    sql(f"UPDATE {table} SET v = 'unseen' WHERE id = 3")
    sql(f"INSERT INTO {table} VALUES (200, 'came'), (201, 'comes and goes')")
    sql(f"ALTER TABLE {table} SET PROPERTIES change_data_feed_enabled = true")
    sql(f"DELETE FROM {table} WHERE id = 201")
    result = syncs.read()
    assert not result.logs("WARN"), result.explain()
    assert mirror.take(result) == 4, "two deletions, an update and a new row"
    assert mirror.content == content(sql, table)
    # From there on the feed goes on.
    sql(f"UPDATE {table} SET v = 'seen' WHERE id = 3")
    assert mirror.take(syncs.read()) == 1
    assert mirror.content == content(sql, table)


@pytest.mark.parametrize("rewrite", ["restore", "overwrite"])
def test_what_other_engines_rewrite_without_a_feed_is_told_by_comparing(
    connector: Connector,
    config: Config,
    environment: Environment,
    sql: Trino,
    new_schema: Callable[[str, str], str],
    rewrite: str,
) -> None:
    """Trino knows neither of the two for tables with a feed."""
    schema = new_schema("delta", rewrite)
    table = quoted("delta", schema, "t")
    make(sql, table, "delta")
    syncs, mirror = start(connector, config("delta", schema, **CHANGES)), Mirror()
    mirror.take(syncs.read())
    sql(f"DELETE FROM {table} WHERE id <= 2")
    sql(f"INSERT INTO {table} VALUES (200, 'came')")
    mirror.take(syncs.read())
    place = sql.value(f'SELECT "$path" FROM {table} LIMIT 1').rpartition("/")[0]
    options = {
        "AWS_ENDPOINT_URL": environment.s3["endpoint"],
        "AWS_ACCESS_KEY_ID": environment.s3["access_key"],
        "AWS_SECRET_ACCESS_KEY": environment.s3["secret_key"],
        "AWS_REGION": environment.s3["region"],
        "AWS_ALLOW_HTTP": "true",
        "AWS_S3_ALLOW_UNSAFE_RENAME": "true",
    }
    if rewrite == "restore":
        deltalake.DeltaTable(place, storage_options=options).restore(0)
        expected = 3  # two rows are there again, one is not any more
    else:
        rows = arro3.core.Table.from_pydict(
            {
                "id": arro3.core.Array([99, 300], type=arro3.core.DataType.int64()),
                "v": arro3.core.Array(["v99", "new"], type=arro3.core.DataType.utf8()),
            }
        )
        deltalake.write_deltalake(place, rows, mode="overwrite", storage_options=options)
        expected = 99  # one new row, 98 are not any more
    result = syncs.read()
    assert not result.logs("WARN"), result.explain()
    assert mirror.take(result) == expected
    assert mirror.content == content(sql, table)
    sql(f"INSERT INTO {table} VALUES (400, 'after')")
    assert mirror.take(syncs.read()) == 1


@pytest.mark.parametrize("key", [("id",), ()], ids=["with a key", "without a key"])
@pytest.mark.parametrize("deleted", [[2], [2, 3], [1]])
def test_as_many_other_deletions_after_a_rollback_are_told(
    connector: Connector,
    config: Config,
    sql: Trino,
    new_schema: Callable[[str, str], str],
    key: tuple[str, ...],
    deleted: list[int],
) -> None:
    """A file that has as many rows as before need not have the same: deleted rows exist again."""
    schema = new_schema("iceberg", "rolled_back")
    table = quoted("iceberg", schema, "t")
    make(sql, table, "iceberg")
    first = sql.present_snapshot(schema, "t")
    syncs = start(connector, config("iceberg", schema, **CHANGES), key)
    syncs.read()
    sql(f"DELETE FROM {table} WHERE id = 1")
    syncs.read()
    sql(f"ALTER TABLE {table} EXECUTE rollback_to_snapshot({first})")
    sql(f"DELETE FROM {table} WHERE id IN ({', '.join(map(str, deleted))})")
    result = syncs.read()
    assert not result.logs("WARN"), result.explain()
    told = {(row["id"], row["_ab_cdc_deleted_at"] is not None) for row in result.data("t")}
    expected = {(1, False), *((id, True) for id in deleted)} if deleted != [1] else set()
    assert told == expected


def test_rows_whose_key_is_null_exist_again_after_a_rollback(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    """Keys that are null tell no rows apart, so such a file is compared whole."""
    schema = new_schema("iceberg", "null_keys")
    table = quoted("iceberg", schema, "t")
    sql(f"CREATE TABLE {table} AS SELECT * FROM (VALUES (1, 'x'), (NULL, 'a'), (NULL, 'b')) t(id, v)")
    first = sql.present_snapshot(schema, "t")
    syncs = start(connector, config("iceberg", schema, **CHANGES))
    syncs.read()
    sql(f"DELETE FROM {table} WHERE v = 'a'")
    syncs.read()
    sql(f"ALTER TABLE {table} EXECUTE rollback_to_snapshot({first})")
    sql(f"DELETE FROM {table} WHERE v = 'b'")
    result = syncs.read()
    assert [(row["id"], row["v"]) for row in result.data("t")] == [(None, "a")], result.explain()


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


def test_a_feed_whose_files_are_gone_is_a_gap(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    """VACUUM deletes the changes of updates and leaves their versions in the history."""
    schema = new_schema("delta", "vacuumed")
    table = quoted("delta", schema, "t")
    make(sql, table, "delta")
    syncs, mirror = start(connector, config("delta", schema, **CHANGES)), Mirror()
    mirror.take(syncs.read())
    for value in ("once", "twice"):
        sql(f"UPDATE {table} SET v = '{value}' WHERE id <= 10")
    sql(f"CALL delta.system.vacuum('{schema}', 't', '0s')", session={"delta.vacuum_min_retention": "0s"})
    result = syncs.read()
    assert any("starts anew with a snapshot" in line for line in result.logs("WARN")), result.explain()
    assert mirror.take(result) == 100
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


def test_the_old_position_stays_until_a_new_snapshot_is_whole(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    schema = new_schema("iceberg", "beside")
    table = quoted("iceberg", schema, "t")
    rows = "SELECT n AS id, rpad('', 4000, 'v') AS v FROM UNNEST(sequence({low}, {high})) t(n)"
    sql(f"CREATE TABLE {table} AS {rows.format(low=1, high=400)}")
    for low in (401, 801):
        sql(f"INSERT INTO {table} {rows.format(low=low, high=low + 399)}")
    settings = config("iceberg", schema, slice_rows=400, concurrency=1, fetch_protocol="direct", **CHANGES)
    syncs = start(connector, settings)
    syncs.read()
    before = syncs.content["table_version"]
    sql(f"ALTER TABLE {table} RENAME COLUMN v TO w")
    sql(f"DELETE FROM {table} WHERE id = 7")
    syncs.catalog = incremental(connector.discover(settings).streams["t"], None, ("id",))
    ended, sure, _ = syncs.read_until(2 * 400 * 4100)
    assert not ended and sure[0]["id"] == 7 and sure[0]["_ab_cdc_deleted_at"]
    assert syncs.content["table_version"] != before and syncs.content["progress"]
    sure += syncs.read().data("t")
    assert Counter(row["id"] for row in sure if not row["_ab_cdc_deleted_at"]) == Counter(
        n for n in range(1, 1201) if n != 7
    )
    assert not syncs.read().data("t")


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
