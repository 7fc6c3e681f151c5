"""Change feeds with gaps: versions that went, were rolled back or have no feed are compared, or all rows are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import arro3.core
import deltalake
import pytest
from live_support.changes import CHANGES, FEED, Mirror, content, make, start
from live_support.connector import Connector
from live_support.environment import Environment
from live_support.oracle import Trino, quoted
from live_support.syncs import incremental

Config = Callable[..., dict[str, Any]]


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


@pytest.mark.sampled
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
