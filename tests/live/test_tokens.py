"""Tokens as a provider of identities signs them: Trino has the keys from a JWKS server, and knows no other login.

The servers are started here, and stopped in the end, unless `SOURCE_TRINO_JWKS` names some that run
(`live_support/servers.py`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live_support import servers
from live_support.connector import Connector
from live_support.environment import Environment
from live_support.token_server import Signer, token_server
from live_support.verdicts import fails, reads_regions, succeeds


@pytest.fixture(scope="module")
def provider(environment: Environment) -> Iterator[Environment]:
    """Trino and the JWKS server, in place of the usual ones."""
    with servers.another("jwks", environment) as provider:
        yield provider


@pytest.fixture(scope="module")
def signer(provider: Environment) -> Signer:
    """Signs with the key that is in the set."""
    return Signer.of_private_key(Path(provider.trino["token_key"]), provider.trino["token_key_id"])


@pytest.fixture(scope="module")
def config(provider: Environment) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """https as alice, proven by this `authentication`."""

    def make(authentication: dict[str, Any]) -> dict[str, Any]:
        return {
            "hostname": "localhost",
            "port": provider.https_port,
            "ssl_mode": {"mode": "verify-full", "ca_certificate": provider.authority},
            "username": "alice",
            "authentication": authentication,
            "catalog": "tpch",
            "schema": "tiny",
        }

    return make


Config = Callable[[dict[str, Any]], dict[str, Any]]


def jwt(token: str) -> dict[str, Any]:
    return {"method": "jwt", "token": token}


def test_a_token_of_a_key_in_the_set_proves_the_user(
    connector: Connector, config: Config, provider: Environment, signer: Signer
) -> None:
    for token in (provider.trino["token"], signer.token(3600)):
        made = config(jwt(token))
        succeeds(connector.check(made))
        reads_regions(connector, made)


def test_any_other_token_is_refused(connector: Connector, config: Config, signer: Signer) -> None:
    another_name = dataclasses.replace(signer, header=signer.header | {"kid": "key-2"})
    refused = {
        "of another key by that name": signer.stranger().token(3600),
        "of a key by a name that is not in the set": another_name.token(3600),
        "that has expired": signer.token(-60),
    }
    for token in refused.values():
        result = connector.check(config(jwt(token)))
        fails(result, '"authentication"', "401")
        assert token not in result.stdout.decode() + result.stderr


def test_a_token_for_another_user_is_refused(connector: Connector, config: Config, signer: Signer) -> None:
    fails(connector.check(config(jwt(signer.token(3600, sub="bob")))), "cannot impersonate user alice")


def test_tokens_of_the_provider_itself_are_taken(connector: Connector, config: Config, signer: Signer) -> None:
    """What OAuth2 gives for client credentials, and a new one where the first was refused."""
    with token_server(signer) as tokens:
        made = config(tokens.credentials())
        reads_regions(connector, made)
        assert len(tokens.tokens) == 1
        tokens.bad = 1
        succeeds(connector.check(made))
        assert len(tokens.tokens) == 3
