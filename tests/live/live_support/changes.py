"""Change feeds as several tests read them: a small table, its syncs, and the rows that a destination keeps of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .connector import Connector, Result
from .oracle import Trino
from .syncs import Syncs, incremental

FEED = {"iceberg": "", "delta": "WITH (change_data_feed_enabled = true)"}
CHANGES = {"replication_method": {"method": "CHANGES"}}
#: One query after the other, so that a killed read has finished slices.
ONE_ROW_A_SLICE = CHANGES | {"slice_rows": 1, "concurrency": 1, "fetch_protocol": "direct"}

Rows = list[dict[str, Any]]


class Mirror:
    """A table as a destination keeps it that dedups by key, with the latest change by `_ab_cdc_cursor`."""

    def __init__(self) -> None:
        self.rows: dict[Any, dict[str, Any]] = {}

    def take(self, result: Result) -> int:
        return self.add(result.data("t"))

    def add(self, records: Rows) -> int:
        for record in records:
            known = self.rows.get(record["id"])
            if known is None or known["_ab_cdc_cursor"] <= record["_ab_cdc_cursor"]:
                self.rows[record["id"]] = record
        return len(records)

    @property
    def content(self) -> set[tuple[Any, ...]]:
        return {(row["id"], row["v"]) for row in self.rows.values() if row["_ab_cdc_deleted_at"] is None}


def content(sql: Trino, table: str) -> set[tuple[Any, ...]]:
    """What the table has, as `Mirror.content` shows it."""
    return {tuple(row) for row in sql(f"SELECT id, v FROM {table}")}


def start(connector: Connector, settings: dict[str, Any], key: tuple[str, ...] = ("id",)) -> Syncs:
    """Syncs of the stream `t`, which `discover` offers with its changes."""
    stream = connector.discover(settings).streams["t"]
    assert stream["source_defined_cursor"] is True
    assert stream["default_cursor_field"] == ["_ab_cdc_cursor"]
    assert set(stream["supported_sync_modes"]) == {"full_refresh", "incremental"}
    return Syncs(connector, settings, incremental(stream, None, key))


def make(sql: Trino, table: str, catalog: str) -> None:
    """A table of a hundred rows, with a feed where the catalog wants it said."""
    sql(f"CREATE TABLE {table} {FEED[catalog]} AS SELECT n AS id, 'v' || CAST(n AS varchar) AS v FROM UNNEST(sequence(1, 100)) t(n)")


def killed_with_rows(syncs: Syncs) -> Rows:
    """Kills a sync when some of its rows have left without a state after them; gives all rows that left."""
    return _killed(syncs, lambda _, unsure: bool(unsure))


def killed_after_a_slice(syncs: Syncs) -> Rows:
    """Kills a sync when a slice is finished; gives all rows that left."""
    return _killed(syncs, lambda sure, _: bool(sure))


def _killed(syncs: Syncs, is_enough: Callable[[Rows, Rows], bool]) -> Rows:
    sure, unsure = syncs.read_until_enough(is_enough)
    return sure + unsure
