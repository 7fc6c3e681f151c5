"""A relay in front of Trino: it passes everything on, notes every statement, and fails the ones that a rule chooses.

The server builds `nextUri` from the `Host` header, which is passed on as it is, so that all requests of a query come
through the relay without a change of any answer. What a failed statement gets has the form that 476 gives it: the POST is
answered with a queued query, the error comes with a later page.

With `Answers` a relay repeats what the server said to the same statement before, for runs over tables that nobody writes:
thousands of runs then cost the server no more than a few.
"""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
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


#: What an answer depends on, beside the server's tables: the statement and the session.
Question = tuple[str, ...]


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
    #: What the server said to it before, which it gets again.
    repeated: list[bytes] | None = None
    #: What the server says to it, if that is to be kept.
    question: Question | None = None
    pages: list[bytes] = field(default_factory=list)

    @property
    def is_ours(self) -> bool:
        """Whether the server knows nothing of the query."""
        return self.query_id.endswith(_OURS)


#: What the ids of queries end with that the server does not know.
_OURS = "_relay"


#: Chooses the fault of a request, or none. It is asked once for each, one after the other.
Rule = Callable[[Sent], Fault | None]


def _new_id() -> str:
    """The id of a query that the server does not know."""
    return f"20261126_000000_{next(_numbers):05}{_OURS}"


def never(sent: Sent) -> None:
    """The rule of a quiet moment."""


class Answers:
    """Answers of the server, by what was asked. A query that failed is asked again."""

    _HEADERS = ("X-Trino-User", "X-Trino-Catalog", "X-Trino-Schema", "X-Trino-Session", "X-Trino-Time-Zone")

    def __init__(self) -> None:
        self._pages: dict[Question, list[bytes]] = {}

    def question(self, sql: str, headers: Mapping[str, str]) -> Question | None:
        """`None` if the answer can be given only once: the storage forgets a segment that was fetched."""
        if headers.get("X-Trino-Query-Data-Encoding"):
            return None
        return (sql, *(headers.get(name) or "" for name in self._HEADERS))

    def find(self, question: Question) -> list[bytes] | None:
        return self._pages.get(question)

    def keep(self, question: Question, pages: list[bytes]) -> None:
        """Keeps the first page, the last one, and those with rows; they have got no addresses of their own."""
        first, *others = [json.loads(page) for page in pages]
        if others and "error" not in others[-1] and all(isinstance(page.get("data", []), list) for page in others):
            kept = [first, *(page for page in others[:-1] if page.get("data")), others[-1]]
            for page in kept:
                page.pop("partialCancelUri", None)
            self._pages[question] = [json.dumps(page).encode() for page in kept]


class Relay:
    """A running relay. `rule` may be changed while it runs."""

    def __init__(self, upstream: int, rule: Rule, answers: Answers | None = None) -> None:
        self.rule = rule
        self.answers = answers
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
def relay(upstream: int, rule: Rule = never, answers: Answers | None = None) -> Iterator[Relay]:
    """A relay in front of the server on this port."""
    running = Relay(upstream, rule, answers)
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
                if fault.is_error:
                    sent.query_id = _new_id()
                return self.fail(sent, fault, body)
            if fault and fault.moment is Moment.AT_ONCE and fault.is_error:
                # The server never hears of it.
                return self.give(self.queued(sent))
            return self.give(self.begin(sent, body))

        def do_GET(self) -> None:
            sent = relay.statement(self.path)
            if sent is None:
                if self.path.startswith("/v1/statement"):
                    return self.give(self.ask())
                return self.first_contact()
            fault = sent.fault
            if fault and fault.is_due(sent.had_rows, sent.was_hit):
                return self.fail(sent, fault)
            return self.give(self.page(sent, fault, self.ask_page(sent)))

        def do_HEAD(self) -> None:
            sent = relay.statement(self.path)
            if sent and sent.is_ours:
                return self.give(_Answer(200, [], b""))
            if sent or self.path.startswith("/v1/statement/"):
                return self.give(self.ask())
            return self.first_contact()

        def do_DELETE(self) -> None:
            sent = relay.statement(self.path)
            return self.give(_Answer(204, [], b"") if sent and sent.is_ours else self.ask())

        def begin(self, sent: Sent, body: bytes) -> _Answer:
            """Hands a statement over, or finds what the server said to it before."""
            question = relay.answers.question(sent.sql, self.headers) if relay.answers else None
            if relay.answers and question:
                sent.repeated = relay.answers.find(question)
            if sent.repeated:
                relay.query(sent, _new_id())
                return self.again(sent, 0)
            answer = self.ask(body)
            if query_id := answer.page.get("id"):
                relay.query(sent, query_id)
                sent.question, sent.pages = question, [answer.body]
            return answer

        def ask_page(self, sent: Sent) -> _Answer:
            """The page that is asked for, of the server or as it was before."""
            if sent.repeated:
                return self.again(sent, int(self.path.rsplit("/", 1)[-1]))
            answer = self.ask()
            if relay.answers and sent.question and answer.status == 200:
                sent.pages.append(answer.body)
                if b'"nextUri"' not in answer.body:
                    relay.answers.keep(sent.question, sent.pages)
            return answer

        def again(self, sent: Sent, number: int) -> _Answer:
            """A page as it was before, of a new query."""
            assert sent.repeated
            page = json.loads(sent.repeated[number]) | {"id": sent.query_id}
            page.pop("nextUri", None)
            if number + 1 < len(sent.repeated):
                page["nextUri"] = self.uri(sent, number + 1)
            return _Answer(200, [("Content-Type", "application/json")], json.dumps(page).encode())

        def first_contact(self) -> None:
            sent = relay.note(f"{self.command} {self.path.split('?')[0]}")
            fault = sent.fault
            if fault and not fault.is_error:
                return self.fail(sent, fault)
            return self.give(self.ask())

        def page(self, sent: Sent, fault: Fault | None, answer: _Answer) -> _Answer:
            """A page, which may be of a statement that is to fail later, or whose rows are to vanish."""
            page = answer.page
            sent.next_uri = page.get("nextUri", "")
            if not page.get("data"):
                return answer
            sent.had_rows = True
            if fault is None or not fault.takes_rows:
                return answer
            sent.was_hit = True
            del page["data"]
            return _Answer(answer.status, answer.headers, json.dumps(page).encode())

        def fail(self, sent: Sent, fault: Fault, body: bytes | None = None) -> None:
            """What the fault gives in place of an answer."""
            if fault.cuts:
                return self.cut(sent, fault, self.ask(body) if body or not sent.query_id else self.ask_page(sent))
            sent.was_hit = True
            if fault.is_error:
                if sent.next_uri and not sent.is_ours:
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

        def uri(self, sent: Sent, number: int = 1) -> str:
            return f"http://{self.headers.get('Host')}/v1/statement/executing/{sent.query_id}/relay/{number}"

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
