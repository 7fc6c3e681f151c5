"""Who is proven how: tokens and the OAuth2 server that gives them, session users, roles, extra credentials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from live_support.connector import Connector
from live_support.environment import Environment
from live_support.history import session_of
from live_support.messages import configured, handwritten
from live_support.network import free_port
from live_support.token_server import TokenServer
from live_support.verdicts import fails, reads_regions, succeeds

Config = Callable[..., dict[str, Any]]


def test_a_token_proves_the_user(connector: Connector, secure: Config, environment: Environment) -> None:
    token = environment.trino["token"]
    for given in (token, f"  Bearer {token}\n"):
        succeeds(connector.check(secure(authentication={"method": "jwt", "token": given})))


def test_a_wrong_token_is_refused(connector: Connector, secure: Config) -> None:
    fails(connector.check(secure(authentication={"method": "jwt", "token": "a.b.c"})), '"authentication"', "401")


def test_tokens_come_from_an_oauth2_server(connector: Connector, secure: Config, tokens: TokenServer) -> None:
    before = len(tokens.tokens)
    reads_regions(connector, secure(authentication=tokens.credentials(audience="https://trino")))
    assert len(tokens.tokens) == before + 1, "one token is enough for a read"
    assert tokens.audiences[-1] == "https://trino"


def test_a_token_is_renewed_before_it_expires(connector: Connector, secure: Config, tokens: TokenServer) -> None:
    """Trino refuses a token that has expired, so a read that takes longer needs several."""
    before, tokens.lifetime = len(tokens.tokens), 2
    try:
        made = secure(authentication=tokens.credentials(), fetch_protocol="direct", concurrency=1) | {"schema": "sf1"}
        result = connector.read(made, configured([handwritten("orders", "sf1", ["orderkey", "comment"])]))
    finally:
        tokens.lifetime = 3600
    assert result.exit_code == 0, result.explain()
    assert len(result.lines) > 1_500_000
    assert len(tokens.tokens) - before >= min(result.seconds // 2, 2), result.seconds


def test_a_refused_token_is_renewed_once(connector: Connector, secure: Config, tokens: TokenServer) -> None:
    before, tokens.bad = len(tokens.tokens), 1
    # The first contact is open to everybody, so the refusal comes with the first statement.
    succeeds(connector.check(secure(authentication=tokens.credentials())))
    assert len(tokens.tokens) == before + 2
    before, tokens.bad = len(tokens.tokens), 100
    fails(connector.check(secure(authentication=tokens.credentials())), "401")
    assert len(tokens.tokens) == before + 2, "it must not ask for ever"
    tokens.bad = 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_secret": "wrong-secret-1"}, ["invalid_client", '"client_secret"']),
        ({"scope": "everything"}, ["invalid_scope", '"scope"']),
        ({"token_endpoint": f"http://127.0.0.1:{free_port()}/token"}, ['"token_endpoint"']),
    ],
)
def test_a_token_that_cannot_be_had_is_explained(
    connector: Connector, secure: Config, tokens: TokenServer, changes: dict[str, Any], words: list[str]
) -> None:
    fails(connector.check(secure(authentication=tokens.credentials(**changes))), *words)


def test_queries_run_as_the_session_user(connector: Connector, secure: Config, environment: Environment) -> None:
    result = connector.discover(secure(session_user="bob"), environment={"LOG_LEVEL": "debug"})
    session = session_of(result, environment)
    assert (session["user"], session["principal"]) == ("bob", "alice")


def test_a_session_user_that_is_not_allowed_is_explained(connector: Connector, secure: Config) -> None:
    fails(connector.check(secure(session_user="carol")), '"session_user"', "carol")


def test_roles_are_taken(connector: Connector, secure: Config) -> None:
    succeeds(connector.check(secure(roles=["system=NONE", "tpch=ALL"])))
    fails(connector.check(secure(roles=["system=no_such_role"])), '"roles"', "no_such_role")


def test_extra_credentials_reach_the_connector(
    connector: Connector, secure: Config, environment: Environment, postgres: psycopg.Connection[Any]
) -> None:
    postgres.execute("CREATE SCHEMA IF NOT EXISTS with_credentials")
    postgres.execute("CREATE TABLE IF NOT EXISTS with_credentials.t (a bigint)")
    postgres.commit()

    def given(password: str) -> dict[str, Any]:
        credentials = {"postgresql_user": environment.postgres["user"], "postgresql_password": password}
        listed = [{"name": name, "value": value} for name, value in credentials.items()]
        return secure(extra_credentials=listed) | {"catalog": "postgresql", "schema": "with_credentials"}

    succeeds(connector.check(given(environment.postgres["password"])))
    result = connector.check(given("wrong-secret-1"), environment={"LOG_LEVEL": "trace"})
    assert result.status["status"] == "FAILED"
    assert "wrong-secret-1" not in result.stdout.decode()


def test_credentials_do_not_go_over_plain_http_unasked(
    connector: Connector, config: Config, environment: Environment
) -> None:
    """Another host is what counts, not whether it can be reached."""
    token = {"method": "jwt", "token": environment.trino["token"]}
    far = {"hostname": "trino.invalid", "authentication": token}
    fails(connector.check(config("tpch", "tiny", **far)), '"allow_credentials_over_http"')
    fails(connector.check(config("tpch", "tiny", **far, allow_credentials_over_http=True)), "resolved")


def test_credentials_that_trino_wants_by_https_only_are_explained(
    connector: Connector, config: Config, environment: Environment
) -> None:
    password = {"method": "password", "password": environment.password("alice")}
    made = config("tpch", "tiny", username="alice", authentication=password)
    fails(connector.check(made), '"ssl_mode"', '"port"')
