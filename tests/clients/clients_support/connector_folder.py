"""The folder that Airbyte's standard suite tests: a connector as it lies in Airbyte's own repository.

The suite finds everything by `acceptance-test-config.yml`, with paths relative to its folder. Ports and passwords are
known at run time only, so the folder is made anew for every run and its `secrets` are written there.
"""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

from .environment import ROOT, SAMPLES, Servers

#: The suite takes the connector's name from its folder's.
FOLDER = Path(tempfile.mkdtemp(prefix="source-trino-clients-")) / "source-trino"


def make() -> None:
    """Makes the folder without secrets: enough to find out which tests there are."""
    FOLDER.mkdir()
    for name in ("metadata.yaml", "acceptance-test-config.yml"):
        shutil.copy(ROOT / name, FOLDER)
    shutil.copytree(SAMPLES, FOLDER / "sample_files")
    (FOLDER / "secrets").mkdir()


def remove() -> None:
    """Removes the folder."""
    shutil.rmtree(FOLDER.parent, ignore_errors=True)


def write_secrets(servers: Servers, memory_schema: str, postgres_schema: str) -> None:
    """Writes every configuration that `acceptance-test-config.yml` names."""
    for name, config in _configs(servers, memory_schema, postgres_schema).items():
        (FOLDER / "secrets" / f"{name}.json").write_text(json.dumps(config, indent=2))


def _configs(servers: Servers, memory_schema: str, postgres_schema: str) -> dict[str, dict[str, Any]]:
    wrong = {"method": "password", "password": "wrong-secret-1"}
    return {
        "config": servers.config("memory", memory_schema),
        "config_tpch": servers.config("tpch", "tiny"),
        "config_https": servers.config_https("postgresql", postgres_schema),
        "unknown_host": servers.config("tpch", "tiny", hostname="no-such-host.invalid"),
        "closed_port": servers.config("tpch", "tiny", port=_closed_port()),
        "http_to_https": servers.config_https("tpch", "tiny", ssl_mode={"mode": "disable"}),
        "untrusted_certificate": servers.config_https("tpch", "tiny", ssl_mode={"mode": "verify-full"}),
        "wrong_password": servers.config_https("tpch", "tiny", authentication=wrong),
        "unknown_catalog": servers.config("no_such_catalog", "tiny"),
        "unknown_schema": servers.config("tpch", "no_such_schema"),
    }


def _closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
