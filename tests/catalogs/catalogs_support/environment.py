"""Where the servers and the binary are: two variables, both of them required."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from live_support.environment import Environment, NotSetUp, connector, file


@dataclass(frozen=True)
class Catalogs(Environment):
    """Trino, and the systems behind its catalogs."""

    systems: dict[str, dict[str, Any]] = field(default_factory=dict)


def load() -> Catalogs:
    """Reads the two variables."""
    servers = file(
        "SOURCE_TRINO_CATALOGS", "the servers.json that `python3 tests/servers up catalogs` prints the path of"
    )
    description = json.loads(servers.read_text())
    return Catalogs(connector(), description["trino"], postgres={}, systems=description["systems"])
