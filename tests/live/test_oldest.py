"""PrestoSQL 350, the last release before Trino got its name: its headers are called otherwise.

It is started here, and stopped in the end, unless `SOURCE_TRINO_OLDEST` is the path of a `servers.json` of one that runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from live_support.connector import Connector
from live_support.messages import configured, handwritten

_SERVERS = Path(__file__).parents[1] / "servers"


@pytest.fixture(scope="module")
def config() -> Iterator[dict[str, Any]]:
    """The configuration for the oldest server."""
    given = os.environ.get("SOURCE_TRINO_OLDEST")
    path = given or _servers("up")
    try:
        trino = json.loads(Path(path).read_text())["trino"]
        port = urlsplit(trino["url"]).port
        yield {"hostname": "127.0.0.1", "port": port, "username": "live-tests", "catalog": "tpch", "schema": "tiny"}
    finally:
        if not given:
            _servers("down")


def _servers(command: str) -> str:
    done = subprocess.run([sys.executable, _SERVERS, command, "oldest"], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def test_its_headers_are_found_out(connector: Connector, config: dict[str, Any]) -> None:
    """With the other ones it answers 401."""
    session = {"session_properties": ["query_max_run_time=1h"], "client_tags": ["etl"], "session_user": "other"}
    result = connector.check(config | session)
    assert result.status == {"status": "SUCCEEDED"}, result.explain()
    wrong = connector.check(config | {"session_properties": ["query_max_run_tiem=1h"]}).status["message"]
    assert '"query_max_run_time"' in wrong, wrong


def test_its_tables_are_found_and_read(connector: Connector, config: dict[str, Any]) -> None:
    streams = connector.discover(config).streams
    assert {"region", "lineitem"} <= streams.keys()
    assert streams["region"]["json_schema"]["properties"].keys() == {"regionkey", "name", "comment"}
    result = connector.read(config, configured([handwritten("lineitem", "tiny", ["orderkey", "linenumber"])]))
    assert result.exit_code == 0, result.explain()
    rows = {(row["orderkey"], row["linenumber"]) for row in result.data("lineitem")}
    assert len(rows) == len(result.records("lineitem")) == 60175


def test_spooling_is_not_there(connector: Connector, config: dict[str, Any]) -> None:
    status = connector.check(config | {"fetch_protocol": "spooled"}).status
    assert status["status"] == "FAILED"
    assert '"fetch_protocol"' in status["message"]
