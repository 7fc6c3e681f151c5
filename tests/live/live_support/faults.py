"""What can be given to a statement in place of its answer: errors of queries, HTTP statuses, broken connections."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Moment(Enum):
    """When a statement fails."""

    #: The request that hands the statement over.
    POST = "post"
    #: The first request for a page.
    AT_ONCE = "page"
    #: The request after a page with rows; a body that is cut is that of the page with rows.
    AFTER_ROWS = "rows"


@dataclass(frozen=True)
class Fault:
    """One of them. Exactly one of `error_type`, `status`, `closes` and `takes_rows` says what it is."""

    name: str
    moment: Moment = Moment.AT_ONCE
    #: Trino's type of the error `name`, and its number.
    error_type: str = ""
    code: int = 0
    #: The exception behind it.
    cause: str = ""
    #: An HTTP status.
    status: int = 0
    #: The connection is closed, after half of the answer if it `cuts`.
    closes: bool = False
    cuts: bool = False
    #: The answer is a good one without its rows.
    takes_rows: bool = False
    #: Whether it goes away by itself, as everybody knows, so that a run must not tell people to change anything.
    passes: bool = False
    #: Whether it says something about what was asked for: that it is not there, or not for this user.
    is_about_the_table: bool = False
    #: Seconds that a connector may be patient with it are many, when it stays.
    is_slow: bool = False
    #: The requests of a statement after the first failed one fail, too.
    again: bool = False

    @property
    def label(self) -> str:
        """Name and moment, as a case is called."""
        return self.name if self.moment is Moment.AT_ONCE else f"{self.name}@{self.moment.value}"

    @property
    def is_error(self) -> bool:
        return bool(self.error_type)

    @property
    def waits_for_rows(self) -> bool:
        return self.moment is Moment.AFTER_ROWS

    @property
    def text(self) -> str:
        """Body of an answer with an HTTP status."""
        return "given by the tests"

    def is_due(self, had_rows: bool, was_hit: bool) -> bool:
        """Whether the next request for a page fails."""
        if self.takes_rows or self.moment is Moment.POST:
            return False
        if self.is_error:
            return had_rows or not self.waits_for_rows
        if was_hit and not self.again:
            return False
        # The page that is cut is the one with rows, and not the one after it.
        return had_rows or self.cuts or not self.waits_for_rows

    def error(self) -> dict[str, Any]:
        """The `error` of a failed query."""
        message = f"{self.name.lower().replace('_', ' ')}, given by the tests"
        info = {"code": self.code, "name": self.name, "type": self.error_type}
        failure: dict[str, Any] = {
            "type": "io.trino.spi.TrinoException", "message": message, "suppressed": [],
            "stack": ["io.trino.Tests.fault(Tests.java:1)"], "errorInfo": info,
        }  # fmt: skip
        if self.cause:
            failure["cause"] = {"type": self.cause, "message": message, "suppressed": [], "stack": []}
        return {
            "message": message, "errorCode": self.code, "errorName": self.name, "errorType": self.error_type,
            "failureInfo": failure,
        }  # fmt: skip


def _error(name: str, error_type: str, code: int, **more: Any) -> Fault:
    return Fault(name, error_type=error_type, code=code, **more)


#: Errors of queries, by the types that Trino sorts them in.
ERRORS = [
    _error("USER_CANCELED", "USER_ERROR", 3),
    _error("PERMISSION_DENIED", "USER_ERROR", 4, is_about_the_table=True),
    _error("NOT_SUPPORTED", "USER_ERROR", 13, is_about_the_table=True),
    _error("TABLE_NOT_FOUND", "USER_ERROR", 46, is_about_the_table=True),
    _error("COLUMN_NOT_FOUND", "USER_ERROR", 47, is_about_the_table=True),
    _error("INVALID_ARGUMENTS", "USER_ERROR", 65, is_about_the_table=True),
    _error("ADMINISTRATIVELY_KILLED", "USER_ERROR", 38),
    _error("EXCEEDED_TIME_LIMIT", "INSUFFICIENT_RESOURCES", 131075),
    _error("QUERY_QUEUE_FULL", "INSUFFICIENT_RESOURCES", 131074, passes=True, is_slow=True),
    _error("CLUSTER_OUT_OF_MEMORY", "INSUFFICIENT_RESOURCES", 131076, passes=True, is_slow=True),
    _error("NO_NODES_AVAILABLE", "INTERNAL_ERROR", 65541, passes=True, is_slow=True),
    _error("GENERIC_INTERNAL_ERROR", "INTERNAL_ERROR", 65536),
    _error("JDBC_ERROR", "EXTERNAL", 67108864, passes=True),
    _error("HIVE_METASTORE_ERROR", "EXTERNAL", 16777216, passes=True),
    _error("ICEBERG_CATALOG_ERROR", "EXTERNAL", 84148237, passes=True),
    _error("ICEBERG_CANNOT_OPEN_SPLIT", "EXTERNAL", 84148228, cause="java.io.FileNotFoundException"),
]

#: What a user without a right is told.
DENIED = next(fault for fault in ERRORS if fault.name == "PERMISSION_DENIED")

_PASSING_STATUSES = (429, 502, 503, 504)

#: HTTP statuses and broken connections.
OF_HTTP = [
    *(Fault(f"HTTP {status}", status=status) for status in (401, 403, 404, 410, 500)),
    *(Fault(f"HTTP {status}", status=status, passes=True, is_slow=True) for status in _PASSING_STATUSES),
    Fault("closed", closes=True, passes=True, is_slow=True),
    Fault("cut", closes=True, cuts=True, passes=True, is_slow=True),
]

#: The server says nothing at all of what it knows, as its metadata does when a database refuses connections.
NO_ROWS = Fault("no rows", takes_rows=True)
