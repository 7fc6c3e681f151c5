"""Tables that are cut into slices: no row twice and none missing, whatever is written meanwhile.

`slice_rows` makes slices of tables that are small enough for a test. SQL says which rows there are.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from live_support.connector import Connector, Result
from live_support.environment import EVERY_CASE, Environment
from live_support.messages import configured, handwritten
from live_support.oracle import Trino, quoted, unique
from live_support.syncs import Syncs, incremental

Config = Callable[..., dict[str, Any]]

FILES = 6
ROWS_OF_A_FILE = 1000
#: Values of a partition column; their files have odd paths.
PARTS = ("it''s", "a/b", "x 100%", "?&=#")

#: SQL of `FILES` statements, each of which makes files with `ROWS_OF_A_FILE` rows: n, p and a text that is long.
ROWS = (
    "SELECT {file} * 10000 + n AS n, CASE n % 5 {parts} END AS p, CAST(rpad(CAST(n AS varchar), {width}, '.') AS varchar)"
    " AS x FROM UNNEST(sequence(1, {rows})) t(n)"
)


def fill(sql: Trino, table: str, width: int, properties: str = "") -> None:
    """A table of several files, by several inserts."""
    cases = " ".join(f"WHEN {index} THEN '{part}'" for index, part in enumerate(PARTS))
    queries = [
        ROWS.format(file=file, parts=cases, width=width, rows=ROWS_OF_A_FILE) for file in range(-1, FILES - 1)
    ]
    sql(f"CREATE TABLE {table} {properties} AS {queries[0]}")
    for query in queries[1:]:
        sql(f"INSERT INTO {table} {query}")


def rows(sql: Trino, table: str) -> Counter[tuple[Any, ...]]:
    """What SQL says is in the table."""
    return Counter(tuple(row) for row in sql(f"SELECT n, p, length(x) FROM {table}"))


def read_rows(result: Result, stream: str) -> Counter[tuple[Any, ...]]:
    """What was read of the table; all is well otherwise."""
    assert (result.exit_code, result.statuses(stream)) == (0, ["STARTED", "RUNNING", "COMPLETE"]), result.explain()
    got = Counter((row["n"], row["p"], len(row["x"])) for row in result.data(stream))
    assert sum(state["sourceStats"]["recordCount"] for state in result.states) == got.total()
    assert "finished_at_ms" in result.states[-1]["stream"]["stream_state"]
    return got


def assert_same(got: Counter[Any], expected: Counter[Any]) -> None:
    """With a short message: which are too many and which are missing."""
    assert (list((got - expected).elements())[:5], list((expected - got).elements())[:5]) == ([], [])


def chosen(lines: list[str]) -> str:
    """How the only stream was read, by the LOG."""
    [line] = [line for line in lines if ": reading " in line]
    return re.split(" columns? with ", line, maxsplit=1)[1]


def slices(lines: list[str], by: str) -> int:
    """The number of slices; 1 when there are none."""
    found = re.match(rf"(\d+) slices by {by}", chosen(lines))
    return int(found[1]) if found else 1


def read(connector: Connector, settings: dict[str, Any], stream: str) -> Result:
    streams = connector.discover(settings).streams
    return connector.read(settings, configured([streams[stream]]))


#: Catalog → ways to make a table there.
LAKES = [
    ("iceberg", ""),
    ("iceberg", "WITH (partitioning = ARRAY['p'])"),
    ("iceberg", "WITH (format = 'ORC', partitioning = ARRAY['bucket(n, 3)'])"),
    ("delta", ""),
    ("delta", "WITH (partitioned_by = ARRAY['p'])"),
    ("delta", "WITH (deletion_vectors_enabled = true)"),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("catalog", "properties"), LAKES)
def test_files_are_read_in_slices(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], catalog: str, properties: str
) -> None:
    schema = new_schema(catalog, "slices")
    table = quoted(catalog, schema, "t")
    fill(sql, table, 20, properties)
    # Delta Lake's files are only listed for two slices and more.
    half = 5999 if catalog == "iceberg" else 3000
    bounds = [(1500, 3, 6), (1, 6, 100), (half, 2, 2), (6000, 1, 1)]
    # How a table is laid out hardly says into how many slices it is cut.
    for slice_rows, fewest, most in bounds if EVERY_CASE or not properties else bounds[:1]:
        result = read(connector, config(catalog, schema, slice_rows=slice_rows), "t")
        assert_same(read_rows(result, "t"), rows(sql, table))
        assert fewest <= slices(result.logs("INFO"), "files") <= most, chosen(result.logs("INFO"))

    # Rows that are marked as deleted, rows that were written again, and a file of which nothing is left.
    sql(f"DELETE FROM {table} WHERE n % 7 = 0")
    sql(f"UPDATE {table} SET x = 'changed' WHERE n % 11 = 0")
    sql(f"DELETE FROM {table} WHERE n BETWEEN 10000 AND 19999")
    for protocol in ("direct", "spooled"):
        settings = config(catalog, schema, slice_rows=1000, fetch_protocol=protocol)
        result = read(connector, settings, "t")
        assert_same(read_rows(result, "t"), rows(sql, table))
        assert slices(result.logs("INFO"), "files") > 1, chosen(result.logs("INFO"))


@pytest.mark.parametrize("catalog", ["iceberg", "delta"])
def test_what_is_written_meanwhile_is_not_read(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], catalog: str
) -> None:
    schema = new_schema(catalog, "meanwhile")
    table = quoted(catalog, schema, "t")
    fill(sql, table, 4000)
    expected = rows(sql, table)
    # One query at a time, and nobody reads: most slices begin after the table has changed.
    settings = config(catalog, schema, slice_rows=1000, concurrency=1, fetch_protocol="direct")
    streams = connector.discover(settings).streams
    with connector.start(*connector.read_arguments(settings, configured([streams["t"]]))) as process:
        assert process.stdout
        first = []
        while not first or not first[-1].startswith(b'{"type":"RECORD"'):
            first.append(process.stdout.readline())
        sql(f"DELETE FROM {table} WHERE n % 2 = 0")
        sql(f"INSERT INTO {table} SELECT n + 5000, p, x FROM {table}")
        sql(f"UPDATE {table} SET x = 'changed' WHERE n % 3 = 0")
        # Not `communicate`, which passes over what `readline` has buffered.
        assert process.stderr
        rest, errors = process.stdout.read(), process.stderr.read()
        process.wait(timeout=120)
    result = Result(process.returncode, b"".join(first) + rest, errors.decode(), 0)
    assert_same(read_rows(result, "t"), expected)
    assert slices(result.logs("INFO"), "files") >= FILES - 1
    assert rows(sql, table) != expected


def most_at_once(sql: Trino, source: str) -> int:
    """The most queries of a source that Trino had at the same time, by what it remembers of them."""
    spans = sql(
        f"SELECT to_unixtime(created), to_unixtime(\"end\") FROM system.runtime.queries WHERE source = '{source}'"
    )
    ends = [(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans]
    now = most = 0
    for _, step in sorted(ends):
        now += step
        most = max(most, now)
    return most


@pytest.mark.parametrize(("concurrency", "protocol"), [(1, "direct"), (3, "direct"), (3, "spooled")])
def test_slices_are_bounded_by_concurrency(
    connector: Connector,
    config: Config,
    sql: Trino,
    new_schema: Callable[[str, str], str],
    concurrency: int,
    protocol: str,
) -> None:
    schema, source = new_schema("iceberg", "bound"), unique("bound")
    fill(sql, quoted("iceberg", schema, "t"), 4000)
    settings = config("iceberg", schema, slice_rows=1000, source=source, fetch_protocol=protocol)
    result = read(connector, settings | {"concurrency": concurrency}, "t")
    assert_same(read_rows(result, "t"), rows(sql, quoted("iceberg", schema, "t")))
    assert slices(result.logs("INFO"), "files") >= FILES - 1
    most = most_at_once(sql, source)
    assert 0 < most <= concurrency, f"{most} at once"
    assert most > 1 or concurrency == 1, "nothing was done side by side"


#: Name of a key's kind → its type in PostgreSQL, and the keys.
KEYS: dict[str, tuple[str, list[int]]] = {
    "dense": ("integer", list(range(1, 3001))),
    "below zero": ("bigint", list(range(-2000, 1001))),
    "gaps": ("integer", [*range(-1000, 0, 3), *range(100_000, 101_000), *range(2_000_000_000, 2_000_001_500)]),
    "one is a giant": ("bigint", [*range(3000), 10**15]),
    "ends of the range": ("bigint", [-(2**63), -(2**63) + 1, *range(3000), 2**63 - 2, 2**63 - 1]),
    "small": ("smallint", list(range(-1500, 1500))),
}


def make(postgres: psycopg.Connection[Any], schema: str, table: str, columns: str, keys: list[int]) -> None:
    """A table with keys in its column `k`, with statistics."""
    name = quoted(schema, table)
    postgres.execute(f"CREATE TABLE {name} ({columns}, x text)")
    # In no order of the keys.
    rows_of_keys = "SELECT k, 'row ' || k FROM unnest(%s::bigint[]) k ORDER BY md5(k::text)"
    postgres.execute(f"INSERT INTO {name} (k, x) {rows_of_keys}", [keys])
    postgres.execute(f"ANALYZE {name}")


def test_a_resource_group_that_is_smaller_than_the_concurrency_holds_no_slice_for_ever(
    connector: Connector, config: Config, sql: Trino, environment: Environment, new_schema: Callable[[str, str], str]
) -> None:
    """One query of the group runs and one waits; a slice that runs must not wait for one that is queued."""
    schema = new_schema("iceberg", "small_group")
    tables = ["one", "two"]
    for table in tables:
        fill(sql, quoted("iceberg", schema, table), 2000)
    settings = config(
        "iceberg",
        schema,
        client_tags=[environment.trino["queue_tag"]],
        concurrency=6,
        slice_rows=ROWS_OF_A_FILE,
        fetch_protocol="direct",
    )
    found = connector.discover(settings).streams
    result = connector.read(settings, configured([found[table] for table in tables]), timeout=240)
    for table in tables:
        assert result.statuses(table) == ["STARTED", "RUNNING", "COMPLETE"], result.explain()
        got = Counter((row["n"], row["p"], len(row["x"])) for row in result.data(table))
        assert_same(got, rows(sql, quoted("iceberg", schema, table)))



@pytest.fixture(scope="module")
def keyed_schema(postgres: psycopg.Connection[Any], new_schema: Callable[[str, str], str]) -> str:
    return new_schema("postgresql", "keys")


@pytest.mark.parametrize("kind", KEYS)
def test_ranges_of_a_key_are_read_in_slices(
    connector: Connector, config: Config, postgres: psycopg.Connection[Any], keyed_schema: str, kind: str
) -> None:
    type_, keys = KEYS[kind]
    make(postgres, keyed_schema, kind, f"k {type_} PRIMARY KEY", keys)
    for slice_rows in (400, 60):
        result = read(connector, config("postgresql", keyed_schema, slice_rows=slice_rows), kind)
        assert result.exit_code == 0, result.explain()
        got = Counter((row["k"], row["x"]) for row in result.data(kind))
        assert_same(got, Counter((key, f"row {key}") for key in keys))
        assert slices(result.logs("INFO"), "k") > 5, chosen(result.logs("INFO"))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("numeric(20, 0)", "n"),
        ("date", "date '2000-01-01' + n"),
        ("timestamp", "timestamp '2000-01-01 00:00:00.000001' + n * interval '1 hour'"),
        ("uuid", "md5(n::text)::uuid"),
    ],
)
def test_keys_of_numbers_times_and_uuids_are_cut(
    connector: Connector, config: Config, postgres: psycopg.Connection[Any], keyed_schema: str, kind: str, value: str
) -> None:
    name = f"cut_{kind[:4]}"
    postgres.execute(f"CREATE TABLE {keyed_schema}.{name} (k {kind} PRIMARY KEY, x text)")
    postgres.execute(f"INSERT INTO {keyed_schema}.{name} SELECT {value}, 'row ' || n FROM generate_series(0, 2999) n")
    postgres.execute(f"ANALYZE {keyed_schema}.{name}")
    result = read(connector, config("postgresql", keyed_schema, slice_rows=300), name)
    assert_same(Counter(row["x"] for row in result.data(name)), Counter(f"row {key}" for key in range(3000)))
    assert slices(result.logs("INFO"), "k") > 5, chosen(result.logs("INFO"))


@pytest.mark.parametrize("catalog", ["postgresql", "iceberg"])
def test_a_cursor_of_uuids_is_cut(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], catalog: str
) -> None:
    """Their first bit is no sign: half of them have it, in files or rows of their own."""
    schema = new_schema(catalog, "uuids")
    table = quoted(catalog, schema, "t")
    sql(f"CREATE TABLE {table} (u uuid, n bigint)")
    sql(f"INSERT INTO {table} VALUES (UUID '00000000-0000-0000-0000-000000000001', -1)")
    settings = config(catalog, schema, slice_rows=100)
    syncs = Syncs(connector, settings, incremental(connector.discover(settings).streams["t"], "u"))
    syncs.read()
    digits = "lower(to_hex(md5(to_utf8(CAST(n AS varchar)))))"
    value = f"regexp_replace({digits}, '^(.{{8}})(.{{4}})(.{{4}})(.{{4}})(.{{12}})$', '$1-$2-$3-$4-$5')"
    for first, last in (("0", "7"), ("8", "f")):
        rows_of = f"SELECT {value} AS u, n FROM UNNEST(sequence(0, 1999)) t(n)"
        half = f"substr(u, 1, 1) BETWEEN '{first}' AND '{last}'"
        sql(f"INSERT INTO {table} SELECT CAST(u AS uuid), n FROM ({rows_of}) WHERE {half}")
    result = syncs.read()
    assert_same(Counter(row["n"] for row in result.data("t")), Counter(range(2000)))
    [line] = [line for line in result.logs("INFO") if ": reading " in line]
    assert re.search(r"with [1-9]\d+ slices by u", line), line


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("composite", "k bigint, l bigint DEFAULT 0, PRIMARY KEY (k, l)"),
        ("text_key", "k text PRIMARY KEY"),
        ("decimal_key", "k numeric(20, 2) PRIMARY KEY"),
        ("no_key", "k bigint"),
        ("unique_only", "k bigint UNIQUE"),
    ],
)
def test_other_keys_are_read_with_one_query(
    connector: Connector,
    config: Config,
    postgres: psycopg.Connection[Any],
    keyed_schema: str,
    name: str,
    columns: str,
) -> None:
    make(postgres, keyed_schema, name, columns, list(range(3000)))
    result = read(connector, config("postgresql", keyed_schema, slice_rows=100), name)
    assert_same(Counter(row["x"] for row in result.data(name)), Counter(f"row {key}" for key in range(3000)))
    assert chosen(result.logs("INFO")) == "one query"


def test_a_key_that_is_not_selected_is_no_key(
    connector: Connector, config: Config, postgres: psycopg.Connection[Any], keyed_schema: str
) -> None:
    make(postgres, keyed_schema, "unselected", "k bigint PRIMARY KEY", list(range(3000)))
    catalog = configured([handwritten("unselected", keyed_schema, ["x"])])
    result = connector.read(config("postgresql", keyed_schema, slice_rows=100), catalog)
    assert_same(Counter(row["x"] for row in result.data("unselected")), Counter(f"row {key}" for key in range(3000)))
    assert chosen(result.logs("INFO")) == "one query"


def test_rows_with_new_keys_come_in_the_outer_slices(
    connector: Connector, config: Config, postgres: psycopg.Connection[Any], keyed_schema: str
) -> None:
    """Statistics, and the range that slices are made of, may be older than the rows."""
    make(postgres, keyed_schema, "grown", "k bigint PRIMARY KEY", list(range(3000)))
    table = quoted(keyed_schema, "grown")
    postgres.execute(f"INSERT INTO {table} SELECT k, 'row ' || k FROM generate_series(-500, -1) k")
    postgres.execute(f"INSERT INTO {table} SELECT k, 'row ' || k FROM generate_series(3000, 9999) k")
    result = read(connector, config("postgresql", keyed_schema, slice_rows=500), "grown")
    assert_same(Counter(row["k"] for row in result.data("grown")), Counter(range(-500, 10_000)))
    assert slices(result.logs("INFO"), "k") > 1


@pytest.mark.parametrize("catalog", ["iceberg", "delta", "postgresql"])
def test_views_are_read_with_one_query(
    connector: Connector,
    config: Config,
    sql: Trino,
    postgres: psycopg.Connection[Any],
    new_schema: Callable[[str, str], str],
    catalog: str,
) -> None:
    schema = new_schema(catalog, "views")
    if catalog == "postgresql":
        make(postgres, schema, "t", "k bigint PRIMARY KEY", list(range(2000)))
        postgres.execute(f"CREATE VIEW {quoted(schema, 'v')} AS SELECT k AS n FROM {quoted(schema, 't')}")
    else:
        table = quoted(catalog, schema, "t")
        sql(f"CREATE TABLE {table} AS SELECT n FROM UNNEST(sequence(0, 1999)) t(n)")
        sql(f"CREATE VIEW {quoted(catalog, schema, 'v')} AS SELECT n FROM {table}")
    result = read(connector, config(catalog, schema, slice_rows=100), "v")
    assert_same(Counter(row["n"] for row in result.data("v")), Counter(range(2000)))
    assert chosen(result.logs("INFO")) == "one query"
    assert not result.logs("WARN"), json.dumps(result.logs("WARN"))


def test_a_table_without_rows_is_complete(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    for catalog in ("iceberg", "delta"):
        schema = new_schema(catalog, "empty")
        sql(f"CREATE TABLE {quoted(catalog, schema, 'never')} (n bigint, p varchar, x varchar)")
        fill(sql, quoted(catalog, schema, "emptied"), 20)
        sql(f"DELETE FROM {quoted(catalog, schema, 'emptied')}")
        for stream in ("never", "emptied"):
            result = read(connector, config(catalog, schema, slice_rows=1), stream)
            assert not read_rows(result, stream)
