"""Where a sync by cursor ends: at a value that a row has, and before the rows that come later, whatever the source compares.

A highest value without rows, values that the source finds by no condition, values of another type than the state has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from catalogs_support.cases import Catalog
from catalogs_support.stores import ByTrino, Cassandra, Kafka, MariaDb, Mongo
from live_support.connector import Connector
from live_support.oracle import Trino
from live_support.syncs import Syncs, incremental

Config = Callable[..., dict[str, Any]]
SchemaOf = Callable[[Catalog, str], tuple[Any, str]]


class Reads:
    """Syncs of the table `t` by one cursor, each of which must bring exactly these rows."""

    def __init__(self, connector: Connector, settings: dict[str, Any], cursor: str) -> None:
        self._connector, self._settings, self._cursor = connector, settings, cursor
        self._syncs = Syncs(connector, settings, incremental(connector.discover(settings).streams["t"], cursor))

    def brings(self, *ids: int) -> None:
        result = self._syncs.read()
        assert Counter(row["id"] for row in result.data("t")) == Counter(ids), result.explain()

    def look_again(self) -> None:
        """After a column got another type."""
        self._syncs.catalog = incremental(self._connector.discover(self._settings).streams["t"], self._cursor)


@pytest.mark.parametrize("catalog", ["hive", "hms"])
@pytest.mark.parametrize(
    ("type_", "values", "ahead"),
    [
        ("varchar", ["'20240101'", "'20240102'", "'20240103'"], "20991231"),
        ("integer", ["1", "2", "3"], "99"),
        ("date", ["DATE '2024-01-01'", "DATE '2024-01-02'", "DATE '2024-01-03'"], "2024-01-31"),
    ],
)
def test_a_partition_that_was_made_in_advance_is_no_end(
    connector: Connector, config: Config, sql: Trino, schema_of: SchemaOf,
    catalog: str, type_: str, values: list[str], ahead: str,
) -> None:  # fmt: skip
    _, schema = schema_of(Catalog(catalog, ByTrino, "bigint"), "ahead")
    table = f"{catalog}.{schema}.t"
    sql(f"CREATE TABLE {table} (id bigint, p {type_}) WITH (partitioned_by = ARRAY['p'])")
    sql(f"INSERT INTO {table} VALUES (1, {values[0]}), (2, {values[1]})")
    sql(f"CALL {catalog}.system.create_empty_partition('{schema}', 't', ARRAY['p'], ARRAY['{ahead}'])")
    reads = Reads(connector, config(catalog, schema), "p")
    reads.brings(1, 2)
    sql(f"INSERT INTO {table} VALUES (3, {values[2]})")
    reads.brings(3)
    reads.brings()
    sql(f"DROP TABLE {table}")


@pytest.mark.parametrize("catalog", ["kafka"])
def test_the_time_that_a_broker_gives_to_a_message_is_a_cursor(
    connector: Connector, config: Config, schema_of: SchemaOf, catalog: str
) -> None:
    store, schema = schema_of(Catalog(catalog, Kafka, "BIGINT"), "appended")
    columns = [("id", "BIGINT")]
    store.create(schema, "t", columns, "LogAppendTime")
    store.show(schema)
    store.insert(schema, "t", columns, [(1,)])
    reads = Reads(connector, config(store.catalog, schema), "_timestamp")
    reads.brings(1)
    store.insert(schema, "t", columns, [(2,)])
    reads.brings(2)
    store.insert(schema, "t", columns, [(3,)])
    store.insert(schema, "t", columns, [(4,)])
    reads.brings(3, 4)
    reads.brings()


@pytest.mark.parametrize("catalog", ["mongo"])
@pytest.mark.parametrize(("first", "second"), [(["b", 5, "z"], "zz"), (["2024-01-01", "2024-01-02", None], 2025)])
def test_a_field_of_texts_may_have_other_values(
    connector: Connector, config: Config, schema_of: SchemaOf, catalog: str, first: list[Any], second: Any
) -> None:
    store, schema = schema_of(Catalog(catalog, Mongo, ""), "mixed")
    columns = [("id", ""), ("c", "")]
    # Trino guesses the type from a few documents.
    store.insert(schema, "t", columns, [(1, first[0])])
    reads = Reads(connector, config(catalog, schema), "c")
    store.insert(schema, "t", columns, list(enumerate(first[1:], 2)))
    reads.brings(1, 2, 3)
    store.insert(schema, "t", columns, [(4, second)])
    reads.brings(4)
    reads.brings()


@pytest.mark.parametrize("catalog", ["cassandra"])
@pytest.mark.parametrize(("type_", "values"), [("decimal", ["0.1", "1.10", "1.1"]), ("float", ["0.1", "3.14", "3.14"])])
def test_values_that_an_index_does_not_find_are_read(
    connector: Connector, config: Config, schema_of: SchemaOf, catalog: str, type_: str, values: list[str]
) -> None:
    store, schema = schema_of(Catalog(catalog, Cassandra, "int"), "indexed")
    store.execute(f"CREATE TABLE {schema}.t (id int PRIMARY KEY, c {type_})")
    store.execute(f"CREATE INDEX ON {schema}.t (c)")
    for id_, value in enumerate(values, 1):
        store.execute(f"INSERT INTO {schema}.t (id, c) VALUES ({id_}, {value})")
    store.show(schema)
    reads = Reads(connector, config(catalog, schema), "c")
    reads.brings(1, 2, 3)
    store.execute(f"INSERT INTO {schema}.t (id, c) VALUES (4, 7.5)")
    reads.brings(4)


@pytest.mark.parametrize("catalog", ["mariadb", "mysql"])
class TestMariaDb:
    """The table is `t (id, c)`, whose type and rows each test gives."""

    @pytest.fixture
    def table(self, schema_of: SchemaOf, catalog: str) -> tuple[Any, str]:
        store, schema = schema_of(Catalog(catalog, MariaDb, "bigint"), "ends")
        return store, f"{schema}.t"

    def reads(self, connector: Connector, config: Config, table: tuple[Any, str], type_: str, rows: str) -> Reads:
        store, name = table
        store.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, c {type_})")
        store.execute(f"INSERT INTO {name} VALUES {rows}")
        return Reads(connector, config(store.catalog, name.partition(".")[0]), "c")

    def test_blanks_at_the_end_of_texts_make_no_row_come_twice(
        self, connector: Connector, config: Config, table: tuple[Any, str], catalog: str
    ) -> None:
        store, name = table
        reads = self.reads(connector, config, table, "varchar(20) COLLATE utf8mb4_bin", "(1, 'a'), (2, 'b')")
        reads.brings(1, 2)
        store.execute(f"INSERT INTO {name} VALUES (3, 'b '), (4, 'b'), (5, 'c')")
        reads.brings(3, 4, 5)
        store.execute(f"INSERT INTO {name} VALUES (6, 'c ')")
        reads.brings(6)

    # Where digits were cut off, the value of the last sync does not exist any more, so all rows come. Else only the row of
    # the boundary comes again, which is written in another way.
    @pytest.mark.parametrize(("last", "comes"), [("10.50", (1, 2, 3, 4)), ("10.00", (2, 3, 4))])
    def test_fewer_digits_lose_no_row(
        self, connector: Connector, config: Config, table: tuple[Any, str], catalog: str, last: str, comes: tuple[int, ...]
    ) -> None:
        store, name = table
        reads = self.reads(connector, config, table, "decimal(10, 2)", f"(1, 5), (2, {last})")
        reads.brings(1, 2)
        store.execute(f"ALTER TABLE {name} MODIFY c decimal(10, 0)")
        store.execute(f"INSERT INTO {name} VALUES (3, 11), (4, 500)")
        reads.look_again()
        reads.brings(*comes)
        store.execute(f"INSERT INTO {name} VALUES (5, 600)")
        reads.brings(5)
