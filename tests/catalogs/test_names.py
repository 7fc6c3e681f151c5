"""Odd names of tables and columns work end to end on every catalog that can have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from catalogs_support.cases import Catalog
from catalogs_support.once import Once
from catalogs_support.stores import Store
from data import CATALOGS
from live_support.connector import Connector, Result
from live_support.messages import configured

NAMED = {name: catalog.names for name, catalog in CATALOGS.items() if catalog.names}
CASES = [pytest.param(name, table, id=f"{name} {table}") for name, names in NAMED.items() for table in names.tables]


class Read(NamedTuple):
    """What was discovered of a schema and read of it."""

    streams: dict[str, dict[str, Any]]
    result: Result


@pytest.fixture(scope="module")
def reads(
    connector: Connector, config: Callable[..., dict[str, Any]], schema_of: Callable[[Catalog, str], tuple[Store, str]]
) -> Once[Read]:
    """A table of every name, with a column of every name whose value tells both."""

    def read(name: str) -> Read:
        catalog, names = CATALOGS[name], NAMED[name]
        store, schema = schema_of(catalog, "names")
        columns = [("id", catalog.id_type), *((column, catalog.text_type) for column in names.columns)]
        for table in names.tables:
            store.create(schema, table, columns, catalog.options)
        store.show(schema)
        for table in names.tables:
            store.insert(schema, table, columns, [(1, *(store.text(f"{column} of {table}") for column in names.columns))])
        settings = config(store.catalog, schema, session_properties=list(catalog.session_properties))
        streams = connector.discover(settings).streams
        return Read(streams, connector.read(settings, configured(streams.values())))

    return Once(read)


@pytest.mark.parametrize("name", NAMED)
def test_every_table_is_discovered_and_no_other(reads: Once[Read], name: str) -> None:
    assert sorted(reads(name).streams) == sorted(table.lower() for table in NAMED[name].tables)


@pytest.mark.parametrize("name", NAMED)
def test_every_stream_is_complete(reads: Once[Read], name: str) -> None:
    result = reads(name).result
    assert (result.exit_code, result.errors) == (0, []), result.explain()


@pytest.mark.parametrize(("name", "table"), CASES)
def test_table_is_read_with_all_its_columns(reads: Once[Read], name: str, table: str) -> None:
    expected = {column.lower(): f"{column} of {table}" for column in NAMED[name].columns}
    [row] = reads(name).result.data(table.lower())
    assert {column: row.get(column) for column in expected} == expected
