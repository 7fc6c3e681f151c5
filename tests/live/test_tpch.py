"""All tables of tpch arrive complete and exact: every column is compared with what SQL says."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from live_support.connector import Connector, Result
from live_support.fingerprint import Columns
from live_support.messages import configured
from live_support.oracle import Trino

TABLES = ("customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier")
SMALL = ("nation", "region", "supplier")


@pytest.fixture(scope="module")
def streams(connector: Connector, config: Callable[..., dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return connector.discover(config("tpch", "tiny")).streams


@pytest.fixture(scope="module")
def read(connector: Connector, config: Callable[..., dict[str, Any]], streams: dict[str, Any], protocol: str) -> Result:
    """All tables, by one read of everything that was discovered."""
    result = connector.read(config("tpch", "tiny", fetch_protocol=protocol), configured(streams.values()))
    assert result.exit_code == 0, result.explain()
    return result


def columns(sql: Trino, table: str) -> dict[str, str]:
    return {row[0]: row[1].split("(")[0] for row in sql(f"DESCRIBE tpch.tiny.{table}")}


def test_discover_finds_all_tables(streams: dict[str, Any]) -> None:
    assert list(streams) == list(TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_table_has_all_its_columns(streams: dict[str, Any], sql: Trino, table: str) -> None:
    assert set(streams[table]["json_schema"]["properties"]) == set(columns(sql, table))


@pytest.mark.parametrize("table", TABLES)
def test_every_column_and_row_is_what_sql_says(read: Result, sql: Trino, table: str) -> None:
    described = Columns(columns(sql, table))
    [expected] = sql(described.sql(f"tpch.tiny.{table}"))
    got = described.of(read.data(table))
    assert dict(zip(described.labels, got, strict=True)) == dict(zip(described.labels, expected, strict=True))


@pytest.mark.parametrize("table", SMALL)
def test_small_table_is_equal_row_by_row(read: Result, sql: Trino, table: str) -> None:
    types = columns(sql, table)
    texts = ", ".join(f"CAST(CAST({c} AS decimal(38, 2)) AS varchar)" if t == "double" else c for c, t in types.items())
    expected = [
        {
            name: Decimal(cell) if kind == "double" else cell
            for (name, kind), cell in zip(types.items(), row, strict=True)
        }
        for row in sql(f"SELECT {texts} FROM tpch.tiny.{table} ORDER BY 1")
    ]
    assert sorted(read.data(table), key=lambda row: row[next(iter(types))]) == expected
