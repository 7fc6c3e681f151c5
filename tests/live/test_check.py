"""`check`: says that a read would work, or what a person has to change."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from live_support import forwarder
from live_support.connector import Connector
from live_support.environment import Environment
from live_support.messages import configured, handwritten
from live_support.oracle import Trino, quoted
from live_support.roles import Role, new_role

Config = Callable[..., dict[str, Any]]
NewSchema = Callable[[str, str], str]


# Success


def test_success_is_two_lines(connector: Connector, config: Config) -> None:
    result = connector.check(config("tpch", "tiny"))
    assert result.stdout.decode() == (
        '{"type":"LOG","log":{"level":"INFO","message":"Check succeeded"}}\n'
        '{"type":"CONNECTION_STATUS","connectionStatus":{"status":"SUCCEEDED"}}\n'
    )
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="port as a number"),
        pytest.param({"port": "{http}"}, id="port as text"),
        pytest.param({"hostname": "localhost"}, id="name of the host"),
        pytest.param({"hostname": "http://127.0.0.1:{http}", "port": None}, id="URL as the hostname"),
        pytest.param({"catalog": "TPCH", "schema": "Tiny"}, id="names in upper case"),
        pytest.param({"ssl_mode": {"mode": "disable"}, "authentication": {"method": "none"}}, id="defaults"),
        pytest.param({"session_properties": ["query_max_run_time=1h"], "client_tags": ["a", "b"], "source": "x"},
                     id="session properties, tags and source"),
        pytest.param({"of_a_newer_version": {"x": 1}}, id="unknown field"),
    ],
)  # fmt: skip
def test_config_is_accepted(
    connector: Connector, config: Config, environment: Environment, changes: dict[str, Any]
) -> None:
    port = str(environment.http_port)
    changes = {
        key: value.replace("{http}", port) if isinstance(value, str) else value for key, value in changes.items()
    }
    assert connector.check(config("tpch", "tiny") | changes).status == {"status": "SUCCEEDED"}


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_https_with_a_password_works(
    connector: Connector, config_https: Config, environment: Environment, mode: str
) -> None:
    secure = {"mode": mode} if mode == "require" else {"mode": mode, "ca_certificate": environment.authority}
    assert connector.check(config_https("tpch", "tiny", ssl_mode=secure)).status == {"status": "SUCCEEDED"}


@pytest.mark.parametrize(
    ("mode", "status"), [("require", "SUCCEEDED"), ("verify-ca", "SUCCEEDED"), ("verify-full", "FAILED")]
)
def test_only_verify_full_minds_a_certificate_of_another_host(
    connector: Connector, config_https: Config, environment: Environment, mode: str, status: str
) -> None:
    secure = {"mode": mode, "ca_certificate": environment.authority}
    with forwarder.forward_to(environment.https_port) as port:
        options = {"hostname": forwarder.ADDRESS, "port": port, "ssl_mode": secure}
        assert connector.check(config_https("tpch", "tiny", **options)).status["status"] == status


# Failures


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"hostname": "no-such-host.invalid"}, ['"hostname"', "no-such-host.invalid"], id="unknown host"),
        pytest.param({"port": 1}, ['"port"', "127.0.0.1:1"], id="refused port"),
        pytest.param({"port": "{https}"}, ['"ssl_mode"', '"port"'], id="http to the https port"),
        pytest.param({"port": "{postgres}"}, ['"port"'], id="a port of something else"),
        pytest.param({"ssl_mode": {"mode": "require"}}, ['"ssl_mode"', '"disable"'], id="https to the http port"),
        pytest.param({"catalog": "tpcj"}, ['"tpcj"', '"catalog"', '"tpch"'], id="missing catalog"),
        pytest.param({"schema": "tinny"}, ['"tinny"', '"schema"', '"tiny"'], id="missing schema"),
        pytest.param({"schemas": ["sf10000000"]}, ['"sf10000000"', '"schemas"', '"sf100000"'], id="one more schema"),
        pytest.param({"username": "nobody"}, ['"catalog"', '"tpch"'], id="user without access to the catalog"),
        pytest.param({"session_properties": ["no_such_property=1"]}, ['"session_properties"', "no_such_property"],
                     id="unknown session property"),
    ],
)  # fmt: skip
def test_failure_names_the_field_to_change(
    connector: Connector, config: Config, environment: Environment, changes: dict[str, Any], words: list[str]
) -> None:
    ports = {"{https}": environment.https_port, "{postgres}": environment.postgres["port"]}
    changes = {key: ports.get(value, value) if isinstance(value, str) else value for key, value in changes.items()}
    result = connector.check(config("tpch", "tiny") | changes)
    assert (result.exit_code, result.status["status"]) == (0, "FAILED"), result.explain()
    assert [word for word in words if word not in result.status["message"]] == [], result.status["message"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"ssl_mode": {"mode": "verify-full"}}, ['"ssl_mode"', '"ca_certificate"'], id="unknown authority"),
        pytest.param({"ssl_mode": {"mode": "verify-ca", "ca_certificate": "{client}"}},
                     ['"ssl_mode"', '"ca_certificate"'], id="another authority"),
        pytest.param({"authentication": {"method": "password", "password": "wrong"}},
                     ['"username"', '"authentication"'], id="wrong password"),
        pytest.param({"authentication": {"method": "none"}}, ['"authentication"'], id="no password"),
        pytest.param({"username": "bob"}, ['"username"', '"authentication"'], id="unknown user"),
    ],
)  # fmt: skip
def test_failure_over_https_names_the_field_to_change(
    connector: Connector, config_https: Config, environment: Environment, changes: dict[str, Any], words: list[str]
) -> None:
    given = {"authentication": {"method": "password", "password": environment.password("alice")}} | changes
    if "ca_certificate" in given.get("ssl_mode", {}):
        client = Path(environment.trino["client_certificate"]).read_text()
        given["ssl_mode"] = given["ssl_mode"] | {"ca_certificate": client}
    result = connector.check(config_https("tpch", "tiny") | given)
    assert (result.exit_code, result.status["status"]) == (0, "FAILED"), result.explain()
    assert [word for word in words if word not in result.status["message"]] == [], result.status["message"]


def test_failure_has_no_stack(connector: Connector, config: Config) -> None:
    message = connector.check(config("tpch", "tinny")).status["message"]
    assert not any(word in message for word in ("Error {", "io.trino", "stack", "backtrace")), message


def test_a_catalog_that_only_a_session_property_names_is_looked_for_there(connector: Connector, config: Config) -> None:
    settings = config("tpch", "tiny", session_properties=["nosuch.mode=1"])
    told = [connector.check(settings).status["message"]]
    stream = {"name": "nation", "namespace": "tiny", "json_schema": {}}
    entry = {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    discovered = connector.run("discover", "--config", connector.file(settings))
    for result in (discovered, connector.read(settings, {"streams": [entry]})):
        assert result.exit_code == 1, result.explain()
        told += [error["message"] for error in result.errors]
    assert len(told) == 3, told
    for text in told:
        assert "session_properties" in text and '"tpch"' not in text, text


def test_a_schema_without_tables_fails(
    connector: Connector, config: Config, new_schema: Callable[[str, str], str]
) -> None:
    schema = new_schema("memory", "empty")
    status = connector.check(config("memory", schema)).status
    assert status["status"] == "FAILED"
    assert schema in status["message"] and '"schema"' in status["message"]


def test_a_schema_none_of_whose_tables_may_be_read_fails(
    connector: Connector, config_https: Config, private_schema: str
) -> None:
    status = connector.check(config_https("memory", private_schema, username="denied")).status
    assert status["status"] == "FAILED"
    assert "SELECT" in status["message"] and private_schema in status["message"]


# Which table is tried


def test_many_tables_that_cannot_be_read_do_not_hide_the_one_that_can(
    connector: Connector, config: Config, sql: Trino, new_schema: NewSchema
) -> None:
    schema = new_schema("memory", "last")
    name = lambda table: quoted("memory", schema, table)  # noqa: E731
    sql(f"CREATE TABLE {name('base')} (a bigint)")
    sql.all([f"CREATE VIEW {name(f'v{number:02}')} AS SELECT * FROM {name('base')}" for number in range(30)])
    sql(f"DROP TABLE {name('base')}")
    status = connector.check(config("memory", schema)).status
    assert status["status"] == "FAILED" and "None of the tables" in status["message"], status
    sql(f"CREATE TABLE {name('z')} (a bigint)")
    assert connector.check(config("memory", schema)).status == {"status": "SUCCEEDED"}
    sql(f"DROP TABLE {name('z')}")
    sql(f"CREATE VIEW {name('z')} AS SELECT 1 AS a")
    assert connector.check(config("memory", schema)).status == {"status": "SUCCEEDED"}


def test_a_query_that_works_is_enough(connector: Connector, config: Config, sql: Trino, new_schema: NewSchema) -> None:
    schema = new_schema("memory", "query_only")
    name = lambda table: quoted("memory", schema, table)  # noqa: E731
    sql(f"CREATE TABLE {name('base')} (a bigint)")
    sql(f"CREATE VIEW {name('broken')} AS SELECT * FROM {name('base')}")
    sql(f"DROP TABLE {name('base')}")
    query = {"name": "q", "sql": "SELECT regionkey FROM tpch.tiny.region"}
    settings = config("memory", schema, queries=[query])
    assert connector.check(settings).status == {"status": "SUCCEEDED"}
    assert list(connector.discover(settings).streams) == ["q"]


@pytest.fixture(scope="module")
def guarded(postgres: psycopg.Connection[Any], new_schema: NewSchema) -> Iterator[tuple[str, Role]]:
    """A schema of the database, and a user who may read a column of one of its tables and nothing else."""
    schema = new_schema("postgresql", "guarded")
    for table in ("closed", "part"):
        postgres.execute(f"CREATE TABLE {quoted(schema, table)} (id int, secret int)".encode())
    with new_role(postgres, schema, (f"SELECT (id) ON {quoted(schema, 'part')}",)) as role:
        yield schema, role


def test_what_the_database_forbids_fails(connector: Connector, config: Config, guarded: tuple[str, Role]) -> None:
    schema, role = guarded
    status = connector.check(config("postgresql", schema) | role.config()).status
    assert status["status"] == "FAILED"
    assert "permission denied" in status["message"], status


def test_one_table_that_the_database_allows_is_enough(
    connector: Connector, config: Config, postgres: psycopg.Connection[Any], guarded: tuple[str, Role]
) -> None:
    schema, role = guarded
    table = quoted(schema, "zz_open")
    postgres.execute(f"CREATE TABLE {table} (id int)".encode())
    role.grant(f"SELECT ON {table}")
    assert connector.check(config("postgresql", schema) | role.config()).status == {"status": "SUCCEEDED"}


def test_all_problems_of_a_config_are_said_at_once(connector: Connector) -> None:
    result = connector.check({"port": "80a", "ssl_mode": {"mode": "verify"}, "authentication": {"method": "password"}})
    assert (result.exit_code, result.status["status"]) == (0, "FAILED")
    fields = ["hostname:", "port:", "ssl_mode.mode:", "username:", "authentication.password:", "catalog:", "schema:"]
    assert [field for field in fields if field not in result.status["message"]] == [], result.status["message"]


def test_a_password_over_plain_http_to_another_machine_is_refused(connector: Connector, config: Config) -> None:
    secret = {"method": "password", "password": "x"}
    status = connector.check(config("tpch", "tiny", hostname="trino.example.com", authentication=secret)).status
    assert status["status"] == "FAILED"
    assert "ssl_mode" in status["message"]


@pytest.mark.parametrize("command", ["check", "discover", "read"])
@pytest.mark.parametrize("content", ["", "{", "no JSON", None], ids=["empty", "cut", "text", "missing"])
def test_a_config_file_that_cannot_be_used_is_a_config_error(
    connector: Connector, command: str, content: str | None
) -> None:
    file = connector.directory / "missing.json" if content is None else connector.file(content)
    catalog: list[str | Path] = ["--catalog", connector.file({"streams": []})] if command == "read" else []
    result = connector.run(command, "--config", file, *catalog)
    [error] = result.errors
    assert (result.exit_code, error["failure_type"]) == (1, "config_error")
    assert str(file) in error["message"]


def test_a_check_without_a_config_is_failed(connector: Connector) -> None:
    assert connector.check("{").status["status"] == "FAILED"


# Secrets


@pytest.mark.parametrize("given", ["right", "wrong"])
@pytest.mark.parametrize("variable", ["LOG_LEVEL", "RUST_LOG"])
@pytest.mark.parametrize("command", ["check", "discover", "read"])
def test_no_output_has_a_secret(
    connector: Connector, config_https: Config, environment: Environment, command: str, variable: str, given: str
) -> None:
    password = environment.password("alice") if given == "right" else "a-wrong-secret"
    settings = config_https("tpch", "tiny", authentication={"method": "password", "password": password})
    catalog: list[str | Path] = ["--catalog", connector.file(configured([handwritten("region", "tiny", ["name"])]))]
    result = connector.run(
        command,
        "--config",
        connector.file(settings),
        *(catalog if command == "read" else []),
        environment={variable: "trace"},
    )
    assert result.logs("TRACE") + result.logs("DEBUG"), "nothing is logged at this level, so nothing is tested"
    secrets = [
        password,
        *(base64.b64encode(text.encode()).decode().rstrip("=") for text in (password, f"alice:{password}")),
    ]
    output = result.stdout.decode() + result.stderr
    assert [secret for secret in secrets if secret in output] == []


@pytest.mark.parametrize(
    "hostname",
    [
        "https://alice:topsecret@127.0.0.1:{https}",
        "jdbc:trino://127.0.0.1:{https}/tpch/tiny?user=alice&password=topsecret",
        "127.0.0.1:1?password=topsecret",
    ],
)
def test_a_password_in_a_pasted_url_is_not_shown(
    connector: Connector, config: Config, environment: Environment, hostname: str
) -> None:
    pasted = hostname.replace("{https}", str(environment.https_port))
    result = connector.check(config("tpch", "tiny", hostname=pasted), environment={"LOG_LEVEL": "trace"})
    assert "topsecret" not in result.stdout.decode() + result.stderr
