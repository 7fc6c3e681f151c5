"""A server that hands out recorded answers, so that the server is never what limits a client.

replay.py TRINO_PORT TABLE DIRECT_DIRECTORY SPOOLED_DIRECTORY SORTED_DIRECTORY

A query of TABLE (`"catalog"."schema"."table"`) as a whole gets the recorded answers: those of the first directory, those
of the second one if the client takes spooled segments, or those of the third one if it asks for the columns in the order
of their names, as Protobuf has them. Everything else is passed on to Trino. Prints the port that it listens on, then
works until it is ended.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

from recording import HEAD, NEXT, PLACE  # noqa: E402

TRINO, TABLE = int(sys.argv[1]), sys.argv[2]
DIRECTORIES = {"direct": Path(sys.argv[3]), "spooled": Path(sys.argv[4]), "sorted": Path(sys.argv[5])}
WHOLE = re.compile(rf"SELECT [^()]+ FROM {re.escape(TABLE)}", re.DOTALL)
#: Some clients want every member of the statistics.
COUNTS = (
    "nodes totalSplits queuedSplits runningSplits completedSplits cpuTimeMillis wallTimeMillis queuedTimeMillis "
    "elapsedTimeMillis processedRows processedBytes physicalInputBytes peakMemoryBytes spilledBytes"
)
STATS = {"state": "QUEUED", "queued": True, "scheduled": False, **dict.fromkeys(COUNTS.split(), 0)}


def kind_of(sql: str, takes_segments: bool) -> str:
    """Which of the recorded answers fits a query of the whole table."""
    if takes_segments:
        return "spooled"
    columns = re.findall(r'"(\w+)"', sql.partition(" FROM ")[0])
    return "sorted" if columns and columns == sorted(columns) else "direct"


def first(host: str, kind: str) -> dict[str, object]:
    """The answer to the statement itself, which has no rows yet."""
    return {
        "id": "20260101_000000_00000_aaaaa",
        "infoUri": f"http://{host}/",
        "nextUri": f"http://{host}/replay/{kind}/0",
        "stats": STATS,
        "warnings": [],
    }


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        sql = body.decode().strip()
        if self.path == "/v1/statement" and WHOLE.fullmatch(sql):
            kind = kind_of(sql, "X-Trino-Query-Data-Encoding" in self.headers)
            self._answer(json.dumps(first(self.headers["Host"], kind), separators=(",", ":")).encode())
        else:
            self._pass_on(body)

    def do_GET(self) -> None:
        match self.path.strip("/").split("/"):
            case ["replay", kind, number]:
                self._page(kind, int(number))
            case ["segment", number]:
                self._file(DIRECTORIES["spooled"] / f"segment-{number}", b"", 0)
            case ["ack", _]:
                self._answer(b"")
            case _:
                self._pass_on(None)

    def do_HEAD(self) -> None:
        self._pass_on(None)

    def do_DELETE(self) -> None:
        if self.path.startswith("/replay/"):
            self._answer(b"")
        else:
            self._pass_on(None)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""

    def _page(self, kind: str, number: int) -> None:
        path, host = DIRECTORIES[kind] / f"page-{number}", self.headers["Host"]
        with path.open("rb") as page:
            head = page.read(HEAD)
        length = len(head)
        following = f'"nextUri":"http://{host}/replay/{kind}/{number + 1}"'.encode()
        head = NEXT.sub(lambda _: following, head, 1)
        if kind == "spooled":
            whole = head + path.read_bytes()[length:]
            self._answer(whole.replace(PLACE.encode(), f"http://{host}".encode()))
        else:
            self._file(path, head, length)

    def _file(self, path: Path, head: bytes, offset: int) -> None:
        """A file; `head` takes the place of its first `offset` bytes."""
        with path.open("rb") as file:
            rest = os.fstat(file.fileno()).st_size - offset
            self._headers(len(head) + rest)
            self.wfile.write(head)
            self.wfile.flush()
            while rest:
                sent = os.sendfile(self.connection.fileno(), file.fileno(), offset, rest)
                offset, rest = offset + sent, rest - sent

    def _answer(self, body: bytes) -> None:
        self._headers(len(body))
        self.wfile.write(body)
        self.wfile.flush()

    def _headers(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _pass_on(self, body: bytes | None) -> None:
        trino = http.client.HTTPConnection("127.0.0.1", TRINO, timeout=300)
        trino.request(self.command, self.path, body, dict(self.headers.items()))
        answer = trino.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
        trino.close()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()
