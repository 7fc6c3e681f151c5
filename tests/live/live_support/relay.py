"""A relay in front of Trino: it passes everything on, notes every statement, and fails the ones that a rule chooses.

The server builds `nextUri` from the `Host` header, which is passed on as it is, so that all requests of a query come
through the relay without a change of any answer. What a failed statement gets has the form that 476 gives it: the POST is
answered with a queued query, the error comes with a later page.
"""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .faults import Fault, Moment
from .network import HOST

#: Headers of one connection, which the other one has of its own.
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "trailer", "upgrade"}

#: Seconds that an answer of the server may take; its longest poll is one second.
_PATIENCE = 60

_numbers = itertools.count(1)


@dataclass
class Sent:
    """A request that the connector sent of its own: a statement, or the first contact."""

    #: Counts from 1, in the order of their arrival.
    number: int
    #: The statement, or method and path of the first contact.
    sql: str
    #: What it gets in place of its answer.
    fault: Fault | None = None
    #: Whether it got that.
    was_hit: bool = False
    query_id: str = ""
    #: Whether an answer had rows.
    had_rows: bool = False
    #: Where the server's query can be cancelled, as the last answer said.
    next_uri: str = ""


#: Chooses the fault of a request, or none. It is asked once for each, one after the other.
Rule = Callable[[Sent], Fault | None]


def _new_id() -> str:
    """The id of a query that the server does not know."""
    return f"20261126_000000_{next(_numbers):05}_relay"


def never(sent: Sent) -> None:
    """The rule of a quiet moment."""


class Relay:
    """A running relay. `rule` may be changed while it runs."""

    def __init__(self, upstream: int, rule: Rule) -> None:
        self.rule = rule
        self.sent: list[Sent] = []
        self._upstream = upstream
        self._queries: dict[str, Sent] = {}
        self._lock = threading.Lock()
        self._server = _Server((HOST, 0), _handler(self))
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def hits(self) -> list[Sent]:
        """The requests that were failed."""
        return [sent for sent in self.sent if sent.was_hit]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def note(self, sql: str) -> Sent:
        """Notes a request and asks the rule."""
        with self._lock:
            sent = Sent(len(self.sent) + 1, sql)
            self.sent.append(sent)
            sent.fault = self.rule(sent)
        return sent

    def query(self, sent: Sent, query_id: str) -> None:
        """Notes the query of a statement."""
        sent.query_id = query_id
        with self._lock:
            self._queries[query_id] = sent

    def statement(self, path: str) -> Sent | None:
        """The statement that a path of a query's pages belongs to."""
        parts = path.split("/")
        with self._lock:
            return next((self._queries[part] for part in parts if part in self._queries), None)

    def connect(self) -> HTTPConnection:
        return HTTPConnection(HOST, self._upstream, timeout=_PATIENCE)


