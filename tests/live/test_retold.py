"""Rows and deletions that were told under other columns, at another time, or by a sync that was killed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from live_support.connector import Connector
from live_support.environment import Environment
from live_support.oracle import Trino, quoted
from live_support.syncs import Syncs, incremental

Config = Callable[..., dict[str, Any]]
NewSchema = Callable[[str, str], str]

CHANGES = {"replication_method": {"method": "CHANGES"}}
#: One query after the other, so that a killed read has finished slices.
ONE_ROW_A_SLICE = CHANGES | {"slice_rows": 1, "concurrency": 1, "fetch_protocol": "direct"}
COLUMNS = ("id", "w", "v", "u")


class Replica:
    """A table as a destination keeps it that dedups by `id`, with the latest change by `_ab_cdc_cursor`."""

    def __init__(self) -> None:
        self.rows: dict[Any, dict[str, Any]] = {}

    def take(self, records: list[dict[str, Any]]) -> None:
        for record in records:
            held = self.rows.get(record["id"])
            if held is None or held["_ab_cdc_cursor"] <= record["_ab_cdc_cursor"]:
                self.rows[record["id"]] = record

    @property
    def content(self) -> set[tuple[Any, ...]]:
        there = (row for row in self.rows.values() if row["_ab_cdc_deleted_at"] is None)
        return {tuple(row[name] for name in COLUMNS) for row in there}


class Case:
    """A table of four files, the syncs of its stream, and their replica."""

    def __init__(self, connector: Connector, config: Config, sql: Trino, schema: str, catalog: str) -> None:
        self.connector, self.sql, self.catalog = connector, sql, catalog
        self.table = quoted(catalog, schema, "t")
        properties = {"iceberg": "", "delta": "WITH (change_data_feed_enabled = true, column_mapping_mode = 'name')"}
        sql(f"CREATE TABLE {self.table} {properties[catalog]} AS SELECT BIGINT '0' AS id, BIGINT '5' AS w, 'a0' AS v, 'b0' AS u")
        for n in (1, 2, 3):
            sql(f"INSERT INTO {self.table} VALUES ({n}, {n} + 5, 'a{n}', 'b{n}')")
        self.settings = config(catalog, schema, **ONE_ROW_A_SLICE)
        self.replica = Replica()
        self.syncs = Syncs(connector, self.settings, incremental(self.stream(), None, ("id",)))

    def stream(self) -> dict[str, Any]:
        return self.connector.discover(self.settings).streams["t"]

    def swap(self, one: str, other: str) -> None:
        for before, after in ((one, "z"), (other, one), ("z", other)):
            self.sql(f"ALTER TABLE {self.table} RENAME COLUMN {before} TO {after}")

    def sync(self, **changes: Any) -> None:
        self.syncs.config = self.settings | changes
        self.syncs.catalog = incremental(self.stream(), None, ("id",))
        self.replica.take(self.syncs.read().data("t"))

    def kill(self, rows: int = 1) -> None:
        """Kills a sync when so many of its rows have left without a state after them."""
        self._kill_when(lambda _, unsure: len(unsure) >= rows)

    def kill_after_a_slice(self) -> None:
        self._kill_when(lambda sure, _: bool(sure))

    def _kill_when(self, is_enough: Callable[[list[Any], list[Any]], bool]) -> None:
        sure, unsure = self.syncs.read_until_enough(is_enough)
        self.replica.take(sure + unsure)

    def assert_alike(self) -> None:
        there = {tuple(row) for row in self.sql(f"SELECT {', '.join(COLUMNS)} FROM {self.table}")}
        assert self.replica.content == there


@pytest.fixture
def case(connector: Connector, config: Config, sql: Trino, new_schema: NewSchema, request: Any) -> Case:
    catalog = getattr(request, "param", "iceberg")
    return Case(connector, config, sql, new_schema(catalog, "retold"), catalog)


@pytest.mark.parametrize("columns", [("v", "u"), ("id", "w")])
def test_names_that_were_swapped_and_swapped_back_are_told_again(case: Case, columns: tuple[str, str]) -> None:
    """The version's own names fit again, but the rows were told under others."""
    case.sync()
    case.swap(*columns)
    case.sync()
    case.assert_alike()
    case.swap(*columns)
    case.sync()
    case.assert_alike()


@pytest.mark.parametrize("columns", [("v", "u"), ("id", "w")])
def test_a_snapshot_that_was_begun_under_swapped_names_begins_anew(case: Case, columns: tuple[str, str]) -> None:
    case.swap(*columns)
    case.kill_after_a_slice()
    case.swap(*columns)
    case.sync()
    case.assert_alike()


