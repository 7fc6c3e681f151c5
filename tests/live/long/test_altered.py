"""Iceberg tables whose columns were altered: the values of a record are those that SELECT gives under its names.

`ALTER TABLE` makes no snapshot in Iceberg, so the newest one may have other columns under the names of today.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from live_support.connector import Connector, Result
from live_support.messages import configured
from live_support.oracle import Trino, quoted
from live_support.syncs import Syncs, incremental

Config = Callable[..., dict[str, Any]]
NewSchema = Callable[[str, str], str]

CHANGES = {"replication_method": {"method": "CHANGES"}}

#: What is altered → the columns of the table, and the statements after `ALTER TABLE t`.
ALTERED: dict[str, tuple[str, list[str]]] = {
    "swap": ("1 id, 10 a, 20 b", ["RENAME COLUMN a TO x", "RENAME COLUMN b TO a", "RENAME COLUMN x TO b"]),
    "rename": ("1 id, 10 a", ["RENAME COLUMN a TO c"]),
    "drop": ("1 id, 10 a, 20 b", ["DROP COLUMN b"]),
    "add": ("1 id, 10 a", ["ADD COLUMN n varchar"]),
    "another of its name": ("1 id, 2 b", ["DROP COLUMN b", "ADD COLUMN b varchar"]),
    "another of its name and type": ("1 id, 2 b", ["DROP COLUMN b", "ADD COLUMN b integer"]),
    "wider": ("1 id, 10 a, REAL '1.5' f", ["ALTER COLUMN a SET DATA TYPE bigint"]),
    "names in a row": (
        "1 id, CAST(ROW(1, 2) AS row(f integer, g integer)) r",
        ["RENAME COLUMN r.f TO h", "RENAME COLUMN r.g TO f", "RENAME COLUMN r.h TO g"],
    ),
    "renamed in a row": ("1 id, CAST(ROW(1, 2) AS row(f integer, g integer)) r", ["RENAME COLUMN r.f TO h"]),
    "dropped in a row": ("1 id, CAST(ROW(1, 2) AS row(f integer, g integer)) r", ["DROP COLUMN r.f"]),
    "added in a row": ("1 id, CAST(ROW(1, 2) AS row(f integer, g integer)) r", ["ADD COLUMN r.g2 integer"]),
    "deep in a row": (
        "1 id, CAST(ROW(ROW(1, 2), 3) AS row(s row(f integer, g integer), t integer)) r",
        ["RENAME COLUMN r.s.f TO h", "RENAME COLUMN r.s.g TO f", "RENAME COLUMN r.s.h TO g"],
    ),
    "another of its name in a row": (
        "1 id, CAST(ROW(1, 2) AS row(f integer, g integer)) r",
        ["DROP COLUMN r.g", "ADD COLUMN r.g integer"],
    ),
    "in an array": (
        "1 id, ARRAY[CAST(ROW(1, 2) AS row(f integer, g integer))] l",
        ["DROP COLUMN l.element.g", "ADD COLUMN l.element.g integer"],
    ),
    "key renamed": ("1 id, 10 a", ["RENAME COLUMN id TO x", "ADD COLUMN id integer"]),
}


def rows(sql: Trino, table: str) -> list[dict[str, Any]]:
    """The rows as objects; a row within a row is one, too."""
    names = [name for name, *_ in sql(f"SHOW COLUMNS FROM {table}")]
    values = ", ".join(f"'{name}' : {quoted(name)} FORMAT JSON" for name in names)
    casts = ", ".join(f"json_format(CAST({quoted(name)} AS json)) AS {quoted(name)}" for name in names)
    return [json.loads(text) for [text] in sql(f"SELECT json_object({values}) FROM (SELECT {casts} FROM {table})")]


def alter(sql: Trino, table: str, steps: list[str]) -> None:
    for step in steps:
        sql(f"ALTER TABLE {table} {step}")


def data(result: Result) -> list[dict[str, Any]]:
    assert (result.exit_code, result.statuses("t")[-1]) == (0, "COMPLETE"), result.explain()
    records = result.data("t")
    return [{name: value for name, value in row.items() if not name.startswith("_ab_cdc")} for row in records]


#: Without a value of the cursor in any row nothing is told by cursor.
READS = [(what, mode) for what in ALTERED for mode in ("full_refresh", "cursor", "changes")]


@pytest.mark.parametrize(("what", "mode"), [read for read in READS if read != ("key renamed", "cursor")])
def test_a_record_has_the_values_of_the_present_columns(
    connector: Connector, config: Config, sql: Trino, new_schema: NewSchema, what: str, mode: str
) -> None:
    columns, steps = ALTERED[what]
    schema = new_schema("iceberg", "altered")
    table = quoted("iceberg", schema, "t")
    sql(f"CREATE TABLE {table} AS SELECT {columns}")
    alter(sql, table, steps)
    settings = config("iceberg", schema, **(CHANGES if mode == "changes" else {}))
    stream = connector.discover(settings).streams["t"]
    catalog = configured([stream])
    if mode != "full_refresh":
        catalog = incremental(stream, "id" if mode == "cursor" else None, ("id",))
    result = connector.read(settings, catalog)
    assert data(result) == rows(sql, table), result.explain()


def test_a_table_that_was_rolled_back_has_the_values_of_the_present_columns(
    connector: Connector, config: Config, sql: Trino, new_schema: NewSchema
) -> None:
    schema = new_schema("iceberg", "altered_back")
    table = quoted("iceberg", schema, "t")
    sql(f"CREATE TABLE {table} AS SELECT 1 id, 2 b")
    first = sql.present_snapshot(schema, "t")
    alter(sql, table, ["DROP COLUMN b", "ADD COLUMN b varchar"])
    sql(f"INSERT INTO {table} VALUES (2, 'x')")
    sql(f"ALTER TABLE {table} EXECUTE rollback_to_snapshot({first})")
    for mode in ({}, CHANGES):
        settings = config("iceberg", schema, **mode)
        stream = connector.discover(settings).streams["t"]
        result = connector.read(settings, incremental(stream, None if mode else "id", ("id",)))
        assert data(result) == [{"id": 1, "b": None}] == rows(sql, table), result.explain()


def test_a_time_before_a_column_became_another_is_refused(
    connector: Connector, config: Config, sql: Trino, new_schema: NewSchema
) -> None:
    for steps in (["DROP COLUMN b", "ADD COLUMN b varchar"], ["DROP COLUMN b", "ADD COLUMN b integer"]):
        schema = new_schema("iceberg", "altered_past")
        table = quoted("iceberg", schema, "t")
        sql(f"CREATE TABLE {table} AS SELECT 1 id, 2 b")
        now = sql.value("SELECT to_iso8601(current_timestamp)")
        alter(sql, table, steps)
        sql(f"INSERT INTO {table} VALUES (2, NULL)")
        settings = config("iceberg", schema)
        stream = connector.discover(settings).streams["t"]
        result = connector.read(settings | {"as_of": now}, configured([stream]))
        assert result.exit_code == 1 and not result.of_type("RECORD"), result.explain()
        assert '"b"' in result.errors[0]["message"] and "as_of" in result.errors[0]["message"]
        assert len(data(connector.read(settings, configured([stream])))) == 2


def shaped(value: Any, like: Any) -> Any:
    """A value with the fields that a row has now: one that was dropped stays in old rows, as a column does, and one that
    was added is null in them."""
    if isinstance(like, dict) and isinstance(value, dict):
        return {name: shaped(value.get(name), inner) for name, inner in like.items()}
    return value


class Replica:
    """The table as a destination has it that dedups by `id`; a column of which it was never told is null."""

    def __init__(self) -> None:
        self.rows: dict[Any, dict[str, Any]] = {}

    def take(self, result: Result) -> None:
        for record in result.data("t"):
            known = self.rows.get(record["id"])
            if known is None or known["_ab_cdc_cursor"] <= record["_ab_cdc_cursor"]:
                self.rows[record["id"]] = record

    def content(self, like: dict[str, Any]) -> list[dict[str, Any]]:
        alive = (row for row in self.rows.values() if row["_ab_cdc_deleted_at"] is None)
        return sorted((shaped(row, like) for row in alive), key=lambda row: row["id"])


FOLLOWED = [what for what in ALTERED if what != "key renamed"]
ALTERED_IN_ARRAY = {"added in an array": (ALTERED["in an array"][0], ["ADD COLUMN l.element.z integer"])}

#: What is written after the columns were altered, between two syncs.
WRITES: dict[str, Callable[[str], list[str]]] = {
    "nothing": lambda table: [],
    "appends": lambda table: [f"INSERT INTO {table} (id) VALUES 101, 102"],
    "a deletion": lambda table: [f"DELETE FROM {table} WHERE id = 3"],
    "all": lambda table: [
        f"INSERT INTO {table} (id) VALUES 101, 102",
        f"DELETE FROM {table} WHERE id IN (3, 4)",
        f"ALTER TABLE {table} EXECUTE optimize",
        f"DELETE FROM {table} WHERE id = 5",
    ],
}


#: A field within an array that becomes another one of its name and type is seen with the next write.
CASES = [(what, writes) for what in [*FOLLOWED, *ALTERED_IN_ARRAY] for writes in WRITES if (what, writes) != ("in an array", "nothing")]


@pytest.mark.parametrize(("what", "writes"), CASES)
def test_changes_go_over_altered_columns(
    connector: Connector, config: Config, sql: Trino, new_schema: NewSchema, what: str, writes: str
) -> None:
    columns, steps = (ALTERED | ALTERED_IN_ARRAY)[what]
    schema = new_schema("iceberg", "altered_feed")
    table = quoted("iceberg", schema, "t")
    sql(f"CREATE TABLE {table} AS SELECT n AS id, {columns.partition(', ')[2]} FROM UNNEST(sequence(1, 10)) t(n)")
    settings = config("iceberg", schema, **CHANGES)

    def catalog() -> dict[str, Any]:
        return incremental(connector.discover(settings).streams["t"], None, ("id",))

    replica = Replica()
    syncs = Syncs(connector, settings, catalog())
    replica.take(syncs.read())
    alter(sql, table, steps)
    for statement in WRITES[writes](table):
        sql(statement)
    syncs.catalog = catalog()
    for _ in range(2):
        result = syncs.read()
        replica.take(result)
        expected = sorted(rows(sql, table), key=lambda row: row["id"])
        assert replica.content(expected[0]) == expected, result.explain()
    sql(f"DELETE FROM {table} WHERE id = 9")
    result = syncs.read()
    replica.take(result)
    # A write that is the first after fields within arrays were altered brings all rows once more.
    if (what, writes) != ("added in an array", "nothing"):
        assert [row["id"] for row in result.data("t")] == [9], "no new snapshot"


def test_a_key_of_any_shape_works_or_is_said_once(
    connector: Connector, config: Config, sql: Trino, new_schema: NewSchema
) -> None:
    schema = new_schema("iceberg", "keys")
    table = quoted("iceberg", schema, "t")
    sql(
        f"CREATE TABLE {table} AS SELECT n AS id, n % 3 AS part, CAST(ROW(n) AS row(id integer)) AS k,"
        " CAST(ROW(n, 'x') AS row(id integer, x varchar)) AS data, ARRAY[n] AS l"
        " FROM (SELECT CAST(n AS integer) AS n FROM UNNEST(sequence(1, 30)) t(n))"
    )
    settings = config("iceberg", schema, **CHANGES)
    stream = connector.discover(settings).streams["t"]
    keys: list[tuple[list[list[str]], bool]] = [
        ([["id", "part"]], True),
        ([["id"], ["part"]], True),
        ([["id"], ["id"]], True),
        ([["k"]], True),
        ([["k"], ["id"]], True),
        ([["l"]], True),
        ([["data", "id"]], False),
        ([["id", "none"]], False),
    ]
    states = []
    for key, _ in keys:
        catalog = incremental(stream)
        catalog["streams"][0]["primary_key"] = key
        syncs = Syncs(connector, settings, catalog)
        syncs.read()
        states.append(syncs)
    sql(f"DELETE FROM {table} WHERE id = 7")
    sql(f"UPDATE {table} SET data = ROW(8, 'y') WHERE id = 8")
    for (key, works), syncs in zip(keys, states, strict=True):
        result = syncs.read()
        told = [(row["data"], row["_ab_cdc_deleted_at"] is not None) for row in result.data("t")]
        updates = [data for data, is_deleted in told if not is_deleted]
        assert updates == [{"id": 8, "x": "y"}], (key, result.explain())
        assert len(told) - len(updates) == int(works), (key, result.explain())
        warned = [line for line in result.logs("WARN") if "deletions are not reported" in line]
        assert len(warned) == int(not works), (key, result.explain())


@pytest.mark.parametrize("catalog", ["iceberg", "delta"])
def test_rows_without_a_key_are_counted_and_not_told(
    connector: Connector, config: Config, sql: Trino, new_schema: NewSchema, catalog: str
) -> None:
    schema = new_schema(catalog, "null_keys")
    table = quoted(catalog, schema, "t")
    feed = "WITH (change_data_feed_enabled = true)" if catalog == "delta" else ""
    sql(f"CREATE TABLE {table} {feed} AS SELECT * FROM (VALUES (1, 1, 'a'), (NULL, NULL, 'b'), (NULL, NULL, 'c'), (NULL, 4, 'd'), (5, 5, 'e')) t(id, part, v)")
    settings = config(catalog, schema, **CHANGES)
    syncs = Syncs(connector, settings, incremental(connector.discover(settings).streams["t"], None, ("id", "part")))
    assert len(syncs.read().data("t")) == 5
    sql(f"DELETE FROM {table} WHERE id IS NULL")
    result = syncs.read()
    assert [(row["id"], row["part"]) for row in result.data("t")] == [(None, 4)], result.explain()
    assert [line for line in result.logs("WARN") if "2 rows without a key" in line], result.explain()
    assert not syncs.read().data("t")


def test_rows_that_stay_without_a_key_do_not_come_again(
    connector: Connector, config: Config, sql: Trino, new_schema: NewSchema
) -> None:
    schema = new_schema("iceberg", "null_keys_stay")
    table = quoted("iceberg", schema, "t")
    sql(f"CREATE TABLE {table} AS SELECT * FROM (VALUES (1, 'a'), (NULL, 'b'), (NULL, 'c')) t(id, v)")
    settings = config("iceberg", schema, **CHANGES)
    syncs = Syncs(connector, settings, incremental(connector.discover(settings).streams["t"], None, ("id",)))
    syncs.read()
    sql(f"INSERT INTO {table} VALUES (2, 'd')")
    sql(f"ALTER TABLE {table} EXECUTE optimize")
    sql(f"DELETE FROM {table} WHERE v = 'c'")
    result = syncs.read()
    assert [(row["id"], row["v"]) for row in result.data("t")] == [(2, "d")], result.explain()