@contextmanager
def relay(upstream: int, rule: Rule = never) -> Iterator[Relay]:
    """A relay in front of the server on this port."""
    running = Relay(upstream, rule)
    try:
        yield running
    finally:
        running.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connector that is killed, or cancels a query, closes connections: nothing to tell."""


@dataclass
class _Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def page(self) -> dict[str, Any]:
        """The answer as a page of a query; empty if it is none."""
        with suppress(ValueError):
            page = json.loads(self.body)
            if isinstance(page, dict):
                return page
        return {}


def _handler(relay: Relay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        #: Without it each answer waits for the delayed acknowledgement of the one before.
        disable_nagle_algorithm = True
        upstream: HTTPConnection | None = None

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path.split("?")[0] != "/v1/statement":
                return self.give(self.ask(body))
            sent = relay.note(body.decode())
            fault = sent.fault
            if fault and fault.moment is Moment.POST:
                sent.query_id = _new_id()
                return self.fail(sent, fault, body)
            if fault and fault.moment is Moment.AT_ONCE and fault.is_error:
                # The server never hears of it.
                return self.give(self.queued(sent))
            answer = self.ask(body)
            if query_id := answer.page.get("id"):
                relay.query(sent, query_id)
            return self.give(answer)

        def do_GET(self) -> None:
            sent = relay.statement(self.path)
            if sent is None:
                if self.path.startswith("/v1/statement"):
                    return self.give(self.ask())
                return self.first_contact()
            fault = sent.fault
            if fault is None:
                answer = self.ask()
                sent.had_rows = sent.had_rows or b'"data":' in answer.body
                return self.give(answer)
            if fault.is_due(sent.had_rows, sent.was_hit):
                return self.fail(sent, fault)
            return self.give(self.page(sent, fault, self.ask()))

        def do_HEAD(self) -> None:
            if relay.statement(self.path) or self.path.startswith("/v1/statement/"):
                return self.give(self.ask())
            return self.first_contact()

        def do_DELETE(self) -> None:
            if (sent := relay.statement(self.path)) and sent.query_id.endswith("_relay"):
                return self.give(_Answer(204, [], b""))
            return self.give(self.ask())

        def first_contact(self) -> None:
            sent = relay.note(f"{self.command} {self.path.split('?')[0]}")
            fault = sent.fault
            if fault and not fault.is_error:
                return self.fail(sent, fault)
            return self.give(self.ask())

        def page(self, sent: Sent, fault: Fault, answer: _Answer) -> _Answer:
            """A page of a statement that is to fail later, or whose rows are to vanish."""
            page = answer.page
            sent.next_uri = page.get("nextUri", "")
            if not page.get("data"):
                return answer
            sent.had_rows = True
            if not fault.takes_rows:
                return answer
            sent.was_hit = True
            del page["data"]
            return _Answer(answer.status, answer.headers, json.dumps(page).encode())

        def fail(self, sent: Sent, fault: Fault, body: bytes | None = None) -> None:
            """What the fault gives in place of an answer."""
            if fault.cuts:
                return self.cut(sent, fault, self.ask(body))
            sent.was_hit = True
            if fault.is_error:
                if sent.next_uri:
                    self.cancel(sent.next_uri)
                return self.give(self.page_of(sent, state="FAILED", error=fault.error()))
            if fault.closes:
                return self.hang_up()
            return self.give(_Answer(fault.status, [("Content-Type", "text/plain")], fault.text.encode()))

        def cut(self, sent: Sent, fault: Fault, answer: _Answer) -> None:
            if fault.waits_for_rows and not answer.page.get("data"):
                return self.give(answer)
            sent.was_hit = True
            self.head(answer)
            self.wfile.write(answer.body[: len(answer.body) // 2])
            return self.hang_up()

        def hang_up(self) -> None:
            self.close_connection = True
            with suppress(OSError):
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)

        def queued(self, sent: Sent) -> _Answer:
            """The first answer to a statement that the server does not see."""
            relay.query(sent, _new_id())
            return self.page_of(sent, state="QUEUED", nextUri=self.uri(sent))

        def page_of(self, sent: Sent, state: str, **members: Any) -> _Answer:
            stats = {"state": state, "queued": state == "QUEUED", "scheduled": False, "nodes": 0, "totalSplits": 0}
            info = f"http://{self.headers.get('Host')}/ui/query.html?{sent.query_id}"
            page = {"id": sent.query_id, "infoUri": info, "stats": stats, "warnings": []} | members
            return _Answer(200, [("Content-Type", "application/json")], json.dumps(page).encode())

        def uri(self, sent: Sent) -> str:
            return f"http://{self.headers.get('Host')}/v1/statement/executing/{sent.query_id}/relay/0"

        def ask(self, body: bytes | None = None) -> _Answer:
            """What the server says to this request."""
            # Pages are looked into, so they must come as they are.
            kept = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            headers = {name: value for name, value in kept.items() if name.lower() != "accept-encoding"}
            for fresh in (False, True):
                if self.upstream is None or fresh:
                    self.upstream = relay.connect()
                try:
                    self.upstream.request(self.command, self.path, body, headers)
                    got = self.upstream.getresponse()
                    shown = [(name, value) for name, value in got.getheaders() if name.lower() not in _HOP]
                    return _Answer(got.status, shown, got.read())
                except (HTTPException, OSError):
                    # A connection that the server had closed meanwhile.
                    if fresh:
                        raise
            raise AssertionError

        def cancel(self, uri: str) -> None:
            with suppress(HTTPException, OSError):
                connection = relay.connect()
                connection.request("DELETE", uri.split(f"http://{self.headers.get('Host')}", 1)[-1])
                connection.getresponse().read()

        def head(self, answer: _Answer) -> None:
            self.send_response_only(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            if self.command != "HEAD" and answer.status != 204:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()

        def give(self, answer: _Answer) -> None:
            self.head(answer)
            self.wfile.write(answer.body)

    return Handler


@dataclass
class FailAt:
    """The rule that fails one request: the `occurrence`-th of a kind."""

    kind_of: Callable[[str], str]
    kind: str
    occurrence: int
    fault: Fault
    #: Every later request of the kind fails, too.
    lasts: bool = False
    #: Every later request, whatever it is.
    goes_on: bool = False
    _seen: int = field(default=0, init=False)

    def __call__(self, sent: Sent) -> Fault | None:
        is_of_kind = self.kind_of(sent.sql) == self.kind
        self._seen += is_of_kind
        chosen = is_of_kind and self._seen == self.occurrence
        follows = self._seen >= self.occurrence and (self.goes_on or (self.lasts and is_of_kind))
        if chosen or follows:
            return replace(self.fault, again=self.lasts or self.goes_on)
        return None
