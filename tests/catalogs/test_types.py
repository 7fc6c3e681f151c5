"""Every type of every catalog: what `discover` says of it, and that `read` gives what was written and what SQL says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from catalogs_support import truth
from catalogs_support.cases import Catalog, Column
from catalogs_support.once import Once
from catalogs_support.stores import Store
from data import CATALOGS
from jsonschema import Draft7Validator
from live_support.connector import Connector, Result
from live_support.messages import configured, parse_exactly
from live_support.oracle import Trino

TABLE = "everything"
WITH_TYPES = [name for name, catalog in CATALOGS.items() if catalog.types]
CASES = [
    pytest.param(name, column, id=f"{name} {column.name} {column.type}")
    for name in WITH_TYPES
    for column in CATALOGS[name].types
]


class Read(NamedTuple):
    """A stream as discovered, the read of it, and what SQL says of its columns."""

    stream: dict[str, Any]
    result: Result
    truth: dict[str, list[Any]]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return sorted((record["data"] for record in self.result.exact_records), key=lambda row: int(row["id"].text))


@pytest.fixture(scope="module")
def reads(
    connector: Connector, config: Callable[..., dict[str, Any]], sql: Trino,
    schema_of: Callable[[Catalog, str], tuple[Store, str]],
) -> Once[Read]:  # fmt: skip
    """The values, nulls, and the values again: the table of each catalog, discovered and read."""

    def read(name: str) -> Read:
        catalog = CATALOGS[name]
        store, schema = schema_of(catalog, "types")
        columns = [("id", catalog.id_type), *((column.name, column.type) for column in catalog.types)]
        if not catalog.types[0].type:
            columns = [(column, "") for column, _ in columns]
        store.create(schema, TABLE, columns, catalog.options)
        store.show(schema)
        values = [column.written for column in catalog.types]
        nulls = [column.written if column.written == "DEFAULT" else store.null for column in catalog.types]
        for number, row in ((1, values), (2, nulls), (3, values)):
            store.insert(schema, TABLE, columns, [(number, *row)])
        settings = config(store.catalog, schema, session_properties=list(catalog.session_properties))
        stream = connector.discover(settings).streams[store.shown(TABLE)]
        wanted = {column.name for column in catalog.types}
        shown = {column.name: column.sql for column in catalog.types if column.sql}
        session = dict(property_.split("=") for property_ in catalog.session_properties)
        told = truth.values(sql, (store.catalog, schema, store.shown(TABLE)), wanted, session, shown)
        return Read(stream, connector.read(settings, configured([stream])), told)

    return Once(read)


@pytest.mark.parametrize("catalog", WITH_TYPES)
def test_all_rows_are_read(reads: Once[Read], catalog: str) -> None:
    result = reads(catalog).result
    assert (result.exit_code, len(result.of_type("RECORD"))) == (0, 3), result.explain()


@pytest.mark.parametrize(("catalog", "column"), CASES)
def test_schema(reads: Once[Read], catalog: str, column: Column) -> None:
    assert reads(catalog).stream["json_schema"]["properties"][column.name] == column.schema


@pytest.mark.parametrize(("catalog", "column"), CASES)
def test_value_is_what_was_written(reads: Once[Read], catalog: str, column: Column) -> None:
    first, second, third = (row[column.name] for row in reads(catalog).rows)
    expected = parse_exactly(column.value)
    assert [first, third] == ([expected] * 2 if column.written != "DEFAULT" else [expected, parse_exactly("6")])
    assert second == (None if column.written != "DEFAULT" else parse_exactly("4"))


@pytest.mark.parametrize(("catalog", "column"), CASES)
def test_value_is_what_sql_says(reads: Once[Read], catalog: str, column: Column) -> None:
    read = reads(catalog)
    for row, told in zip(read.rows, read.truth[column.name], strict=True):
        assert truth.same(row[column.name], told), f"{row[column.name]} is not {told}"


@pytest.mark.parametrize("catalog", WITH_TYPES)
def test_records_are_valid_by_the_discovered_schema_and_have_all_its_columns(reads: Once[Read], catalog: str) -> None:
    read = reads(catalog)
    schema = read.stream["json_schema"]
    data = read.result.data(read.stream["name"])
    assert [error.message for row in data for error in Draft7Validator(schema).iter_errors(row)] == []
    assert [set(row) for row in data] == [set(schema["properties"])] * 3
