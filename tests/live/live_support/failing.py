"""A relay in front of Trino that answers chosen statements with an error, as a server does now and then."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"
#: Headers that each connection has of its own.
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}

#: Types of errors by name; all others are the user's.
KINDS = {
    "EXCEEDED_TIME_LIMIT": "INSUFFICIENT_RESOURCES",
    "EXCEEDED_LOCAL_MEMORY_LIMIT": "INSUFFICIENT_RESOURCES",
    "COMPILER_ERROR": "INTERNAL_ERROR",
    "ICEBERG_INVALID_METADATA": "INTERNAL_ERROR",
    "ICEBERG_FILESYSTEM_ERROR": "EXTERNAL",
    "JDBC_ERROR": "EXTERNAL",
}

#: The name of the error that a statement gets, or none.
Rule = Callable[[str], str | None]


class Failing:
    """A running relay. `rule` may be changed while it runs."""

    def __init__(self, upstream: int) -> None:
        self.rule: Rule = lambda sql: None
        #: Called with each statement before it is passed on.
        self.watch: Callable[[str], None] = lambda sql: None
        self.statements: list[str] = []
        self.failed: list[str] = []
        self._upstream = upstream
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fail(self, number: int, name: str) -> None:
        """Fails the statement of this number from now on, counted from 1, and no other one."""
        seen = 0

        def rule(sql: str) -> str | None:
            nonlocal seen
            seen += 1
            return name if seen == number else None

        self.statements.clear()
        self.failed.clear()
        self.rule = rule

    def _error(self, sql: str) -> dict[str, Any] | None:
        name = self.rule(sql)
        self.statements.append(sql)
        if name is None:
            return None
        self.failed.append(sql)
        query_id = f"20260101_000000_{len(self.statements):05}_fails"
        kind = KINDS.get(name, "USER_ERROR")
        error = {"message": f"It is said to be {name}", "errorCode": 1, "errorName": name, "errorType": kind}
        stats = {"state": "FAILED", "queued": False, "scheduled": False, "nodes": 0, "totalSplits": 0}
        return {"id": query_id, "infoUri": f"http://{HOST}/ui/{query_id}", "stats": stats, "error": error}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.command == "POST" and self.path.startswith("/v1/statement"):
                    sql = body.decode()
                    relay.watch(sql)
                    error = relay._error(sql)
                    if error:
                        self.reply(200, [("Content-Type", "application/json")], json.dumps(error).encode())
                        return
                upstream = HTTPConnection(HOST, relay._upstream, timeout=60)
                headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
                upstream.request(self.command, self.path, body or None, headers)
                answer = upstream.getresponse()
                content = answer.read()
                self.reply(answer.status, answer.getheaders(), content)
                upstream.close()

            def reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_POST = do_DELETE = do_HEAD = answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


@contextmanager
def failing(upstream: int) -> Iterator[Failing]:
    """A relay in front of the server on this port."""
    relay = Failing(upstream)
    try:
        yield relay
    finally:
        relay.close()
