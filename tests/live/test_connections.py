"""What is true of connections of every kind: sessions, spooling, plain mistakes, secrets, and what a person is told.

The messages are the table of docs/connections.md; the last test says that none of its lines goes without a test, here or
in `test_connection_*.py`.
"""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live_support import documented
from live_support.connector import Connector
from live_support.environment import Environment
from live_support.history import session_of
from live_support.keys import encrypted
from live_support.network import Bastion, free_port, nginx, tinyproxy
from live_support.oracle import Trino
from live_support.token_server import CLIENT_SECRET, TokenServer
from live_support.verdicts import fails, reads_regions

Config = Callable[..., dict[str, Any]]


# Sessions


def test_an_unknown_session_property_is_reported_with_those_like_it(connector: Connector, config: Config) -> None:
    made = config("tpch", "tiny", session_properties=["query_max_run_tiem=1h"])
    fails(connector.check(made), '"session_properties"', '"query_max_run_time"')


def test_the_platforms_job_shows_in_trino(connector: Connector, config: Config, environment: Environment) -> None:
    job = {"WORKER_JOB_ID": "4711", "WORKER_JOB_ATTEMPT": "2", "CONNECTION_ID": "c-0815", "LOG_LEVEL": "debug"}
    result = connector.discover(config("tpch", "tiny"), environment=job)
    session = session_of(result, environment)
    assert session["clientInfo"] == "airbyte connection=c-0815 job=4711 attempt=2"
    assert session["traceToken"] == "airbyte-connection=c-0815-job=4711-attempt=2"


def test_a_full_queue_and_a_long_one_are_told_apart(
    connector: Connector, config: Config, environment: Environment
) -> None:
    """One query of the group runs and one waits; the next is refused. The one that waits runs out of time."""
    tag = environment.trino["queue_tag"]
    headers = {"X-Trino-User": "queue", "X-Trino-Client-Tags": tag}

    def start() -> str:
        slow = "SELECT count(*) FROM tpch.sf1000.lineitem"
        request = urllib.request.Request(f"{environment.trino['url']}/v1/statement", slow.encode(), headers)
        with urllib.request.urlopen(request) as answer:
            following = str(json.load(answer)["nextUri"])
        with urllib.request.urlopen(urllib.request.Request(following, headers=headers)) as answer:
            return str(json.load(answer)["nextUri"])

    started: list[str] = []
    try:
        started.append(start())
        hasty = config("tpch", "tiny", client_tags=[tag], session_properties=["query_max_run_time=3s"])
        fails(connector.check(hasty), "EXCEEDED_TIME_LIMIT", "queue", '"client_tags"')
        started.append(start())
        fails(connector.check(config("tpch", "tiny", client_tags=[tag])), "QUERY_QUEUE_FULL", '"client_tags"')
    finally:
        for uri in started:
            urllib.request.urlopen(urllib.request.Request(uri, method="DELETE", headers=headers)).close()


def test_a_storage_out_of_reach_is_a_warning_or_a_failure(
    connector: Connector, config: Config, programs: dict[str, str], tmp_path: Path, environment: Environment
) -> None:
    """A proxy that lets only Trino through stands for a network in which the storage is not."""
    (tmp_path / "filter").write_text(f"^http://127.0.0.1:{environment.http_port}/\n")
    lines = [f'Filter "{tmp_path}/filter"', "FilterDefaultDeny Yes", "FilterURLs On", "FilterType ere"]
    with tinyproxy(programs["tinyproxy"], tmp_path, *lines) as port:
        through = {"http_proxy": f"http://127.0.0.1:{port}"}
        result = connector.check(config("tpch", "tiny", **through))
        assert result.status == {"status": "SUCCEEDED"}, result.explain()
        # The proxy also ends connections that are kept open, which is another warning.
        [warning] = [text for text in result.logs("WARN") if "spooled" in text]
        documented.assert_documented(warning)
        fails(connector.check(config("tpch", "tiny", fetch_protocol="spooled", **through)), '"fetch_protocol"')


def test_spooling_that_is_not_there_is_explained(
    connector: Connector, config: Config, programs: dict[str, str], tmp_path: Path, environment: Environment
) -> None:
    """A gateway that keeps the offer from Trino stands for a Trino that does not spool."""
    headers = 'proxy_set_header Host $http_host; proxy_set_header X-Trino-Query-Data-Encoding "";'
    location = f"location / {{ {headers} proxy_pass http://127.0.0.1:{environment.http_port}; }}"
    with nginx(programs["nginx"], tmp_path, location) as port:
        fails(connector.check(config("tpch", "tiny", port=port, fetch_protocol="spooled")), '"fetch_protocol"')
        reads_regions(connector, config("tpch", "tiny", port=port))


# The plain mistakes


def test_a_misspelt_field_is_named_beside_the_missing_one(connector: Connector, secure: Config) -> None:
    made = secure()
    made["host"] = made.pop("hostname")
    fails(connector.check(made), 'there is "host"', 'did you mean "hostname"')


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"port": "{free}"}, ['"port"']),
        ({"port": "{https}"}, ['"ssl_mode"', '"port"']),
        ({"ssl_mode": {"mode": "require"}}, ['"ssl_mode"', '"disable"']),
        ({"catalog": "tpcj"}, ['"tpch"']),
        ({"schema": "tinny"}, ['"tiny"']),
        ({"username": "nobody"}, ['"username"', '"tpch"']),
    ],
)
def test_a_plain_mistake_is_explained(
    connector: Connector, config: Config, environment: Environment, changes: dict[str, Any], words: list[str]
) -> None:
    places = {"{https}": environment.https_port, "{free}": free_port()}
    changes = {name: places.get(value, value) if isinstance(value, str) else value for name, value in changes.items()}
    fails(connector.check(config("tpch", "tiny") | changes), *words)


def test_tables_that_cannot_be_read_are_explained(
    connector: Connector, config_https: Config, config: Config, private_schema: str, sql: Trino
) -> None:
    fails(connector.check(config_https("memory", private_schema, username="denied")), "SELECT", private_schema)
    with sql.schema("memory", "empty") as schema:
        fails(connector.check(config("memory", schema)), '"schema"', schema)


# Secrets


def test_no_output_has_any_secret(
    connector: Connector, secure: Config, tokens: TokenServer, identity: dict[str, str], bastion: Bastion, tmp_path: Path
) -> None:
    key = encrypted(identity["client_key"], tmp_path)
    ssl = identity | {"client_key": key, "client_key_password": "key-secret-1"}
    made = secure(
        ssl,
        authentication=tokens.credentials(),
        tunnel_method=bastion.tunnel(),
        extra_credentials=[{"name": "x", "value": "extra-secret-1"}],
    )
    with bastion.up():
        for variable in ("LOG_LEVEL", "RUST_LOG"):
            result = connector.check(made, environment={variable: "trace"})
            assert result.status["status"] == "SUCCEEDED", result.explain()
            output = result.stdout.decode() + result.stderr
            pem = [line for text in (key, bastion.user_key.read_text()) for line in text.splitlines()[1:-1]]
            basic = base64.b64encode(CLIENT_SECRET.encode()).decode().rstrip("=")
            secrets = ["key-secret-1", "extra-secret-1", CLIENT_SECRET, basic, tokens.tokens[-1], *pem]
            assert [secret for secret in secrets if secret in output] == []


def test_every_message_of_the_table_was_produced() -> None:
    """Run with the others of this file, of which it is the last, and with `test_connection_*.py` before them."""
    assert [text for text in documented.messages() if text not in documented.produced] == []
