"""Gateways in front of Trino: their paths, TLS, cookies and headers, and what is told where they refuse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live_support.connector import Connector
from live_support.environment import Environment
from live_support.network import free_port, nginx
from live_support.verdicts import fails, reads_regions

Config = Callable[..., dict[str, Any]]


def test_a_gateway_with_a_path_is_a_host_name_too(
    connector: Connector, config: Config, environment: Environment, programs: dict[str, str], tmp_path: Path
) -> None:
    location = f"location /data/trino/ {{ proxy_pass http://127.0.0.1:{environment.http_port}/; }}"
    with nginx(programs["nginx"], tmp_path, location) as port:
        there = {"hostname": f"http://127.0.0.1:{port}/data/trino", "port": None}
        result = reads_regions(connector, config("tpch", "tiny", fetch_protocol="direct", **there))
    assert [text for text in result.logs("INFO") if f":{environment.http_port}" in text and "/data/trino" in text]
    paths = {line.split('"')[1].split()[1].split("/v1")[0] for line in (tmp_path / "access.log").read_text().splitlines()}
    assert paths == {"/data/trino"}


@pytest.mark.parametrize("host", ["$host", "$http_host", "10.255.255.1:8080"])
def test_a_gateway_that_ends_tls_and_does_not_say_so_is_repaired(
    connector: Connector, secure: Config, environment: Environment, programs: dict[str, str], tmp_path: Path, host: str
) -> None:
    """Trino's answers name http, and another port or host; the data never goes there."""
    tls = Path(environment.trino["ca_certificate"]).parent
    location = f"location / {{ proxy_set_header Host {host}; proxy_pass http://127.0.0.1:{environment.http_port}; }}"
    with nginx(programs["nginx"], tmp_path, location, tls=(tls / "server.pem", tls / "server.key")) as port:
        made = secure(port=port, fetch_protocol="direct", authentication={"method": "none"})
        result = reads_regions(connector, made)
        assert result.seconds < 20
    assert [text for text in result.logs("INFO") if "X-Forwarded-Proto" in text]


def test_a_cookie_of_a_sticky_gateway_is_kept(
    connector: Connector, config: Config, environment: Environment, programs: dict[str, str], tmp_path: Path
) -> None:
    location = f"""
    location / {{
      if ($cookie_cluster != "blue") {{ set $lost "${{request_method}}"; }}
      if ($lost = "GET") {{ set $lost "${{lost}}${{uri}}"; }}
      if ($lost ~ "statement") {{ return 404; }}
      add_header Set-Cookie "cluster=blue; Path=/";
      proxy_set_header Host $http_host;
      proxy_pass http://127.0.0.1:{environment.http_port};
    }}"""
    with nginx(programs["nginx"], tmp_path, location) as port:
        reads_regions(connector, config("tpch", "tiny", fetch_protocol="direct", port=port))


def test_a_gateway_gets_the_headers_of_the_user(
    connector: Connector, config: Config, environment: Environment, programs: dict[str, str], tmp_path: Path
) -> None:
    """As Cloudflare Access does, it refuses every request without its header, also those of Trino's first contact."""
    location = f"""
    location / {{
      if ($http_x_gate_secret != "gate-secret-1") {{ return 403 "<html><title>Sign in</title></html>"; }}
      proxy_set_header Host $http_host;
      proxy_pass http://127.0.0.1:{environment.http_port};
    }}"""
    header = {"name": "X-Gate-Secret", "value": "gate-secret-1"}
    with nginx(programs["nginx"], tmp_path, location) as port:
        fails(connector.check(config("tpch", "tiny", port=port)), "403")
        result = reads_regions(connector, config("tpch", "tiny", port=port, http_headers=[header]))
    assert "gate-secret-1" not in result.stdout.decode() + result.stderr
    made = config("tpch", "tiny", http_headers=[{"name": "X-Trino-User", "value": "gate-secret-1"}])
    fails(connector.check(made), "http_headers", '"username"')


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("return 404;", ["not Trino", '"hostname"', '"port"']),
        ("return 403;", ["403", '"authentication"', '"ssl_mode"']),
        ("proxy_pass http://127.0.0.1:{free};", ["502", '"hostname"', '"port"']),
    ],
    ids=["another server", "a gateway that refuses", "a gateway without Trino"],
)
def test_an_answer_that_is_not_trinos_is_explained(
    connector: Connector, config: Config, programs: dict[str, str], tmp_path: Path, location: str, words: list[str]
) -> None:
    location = f"location / {{ {location.replace('{free}', str(free_port()))} }}"
    with nginx(programs["nginx"], tmp_path, location) as port:
        fails(connector.check(config("tpch", "tiny", port=port)), *words)


def test_a_redirect_is_not_followed_but_explained(
    connector: Connector, config: Config, programs: dict[str, str], tmp_path: Path
) -> None:
    location = "location / { return 301 https://trino.example.com$request_uri?token=x; }"
    with nginx(programs["nginx"], tmp_path, location) as port:
        message = fails(connector.check(config("tpch", "tiny", port=port)), "https://trino.example.com", '"ssl_mode"')
    assert "token" not in message
