"""Airbyte's standard test suite, image flavour: what its tool `airbyte-cdk image test` runs for connectors in any language.

`bin/docker` stands in for docker and runs the binary, so that these tests need no image; the image has its own test.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from airbyte_cdk.test.standard_tests import docker_base
from airbyte_cdk.test.standard_tests.docker_base import DockerConnectorTestSuite

from clients_support.connector_folder import FOLDER


@pytest.fixture(autouse=True)
def _secrets(binary: Path, connector_secrets: None) -> None:
    """Every test needs the binary and the configurations."""


@pytest.fixture(autouse=True)
def _no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry of published connectors is out of reach: the tests do not depend on the network."""

    def out_of_reach(*_: object) -> None:
        raise requests.ConnectionError("these tests stay off the network")

    monkeypatch.setattr(docker_base, "fetch_published_spec", out_of_reach)


# The suite's own options are fixtures; here they are settled.


@pytest.fixture
def connector_image_override() -> str:
    """The image is not built."""
    return "airbyte/source-trino:dev"


@pytest.fixture
def connector_base_image_override() -> None:
    """Nor built on another base."""


@pytest.fixture
def read_from_streams() -> str:
    """Every stream is read,"""
    return "all"


@pytest.fixture
def read_scenarios() -> str:
    """of every scenario. (The suite's option `--read-scenarios=all` looks for a scenario called `all`.)"""
    return "all"


class TestImageSuite(DockerConnectorTestSuite):
    """The suite's tests of an image."""

    @classmethod
    def get_connector_root_dir(cls) -> Path:
        """The folder with this run's configurations."""
        return FOLDER
