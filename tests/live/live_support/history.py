"""The queries that Trino has run, also those that it forgets while a test looks on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from live_support.oracle import Trino

#: Trino forgets a query a minute after its end (tests/servers/trino_config.py).
PAUSE_SECONDS = 10


@contextmanager
def remembered(sql: Trino, source: str) -> Iterator[dict[str, str]]:
    """The queries of a source by their ids; all that are run within the `with` are there after it."""
    queries: dict[str, str] = {}
    is_over = threading.Event()

    def look_up() -> None:
        found = sql(f"SELECT query_id, query FROM system.runtime.queries WHERE source = '{source}'")
        queries.update((query_id, text) for query_id, text in found)

    def watch() -> None:
        while not is_over.wait(PAUSE_SECONDS):
            look_up()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield queries
    finally:
        is_over.set()
        watcher.join()
        look_up()
