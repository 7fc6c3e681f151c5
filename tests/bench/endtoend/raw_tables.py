"""Reads many tables and looks at nothing but where to go next: raw_tables.py PORT AT_ONCE FILE.

FILE has the names of the tables, one a line. As many queries as AT_ONCE run at once, each thread on one
connection. It shows what the server can give.
"""

import http.client
import json
import queue
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def _read(port: int, tables: queue.SimpleQueue[str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def answer(method: str, path: str, body: str | None = None) -> dict[str, str]:
        connection.request(method, path, body, {"X-Trino-User": "bench"})
        page: dict[str, str] = json.loads(connection.getresponse().read())
        return page

    while True:
        try:
            table = tables.get_nowait()
        except queue.Empty:
            return
        page = answer("POST", "/v1/statement", f"SELECT * FROM {table}")
        while following := page.get("nextUri"):
            page = answer("GET", "/" + following.split("/", 3)[3])
        if "error" in page:
            raise SystemExit(f"{table}: {page['error']}")


def main() -> None:
    """Every table once."""
    port, at_once, file = sys.argv[1:]
    tables: queue.SimpleQueue[str] = queue.SimpleQueue()
    for table in Path(file).read_text().splitlines():
        tables.put(table)
    with ThreadPoolExecutor(int(at_once)) as pool:
        list(pool.map(lambda _: _read(int(port), tables), range(int(at_once))))


if __name__ == "__main__":
    main()
