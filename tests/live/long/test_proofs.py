"""What is concluded of a table's versions has a proof: errors that are not about the version lose nothing.

A relay fails single statements; over two syncs no deletion is lost and no finished slice comes again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from live_support.connector import Connector
from live_support.environment import Environment
from live_support.failing import Failing, failing
from live_support.messages import configured
from live_support.oracle import Trino, quoted
from live_support.syncs import Syncs, incremental

Config = Callable[..., dict[str, Any]]

CHANGES = {"replication_method": {"method": "CHANGES"}}
FEED = {"iceberg": "", "delta": "WITH (change_data_feed_enabled = true)"}
#: One of each class of errors that says nothing of a version.
ERRORS = ["USER_CANCELED", "EXCEEDED_TIME_LIMIT", "PERMISSION_DENIED", "NOT_SUPPORTED", "ICEBERG_INVALID_METADATA"]


@pytest.fixture
def relay(environment: Environment) -> Iterator[Failing]:
    with failing(environment.http_port) as running:
        yield running


def position(syncs: Syncs) -> Any:
    return syncs.content["table_version"]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("catalog", FEED)
def test_no_deletion_is_lost_whichever_statement_fails(
    connector: Connector,
    config: Config,
    sql: Trino,
    new_schema: Callable[[str, str], str],
    relay: Failing,
    catalog: str,
    error: str,
) -> None:
    schema = new_schema(catalog, f"fails_{error.lower()}")
    table = quoted(catalog, schema, "t")
    sql(f"CREATE TABLE {table} {FEED[catalog]} AS SELECT n AS id, 'v' AS v FROM UNNEST(sequence(1, 20)) t(n)")
    settings = config(catalog, schema, **CHANGES)
    syncs = Syncs(connector, settings, incremental(connector.discover(settings).streams["t"], None, ("id",)))
    syncs.read()
    first = syncs.state
    sql(f"DELETE FROM {table} WHERE id = 7")
    sql(f"INSERT INTO {table} VALUES (21, 'new')")
    relay.rule = lambda sql: None
    syncs.config = settings | {"port": relay.port}
    whole = syncs.read().data("t")
    changes = Counter((row["id"], row["_ab_cdc_deleted_at"] is not None) for row in whole)
    assert changes == {(7, True): 1, (21, False): 1}
    statements = len(relay.statements)
    for number in range(1, statements + 1):
        relay.fail(number, error)
        result = connector.read(syncs.config, syncs.catalog, first)
        told = Counter((row["id"], row["_ab_cdc_deleted_at"] is not None) for row in result.data("t"))
        relay.rule = lambda sql: None
        where = f"statement {number} of {statements}: {relay.failed}\n{result.explain()}"
        if result.exit_code == 0:
            assert told == changes, where
            continue
        assert result.errors, where
        assert result.statuses("t")[-1:] in ([], ["INCOMPLETE"]), where
        # With the state that it left, the next sync tells the rest.
        again = connector.read(syncs.config, syncs.catalog, result.states[-1:] or first)
        assert again.exit_code == 0, again.explain()
        told |= Counter((row["id"], row["_ab_cdc_deleted_at"] is not None) for row in again.data("t"))
        assert told == changes, where


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("catalog", FEED)
def test_no_finished_slice_comes_again_whichever_statement_fails(
    connector: Connector,
    config: Config,
    sql: Trino,
    new_schema: Callable[[str, str], str],
    relay: Failing,
    catalog: str,
    error: str,
) -> None:
    schema = new_schema(catalog, f"slices_{error.lower()}")
    table = quoted(catalog, schema, "t")
    for file in range(4):
        rows = f"SELECT {file} * 500 + n AS n, rpad('', 400, 'x') AS x FROM UNNEST(sequence(1, 500)) t(n)"
        sql(f"CREATE TABLE {table} AS {rows}" if file == 0 else f"INSERT INTO {table} {rows}")
    settings = config(catalog, schema, slice_rows=500, concurrency=1, fetch_protocol="direct")
    syncs = Syncs(connector, settings, configured([connector.discover(settings).streams["t"]]))
    _, covered, _ = syncs.read_until(2 * 500 * 480)
    assert covered, "the read was killed before its first state"
    first, rest = syncs.state, set(range(1, 2001)) - {row["n"] for row in covered}
    # Another version is present now.
    sql(f"DELETE FROM {table} WHERE n % 2 = 0")
    relay.rule = lambda sql: None
    through = settings | {"port": relay.port}
    result = connector.read(through, syncs.catalog, first)
    assert Counter(row["n"] for row in result.data("t")) == Counter(rest), result.explain()
    statements = len(relay.statements)
    for number in range(1, statements + 1):
        relay.fail(number, error)
        result = connector.read(through, syncs.catalog, first)
        relay.rule = lambda sql: None
        read = Counter(row["n"] for row in result.data("t"))
        where = f"statement {number} of {statements}: {relay.failed}\n{result.explain()}"
        if result.exit_code:
            again = connector.read(through, syncs.catalog, result.states[-1:] or first)
            assert again.exit_code == 0, again.explain()
            read += Counter(row["n"] for row in again.data("t"))
        assert set(read) == rest, where
        assert max(read.values()) == 1 or result.exit_code, where


@pytest.mark.parametrize("catalog", FEED)
def test_versions_that_may_not_be_seen_are_said_and_keep_the_position(
    connector: Connector,
    config: Config,
    sql: Trino,
    new_schema: Callable[[str, str], str],
    relay: Failing,
    catalog: str,
) -> None:
    schema = new_schema(catalog, "hidden")
    table = quoted(catalog, schema, "t")
    sql(f"CREATE TABLE {table} {FEED[catalog]} AS SELECT n AS id, n AS c FROM UNNEST(sequence(1, 20)) t(n)")
    settings = config(catalog, schema, **CHANGES)
    stream = connector.discover(settings).streams["t"]
    syncs = Syncs(connector, settings, incremental(stream, None, ("id",)))
    syncs.read()
    sql(f"DELETE FROM {table} WHERE id = 7")
    hidden = settings | {"port": relay.port}
    relay.rule = lambda sql: "PERMISSION_DENIED" if "$refs" in sql or "$history" in sql else None
    result = connector.read(hidden, syncs.catalog, syncs.state)
    assert result.exit_code == 1 and not result.of_type("RECORD") and not result.states, result.explain()
    # As a whole it can be read; a WARN names the right.
    for catalog_, config_ in ((configured([stream]), hidden), (syncs.catalog, hidden)):
        fresh = connector.read(config_, catalog_)
        assert len(fresh.data("t")) == 19, fresh.explain()
        assert any("SELECT" in line and "cannot be listed" in line for line in fresh.logs("WARN")), fresh.explain()
    # But not as it was.
    past = connector.read(hidden | {"as_of": "2020-01-01T00:00:00Z"}, configured([stream]))
    assert past.exit_code == 1 and not past.of_type("RECORD"), past.explain()
    assert "as_of" in past.explain() and "Grant" in past.explain()
    # With the right back, the deletion is told.
    [deleted] = syncs.read().data("t")
    assert deleted["id"] == 7 and deleted["_ab_cdc_deleted_at"]


def test_a_connector_that_may_not_be_known_keeps_the_position(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], relay: Failing
) -> None:
    schema = new_schema("iceberg", "unknown")
    table = quoted("iceberg", schema, "t")
    sql(f"CREATE TABLE {table} AS SELECT n AS id FROM UNNEST(sequence(1, 20)) t(n)")
    settings = config("iceberg", schema, **CHANGES)
    syncs = Syncs(connector, settings, incremental(connector.discover(settings).streams["t"], None, ("id",)))
    syncs.read()
    sql(f"DELETE FROM {table} WHERE id = 7")
    relay.rule = lambda sql: "PERMISSION_DENIED" if "system.metadata" in sql else None
    result = connector.read(settings | {"port": relay.port}, syncs.catalog, syncs.state)
    told = [row["id"] for row in result.data("t")]
    assert (result.exit_code, told) in ((1, []), (0, [7])), result.explain()
    syncs.state = result.states[-1:] or syncs.state
    told += [row["id"] for row in syncs.read().data("t")]
    assert told == [7]
    past = connector.read(
        settings | {"port": relay.port, "as_of": "2020-01-01T00:00:00Z"},
        configured([connector.discover(settings).streams["t"]]),
    )
    assert past.exit_code == 1 and not past.of_type("RECORD"), past.explain()


def test_what_has_no_versions_is_read_as_it_is_and_said(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    schema = new_schema("iceberg", "views")
    sql(f"CREATE VIEW {quoted('iceberg', schema, 'v')} AS SELECT 1 AS a")
    sql(f"CREATE TABLE {quoted('iceberg', schema, 't')} AS SELECT 1 AS a")
    mv = quoted("iceberg", schema, "mv")
    sql(f"CREATE MATERIALIZED VIEW {mv} AS SELECT a FROM {quoted('iceberg', schema, 't')}")
    sql(f"REFRESH MATERIALIZED VIEW {mv}")
    settings = config("iceberg", schema, as_of="2020-01-01T00:00:00Z")
    streams = connector.discover(settings).streams
    for view in ("v", "mv"):
        result = connector.read(settings, configured([streams[view]]))
        assert len(result.data(view)) == 1, result.explain()
        assert any("as it is now" in line for line in result.logs("WARN")), result.explain()
    sql(f"DROP MATERIALIZED VIEW {mv}")


@pytest.mark.parametrize("catalog", FEED)
def test_without_the_right_to_the_function_iceberg_is_compared_and_delta_lake_says_which_right(
    connector: Connector,
    config: Config,
    sql: Trino,
    new_schema: Callable[[str, str], str],
    relay: Failing,
    catalog: str,
) -> None:
    schema = new_schema(catalog, "function")
    table = quoted(catalog, schema, "t")
    sql(f"CREATE TABLE {table} {FEED[catalog]} AS SELECT n AS id FROM UNNEST(sequence(1, 20)) t(n)")
    settings = config(catalog, schema, **CHANGES)
    syncs = Syncs(connector, settings, incremental(connector.discover(settings).streams["t"], None, ("id",)))
    syncs.read()
    sql(f"INSERT INTO {table} VALUES 21, 22")
    relay.rule = lambda sql: "PERMISSION_DENIED" if "table_changes" in sql else None
    result = connector.read(settings | {"port": relay.port}, syncs.catalog, syncs.state)
    if catalog == "iceberg":
        assert sorted(row["id"] for row in result.data("t")) == [21, 22], result.explain()
    else:
        before = position(syncs)
        syncs.state = result.states[-1:] or syncs.state
        assert result.exit_code == 1 and not result.data("t") and position(syncs) == before, result.explain()
        assert "EXECUTE on the function delta.system.table_changes" in result.errors[0]["message"]
