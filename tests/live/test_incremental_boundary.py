"""Rows with the last value of a cursor: those that come late or are replaced are told from those that were sent."""

from __future__ import annotations

from collections import Counter

import pytest
from live_support.oracle import Trino
from live_support.syncs import NewTable, rows


def replace_at_boundary(sql: Trino, table: str, id_: int, value: str) -> None:
    """Another content with the same cursor value: an update where the catalog can, else a table made anew."""
    if table.startswith('"memory"'):
        # The catalog has no UPDATE.
        sql(f"CREATE TABLE {table[:-1]}_new\" AS SELECT id, c, IF(id = {id_}, '{value}', v) AS v FROM {table}")
        sql(f"DROP TABLE {table}")
        sql(f"ALTER TABLE {table[:-1]}_new\" RENAME TO {table}")
    else:
        sql(f"UPDATE {table} SET v = '{value}' WHERE id = {id_}")


#: Type → a value that all rows of a boundary have.
BOUNDARIES = {
    "date": "DATE '2024-05-01'",
    "timestamp(6)": "TIMESTAMP '2024-05-01 01:02:03.000004'",
    "bigint": "9007199254740993",
    "decimal(20,3)": "DECIMAL '1.5'",
    "varchar": "'a''b'",
    "double": "DOUBLE '0.1'",
}


@pytest.mark.sampled
@pytest.mark.parametrize("type_", BOUNDARIES)
@pytest.mark.parametrize("catalog", ["memory", "iceberg", "delta", "postgresql"])
def test_a_row_that_was_replaced_at_the_boundary_is_sent(
    new_table: NewTable, sql: Trino, catalog: str, type_: str
) -> None:
    """The number of rows with the last value stays the same."""
    value = f"CAST({BOUNDARIES[type_]} AS {type_})"
    table, syncs = new_table(catalog, "replaced", f"AS SELECT n AS id, {value} AS c, CAST('a' AS varchar) AS v FROM UNNEST(sequence(1, 3)) t(n)")
    assert rows(syncs.read(), "id") == Counter([(1,), (2,), (3,)])
    assert not syncs.read().data("t")
    replace_at_boundary(sql, table, 2, "b")
    assert rows(syncs.read(), "id", "v") == Counter([(2, "b")])
    assert not syncs.read().data("t")
    if catalog != "memory":
        sql(f"DELETE FROM {table} WHERE id = 3")
        sql(f"INSERT INTO {table} VALUES (4, {value}, 'new')")
        assert rows(syncs.read(), "id", "v") == Counter([(4, "new")])
        assert not syncs.read().data("t")


@pytest.mark.parametrize("catalog", ["memory", "iceberg", "postgresql"])
def test_many_rows_of_one_value_are_told_by_their_checksum(new_table: NewTable, sql: Trino, catalog: str) -> None:
    ties = "AS SELECT n AS id, DATE '2024-01-01' AS c, 'a' AS v FROM UNNEST(sequence(1, 5000)) t(n)"
    table, syncs = new_table(catalog, "ties", ties)
    assert len(syncs.read().data("t")) == 5000
    assert len(str(syncs.content)) < 1000
    assert not syncs.read().data("t")
    replace_at_boundary(sql, table, 7, "b")
    again = syncs.read().data("t")
    assert len(again) == 5000, "all are sent again rather than one missed"
    assert {"id": 7, "c": "2024-01-01", "v": "b"} in again
    assert not syncs.read().data("t")
    sql(f"INSERT INTO {table} VALUES (5001, DATE '2024-01-01', 'a')")
    assert len(syncs.read().data("t")) == 5001
    sql(f"INSERT INTO {table} VALUES (5002, DATE '2024-01-02', 'a')")
    assert rows(syncs.read(), "id") == Counter([(5002,)])


def test_up_to_300_rows_of_one_value_are_told_apart(new_table: NewTable, sql: Trino) -> None:
    ties = "AS SELECT n AS id, DATE '2024-01-01' AS c FROM UNNEST(sequence(1, 299)) t(n)"
    table, syncs = new_table("memory", "known", ties)
    syncs.read()
    assert len(str(syncs.content)) < 4000
    sql(f"INSERT INTO {table} VALUES (300, DATE '2024-01-01')")
    assert rows(syncs.read(), "id") == Counter([(300,)])
    sql(f"INSERT INTO {table} VALUES (301, DATE '2024-01-01')")
    assert rows(syncs.read(), "id") == Counter([(301,)])


def test_many_rows_of_the_last_value_are_sliced(new_table: NewTable, sql: Trino) -> None:
    table, syncs = new_table("iceberg", "last", "(id integer, c date)", slice_rows=400, concurrency=1)
    insert = f"INSERT INTO {table} SELECT n, DATE '{{}}' FROM UNNEST(sequence({{}}, {{}})) t(n)"
    for first in (1, 501, 1001):
        sql(insert.format("2024-01-01", first, first + 499))
    result = syncs.read()
    assert rows(result, "id") == Counter((n,) for n in range(1, 1501))
    assert len(result.states) >= 3, "rows of one value are several checkpoints"
    assert not syncs.read().data("t")
    for first in (2001, 2501, 3001):
        sql(insert.format("2024-01-02", first, first + 499))
    result = syncs.read()
    assert rows(result, "id") == Counter((n,) for n in range(2001, 3501))
    assert len(result.states) >= 3
    sql(insert.format("2024-01-03", 4000, 4000))
    assert rows(syncs.read(), "id") == Counter([(4000,)])


def test_hashes_of_earlier_releases_are_used(new_table: NewTable, sql: Trino) -> None:
    """A state of version 3 has no checksum, and does not say whether a limit was in force."""
    for catalog in ("memory", "iceberg"):
        table, syncs = new_table(catalog, "earlier", "AS SELECT n AS id, DATE '2024-01-01' AS c FROM UNNEST(sequence(1, 3)) t(n)")
        syncs.read()
        content = syncs.content
        for name in ("unlimited", "pushdown", "outside"):
            content.pop(name, None)
        for name in ("checksum", "checksum_of"):
            content["seen"].pop(name)
        content["version"] = 3
        assert content["seen"]["hashes"]
        assert not syncs.read().data("t")
        content = syncs.content
        for name in ("checksum", "checksum_of"):
            content["seen"].pop(name)
        content["version"] = 3
        sql(f"INSERT INTO {table} VALUES (4, DATE '2024-01-01')")
        assert rows(syncs.read(), "id") == Counter([(4,)])
