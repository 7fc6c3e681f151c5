"""A tiny Trino client on urllib: enough for readiness checks and for the `sql` command.

It shares no code with the connector on purpose, so that tests can compare the two.
"""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


class QueryError(Exception):
    """What Trino, or the way to it, answered in place of rows."""


@dataclass
class TrinoClient:
    """Where to ask, and as whom. With a password the address has to be https."""

    url: str
    user: str = "test"
    password: str | None = None
    ca_certificate: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    timeout: float = 60
    #: What the protocol's headers begin with.
    prefix: str = "X-Trino-"

    def info(self) -> dict[str, Any]:
        """The answer of `/v1/info`, which needs no login."""
        return self._request(f"{self.url}/v1/info")

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """All rows of a query, each as an object of its columns."""
        return [
            dict(zip([column["name"] for column in page["columns"]], row, strict=True))
            for page in self.pages(sql)
            for row in page.get("data") or []
        ]

    def pages(self, sql: str) -> Iterator[dict[str, Any]]:
        """Every answer to a query, from the first to the one without `nextUri`."""
        page = self._request(f"{self.url}/v1/statement", sql.encode())
        while True:
            if "error" in page:
                raise QueryError(f"{page['error']['errorName']}: {page['error']['message']}")
            yield page
            if "nextUri" not in page:
                return
            page = self._request(page["nextUri"])

    def _request(self, url: str, body: bytes | None = None) -> dict[str, Any]:
        headers = {f"{self.prefix}User": self.user, f"{self.prefix}Source": "source-trino-tests", **self.headers}
        if self.password is not None:
            headers["Authorization"] = "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode()
        context = ssl.create_default_context(cafile=self.ca_certificate) if url.startswith("https:") else None
        request = urllib.request.Request(url, data=body, headers=headers)
        # Trino asks clients to repeat a request that was answered with one of these.
        for pause in (0.1, 0.3, 1.0, None):
            try:
                with urllib.request.urlopen(request, timeout=self.timeout, context=context) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code in (429, 502, 503, 504) and pause is not None:
                    time.sleep(pause)
                    continue
                detail = error.read(500).decode(errors="replace").strip()
                raise QueryError(f"HTTP {error.code} {error.reason} {detail}".strip()) from None
            except (OSError, ValueError) as error:
                raise QueryError(f"{url}: {error}") from None
        raise AssertionError("the last attempt returns or raises")
