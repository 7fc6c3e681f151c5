"""What single catalogs need: rows that their systems compare otherwise, keys, slices, hidden columns, limits, messages."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from catalogs_support.cases import Catalog
from catalogs_support.environment import Catalogs
from catalogs_support.several import ids
from catalogs_support.stores import ByTrino, Cassandra, DuckDb, Kafka, MariaDb, Mongo, OpenSearch
from live_support.connector import Connector, Result
from live_support.messages import configured
from live_support.oracle import Trino, unique
from live_support.syncs import Syncs, incremental

Config = Callable[..., dict[str, Any]]
SchemaOf = Callable[[Catalog, str], tuple[Any, str]]

HIVE, HIVE_FEW = Catalog("hive", ByTrino, "bigint"), Catalog("hive_few", ByTrino, "bigint")
MARIADB, MYSQL = Catalog("mariadb", MariaDb, "bigint"), Catalog("mysql", MariaDb, "bigint")
MONGO, CASSANDRA, DUCKDB = Catalog("mongo", Mongo, ""), Catalog("cassandra", Cassandra, "int"), Catalog("duckdb", DuckDb, "int")
KAFKA, OPENSEARCH = Catalog("kafka", Kafka, "BIGINT"), Catalog("opensearch", OpenSearch, "long")


def warned(result: Result, *words: str) -> bool:
    """Whether one warning has all these words."""
    return any(all(word in text for word in words) for text in result.logs("WARN"))


def errors(result: Result) -> str:
    return "\n".join(error["message"] for error in result.errors)


def queries(sql: Trino, source: str, text: str) -> list[str]:
    """Ids of the queries that a run sent whose text has this."""
    return [
        str(id_)
        for id_, query in sql(f"SELECT query_id, query FROM system.runtime.queries WHERE source = '{source}'")
        if text in query
    ]


class TestC1RowsLostWhereTheSourceComparesOtherValues:
    def first(self, connector: Connector, config: Config, schema_of: SchemaOf, values: list[Any]) -> tuple[Syncs, Result]:
        store, schema = schema_of(MONGO, "lost")
        # Trino guesses the type from a few documents.
        store.insert(schema, "t", [("id", ""), ("c", "")], list(enumerate(values[:2], 1)))
        stream = connector.discover(config("mongo", schema)).streams["t"]
        store.insert(schema, "t", [("id", ""), ("c", "")], list(enumerate(values[2:], 3)))
        settings = config("mongo", schema)
        syncs = Syncs(connector, settings, incremental(stream, "c"))
        return syncs, connector.read(settings, syncs.catalog, [])

    @pytest.mark.parametrize(
        "others", [[7.75], [7.75, 7.25], ["text"], [True], [7.75, 8], ["text", 7]], ids=str
    )
    def test_every_row_comes_or_the_stream_fails_with_the_name_of_the_column(
        self, connector: Connector, config: Config, schema_of: SchemaOf, others: list[Any]
    ) -> None:
        _, result = self.first(connector, config, schema_of, [1, 2, *others])
        if result.exit_code:
            assert '"c"' in errors(result) or "column c" in errors(result), result.explain()
        else:
            assert ids(result, "t") == Counter(range(1, len(others) + 3)), result.explain()


class TestC2ChangesBelongToTablesThatHaveThem:
    @pytest.fixture
    def schema(self, sql: Trino) -> Any:
        name = unique("mixed")
        sql(f"CREATE SCHEMA lake_hive.{name}")
        sql(f"CREATE TABLE lake_hive.{name}.of_hive AS SELECT 1 AS id")
        sql(f"CREATE TABLE lake_iceberg.{name}.of_iceberg AS SELECT 1 AS id")
        sql(f"CREATE TABLE lake_delta.{name}.of_delta WITH (change_data_feed_enabled = true) AS SELECT 1 AS id")
        yield name
        sql(f"DROP TABLE lake_iceberg.{name}.of_iceberg")
        sql(f"DROP TABLE lake_delta.{name}.of_delta")
        sql(f"DROP SCHEMA lake_hive.{name} CASCADE")

    @pytest.mark.parametrize("catalog", ["lake_hive", "lake_iceberg", "lake_delta"])
    @pytest.mark.parametrize(("table", "changes"), [("of_hive", False), ("of_iceberg", True), ("of_delta", True)])
    def test_the_table_decides(
        self, connector: Connector, config: Config, schema: str, catalog: str, table: str, changes: bool
    ) -> None:
        settings = config(catalog, schema, replication_method={"method": "CHANGES"})
        stream = connector.discover(settings).streams[table]
        assert stream.get("source_defined_cursor", False) is changes
        assert any(column.startswith("_ab_cdc") for column in stream["json_schema"]["properties"]) is changes

    @pytest.mark.parametrize("table", ["of_iceberg", "of_delta"])
    def test_the_second_sync_of_changes_behind_a_hive_catalog_brings_nothing(
        self, connector: Connector, config: Config, schema: str, table: str
    ) -> None:
        settings = config("lake_hive", schema, replication_method={"method": "CHANGES"})
        syncs = Syncs(connector, settings, incremental(connector.discover(settings).streams[table]))
        assert len(syncs.read().data(table)) == 1
        assert not syncs.read().data(table)

    def test_a_hive_table_that_is_asked_for_changes_has_a_warning_and_a_cursor_may_be_picked(
        self, connector: Connector, config: Config, schema: str
    ) -> None:
        settings = config("lake_iceberg", schema, replication_method={"method": "CHANGES"})
        syncs = Syncs(connector, settings, incremental(connector.discover(settings).streams["of_hive"], "id"))
        first = syncs.read()
        assert warned(first, "of_hive"), first.explain()
        assert not syncs.read().data("of_hive")


@pytest.mark.parametrize("catalog", ["hive", "cassandra"])
def test_c3_a_first_sync_reads_a_table_that_the_source_does_not_filter_a_few_times_at_most(
    connector: Connector, config: Config, environment: Catalogs, sql: Trino, schema_of: SchemaOf, catalog: str
) -> None:
    if catalog == "hive":
        store, schema = schema_of(HIVE, "scans")
        sql(
            f"CREATE TABLE hive.{schema}.t AS SELECT n * 7919 % 20000 AS id, n * 104729 % 20000 AS c "
            "FROM UNNEST(sequence(1, 10000)) a(n)"
        )
        sql(f"INSERT INTO hive.{schema}.t SELECT n, n FROM UNNEST(sequence(20001, 30000)) a(n)")
        rows = 20000
    else:
        store, schema = schema_of(CASSANDRA, "scans")
        store.create(schema, "t", [("id", "int"), ("c", "int")])
        store.show(schema)
        store.insert(schema, "t", [("id", "int"), ("c", "int")], [(n, n * 7919 % 4000) for n in range(4000)])
        rows = 4000
    source = unique("scans")
    settings = config(catalog, schema, slice_rows=rows // 10, source=source)
    syncs = Syncs(connector, settings, incremental(connector.discover(settings).streams["t"], "c"))
    assert len(syncs.read().data("t")) == rows
    read = 0
    ids = queries(sql, source, '"t"')
    assert ids, "Trino has forgotten the queries"
    for id_ in ids:
        request = urllib.request.Request(f"{environment.trino['url']}/v1/query/{id_}", headers={"X-Trino-User": "test"})
        with urllib.request.urlopen(request) as answer:
            read += json.load(answer)["queryStats"]["physicalInputPositions"]
    # The position is counted by scans of its own, whatever the number of slices (10 here).
    assert read <= 8 * rows, f"{read} rows were read of a table of {rows}"


class TestC4ErrorsThatStay:
    def fails_once(self, connector: Connector, sql: Trino, settings: dict[str, Any], name: str, error: str) -> None:
        source = unique("stays")
        stream = connector.discover(settings).streams[name]
        result = connector.read(settings | {"source": source}, configured([stream]))
        assert result.exit_code == 1 and error in errors(result), result.explain()
        assert result.errors[0]["failure_type"] == "config_error", result.explain()
        failed = sql(f"SELECT count(*) FROM system.runtime.queries WHERE source = '{source}' AND error_code = '{error}'")
        assert failed == [[1]], "it was tried again"

    def test_a_file_that_is_cut_off(
        self, connector: Connector, config: Config, environment: Catalogs, sql: Trino, schema_of: SchemaOf
    ) -> None:
        _, schema = schema_of(HIVE, "cut")
        sql(f"CREATE TABLE hive.{schema}.t WITH (format = 'PARQUET') AS SELECT n FROM UNNEST(sequence(1, 1000)) a(n)")
        path = sql.value(f'SELECT DISTINCT "$path" FROM hive.{schema}.t')
        file = Path(environment.systems["lake"]["warehouse"]) / str(path).removeprefix("local:///")
        file.write_bytes(file.read_bytes()[:-20])
        self.fails_once(connector, sql, config("hive", schema), "t", "HIVE_BAD_DATA")

    def test_a_partition_of_another_schema(
        self, connector: Connector, config: Config, environment: Catalogs, sql: Trino, schema_of: SchemaOf
    ) -> None:
        _, schema = schema_of(HIVE, "mismatch")
        sql(f"CREATE TABLE hive.{schema}.t (a varchar, p bigint) WITH (format = 'ORC', partitioned_by = ARRAY['p'])")
        sql(f"INSERT INTO hive.{schema}.t VALUES ('x', 1)")
        described = Path(environment.systems["lake"]["warehouse"]) / "hive" / schema / "t" / ".trinoSchema"
        described.write_text(described.read_text().replace('"string"', '"array<int>"', 1))
        sql("CALL hive.system.flush_metadata_cache()")
        self.fails_once(connector, sql, config("hive", schema), "t", "HIVE_PARTITION_SCHEMA_MISMATCH")

    def test_a_message_that_does_not_fit_its_description(
        self, connector: Connector, config: Config, sql: Trino, schema_of: SchemaOf
    ) -> None:
        store, schema = schema_of(KAFKA, "decoder")
        columns = [("id", "BIGINT"), ("x", "BIGINT")]
        store.create(schema, "t", columns)
        store.show(schema)
        store.insert(schema, "t", columns, [(1, {"a": 1})])
        self.fails_once(connector, sql, config(store.catalog, schema), "t", "DECODER_CONVERSION_NOT_SUPPORTED")


class TestC5ObjectIds:
    TEXT = "65a000000000000000000001"

    def test_it_is_its_text(self, connector: Connector, config: Config, schema_of: SchemaOf) -> None:
        store, schema = schema_of(MONGO, "object_ids")
        store.insert(schema, "t", [("id", ""), ("user_id", ""), ("nested", "")],
                     [(1, ObjectId(self.TEXT), {"ids": [ObjectId(self.TEXT)]})])  # fmt: skip
        stream = connector.discover(config("mongo", schema)).streams["t"]
        [row] = connector.read(config("mongo", schema), configured([stream])).data("t")
        assert row["user_id"] == self.TEXT
        assert row["nested"] == {"ids": [self.TEXT]}

    def test_it_is_a_cursor(self, connector: Connector, config: Config, schema_of: SchemaOf) -> None:
        store, schema = schema_of(MONGO, "object_id_cursor")
        columns, made = [("id", ""), ("c", "")], [ObjectId(f"65a00000000000000000000{n}") for n in range(4)]
        store.insert(schema, "t", columns, list(enumerate(made[:2])))
        settings = config("mongo", schema)
        syncs = Syncs(connector, settings, incremental(connector.discover(settings).streams["t"], "c"))
        assert ids(syncs.read(), "t") == Counter([0, 1])
        store.insert(schema, "t", columns, [(2, made[2]), (3, made[3]), (11, made[1])])
        assert ids(syncs.read(), "t") == Counter([2, 3, 11])
        assert not syncs.read().data("t")


class TestC6ColumnsThatTrinoLeavesOut:
    CASES = {
        "mariadb": (MARIADB, ["uuid", "bit(3)", "inet4", "point", "decimal(65,2)"]),
        "duckdb": (DUCKDB, ["timestamp", "timestamptz", "time", "uuid", "hugeint", "integer[]", "blob"]),
    }

    @pytest.mark.parametrize("catalog", CASES)
    def test_they_are_told_with_the_session_property_that_brings_them(
        self, connector: Connector, config: Config, schema_of: SchemaOf, catalog: str
    ) -> None:
        case, types = self.CASES[catalog]
        store, schema = schema_of(case, "left_out")
        store.create(schema, "t", [("id", "int"), *((f"left_{number}", type_) for number, type_ in enumerate(types))])
        settings = config(catalog, schema)
        discovered = connector.discover(settings)
        read = connector.read(settings, configured(discovered.streams.values()))
        for result in (discovered, read):
            for number in range(len(types)):
                words = ("unsupported_type_handling", f"left_{number}", "t")
                assert warned(result, *words), f"{types[number]}: {result.explain()}"

    def test_a_table_of_such_columns_alone_is_told_too(
        self, connector: Connector, config: Config, schema_of: SchemaOf
    ) -> None:
        store, schema = schema_of(MARIADB, "only_left_out")
        store.execute(f"CREATE TABLE {schema}.hidden_table (a uuid)")
        store.create(schema, "t", [("id", "int")])
        assert warned(connector.discover(config("mariadb", schema)), "hidden_table")


class TestC7Cures:
    def test_a_table_with_capitals_in_a_database(
        self, connector: Connector, config: Config, schema_of: SchemaOf
    ) -> None:
        store, schema = schema_of(MARIADB, "capitals")
        store.create(schema, "Orders", [("id", "int")])
        result = connector.run("discover", "--config", connector.file(config("mariadb", schema)))
        assert "case-insensitive-name-matching" in errors(result) + "".join(result.logs("WARN")), result.explain()

    @pytest.mark.parametrize("catalog", [MARIADB, MYSQL], ids=lambda catalog: catalog.name)
    def test_a_key_is_of_the_spelling_that_trino_reads(
        self, connector: Connector, config: Config, schema_of: SchemaOf, catalog: Catalog
    ) -> None:
        """Of tables and schemas whose names differ by capitals, Trino reads the one without any."""
        store, schema = schema_of(catalog, "spelling")
        upper = schema.upper()
        store.execute(f"CREATE DATABASE `{upper}`")
        try:
            store.execute(f"CREATE TABLE `{upper}`.t (id int PRIMARY KEY, b int)")
            store.execute(f"CREATE TABLE {schema}.t (id int, b int)")
            store.execute(f"CREATE TABLE {schema}.`U` (id int PRIMARY KEY, b int)")
            store.execute(f"CREATE TABLE {schema}.u (id int, b int PRIMARY KEY)")
            streams = connector.discover(config(catalog.name, schema)).streams
        finally:
            store.execute(f"DROP DATABASE `{upper}`")
        keys = {name: stream.get("source_defined_primary_key") for name, stream in streams.items()}
        assert not keys["t"] and keys["u"] == [["b"]]

    def test_a_filter_that_is_required(self, connector: Connector, config: Config, sql: Trino, schema_of: SchemaOf) -> None:
        _, schema = schema_of(HIVE, "required")
        sql(f"CREATE TABLE hive.{schema}.t WITH (partitioned_by = ARRAY['p']) AS SELECT 1 AS id, 1 AS p")
        required = ["hive.query_partition_filter_required=true"]
        settings = config("hive", schema)
        stream = connector.discover(settings).streams["t"]
        result = connector.read(settings | {"session_properties": required}, configured([stream]))
        assert result.exit_code == 0 or "hive.query_partition_filter_required=false" in errors(result), result.explain()

    def test_an_array_of_opensearch_that_no_mapping_tells_of(self, connector: Connector, config: Config, schema_of: SchemaOf) -> None:
        store, schema = schema_of(OPENSEARCH, "array")
        columns = [("id", "long"), ("list", "keyword")]
        store.create(schema, "t", columns)
        store.insert(schema, "t", columns, [(1, ["a", "b"])])
        stream = connector.discover(config("opensearch", schema)).streams[store.shown("t")]
        result = connector.read(config("opensearch", schema), configured([stream]))
        assert result.exit_code == 1 and "_meta.trino" in errors(result), result.explain()


class TestC8HiveTablesBehindLimits:
    PARTITIONS = 150

    @pytest.fixture
    def schema(self, sql: Trino, schema_of: SchemaOf) -> str:
        _, schema = schema_of(HIVE, "limits")
        table = f"CREATE TABLE hive.{schema}.t WITH (partitioned_by = ARRAY['p']) AS SELECT n AS id, n AS p"
        sql(f"{table} FROM UNNEST(sequence(1, 90)) a(n)")
        sql(f"INSERT INTO hive.{schema}.t SELECT n, n FROM UNNEST(sequence(91, {self.PARTITIONS})) a(n)")
        return str(schema)

    LIMITS: dict[str, tuple[str, dict[str, Any]]] = {
        "few partitions a scan": ("hive_few", {}),
        "a filter is required": ("hive", {"session_properties": ["hive.query_partition_filter_required=true"]}),
    }

    @pytest.mark.parametrize("limit", LIMITS)
    def test_a_full_refresh_reads_all(self, connector: Connector, config: Config, schema: str, limit: str) -> None:
        catalog, fields = self.LIMITS[limit]
        stream = connector.discover(config("hive", schema)).streams["t"]
        result = connector.read(config(catalog, schema, **fields), configured([stream]))
        assert ids(result, "t") == Counter(range(1, self.PARTITIONS + 1))

    @pytest.mark.parametrize("limit", LIMITS)
    def test_syncs_by_the_partition_column(
        self, connector: Connector, config: Config, sql: Trino, schema: str, limit: str
    ) -> None:
        catalog, fields = self.LIMITS[limit]
        stream = connector.discover(config("hive", schema)).streams["t"]
        syncs = Syncs(connector, config(catalog, schema, **fields), incremental(stream, "p"))
        assert ids(syncs.read(), "t") == Counter(range(1, self.PARTITIONS + 1))
        sql(f"INSERT INTO hive.{schema}.t VALUES (1000, {self.PARTITIONS}), (1001, 1001)")
        assert ids(syncs.read(), "t") == Counter([1000, 1001])


def test_c9_a_uuid_as_cursor_of_cassandra_is_warned_of(
    connector: Connector, config: Config, schema_of: SchemaOf
) -> None:
    store, schema = schema_of(CASSANDRA, "uuids")
    columns = [("id", "int"), ("c", "timeuuid")]
    store.create(schema, "t", columns)
    store.show(schema)
    store.insert(schema, "t", columns, [(1, "12151fd2-7586-11e9-8f9e-2a86e4085a59")])
    stream = connector.discover(config("cassandra", schema)).streams["t"]
    result = connector.read(config("cassandra", schema), incremental(stream, "c"), [])
    assert warned(result, "c", "uuid"), result.explain()


class TestPoint3HiveInSlicesOfPartitions:
    def test_a_full_refresh_has_a_state_for_some_partitions_and_goes_on_from_it(
        self, connector: Connector, config: Config, sql: Trino, schema_of: SchemaOf
    ) -> None:
        _, schema = schema_of(HIVE, "slices")
        rows = "SELECT n AS id, rpad('', 200, 'x') AS x, n % 8 AS p FROM UNNEST(sequence(1, 3200)) a(n)"
        sql(f"CREATE TABLE hive.{schema}.t WITH (partitioned_by = ARRAY['p']) AS {rows}")
        settings = config("hive", schema, slice_rows=400, concurrency=1)
        syncs = Syncs(connector, settings, configured([connector.discover(settings).streams["t"]]))
        ended, sure, _ = syncs.read_until(3200 * 280 // 2)
        assert not ended and sure, "no state before the read was killed"
        rest = syncs.read().data("t")
        assert Counter(row["id"] for row in [*sure, *rest]) == Counter(range(1, 3201))


class TestPoint5Keys:
    @pytest.mark.parametrize("catalog", [MARIADB, MYSQL], ids=lambda catalog: catalog.name)
    def test_of_databases_that_speak_mysql(
        self, connector: Connector, config: Config, schema_of: SchemaOf, catalog: Catalog
    ) -> None:
        store, schema = schema_of(catalog, "keys")
        store.execute(f"CREATE TABLE {schema}.one (id int PRIMARY KEY, x int UNIQUE)")
        store.execute(f"CREATE TABLE {schema}.two (a int, b int, c int, PRIMARY KEY (c, a))")
        store.execute(f"CREATE TABLE {schema}.none (a int, b int NOT NULL UNIQUE)")
        self.told(connector, config(catalog.name, schema), {"one": [["id"]], "two": [["c"], ["a"]], "none": []})

    def test_of_cassandra(self, connector: Connector, config: Config, schema_of: SchemaOf) -> None:
        store, schema = schema_of(CASSANDRA, "keys")
        store.execute(f"CREATE TABLE {schema}.two (a int, b int, c int, d int, PRIMARY KEY ((b, a), c))")
        store.create(schema, "one", [("id", "int"), ("x", "int")])
        store.show(schema)
        self.told(connector, config("cassandra", schema), {"one": [["id"]], "two": [["b"], ["a"], ["c"]]})

    def test_of_duckdb(self, connector: Connector, config: Config, schema_of: SchemaOf) -> None:
        store, schema = schema_of(DUCKDB, "keys")
        store.execute(f"CREATE TABLE {schema}.two (a int, b int, c int, PRIMARY KEY (c, a))")
        store.execute(f"CREATE TABLE {schema}.none (a int, b int UNIQUE)")
        self.told(connector, config("duckdb", schema), {"two": [["c"], ["a"]], "none": []})

    def test_of_hudi(self, connector: Connector, config: Config) -> None:
        key = [["_hoodie_record_key"], ["_hoodie_partition_path"]]
        streams = connector.discover(config("hudi", "hud")).streams
        for name in ("cow", "mor_ro", "mor_rt"):
            told = streams[name].get("source_defined_primary_key", [])
            assert told in (key, key[:1]), name
            assert streams[name].get("default_cursor_field") == ["_hoodie_commit_time"], name

    def test_of_kafka(self, connector: Connector, config: Config, schema_of: SchemaOf) -> None:
        store, schema = schema_of(KAFKA, "keys")
        store.create(schema, "t", [("id", "BIGINT")])
        store.show(schema)
        self.told(connector, config(store.catalog, schema), {"t": [["_partition_id"], ["_partition_offset"]]})

    @pytest.mark.parametrize("catalog", [MONGO, OPENSEARCH], ids=lambda catalog: catalog.name)
    def test_of_documents(
        self, connector: Connector, config: Config, schema_of: SchemaOf, catalog: Catalog
    ) -> None:
        store, schema = schema_of(catalog, "keys")
        columns = [("id", "long" if catalog is OPENSEARCH else "bigint")]
        store.create(schema, "t", columns)
        store.insert(schema, "t", columns, [(1,)])
        self.told(connector, config(catalog.name, schema), {store.shown("t"): [["_id"]]})

    def told(self, connector: Connector, settings: dict[str, Any], keys: dict[str, list[list[str]]]) -> None:
        streams = connector.discover(settings).streams
        assert {name: streams[name].get("source_defined_primary_key", []) for name in keys} == keys

    @pytest.mark.parametrize("catalog", [MARIADB, MYSQL], ids=lambda catalog: catalog.name)
    @pytest.mark.parametrize("key", ["bigint", "bigint unsigned", "date"])
    def test_a_full_refresh_by_key_goes_on_after_a_kill(
        self, connector: Connector, config: Config, schema_of: SchemaOf, catalog: Catalog, key: str
    ) -> None:
        store, schema = schema_of(catalog, "sliced")
        values = {"date": "date_add('2000-01-01', interval seq day)"}
        store.execute(f"CREATE TABLE {schema}.t (k {key} PRIMARY KEY, id int, x varchar(200))")
        store.execute(
            f"INSERT INTO {schema}.t SELECT {values.get(key, 'seq')}, seq, repeat('x', 200) FROM {schema}.seq_1_to_3200"
        )
        store.execute(f"ANALYZE TABLE {schema}.t")
        settings = config(catalog.name, schema, slice_rows=400, concurrency=1)
        syncs = Syncs(connector, settings, configured([connector.discover(settings).streams["t"]]))
        ended, sure, _ = syncs.read_until(3200 * 280 // 2)
        assert not ended and sure, "no state before the read was killed"
        rest = syncs.read().data("t")
        assert set(row["id"] for row in [*sure, *rest]) == set(range(1, 3201))


class TestPoint6HiddenColumns:
    def test_the_id_of_documents_of_mongodb(self, connector: Connector, config: Config, schema_of: SchemaOf) -> None:
        store, schema = schema_of(MONGO, "hidden")
        store.client[schema]["t"].insert_one({"_id": ObjectId(TestC5ObjectIds.TEXT), "a": 1})
        stream = connector.discover(config("mongo", schema)).streams["t"]
        [row] = connector.read(config("mongo", schema), configured([stream])).data("t")
        assert row.get("_id") == TestC5ObjectIds.TEXT

    def test_the_id_of_documents_of_opensearch(
        self, connector: Connector, config: Config, schema_of: SchemaOf
    ) -> None:
        store, schema = schema_of(OPENSEARCH, "hidden")
        store.create(schema, "t", [("id", "long")])
        store.insert(schema, "t", [("id", "long")], [(5,)])
        stream = connector.discover(config("opensearch", schema)).streams[store.shown("t")]
        [row] = connector.read(config("opensearch", schema), configured([stream])).data(store.shown("t"))
        assert row.get("_id") == "5"

    def test_where_a_message_of_kafka_is_also_where_the_catalog_hides_it(
        self, connector: Connector, config: Config, sql: Trino
    ) -> None:
        streams = connector.discover(config("kafka", "s")).streams
        wanted = {"_partition_id", "_partition_offset", "_timestamp"}
        assert wanted <= set(streams["orders"]["json_schema"]["properties"])

    @pytest.mark.parametrize("catalog", ["hive", "lake_iceberg"])
    def test_a_sync_by_the_time_of_files_brings_new_files_only(
        self, connector: Connector, config: Config, sql: Trino, catalog: str
    ) -> None:
        schema = unique("files")
        sql(f"CREATE SCHEMA {catalog}.{schema}")
        try:
            sql(f"CREATE TABLE {catalog}.{schema}.t AS SELECT n AS id FROM UNNEST(sequence(1, 5)) a(n)")
            plain = connector.discover(config(catalog, schema)).streams["t"]
            assert set(plain["json_schema"]["properties"]) == {"id"}, "without the option nothing changes"
            settings = config(catalog, schema, file_columns=True)
            stream = connector.discover(settings).streams["t"]
            assert {"id", "$path", "$file_modified_time"} <= set(stream["json_schema"]["properties"])
            syncs = Syncs(connector, settings, incremental(stream, "$file_modified_time"))
            first = syncs.read()
            assert ids(first, "t") == Counter(range(1, 6)), first.explain()
            assert all(row["$path"] and row["$file_modified_time"] for row in first.data("t"))
            sql(f"INSERT INTO {catalog}.{schema}.t VALUES 6, 7")
            assert ids(syncs.read(), "t") == Counter([6, 7])
            assert not syncs.read().data("t")
        finally:
            sql(f"DROP TABLE {catalog}.{schema}.t")
            sql(f"DROP SCHEMA {catalog}.{schema}")
