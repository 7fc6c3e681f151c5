"""Every type, wherever a column can have it: what `discover` says of it and what `read` makes of its values.

The cases are in `live_support/type_cases.py`. Each family of them is a view, whose types are those of the expressions,
and a table of the memory connector. Both have three rows: the expressions, nulls, and the expressions again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from jsonschema import Draft7Validator
from live_support.connector import Connector, Result
from live_support.messages import configured, parse_exactly
from live_support.oracle import Trino, quoted
from live_support.type_cases import FAMILIES, SKETCHES, Case

KINDS = ("view", "table")


@dataclass(frozen=True)
class Everything:
    """What was discovered of all families and read of them."""

    streams: dict[str, dict[str, Any]]
    result: Result
    #: Stream → its records with numbers as their texts, sorted by the row's number.
    records: dict[str, list[dict[str, Any]]]


def column(index: int) -> str:
    return f"c{index:03}"


def view_of(expressions: list[str]) -> str:
    """Row 1 and 3 have the expressions, row 2 has nulls. `IF` keeps the types and no value can be folded."""
    columns = (f"IF(n <> 2, {sql}) AS {column(index)}" for index, sql in enumerate(expressions))
    return f"SELECT n, {', '.join(columns)} FROM (VALUES BIGINT '1', 2, 3) t(n)"


@pytest.fixture(scope="module")
def types_schema(sql: Trino, new_schema: Callable[[str, str], str]) -> str:
    """A schema with a view and a table of every family."""
    schema = new_schema("memory", "types")
    families = {family: [case.sql for case in cases] for family, cases in FAMILIES.items()}
    for family, expressions in (families | {"sketches": list(SKETCHES.values())}).items():
        view, table = (quoted("memory", schema, f"{family}_{kind}") for kind in KINDS)
        sql(f"CREATE VIEW {view} AS {view_of(expressions)}")
        sql(f"CREATE TABLE {table} AS SELECT * FROM {view}")
    return schema


@pytest.fixture(scope="module")
def everything(
    connector: Connector, config: Callable[..., dict[str, Any]], types_schema: str, protocol: str
) -> Everything:
    streams = connector.discover(config("memory", types_schema)).streams
    result = connector.read(config("memory", types_schema, fetch_protocol=protocol), configured(streams.values()))
    records: dict[str, list[dict[str, Any]]] = {name: [] for name in streams}
    for record in result.exact_records:
        records[record["stream"]].append(record)
    for rows in records.values():
        rows.sort(key=lambda record: record["data"]["n"].text)
    return Everything(streams, result, records)


CASES = [
    pytest.param(f"{family}_{kind}", column(index), case, id=f"{case.name} in a {kind}")
    for family, cases in FAMILIES.items()
    for index, case in enumerate(cases)
    for kind in KINDS
]
STREAMS = [f"{family}_{kind}" for family in [*FAMILIES, "sketches"] for kind in KINDS]


@pytest.mark.parametrize("stream", STREAMS)
def test_stream_is_read_to_its_end(everything: Everything, stream: str) -> None:
    errors = [error for error in everything.result.errors if error["stream_descriptor"]["name"] == stream]
    assert (everything.result.statuses(stream), errors) == (["STARTED", "RUNNING", "COMPLETE"], [])


@pytest.mark.parametrize(("stream", "name", "case"), CASES)
def test_schema(everything: Everything, stream: str, name: str, case: Case) -> None:
    assert everything.streams[stream]["json_schema"]["properties"][name] == case.schema


@pytest.mark.parametrize(("stream", "name", "case"), CASES)
def test_value(everything: Everything, stream: str, name: str, case: Case) -> None:
    first, _, third = everything.records[stream]
    expected = parse_exactly(case.value)
    assert [first["data"][name], third["data"][name]] == [expected, expected]


@pytest.mark.parametrize(("stream", "name", "case"), CASES)
def test_change_is_confessed_and_no_other(everything: Everything, stream: str, name: str, case: Case) -> None:
    changes = everything.records[stream][0].get("meta", {}).get("changes", [])
    expected = [{"field": name, "change": case.change, "reason": "SOURCE_SERIALIZATION_ERROR"}] if case.change else []
    assert [change for change in changes if change["field"] == name] == expected


@pytest.mark.parametrize("stream", STREAMS)
def test_nulls_are_null_without_a_change(everything: Everything, stream: str) -> None:
    record = everything.records[stream][1]
    not_null = {name: value for name, value in record["data"].items() if name != "n" and value is not None}
    assert (not_null, "meta" in record) == ({}, False)


@pytest.mark.parametrize("stream", STREAMS)
def test_records_are_valid_by_the_discovered_schema(everything: Everything, stream: str) -> None:
    schema = everything.streams[stream]["json_schema"]
    Draft7Validator.check_schema(schema)
    validator = Draft7Validator(schema)
    assert [error.message for data in everything.result.data(stream) for error in validator.iter_errors(data)] == []


@pytest.mark.parametrize("stream", STREAMS)
def test_records_have_all_columns_of_the_schema_and_no_others(everything: Everything, stream: str) -> None:
    properties = set(everything.streams[stream]["json_schema"]["properties"])
    assert [set(record["data"]) for record in everything.records[stream]] == [properties] * 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sketch", SKETCHES)
def test_sketch_is_the_base64_that_trino_shows(everything: Everything, sql: Trino, sketch: str, kind: str) -> None:
    name = column(list(SKETCHES).index(sketch))
    assert everything.records[f"sketches_{kind}"][0]["data"][name] == sql.value(f"SELECT {SKETCHES[sketch]}")
