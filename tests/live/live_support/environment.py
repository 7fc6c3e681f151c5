"""Where the servers and the binary are: two variables, both of them required."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

#: Whether tests of many like cases run all of them (`make test-long`), and not only as many as `make test` has time for.
EVERY_CASE = bool(os.environ.get("EVERY_CASE"))


class NotSetUp(Exception):
    """The tests cannot run, and the text says what to do."""


@dataclass(frozen=True)
class Environment:
    """The servers under test, as `python3 tests/servers up full` describes them, and the binary."""

    binary: Path
    trino: dict[str, Any]
    postgres: dict[str, Any]
    #: Paths of programs that stand between the connector and Trino, by name.
    programs: dict[str, str] = field(default_factory=dict)
    #: Where the tables of Iceberg and Delta Lake are stored: an endpoint, a region and a pair of keys.
    s3: dict[str, str] = field(default_factory=dict)

    @property
    def http_port(self) -> int:
        return urlsplit(self.trino["url"]).port or 80

    @property
    def https_port(self) -> int:
        return urlsplit(self.trino["https_url"]).port or 443

    @property
    def authority(self) -> str:
        """The PEM text of the authority that signed the server's certificate."""
        return Path(self.trino["ca_certificate"]).read_text()

    def password(self, user: str) -> str:
        return str(self.trino["users"][user])


def load() -> Environment:
    """Reads `SOURCE_TRINO_SERVERS` and `SOURCE_TRINO_BIN`."""
    servers = file("SOURCE_TRINO_SERVERS", "the servers.json that `python3 tests/servers up full` prints the path of")
    description = json.loads(servers.read_text())
    return Environment(connector(), description["trino"], description["postgres"], description["programs"], description["s3"])


def connector() -> Path:
    """The binary under test."""
    return file("SOURCE_TRINO_BIN", "the source-trino binary, for example target/release/source-trino")


def file(variable: str, meaning: str) -> Path:
    """The file that a variable names."""
    value = os.environ.get(variable)
    if not value:
        raise NotSetUp(f"the tests need {variable}: set it to {meaning}")
    path = Path(value)
    if not path.is_file():
        raise NotSetUp(f"{variable} is {value}, which is no file; it must be {meaning}")
    return path.resolve()
