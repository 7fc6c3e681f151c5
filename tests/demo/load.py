"""Loads streams of source-trino into a DuckDB file with PyAirbyte and prints a query's result from it.

Run by the demo in an environment with PyAirbyte: load.py BINARY CONFIG STREAM...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import airbyte
import duckdb
from airbyte.caches import DuckDBCache

DATABASE = Path("demo.duckdb")
# Not the name of the file: DuckDB could not tell a schema from a database of the same name.
SCHEMA = "tiny"

QUERY = f"""
    SELECT n.name AS nation, count(*) AS customers, sum(c.acctbal) AS balance
    FROM {SCHEMA}.customer c JOIN {SCHEMA}.nation n USING (nationkey)
    GROUP BY ALL ORDER BY customers DESC, nation LIMIT 5
"""


def main() -> None:
    """Reads the arguments, loads and queries."""
    binary, config, *streams = sys.argv[1:]
    DATABASE.unlink(missing_ok=True)
    source = airbyte.get_source(
        "source-trino",
        config=json.loads(Path(config).read_text()),
        local_executable=Path(binary),
        install_if_missing=False,
    )
    source.check()
    source.select_streams(streams)
    result = source.read(cache=DuckDBCache(db_path=DATABASE, schema_name=SCHEMA))
    print(f"{result.processed_records} records are in {DATABASE.absolute()}")
    with duckdb.connect(str(DATABASE), read_only=True) as connection:
        print(" ".join(QUERY.split()))
        connection.sql(QUERY).show()


if __name__ == "__main__":
    main()
