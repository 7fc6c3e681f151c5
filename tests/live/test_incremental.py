"""Reads by cursor: what is new, once, whatever its type, with ties, nulls and late rows at the boundary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from live_support.connector import Connector
from live_support.environment import EVERY_CASE
from live_support.history import remembered
from live_support.messages import configured
from live_support.oracle import Trino, quoted, unique
from live_support.syncs import Syncs, incremental, rows

Config = Callable[..., dict[str, Any]]
#: Makes a table and reads it by cursor: `new_table("memory", "ties", "AS SELECT 1 AS c")`.
NewTable = Callable[..., tuple[str, Syncs]]

#: Type → rising values as SQL.
CURSORS: dict[str, list[str]] = {
    "tinyint": ["-128", "0", "126", "127"],
    "smallint": ["-32768", "0", "1", "32767"],
    "integer": ["-2147483648", "-1", "0", "2147483647"],
    "bigint": ["-9223372036854775808", "0", "9007199254740993", "9223372036854775807"],
    "real": ["REAL '-3.4028235E38'", "REAL '0.1'", "REAL '0.3'", "REAL '16777217'"],
    "double": ["DOUBLE '-1.7976931348623157E308'", "DOUBLE '4.9E-324'", "DOUBLE '0.1'", "infinity()"],
    "decimal(38,10)": ["DECIMAL '-1.0000000001'", "DECIMAL '0.1'", "DECIMAL '9007199254740993.1'",
                       "DECIMAL '9999999999999999999999999999.9999999999'"],
    "varchar": ["''", "'a''b'", "'a\"\\%_'", "U&'\\00e9\\+01F600'"],
    "varchar(5)": ["'a'", "'b'", "'ba'", "'zzzzz'"],
    "char(3)": ["'a'", "'b'", "'ba'", "'zzz'"],
    "date": ["DATE '-0044-03-15'", "DATE '1969-12-31'", "DATE '2024-02-29'", "DATE '9999-12-31'"],
    "time(0)": ["TIME '00:00:00'", "TIME '00:00:01'", "TIME '12:00:00'", "TIME '23:59:59'"],
    "time(12)": ["TIME '00:00:00.000000000000'", "TIME '00:00:00.000000000001'", "TIME '12:00:00.000000000000'",
                 "TIME '23:59:59.999999999999'"],
    "time(3) with time zone": ["TIME '01:00:00.000+14:00'", "TIME '12:00:00.123+05:30'", "TIME '12:00:00.123 +01:00'",
                               "TIME '23:00:00.999 -14:00'"],
    "timestamp(0)": ["TIMESTAMP '1969-12-31 23:59:59'", "TIMESTAMP '2024-01-01 00:00:00'",
                     "TIMESTAMP '2024-01-01 00:00:01'", "TIMESTAMP '9999-12-31 23:59:59'"],
    "timestamp(6)": ["TIMESTAMP '-0001-01-01 00:00:00.000000'", "TIMESTAMP '2024-01-01 00:00:00.000001'",
                     "TIMESTAMP '2024-01-01 00:00:00.000002'", "TIMESTAMP '9999-12-31 23:59:59.999999'"],
    "timestamp(12)": ["TIMESTAMP '2024-01-01 00:00:00.000000000001'", "TIMESTAMP '2024-01-01 00:00:00.000000000002'",
                      "TIMESTAMP '2024-01-01 00:00:00.000000001000'", "TIMESTAMP '2024-01-01 00:00:01.000000000000'"],
    "timestamp(3) with time zone": [
        "TIMESTAMP '2024-10-27 02:30:00.000 Europe/Berlin' - INTERVAL '1' HOUR", "TIMESTAMP '2024-10-27 02:30:00.000 Europe/Berlin'",
        "TIMESTAMP '2024-10-27 04:30:00.123 +02:00'", "TIMESTAMP '2024-12-31 00:00:00.001 UTC'"],
    "timestamp(12) with time zone": [
        "TIMESTAMP '2024-01-01 00:00:00.000000000001 UTC'", "TIMESTAMP '2024-01-01 01:00:00.000000000002 +01:00'",
        "TIMESTAMP '2024-01-01 00:00:00.000000001000 UTC'", "TIMESTAMP '2024-01-01 00:00:01.000000000000 UTC'"],
    "uuid": ["UUID '00000000-0000-0000-0000-000000000000'", "UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59'",
             "UUID '7fffffff-ffff-ffff-ffff-ffffffffffff'", "UUID '80000000-0000-0000-0000-000000000000'"],
    "ipaddress": ["IPADDRESS '10.0.0.1'", "IPADDRESS '10.0.0.2'", "IPADDRESS '2001:db8::1'", "IPADDRESS 'ffff::'"],
}  # fmt: skip


def start(connector: Connector, settings: dict[str, Any], cursor: str) -> Syncs:
    return Syncs(connector, settings, incremental(connector.discover(settings).streams["t"], cursor))


@pytest.fixture
def new_table(connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]) -> NewTable:
    def make(catalog: str, purpose: str, definition: str, **fields: Any) -> tuple[str, Syncs]:
        schema = new_schema(catalog, purpose)
        table = quoted(catalog, schema, "t")
        sql(f"CREATE TABLE {table} {definition}")
        return table, start(connector, config(catalog, schema, **fields), "c")

    return make


@pytest.mark.parametrize("type_", CURSORS)
def test_a_cursor_of_every_type_finds_what_is_new_once(new_table: NewTable, sql: Trino, type_: str) -> None:
    """The state goes through text and back: it must select exactly the same rows."""
    # The order of the values is the server's.
    listed = ", ".join(f"CAST({value} AS {type_})" for value in CURSORS[type_])
    values = f"FROM UNNEST(ARRAY[{listed}]) t(c)"
    definition = f"AS SELECT 0 AS id, c {values} WHERE false"
    table, syncs = new_table("memory", "cursor", definition, fetch_protocol="direct")
    source = quoted("memory", syncs.config["schema"], "values")
    sql(f"CREATE TABLE {source} AS SELECT CAST(row_number() OVER (ORDER BY c) AS integer) AS id, c {values}")
    assert not rows(syncs.read(), "id")
    count = len(CURSORS[type_])
    for id_ in range(1, count + 1):
        sql(f"INSERT INTO {table} SELECT * FROM {source} WHERE id = {id_}")
        assert rows(syncs.read(), "id") == Counter([(id_,)])
        if id_ in (1, count):
            # Twice the same value: ties at the boundary, of which one comes late.
            sql(f"INSERT INTO {table} SELECT id + 100, c FROM {source} WHERE id = {id_}")
            assert rows(syncs.read(), "id") == Counter([(id_ + 100,)]), "the row that came late"
    assert not rows(syncs.read(), "id"), "nothing is new"
    sql(f"DROP TABLE {table}")
    sql(f"DROP TABLE {source}")


@pytest.mark.parametrize("catalog", ["postgresql", "iceberg", "delta", "memory"])
def test_syncs_bring_each_row_once_on_every_catalog(new_table: NewTable, sql: Trino, catalog: str) -> None:
    table, syncs = new_table(catalog, "syncs", "(id integer, c timestamp(6))", slice_rows=50)
    time = "TIMESTAMP '2024-01-01 00:00:00.000000' + (n / 10) * INTERVAL '1' SECOND"
    insert = f"INSERT INTO {table} SELECT n, {time} FROM UNNEST(sequence({{0}}, {{1}})) t(n)"
    seen: Counter[Any] = Counter()
    for first, last in ((0, 499), (500, 504), (505, 505), (506, 999)):
        sql(insert.format(first, last))
        sql(f"INSERT INTO {table} VALUES ({-first - 1}, NULL)")
        new = rows(syncs.read(), "id")
        expected = Counter((n,) for n in range(first, last + 1))
        # Rows without a cursor value come in the first sync only.
        assert new == (expected + Counter([(-1,)]) if first == 0 else expected)
        seen += new
        again = syncs.read()
        assert not again.of_type("RECORD")
    assert len(seen) == 1001


def test_nothing_new_costs_one_small_query(new_table: NewTable, sql: Trino) -> None:
    for catalog in ("memory", "iceberg"):
        source, ten = unique("same"), "AS SELECT CAST(n AS bigint) AS c FROM UNNEST(sequence(1, 10)) t(n)"
        table, syncs = new_table(catalog, "same", ten, fetch_protocol="direct", source=source)
        with remembered(sql, source) as old:
            syncs.read()
        with remembered(sql, source) as queries:
            syncs.read()
        new = [text for query_id, text in queries.items() if query_id not in old]
        of_table = [text for text in new if '"t' in text and text != f"SELECT * FROM {table} WHERE false"]
        assert 0 < len(of_table) <= 2, new
        assert catalog == "memory" or not any("max(" in text for text in new), new


@pytest.mark.parametrize("catalog", ["iceberg", "delta"])
def test_a_table_made_anew_with_as_many_versions_is_not_taken_for_unchanged(
    new_table: NewTable, sql: Trino, catalog: str
) -> None:
    table, syncs = new_table(catalog, "anew", "AS SELECT 1 AS c")
    syncs.read()
    sql(f"DROP TABLE {table}")
    sql(f"CREATE TABLE {table} AS SELECT 2 AS c")
    assert rows(syncs.read(), "c") == Counter([(2,)])


def replace_at_boundary(sql: Trino, table: str, id_: int, value: str) -> None:
    """Another content with the same cursor value: an update where the catalog can, else a table made anew."""
    if table.startswith('"memory"'):
        # The catalog has no UPDATE.
        sql(f"CREATE TABLE {table[:-1]}_new\" AS SELECT id, c, IF(id = {id_}, '{value}', v) AS v FROM {table}")
        sql(f"DROP TABLE {table}")
        sql(f"ALTER TABLE {table[:-1]}_new\" RENAME TO {table}")
    else:
        sql(f"UPDATE {table} SET v = '{value}' WHERE id = {id_}")


#: Type → a value that all rows of a boundary have.
BOUNDARIES = {
    "date": "DATE '2024-05-01'",
    "timestamp(6)": "TIMESTAMP '2024-05-01 01:02:03.000004'",
    "bigint": "9007199254740993",
    "decimal(20,3)": "DECIMAL '1.5'",
    "varchar": "'a''b'",
    "double": "DOUBLE '0.1'",
}


#: Each type in each catalog, or each type in two of them and each catalog with three types.
REPLACED = [
    (catalog, type_)
    for at, catalog in enumerate(["memory", "iceberg", "delta", "postgresql"])
    for number, type_ in enumerate(BOUNDARIES)
    if EVERY_CASE or (at + number) % 2 == 0
]


@pytest.mark.parametrize(("catalog", "type_"), REPLACED)
def test_a_row_that_was_replaced_at_the_boundary_is_sent(
    new_table: NewTable, sql: Trino, catalog: str, type_: str
) -> None:
    """The number of rows with the last value stays the same."""
    value = f"CAST({BOUNDARIES[type_]} AS {type_})"
    table, syncs = new_table(catalog, "replaced", f"AS SELECT n AS id, {value} AS c, CAST('a' AS varchar) AS v FROM UNNEST(sequence(1, 3)) t(n)")
    assert rows(syncs.read(), "id") == Counter([(1,), (2,), (3,)])
    assert not syncs.read().data("t")
    replace_at_boundary(sql, table, 2, "b")
    assert rows(syncs.read(), "id", "v") == Counter([(2, "b")])
    assert not syncs.read().data("t")
    if catalog != "memory":
        sql(f"DELETE FROM {table} WHERE id = 3")
        sql(f"INSERT INTO {table} VALUES (4, {value}, 'new')")
        assert rows(syncs.read(), "id", "v") == Counter([(4, "new")])
        assert not syncs.read().data("t")


@pytest.mark.parametrize("catalog", ["memory", "iceberg", "postgresql"])
def test_many_rows_of_one_value_are_told_by_their_checksum(new_table: NewTable, sql: Trino, catalog: str) -> None:
    ties = "AS SELECT n AS id, DATE '2024-01-01' AS c, 'a' AS v FROM UNNEST(sequence(1, 5000)) t(n)"
    table, syncs = new_table(catalog, "ties", ties)
    assert len(syncs.read().data("t")) == 5000
    assert len(str(syncs.content)) < 1000
    assert not syncs.read().data("t")
    replace_at_boundary(sql, table, 7, "b")
    again = syncs.read().data("t")
    assert len(again) == 5000, "all are sent again rather than one missed"
    assert {"id": 7, "c": "2024-01-01", "v": "b"} in again
    assert not syncs.read().data("t")
    sql(f"INSERT INTO {table} VALUES (5001, DATE '2024-01-01', 'a')")
    assert len(syncs.read().data("t")) == 5001
    sql(f"INSERT INTO {table} VALUES (5002, DATE '2024-01-02', 'a')")
    assert rows(syncs.read(), "id") == Counter([(5002,)])


def test_up_to_300_rows_of_one_value_are_told_apart(new_table: NewTable, sql: Trino) -> None:
    ties = "AS SELECT n AS id, DATE '2024-01-01' AS c FROM UNNEST(sequence(1, 299)) t(n)"
    table, syncs = new_table("memory", "known", ties)
    syncs.read()
    assert len(str(syncs.content)) < 4000
    sql(f"INSERT INTO {table} VALUES (300, DATE '2024-01-01')")
    assert rows(syncs.read(), "id") == Counter([(300,)])
    sql(f"INSERT INTO {table} VALUES (301, DATE '2024-01-01')")
    assert rows(syncs.read(), "id") == Counter([(301,)])


def test_many_rows_of_the_last_value_are_sliced(new_table: NewTable, sql: Trino) -> None:
    table, syncs = new_table("iceberg", "last", "(id integer, c date)", slice_rows=400, concurrency=1)
    insert = f"INSERT INTO {table} SELECT n, DATE '{{}}' FROM UNNEST(sequence({{}}, {{}})) t(n)"
    for first in (1, 501, 1001):
        sql(insert.format("2024-01-01", first, first + 499))
    result = syncs.read()
    assert rows(result, "id") == Counter((n,) for n in range(1, 1501))
    assert len(result.states) >= 3, "rows of one value are several checkpoints"
    assert not syncs.read().data("t")
    for first in (2001, 2501, 3001):
        sql(insert.format("2024-01-02", first, first + 499))
    result = syncs.read()
    assert rows(result, "id") == Counter((n,) for n in range(2001, 3501))
    assert len(result.states) >= 3
    sql(insert.format("2024-01-03", 4000, 4000))
    assert rows(syncs.read(), "id") == Counter([(4000,)])


def test_hashes_of_earlier_releases_are_used(new_table: NewTable, sql: Trino) -> None:
    """A state of version 3 has no checksum, and does not say whether a limit was in force."""
    for catalog in ("memory", "iceberg"):
        table, syncs = new_table(catalog, "earlier", "AS SELECT n AS id, DATE '2024-01-01' AS c FROM UNNEST(sequence(1, 3)) t(n)")
        syncs.read()
        content = syncs.content
        for name in ("unlimited", "pushdown", "outside"):
            content.pop(name, None)
        for name in ("checksum", "checksum_of"):
            content["seen"].pop(name)
        content["version"] = 3
        assert content["seen"]["hashes"]
        assert not syncs.read().data("t")
        content = syncs.content
        for name in ("checksum", "checksum_of"):
            content["seen"].pop(name)
        content["version"] = 3
        sql(f"INSERT INTO {table} VALUES (4, DATE '2024-01-01')")
        assert rows(syncs.read(), "id") == Counter([(4,)])


@pytest.mark.parametrize("catalog", ["iceberg", "delta", "memory"])
@pytest.mark.parametrize("limit", [{"cursor_lag": 86400}, {"exclude_todays_data": True}, {"cursor_lag": 172800}])
def test_rows_that_a_limit_held_back_come_once_it_is_taken_away(
    new_table: NewTable, sql: Trino, catalog: str, limit: dict[str, Any]
) -> None:
    """The table is not written between the syncs."""
    days = "CAST(localtimestamp AS timestamp(6)) - (3 - n) * INTERVAL '1' DAY - INTERVAL '1' HOUR"
    if "exclude_todays_data" in limit:
        days = "CAST(current_date AS timestamp(6)) - (3 - n) * INTERVAL '1' DAY"
    _, syncs = new_table(catalog, "limit", f"AS SELECT n AS id, {days} AS c FROM UNNEST(sequence(0, 3)) t(n)")
    standard = {"method": "STANDARD"}
    held = 2 if limit.get("cursor_lag") == 172800 else 1
    first = rows(syncs.read(replication_method=standard | limit), "id")
    assert first == Counter((n,) for n in range(4 - held))
    assert not syncs.read(replication_method=standard | limit).data("t")
    later = rows(syncs.read(replication_method=standard), "id")
    assert later == Counter((n,) for n in range(4 - held, 4))
    assert not syncs.read(replication_method=standard).data("t")


#: Type → a value in the future, and one of the past.
FUTURE = {
    "date": ("DATE '9999-12-31'", "DATE '2025-06-01'"),
    "timestamp(6)": ("TIMESTAMP '2999-01-01 00:00:00.000000'", "TIMESTAMP '2025-06-01 00:00:00.000000'"),
    "timestamp(3) with time zone": ("current_timestamp + INTERVAL '1' HOUR", "TIMESTAMP '2025-06-01 00:00:00.000 UTC'"),
}


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


@pytest.mark.parametrize("part", ["DATE '2024-01-0{}'", "{}"])
def test_a_cursor_on_a_partition_column_works_where_a_filter_is_required(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], part: str
) -> None:
    for catalog in ("delta", "iceberg"):
        schema = new_schema(catalog, "filter")
        table = quoted(catalog, schema, "t")
        by = "partitioned_by" if catalog == "delta" else "partitioning"
        sql(f"CREATE TABLE {table} WITH ({by} = ARRAY['c']) AS SELECT n AS id, {part.format(1)} AS c FROM UNNEST(sequence(1, 3)) t(n)")
        sql(f"INSERT INTO {table} VALUES (4, {part.format(2)}), (5, NULL)")
        settings = config(catalog, schema, session_properties=[f"{catalog}.query_partition_filter_required=true"])
        syncs = start(connector, settings, "c")
        assert rows(syncs.read(), "id") == Counter((n,) for n in range(1, 6))
        sql(f"INSERT INTO {table} VALUES (6, {part.format(2)}), (7, {part.format(3)})")
        assert rows(syncs.read(), "id") == Counter([(6,), (7,)])


@pytest.mark.parametrize("method", ["STANDARD", "CHANGES"])
def test_modes_without_a_condition_work_in_versions_and_name_the_cure_elsewhere(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], method: str
) -> None:
    """A read of a version of an Iceberg table needs no condition on a partition column; Delta Lake's does."""
    for catalog, by in (("iceberg", "partitioning"), ("delta", "partitioned_by")):
        schema = new_schema(catalog, "filter")
        feed = ", change_data_feed_enabled = true" if catalog == "delta" else ""
        table = quoted(catalog, schema, "t")
        sql(f"CREATE TABLE {table} WITH ({by} = ARRAY['c']{feed}) AS SELECT 1 AS id, 7 AS c")
        required = f"{catalog}.query_partition_filter_required"
        settings = config(
            catalog, schema, session_properties=[f"{required}=true"], replication_method={"method": method}
        )
        stream = connector.discover(settings).streams["t"]
        entry = configured([stream])["streams"][0]
        sync_mode = "incremental" if method == "CHANGES" else "full_refresh"
        result = connector.read(settings, {"streams": [entry | {"sync_mode": sync_mode}]})
        if catalog == "iceberg":
            assert rows(result, "id") == Counter([(1,)]), result.explain()
        else:
            [error] = result.errors
            assert error["failure_type"] == "config_error", error
            assert '"queries"' in error["message"] and "query_partition_filter_required" in error["message"], error


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


