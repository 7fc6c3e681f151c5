"""Fixtures of the live tests: the connector, configurations, SQL, and what is between the connector and Trino."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from xdist.scheduler import LoadFileScheduling

pytest.register_assert_rewrite("live_support")

from live_support import environment as environments  # noqa: E402
from live_support import oracle, sampling  # noqa: E402
from live_support.connector import Connector  # noqa: E402
from live_support.environment import EVERY_CASE, Environment  # noqa: E402
from live_support.network import Bastion  # noqa: E402
from live_support.oracle import Trino, quoted  # noqa: E402
from live_support.syncs import NewTable, Syncs, start  # noqa: E402
from live_support.token_server import Signer, TokenServer, token_server  # noqa: E402


class _ByFile(LoadFileScheduling):  # type: ignore[misc]
    """A file stays with one worker: it may have servers of its own. The files `test_connection*.py` are with one as well,
    in the order of their names: the last test of the last one asks for what the tests of all have produced."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return "test_connection*.py" if Path(file).name.startswith("test_connection") else file


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", sampling.MARK)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not EVERY_CASE:
        items[:], left_out = sampling.sampled(items)
        config.hook.pytest_deselected(items=left_out)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return _ByFile(config, log)


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


@pytest.fixture
def new_table(
    connector: Connector, config: Callable[..., dict[str, Any]], sql: Trino, new_schema: Callable[[str, str], str]
) -> NewTable:
    """Makes tables and reads them by cursor: `table, syncs = new_table("memory", "ties", "AS SELECT 1 AS c")`."""

    def make(catalog: str, purpose: str, definition: str, **fields: Any) -> tuple[str, Syncs]:
        schema = new_schema(catalog, purpose)
        table = quoted(catalog, schema, "t")
        sql(f"CREATE TABLE {table} {definition}")
        return table, start(connector, config(catalog, schema, **fields), "c")

    return make


@pytest.fixture
def secure(config_https: Callable[..., dict[str, Any]], environment: Environment) -> Callable[..., dict[str, Any]]:
    """https as alice: `secure(authentication=…, ssl_mode={…})`; of the SSL mode what is given is added."""

    def make(ssl_mode: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        ssl = {"mode": "verify-full", "ca_certificate": environment.authority} | (ssl_mode or {})
        ssl = {name: value for name, value in ssl.items() if value is not None}
        return config_https("tpch", "tiny", ssl_mode=ssl, **fields)

    return make


@pytest.fixture(scope="module")
def identity(environment: Environment) -> dict[str, str]:
    """The certificate of alice, for `ssl_mode`."""
    return {
        "client_certificate": Path(environment.trino["client_certificate"]).read_text(),
        "client_key": Path(environment.trino["client_key"]).read_text(),
    }


@pytest.fixture(scope="module")
def tokens(environment: Environment) -> Iterator[TokenServer]:
    """An OAuth2 server, whose tokens Trino takes."""
    with token_server(Signer.of_secret(Path(environment.trino["token_key"]))) as server:
        yield server


@pytest.fixture(scope="module")
def programs(environment: Environment) -> dict[str, str]:
    """nginx, tinyproxy, sshd and what gives it accounts, which the set-up of the servers has installed."""
    return environment.programs


@pytest.fixture
def bastion(programs: dict[str, str], tmp_path: Path) -> Bastion:
    """An SSH server, which the test starts."""
    return Bastion(programs, tmp_path)
