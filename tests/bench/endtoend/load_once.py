"""Loads one stream of the connector with PyAirbyte: load_once.py JOB, a JSON object.

`binary`, `config`, `stream`, and either `duckdb` (a file) or `postgres` (host, port, user, password, database).
Prints {"rows": N, "seconds": S} as its last line. S is the time of `read` alone, without imports and `check`.
With `drop`, only removes what such a load has left in PostgreSQL.
"""

import json
import sys
import time
from pathlib import Path

import airbyte
from airbyte.caches import DuckDBCache, PostgresCache
from sqlalchemy import text

SCHEMA = "source_trino_bench_load"


def main() -> None:
    """One load from the beginning to the end."""
    job = json.loads(sys.argv[1])
    if "duckdb" in job:
        cache = DuckDBCache(db_path=Path(job["duckdb"]), schema_name=SCHEMA)
    else:
        database = job["postgres"]
        cache = PostgresCache(
            host=database["host"], port=database["port"], username=database["user"],
            password=database["password"], database=database["database"], schema_name=SCHEMA,
        )
    if job.get("drop"):
        with cache.get_sql_engine().begin() as connection:
            connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
        return
    source = airbyte.get_source(
        "source-trino", config=job["config"], local_executable=Path(job["binary"]), install_if_missing=False
    )
    source.select_streams([job["stream"]])
    started = time.monotonic()
    result = source.read(cache=cache, force_full_refresh=True)
    seconds = time.monotonic() - started
    print("\n" + json.dumps({"rows": result.processed_records, "seconds": seconds}))


if __name__ == "__main__":
    main()