def test_no_value_of_a_cursor_is_in_the_log(new_table: NewTable, sql: Trino) -> None:
    """It may be personal data."""
    table, syncs = new_table("memory", "private", "AS SELECT 'anna@example.com' AS c")
    for _ in range(3):
        result = syncs.read()
        assert not [line for line in result.lines if line.startswith(b'{"type":"LOG"') and b"anna" in line]
        sql(f"INSERT INTO {table} VALUES 'anna@example.com'")


def test_the_columns_of_a_stream_may_change_between_syncs(new_table: NewTable, sql: Trino) -> None:
    """Rows at the boundary look different then; their number tells."""
    table, syncs = new_table("iceberg", "columns", "AS SELECT 1 AS id, 1 AS c, 'a' AS v")
    syncs.read()
    properties = syncs.catalog["streams"][0]["stream"]["json_schema"]["properties"]
    removed = properties.pop("v")
    sql(f"INSERT INTO {table} VALUES (2, 2, 'b')")
    assert rows(syncs.read(), "id") == Counter([(2,)])
    properties["v"] = removed
    sql(f"INSERT INTO {table} VALUES (0, 0, 'late')")
    assert not syncs.read().data("t")
    sql(f"INSERT INTO {table} VALUES (3, 3, 'c')")
    assert rows(syncs.read(), "id") == Counter([(3,)])


