"""SQL statements as streams, and schemas of several catalogs in one source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from live_support.connector import Connector
from live_support.messages import configured, handwritten
from live_support.oracle import Trino, quoted
from live_support.syncs import Syncs, incremental, rows

Config = Callable[..., dict[str, Any]]


def test_a_query_across_catalogs_is_a_stream(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    schema = new_schema("memory", "queries")
    sql(f"CREATE TABLE {quoted('memory', schema, 'names')} AS SELECT 1 AS k, 'one' AS name")
    query = {
        "name": "joined",
        "sql": f"SELECT r.regionkey AS id, n.name, ROW(1, 'x') AS \"Both\" -- a comment\nFROM tpch.tiny.region r JOIN memory.{quoted(schema)}.names n ON r.regionkey = n.k;",
        "primary_key": ["id"],
    }
    settings = config("memory", schema, queries=[query])
    assert connector.check(settings).status["status"] == "SUCCEEDED"
    stream = connector.discover(settings).streams["joined"]
    assert "namespace" not in stream
    assert stream["source_defined_primary_key"] == [["id"]]
    result = connector.read(settings, configured([stream]))
    assert result.exit_code == 0, result.explain()
    assert result.data("joined") == [{"id": 1, "name": "one", "Both": {"field0": 1, "field1": "x"}}]


def test_a_query_is_read_by_its_cursor(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    schema = new_schema("memory", "query_cursor")
    table = quoted("memory", schema, "t")
    sql(f"CREATE TABLE {table} AS SELECT 1 AS id, DATE '2024-01-01' AS day")
    query = {"name": "q", "sql": f"SELECT day, count(*) AS n FROM {table} GROUP BY day ORDER BY day", "cursor": "day"}
    settings = config("memory", schema, queries=[query])
    stream = connector.discover(settings).streams["q"]
    assert stream["default_cursor_field"] == ["day"]
    syncs = Syncs(connector, settings, incremental(stream))
    assert rows(syncs.read(), "n") == Counter([(1,)])
    sql(f"INSERT INTO {table} VALUES (2, DATE '2024-01-02'), (3, DATE '2024-01-02')")
    assert rows(syncs.read(), "day", "n") == Counter([("2024-01-02", 2)])
    assert not syncs.read().of_type("RECORD")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELECT *\nFROM tpch.tiny.regio", "at line 2, column 6"),
        ("SELECT\n  nam FROM tpch.tiny.region", "at line 2, column 3"),
        ("SELEC 1", "at line 1"),
        ("INSERT INTO memory.private.secret VALUES (1)", "only SELECT, WITH"),
        ("DROP TABLE memory.private.secret", "only SELECT, WITH"),
        ("SHOW TABLES", "only SELECT, WITH"),
        ("SELECT 1 AS a) ; DROP TABLE memory.private.secret; SELECT * FROM (SELECT 1", "only SELECT, WITH"),
        ("WITH FUNCTION f(x bigint) RETURNS bigint RETURN x SELECT f(1) AS a", "usable as a subquery"),
        ("SELECT 1 AS a, 2 AS a", "two columns named \"a\""),
        ("SELECT 1 AS a, 2 AS A", "two columns named \"A\""),
    ],
)
def test_check_says_what_is_wrong_with_a_query(
    connector: Connector, config: Config, sql: Trino, private_schema: str, statement: str, said: str
) -> None:
    settings = config("tpch", "tiny", queries=[{"name": "q", "sql": statement}])
    status = connector.check(settings).status
    assert status["status"] == "FAILED"
    assert said in status["message"] and '"queries"' in status["message"], status
    discovered = connector.discover(settings)
    assert "q" not in discovered.streams and "region" in discovered.streams
    assert [text for text in discovered.logs("WARN") if said in text], discovered.explain()
    sql("SELECT * FROM memory.private.secret")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sql": "SELECT * FROM memory.private.dropped"}, "does not exist"),
        ({"sql": "SELECT 1 AS a", "cursor": "b"}, 'no column "b"'),
        ({"sql": "SELECT 1 AS a", "primary_key": ["b"]}, 'no column "b"'),
        ({"sql": "SELECT 1 AS a, 2 AS a"}, "two columns"),
        ({"sql": "SELECT a, count(*) FROM (VALUES 1) v(a)"}, "EXPRESSION_NOT_AGGREGATE"),
        ({"sql": "SELECT 1"}, "has no name"),
    ],
)
def test_one_broken_query_costs_no_other_stream(
    connector: Connector, config: Config, private_schema: str, wrong: dict[str, Any], said: str
) -> None:
    good = {"name": "good", "sql": "SELECT regionkey FROM tpch.tiny.region"}
    settings = config("tpch", "tiny", queries=[{"name": "bad", **wrong}, good])
    result = connector.discover(settings)
    assert "bad" not in result.streams and {"good", "region", "nation"} <= set(result.streams)
    [warning] = [text for text in result.logs("WARN") if '"bad"' in text]
    assert said in warning
    status = connector.check(settings).status
    assert status["status"] == "FAILED" and said in status["message"]


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("SELECT count(*) FROM tpch.tiny.region", 1),
        ("SELECT regionkey, max(name) FROM tpch.tiny.nation GROUP BY 1", 2),
        ("VALUES (1, 2)", 1),
        ('SELECT 1 AS "_col0", 2', 2),
    ],
)
def test_a_column_without_a_name_is_said_before_a_read(
    connector: Connector, config: Config, statement: str, number: int
) -> None:
    settings = config("tpch", "tiny", queries=[{"name": "q", "sql": statement}])
    status = connector.check(settings).status
    assert status["status"] == "FAILED"
    assert f'Column {number} of the query "q" has no name' in status["message"] and '"queries"' in status["message"]
    named = config("tpch", "tiny", queries=[{"name": "q", "sql": 'SELECT 1 AS "_col0", 2 AS "_col1"'}])
    assert connector.check(named).status == {"status": "SUCCEEDED"}
    stream = connector.discover(named).streams["q"]
    assert connector.read(named, configured([stream])).data("q") == [{"_col0": 1, "_col1": 2}]


def test_schemas_of_other_catalogs_are_namespaces(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str]
) -> None:
    ours, theirs = new_schema("memory", "ours"), new_schema("iceberg", "theirs")
    sql(f"CREATE TABLE {quoted('memory', ours, 'a')} AS SELECT 1 AS n")
    sql(f"CREATE TABLE {quoted('iceberg', theirs, 'b')} AS SELECT 2 AS n")
    settings = config("memory", ours, schemas=[f"iceberg.{theirs[:-1]}*", "tpch.tiny"])
    streams = connector.discover(settings).streams
    assert streams["a"]["namespace"] == ours
    assert streams["b"]["namespace"] == f"iceberg.{theirs}"
    assert streams["region"]["namespace"] == "tpch.tiny"
    assert streams["b"]["is_resumable"] is True and streams["a"]["is_resumable"] is False
    result = connector.read(settings, configured([streams["a"], streams["b"], streams["region"]]))
    assert result.exit_code == 0, result.explain()
    assert (result.data("a"), result.data("b"), len(result.data("region"))) == ([{"n": 1}], [{"n": 2}], 5)
    wrong = connector.check(config("memory", ours, schemas=["nowhere.x"])).status["message"]
    assert '"nowhere"' in wrong and '"schemas"' in wrong


@pytest.mark.parametrize(
    "end", [";", " ;; ", "; -- done", ";\n/* done; */ -- really", " -- done;", " /* ; */"], ids=lambda end: repr(end)
)
def test_a_statement_may_end_in_semicolons_and_comments(connector: Connector, config: Config, end: str) -> None:
    queries = [{"name": "q", "sql": f"SELECT ';--' AS \"a;\", 'it''s' AS b -- one; row\n{end}"}]
    settings = config("tpch", "tiny", queries=queries)
    assert connector.check(settings).status["status"] == "SUCCEEDED"
    result = connector.read(settings, configured([handwritten("q", None, [])]))
    assert result.data("q") == [{"a;": ";--", "b": "it's"}], result.explain()


def test_schemas_whose_names_have_dots_are_found(connector: Connector, config: Config, sql: Trino) -> None:
    schema = "input.dotted"
    sql(f"CREATE SCHEMA IF NOT EXISTS memory.{quoted(schema)}")
    try:
        sql(f"CREATE TABLE IF NOT EXISTS {quoted('memory', schema, 't')} AS SELECT 1 AS n")
        for catalog, given, namespace in [
            ("tpch", f"memory.{schema}", f"memory.{schema}"),
            ("tpch", f'memory."{schema}"', f"memory.{schema}"),
            ("tpch", "memory.input.*", f"memory.{schema}"),
            ("memory", f'"{schema}"', schema),
            ("memory", schema, schema),
        ]:
            main = "tiny" if catalog == "tpch" else "default"
            settings = config(catalog, main, schemas=[given])
            streams = connector.discover(settings).streams
            assert streams["t"]["namespace"] == namespace, given
            result = connector.read(settings, configured([streams["t"]]))
            assert result.data("t") == [{"n": 1}], result.explain()
    finally:
        sql(f"DROP SCHEMA memory.{quoted(schema)} CASCADE")
