"""Spooled rows are the direct ones, from a store that is not Trino's own machine: every table twice and more.

Which encoding is used is the server's choice; all of them are tested with a scripted server (tests/it/spooled).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from live_support.connector import Connector
from live_support.messages import configured
from live_support.oracle import Trino, quoted
from live_support.type_cases import FAMILIES

Config = Callable[..., dict[str, Any]]

#: Ways to the same rows: the field `fetch_protocol`, and session properties.
WAYS: dict[str, tuple[str, dict[str, str]]] = {
    "auto": ("auto", {}),
    "spooled": ("spooled", {}),
    "nothing inline": ("spooled", {"spooling_inlining_enabled": "false"}),
    "little inline": ("spooled", {"spooling_inlining_max_rows": "10", "spooling_inlining_max_size": "1kB"}),
    "many small segments": (
        "spooled",
        {"spooling_initial_segment_size": "64kB", "spooling_max_segment_size": "128kB"},
    ),
}


def records(connector: Connector, config: dict[str, Any], stream: str) -> Counter[bytes]:
    """The records of a stream as they were written, without the time."""
    streams = connector.discover(config).streams
    result = connector.read(config, configured([streams[stream]]))
    assert (result.exit_code, result.statuses(stream)[-1]) == (0, "COMPLETE"), result.explain()
    [state] = result.states
    lines = [line for line in result.lines if line.startswith(b'{"type":"RECORD"')]
    assert state["sourceStats"]["recordCount"] == len(lines)
    return Counter(line.partition(b'"emitted_at"')[0] + line.partition(b'"meta"')[2] for line in lines)


@pytest.fixture(scope="module")
def types_schema(sql: Trino, new_schema: Callable[[str, str], str]) -> str:
    """A schema with a table of all types that can be spooled, and an empty one."""
    schema = new_schema("memory", "spooling")
    cases = [case.sql for family, cases in FAMILIES.items() if family != "objects" for case in cases]
    # Ten rows of values, and ten of nulls; `IF` keeps the types.
    columns = ", ".join(f"IF(n % 2 = 0, {expression}) AS c{index:03}" for index, expression in enumerate(cases))
    sql(f"CREATE VIEW {quoted('memory', schema, 'all_types')} AS SELECT n, {columns} "
        "FROM UNNEST(sequence(1, 20)) t(n)")  # fmt: skip
    sql(f"CREATE TABLE {quoted('memory', schema, 'empty')} AS SELECT * FROM tpch.tiny.lineitem WHERE false")
    return schema


@pytest.fixture(scope="module")
def direct(connector: Connector, config: Config, types_schema: str) -> dict[tuple[str, str], Counter[bytes]]:
    def read(catalog: str, schema: str, table: str) -> Counter[bytes]:
        return records(connector, config(catalog, schema, fetch_protocol="direct"), table)

    return {
        ("tpch", "lineitem"): read("tpch", "tiny", "lineitem"),
        ("memory", "all_types"): read("memory", types_schema, "all_types"),
        ("memory", "empty"): read("memory", types_schema, "empty"),
    }


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("catalog", "table", "count"), [("tpch", "lineitem", 60_175), ("memory", "all_types", 20), ("memory", "empty", 0)]
)
@pytest.mark.parametrize("way", WAYS)
def test_spooled_rows_are_the_direct_ones(
    connector: Connector,
    config: Config,
    types_schema: str,
    direct: dict[tuple[str, str], Counter[bytes]],
    catalog: str,
    table: str,
    count: int,
    way: str,
) -> None:
    protocol, properties = WAYS[way]
    schema = "tiny" if catalog == "tpch" else types_schema
    expected = direct[catalog, table]
    assert expected.total() == count
    settings = config(catalog, schema, fetch_protocol=protocol, session_properties=properties)
    got = records(connector, settings, table)
    # Not `==`, whose message would be as long as the table.
    assert ((got - expected).total(), (expected - got).total()) == (0, 0)


def test_several_streams_share_the_memory_for_segments(connector: Connector, config: Config) -> None:
    settings = config("tpch", "sf1", fetch_protocol="spooled", concurrency=4)
    streams = connector.discover(settings).streams
    chosen = ["customer", "part", "partsupp", "supplier"]
    result = connector.read(settings, configured([streams[name] for name in chosen]))
    assert result.exit_code == 0, result.explain()
    counts = {state["stream"]["stream_descriptor"]["name"]: state["sourceStats"]["recordCount"] for state in result.states}
    assert counts == {"customer": 150_000, "part": 200_000, "partsupp": 800_000, "supplier": 10_000}
