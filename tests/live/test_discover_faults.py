"""A statement of `discover` or `check` fails: no stream is lost, none changes, or the command fails."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from live_support.connector import Connector, Result, all_streams
from live_support.environment import EVERY_CASE, Environment
from live_support.faults import DENIED, NO_ROWS, Fault
from live_support.messages import configured, handwritten
from live_support.oracle import Trino, quoted
from live_support.relay import Relay, Sent, relay
from live_support.roles import new_role

Config = Callable[..., dict[str, Any]]
NewSchema = Callable[[str, str], str]

CHANGES = {"replication_method": {"method": "CHANGES"}}

#: Errors of the database, the metastore, the cluster and an administrator.
ERRORS = [
    Fault("JDBC_ERROR", error_type="EXTERNAL", code=67108864),
    Fault("HIVE_METASTORE_ERROR", error_type="EXTERNAL", code=16777216),
    Fault("EXCEEDED_TIME_LIMIT", error_type="INSUFFICIENT_RESOURCES", code=131075),
    Fault("USER_CANCELED", error_type="USER_ERROR", code=3),
]
#: Where the test server keeps its Iceberg tables.
LAKE = Path(os.environ.get("SOURCE_TRINO_SERVERS", "")).parent / "data" / "iceberg"


class Places:
    """A schema in each catalog with tables, a view and what else the catalog has."""

    def __init__(self, sql: Trino, postgres: psycopg.Connection[Any], new_schema: NewSchema) -> None:
        self.schemas: dict[str, str] = {}
        for catalog in ("postgresql", "iceberg", "delta"):
            schema = self.schemas[catalog] = new_schema(catalog, "faults")
            if catalog == "postgresql":
                for name in "abcde":
                    table = quoted(schema, name)
                    postgres.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, at timestamp)".encode())
                continue
            feed = "WITH (change_data_feed_enabled = true)" if catalog == "delta" else ""
            table = quoted(catalog, schema, "a")
            sql.all([
                f"CREATE TABLE {quoted(catalog, schema, name)} (id bigint, r row(x bigint)) {feed}" for name in "abcd"
            ])  # fmt: skip
            # A view's own result has the capitals, its listing has not.
            row = 'CAST(ROW(id) AS ROW("Field" bigint))'
            sql(f'CREATE VIEW {quoted(catalog, schema, "v")} AS SELECT id AS "Id", {row} AS "ROW" FROM {table}')


@pytest.fixture(scope="module")
def places(sql: Trino, postgres: psycopg.Connection[Any], new_schema: NewSchema) -> dict[str, str]:
    return Places(sql, postgres, new_schema).schemas


def run(connector: Connector, settings: dict[str, Any], through: Relay, command: str = "discover") -> Result:
    return connector.run(command, "--config", connector.file(settings | {"port": through.port}))


def assert_all_or_nothing(result: Result, quiet: Result, what: object) -> None:
    """The streams of a quiet moment, or an error that is worth another try."""
    if result.exit_code == 0:
        assert result.streams == quiet.streams, f"{what}: {result.explain()}"
    else:
        assert not result.of_type("CATALOG"), what
        assert [error["failure_type"] for error in result.errors] == ["transient_error"], f"{what}: {result.explain()}"


@pytest.mark.parametrize(
    ("catalog", "more"),
    [("postgresql", {"concurrency": 1}), ("iceberg", CHANGES), ("delta", CHANGES)],
)
def test_whichever_statement_fails_no_stream_is_lost(
    connector: Connector, config: Config, environment: Environment, places: dict[str, str], catalog: str, more: dict[str, Any]
) -> None:
    settings = config(catalog, places[catalog], **more)
    with relay(environment.http_port) as passing:
        quiet = run(connector, settings, passing)
        statements = len(passing.sent)
    assert quiet.exit_code == 0 and statements >= 7, quiet.explain()

    def failing(case: tuple[int, Fault, bool]) -> str:
        number, fault, lasts = case
        is_hit = lambda sent: sent.number >= number if lasts else sent.number == number  # noqa: E731
        with relay(environment.http_port, lambda sent: fault if is_hit(sent) else None) as through:
            result = run(connector, settings, through)
            assert through.hits or number > len(through.sent)
        assert_all_or_nothing(result, quiet, (number, fault.name, lasts))
        return "listed" if result.exit_code == 0 else "failed"

    # The first one is the first contact, which is no statement.
    numbers = range(2, statements + 1)
    cases = [(n, ERRORS[(n + lasts) % len(ERRORS)], lasts) for n, lasts in itertools.product(numbers, (False, True))]
    cases += [(n, ERRORS[0], True) for n in numbers if (n + True) % len(ERRORS)]
    # Every third of them is, in turn, a fault of one moment and one that lasts. The sweep asks the same of all commands.
    cases = cases if EVERY_CASE else cases[::3]
    with ThreadPoolExecutor(6) as pool:
        ends = list(pool.map(failing, cases))
    assert {"listed", "failed"} <= set(ends), "faults that change nothing, or always all, prove nothing"


LISTINGS = [f"information_schema.{name}" for name in ("columns", "tables", "schemata")]


@pytest.mark.sampled
@pytest.mark.parametrize("listing", LISTINGS)
@pytest.mark.parametrize("lasts", [False, True])
@pytest.mark.parametrize(("catalog", "more"), [("postgresql", {}), ("iceberg", CHANGES), ("delta", CHANGES)])
def test_a_listing_that_is_empty_costs_no_stream(
    connector: Connector, config: Config, environment: Environment, places: dict[str, str],
    catalog: str, more: dict[str, Any], listing: str, lasts: bool,
) -> None:  # fmt: skip
    settings = config(catalog, places[catalog], **more)
    quiet = connector.discover(settings)
    with relay(environment.http_port, chosen(listing, NO_ROWS, lasts)) as through:
        discovered = run(connector, settings, through)
        assert through.hits
    assert discovered.exit_code == 0, discovered.explain()
    assert discovered.streams == quiet.streams
    with relay(environment.http_port, chosen(listing, NO_ROWS, lasts)) as through:
        assert run(connector, settings, through, "check").status["status"] == "SUCCEEDED"
    with relay(environment.http_port, chosen(listing, NO_ROWS, lasts)) as through:
        arguments = connector.read_arguments(settings | {"port": through.port}, configured(quiet.streams.values()))
        assert connector.run(*arguments).exit_code == 0


@pytest.mark.sampled
@pytest.mark.parametrize("listing", ["SHOW CATALOGS", "information_schema.schemata"])
@pytest.mark.parametrize("lasts", [False, True])
@pytest.mark.parametrize("entry", ["delta.{}", "delta.{}*", '"delta"."{}"'])
def test_an_empty_listing_of_catalogs_or_schemas_shrinks_nothing(
    connector: Connector, config: Config, environment: Environment, places: dict[str, str],
    entry: str, listing: str, lasts: bool,
) -> None:  # fmt: skip
    """Each server has the catalog `system`, and each catalog the schema `information_schema`: none proves nothing."""
    settings = config("postgresql", places["postgresql"], schemas=[entry.format(places["delta"])])
    quiet = all_streams(connector.discover(settings))
    assert len({stream["namespace"] for stream in quiet}) == 2
    with relay(environment.http_port, chosen(listing, NO_ROWS, lasts)) as through:
        discovered = run(connector, settings, through)
        assert through.hits
    if discovered.exit_code == 0:
        assert all_streams(discovered) == quiet, discovered.explain()
    else:
        assert not discovered.of_type("CATALOG")
        assert [error["failure_type"] for error in discovered.errors] == ["transient_error"], discovered.explain()
    with relay(environment.http_port, chosen(listing, NO_ROWS, lasts)) as through:
        result = connector.run(*connector.read_arguments(settings | {"port": through.port}, configured(quiet)))
    failures = {error["failure_type"] for error in result.errors}
    assert result.exit_code == 0 or failures == {"transient_error"}, result.explain()


def chosen(part: str, fault: Fault, lasts: bool = True) -> Callable[[Sent], Fault | None]:
    """The rule that fails statements with this text: the first one, or all."""
    seen = itertools.count()

    def rule(sent: Sent) -> Fault | None:
        if part in sent.sql and (next(seen) == 0 or lasts):
            return fault
        return None

    return rule


# Rights that are missing, where nothing else is wrong


@pytest.mark.sampled
@pytest.mark.parametrize("catalog", ["iceberg", "delta"])
@pytest.mark.parametrize("more", [{}, CHANGES], ids=["cursor", "changes"])
def test_a_view_whose_plan_is_refused_is_no_table_that_keeps_versions(
    connector: Connector, config: Config, environment: Environment, places: dict[str, str], catalog: str, more: dict[str, Any]
) -> None:
    settings = config(catalog, places[catalog], **more)
    quiet = connector.discover(settings).streams
    assert quiet["a"]["is_resumable"] and not quiet["v"]["is_resumable"]
    with relay(environment.http_port, chosen("EXPLAIN (TYPE IO", DENIED)) as through:
        discovered = run(connector, settings, through)
        assert through.hits
    assert discovered.streams == quiet, discovered.explain()


@pytest.mark.parametrize("catalog", ["iceberg", "delta"])
def test_what_keeps_versions_is_found_without_knowing_the_connector(
    connector: Connector, config: Config, environment: Environment, places: dict[str, str], catalog: str
) -> None:
    settings = config(catalog, places[catalog], **CHANGES)
    quiet = connector.discover(settings).streams
    assert quiet["a"]["source_defined_cursor"] and not quiet["v"]["source_defined_cursor"]
    with relay(environment.http_port, chosen("system.metadata.catalogs", DENIED)) as through:
        result = run(connector, settings, through)
    assert result.streams == quiet, result.explain()
    [warning] = result.logs("WARN")
    assert "Grant the user SELECT on system.metadata.catalogs" in warning
    with relay(environment.http_port, chosen("system.metadata.materialized_views", DENIED)) as through:
        result = run(connector, settings, through)
    assert result.streams == quiet, result.explain()


@pytest.mark.parametrize("catalog", ["iceberg", "delta"])
def test_a_table_whose_changes_may_not_be_seen_is_named_with_the_right(
    connector: Connector, config: Config, environment: Environment, places: dict[str, str], catalog: str
) -> None:
    settings = config(catalog, places[catalog], **CHANGES)
    unknown, metadata = "system.metadata.catalogs", '"b$'
    rule = lambda sent: DENIED if unknown in sent.sql or metadata in sent.sql else None  # noqa: E731
    with relay(environment.http_port, rule) as through:
        result = run(connector, settings, through)
    assert result.exit_code == 0, result.explain()
    assert [name for name, stream in result.streams.items() if stream["source_defined_cursor"]] == ["a", "c", "d"]
    [warning] = [text for text in result.logs("WARN") if '"b"' in text]
    assert "Grant the user SELECT" in warning and '"b$' in warning


def test_keys_that_may_not_be_asked_for_cost_a_warning_with_the_right(
    connector: Connector, config: Config, environment: Environment, places: dict[str, str]
) -> None:
    settings = config("postgresql", places["postgresql"])
    with relay(environment.http_port, chosen("pg_index", DENIED)) as through:
        result = run(connector, settings, through)
    assert list(result.streams) == list("abcde")
    assert not any("source_defined_primary_key" in stream for stream in result.streams.values())
    assert "EXECUTE" in result.logs("WARN")[0] and "system.query" in result.logs("WARN")[0]


def test_a_database_that_cannot_tell_keys_at_all_has_none(
    connector: Connector, config: Config, environment: Environment, places: dict[str, str]
) -> None:
    settings = config("postgresql", places["postgresql"])
    with relay(environment.http_port, chosen("pg_index", ERRORS[0])) as through:
        result = run(connector, settings, through)
    assert list(result.streams) == list("abcde"), result.explain()
    assert "primary keys" in result.logs("WARN")[-1]


# A database with few connections


@pytest.fixture(scope="module")
def crowd(postgres: psycopg.Connection[Any], new_schema: NewSchema) -> str:
    schema = new_schema("postgresql", "crowd")
    for number in range(60):
        postgres.execute(f"CREATE TABLE {quoted(schema, f't{number:02}')} (id int PRIMARY KEY)".encode())
    return schema


def all_tables(schema: str) -> tuple[str, ...]:
    return (f"SELECT ON ALL TABLES IN SCHEMA {quoted(schema)}",)


def test_too_few_connections_cost_no_stream(
    connector: Connector, config: Config, postgres: psycopg.Connection[Any], crowd: str
) -> None:
    with new_role(postgres, crowd, all_tables(crowd)) as role:
        file = connector.file(config("postgresql", crowd, concurrency=16) | role.config())
        quiet = connector.run("discover", "--config", file)
        assert len(quiet.streams) == 60, quiet.explain()
        role.limit(2)
        with ThreadPoolExecutor(3) as pool:
            results = list(pool.map(lambda _: connector.run("discover", "--config", file), range(6)))
    for result in results:
        assert_all_or_nothing(result, quiet, "two connections")


@pytest.mark.parametrize("before", ["information_schema.columns", "EXPLAIN", "pg_index"])
def test_a_database_that_closes_its_doors_in_the_middle_ends_discover(
    connector: Connector, config: Config, environment: Environment, postgres: psycopg.Connection[Any], crowd: str, before: str
) -> None:
    with new_role(postgres, crowd, all_tables(crowd)) as role:

        def close_doors(sent: Sent) -> None:
            if before in sent.sql:
                role.limit(0)

        settings = config("postgresql", crowd) | role.config()
        with relay(environment.http_port, close_doors) as through:
            result = run(connector, settings, through)
    assert result.exit_code == 1, result.explain()
    [error] = result.errors
    assert error["failure_type"] == "transient_error" and "too many connections" in error["message"], error


@pytest.fixture
def locked_out(postgres: psycopg.Connection[Any], crowd: str) -> Iterator[dict[str, dict[str, Any]]]:
    """Configurations of users whom the database refuses."""
    with new_role(postgres, crowd, all_tables(crowd)) as full, new_role(postgres, crowd, all_tables(crowd)) as stranger:
        full.limit(0)
        yield {"no connections": full.config(), "wrong password": stranger.config("wrong")}


@pytest.mark.parametrize("reason", ["no connections", "wrong password"])
def test_a_database_that_refuses_connections_is_no_missing_table(
    connector: Connector, config: Config, crowd: str, locked_out: dict[str, dict[str, Any]], reason: str
) -> None:
    streams = connector.discover(config("postgresql", crowd)).streams
    catalog = configured([streams["t00"], streams["t01"]])
    result = connector.read(config("postgresql", crowd) | locked_out[reason], catalog)
    assert result.exit_code == 1
    assert len(result.errors) == 2, result.explain()
    for error in result.errors:
        assert "does not exist" not in error["message"]
        assert {"no connections": "too many connections", "wrong password": "password authentication failed"}[
            reason
        ] in error["message"]


# Tables that cannot be had


def test_listed_tables_without_columns_are_named(
    connector: Connector, config: Config, postgres: psycopg.Connection[Any], new_schema: NewSchema
) -> None:
    schema = new_schema("postgresql", "odd")
    odd = {"no_columns": "", "unsupported": "p point", "odd_decimal": "a numeric(9,-7), b int"}
    for table, columns in (odd | {"good": "id int"}).items():
        postgres.execute(f"CREATE TABLE {quoted(schema, table)} ({columns})".encode())
    settings = config("postgresql", schema)
    result = connector.discover(settings)
    assert list(result.streams) == ["good"]
    warned = {table: [text for text in result.logs("WARN") if f'"{table}"' in text] for table in odd}
    assert all(warned.values()), warned
    assert "INVALID_FUNCTION_ARGUMENT" in warned["odd_decimal"][0]
    [good] = result.streams.values()
    read = connector.read(settings, configured([good, *(good | {"name": table} for table in odd)]))
    said = {error["stream_descriptor"]["name"]: error["message"] for error in read.errors}
    assert set(said) == set(odd), read.explain()
    assert "no supported columns" in said["unsupported"] and "INVALID_FUNCTION_ARGUMENT" in said["odd_decimal"]
    assert read.statuses("good")[-1] == "COMPLETE"


def test_a_table_whose_metadata_file_is_gone_is_named_with_trinos_reason(
    connector: Connector, config: Config, sql: Trino, new_schema: NewSchema
) -> None:
    schema = new_schema("iceberg", "damaged")
    for table in ("good", "damaged"):
        sql(f"CREATE TABLE {quoted('iceberg', schema, table)} AS SELECT 1 AS id")
    # Before Trino has read them: it keeps what it has read.
    files = list((LAKE / schema).glob("damaged*/metadata/*.metadata.json"))
    assert files
    for file in files:
        file.rename(file.with_suffix(".kept"))
    try:
        settings = config("iceberg", schema)
        result = connector.discover(settings)
        assert list(result.streams) == ["good"], result.explain()
        [warning] = [text for text in result.logs("WARN") if '"damaged"' in text]
        assert "ICEBERG_" in warning
        read = connector.read(settings, configured([handwritten(table, schema, ["id"]) for table in ("good", "damaged")]))
        [error] = read.errors
        assert "ICEBERG_" in error["message"] and "does not exist" not in error["message"], error
        assert read.statuses("good")[-1] == "COMPLETE"
    finally:
        for file in files:
            file.with_suffix(".kept").rename(file)
