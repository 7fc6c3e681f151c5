"""Forward proxies, of the configuration and of the environment: with a login, as SOCKS, and where they fail."""

from __future__ import annotations

import base64
import getpass
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live_support.connector import Connector
from live_support.environment import Environment
from live_support.network import Bastion, free_port, running, tinyproxy
from live_support.verdicts import fails, reads_regions, succeeds

Config = Callable[..., dict[str, Any]]


@pytest.fixture
def proxy(programs: dict[str, str], tmp_path: Path) -> Iterator[int]:
    with tinyproxy(programs["tinyproxy"], tmp_path, "BasicAuth proxy-user proxy-secret-1") as port:
        yield port


def was_used(directory: Path, address: str) -> bool:
    return address in (directory / "tinyproxy.log").read_text()


LOGIN = {"username": "proxy-user", "password": "proxy-secret-1"}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_with_a_login_is_used(
    connector: Connector, config: Config, secure: Config, environment: Environment, proxy: int, tmp_path: Path, scheme: str
) -> None:
    through = {"http_proxy": {"url": f"http://127.0.0.1:{proxy}"} | LOGIN}
    made = secure(**through) if scheme == "https" else config("tpch", "tiny", **through)
    reads_regions(connector, made)
    assert was_used(tmp_path, f":{environment.https_port if scheme == 'https' else environment.http_port}")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_another_login_is_explained(
    connector: Connector, config: Config, secure: Config, proxy: int, scheme: str
) -> None:
    through = {"http_proxy": {"url": f"http://127.0.0.1:{proxy}", "username": "proxy-user", "password": "wrong-secret"}}
    made = secure(**through) if scheme == "https" else config("tpch", "tiny", **through)
    fails(connector.check(made), '"http_proxy"', f"127.0.0.1:{proxy}")


def test_a_proxy_that_is_not_there_is_explained(connector: Connector, secure: Config) -> None:
    port = free_port()
    fails(connector.check(secure(http_proxy=f"http://127.0.0.1:{port}")), '"http_proxy"', f"127.0.0.1:{port}")


def test_the_environments_proxies_count(
    connector: Connector, secure: Config, environment: Environment, proxy: int, tmp_path: Path
) -> None:
    address = f"http://proxy-user:proxy-secret-1@127.0.0.1:{proxy}"
    encoded = base64.b64encode(b"proxy-user:proxy-secret-1").decode()
    by_config = {"http_proxy": {"url": f"http://127.0.0.1:{proxy}"} | LOGIN}
    for made, variables in ((secure(), {"HTTPS_PROXY": address}), (secure(**by_config), {})):
        result = connector.check(made, environment=variables | {"RUST_LOG": "trace"})
        assert result.status["status"] == "SUCCEEDED", result.explain()
        output = result.stdout.decode() + result.stderr
        assert [secret for secret in ("proxy-secret-1", encoded) if secret in output] == []
    assert was_used(tmp_path, f":{environment.https_port}")
    nowhere = f"http://proxy-user:proxy-secret-1@127.0.0.1:{free_port()}"
    succeeds(connector.check(secure(), environment={"HTTPS_PROXY": nowhere, "NO_PROXY": "127.0.0.1"}))
    fails(connector.check(secure(), environment={"HTTPS_PROXY": nowhere}), "HTTPS_PROXY")


def test_a_socks_proxy_is_used(connector: Connector, secure: Config, programs: dict[str, str], tmp_path: Path) -> None:
    """The one of OpenSSH's client."""
    bastion, port = Bastion(programs, tmp_path), free_port()
    options = ["-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={tmp_path}/known", "-o", "BatchMode=yes"]
    login = ["-i", str(bastion.user_key), "-p", str(bastion.port), f"{getpass.getuser()}@127.0.0.1"]
    with bastion.up(), running(["ssh", "-N", "-D", f"127.0.0.1:{port}", *options, *login], port, tmp_path):
        reads_regions(connector, secure(http_proxy=f"socks5h://127.0.0.1:{port}"))


def test_credentials_do_not_go_in_clear_to_a_proxy(
    connector: Connector, config: Config, environment: Environment, proxy: int
) -> None:
    password = {"method": "password", "password": environment.password("alice")}
    made = config("tpch", "tiny", username="alice", authentication=password)
    through = {"HTTP_PROXY": f"http://proxy-user:proxy-secret-1@127.0.0.1:{proxy}"}
    fails(connector.check(made, environment=through), "HTTP_PROXY", '"ssl_mode"')
    fails(connector.check(made | {"http_proxy": {"url": f"http://127.0.0.1:{proxy}"} | LOGIN}), '"http_proxy"')
