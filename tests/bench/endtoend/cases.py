"""What is read: a table, which of its columns, and how many rows of it the slow tools read."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import BenchError
from trino_client import TrinoClient

#: Schema of the memory catalog that holds the benchmark's own tables while it runs.
SCHEMA = "source_trino_bench"
WIDE_COLUMNS = 200


@dataclass(frozen=True)
class Case:
    """One table to read. `few` is the number of rows for tools that would take too long over all."""

    key: str
    title: str
    catalog: str
    schema: str
    table: str
    rows: int
    few: int
    columns: tuple[str, ...] = ()

    def sql(self, limit: int | None = None) -> str:
        """The query that the connector makes of this case, for the tools that take a query."""
        columns = ", ".join(f'"{column}"' for column in self.columns) or "*"
        text = f'SELECT {columns} FROM "{self.catalog}"."{self.schema}"."{self.table}"'
        return f"{text} LIMIT {limit}" if limit is not None else text


def comparisons(quick: bool) -> list[Case]:
    """The cases in which all tools are compared."""
    schema, rows = ("tiny", 60_175) if quick else ("sf1", 6_001_215)
    wide, nested = (2_000, 10_000) if quick else (50_000, 200_000)
    few = 20_000 if quick else 200_000
    narrow = ("orderkey", "linenumber")
    return [
        Case("lineitem", "lineitem, 16 columns", "tpch", schema, "lineitem", rows, few),
        Case("narrow", "lineitem, 2 columns", "tpch", schema, "lineitem", rows, few, narrow),
        Case("wide", f"{WIDE_COLUMNS} columns", "memory", SCHEMA, "wide", wide, max(wide // 5, 2_000)),
        Case("nested", "rows, arrays, maps", "memory", SCHEMA, "nested", nested, nested // 4),
    ]


def tpch(table: str, schema: str, rows: int, *columns: str) -> Case:
    """A table of the tpch catalog that only the connector and the raw download read."""
    title = f"{schema}.{table}" + (f", {len(columns)} columns" if columns else "")
    return Case(f"{schema}-{table}-{len(columns)}", title, "tpch", schema, table, rows, rows, columns)


class Tables:
    """The benchmark's own tables and views, there within a `with`."""

    def __init__(self, trino: TrinoClient, cases: list[Case], loads: tuple[int, ...]) -> None:
        self._trino = trino
        self._rows = {case.table: case.rows for case in cases if case.catalog == "memory"}
        self._loads = loads

    def __enter__(self) -> None:
        self.__exit__()
        self._trino.rows(f"CREATE SCHEMA memory.{SCHEMA}")
        if rows := self._rows.get("wide"):
            self._create("wide", f"SELECT {_wide()} FROM tpch.sf1.orders LIMIT {rows}")
        if rows := self._rows.get("nested"):
            self._create("nested", f"SELECT {_NESTED} FROM tpch.sf1.orders LIMIT {rows}")
        for rows in self._loads:
            self._create(f"lineitem_{rows}", f"SELECT * FROM tpch.sf1.lineitem LIMIT {rows}", "VIEW")

    def __exit__(self, *_: Any) -> None:
        if {"Schema": SCHEMA} in self._trino.rows("SHOW SCHEMAS FROM memory"):
            self._trino.rows(f"DROP SCHEMA memory.{SCHEMA} CASCADE")

    def _create(self, name: str, select: str, kind: str = "TABLE") -> None:
        self._trino.rows(f"CREATE {kind} memory.{SCHEMA}.{name} AS {select}")


@contextmanager
def schema(trino: TrinoClient, catalog: str, name: str = SCHEMA) -> Iterator[None]:
    """A schema of the benchmark in a catalog; one that was left behind is dropped first."""
    drop = f"DROP SCHEMA IF EXISTS {catalog}.{name} CASCADE"
    trino.rows(drop)
    trino.rows(f"CREATE SCHEMA {catalog}.{name}")
    try:
        yield
    finally:
        trino.rows(drop)


def _wide() -> str:
    """Columns of five types in turn, with a null in about every tenth row of one of them."""
    kinds = (
        "orderkey + {n} AS c{n}_bigint",
        "clerk AS c{n}_varchar",
        "CAST(totalprice + {n} AS decimal(12,2)) AS c{n}_decimal",
        "date_add('day', {n}, orderdate) AS c{n}_date",
        "IF((orderkey + {n}) % 10 = 0, NULL, totalprice / {n}) AS c{n}_double",
    )
    return ", ".join(kinds[n % len(kinds)].format(n=n + 1) for n in range(WIDE_COLUMNS))


_NESTED = """orderkey,
    CAST(ROW(custkey, clerk, ROW(totalprice, orderdate)) AS
        ROW(customer bigint, clerk varchar, price ROW(total double, day date))) AS header,
    ARRAY[orderkey, custkey, NULL, shippriority] AS numbers,
    split(comment, ' ') AS words,
    MAP(ARRAY['status', 'priority', 'clerk'], ARRAY[orderstatus, orderpriority, clerk]) AS labels,
    ARRAY[CAST(ROW(custkey, orderpriority) AS ROW(id bigint, name varchar)),
          CAST(ROW(orderkey, orderstatus) AS ROW(id bigint, name varchar))] AS pairs"""


def write_json(path: Path, content: Any) -> Path:
    """Writes a file that a tool is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def configuration(directory: Path, port: int, case: Case, protocol: str, **more: Any) -> Path:
    """The connector's configuration for a case."""
    schema = more.pop("schema", case.schema)
    name = f"config-{case.key}-{schema}-{protocol}-{port}-{'-'.join(map(str, more.values()))}.json"
    fields = {"hostname": "127.0.0.1", "port": port, "username": "bench", "fetch_protocol": protocol, **more}
    return write_json(directory / name, {**fields, "catalog": case.catalog, "schema": schema})


def configured_catalog(directory: Path, binary: Path, config: Path, case: Case, *others: str) -> Path:
    """The configured catalog of a case, from the connector's own `discover`, cut down to the case's columns."""
    command = [binary, "discover", "--config", config, "--configured", "--streams", ",".join((case.table, *others))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"discover failed for {case.table}: {done.stdout[-1500:]}{done.stderr[-500:]}")
    catalog = json.loads(done.stdout)
    for stream in catalog["streams"]:
        stream["stream"]["namespace"] = case.schema
    if case.columns:
        schema = catalog["streams"][0]["stream"]["json_schema"]
        schema["properties"] = {name: schema["properties"][name] for name in case.columns}
    return write_json(directory / f"catalog-{case.key}-{len(others)}.json", catalog)