def test_nan_is_no_cursor_value(new_table: NewTable, sql: Trino) -> None:
    table, syncs = new_table("memory", "nan", "AS SELECT * FROM (VALUES (1, 1e0), (2, nan()), (3, NULL)) t(id, c)")
    assert rows(syncs.read(), "id") == Counter([(1,), (2,), (3,)])
    sql(f"INSERT INTO {table} VALUES (4, nan()), (5, 2e0)")
    assert rows(syncs.read(), "id") == Counter([(5,)])


def test_another_cursor_or_a_lost_one_starts_anew(new_table: NewTable) -> None:
    _, syncs = new_table("memory", "another", "AS SELECT 1 AS id, 1 AS c")
    syncs.read()
    syncs.catalog["streams"][0]["cursor_field"] = ["id"]
    result = syncs.read()
    assert rows(result, "id") == Counter([(1,)])
    assert any("its cursor was" in line for line in result.logs("WARN"))
    syncs.catalog["streams"][0]["cursor_field"] = ["gone"]
    result = syncs.read()
    assert any("no column \"gone\"" in line for line in result.logs("WARN"))


def test_rows_of_today_or_of_the_lag_are_left_for_later(new_table: NewTable) -> None:
    times = (
        "(1, current_timestamp - INTERVAL '2' DAY), (2, current_timestamp - INTERVAL '1' MINUTE), "
        "(3, current_timestamp + INTERVAL '1' HOUR)"
    )
    _, syncs = new_table("memory", "lag", f"AS SELECT * FROM (VALUES {times}) t(id, c)")
    standard = {"method": "STANDARD"}
    assert rows(syncs.read(replication_method=standard | {"cursor_lag": 3600}), "id") == Counter([(1,)])
    assert not syncs.read(replication_method=standard | {"cursor_lag": 3600}).data("t")
    later = rows(syncs.read(replication_method=standard), "id")
    assert later == Counter([(2,), (3,)])


