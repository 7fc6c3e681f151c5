"""SQL in Trino and in PostgreSQL: sets tables up, and says what is true.

Trino is asked through its own Python client, which shares no code with the connector. Values that a Python float would
change are cast to varchar in the query.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
from trino.dbapi import connect

from .environment import Environment

#: The user of all set-up and of all questions; over http any name is taken.
USER = "live-tests"

_numbers = itertools.count()


def unique(purpose: str) -> str:
    """A name that no other run of the tests has."""
    return f"live_{purpose}_{os.getpid()}_{next(_numbers)}"


def quoted(*names: str) -> str:
    """Names as an SQL identifier, joined by dots."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


class Trino:
    """Runs SQL in Trino."""

    def __init__(self, environment: Environment) -> None:
        self._port = environment.http_port

    def __call__(
        self, sql: str, source: str = "live-tests", session: dict[str, str] | None = None
    ) -> list[Sequence[Any]]:
        """Runs a statement to its end; returns its rows."""
        connection = connect(  # type: ignore[no-untyped-call]
            host="127.0.0.1", port=self._port, user=USER, source=source, encoding=None, timezone="UTC",
            session_properties=session or {},
        )  # fmt: skip
        cursor = connection.cursor(legacy_primitive_types=True)
        cursor.execute(sql)
        rows: list[Sequence[Any]] = cursor.fetchall()
        return rows

    def value(self, sql: str) -> Any:
        """The only value of the only row."""
        [[value]] = self(sql)
        return value

    def present_snapshot(self, schema: str, table: str) -> int:
        """The id of the snapshot that a table of the catalog `iceberg` shows."""
        refs = quoted("iceberg", schema, f"{table}$refs")
        return int(self.value(f"SELECT snapshot_id FROM {refs} WHERE name = 'main'"))

    def expire_snapshots(self, table: str) -> None:
        """Makes every other snapshot of an Iceberg table unreadable."""
        session = {"iceberg.expire_snapshots_min_retention": "0s"}
        self(f"ALTER TABLE {table} EXECUTE expire_snapshots(retention_threshold => '0s')", session=session)

    def all(self, statements: Sequence[str], at_once: int = 8) -> None:
        """Runs statements in any order, several at once."""
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(self, statements))

    @contextmanager
    def schema(self, catalog: str, purpose: str) -> Iterator[str]:
        """A new schema, dropped with all that is in it."""
        name = unique(purpose)
        location = f" WITH (location = 's3://lake/delta/{name}')" if catalog == "delta" else ""
        self(f"CREATE SCHEMA {quoted(catalog, name)}{location}")
        try:
            yield name
        finally:
            self._drop(catalog, name)

    def _drop(self, catalog: str, name: str) -> None:
        # Views first: one whose table is gone cannot be dropped in every catalog.
        tables = self(
            f"SELECT table_name, table_type FROM {quoted(catalog)}.information_schema.tables "
            f"WHERE table_schema = '{name}'"
        )
        views = [table for table, kind in tables if kind == "VIEW"]
        self.all([f"DROP VIEW {quoted(catalog, name, view)}" for view in views])
        self(f"DROP SCHEMA {quoted(catalog, name)} CASCADE")


@contextmanager
def postgres(environment: Environment) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the database behind the catalog `postgresql`; every statement stands at once."""
    settings = environment.postgres
    with psycopg.connect(
        host=settings["host"],
        port=settings["port"],
        user=settings["user"],
        password=settings["password"],
        dbname=settings["database"],
        autocommit=True,
    ) as connection:
        yield connection
