"""Airbyte's standard test suite, in-process flavour: its tests for Python sources, run with the binary.

The tests come from `SourceTestSuiteBase`; their scenarios from `acceptance-test-config.yml`.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from airbyte_cdk.test import entrypoint_wrapper
from airbyte_cdk.test.entrypoint_wrapper import EntrypointOutput
from airbyte_cdk.test.standard_tests import SourceTestSuiteBase

from clients_support.connector_folder import FOLDER


class Source:
    """What the suite takes for the connector: it only looks whether there is a `spec`."""

    def spec(self, logger: Any) -> None:
        """Never called."""


def run_binary(source: Source, args: list[str], **_: Any) -> EntrypointOutput:
    """Takes the place of the function that runs a Python source."""
    command = [os.environ["SOURCE_TRINO_BIN"], *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    error = subprocess.CalledProcessError(done.returncode, command) if done.returncode else None
    return EntrypointOutput(
        command=command, messages=done.stdout.splitlines(), stderr=done.stderr, uncaught_exception=error
    )


@pytest.fixture(autouse=True)
def _suite_runs_the_binary(
    binary: Path, connector_secrets: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # The suite leaves its configurations, passwords included, in the directory for temporary files.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(entrypoint_wrapper, "_run_command", run_binary)


class TestStandardSuite(SourceTestSuiteBase):
    """The suite's tests of a source, without those of its image."""

    connector = Source

    @classmethod
    def get_connector_root_dir(cls) -> Path:
        """The folder with this run's configurations."""
        return FOLDER


# The base class has the image tests, too; they are in test_image_suite.py.
for _name in [name for name in dir(TestStandardSuite) if name.startswith("test_docker_image")]:
    setattr(TestStandardSuite, _name, None)
