"""The source for Trino that a user would write with airbyte-cdk and the `trino` package, to compare with.

python python_source.py read --config CONFIG --catalog CATALOG. CONFIG: host, port, user, catalog, schema, table;
`limit` stops after so many rows, `encoding` asks for spooled rows.
"""

import sys
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from airbyte_cdk.entrypoint import launch
from airbyte_cdk.models import ConnectorSpecification
from airbyte_cdk.sources import AbstractSource
from airbyte_cdk.sources.streams import Stream
from trino.dbapi import connect

JSON_TYPES = {"bigint": "integer", "integer": "integer", "double": "number", "boolean": "boolean"}


def plain(value: Any) -> Any:
    """What the CDK can write as JSON."""
    if isinstance(value, (Decimal, date)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


class Table(Stream):
    primary_key = None

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.schema: Mapping[str, Any] = {}

    @property
    def name(self) -> str:
        return self.config["table"]

    def query(self, sql: str) -> Iterable[list[Any]]:
        names = ("host", "port", "user", "catalog", "schema")
        connection = connect(**{name: self.config[name] for name in names}, encoding=self.config.get("encoding"))
        cursor = connection.cursor()
        cursor.execute(sql)
        yield from cursor

    def get_json_schema(self) -> Mapping[str, Any]:
        if not self.schema:  # The CDK asks for it with every record.
            columns = self.query(f'SHOW COLUMNS FROM "{self.name}"')
            types = {name: {"type": ["null", JSON_TYPES.get(kind, "string")]} for name, kind, *_ in columns}
            self.schema = {"type": "object", "properties": types}
        return self.schema

    def read_records(self, *args: Any, **kwargs: Any) -> Iterable[Mapping[str, Any]]:
        names = self.config.get("columns") or list(self.get_json_schema()["properties"])
        limit = f" LIMIT {self.config['limit']}" if "limit" in self.config else ""
        columns = ", ".join(f'"{name}"' for name in names)
        for row in self.query(f'SELECT {columns} FROM "{self.name}"{limit}'):
            yield dict(zip(names, map(plain, row), strict=True))


class SourceTrino(AbstractSource):
    def spec(self, logger: Any) -> ConnectorSpecification:
        return ConnectorSpecification(connectionSpecification={})

    def check_connection(self, logger: Any, config: Mapping[str, Any]) -> tuple[bool, Any]:
        return True, None

    def streams(self, config: Mapping[str, Any]) -> list[Stream]:
        return [Table(config)]


if __name__ == "__main__":
    launch(SourceTrino(), sys.argv[1:])