@pytest.mark.parametrize("catalog", ["postgresql", "iceberg", "delta"])
def test_conditions_reach_the_connector_behind_trino(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], catalog: str
) -> None:
    """The connector's own queries, explained: the condition is a constraint of the table scan."""
    schema = new_schema(catalog, "pushed")
    table = quoted(catalog, schema, "t")
    sql(
        f"CREATE TABLE {table} AS SELECT CAST(n AS bigint) AS c, "
        "date_add('second', n, TIMESTAMP '2024-01-01 00:00:00.000000') AS at, "
        "CAST(n AS decimal(20,2)) AS d FROM UNNEST(sequence(1, 10)) t(n)"
    )
    for column in ("c", "at", "d"):
        settings = config(catalog, schema, source=f"pushed-{schema}-{column}", fetch_protocol="direct")
        syncs = start(connector, settings, column)
        syncs.read()
        sql(f"INSERT INTO {table} SELECT c + 10, date_add('minute', 1, at), d + 10 FROM {table}")
        assert syncs.read().data("t")
        texts = sql(
            f"SELECT query FROM system.runtime.queries WHERE source = 'pushed-{schema}-{column}' "
            f"AND query LIKE 'SELECT %\"t\" %WHERE%\"{column}\" >%' AND query NOT LIKE '%rand()%' AND state = 'FINISHED'"
        )
        assert texts
        for [text] in texts:
            [[plan]] = sql(f"EXPLAIN {text}")
            assert f"constraint on [{column}]" in plan or "remote" in plan or f"{column}:" in plan, plan
            assert catalog != "postgresql" or "Filter" not in plan, plan


def test_increments_of_a_big_table_are_cut_by_the_cursor(new_table: NewTable, postgres: psycopg.Connection[Any]) -> None:
    _, syncs = new_table("postgresql", "cut", "(c bigint)", slice_rows=100)
    syncs.read()
    name = quoted(syncs.config["schema"], "t")
    postgres.execute(f"INSERT INTO {name} SELECT n FROM generate_series(1, 1000) n")
    result = syncs.read()
    assert rows(result, "c") == Counter((n,) for n in range(1, 1001))
    assert len(result.states) > 5, "every slice is a checkpoint"