def test_deletions_are_told_under_the_key_that_was_told_last(case: Case) -> None:
    case.sync()
    case.swap("id", "w")
    case.sync()
    case.sql(f"DELETE FROM {case.table} WHERE id = 8")
    case.swap("v", "u")
    case.sync()
    case.assert_alike()


def test_deletions_that_a_killed_sync_told_of_another_key_are_taken_back(case: Case) -> None:
    case.sync()
    case.swap("id", "w")
    case.kill()
    case.swap("id", "w")
    case.sync()
    case.assert_alike()


@pytest.mark.parametrize("case", ["iceberg", "delta"], indirect=True)
def test_rows_that_a_killed_sync_told_under_another_key_are_deleted(case: Case) -> None:
    case.sync()
    case.sql(f"DELETE FROM {case.table} WHERE id = 0")
    case.sql(f"INSERT INTO {case.table} SELECT n, n + 500, 'n', 'm' FROM UNNEST(sequence(100, 140)) t(n)")
    case.kill(20)
    if case.catalog == "delta":
        case.sql(f"DELETE FROM {case.table} WHERE id BETWEEN 105 AND 110")
        case.sql(f"ALTER TABLE {case.table} SET PROPERTIES change_data_feed_enabled = false")
    case.swap("id", "w")
    if case.catalog == "delta":
        case.sql(f"ALTER TABLE {case.table} SET PROPERTIES change_data_feed_enabled = true")
    for _ in range(3):
        case.sync()
    case.assert_alike()


def test_rows_of_a_killed_first_snapshot_are_deleted_if_the_key_is_another_column(case: Case) -> None:
    case.kill_after_a_slice()
    case.swap("id", "w")
    case.sync()
    case.assert_alike()


@pytest.mark.parametrize("case", ["delta"], indirect=True)
def test_a_killed_sync_of_delta_lake_is_finished_after_a_column_was_added(case: Case) -> None:
    """Its version lacks the column, and its feed is gone (found by the campaign: the stream failed for ever)."""
    case.sync()
    case.sql(f"UPDATE {case.table} SET v = 'new' WHERE id > 0")
    case.sql(f"INSERT INTO {case.table} SELECT n, n + 500, 'n', 'm' FROM UNNEST(sequence(100, 140)) t(n)")
    case.kill()
    schema = case.settings["schema"]
    case.sql(f"ALTER TABLE {case.table} ADD COLUMN x varchar")
    case.sql(f"CALL delta.system.vacuum('{schema}', 't', '0s')", session={"delta.vacuum_min_retention": "0s"})
    case.sync()
    # Not before: VACUUM would delete the files of the version that the killed sync had begun with.
    case.sql(f"DELETE FROM {case.table} WHERE id = 101")
    case.sync()
    case.assert_alike()


@pytest.mark.parametrize("kind", [("id",), ("id", "part")])
def test_a_key_whose_old_values_do_not_fit_its_type_is_a_gap(
    connector: Connector, config: Config, sql: Trino, new_schema: NewSchema, kind: tuple[str, ...]
) -> None:
    schema = new_schema("iceberg", "narrower")
    table = quoted("iceberg", schema, "t")
    rows = "VALUES (BIGINT '1', 7), (3000000001, 8), (3000000002, 9)"
    sql(f"CREATE TABLE {table} AS SELECT * FROM ({rows}) t(id, part)")
    settings = config("iceberg", schema, **CHANGES)
    syncs = Syncs(connector, settings, incremental(connector.discover(settings).streams["t"], None, kind))
    syncs.read()
    sql(f"CREATE OR REPLACE TABLE {table} AS SELECT INTEGER '1' AS id, 7 AS part")
    syncs.catalog = incremental(connector.discover(settings).streams["t"], None, kind)
    result = syncs.read()
    assert any("stay in the destination" in text for text in result.logs("WARN")), result.explain()
    assert not [row for row in result.data("t") if row["id"] is None], "no such row was told"


@pytest.mark.parametrize("case", ["iceberg", "delta"], indirect=True)
def test_with_as_of_a_killed_sync_is_finished_first(case: Case) -> None:
    """Its rows may be in the destination; those that are not in the version that is asked for are deleted."""
    case.sync()
    case.sql(f"INSERT INTO {case.table} SELECT n, n + 500, 'n', 'm' FROM UNNEST(sequence(100, 140)) t(n)")
    case.kill(20)
    case.sql(f"DELETE FROM {case.table} WHERE id >= 100")
    time = case.sql.value("SELECT to_iso8601(current_timestamp AT TIME ZONE 'UTC')")
    case.sync(as_of=time)
    case.assert_alike()
    case.sync()
    case.assert_alike()


