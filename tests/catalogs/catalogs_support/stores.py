"""Tables and rows, made by each system's own client, or by Trino where it is the one that writes."""

from __future__ import annotations

import json
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pymongo
import pymysql
import redis
from cassandra.cluster import Cluster
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from live_support.oracle import Trino, quoted, unique
from trino.exceptions import TrinoUserError

from .environment import Catalogs

Row = Sequence[Any]
#: Name and type, in the words of the system.
Columns = Sequence[tuple[str, str]]


class Store:
    """One catalog's tables. The first column of each is its number, and its key where the system wants one."""

    #: The null of its rows.
    null: Any = "NULL"

    def __init__(self, catalog: str, environment: Catalogs, sql: Trino) -> None:
        #: Where the tables are; a store may make a catalog of its own.
        self.catalog, self.environment, self.trino = catalog, environment, sql

    def create_schema(self, purpose: str) -> str:
        """A new schema."""
        raise NotImplementedError

    def drop_schema(self, schema: str) -> None:
        """Removes it, with all that is in it."""
        raise NotImplementedError

    def shown(self, table: str) -> str:
        """The name that Trino has for a table."""
        return table.lower()

    def create(self, schema: str, table: str, columns: Columns, options: str = "") -> None:
        """A new table."""
        raise NotImplementedError

    def show(self, schema: str) -> None:
        """All tables of a schema have been made; Trino has to see them now."""

    def insert(self, schema: str, table: str, columns: Columns, rows: Sequence[Row]) -> None:
        """Writes rows, with values in the words of the system."""
        raise NotImplementedError

    #: How many tables are written side by side.
    side_by_side = 4

    def at_once(self, work: Callable[[str], None], tables: Sequence[str]) -> None:
        """Does the work for each of the tables."""
        with ThreadPoolExecutor(self.side_by_side) as pool:
            list(pool.map(work, tables))

    def text(self, text: str) -> Any:
        """A text in the words of the system."""
        return "'" + text.replace("'", "''") + "'"

    def numbers(self, schema: str, table: str, columns: Columns, count: int) -> None:
        """Fills a table of a number and a text with the numbers from 1."""
        text = self.text("x" * 200)
        for first in range(1, count + 1, 500):
            last = min(first + 499, count)
            self.insert(schema, table, columns, [(number, text) for number in range(first, last + 1)])


class SqlStore(Store):
    """A system that understands SQL."""

    quote = '"'
    #: What follows the columns of every table.
    suffix = ""

    def execute(self, statement: str) -> None:
        raise NotImplementedError

    def named(self, *names: str) -> str:
        return ".".join(self.quote + name.replace(self.quote, self.quote * 2) + self.quote for name in names)

    def table(self, schema: str, table: str) -> str:
        return self.named(schema, table)

    def create_schema(self, purpose: str) -> str:
        schema = unique(purpose)
        self.execute(f"CREATE SCHEMA {self.named(schema)}")
        return schema

    def drop_schema(self, schema: str) -> None:
        self.execute(f"DROP SCHEMA {self.named(schema)}")

    def define(self, columns: Columns) -> str:
        return ", ".join(f"{self.named(name)} {type_}" for name, type_ in columns)

    def create(self, schema: str, table: str, columns: Columns, options: str = "") -> None:
        self.execute(f"CREATE TABLE {self.table(schema, table)} ({self.define(columns)}) {options} {self.suffix}".strip())

    def insert(self, schema: str, table: str, columns: Columns, rows: Sequence[Row]) -> None:
        names = ", ".join(self.named(name) for name, _ in columns)
        values = ", ".join(f"({', '.join(map(str, row))})" for row in rows)
        self.execute(f"INSERT INTO {self.table(schema, table)} ({names}) VALUES {values}")


class ByTrino(SqlStore):
    """Trino itself writes, as for files."""

    def execute(self, statement: str) -> None:
        self.trino(statement)

    def table(self, schema: str, table: str) -> str:
        return quoted(self.catalog, schema, table)

    def create_schema(self, purpose: str) -> str:
        schema = unique(purpose)
        self.trino(f"CREATE SCHEMA {quoted(self.catalog, schema)}")
        return schema

    def drop_schema(self, schema: str) -> None:
        self.trino(f"DROP SCHEMA {quoted(self.catalog, schema)} CASCADE")


