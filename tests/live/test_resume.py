"""Reads that are killed and go on from their last STATE: all states together cover every row of the pinned version."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from live_support.connector import Connector, Result
from live_support.messages import configured
from live_support.oracle import Trino, quoted
from live_support.syncs import Syncs, incremental

Config = Callable[..., dict[str, Any]]
#: Makes a table of several files and a stream of it: `lake_stream("delta", "gone", "cursor")`.
LakeStream = Callable[..., tuple[str, Syncs]]

#: Kills per catalog and mode. CI takes as many as its time allows; KILLS=100 is the long run.
KILLS = int(os.environ.get("KILLS", "6"))
FILES, ROWS_OF_A_FILE, WIDTH = 8, 400, 200


def fill(sql: Trino, table: str, width: int = WIDTH) -> None:
    values = f"SELECT {{file}} * {ROWS_OF_A_FILE} + n AS n, rpad('', {width}, 'x') AS x"
    rows = f"{values} FROM UNNEST(sequence(1, {ROWS_OF_A_FILE})) t(n)"
    sql(f"CREATE TABLE {table} AS {rows.format(file=0)}")
    for file in range(1, FILES):
        sql(f"INSERT INTO {table} {rows.format(file=file)}")


def start(connector: Connector, settings: dict[str, Any], mode: str) -> Syncs:
    stream = connector.discover(settings).streams["t"]
    return Syncs(connector, settings, configured([stream]) if mode == "full_refresh" else incremental(stream, "n"))


@pytest.fixture
def lake_stream(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> LakeStream:
    def make(catalog: str, purpose: str, mode: str = "full_refresh", width: int = WIDTH) -> tuple[str, Syncs]:
        schema = new_schema(catalog, purpose)
        table = quoted(catalog, schema, "t")
        fill(sql, table, width)
        settings = config(catalog, schema, slice_rows=ROWS_OF_A_FILE, concurrency=1, fetch_protocol="direct")
        return table, start(connector, settings, mode)

    return make


def half(width: int = WIDTH) -> int:
    """Bytes of half a table's records."""
    return FILES * ROWS_OF_A_FILE * (width + 80) // 2


def read_half(syncs: Syncs, width: int = WIDTH) -> list[dict[str, Any]]:
    """Kills a read half way; what its states cover."""
    _, covered, _ = syncs.read_until(half(width))
    assert covered, "the read was killed before its first state"
    return covered


@pytest.mark.parametrize("mode", ["full_refresh", "cursor"])
@pytest.mark.parametrize("catalog", ["iceberg", "delta", "postgresql", "memory"])
def test_a_read_that_is_killed_goes_on_from_its_last_state(
    connector: Connector,
    config: Config,
    sql: Trino,
    postgres: psycopg.Connection[Any],
    new_schema: Callable[[str, str], str],
    catalog: str,
    mode: str,
) -> None:
    schema = new_schema(catalog, f"kill_{mode}")
    table = quoted(catalog, schema, "t")
    total = FILES * ROWS_OF_A_FILE
    if catalog == "postgresql":
        name = quoted(schema, "t")
        postgres.execute(f"CREATE TABLE {name} (n bigint PRIMARY KEY, x text)")
        postgres.execute(f"INSERT INTO {name} SELECT n, rpad('', 200, 'x') FROM generate_series(1, {total}) n")
        postgres.execute(f"ANALYZE {name}")
    else:
        fill(sql, table)
    settings = config(catalog, schema, slice_rows=ROWS_OF_A_FILE, concurrency=2, fetch_protocol="direct")
    syncs = start(connector, settings, mode)
    chance = random.Random(f"{catalog} {mode}")
    kills = resumed = 0
    while kills < KILLS:
        syncs.state, covered, kills_before = [], Counter[int](), kills
        ended, at_risk = False, 0
        while not ended:
            resumed += bool(syncs.state)
            # Up to half as much again as there is, so that some reads end.
            ended, sure, unsure = syncs.read_until(chance.randrange(1, total * 480))
            covered.update(row["n"] for row in sure)
            kills += not ended
            at_risk = max(at_risk, len(unsure))
        assert not unsure, "records after the last state of a finished read"
        missing = set(range(1, total + 1)) - set(covered)
        assert not missing, f"{len(missing)} rows are in no state, for example {sorted(missing)[:5]}"
        if can_be_cut(catalog, mode):
            # Each kill costs at most the slices that were being read; files do not fit slices exactly.
            twice = covered.total() - total
            assert twice <= (kills - kills_before) * 2 * 2 * ROWS_OF_A_FILE, f"{twice} rows came twice"
            assert at_risk <= 3 * 2 * ROWS_OF_A_FILE
    assert resumed or not can_be_cut(catalog, mode), "no read went on from a state"


