"""Fixtures of the live tests: the connector, configurations, and SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

pytest.register_assert_rewrite("live_support")

from live_support import environment as environments  # noqa: E402
from live_support import oracle  # noqa: E402
from live_support.connector import Connector  # noqa: E402
from live_support.environment import Environment  # noqa: E402
from live_support.oracle import Trino  # noqa: E402


@pytest.fixture(scope="session")
def environment() -> Environment:
    """The servers and the binary. Without them every test fails: a skipped test proves nothing."""
    try:
        return environments.load()
    except environments.NotSetUp as reason:
        pytest.fail(str(reason), pytrace=False)


@pytest.fixture(scope="session")
def connector(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Connector:
    """The binary under test."""
    return Connector(environment.binary, tmp_path_factory.mktemp("connector"))


@pytest.fixture(scope="session")
def config(environment: Environment) -> Callable[..., dict[str, Any]]:
    """Makes configurations over plain http: `config("tpch", "tiny", concurrency=1)`."""

    def make(catalog: str, schema: str, **fields: Any) -> dict[str, Any]:
        smallest = {"hostname": "127.0.0.1", "port": environment.http_port, "username": "live-tests"}
        return smallest | {"catalog": catalog, "schema": schema} | fields

    return make


@pytest.fixture(scope="session")
def config_https(config: Callable[..., dict[str, Any]], environment: Environment) -> Callable[..., dict[str, Any]]:
    """The same over https, with a password: `config_https("memory", "s", username="denied")`."""

    def make(catalog: str, schema: str, username: str = "alice", **fields: Any) -> dict[str, Any]:
        secure = {
            "port": environment.https_port,
            "ssl_mode": {"mode": "verify-full", "ca_certificate": environment.authority},
            "authentication": {"method": "password", "password": environment.password(username)},
        }
        return config(catalog, schema, username=username, **(secure | fields))

    return make


@pytest.fixture(scope="module", params=["direct", "auto"])
def protocol(request: pytest.FixtureRequest) -> str:
    """How rows are fetched; a test that asks for it runs for both ways.

    The test server offers spooling, so `auto` is spooled.
    """
    return str(request.param)


@pytest.fixture(scope="session")
def sql(environment: Environment) -> Trino:
    """Runs SQL in Trino: `sql("SELECT 1")`, `sql.value("SELECT 1")`."""
    return Trino(environment)


@pytest.fixture(scope="module")
def new_schema(sql: Trino) -> Iterator[Callable[[str, str], str]]:
    """Makes schemas that live as long as the module: `new_schema("memory", "views")`."""
    with ExitStack() as stack:
        yield lambda catalog, purpose: stack.enter_context(sql.schema(catalog, purpose))


@pytest.fixture(scope="session")
def private_schema(sql: Trino) -> str:
    """The schema of the memory catalog that the access rules of the test server are about.

    User `denied` sees its table `secret` and may not read it; `hidden` it does not even see.
    """
    sql("CREATE SCHEMA IF NOT EXISTS memory.private")
    for table in ("secret", "hidden"):
        sql(f"CREATE TABLE IF NOT EXISTS memory.private.{table} (a bigint)")
    return "private"


@pytest.fixture(scope="module")
def postgres(environment: Environment) -> Iterator[psycopg.Connection[Any]]:
    """The database behind the catalog `postgresql`."""
    with oracle.postgres(environment) as connection:
        yield connection
