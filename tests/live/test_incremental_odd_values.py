"""Odd values of cursors: in the future, infinite, rounded, no number, with control characters, with no highest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from live_support.connector import Connector
from live_support.oracle import Trino, quoted
from live_support.syncs import NewTable, incremental, rows, start

Config = Callable[..., dict[str, Any]]


#: Type → a value in the future, and one of the past.
FUTURE = {
    "date": ("DATE '9999-12-31'", "DATE '2025-06-01'"),
    "timestamp(6)": ("TIMESTAMP '2999-01-01 00:00:00.000000'", "TIMESTAMP '2025-06-01 00:00:00.000000'"),
    "timestamp(3) with time zone": ("current_timestamp + INTERVAL '1' HOUR", "TIMESTAMP '2025-06-01 00:00:00.000 UTC'"),
}


@pytest.mark.sampled
@pytest.mark.parametrize("type_", FUTURE)
@pytest.mark.parametrize("catalog", ["memory", "iceberg"])
def test_a_cursor_in_the_future_is_told_in_every_sync(new_table: NewTable, sql: Trino, catalog: str, type_: str) -> None:
    if catalog == "iceberg":
        type_ = type_.replace("(3)", "(6)")
    future, past = FUTURE[type_.replace("(6) with", "(3) with")]
    table, syncs = new_table(catalog, "future", f"AS SELECT 1 AS id, CAST({future} AS {type_}) AS c")
    for _ in range(2):
        warnings = syncs.read().logs("WARN")
        told = [text for text in warnings if '"c" is ' in text and "in the future" in text and "cursor_lag" in text]
        assert told, warnings
    table, syncs = new_table(catalog, "future", f"AS SELECT 1 AS id, CAST({past} AS {type_}) AS c")
    assert not [text for text in syncs.read().logs("WARN") if "future" in text]


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("type_", "far"),
    [("date", "DATE '275760-09-13'"), ("date", "DATE '-0044-03-15'"), ("timestamp(6)", "TIMESTAMP '12024-01-01 00:00:00.000000'")],
)
@pytest.mark.parametrize("catalog", ["memory", "iceberg"])
def test_a_value_outside_of_the_years_is_read_and_is_never_an_end(
    new_table: NewTable, sql: Trino, catalog: str, type_: str, far: str
) -> None:
    table, syncs = new_table(
        catalog, "far", f"AS SELECT id, CAST(c AS {type_}) AS c FROM (VALUES (1, DATE '2024-01-01'), (2, NULL)) t(id, c)"
    )
    sql(f"INSERT INTO {table} VALUES (3, {far})")
    result = syncs.read()
    assert rows(result, "id") == Counter([(1,), (2,), (3,)])
    assert syncs.content["cursor"].startswith("2024-01-01")
    assert [text for text in result.logs("WARN") if '"c" outside of the years 1 to 9999' in text]
    assert not syncs.read().data("t")
    sql(f"INSERT INTO {table} VALUES (4, CAST(DATE '2024-01-03' AS {type_})), (5, {far})")
    assert rows(syncs.read(), "id") == Counter([(4,), (5,)])
    assert not syncs.read().data("t")


@pytest.mark.sampled
@pytest.mark.parametrize("pushdown", ["true", "false"])
@pytest.mark.parametrize("infinity", ["infinity", "-infinity", "20000-01-01", "294276-01-01"])
def test_infinity_of_postgresql_is_read_and_is_never_an_end(
    new_table: NewTable, postgres: psycopg.Connection[Any], infinity: str, pushdown: str
) -> None:
    """The database refuses the bound that Trino shows for it."""
    session = [f"postgresql.aggregation_pushdown_enabled={pushdown}"]
    table, syncs = new_table("postgresql", "infinity", "(id integer, c timestamp(6))", session_properties=session)
    name = quoted(syncs.config["schema"], "t")
    postgres.execute(f"INSERT INTO {name} VALUES (1, '2024-01-01'), (2, '{infinity}'), (3, NULL)")
    assert rows(syncs.read(), "id") == Counter([(1,), (2,), (3,)])
    assert syncs.content["cursor"].startswith("2024-01-01")
    assert not syncs.read().data("t")
    postgres.execute(f"INSERT INTO {name} VALUES (4, '2024-01-03'), (5, '{infinity}')")
    assert rows(syncs.read(), "id") == Counter([(4,), (5,)])
    assert not syncs.read().data("t")
    postgres.execute(f"TRUNCATE {name}")
    postgres.execute(f"INSERT INTO {name} VALUES (6, '{infinity}')")
    syncs.state = []
    assert rows(syncs.read(), "id") == Counter([(6,)])
    assert not syncs.read().data("t")


@pytest.mark.parametrize("pushdown", ["true", "false"])
def test_infinity_that_comes_after_a_finite_sync_is_sent(
    new_table: NewTable, postgres: psycopg.Connection[Any], pushdown: str
) -> None:
    session = [f"postgresql.aggregation_pushdown_enabled={pushdown}"]
    _, syncs = new_table("postgresql", "infinity", "(id integer, c timestamp(6))", session_properties=session)
    name = quoted(syncs.config["schema"], "t")
    postgres.execute(f"INSERT INTO {name} VALUES (1, '2024-01-01')")
    syncs.read()
    postgres.execute(f"INSERT INTO {name} VALUES (2, 'infinity'), (3, '2024-01-03')")
    assert rows(syncs.read(), "id") == Counter([(2,), (3,)])
    assert not syncs.read().data("t")


def test_infinity_in_a_query_by_cursor_is_read(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], postgres: psycopg.Connection[Any]
) -> None:
    schema = new_schema("postgresql", "infinity")
    postgres.execute(f'CREATE TABLE "{schema}"."x" (id integer, c timestamp)')
    postgres.execute(f"INSERT INTO \"{schema}\".\"x\" VALUES (1, '2024-01-01'), (2, 'infinity'), (3, '2024-02-01')")
    query = {"name": "t", "sql": f'SELECT * FROM postgresql."{schema}"."x"', "cursor": "c"}
    syncs = start(connector, config("postgresql", schema, queries=[query]), "c")
    assert rows(syncs.read(), "id") == Counter([(1,), (2,), (3,)])
    assert not syncs.read().data("t")
    postgres.execute(f"INSERT INTO \"{schema}\".\"x\" VALUES (4, '2024-03-01'), (5, 'infinity')")
    assert rows(syncs.read(), "id") == Counter([(4,), (5,)])


@pytest.mark.parametrize("type_", ["date", "timestamptz"])
def test_infinity_that_cannot_be_read_names_the_column(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], postgres: psycopg.Connection[Any], type_: str
) -> None:
    schema = new_schema("postgresql", "infinity")
    postgres.execute(f'CREATE TABLE "{schema}"."t" (id integer, c {type_})')
    postgres.execute(f"INSERT INTO \"{schema}\".\"t\" VALUES (1, '2024-01-01'), (2, 'infinity')")
    settings = config("postgresql", schema)
    result = connector.read(settings, incremental(connector.discover(settings).streams["t"], "c"))
    assert result.exit_code == 1, result.explain()
    [error] = result.errors
    assert error["failure_type"] == "config_error" and '"c"' in error["message"], error


ROUNDED = [
    "postgresql.decimal_mapping=ALLOW_OVERFLOW",
    "postgresql.decimal_rounding_mode=HALF_UP",
]


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("scale", "first", "later"),
    [
        (2, ["1.5", "2.004", "2.001"], [["2.003"], ["2.01", "2.0101"]]),
        (2, ["1.5", "1.996", "2.00"], [["2.001"], ["3"]]),
        (2, ["1.5", "2.00", "2.004"], [["2.00"], ["7.777"]]),
        (2, ["1.50", "2.00"], [["1.996"], ["2.004"], ["5"]]),
        (0, ["1700000000.1", "1700000005.7"], [["1700000005.9"], ["1700000010.2"], ["1700000010.4"]]),
        (0, ["1700000000", "1700000006"], [["1700000005.9"], ["1700000010.2"]]),
        (3, ["-0.0004", "-1"], [["0.0004"], ["0.0006"]]),
    ],
)
@pytest.mark.parametrize("query", [False, True])
def test_each_row_of_a_rounded_cursor_comes_once(
    connector: Connector, config: Config, new_schema: Callable[[str, str], str], postgres: psycopg.Connection[Any],
    scale: int, first: list[str], later: list[list[str]], query: bool,
) -> None:  # fmt: skip
    """The database compares the exact values, Trino shows rounded ones."""
    schema = new_schema("postgresql", "rounded")
    name = quoted(schema, "x" if query else "t")
    postgres.execute(f"CREATE TABLE {name} (id serial, c numeric)")
    session = [*ROUNDED, f"postgresql.decimal_default_scale={scale}"]
    settings = config("postgresql", schema, session_properties=session)
    if query:
        settings["queries"] = [{"name": "t", "sql": f"SELECT * FROM postgresql.{name}", "cursor": "c"}]
    syncs = start(connector, settings, "c")
    count = 0
    warned = False
    for values in [first, *later]:
        postgres.execute(f"INSERT INTO {name} (c) VALUES " + ", ".join(f"({value})" for value in values))
        result = syncs.read()
        expected = Counter((count + number,) for number in range(1, len(values) + 1))
        assert rows(result, "id") == expected, result.explain()
        warned = warned or any('the cursor "c" than Trino shows' in text for text in result.logs("WARN"))
        count += len(values)
        assert not syncs.read().data("t")
    assert warned


def test_an_exact_decimal_is_compared_by_the_database(new_table: NewTable, sql: Trino) -> None:
    table, syncs = new_table("postgresql", "exact", "(id integer, c decimal(10,2))", session_properties=ROUNDED)
    for id_, value in enumerate(("1.99", "2.00", "2.01", "2.01", "99999999.99")):
        sql(f"INSERT INTO {table} VALUES ({id_}, DECIMAL '{value}')")
        result = syncs.read()
        assert rows(result, "id") == Counter([(id_,)])
        assert not [text for text in result.logs("WARN") if "compares" in text]
    assert "pushdown" not in syncs.content


def test_a_uuid_cursor_of_postgresql_works(new_table: NewTable, sql: Trino, postgres: psycopg.Connection[Any]) -> None:
    """The database has no highest uuid."""
    _, syncs = new_table("postgresql", "uuid", "(id integer, c uuid)")
    name = quoted(syncs.config["schema"], "t")
    uuids = ["00000000-0000-0000-0000-000000000001", "12151fd2-7586-11e9-8f9e-2a86e4085a59",
             "7fffffff-ffff-ffff-ffff-ffffffffffff", "80000000-0000-0000-0000-000000000000"]  # fmt: skip
    assert not syncs.read().data("t")
    for number, uuid in enumerate(uuids):
        postgres.execute(f"INSERT INTO {name} VALUES (%s, %s)", (number, uuid))
        assert rows(syncs.read(), "id") == Counter([(number,)])
        assert not syncs.read().data("t")
    postgres.execute(f"INSERT INTO {name} VALUES (9, %s)", (uuids[-1],))
    assert rows(syncs.read(), "id") == Counter([(9,)])


@pytest.mark.parametrize("value", ["chr(0)", "'a' || chr(0) || 'b'", "chr(27) || '[31m'", "'x' || chr(10) || 'y'"])
def test_no_control_character_of_a_cursor_is_in_any_line_but_records(new_table: NewTable, sql: Trino, value: str) -> None:
    table, syncs = new_table("memory", "control", f"AS SELECT 1 AS id, CAST({value} AS varchar) AS c")
    for id_ in (1, 2, 3):
        result = syncs.read()
        assert rows(result, "id") == Counter([(id_,)])
        for line in result.lines:
            if not line.startswith(b'{"type":"RECORD"'):
                assert b"\\u00" not in line and b"\\n" not in line, line
        # First a row with the same value, then one with a higher one.
        more = "z" * (id_ // 2)
        sql(f"INSERT INTO {table} SELECT {id_ + 1}, c || '{more}' FROM {table} WHERE id = {id_}")


def test_nan_is_no_cursor_value(new_table: NewTable, sql: Trino) -> None:
    table, syncs = new_table("memory", "nan", "AS SELECT * FROM (VALUES (1, 1e0), (2, nan()), (3, NULL)) t(id, c)")
    assert rows(syncs.read(), "id") == Counter([(1,), (2,), (3,)])
    sql(f"INSERT INTO {table} VALUES (4, nan()), (5, 2e0)")
    assert rows(syncs.read(), "id") == Counter([(5,)])
