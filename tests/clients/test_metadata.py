"""metadata.yaml, icon.svg, LICENSE: what Airbyte's registry and its tools read, and that the binary agrees with them.

That metadata.yaml agrees with Cargo.toml and spec.json is held by `make release-check`, which needs no binary.
"""

from __future__ import annotations

import json
import tomllib
import uuid
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml

from clients_support.connector import Connector
from clients_support.environment import ROOT

SCHEMA = files("airbyte_connector_models") / "metadata" / "v0" / "ConnectorMetadataDefinitionV0.json"

CARGO = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]


@pytest.fixture(scope="module")
def metadata() -> dict[str, Any]:
    """The content of metadata.yaml."""
    return yaml.safe_load((ROOT / "metadata.yaml").read_text())


@pytest.fixture(scope="module")
def data(metadata: dict[str, Any]) -> dict[str, Any]:
    """The part of it that matters."""
    return metadata["data"]


def test_it_keeps_airbytes_own_schema(metadata: dict[str, Any]) -> None:
    """Formats included."""
    checker = jsonschema.Draft7Validator.FORMAT_CHECKER
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text()), format_checker=checker).validate(metadata)


def test_its_id_is_a_random_uuid(data: dict[str, Any]) -> None:
    """It never changes again: the registry knows a connector by it."""
    assert data["definitionId"] == "ec66cd77-51af-49d9-9f16-0cfa32fb5f09"
    assert uuid.UUID(data["definitionId"]).version == 4


def test_the_binary_tells_its_version(connector: Connector) -> None:
    """Cargo.toml is where the version is set."""
    assert connector.run("--version").stdout.split() == ["source-trino", CARGO["version"]]


def test_it_is_a_community_database_source(data: dict[str, Any]) -> None:
    """What the registry sorts connectors by."""
    assert data["dockerRepository"] == "airbyte/source-trino"
    assert (data["connectorType"], data["connectorSubtype"]) == ("source", "database")
    assert data["supportLevel"] == "community"
    assert "language:rust" in data["tags"]
    assert all(":" in tag for tag in data["tags"])


def test_allowed_hosts_are_fields_of_the_form(data: dict[str, Any], connector: Connector) -> None:
    """The platform fills the configured host in, and lets the connector speak to no other."""
    assert data["allowedHosts"]["hosts"] == ["${hostname}", "${tunnel_method.tunnel_host}"]
    assert "hostname" in connector.spec()["connectionSpecification"]["properties"]


def test_no_streams_are_suggested(data: dict[str, Any]) -> None:
    """Nobody but their owners knows which tables matter; an empty list would select none."""
    assert "suggestedStreams" not in data


def test_the_licence_is_the_one_named(data: dict[str, Any]) -> None:
    """MIT, everywhere."""
    text = (ROOT / "LICENSE").read_text()
    assert data["license"] == CARGO["license"] == "MIT"
    assert text.startswith("MIT License\n")
    assert "the source-trino authors" in text


def test_the_icon_is_a_square_drawing(data: dict[str, Any]) -> None:
    """Airbyte asks for a square SVG; one that is small and calls for nothing from elsewhere."""
    text = (ROOT / data["icon"]).read_text()
    root = ElementTree.fromstring(text)
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert (left, top) == (0, 0)
    assert width == height
    assert root.attrib["width"] == root.attrib["height"]
    assert len(text) < 4096
    assert "<image" not in text
    assert "<script" not in text
