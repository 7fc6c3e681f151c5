"""The speed mode: what a strict destination takes from the sockets is what stdout has otherwise.

Every test reads the same twice: over stdout as JSON lines, and over sockets. The rows of both, with all digits and with
what they say of their values, must be equal, and the destination must be able to commit all states.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from socket import AF_UNIX, socket
from typing import Any

import pytest
from live_support.connector import Connector, Result
from live_support.history import remembered
from live_support.messages import configured, parse
from live_support.oracle import Trino, quoted
from live_support.strict_destination import Delivery, Row, Stream, StrictDestination, canonical, dump
from live_support.syncs import incremental
from live_support.type_cases import FAMILIES
from test_names import NAMES
from test_types import column, view_of

Config = Callable[..., dict[str, Any]]
NewSchema = Callable[[str, str], str]

FORMATS = ("JSONL", "PROTOBUF")
CHANGES = {"replication_method": {"method": "CHANGES"}}

#: How many sockets there are, and how many of them the destination takes.
TAKEN = [(1, 1), (2, 2), (4, 4), (4, 3), (3, 1)]


@pytest.fixture
def destination(connector: Connector) -> StrictDestination:
    return StrictDestination(connector)


def stdout_rows(result: Result, name: str, delivered: Stream) -> Counter[Row]:
    """The rows of stdout, in the form of those of the sockets."""
    records = [record for record in result.exact_records if record["stream"] == name]
    return Counter(canonical(record, delivered) for record in records)


def assert_same(result: Result, delivery: Delivery) -> None:
    """Both have the same rows of all streams, and at least one."""
    assert result.exit_code == 0, result.explain()
    delivery.assert_sync()
    for (_, name), stream in delivery.streams.items():
        expected, got = stdout_rows(result, name, stream), stream.rows()
        differences = list((expected - got).elements())[:2], list((got - expected).elements())[:2]
        assert differences == ([], []), f"{name}: missing, and too many"


def read_both(
    destination: StrictDestination,
    settings: dict[str, Any],
    catalog: dict[str, Any],
    form: str,
    sockets: int,
    state: Any = None,
    **options: Any,
) -> tuple[Result, Delivery]:
    """The same over stdout and over sockets."""
    result = destination.connector.read(settings, catalog, state)
    delivery = destination.sync(settings, catalog, form, sockets, state, **options)
    assert_same(result, delivery)
    return result, delivery


@pytest.fixture(scope="module")
def tables(connector: Connector, config: Config, protocol: str) -> tuple[dict[str, Any], dict[str, Any], Result]:
    """All tables over stdout: the configuration, the catalog and the result."""
    settings = config("tpch", "tiny", fetch_protocol=protocol)
    catalog = configured(connector.discover(settings).streams.values())
    return settings, catalog, connector.read(settings, catalog)


@pytest.mark.sampled
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("sockets", [1, 2, 4])
def test_all_tables_arrive(
    destination: StrictDestination, tables: tuple[dict[str, Any], dict[str, Any], Result], form: str, sockets: int
) -> None:
    settings, catalog, result = tables
    delivery = destination.sync(settings, catalog, form, sockets)
    assert_same(result, delivery)
    assert sum(delivery["lineitem"].rows().values()) == 60_175
    if sockets > 1:
        assert all(len(content) > 10_000 for content in delivery.sockets), "a socket is not used"


def test_protobuf_has_about_half_of_the_bytes(destination: StrictDestination, config: Config) -> None:
    settings = config("tpch", "tiny")
    streams = destination.connector.discover(settings).streams
    catalog = configured([streams["lineitem"]])
    sizes = {form: len(destination.sync(settings, catalog, form, 1).sockets[0]) for form in FORMATS}
    assert sizes["PROTOBUF"] < 0.55 * sizes["JSONL"], sizes


@pytest.mark.sampled
@pytest.mark.parametrize("form", FORMATS)
def test_every_type_arrives(
    destination: StrictDestination, config: Config, sql: Trino, new_schema: NewSchema, protocol: str, form: str
) -> None:
    schema = new_schema("memory", "speed_types")
    for family, cases in FAMILIES.items():
        view = view_of([case.sql for case in cases])
        sql(f"CREATE VIEW {quoted('memory', schema, f'{family}_view')} AS {view}")
        sql(f"CREATE TABLE {quoted('memory', schema, f'{family}_table')} AS {view}")
    settings = config("memory", schema, fetch_protocol=protocol)
    catalog = configured(destination.connector.discover(settings).streams.values())
    _, delivery = read_both(destination, settings, catalog, form, 2)
    for family, cases in FAMILIES.items():
        # What cannot be shown is told over sockets as well.
        [*rows] = delivery[f"{family}_view"].rows().elements()
        told = {field for _, changes in rows for field, _, _ in changes}
        assert told == {column(index) for index, case in enumerate(cases) if case.change}


@pytest.mark.parametrize("form", FORMATS)
def test_odd_names_arrive_in_the_order_of_java(
    destination: StrictDestination, config: Config, sql: Trino, new_schema: NewSchema, form: str
) -> None:
    schema = new_schema("memory", "speed_names")
    # A private character is behind an astral one in bytes and before it in Java.
    names = [*NAMES, "\ue000", "\U0001f600\ue000", "\U00010000", "\uffee"]
    columns = ", ".join(f"'{index}' AS {quoted(name)}" for index, name in enumerate(names))
    for name in ("plain", "\ue000 table", "\U0001f600 table"):
        sql(f"CREATE TABLE {quoted('memory', schema, name)} AS SELECT {columns}")
    settings = config("memory", schema)
    catalog = configured(destination.connector.discover(settings).streams.values())
    _, delivery = read_both(destination, settings, catalog, form, 2)
    [(values, _)] = delivery["plain"].rows()
    assert dict(values) == {name.lower(): ("string", str(index)) for index, name in enumerate(names)}


@pytest.mark.parametrize("form", FORMATS)
def test_a_property_without_a_column_is_null_and_empty_tables_have_a_state(
    destination: StrictDestination, config: Config, sql: Trino, new_schema: NewSchema, form: str
) -> None:
    schema = new_schema("memory", "speed_gone")
    sql(f"CREATE TABLE {quoted('memory', schema, 't')} AS SELECT 1 AS b, 'x' AS d")
    sql(f"CREATE TABLE {quoted('memory', schema, 'empty')} (b bigint, d varchar)")
    settings = config("memory", schema)
    streams = destination.connector.discover(settings).streams
    for stream in streams.values():
        properties = stream["json_schema"]["properties"]
        for name in ("a", "c", "e", "_ab_cdc_updated_at"):
            properties[name] = {"type": ["null", "string"]}
    _, delivery = read_both(destination, settings, configured(streams.values()), form, 2)
    [(values, _)] = delivery["t"].rows()
    assert dict(values) == {
        "_ab_cdc_updated_at": None, "a": None, "b": ("integer", "1"), "c": None, "d": ("string", "x"), "e": None,
    }  # fmt: skip
    [state] = delivery["empty"].states.values()
    assert (state["id"], state["sourceStats"]["recordCount"]) == (1, 0)


@pytest.fixture(scope="module")
def lake(sql: Trino, new_schema: NewSchema) -> str:
    """An Iceberg table of several files, so that it has slices."""
    schema = new_schema("iceberg", "speed_lake")
    table = quoted("iceberg", schema, "t")
    row = "SELECT {file} * 10000 + n AS n, rpad(CAST(n AS varchar), 300, '.') AS x FROM UNNEST(sequence(1, 2000)) t(n)"
    sql(f"CREATE TABLE {table} AS {row.format(file=0)}")
    for file in range(1, 8):
        sql(f"INSERT INTO {table} {row.format(file=file)}")
    return schema


@pytest.mark.sampled
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("sockets", "take"), TAKEN)
def test_each_slice_is_a_partition(
    destination: StrictDestination, config: Config, lake: str, protocol: str, form: str, sockets: int, take: int
) -> None:
    settings = config("iceberg", lake, slice_rows=2000, fetch_protocol=protocol)
    catalog = configured(destination.connector.discover(settings).streams.values())
    _, delivery = read_both(destination, settings, catalog, form, sockets, take=take)
    assert len(delivery["t"].states) == 8
    assert sum(delivery["t"].rows().values()) == 16_000


@pytest.mark.parametrize("form", FORMATS)
def test_a_killed_sync_goes_on_from_what_the_destination_committed(
    destination: StrictDestination, config: Config, lake: str, form: str
) -> None:
    settings = config("iceberg", lake, slice_rows=1000)
    catalog = configured(destination.connector.discover(settings).streams.values())
    whole = destination.sync(settings, catalog, form, 2)
    whole.assert_sync()
    size = sum(map(len, whole.sockets))
    killed = destination.sync(settings, catalog, form, 2, kill=lambda came: came > size // 2)
    assert killed.result.exit_code == -9
    killed.assert_states_are_on_stdout()
    first = killed["t"].committed_rows()
    assert 0 < first.total() < 16_000
    rest = destination.sync(settings, catalog, form, 2, killed.next_state())
    rest.assert_sync()
    assert first + rest["t"].rows() == whole["t"].rows()


@pytest.mark.sampled
@pytest.mark.parametrize("catalog_name", ["iceberg", "postgresql"])
@pytest.mark.parametrize("form", FORMATS)
def test_syncs_by_cursor_see_the_same_rows(
    destination: StrictDestination, config: Config, sql: Trino, new_schema: NewSchema, form: str, catalog_name: str
) -> None:
    schema = new_schema(catalog_name, "speed_cursor")
    table = quoted(catalog_name, schema, "t")
    sql(f"CREATE TABLE {table} (c bigint, v varchar)")
    settings = config(catalog_name, schema)
    catalog = incremental(destination.connector.discover(settings).streams["t"], "c")
    state: list[dict[str, Any]] = []
    sizes = []
    for values in ("(1, 'a'), (2, 'b'), (2, 'c'), (NULL, 'n')", "(2, 'late'), (3, 'd')", None, "(3, 'late'), (0, 'old')"):
        if values:
            sql(f"INSERT INTO {table} VALUES {values}")
        # Both from the state of the last sync over sockets: rows that were sent are recognised by both.
        result, delivery = read_both(destination, settings, catalog, form, 2, state)
        assert dump([result.states[-1]["stream"]]) == dump(delivery.last_states()), "the states differ"
        sizes.append(delivery["t"].rows().total())
        state = delivery.next_state()
    assert sizes == [4, 2, 0, 1]


@pytest.mark.sampled
@pytest.mark.parametrize("catalog_name", ["iceberg", "delta"])
@pytest.mark.parametrize("form", FORMATS)
def test_changes_are_the_same(
    destination: StrictDestination, config: Config, sql: Trino, new_schema: NewSchema, form: str, catalog_name: str
) -> None:
    schema = new_schema(catalog_name, "speed_changes")
    table = quoted(catalog_name, schema, "t")
    feed = "WITH (change_data_feed_enabled = true)" if catalog_name == "delta" else ""
    rows = "SELECT 'v' || CAST(n AS varchar) AS v, n AS id FROM UNNEST(sequence(1, 50)) t(n)"
    sql(f"CREATE TABLE {table} {feed} AS {rows}")
    settings = config(catalog_name, schema, **CHANGES)
    catalog = incremental(destination.connector.discover(settings).streams["t"], None, ("id",))
    state: list[dict[str, Any]] = []
    sizes = []
    for change in (None, f"UPDATE {table} SET v = 'new' WHERE id <= 5", f"DELETE FROM {table} WHERE id > 48", None):
        if change:
            sql(change)
        _, delivery = read_both(destination, settings, catalog, form, 2, state)
        sizes.append(delivery["t"].rows().total())
        state = delivery.next_state()
    assert sizes == [50, 5, 2, 0]


@pytest.mark.parametrize("catalog_name", ["iceberg", "delta"])
def test_changes_come_in_the_order_of_protobuf(
    destination: StrictDestination, config: Config, sql: Trino, new_schema: NewSchema, catalog_name: str
) -> None:
    """Only rows with their columns in this order take the quick path of the encoder."""
    schema = new_schema(catalog_name, "speed_order")
    table = quoted(catalog_name, schema, "t")
    feed = "WITH (change_data_feed_enabled = true)" if catalog_name == "delta" else ""
    sql(f"CREATE TABLE {table} {feed} AS SELECT * FROM (VALUES ('v', 1, 'a'), ('w', 2, 'b')) AS t (v, id, a)")
    settings = config(catalog_name, schema, source=f"order-{schema}", **CHANGES)
    catalog = incremental(destination.connector.discover(settings).streams["t"], None, ("id",))
    state: list[dict[str, Any]] = []
    with remembered(sql, settings["source"]) as queries:
        for change in (None, f"INSERT INTO {table} VALUES ('x', 3, 'c')", f"DELETE FROM {table} WHERE id = 1"):
            if change:
                sql(change)
            delivery = destination.sync(settings, catalog, "PROTOBUF", 1, state)
            delivery.assert_sync()
            state = delivery.next_state()
    ordered = 'SELECT "_ab_cdc_cursor", "_ab_cdc_deleted_at", "_ab_cdc_updated_at", "a", "id", "v" FROM ('
    assert sum(query.startswith(ordered) for query in queries.values()) == 3, queries


def test_a_column_of_another_type_than_its_schema_is_told(
    destination: StrictDestination, config: Config, sql: Trino, new_schema: NewSchema
) -> None:
    schema = new_schema("memory", "speed_retyped")
    sql(f"CREATE TABLE {quoted('memory', schema, 't')} AS SELECT 'x' AS c")
    settings = config("memory", schema)
    streams = destination.connector.discover(settings).streams
    streams["t"]["json_schema"]["properties"]["c"] = {"type": ["null", "number"]}
    delivery = destination.sync(settings, configured(streams.values()), "PROTOBUF", 1)
    [error] = delivery.result.errors
    assert error["failure_type"] == "config_error" and "Refresh the source's schema" in error["message"], error
    assert delivery.result.statuses("t")[-1] == "INCOMPLETE"
    assert "COMPLETE" not in delivery["t"].statuses


def test_what_too_large_a_record_loses_is_the_same(
    destination: StrictDestination, connector: Connector, config: Config, new_schema: NewSchema
) -> None:
    """Protobuf has the columns of a query in another order, and the values are of one size."""
    columns = ", ".join(f"rpad('', 5000000, '{name}') AS {name}" for name in "zyxwv")
    settings = config("memory", new_schema("memory", "speed_large"), queries=[{"name": "q", "sql": f"SELECT {columns}"}])
    catalog = configured(destination.connector.discover(settings).streams.values())
    for form in FORMATS:
        # Not by `read_both`: the changes of the two are in the orders of their columns.
        delivery = destination.sync(settings, catalog, form, 1)
        delivery.assert_sync()
        [(values, changes)] = delivery["q"].rows()
        assert {name for name, value in values if value is None} == {field for field, _, _ in changes} == {"v", "w"}
    [row] = connector.read(settings, catalog).data("q")
    assert {name for name, value in row.items() if value is None} == {"v", "w"}


def test_nothing_is_over_a_socket_that_stdout_does_not_have_yet(
    connector: Connector, config: Config, tmp_path: Path
) -> None:
    """Stdout is a pipe that is full, and nobody reads it."""
    settings = config("tpch", "tiny")
    catalog = configured([connector.discover(settings).streams["nation"]])
    reader, writer = os.pipe()
    # Nothing else fits after these.
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 1 << 20)
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"\n" * 4096)
    os.set_blocking(writer, True)
    path = tmp_path / "socket"
    variables = {"DATA_CHANNEL_MEDIUM": "SOCKET", "DATA_CHANNEL_FORMAT": "JSONL", "DATA_CHANNEL_SOCKET_PATHS": str(path)}
    arguments = [connector.binary, *connector.read_arguments(settings, catalog)]
    with ThreadPoolExecutor(1) as pool, subprocess.Popen(arguments, stdout=writer, env=os.environ | variables) as process:
        os.close(writer)
        while not path.exists():
            time.sleep(0.02)
        with socket(AF_UNIX) as client:
            client.connect(str(path))
            client.settimeout(5)
            with pytest.raises(TimeoutError):
                client.recv(1)
            client.settimeout(60)
            stdout = pool.submit(lambda: open(reader, "rb").read())
            with client.makefile("rb") as received:
                over_socket = received.read()
    assert process.returncode == 0
    assert kinds(over_socket) == {"TRACE": 3, "RECORD": 25, "STATE": 1}
    assert kinds(stdout.result().lstrip()) >= Counter({"TRACE": 3, "STATE": 1})


def kinds(lines: bytes) -> Counter[str]:
    return Counter(parse(line)["type"] for line in lines.splitlines())
