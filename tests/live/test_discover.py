"""What `discover` finds, what it leaves out, and what it says of each table."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from live_support.connector import Connector, Result, names
from live_support.history import remembered
from live_support.messages import configured
from live_support.oracle import Trino, quoted, unique
from live_support.verdicts import fails, succeeds

Config = Callable[..., dict[str, Any]]
NewSchema = Callable[[str, str], str]

#: Tables of the schema `many`, and what discovering it may cost at the most.
MANY = 500
MANY_QUERIES = 15
MANY_SECONDS = 20


def found(result: Result) -> list[str]:
    """`namespace.name` of all streams, in their order."""
    [catalog] = result.of_type("CATALOG")
    return names(catalog["catalog"]["streams"])


# Schemas


@pytest.fixture(scope="module")
def schemas(sql: Trino, new_schema: NewSchema) -> dict[str, str]:
    """Schemas of the memory catalog, each with one table `t`."""
    schemas = {purpose: new_schema("memory", purpose) for purpose in ("sales", "raw_b", "raw_a", "zone")}
    for schema in schemas.values():
        sql(f"CREATE TABLE {quoted('memory', schema, 't')} (a bigint)")
    return schemas


def test_only_the_configured_schema_is_discovered(
    connector: Connector, config: Config, schemas: dict[str, str]
) -> None:
    assert found(connector.discover(config("memory", schemas["sales"]))) == [f"{schemas['sales']}.t"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param(["{zone}"], ["sales", "zone"], id="exact name"),
        pytest.param(["live_raw_*"], ["raw_a", "raw_b", "sales"], id="pattern at the end"),
        pytest.param(["live_*_a_*", "{zone}"], ["raw_a", "sales", "zone"], id="pattern in the middle, and a name"),
        pytest.param(["{raw_a}", "live_raw_a*", "{sales}"], ["raw_a", "sales"], id="the same schema several times"),
        pytest.param(["no_such_*"], ["sales"], id="pattern without a match"),
        pytest.param(["LIVE_Raw_A*"], ["raw_a", "sales"], id="upper case"),
    ],
)
def test_more_schemas_are_chosen_by_name_and_pattern(
    connector: Connector, config: Config, schemas: dict[str, str], more: list[str], expected: list[str]
) -> None:
    # Other runs may have schemas of the same purposes; only ours count.
    result = connector.discover(config("memory", schemas["sales"], schemas=[text.format(**schemas) for text in more]))
    ours = [name for name in found(result) if name.removesuffix(".t") in schemas.values()]
    assert ours == sorted(f"{schemas[purpose]}.t" for purpose in expected)


def test_patterns_choose_the_tables_that_are_streams(
    connector: Connector, config: Config, sql: Trino, new_schema: NewSchema
) -> None:
    schema = new_schema("memory", "patterns")
    for table in ("orders", "raw_a", "raw_b", "raw_b_backup"):
        sql(f"CREATE TABLE {quoted('memory', schema, table)} AS SELECT 1 AS a")
    sql(f"CREATE VIEW {quoted('memory', schema, 'raw_broken')} AS SELECT a FROM {quoted('memory', schema, 'orders')}")
    sql(f"DROP TABLE {quoted('memory', schema, 'orders')}")
    chosen = {"include": ["Raw_*", f"{schema}.ord%"], "exclude": ["*_backup", "*broken"]}
    made = config("memory", schema, table_patterns=chosen)
    result = connector.discover(made)
    assert set(result.streams) == {"raw_a", "raw_b"}
    warnings = result.logs("WARN")
    assert len(warnings) == 1, warnings
    assert f"{schema}.ord%" in warnings[0], "the broken view costs nothing, and the table is gone"
    succeeds(connector.check(made))
    # What is chosen for a sync is read, whatever the patterns say by now.
    read = connector.read(made | {"table_patterns": {"include": ["raw_a"]}}, configured(result.streams.values()))
    assert read.exit_code == 0, read.explain()
    fails(connector.check(made | {"table_patterns": {"exclude": ["*"]}}), '"table_patterns"')



def test_a_schema_that_does_not_exist_is_a_config_error(
    connector: Connector, config: Config, schemas: dict[str, str]
) -> None:
    file = connector.file(config("memory", schemas["sales"], schemas=[schemas["zone"][:-1] + "x"]))
    result = connector.run("discover", "--config", file)
    [error] = result.errors
    assert (result.exit_code, error["failure_type"]) == (1, "config_error")
    assert schemas["zone"] in error["message"] and '"schemas"' in error["message"]


# Tables, views and columns


@pytest.fixture(scope="module")
def lake(sql: Trino, new_schema: NewSchema) -> str:
    """An Iceberg schema with a table, a view and a materialized view."""
    schema = new_schema("iceberg", "kinds")
    table, view, materialized = (quoted("iceberg", schema, name) for name in ("a_table", "b_view", "c_materialized"))
    sql(f"CREATE TABLE {table} WITH (partitioning = ARRAY['id']) AS SELECT 1 AS id, 'x' AS name")
    sql(f"CREATE VIEW {view} AS SELECT id, upper(name) AS name FROM {table}")
    sql(f"CREATE MATERIALIZED VIEW {materialized} AS SELECT count(*) AS n FROM {table}")
    return schema


@pytest.fixture(scope="module")
def lake_found(connector: Connector, config: Config, lake: str) -> Result:
    return connector.discover(config("iceberg", lake))


def test_views_and_materialized_views_are_streams(lake_found: Result) -> None:
    assert list(lake_found.streams) == ["a_table", "b_view", "c_materialized"]


def test_hidden_columns_are_left_out(lake_found: Result) -> None:
    assert set(lake_found.streams["a_table"]["json_schema"]["properties"]) == {"id", "name"}


@pytest.mark.parametrize(("stream", "expected"), [("b_view", {"id": 1, "name": "X"}), ("c_materialized", {"n": 1})])
def test_views_and_materialized_views_are_read(
    connector: Connector, config: Config, lake: str, lake_found: Result, stream: str, expected: dict[str, Any]
) -> None:
    catalog = {"streams": [{"stream": lake_found.streams[stream], "sync_mode": "full_refresh"}]}
    result = connector.read(config("iceberg", lake), catalog)
    assert result.data(stream) == [expected], result.explain()


def test_streams_say_what_they_can_do(lake_found: Result) -> None:
    stream = {
        key: value for key, value in lake_found.streams["a_table"].items() if key not in ("json_schema", "namespace")
    }
    assert stream == {
        "name": "a_table",
        "supported_sync_modes": ["full_refresh", "incremental"],
        "source_defined_cursor": False,
        "is_resumable": True,
    }


def test_the_pattern_for_all_schemas_leaves_information_schema_out(connector: Connector, config: Config) -> None:
    namespaces = {name.split(".")[0] for name in found(connector.discover(config("tpch", "tiny", schemas=["*"])))}
    assert {"tiny", "sf1", "sf100"} <= namespaces
    assert "information_schema" not in namespaces


def test_information_schema_can_be_a_schema(connector: Connector, config: Config) -> None:
    assert "tables" in connector.discover(config("tpch", "information_schema")).streams


# Primary keys and odd tables of PostgreSQL


@pytest.fixture(scope="module")
def database(
    connector: Connector, config: Config, postgres: psycopg.Connection[Any], new_schema: NewSchema
) -> dict[str, dict[str, Any]]:
    """The streams of a PostgreSQL schema."""
    schema = new_schema("postgresql", "keys")
    for table in (
        '"single" (a int, id bigint PRIMARY KEY)',
        '"composite" (a int, b int, c int, PRIMARY KEY (c, a))',
        '"without" (a int)',
        '"unique_only" (a int UNIQUE NOT NULL)',
        '"covering" (id int, name text, PRIMARY KEY (id) INCLUDE (name))',
        '"part" (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day)',
        '"odd ""key""" ("i.d" int, "Čia" int, PRIMARY KEY ("Čia", "i.d"))',
        '"key_of_unsupported_type" (id point, a int, net cidr PRIMARY KEY)',
        '"no_columns" ()',
        '"only_unsupported" (p point)',
    ):
        postgres.execute(f"CREATE TABLE {quoted(schema)}.{table}".encode())
    postgres.execute(f"CREATE VIEW {quoted(schema)}.a_view AS SELECT * FROM {quoted(schema)}.single".encode())
    return connector.discover(config("postgresql", schema)).streams


