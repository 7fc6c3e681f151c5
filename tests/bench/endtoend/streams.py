"""What a small stream costs: many tables of one row each, beside a client that only follows `nextUri`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import cases
from measure import BenchError, Run, run, summary
from report import say
from tools import HERE, RECORD, Workshop
from trino_client import TrinoClient

#: Queries at once, of both.
_AT_ONCE = 8
_SCHEMA = f"{cases.SCHEMA}_streams"


def streams(workshop: Workshop, trino: TrinoClient, count: int, runs: int) -> dict[str, Any]:
    """`count` streams of one row each, direct; the two clients in turn."""
    with _tables(trino, count) as names:
        tables = workshop.cache / "tables-streams.txt"
        tables.write_text("".join(f"memory.{_SCHEMA}.{name}\n" for name in names))
        config = cases.write_json(
            workshop.cache / "config-streams.json",
            {
                "hostname": "127.0.0.1", "port": workshop.port, "username": "bench", "fetch_protocol": "direct",
                "catalog": "memory", "schema": _SCHEMA, "concurrency": _AT_ONCE,
            },
        )  # fmt: skip
        catalog = cases.write_json(workshop.cache / "catalog-streams.json", {"streams": list(map(_stream, names))})
        read = [str(workshop.binary), "read", "--config", str(config), "--catalog", str(catalog)]
        raw = [sys.executable, str(HERE / "raw_tables.py"), str(workshop.port), str(_AT_ONCE), str(tables)]
        done = run(read, workshop.server_pids, count=RECORD)
        if done.rows != count:
            raise BenchError(f"{done.rows:,} records of {count:,} streams of one row each")
        tools: dict[str, list[str]] = {"raw download": raw, "**source-trino**": read}
        measured: dict[str, list[Run]] = {title: [] for title in tools}
        for turn in range(runs + 1):
            for title, command in tools.items():
                took = run(command, workshop.server_pids, rows=count)
                say(f"  {turn or 'warm'}: {title:16} {took.wall:6.2f} s")
                if turn:
                    measured[title].append(took)
    return {"rows": count, "tools": {title: summary(these) for title, these in measured.items()}}


@contextmanager
def _tables(trino: TrinoClient, count: int) -> Iterator[list[str]]:
    """The names of tables that have one row each."""
    names = [f"t{number:04}" for number in range(count)]
    with cases.schema(trino, "memory", _SCHEMA), ThreadPoolExecutor(_AT_ONCE) as pool:
        create = "CREATE TABLE memory.{}.{} AS SELECT BIGINT '1' AS n"
        list(pool.map(lambda name: trino.rows(create.format(_SCHEMA, name)), names))
        yield names


def _stream(name: str) -> dict[str, Any]:
    stream = {
        "name": name, "namespace": _SCHEMA, "supported_sync_modes": ["full_refresh"],
        "json_schema": {"type": "object", "properties": {"n": {"type": "integer"}}},
    }  # fmt: skip
    return {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