def can_be_cut(catalog: str, mode: str) -> bool:
    """Tables of the memory catalog have no parts that stay; a cursor makes some."""
    return catalog != "memory" or mode == "cursor"


@pytest.mark.parametrize("catalog", ["iceberg", "delta"])
def test_a_resumed_read_ends_with_the_rows_of_the_pinned_version(
    lake_stream: LakeStream, sql: Trino, catalog: str
) -> None:
    table, syncs = lake_stream(catalog, "pinned")
    covered = read_half(syncs)
    sql(f"DELETE FROM {table} WHERE n % 2 = 0")
    sql(f"INSERT INTO {table} VALUES (-1, 'new')")
    rest = syncs.read().data("t")
    assert Counter(row["n"] for row in [*covered, *rest]) == Counter(range(1, FILES * ROWS_OF_A_FILE + 1))
    # A finished full refresh never makes the next one empty.
    again = syncs.read().data("t")
    assert len(again) == FILES * ROWS_OF_A_FILE // 2 + 1


@pytest.mark.parametrize("catalog", ["iceberg", "delta"])
def test_a_table_that_was_made_anew_starts_its_stream_anew(lake_stream: LakeStream, sql: Trino, catalog: str) -> None:
    table, syncs = lake_stream(catalog, "gone")
    read_half(syncs)
    sql(f"DROP TABLE {table}")
    fill(sql, table)
    result = syncs.read()
    assert len(result.data("t")) == FILES * ROWS_OF_A_FILE
    assert any("starts anew" in line for line in result.logs("WARN")), result.explain()


def forget(sql: Trino, catalog: str, schema: str) -> None:
    """Changes every file of the table, and deletes what earlier versions are made of."""
    sql(f"DELETE FROM {quoted(catalog, schema, 't')} WHERE n % 2 = 0")
    if catalog == "iceberg":
        expire = "EXECUTE expire_snapshots(retention_threshold => '0s')"
        session = {"iceberg.expire_snapshots_min_retention": "0s"}
        sql(f"ALTER TABLE {quoted(catalog, schema, 't')} {expire}", session=session)
    else:
        # The history still has the earlier versions: only reading them shows that they are gone.
        sql(f"CALL delta.system.vacuum('{schema}', 't', '0s')", session={"delta.vacuum_min_retention": "0s"})


def since_its_new_start(result: Result) -> Counter[int]:
    """The rows after the last state of the version that the read began with."""
    rows, finished = Counter[int](), 0
    unsure: list[int] = []
    for message in result.messages:
        if message["type"] == "RECORD":
            unsure.append(message["record"]["data"]["n"])
        elif message["type"] == "STATE":
            content = message["state"]["stream"]["stream_state"]
            progress = (content.get("sync") or content).get("progress")
            if progress:
                before, finished = finished, len(progress["done"])
                if finished <= before:
                    rows.clear()
            rows.update(unsure)
            unsure.clear()
    return rows


@pytest.mark.parametrize("moment", ["before it is resumed", "while it runs"])
@pytest.mark.parametrize("mode", ["full_refresh", "cursor"])
@pytest.mark.parametrize("catalog", ["iceberg", "delta"])
def test_a_version_whose_files_are_gone_starts_the_stream_anew(
    lake_stream: LakeStream, sql: Trino, catalog: str, mode: str, moment: str
) -> None:
    # So wide that most files are not asked for while nobody reads.
    width = 4000
    table, syncs = lake_stream(catalog, "forgotten", mode, width)
    schema = syncs.config["schema"]
    if moment == "while it runs":
        result = syncs.read_while(half(width) // 2, lambda: forget(sql, catalog, schema))
    else:
        read_half(syncs, width)
        forget(sql, catalog, schema)
        result = syncs.read()
    assert any("starts" in line and "anew" in line for line in result.logs("WARN")), result.explain()
    assert any("is gone" in line for line in result.logs("WARN")), result.explain()
    present = Counter(n for [n] in sql(f"SELECT n FROM {table}"))
    assert len(present) == FILES * ROWS_OF_A_FILE // 2
    assert since_its_new_start(result) == present
    # The state has nothing left of the version that is gone.
    assert len(syncs.read().data("t")) == (len(present) if mode == "full_refresh" else 0)
