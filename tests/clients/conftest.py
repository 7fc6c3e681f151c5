"""Fixtures of the tests with Airbyte's own clients. See README.md beside this file."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

HERE = Path(__file__).parent

#: What PyAirbyte writes beside what it is told to: logs, and files on their way into a database.
WORK = Path(tempfile.mkdtemp(prefix="source-trino-clients-"))

T = TypeVar("T")

# All of this is read when Airbyte's modules are imported. The first keeps PyAirbyte from asking a registry on the
# network about the connector; the last puts a stand-in for docker before any real one, for the image tests.
os.environ |= {
    "AIRBYTE_OFFLINE_MODE": "1",
    "DO_NOT_TRACK": "1",
    "AIRBYTE_PROJECT_DIR": str(WORK),
    "AIRBYTE_LOGGING_ROOT": str(WORK / "logs"),
    "PATH": f"{HERE / 'bin'}{os.pathsep}{os.environ['PATH']}",
}

pytest.register_assert_rewrite("clients_support")

# Makes one test of each scenario in the suite's classes.
from airbyte_cdk.test.standard_tests.pytest_hooks import pytest_generate_tests  # noqa: E402, F401

from clients_support import connector_folder, environment, tables  # noqa: E402
from clients_support.connector import Connector  # noqa: E402
from clients_support.environment import Servers  # noqa: E402
from clients_support.skips import unexplained  # noqa: E402
from clients_support.trino import Trino  # noqa: E402

#: Figures of this run, for the summary.
FIGURES: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    """Makes the folder that the suite finds its scenarios in, and registers what the suite uses."""
    connector_folder.make()
    config.addinivalue_line("markers", "requires_creds: the suite's mark of tests with a config below secrets")
    config.addinivalue_line("markers", "image_tests: the suite's mark of tests that call docker")
    config.addinivalue_line("filterwarnings", "ignore::FutureWarning:google")
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:airbyte")
    # What the suite only warns of today fails here.
    config.addinivalue_line("filterwarnings", "error::airbyte_cdk.test.standard_tests.DiscoveredCatalogWarning")


def pytest_unconfigure() -> None:
    """Leaves nothing behind."""
    connector_folder.remove()
    shutil.rmtree(WORK, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Fails every test that is skipped for a reason that README.md does not explain."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and HERE in item.path.parents:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if unexplained(item, reason):
            report.outcome = "failed"
            report.longrepr = f"skipped for a reason that tests/clients/README.md does not explain: {reason}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the figures."""
    if FIGURES:
        terminalreporter.section("figures of Airbyte's clients")
        for figure in FIGURES:
            terminalreporter.write_line(figure)


@pytest.fixture(scope="session")
def figure() -> Callable[[str], None]:
    """Notes a line for the summary."""
    return FIGURES.append


@pytest.fixture(scope="session")
def binary() -> Path:
    """The binary under test."""
    return _or_fail(environment.binary)


@pytest.fixture(scope="session")
def servers() -> Servers:
    """The running servers."""
    return _or_fail(environment.servers)


@pytest.fixture(scope="session")
def connector(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Connector:
    """Runs the binary as the platform does."""
    return Connector(binary, tmp_path_factory.mktemp("connector"))


@pytest.fixture(scope="session")
def trino(servers: Servers) -> Trino:
    """What Trino itself says."""
    return Trino(servers)


@pytest.fixture(scope="session")
def memory_schema(trino: Trino) -> Iterator[str]:
    """A schema of catalog `memory` with tables of every type."""
    with tables.in_memory(trino) as schema:
        yield schema


@pytest.fixture(scope="session")
def postgres_schema(servers: Servers) -> Iterator[str]:
    """A schema of catalog `postgresql` with tables that have primary keys."""
    with tables.in_postgres(servers) as schema:
        yield schema


@pytest.fixture(scope="session")
def connector_secrets(servers: Servers, memory_schema: str, postgres_schema: str) -> None:
    """The configurations that `acceptance-test-config.yml` names."""
    connector_folder.write_secrets(servers, memory_schema, postgres_schema)


def _or_fail(get: Callable[[], T]) -> T:
    """What is missing fails every test that needs it: a skipped test proves nothing."""
    try:
        return get()
    except environment.NotSetUp as reason:
        pytest.fail(str(reason), pytrace=False)