@pytest.mark.parametrize(
    ("table", "key"),
    [
        pytest.param("single", [["id"]], id="one column"),
        pytest.param("composite", [["c"], ["a"]], id="several columns, in the order of the key"),
        pytest.param("without", None, id="no key"),
        pytest.param("unique_only", None, id="a unique column is no key"),
        pytest.param("covering", [["id"]], id="columns that the key only includes are not of it"),
        pytest.param("part", [["id"], ["day"]], id="partitioned table"),
        pytest.param('odd "key"', [["čia"], ["i.d"]], id="odd names"),
        pytest.param("key_of_unsupported_type", None, id="a key that Trino does not show is none"),
        pytest.param("a_view", None, id="view"),
    ],
)
def test_primary_key(database: dict[str, Any], table: str, key: list[list[str]] | None) -> None:
    assert database[table].get("source_defined_primary_key") == key


def test_columns_of_types_that_trino_does_not_show_are_left_out(database: dict[str, Any]) -> None:
    assert set(database["key_of_unsupported_type"]["json_schema"]["properties"]) == {"a"}


@pytest.mark.parametrize("table", ["no_columns", "only_unsupported"])
def test_a_table_without_columns_is_no_stream(database: dict[str, Any], table: str) -> None:
    assert table not in database


def test_tables_whose_names_differ_only_by_case_cost_a_warning_and_not_the_others(
    connector: Connector, config: Config, postgres: psycopg.Connection[Any], new_schema: NewSchema
) -> None:
    schema = new_schema("postgresql", "twins")
    tables = {'"Twin"': "a int", '"twin"': "a int", "columns": '"A" int, a int', "fine": "a int PRIMARY KEY"}
    for table, columns in tables.items():
        postgres.execute(f"CREATE TABLE {quoted(schema)}.{table} ({columns})".encode())
    try:
        result = connector.discover(config("postgresql", schema))
        assert list(result.streams) == ["fine"]
        assert {word for word in ("twin", "columns") for text in result.logs("WARN") if word in text} == {
            "twin",
            "columns",
        }
    finally:
        # Trino cannot drop a schema with such tables.
        for table in tables:
            postgres.execute(f"DROP TABLE {quoted(schema)}.{table}".encode())