class Delta(ByTrino):
    """Trino refuses to insert into Delta tables on a local file system: each table is made with its rows, anew."""

    def __init__(self, catalog: str, environment: Catalogs, sql: Trino) -> None:
        super().__init__(catalog, environment, sql)
        self._rows: dict[tuple[str, str], list[Row]] = {}

    def create(self, schema: str, table: str, columns: Columns, options: str = "") -> None:
        self._rows[schema, table] = []

    def insert(self, schema: str, table: str, columns: Columns, rows: Sequence[Row]) -> None:
        kept = self._rows[schema, table]
        kept += rows
        name = self.table(schema, table)
        casts = ", ".join(f"CAST({quoted(column)} AS {type_}) AS {quoted(column)}" for column, type_ in columns)
        values = ", ".join(f"({', '.join(map(str, row))})" for row in kept)
        names = ", ".join(quoted(column) for column, _ in columns)
        self.execute(f"DROP TABLE IF EXISTS {name}")
        self.execute(f"CREATE TABLE {name} AS SELECT {casts} FROM (VALUES {values}) v({names})")


class MariaDb(SqlStore):
    quote = "`"

    def execute(self, statement: str) -> None:
        login = self.environment.systems["mariadb"]
        with pymysql.connect(**login, autocommit=True, charset="utf8mb4") as connection:
            connection.cursor().execute(statement)

    def text(self, text: str) -> str:
        return super().text(text.replace("\\", "\\\\"))

    def define(self, columns: Columns) -> str:
        return f"{super().define(columns)}, PRIMARY KEY ({self.named(columns[0][0])})"


class DuckDb(SqlStore):
    """Inside Trino, which alone may open its file."""

    def execute(self, statement: str) -> None:
        escaped = statement.replace("'", "''")
        self.trino(f"CALL {self.catalog}.system.execute(query => '{escaped}')")

    def drop_schema(self, schema: str) -> None:
        self.execute(f"DROP SCHEMA {self.named(schema)} CASCADE")

    def define(self, columns: Columns) -> str:
        return f"{super().define(columns)}, PRIMARY KEY ({self.named(columns[0][0])})"


