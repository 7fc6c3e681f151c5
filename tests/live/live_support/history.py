"""The queries that Trino has run, also those that it forgets while a test looks on, and the session of one."""

from __future__ import annotations

import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from live_support.connector import Result
from live_support.environment import Environment
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


def session_of(result: Result, environment: Environment) -> dict[str, Any]:
    """What the server says of the session of the first query in the log."""
    query = next(match.group(1) for text in result.logs("DEBUG") if (match := re.search(r"query_id=(\S+)", text)))
    request = urllib.request.Request(f"{environment.trino['url']}/v1/query/{query}", headers={"X-Trino-User": "admin"})
    with urllib.request.urlopen(request) as answer:
        session: dict[str, Any] = json.load(answer)["session"]
    return session
