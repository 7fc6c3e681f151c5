"""Where the servers and the binary are: two variables, both of them required."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from live_support.environment import Environment, NotSetUp

#: What each variable has to be set to.
_MEANINGS = {
    "SOURCE_TRINO_CATALOGS": "the servers.json that `python3 tests/servers up catalogs` prints the path of",
    "SOURCE_TRINO_BIN": "the source-trino binary, for example target/release/source-trino",
}


@dataclass(frozen=True)
class Catalogs(Environment):
    """Trino, and the systems behind its catalogs."""

    systems: dict[str, dict[str, Any]] = field(default_factory=dict)


def load() -> Catalogs:
    """Reads the two variables."""
    servers, binary = (_file(variable) for variable in _MEANINGS)
    description = json.loads(servers.read_text())
    return Catalogs(binary, description["trino"], {}, {}, description["systems"])


def _file(variable: str) -> Path:
    value = os.environ.get(variable, "")
    path = Path(value)
    if not value or not path.is_file():
        raise NotSetUp(f"the tests of catalogs need {variable}: set it to {_MEANINGS[variable]}; it is {value!r}")
    return path.resolve()