# What may not or cannot be read


@pytest.fixture(scope="module")
def open_schema(sql: Trino, new_schema: NewSchema) -> str:
    schema = new_schema("memory", "open")
    sql(f"CREATE TABLE {quoted('memory', schema, 'readable')} (a bigint)")
    return schema


def test_a_table_that_may_not_be_read_is_left_out_with_a_warning(
    connector: Connector, config_https: Config, private_schema: str, open_schema: str
) -> None:
    result = connector.discover(config_https("memory", open_schema, username="denied", schemas=[private_schema]))
    assert found(result) == [f"{open_schema}.readable"]
    assert [warning for warning in result.logs("WARN") if "secret" in warning], result.explain()


def test_a_table_that_may_not_be_read_is_a_stream_without_check_privileges(
    connector: Connector, config_https: Config, private_schema: str, open_schema: str
) -> None:
    options = {"username": "denied", "schemas": [private_schema], "check_privileges": False}
    result = connector.discover(config_https("memory", open_schema, **options))
    assert found(result) == [f"{open_schema}.readable", "private.secret"]


def test_who_may_read_the_table_sees_it(connector: Connector, config_https: Config, private_schema: str) -> None:
    assert {"secret", "hidden"} <= set(
        connector.discover(config_https("memory", private_schema, username="alice")).streams
    )


def test_a_broken_view_costs_a_warning_and_not_the_others(
    connector: Connector, config: Config, sql: Trino, new_schema: NewSchema
) -> None:
    schema = new_schema("memory", "broken")
    for name in ("base", "good"):
        sql(f"CREATE TABLE {quoted('memory', schema, name)} (a bigint)")
    sql(f"CREATE VIEW {quoted('memory', schema, 'broken_view')} AS SELECT * FROM {quoted('memory', schema, 'base')}")
    sql(f"DROP TABLE {quoted('memory', schema, 'base')}")
    result = connector.discover(config("memory", schema))
    assert list(result.streams) == ["good"]
    [warning] = result.logs("WARN")
    assert "broken_view" in warning


def test_a_schema_without_any_table_is_an_error(connector: Connector, config: Config, new_schema: NewSchema) -> None:
    schema = new_schema("memory", "nothing")
    result = connector.run("discover", "--config", connector.file(config("memory", schema)))
    [error] = result.errors
    assert (result.exit_code, result.of_type("CATALOG")) == (1, [])
    assert error["failure_type"] == "config_error"
    assert schema in error["message"] and '"schema"' in error["message"]


def test_a_schema_none_of_whose_tables_may_be_read_is_an_error(
    connector: Connector, config_https: Config, private_schema: str
) -> None:
    file = connector.file(config_https("memory", private_schema, username="denied"))
    result = connector.run("discover", "--config", file)
    [error] = result.errors
    assert (result.exit_code, error["failure_type"]) == (1, "config_error")
    assert "PERMISSION_DENIED" in error["message"] and private_schema in error["message"]


