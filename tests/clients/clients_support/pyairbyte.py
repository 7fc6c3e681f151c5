"""Loads streams with PyAirbyte and looks at what has arrived."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import airbyte
from airbyte.caches import DuckDBCache, PostgresCache
from airbyte.caches.base import CacheBase
from airbyte.results import ReadResult
from airbyte.sources import Source

from .environment import Servers
from .tables import SCHEMA, drop_in_postgres

#: The schema of what is loaded; in PostgreSQL beside the tables that Trino reads there.
TARGET = f"{SCHEMA}_loaded"

#: Keeps the arguments and the state of every read in a directory, then runs the connector.
_RECORDER = """#!/bin/sh
run=$(ls {kept} | wc -l)
printf '%s\\n' "$@" > {kept}/arguments-$run
previous=
for argument; do
    if [ "$previous" = --state ]; then cp "$argument" {kept}/state-$run; fi
    previous=$argument
done
exec {binary} "$@"
"""


@dataclass(frozen=True)
class Destination:
    """A database that PyAirbyte loads into."""

    name: str
    cache: CacheBase
    #: Makes it compare texts by their code points, as Trino does.
    collate: str

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query, without PyAirbyte's own columns."""
        rows = self.cache.run_sql_query(sql.replace("TARGET", TARGET))
        return [{name: value for name, value in row.items() if not name.startswith("_airbyte_")} for row in rows]

    def count(self, table: str) -> int:
        """The number of rows of a table."""
        return self.rows(f"SELECT count(*) AS n FROM TARGET.{table}")[0]["n"]


@contextmanager
def destination(name: str, servers: Servers, directory: Path) -> Iterator[Destination]:
    """An empty database; all that was loaded is dropped in the end."""
    if name == "DuckDB":
        # The file's name is a database's name there, and must not be that of the schema, too.
        yield Destination(name, DuckDBCache(db_path=directory / "file.duckdb", schema_name=TARGET), "")
        return
    address = {key: servers.postgres[key] for key in ("host", "port", "database", "password")}
    cache = PostgresCache(**address, username=servers.postgres["user"], schema_name=TARGET)
    try:
        yield Destination(name, cache, ' COLLATE "C"')
    finally:
        drop_in_postgres(servers, TARGET)


def source(binary: Path, config: dict[str, Any]) -> Source:
    """The connector as PyAirbyte sees it."""
    return airbyte.get_source("source-trino", config=config, local_executable=binary, install_if_missing=False)


def load(binary: Path, config: dict[str, Any], into: Destination, streams: list[str] | None = None) -> ReadResult:
    """Loads some streams, or all, with PyAirbyte's own choice of how to write."""
    made = source(binary, config)
    if streams is None:
        made.select_all_streams()
    else:
        made.select_streams(streams)
    return made.read(cache=into.cache)


def recorder(binary: Path, directory: Path) -> Path:
    """A program that runs the binary and keeps what it is given in `directory/kept`."""
    kept = directory / "kept"
    kept.mkdir()
    program = directory / "source-trino"
    program.write_text(_RECORDER.format(kept=shlex.quote(str(kept)), binary=shlex.quote(str(binary))))
    program.chmod(0o755)
    return program


def states(program: Path) -> list[Any]:
    """The states of all reads that a recorder saw, in their order."""
    kept = sorted((program.parent / "kept").glob("state-*"), key=lambda path: int(path.name.partition("-")[2]))
    return [json.loads(path.read_text()) for path in kept]
