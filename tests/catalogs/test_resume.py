"""Full refreshes of some thousand rows, and reads that are killed and go on: all states together cover every row."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from catalogs_support.cases import Catalog
from catalogs_support.once import Once
from catalogs_support.stores import Store
from data import CATALOGS
from live_support.connector import Connector
from live_support.messages import configured
from live_support.oracle import Trino, quoted
from live_support.syncs import Syncs, incremental

#: Kills per catalog and mode, and the most, if none of these came between a STATE and the end.
KILLS = int(os.environ.get("KILLS", "2"))
MOST_KILLS = KILLS + 30
ROWS, ROWS_OF_A_SLICE = 3000, 400
CASES = [pytest.param(name, mode, id=f"{name} {mode}") for name, catalog in CATALOGS.items() for mode in catalog.resumes]

#: Catalog → configuration, stream, the table in SQL.
Tables = Once[tuple[dict[str, Any], dict[str, Any], str]]


@pytest.fixture(scope="module")
def tables(
    connector: Connector, config: Callable[..., dict[str, Any]], schema_of: Callable[[Catalog, str], tuple[Store, str]]
) -> Tables:
    def make(name: str) -> tuple[dict[str, Any], dict[str, Any], str]:
        catalog = CATALOGS[name]
        store, schema = schema_of(catalog, "resume")
        columns = [("id", catalog.id_type), ("x", catalog.text_type)]
        store.create(schema, "t", columns, catalog.options)
        store.show(schema)
        store.numbers(schema, "t", columns, ROWS)
        settings = config(
            store.catalog, schema, slice_rows=ROWS_OF_A_SLICE, concurrency=2,
            session_properties=list(catalog.session_properties),
        )  # fmt: skip
        return settings, connector.discover(settings).streams[store.shown("t")], quoted(store.catalog, schema, store.shown("t"))

    return Once(make)


@pytest.mark.parametrize("name", [name for name, catalog in CATALOGS.items() if catalog.resumes])
def test_a_full_refresh_has_what_sql_says(connector: Connector, sql: Trino, tables: Tables, name: str) -> None:
    settings, stream, table = tables(name)
    result = connector.read(settings, configured([stream]))
    assert result.exit_code == 0, result.explain()
    session = dict(property_.split("=") for property_ in CATALOGS[name].session_properties)
    figures = f"SELECT count(*), sum(id), sum(length(CAST(x AS varchar))) FROM {table}"
    [[count, total, length]] = sql(figures, session=session)
    assert (count, length) == (ROWS, ROWS * 200)
    data = result.data(stream["name"])
    assert (len(data), sum(row["id"] for row in data)) == (count, total)
    assert {row["x"] for row in data} == {"x" * 200}


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_a_read_that_is_killed_goes_on_from_its_last_state(
    connector: Connector, tables: Tables, name: str, mode: str
) -> None:
    settings, stream, _ = tables(name)
    has_slices = CATALOGS[name].has_slices
    most_again = 2 * 2 * ROWS_OF_A_SLICE if has_slices else ROWS
    syncs = Syncs(connector, settings, configured([stream]) if mode == "full_refresh" else incremental(stream, "id"))
    chance = random.Random(f"{name} {mode}")
    size = len(syncs.read().stdout)
    kills = resumed = 0
    while kills < KILLS or (has_slices and not resumed and kills < MOST_KILLS):
        syncs.state, covered, kills_before = [], Counter[int](), kills
        ended = False
        while not ended:
            resumed += bool(syncs.finished_slices)
            ended, sure, unsure = syncs.read_until(chance.randrange(1, size * 5 // 4))
            covered.update(row["id"] for row in sure)
            kills += not ended
        assert not unsure, "records after the last state of a finished read"
        missing = set(range(1, ROWS + 1)) - set(covered)
        assert not missing, f"{len(missing)} rows are in no state, for example {sorted(missing)[:5]}"
        twice = covered.total() - ROWS
        assert twice <= (kills - kills_before) * most_again, f"{twice} rows came twice"
    assert bool(resumed) == has_slices, f"{resumed} reads went on after finished slices"
