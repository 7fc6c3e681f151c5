"""Syncs by cursor, of every type of every catalog: each row once, with ties, ties that come late, and nulls.

All tables of a catalog are streams of the same syncs, so that many of them cost five reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from catalogs_support.cases import Catalog, Cursor
from catalogs_support.once import Once
from catalogs_support.several import Several, ids
from catalogs_support.stores import Store
from data import CATALOGS
from live_support.connector import Connector, Result
from live_support.oracle import Trino

CASES = [
    pytest.param(name, cursor, id=f"{name} {cursor}")
    for name, catalog in CATALOGS.items()
    for cursor in catalog.cursors
]

#: A step's rows: number and which of the four values, `None` for null.
Rows = list[tuple[int, int | None]]


class Step(NamedTuple):
    """What is written before a sync, and the numbers of the rows that it has to bring."""

    purpose: str
    written: Rows
    brought: list[int]
    nulls: list[int] = []


STEPS = (
    Step("first", [(1, 0), (2, 1), (12, 1), (90, None)], [1, 2, 12], [90]),
    Step("a tie that comes late", [(22, 1)], [22]),
    # Rows without a value come in the first sync only.
    Step("more, with a tie", [(3, 2), (4, 3), (14, 3), (91, None)], [3, 4, 14]),
    Step("a tie of the highest value there is", [(24, 3)], [24]),
    Step("nothing new", [], []),
)


@pytest.fixture(scope="module")
def stories(
    connector: Connector, config: Callable[..., dict[str, Any]], sql: Trino,
    schema_of: Callable[[Catalog, str], tuple[Store, str]],
) -> Once[tuple[Store, list[Result]]]:  # fmt: skip
    """What the syncs of each catalog brought."""

    def told(name: str) -> tuple[Store, list[Result]]:
        catalog = CATALOGS[name]
        store, schema = schema_of(catalog, "cursors")
        tables = {table(index): cursor for index, cursor in enumerate(catalog.cursors.values())}
        for each, cursor in tables.items():
            store.create(schema, each, columns(catalog, cursor), cursor.options)
        store.show(schema)
        write(store, schema, catalog, tables, STEPS[0].written)
        settings = config(store.catalog, schema, session_properties=list(catalog.session_properties), concurrency=4)
        discovered = connector.discover(settings).streams
        cursors = {store.shown(each): cursor.column for each, cursor in tables.items()}
        syncs = Several(connector, settings, [discovered[each] for each in cursors], cursors)
        results = [syncs.read()]
        for step in STEPS[1:]:
            if step.written:
                write(store, schema, catalog, tables, step.written)
            results.append(syncs.read())
        return store, results

    def write(store: Store, schema: str, catalog: Catalog, tables: dict[str, Cursor], rows: Rows) -> None:
        def insert(each: str) -> None:
            cursor = tables[each]
            listed = [
                (id_, store.null if value is None else cursor.values[value])
                for id_, value in rows
                if value is not None or cursor.nulls
            ]
            store.insert(schema, each, columns(catalog, cursor), listed)

        store.at_once(insert, list(tables))

    return Once(told)


def table(index: int) -> str:
    return f"t{index:02}"


def columns(catalog: Catalog, cursor: Cursor) -> list[tuple[str, str]]:
    return [("id", catalog.id_type), (cursor.column, cursor.type)]


@pytest.mark.parametrize(("name", "cursor"), CASES)
def test_syncs_bring_each_row_once(stories: Once[tuple[Store, list[Result]]], name: str, cursor: str) -> None:
    store, results = stories(name)
    stream = store.shown(table(list(CATALOGS[name].cursors).index(cursor)))
    for step, result in zip(STEPS, results, strict=True):
        expected = step.brought + (step.nulls if CATALOGS[name].cursors[cursor].nulls else [])
        assert ids(result, stream) == Counter(expected), f"{step.purpose}: {result.explain()}"


@pytest.mark.parametrize("name", [name for name, catalog in CATALOGS.items() if catalog.cursors])
def test_a_state_counts_every_record(stories: Once[tuple[Store, list[Result]]], name: str) -> None:
    for result in stories(name)[1]:
        counted = sum(state["sourceStats"]["recordCount"] for state in result.states)
        assert counted == len(result.of_type("RECORD")), result.explain()
