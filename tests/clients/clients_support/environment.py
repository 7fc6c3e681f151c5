"""The binary and the servers of the tests, as the environment names them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

#: Top level of the project.
ROOT = Path(__file__).resolve().parents[3]

SAMPLES = ROOT / "sample_files"


class NotSetUp(Exception):
    """Why the tests cannot run, and what to do about it."""


def binary() -> Path:
    """The connector, from SOURCE_TRINO_BIN."""
    path = _file("SOURCE_TRINO_BIN", "the source-trino binary", "`cargo build --release`")
    if not os.access(path, os.X_OK):
        raise NotSetUp(f"SOURCE_TRINO_BIN is {path}, which cannot be run")
    return path


@dataclass(frozen=True)
class Servers:
    """Trino and PostgreSQL, as `tests/servers up full` has started and described them."""

    trino: dict[str, Any]
    postgres: dict[str, Any]

    def config(self, catalog: str, schema: str, **fields: Any) -> dict[str, Any]:
        """A configuration over plain http."""
        address = urlsplit(self.trino["url"])
        server = {"hostname": address.hostname, "port": address.port, "username": "clients"}
        return {**server, "catalog": catalog, "schema": schema, **fields}

    def config_https(self, catalog: str, schema: str, **fields: Any) -> dict[str, Any]:
        """A configuration over https, with a certificate that is checked and a password."""
        user, password = next(iter(self.trino["users"].items()))
        secure = {
            "port": urlsplit(self.trino["https_url"]).port,
            "username": user,
            "ssl_mode": {"mode": "verify-full", "ca_certificate": Path(self.trino["ca_certificate"]).read_text()},
            "authentication": {"method": "password", "password": password},
        }
        return self.config(catalog, schema, **(secure | fields))


def servers() -> Servers:
    """The running servers, from the file in SOURCE_TRINO_SERVERS."""
    path = _file("SOURCE_TRINO_SERVERS", "servers.json", "`python3 tests/servers up full`, which prints its path")
    described = json.loads(path.read_text())
    return Servers(described["trino"], described["postgres"])


def _file(variable: str, what: str, how: str) -> Path:
    text = os.environ.get(variable)
    if not text:
        raise NotSetUp(f"{variable} is not set. Set it to the path of {what}, which comes from {how}; or run `make test`.")
    path = Path(text).absolute()
    if not path.is_file():
        raise NotSetUp(f"{variable} is {path}, where there is no file. It should be {what}, which comes from {how}.")
    return path
