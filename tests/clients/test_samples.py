"""`sample_files`: each is what people write or paste by hand, and each works as it stands."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from clients_support.connector import Connector, Output, stream_of
from clients_support.environment import ROOT, SAMPLES, Servers
from clients_support.trino import Trino

CONFIGS = ("config.json", "config_several_schemas.json", "config_tls_password.json")

#: What each catalog reads: streams with their columns; `None` means all of them.
CATALOGS: dict[str, dict[str, set[str] | None]] = {
    # The two streams of the project's quick start.
    "configured_catalog.json": {"customer": {"custkey", "name", "address", "acctbal"}, "nation": {"nationkey", "name"}},
    # Nothing that can be left out; a stream without namespace is one of the configured schema.
    "configured_catalog_shortest.json": {"nation": None, "region": None},
    # Some columns; their schemas are not looked at.
    "configured_catalog_columns.json": {"orders": {"orderkey", "orderdate", "totalprice", "clerk"}},
    # A column that the table has no more, and one that Airbyte's destinations add.
    "configured_catalog_vanished_column.json": {"region": {"regionkey"}},
    # Every key that the platform writes.
    "configured_catalog_platform.json": {"supplier": {"suppkey", "name", "acctbal"}},
    # PyAirbyte says incremental of every stream, and null of everything else.
    "configured_catalog_pyairbyte.json": {"part": {"partkey", "retailprice"}},
}

STATES = ("state.json", "state_none.json", "state_other_connectors.json", "state_pyairbyte.json")


def sample(name: str) -> Any:
    """The content of a sample file."""
    return json.loads((SAMPLES / name).read_text())


def on_test_server(config: dict[str, Any], servers: Servers, **fields: Any) -> dict[str, Any]:
    """A sample configuration with the server's own address in place of the sample's."""
    here = servers.config(config["catalog"], config["schema"])
    return {**config, "hostname": here["hostname"], "port": here["port"], **fields}


@pytest.fixture
def config(servers: Servers) -> dict[str, Any]:
    """config.json, on the server of the tests."""
    return on_test_server(sample("config.json"), servers)


def test_every_sample_has_a_test() -> None:
    """Samples that nobody runs rot."""
    assert {path.name for path in SAMPLES.iterdir()} == {*CONFIGS, *CATALOGS, *STATES}


@pytest.mark.parametrize("name", CONFIGS)
def test_configurations_fill_the_form(name: str) -> None:
    """They are valid for spec.json, and hold no field that it does not know."""
    form = json.loads((ROOT / "spec.json").read_text())["connectionSpecification"]
    jsonschema.Draft7Validator(form).validate(sample(name))
    assert sample(name).keys() <= form["properties"].keys()


def test_the_smallest_configuration_connects(config: dict[str, Any], connector: Connector) -> None:
    """Its port is a text, as some people write it."""
    assert sample("config.json")["port"] == "8080"
    assert checked(connector, {**config, "port": str(config["port"])}) == {"status": "SUCCEEDED"}


def test_a_pasted_url_connects(servers: Servers, connector: Connector) -> None:
    """What stands in the browser's address line is pasted as the host."""
    config = sample("config_several_schemas.json")
    assert config["hostname"].startswith("http://")
    assert "port" not in config
    config["hostname"] = servers.trino["url"] + "/"
    assert checked(connector, config) == {"status": "SUCCEEDED"}


def test_several_schemas_are_discovered(servers: Servers, connector: Connector) -> None:
    """By name and by pattern."""
    streams = connector.discover(on_test_server(sample("config_several_schemas.json"), servers))
    schemas = {stream["namespace"] for stream in streams}
    assert schemas == {"tiny", "sf1", "sf100", "sf1000", "sf10000", "sf100000"}


def test_every_option_together_connects(servers: Servers, connector: Connector) -> None:
    """https, a password, and everything below "Advanced"."""
    secure = servers.config_https("tpch", "tiny")
    everything = {**sample("config_tls_password.json"), **secure, "schemas": ["sf1*"]}
    assert checked(connector, everything) == {"status": "SUCCEEDED"}


@pytest.mark.parametrize("name", CATALOGS)
def test_catalogs_read(name: str, config: dict[str, Any], connector: Connector, trino: Trino) -> None:
    """All rows of each stream, with its selected columns and no others."""
    output = connector.read(config, SAMPLES / name)
    found = {stream: rows for (_, stream), rows in output.records.items()}
    assert found.keys() == CATALOGS[name].keys()
    for stream, columns in CATALOGS[name].items():
        table = f"tpch.tiny.{stream}"
        [count] = trino.rows(f"SELECT count(*) AS n FROM {table}")
        assert len(found[stream]) == count["n"]
        expected = columns or set(trino.columns(table))
        assert all(row.keys() == expected for row in found[stream])


@pytest.mark.parametrize("name", CATALOGS)
def test_messages_name_the_stream_as_the_catalog_does(name: str, config: dict[str, Any], connector: Connector) -> None:
    """The platform compares name and namespace, and fails the sync for a stream that it does not know."""
    configured = {stream_of(entry["stream"]) for entry in sample(name)["streams"]}
    output = connector.read(config, SAMPLES / name)
    assert output.records.keys() == configured
    assert output.statuses.keys() == configured
    assert {stream_of(state["stream"]["stream_descriptor"]) for state in output.states} == configured


def test_a_vanished_column_is_a_warning(config: dict[str, Any], connector: Connector) -> None:
    """It names the column; the destinations' own column is passed over without a word."""
    output = connector.read(config, SAMPLES / "configured_catalog_vanished_column.json")
    [warning] = warnings(output)
    assert "continent" in warning


def test_incremental_without_a_cursor_is_a_warning(config: dict[str, Any], connector: Connector) -> None:
    """All rows are read, and a WARN says so."""
    output = connector.read(config, SAMPLES / "configured_catalog_pyairbyte.json")
    assert any("incremental" in warning for warning in warnings(output))


@pytest.mark.parametrize("state", STATES)
def test_states_never_stop_a_read(state: str, config: dict[str, Any], connector: Connector) -> None:
    """A full refresh reads all rows whatever the state says: of its own last run, of another connector, or nothing."""
    output = connector.read(config, SAMPLES / "configured_catalog.json", state=SAMPLES / state)
    assert {name: len(rows) for (_, name), rows in output.records.items()} == {"customer": 1500, "nation": 25}


def checked(connector: Connector, config: dict[str, Any]) -> dict[str, Any]:
    """What `check` says."""
    [status] = connector.run("check", config=config).of_type("CONNECTION_STATUS")
    return status


def warnings(output: Output) -> list[str]:
    """What was warned of."""
    return [log["message"] for log in output.of_type("LOG") if log["level"] == "WARN"]