@pytest.mark.parametrize("case", ["iceberg", "delta"], indirect=True)
def test_an_earlier_as_of_takes_later_rows_back(case: Case) -> None:
    time = case.sql.value("SELECT to_iso8601(current_timestamp AT TIME ZONE 'UTC')")
    before = {tuple(row) for row in case.sql(f"SELECT {', '.join(COLUMNS)} FROM {case.table}")}
    case.sql(f"INSERT INTO {case.table} VALUES (4, 9, 'a4', 'b4')")
    case.sql(f"DELETE FROM {case.table} WHERE id = 1")
    case.sync()
    case.assert_alike()
    case.sync(as_of=time)
    assert case.replica.content == before
    case.sync()
    case.assert_alike()


def test_changes_as_of_a_time_with_other_columns_fail(case: Case) -> None:
    """As a full refresh does: rows of the present table are no rows of that time."""
    time = case.sql.value("SELECT to_iso8601(current_timestamp AT TIME ZONE 'UTC')")
    case.sql(f"ALTER TABLE {case.table} ADD COLUMN x integer")
    case.sql(f"INSERT INTO {case.table} VALUES (4, 9, 'a4', 'b4', 1)")
    settings = case.settings | {"as_of": time}
    result = case.connector.read(settings, {"streams": [incremental(case.stream(), None, ("id",))["streams"][0]]})
    assert result.exit_code == 1 and not result.data("t"), result.explain()
    assert "as of" in result.errors[0]["message"]


@pytest.mark.parametrize("changed", ["as_of", "columns"])
def test_a_full_refresh_goes_on_only_with_the_same_columns_and_time(case: Case, changed: str) -> None:
    """Otherwise its finished slices would lack a column, or be of another time, without a word."""
    time = case.sql.value("SELECT to_iso8601(current_timestamp AT TIME ZONE 'UTC')")
    case.sql(f"INSERT INTO {case.table} VALUES (4, 9, 'a4', 'b4')")
    stream = case.stream()
    settings = {name: value for name, value in case.settings.items() if name != "replication_method"}

    def catalog(*without: str) -> dict[str, Any]:
        properties = stream["json_schema"]["properties"]
        schema = {"type": "object", "properties": {name: it for name, it in properties.items() if name not in without}}
        entry = {"stream": stream | {"json_schema": schema}, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
        return {"streams": [entry]}

    syncs = Syncs(case.connector, settings, catalog("u") if changed == "columns" else catalog())
    syncs.read_until_enough(lambda sure, _: bool(sure))
    syncs.catalog = catalog()
    syncs.config = settings | ({"as_of": time} if changed == "as_of" else {})
    result = syncs.read()
    assert any("starts anew" in text for text in result.logs("WARN")), result.explain()
    ids = sorted(row["id"] for row in result.data("t"))
    assert ids == ([0, 1, 2, 3] if changed == "as_of" else [0, 1, 2, 3, 4])
    assert all(row["u"] for row in result.data("t"))


@pytest.mark.parametrize("catalog", ["iceberg", "postgresql", "memory"])
def test_infinity_is_never_the_end_of_a_sync(
    connector: Connector, config: Config, sql: Trino, new_schema: NewSchema, catalog: str, environment: Environment
) -> None:
    schema = new_schema(catalog, "infinite")
    table = quoted(catalog, schema, "t")
    sql(f"CREATE TABLE {table} AS SELECT * FROM (VALUES (1, 1e0), (2, 2e0), (3, infinity()), (4, -infinity())) t(id, c)")
    settings = config(catalog, schema)
    syncs = Syncs(connector, settings, incremental(connector.discover(settings).streams["t"], "c", ("id",)))
    result = syncs.read()
    assert sorted(row["id"] for row in result.data("t")) == [1, 2, 3, 4]
    assert any("infinite" in text for text in result.logs("WARN")), result.explain()
    sql(f"INSERT INTO {table} VALUES (5, 3e0), (6, 100e0)")
    assert sorted(row["id"] for row in syncs.read().data("t")) == [5, 6]
    sql(f"INSERT INTO {table} VALUES (7, infinity())")
    assert 7 in [row["id"] for row in syncs.read().data("t")]
    assert not syncs.read().data("t")