class ClickHouse(SqlStore):
    quote = "`"

    def execute(self, statement: str) -> None:
        place = self.environment.systems["clickhouse"]
        request = urllib.request.Request(f"http://{place['host']}:{place['port']}/", data=statement.encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()

    def create_schema(self, purpose: str) -> str:
        schema = unique(purpose)
        self.execute(f"CREATE DATABASE {self.named(schema)}")
        return schema

    def drop_schema(self, schema: str) -> None:
        self.execute(f"DROP DATABASE {self.named(schema)}")

    suffix = "ENGINE = MergeTree ORDER BY id"


class Cassandra(SqlStore):
    def __init__(self, catalog: str, environment: Catalogs, sql: Trino) -> None:
        super().__init__(catalog, environment, sql)
        place = environment.systems["cassandra"]
        self._session = Cluster([place["host"]], port=place["port"]).connect()
        self._session.default_timeout = 60
        self._made: set[tuple[str, str]] = set()

    def execute(self, statement: str) -> None:
        self._session.execute(statement)

    def create_schema(self, purpose: str) -> str:
        schema = unique(purpose)
        strategy = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
        self.execute(f"CREATE KEYSPACE {schema} WITH replication = {strategy}")
        return schema

    def drop_schema(self, schema: str) -> None:
        self.execute(f"DROP KEYSPACE {schema}")

    def define(self, columns: Columns) -> str:
        return f"{super().define(columns)}, PRIMARY KEY ({self.named(columns[0][0])})"

    def create(self, schema: str, table: str, columns: Columns, options: str = "") -> None:
        super().create(schema, table, columns, options)
        self._made.add((schema, table))

    def show(self, schema: str) -> None:
        # It tells Trino a second later.
        deadline = time.monotonic() + 60
        expected = {table.lower() for made_in, table in self._made if made_in == schema}
        while time.monotonic() < deadline:
            with suppress(TrinoUserError):
                if expected <= {name for [name] in self.trino(f"SHOW TABLES FROM {self.catalog}.{schema}")}:
                    return
            time.sleep(0.5)
        raise AssertionError(f"Trino does not see the tables of {schema}")

    def insert(self, schema: str, table: str, columns: Columns, rows: Sequence[Row]) -> None:
        # One row a statement; a null that is not written is the same.
        waiting = []
        for row in rows:
            written = [(name, value) for (name, _), value in zip(columns, row, strict=True) if value != self.null]
            names = ", ".join(self.named(name) for name, _ in written)
            values = ", ".join(str(value) for _, value in written)
            statement = f"INSERT INTO {self.table(schema, table)} ({names}) VALUES ({values})"
            waiting.append(self._session.execute_async(statement))
        for answer in waiting:
            answer.result()


class Mongo(Store):
    """Rows are documents. A table with types is told to Trino; one without is what Trino makes of its documents."""

    null = None

    def __init__(self, catalog: str, environment: Catalogs, sql: Trino) -> None:
        super().__init__(catalog, environment, sql)
        place = environment.systems["mongo"]
        self.client: pymongo.MongoClient[Any] = pymongo.MongoClient(place["host"], place["port"])

    def create_schema(self, purpose: str) -> str:
        return unique(purpose)

    def drop_schema(self, schema: str) -> None:
        self.client.drop_database(schema)

    def create(self, schema: str, table: str, columns: Columns, options: str = "") -> None:
        self.trino(f"CREATE SCHEMA IF NOT EXISTS {quoted(self.catalog, schema)}")
        # Trino would make a collection with small letters, beside the one that the rows go into.
        if all(type_ for _, type_ in columns) and table == table.lower():
            listed = ", ".join(f"{quoted(name)} {type_}" for name, type_ in columns)
            self.trino(f"CREATE TABLE {quoted(self.catalog, schema, table)} ({listed})")

    def insert(self, schema: str, table: str, columns: Columns, rows: Sequence[Row]) -> None:
        names = [name for name, _ in columns]
        self.client[schema][table].insert_many([dict(zip(names, row, strict=True)) for row in rows])

    def text(self, text: str) -> str:
        return text


class OpenSearch(Store):
    """A table is an index, and its schema is `default`: every run has names of its own."""

    null = None

    def create_schema(self, purpose: str) -> str:
        self._prefix = unique(purpose)
        self._indices: list[str] = []
        return "default"

    def shown(self, table: str) -> str:
        return f"{self._prefix}_{table}"

    def drop_schema(self, schema: str) -> None:
        for index in self._indices:
            self._ask("DELETE", f"/{index}")

    def create(self, schema: str, table: str, columns: Columns, options: str = "") -> None:
        properties = {name: json.loads(type_) if type_[0] == "{" else {"type": type_} for name, type_ in columns}
        self._indices.append(self.shown(table))
        self._ask("PUT", f"/{self.shown(table)}", {"mappings": {"properties": properties}})

    def insert(self, schema: str, table: str, columns: Columns, rows: Sequence[Row]) -> None:
        names = [name for name, _ in columns]
        lines = []
        for row in rows:
            lines += [{"index": {"_id": str(row[0])}}, dict(zip(names, row, strict=True))]
        answer = self._ask("POST", f"/{self.shown(table)}/_bulk?refresh=true", "".join(json.dumps(line) + "\n" for line in lines))
        assert not answer["errors"], answer

    def text(self, text: str) -> str:
        return text

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        place = self.environment.systems["opensearch"]
        data = None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        kind = {"Content-Type": "application/x-ndjson" if isinstance(body, str) else "application/json"}
        request = urllib.request.Request(
            f"http://{place['host']}:{place['port']}{path}", data=data, headers=kind, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


class Described(Store):
    """A catalog whose tables are described in files, which Trino reads when the catalog is made: one catalog a schema."""

    null = None
    #: What the catalog is made with, apart from its tables.
    connector = ""

    def properties(self) -> dict[str, str]:
        raise NotImplementedError

    def description(self, schema: str, table: str, columns: Columns) -> dict[str, Any]:
        raise NotImplementedError

    def create_schema(self, purpose: str) -> str:
        self._directory = Path(tempfile.mkdtemp(prefix="source-trino-tables-"))
        self._tables: list[str] = []
        self._made = ""
        return unique(purpose)

    def create(self, schema: str, table: str, columns: Columns, options: str = "") -> None:
        assert not self._made, "its catalog has been made"
        self._tables.append(f"{schema}.{table}")
        file = self._directory / f"{table}.json"
        file.write_text(json.dumps(self.description(schema, table, columns)))

    def show(self, schema: str) -> None:
        self._made = self.catalog = unique(self.connector)
        listed = self.properties() | {
            f"{self.connector}.table-description-dir": str(self._directory),
            f"{self.connector}.table-names": ",".join(self._tables),
        }
        text = ", ".join(f"{quoted(name)} = '{value}'" for name, value in listed.items())
        self.trino(f"CREATE CATALOG {self.catalog} USING {self.connector} WITH ({text})")

    def drop_schema(self, schema: str) -> None:
        if self._made:
            self.trino(f"DROP CATALOG {self._made}")

    def text(self, text: str) -> str:
        return text


def _fields(columns: Columns) -> list[dict[str, str]]:
    """Fields of JSON. A type may be followed by a format: `TIMESTAMP(3) iso8601`."""
    fields = []
    for name, type_ in columns:
        kind, _, shape = type_.partition(" ")
        fields.append({"name": name, "mapping": name, "type": kind} | ({"dataFormat": shape} if shape else {}))
    return fields


class Kafka(Described):
    """Messages of JSON. A column `_timestamp` is the time of the message, in milliseconds."""

    connector = "kafka"

    def __init__(self, catalog: str, environment: Catalogs, sql: Trino) -> None:
        super().__init__(catalog, environment, sql)
        place = environment.systems["kafka"]
        self._server = f"{place['host']}:{place['port']}"

    def properties(self) -> dict[str, str]:
        return {"kafka.nodes": self._server, "kafka.hide-internal-columns": "false"}

    def description(self, schema: str, table: str, columns: Columns) -> dict[str, Any]:
        visible = [column for column in columns if column[0] != "_timestamp"]
        return {
            "tableName": table,
            "schemaName": schema,
            "topicName": f"{schema}.{table}",
            "message": {"dataFormat": "json", "fields": _fields(visible)},
        }

    def create(self, schema: str, table: str, columns: Columns, options: str = "") -> None:
        super().create(schema, table, columns, options)
        # `options` is who sets the time of a message: LogAppendTime is the broker.
        settings = {"message.timestamp.type": options} if options else {}
        topic = NewTopic(name=f"{schema}.{table}", num_partitions=2, replication_factor=1, topic_configs=settings)
        admin = KafkaAdminClient(bootstrap_servers=self._server)
        admin.create_topics([topic])
        admin.close()

    def insert(self, schema: str, table: str, columns: Columns, rows: Sequence[Row]) -> None:
        producer = KafkaProducer(bootstrap_servers=self._server)
        for row in rows:
            values = {name: value for (name, _), value in zip(columns, row, strict=True)}
            moment = values.pop("_timestamp", None)
            producer.send(f"{schema}.{table}", json.dumps(values).encode(), timestamp_ms=moment)
        producer.flush()
        producer.close()


class Redis(Described):
    """Values of JSON, with the number of the row as key."""

    connector = "redis"

    def __init__(self, catalog: str, environment: Catalogs, sql: Trino) -> None:
        super().__init__(catalog, environment, sql)
        place = environment.systems["redis"]
        self._client = redis.Redis(place["host"], place["port"])
        self._server = f"{place['host']}:{place['port']}"

    def properties(self) -> dict[str, str]:
        return {"redis.nodes": self._server, "redis.key-prefix-schema-table": "true"}

    def description(self, schema: str, table: str, columns: Columns) -> dict[str, Any]:
        key = {"name": "redis_key", "type": "VARCHAR", "hidden": False}
        return {
            "tableName": table,
            "schemaName": schema,
            "key": {"dataFormat": "raw", "fields": [key]},
            "value": {"dataFormat": "json", "fields": _fields(columns)},
        }

    def insert(self, schema: str, table: str, columns: Columns, rows: Sequence[Row]) -> None:
        names = [name for name, _ in columns]
        pipe = self._client.pipeline()
        for row in rows:
            pipe.set(f"{schema}:{table}:{row[0]}", json.dumps(dict(zip(names, row, strict=True))))
        pipe.execute()

    def drop_schema(self, schema: str) -> None:
        super().drop_schema(schema)
        for key in self._client.scan_iter(f"{schema}:*", count=1000):
            self._client.delete(key)
