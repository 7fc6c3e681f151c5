"""Loads streams of source-trino into a DuckDB file with PyAirbyte and prints a query's result from it.

Run by the demo in an environment with PyAirbyte: load.py BINARY CONFIG STREAM...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import airbyte
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
    cache = DuckDBCache(db_path=DATABASE, schema_name=SCHEMA)
    result = source.read(cache=cache)
    print(f"{result.processed_records} records are in {DATABASE.absolute()}")
    print(f"{' '.join(QUERY.split())}:")
    for row in cache.run_sql_query(QUERY):
        print("  ".join(f"{column}={value}" for column, value in row.items()))


if __name__ == "__main__":
    main()