@pytest.mark.parametrize("catalog", ["memory", "iceberg"])
def test_columns_with_names_of_airbytes_own_are_named(
    connector: Connector, config: Config, sql: Trino, new_schema: NewSchema, catalog: str
) -> None:
    schema = new_schema(catalog, "airbyte")
    for table, columns in {
        "raw": '1 AS id, \'x\' AS "_airbyte_raw_id", CAST(ROW(1) AS row(a integer)) AS "_airbyte_meta"',
        "cdc": '1 AS id, 2 AS "_ab_cdc_lsn"',
        "plain": "1 AS id, 2 AS airbyte_raw_id, 3 AS _ab",
    }.items():
        sql(f"CREATE TABLE {quoted(catalog, schema, table)} AS SELECT {columns}")
    settings = config(catalog, schema)
    result = connector.discover(settings)
    warned = {f"{schema}.{table}": [text for text in result.logs("WARN") if f".{table}" in text] for table in result.streams}
    assert "_airbyte_raw_id, _airbyte_meta" in warned[f"{schema}.raw"][0] or "_airbyte_meta, _airbyte_raw_id" in warned[f"{schema}.raw"][0]
    assert "_ab_cdc_lsn" in warned[f"{schema}.cdc"][0]
    assert not warned[f"{schema}.plain"]
    assert all("Deselect" in text for texts in warned.values() for text in texts)
    # Changes bring columns of their own, which no table has.
    changes = connector.discover(settings | {"replication_method": {"method": "CHANGES"}})
    assert not [text for text in changes.logs("WARN") if ".plain" in text]
    read = connector.read(settings, configured(result.streams.values()))
    assert [text for text in read.logs("WARN") if "_airbyte_raw_id" in text]
    stream = result.streams["raw"] | {"json_schema": {"properties": {"id": {}}}}
    assert not connector.read(settings, configured([stream])).logs("WARN")


# Many schemas


def test_many_schemas_are_asked_for_side_by_side(
    connector: Connector, config: Config, sql: Trino
) -> None:
    prefix, count = unique("tenant"), 100
    schemas = [f"{prefix}_{number:03}" for number in range(count)]
    try:
        sql.all([f"CREATE SCHEMA {quoted('memory', schema)}" for schema in schemas])
        sql.all([f"CREATE TABLE {quoted('memory', schema, 't')} AS SELECT 1 AS id" for schema in schemas])
        settings = config("memory", schemas[0], schemas=[f"{prefix}_*"], concurrency=16, source=prefix)
        result = connector.discover(settings)
        assert found(result) == [f"{schema}.t" for schema in schemas]
        print(f"{count} schemas: {result.seconds:.1f} s")
        streams = result.of_type("CATALOG")[0]["catalog"]["streams"][::4]
        read = connector.read(settings, configured(streams))
        assert read.exit_code == 0 and len(read.of_type("RECORD")) == len(streams), read.explain()
        # How many of them ran at the same time, at the most.
        times = sql(
            "SELECT created, \"end\" FROM system.runtime.queries "
            f"WHERE source = '{prefix}' AND query LIKE '%information_schema.columns%' AND query NOT LIKE '%IN (%'"
        )
        begins = sorted(begin for begin, _ in times)
        most = max(sum(1 for begin, end in times if begin <= moment < end) for moment in begins)
        assert 4 <= most <= 16, most
    finally:
        sql.all([f"DROP SCHEMA IF EXISTS {quoted('memory', schema)} CASCADE" for schema in schemas])


# Many tables


@pytest.fixture(scope="module")
def many(sql: Trino, new_schema: NewSchema) -> str:
    """A schema with a great many tables."""
    schema = new_schema("memory", "many")
    sql.all(
        [f"CREATE TABLE {quoted('memory', schema, f't{number:04}')} (a bigint, b varchar)" for number in range(MANY)]
    )
    return schema


def test_many_tables_are_discovered_quickly_and_with_few_queries(
    connector: Connector, config: Config, sql: Trino, many: str
) -> None:
    source = unique("counting")
    with remembered(sql, source) as queries:
        result = connector.discover(config("memory", many, source=source))
    assert len(result.streams) == MANY
    assert 0 < len(queries) <= MANY_QUERIES
    assert result.seconds < MANY_SECONDS


# For people at a terminal


def test_a_configured_catalog_of_chosen_streams_can_be_read_at_once(connector: Connector, config: Config) -> None:
    file = connector.file(config("tpch", "tiny"))
    printed = connector.run("discover", "--config", file, "--configured", "--streams", "region,tiny.nation")
    assert printed.exit_code == 0, printed.explain()
    catalog = printed.stdout.decode()
    assert [entry["stream"]["name"] for entry in json.loads(catalog)["streams"]] == ["region", "nation"]
    result = connector.read(config("tpch", "tiny"), catalog)
    assert (result.exit_code, len(result.data("region")), len(result.data("nation"))) == (0, 5, 25)


def test_a_chosen_stream_that_does_not_exist_is_an_error_with_near_names(connector: Connector, config: Config) -> None:
    file = connector.file(config("tpch", "tiny"))
    result = connector.run("discover", "--config", file, "--configured", "--streams", "nations")
    # stdout would be the catalog's file: what is wrong goes to stderr.
    assert (result.exit_code, result.stdout) == (1, b"")
    assert '"nation"' in result.stderr
