"""Answers of Trino to one query, kept as files, so that they can be handed out as fast as the machine can.

`page-N` is the body of the answer number N without the addresses in it, `segment-N` a spooled segment as it is stored.
"""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

#: Stands for `http://host:port/…` of whoever serves the recording.
PLACE = "http://replay"
#: Where the next answer is: Trino names it before the rows.
NEXT = re.compile(rb'"nextUri":"[^"]*"')
#: Bytes of a page in which it is looked for.
HEAD = 4096


def record(server: str, sql: str, encoding: str | None, directory: Path) -> None:
    """Runs a query and keeps its answers. `encoding` is that of spooled segments; None keeps the rows in the pages."""
    if (directory / "complete").exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    headers = {"X-Trino-User": "bench", "X-Trino-Source": "bench"}
    if encoding:
        headers["X-Trino-Query-Data-Encoding"] = encoding
    body = _ask(f"{server}/v1/statement", headers, sql.encode())
    pages = segments = 0
    while True:
        found = NEXT.search(body, 0, HEAD)
        uri = found.group()[len(b'"nextUri":"') : -1].decode() if found else None
        if b'"error":' in body[:HEAD]:
            raise RuntimeError(f"{sql}: {body[:HEAD].decode(errors='replace')}")
        if b'"data":' in body[: 16 * HEAD] or not uri:
            if encoding:
                body, segments = _with_segments(body, directory, segments)
            (directory / f"page-{pages}").write_bytes(body)
            pages += 1
        if not uri:
            break
        body = _ask(uri, headers)
    (directory / "complete").write_text(f"{pages} pages, {segments} segments\n")


def _with_segments(body: bytes, directory: Path, count: int) -> tuple[bytes, int]:
    """Keeps the segments of a page; returns the page with their new addresses, and how many there are so far."""
    page: dict[str, Any] = json.loads(body)
    data = page.get("data")
    for segment in data["segments"] if data else []:
        if segment["type"] == "spooled":
            headers = {name: values[0] for name, values in segment.get("headers", {}).items()}
            (directory / f"segment-{count}").write_bytes(_ask(segment["uri"], headers))
            segment |= {"uri": f"{PLACE}/segment/{count}", "ackUri": f"{PLACE}/ack/{count}", "headers": {}}
            count += 1
    # The address of the next page has to stand in the head.
    first = {name: page.pop(name) for name in ("id", "nextUri") if name in page}
    return json.dumps({**first, **page}, separators=(",", ":")).encode(), count


def _ask(url: str, headers: dict[str, str], data: bytes | None = None) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=300) as answer:
        content: bytes = answer.read()
        return content
