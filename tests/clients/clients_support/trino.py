"""What Trino itself says, through the small client of `tests/servers`, which shares no code with the connector."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

from .environment import ROOT, Servers

_CLIENT = ROOT / "tests" / "servers" / "trino_client.py"


class Trino:
    """Runs SQL."""

    def __init__(self, servers: Servers) -> None:
        """Asks over plain http."""
        self._client = _client_module().TrinoClient(servers.trino["url"], user="clients")

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query by column name."""
        return self._client.rows(sql)

    def run(self, *statements: str) -> None:
        """Runs statements one after the other."""
        for sql in statements:
            self._client.rows(sql)

    def columns(self, table: str) -> dict[str, str]:
        """Names and types of a table's columns."""
        return {row["Column"]: row["Type"] for row in self.rows(f"DESCRIBE {table}")}


def _client_module() -> Any:
    spec = importlib.util.spec_from_file_location("trino_client", _CLIENT)
    module = importlib.util.module_from_spec(spec)
    # Its dataclass looks itself up there.
    sys.modules.setdefault(spec.name, module)
    spec.loader.exec_module(module)
    return module
