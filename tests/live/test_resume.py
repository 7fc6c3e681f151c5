"""Reads that are killed and go on from their last STATE: all states together cover every row of the pinned version."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from live_support.connector import Connector, Result
from live_support.environment import Environment
from live_support.failing import failing
from live_support.messages import configured
from live_support.oracle import Trino, quoted
from live_support.syncs import Syncs, incremental

Config = Callable[..., dict[str, Any]]
#: Makes a table of several files and a stream of it: `lake_stream("delta", "gone", "cursor")`.
LakeStream = Callable[..., tuple[str, Syncs]]

#: Kills per catalog and mode. CI takes as many as its time allows; `make test-long` takes more.
KILLS = int(os.environ.get("KILLS", "3"))
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


@pytest.mark.sampled
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
            resumed += bool(syncs.finished_slices)
            # Up to half as much again as there is, so that some reads end.
            ended, sure, unsure = syncs.read_until(chance.randrange(1, total * 480))
            covered.update(row["n"] for row in sure)
            kills += not ended
            at_risk = max(at_risk, len(unsure))
        assert not unsure, "records after the last state of a finished read"
        missing = set(range(1, total + 1)) - set(covered)
        assert not missing, f"{len(missing)} rows are in no state, for example {sorted(missing)[:5]}"
        if can_be_cut(catalog):
            # Each kill costs at most the slices that were being read; files do not fit slices exactly.
            twice = covered.total() - total
            assert twice <= (kills - kills_before) * 2 * 2 * ROWS_OF_A_FILE, f"{twice} rows came twice"
            assert at_risk <= 3 * 2 * ROWS_OF_A_FILE
    assert resumed or not can_be_cut(catalog), "no read went on after finished slices"


def can_be_cut(catalog: str) -> bool:
    """Tables of the memory catalog have no parts that stay, and Trino itself compares their cursors."""
    return catalog != "memory"


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
        sql.expire_snapshots(quoted(catalog, schema, "t"))
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
                before, finished = finished, sum(last - first + 1 for first, last in progress["done"])
                if finished <= before:
                    rows.clear()
            rows.update(unsure)
            unsure.clear()
    return rows


@pytest.mark.sampled
@pytest.mark.parametrize("mode", ["full_refresh", "cursor"])
@pytest.mark.parametrize("catalog", ["iceberg", "delta"])
def test_a_version_whose_files_are_gone_ends_a_run_that_has_sent_rows_of_it(
    lake_stream: LakeStream, sql: Trino, catalog: str, mode: str
) -> None:
    # So wide that most files are not asked for while nobody reads.
    width = 4000
    table, syncs = lake_stream(catalog, "lost", mode, width)
    schema = syncs.config["schema"]
    result = syncs.read_while(half(width) // 2, lambda: forget(sql, catalog, schema), fails=True)
    assert result.exit_code == 1 and result.statuses("t")[-1] == "INCOMPLETE", result.explain()
    assert result.errors[0]["failure_type"] == "transient_error", result.explain()
    assert "is gone" in result.errors[0]["message"], result.explain()
    rows = Counter(row["n"] for row in result.data("t"))
    assert max(rows.values()) == 1, "rows of two versions"
    # The next attempt has sent nothing yet.
    again = syncs.read()
    present = Counter(n for [n] in sql(f"SELECT n FROM {table}"))
    assert Counter(row["n"] for row in again.data("t")) == present
    assert any("starts anew" in line for line in again.logs("WARN")), again.explain()


@pytest.mark.parametrize("catalog", ["iceberg", "delta"])
def test_slices_of_a_version_that_is_gone_are_not_mixed_with_another_in_one_generation(
    lake_stream: LakeStream, sql: Trino, catalog: str
) -> None:
    width = 4000
    table, syncs = lake_stream(catalog, "generations", "full_refresh", width)
    syncs.catalog["streams"][0] |= {"generation_id": 7, "minimum_generation_id": 7, "sync_id": 1}
    read_half(syncs, width)
    forget(sql, catalog, syncs.config["schema"])
    refused = syncs.connector.read(syncs.config, syncs.catalog, syncs.state)
    assert refused.exit_code == 1 and not refused.of_type("RECORD"), refused.explain()
    assert refused.errors[0]["failure_type"] == "config_error", refused.explain()
    assert "Start the sync again" in refused.errors[0]["message"]
    # The next job begins a new generation.
    syncs.catalog["streams"][0]["generation_id"] = 8
    again = syncs.read().data("t")
    assert Counter(row["n"] for row in again) == Counter(n for [n] in sql(f"SELECT n FROM {table}"))


def test_a_stream_that_an_attempt_has_finished_is_not_sent_again_by_the_next_one(
    lake_stream: LakeStream,
) -> None:
    _, syncs = lake_stream("iceberg", "attempts")
    [stream] = syncs.catalog["streams"]

    def read(job: str | None, generation: int | None, variable: str = "WORKER_JOB_ID") -> int:
        stream.pop("generation_id", None)
        if generation is not None:
            stream["generation_id"] = generation
        environment = {} if job is None else {variable: job}
        result = syncs.connector.read(syncs.config, syncs.catalog, syncs.state, environment=environment)
        assert result.exit_code == 0 and result.statuses("t")[-1] == "COMPLETE", result.explain()
        assert len(result.states) >= 1
        syncs.state = result.states[-1:]
        return len(result.data("t"))

    total = FILES * ROWS_OF_A_FILE
    assert read("42", 7) == total
    assert read("42", 7) == 0
    assert read("42", 7) == 0, "the state stays what it was"
    assert read("42", 8) == total
    assert read("43", 8) == total
    assert read(None, 8) == total
    assert read("44", None) == total
    assert read("44", None) == total
    assert read("45", 8, "JOB_ID") == total
    assert read("45", 8, "JOB_ID") == 0, "some versions of the platform call it so"


@pytest.mark.parametrize("protocol", ["direct", "spooled"])
def test_nothing_of_a_stream_follows_its_last_status(
    connector: Connector,
    config: Config,
    sql: Trino,
    new_schema: Callable[[str, str], str],
    environment: Environment,
    protocol: str,
) -> None:
    """The reader of stdout is late, so that threads hold rows when one of the queries fails."""
    schema = new_schema("iceberg", "last_status")
    table = quoted("iceberg", schema, "t")
    fill(sql, table, 4000)
    with failing(environment.http_port) as relay:
        slices = 0

        def rule(statement: str) -> str | None:
            nonlocal slices
            slices += statement.startswith("SELECT") and "FOR VERSION AS OF" in statement and '"$path"' in statement
            if slices == 4:
                slices += 1
                time.sleep(2)
                return "NOT_SUPPORTED"
            return None

        relay.rule = rule
        settings = config(
            "iceberg", schema, slice_rows=ROWS_OF_A_FILE, concurrency=4, fetch_protocol=protocol, port=relay.port
        )
        stream = connector.discover(config("iceberg", schema)).streams["t"]
        arguments = connector.read_arguments(settings, configured([stream]))
        with connector.start(*arguments) as process:
            assert process.stdout and process.stderr
            time.sleep(6)
            result = Result(1, process.stdout.read(), process.stderr.read().decode(), 0)
    kinds = [
        message["trace"]["stream_status"]["status"] if message["type"] == "TRACE" else message["type"]
        for message in result.messages
        if message["type"] in ("RECORD", "STATE")
        or (message["type"] == "TRACE" and message["trace"]["type"] == "STREAM_STATUS")
    ]
    assert "RECORD" in kinds and kinds[-1] == "INCOMPLETE", result.explain()


def doubles(value: Any) -> Any:
    """A state as a program leaves it that reads all numbers as doubles."""
    return json.loads(json.dumps(value, default=float), parse_int=float)


@pytest.mark.parametrize("catalog", ["iceberg", "delta"])
def test_finished_slices_stay_so_in_a_state_that_went_through_doubles(lake_stream: LakeStream, catalog: str) -> None:
    _, syncs = lake_stream(catalog, "carried")
    covered = read_half(syncs)
    syncs.state = doubles(syncs.state)
    rest = syncs.read().data("t")
    assert Counter(row["n"] for row in [*covered, *rest]) == Counter(range(1, FILES * ROWS_OF_A_FILE + 1))


@pytest.mark.sampled
@pytest.mark.parametrize("mode", ["full_refresh", "cursor"])
@pytest.mark.parametrize("catalog", ["iceberg", "delta"])
def test_a_version_whose_files_are_gone_starts_the_stream_anew(
    lake_stream: LakeStream, sql: Trino, catalog: str, mode: str
) -> None:
    # So wide that most files are not asked for while nobody reads.
    width = 4000
    table, syncs = lake_stream(catalog, "forgotten", mode, width)
    read_half(syncs, width)
    forget(sql, catalog, syncs.config["schema"])
    result = syncs.read()
    assert any("starts" in line and "anew" in line for line in result.logs("WARN")), result.explain()
    assert any("is gone" in line for line in result.logs("WARN")), result.explain()
    present = Counter(n for [n] in sql(f"SELECT n FROM {table}"))
    assert len(present) == FILES * ROWS_OF_A_FILE // 2
    assert since_its_new_start(result) == present
    # The state has nothing left of the version that is gone.
    assert len(syncs.read().data("t")) == (len(present) if mode == "full_refresh" else 0)
