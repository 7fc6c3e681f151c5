"""ClickHouse's HTTP interface over chDB, as much of it as Trino's connector needs: server.py DIRECTORY PORT."""

from __future__ import annotations

import sys
import threading
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from chdb import session

_engine = session.Session(sys.argv[1])
_one_at_a_time = threading.Lock()


class Interface(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") != "chunked":
            self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            return
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        self._answer(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Statements are logged in place of requests."""

    def _answer(self, body: bytes) -> None:
        url = urllib.parse.urlparse(self.path)
        parameters = dict(urllib.parse.parse_qsl(url.query))
        sql = f"{parameters.get('query', '')} {body.decode()}".strip()
        if url.path == "/ping" or not sql:
            self._send(200, b"Ok.\n", "TabSeparated")
            return
        asked = parameters.get("default_format") or self.headers.get("X-ClickHouse-Format") or "TabSeparated"
        print(">", asked, sql[:300].replace("\n", " "), flush=True)
        try:
            with _one_at_a_time:
                if database := parameters.get("database"):
                    _engine.query(f"USE `{database}`", "Null")
                result = _engine.query(sql, asked)
                content = bytes(result.bytes()) if result is not None and len(result) else b""
        except Exception as error:
            print("!", error, flush=True)
            self._send(500, str(error).encode(), asked)
        else:
            self._send(200, content, asked)

    def _send(self, code: int, content: bytes, shape: str) -> None:
        self.send_response(code)
        headers = {
            "Content-Length": str(len(content)),
            "X-ClickHouse-Format": shape,
            "X-ClickHouse-Timezone": "UTC",
            "X-ClickHouse-Query-Id": str(uuid.uuid4()),
            "X-ClickHouse-Server-Display-Name": "chdb",
        }
        if code != 200:
            headers["X-ClickHouse-Exception-Code"] = "62"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Interface).serve_forever()
