"""Fixtures of the tests of catalogs: the connector, configurations, SQL, and a schema in each catalog."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# What the live tests have is used here as it is.
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "live")]
pytest.register_assert_rewrite("live_support", "catalogs_support")

from catalogs_support import environment as environments  # noqa: E402
from catalogs_support.cases import Catalog  # noqa: E402
from catalogs_support.environment import Catalogs  # noqa: E402
from catalogs_support.stores import Store  # noqa: E402
from live_support.connector import Connector  # noqa: E402
from live_support.oracle import Trino  # noqa: E402


class _ByCatalog(LoadScopeScheduling):  # type: ignore[misc]
    """Tests of one module and one catalog share their tables and syncs, so one worker has them all."""

    def _split_scope(self, nodeid: str) -> str:
        module, _, test = nodeid.partition("::")
        catalog = test.partition("[")[2].rstrip("]").split(" ")[0]
        return f"{module} {catalog}"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _ByCatalog(config, log)


@pytest.fixture(scope="session")
def environment() -> Catalogs:
    """The servers and the binary. Without them every test fails: a skipped test proves nothing."""
    try:
        return environments.load()
    except environments.NotSetUp as reason:
        pytest.fail(str(reason), pytrace=False)


@pytest.fixture(scope="session")
def connector(environment: Catalogs, tmp_path_factory: pytest.TempPathFactory) -> Connector:
    """The binary under test."""
    return Connector(environment.binary, tmp_path_factory.mktemp("connector"))


@pytest.fixture(scope="session")
def config(environment: Catalogs) -> Callable[..., dict[str, Any]]:
    """Makes configurations: `config("mariadb", "s", concurrency=1)`."""

    def make(catalog: str, schema: str, **fields: Any) -> dict[str, Any]:
        smallest = {"hostname": "127.0.0.1", "port": environment.http_port, "username": "catalog-tests"}
        return smallest | {"catalog": catalog, "schema": schema, "fetch_protocol": "direct"} | fields

    return make


@pytest.fixture(scope="session")
def sql(environment: Catalogs) -> Trino:
    """Runs SQL in Trino: `sql("SELECT 1")`, `sql.value("SELECT 1")`."""
    return Trino(environment)


@pytest.fixture(scope="module")
def schema_of(environment: Catalogs, sql: Trino) -> Iterator[Callable[[Catalog, str], tuple[Store, str]]]:
    """Makes schemas that live as long as the module: `schema_of(CATALOGS["mariadb"], "types")`."""
    with ExitStack() as stack:

        @contextmanager
        def made(catalog: Catalog, purpose: str) -> Iterator[tuple[Store, str]]:
            store = catalog.store(catalog.name, environment, sql)
            schema = store.create_schema(purpose)
            try:
                yield store, schema
            finally:
                store.drop_schema(schema)

        yield lambda catalog, purpose: stack.enter_context(made(catalog, purpose))
