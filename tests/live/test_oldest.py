"""PrestoSQL 350, the last release before Trino got its name, whose headers are called otherwise; and in `make test-long`
Trino 352, the next one but one.

They are started here, and stopped in the end, unless `SOURCE_TRINO_OLDEST` and `SOURCE_TRINO_RENAMED` name some that run
(`live_support/servers.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live_support import servers
from live_support.connector import Connector
from live_support.environment import EVERY_CASE, Environment
from live_support.messages import configured, handwritten
from live_support.verdicts import reads_regions, succeeds
from live_support.ways import WAYS, way


#: What they have in common the first one shows, and headers with the name of Trino every other server has.
@pytest.fixture(scope="module", params=["oldest", "renamed"] if EVERY_CASE else ["oldest"])
def oldest(environment: Environment, request: pytest.FixtureRequest) -> Iterator[Environment]:
    """An old server in place of the usual ones."""
    with servers.another(request.param, environment) as oldest:
        yield oldest


@pytest.fixture(scope="module")
def config(oldest: Environment) -> dict[str, Any]:
    """The configuration for the oldest server."""
    smallest = {"hostname": "127.0.0.1", "port": oldest.http_port, "username": "live-tests"}
    return smallest | {"catalog": "tpch", "schema": "tiny"}


def test_its_headers_are_found_out(connector: Connector, config: dict[str, Any]) -> None:
    """With the other ones either answers 401."""
    session = {"session_properties": ["query_max_run_time=1h"], "client_tags": ["etl"], "session_user": "other"}
    succeeds(connector.check(config | session))
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


@pytest.mark.parametrize("name", WAYS)
def test_every_way_leads_to_it(
    connector: Connector, config: dict[str, Any], oldest: Environment, tmp_path: Path, name: str
) -> None:
    with way(name, oldest.programs, tmp_path, oldest.http_port) as changes:
        succeeds(connector.check(config | changes))
        reads_regions(connector, config | changes)
