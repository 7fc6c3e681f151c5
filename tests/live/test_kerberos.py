"""Kerberos, with a KDC of MIT and Trino that knows no other login.

The servers are started here, and stopped in the end, unless `SOURCE_TRINO_KERBEROS` names some that run
(`live_support/servers.py`). The messages are those of docs/connections.md.
"""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live_support import documented, servers
from live_support.connector import Connector
from live_support.environment import Environment
from live_support.faults import Fault, Moment
from live_support.messages import configured, handwritten
from live_support.network import free_port, nginx
from live_support.relay import Sent, relay
from live_support.verdicts import fails, reads_regions, succeeds


@pytest.fixture(scope="module")
def realm(environment: Environment) -> Iterator[Environment]:
    """Trino and the KDC, in place of the usual servers."""
    with servers.another("kerberos", environment) as realm:
        yield realm


@pytest.fixture(scope="module")
def kdc(realm: Environment) -> dict[str, Any]:
    return realm.trino["kerberos"]


def keytab(path: str) -> str:
    return base64.encodebytes(Path(path).read_bytes()).decode()


Config = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def config(realm: Environment, kdc: dict[str, Any]) -> Config:
    """https as alice, with her keytab: of `authentication` what is given is changed."""

    def make(username: str = "alice", fields: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        authentication = {
            "method": "kerberos",
            "principal": f"{username}@{kdc['realm']}",
            "keytab": keytab(kdc["keytab"]),
            "service_name": kdc["service_name"],
            "kdc": kdc["kdc"],
        } | changes
        return {
            "hostname": "localhost",
            "port": realm.https_port,
            "ssl_mode": {"mode": "verify-full", "ca_certificate": realm.authority},
            "username": username,
            "authentication": {name: value for name, value in authentication.items() if value is not None},
            "catalog": "tpch",
            "schema": "tiny",
        } | (fields or {})

    return make


def with_password(kdc: dict[str, Any], user: str) -> dict[str, Any]:
    return {"username": user, "keytab": None, "password": kdc["users"][user]}


def test_a_keytab_proves_the_user(connector: Connector, config: Config, kdc: dict[str, Any]) -> None:
    succeeds(connector.check(config()))
    reads_regions(connector, config())
    # As the system administrator has it, and by every way to write the service.
    text = Path(kdc["krb5_conf"]).read_text()
    succeeds(connector.check(config(kdc=None, krb5_conf=text)))
    for pattern in ("${SERVICE}/${HOST}", "trino@localhost", f"trino/localhost@{kdc['realm']}"):
        succeeds(connector.check(config(service_principal_pattern=pattern)))


def test_a_password_proves_the_user(connector: Connector, config: Config, kdc: dict[str, Any]) -> None:
    succeeds(connector.check(config(**with_password(kdc, "bob"))))
    reads_regions(connector, config(**with_password(kdc, "bob")))


def test_the_systems_configuration_counts(connector: Connector, config: Config, kdc: dict[str, Any]) -> None:
    succeeds(connector.check(config(kdc=None), environment={"KRB5_CONFIG": kdc["krb5_conf"]}))


def test_the_user_is_whom_the_ticket_names(connector: Connector, config: Config, kdc: dict[str, Any]) -> None:
    made = config(**with_password(kdc, "bob")) | {"username": "alice"}
    fails(connector.check(made), "cannot impersonate user alice")


def test_many_requests_at_once_have_a_token_each(connector: Connector, config: Config) -> None:
    """Trino remembers the tokens that it has seen, and refuses one that comes again."""
    tables = ["region", "nation", "supplier", "customer", "part", "orders"]
    columns = {"region": "regionkey", "nation": "nationkey", "supplier": "suppkey", "customer": "custkey",
               "part": "partkey", "orders": "orderkey"}
    streams = [handwritten(table, "tiny", [columns[table]]) for table in tables]
    result = connector.read(config(fields={"concurrency": 6, "fetch_protocol": "direct"}), configured(streams))
    assert result.exit_code == 0, result.explain()


def test_a_ticket_is_renewed_before_it_expires(connector: Connector, config: Config, kdc: dict[str, Any]) -> None:
    made = config(**with_password(kdc, "short"), fields={"schema": "sf1", "fetch_protocol": "direct", "concurrency": 1})
    streams = [handwritten("orders", "sf1", ["orderkey", "comment"])]
    result = connector.read(made, configured(streams), environment={"LOG_LEVEL": "debug"})
    assert result.exit_code == 0, result.explain()
    assert len(result.lines) > 1_500_000
    tickets = [text for text in result.logs("DEBUG") if "a ticket for" in text]
    assert len(tickets) >= 2, f"{len(tickets)} tickets in {result.seconds} s"


@pytest.mark.parametrize(
    ("user", "changes", "words"),
    [
        ("bob", {"password": "wrong-secret-1"}, ['"password"']),
        ("nobody", {"password": "wrong-secret-1"}, ['"principal"', "nobody@"]),
        ("late", {}, ['"principal"', "expired"]),
        ("locked", {}, ['"principal"', "revoked"]),
    ],
)
def test_a_principal_that_may_not_log_in_is_explained(
    connector: Connector, config: Config, kdc: dict[str, Any], user: str, changes: dict[str, Any], words: list[str]
) -> None:
    made = {"username": user, "keytab": None, "password": kdc["users"].get(user, "")} | changes
    result = connector.check(config(**made))
    fails(result, *words)
    assert "secret-1" not in result.stdout.decode() + result.stderr


def test_a_keytab_that_does_not_fit_is_explained(connector: Connector, config: Config, kdc: dict[str, Any]) -> None:
    fails(connector.check(config(keytab=keytab(kdc["old_keytab"]))), '"keytab"', "export it again")
    fails(connector.check(config(username="bob")), '"keytab"', '"principal"', f"bob@{kdc['realm']}")
    fails(connector.check(config(keytab=base64.b64encode(b"\x05\x02nothing").decode())), '"keytab"')


def test_a_service_that_is_wrong_is_explained(connector: Connector, config: Config) -> None:
    fails(connector.check(config(service_name="nothing")), '"service_name"', "nothing/localhost")
    # The KDC gives a ticket for it, but Trino has no key of it.
    fails(connector.check(config(service_name="other")), '"service_name"', "other/localhost", "401")
    # The name that the address has is another one.
    made = config(fields={"hostname": "127.0.0.1"})
    fails(connector.check(made), '"service_principal_pattern"', "trino/127.0.0.1")
    succeeds(connector.check(config(fields={"hostname": "127.0.0.1"}, service_principal_pattern="${SERVICE}@localhost")))
    if socket.gethostbyaddr("127.0.0.1")[0] == "localhost":
        succeeds(connector.check(config(fields={"hostname": "127.0.0.1"}, canonical_hostname=True)))


def test_a_clock_that_differs_is_explained(connector: Connector, config: Config, kdc: dict[str, Any]) -> None:
    """The library goes by the KDC's time; Trino does not, and refuses a ticket of the future."""
    fails(connector.check(config(kdc=kdc["kdc_ahead"])), "401", "clocks")
    strict = f"[libdefaults]\n kdc_timesync = 0\n[realms]\n {kdc['realm']} = {{\n  kdc = {kdc['kdc_ahead']}\n }}\n"
    fails(connector.check(config(kdc=None, krb5_conf=strict)), "clock")


def test_a_kdc_that_is_not_there_is_explained(connector: Connector, config: Config, kdc: dict[str, Any]) -> None:
    fails(connector.check(config(kdc=f"127.0.0.1:{free_port()}")), '"kdc"', "No KDC answers")
    text = Path(kdc["krb5_conf"]).read_text()
    made = config(principal="bob@ANOTHER.REALM", keytab=None, password="wrong-secret-1", kdc=None, krb5_conf=text)
    fails(connector.check(made), '"principal"', "ANOTHER.REALM", "no KDC for the realm")


def test_a_configuration_that_cannot_be_used_is_explained(connector: Connector, config: Config) -> None:
    fails(connector.check(config(kdc=None, krb5_conf="[libdefaults]\n realm\n")), '"krb5_conf"', "Syntax error")
    fails(connector.check(config(kdc=None, krb5_conf="[realms]", principal="a@@b@c")), '"principal"', "a@@b@c")


def test_a_refused_ticket_is_renewed_once(
    connector: Connector, config: Config, realm: Environment, environment: Environment, tmp_path: Path
) -> None:
    """A gateway answers 401 to all, as Trino does after its keytab was renewed; the connector gives up."""
    tls = Path(realm.trino["ca_certificate"]).parent
    location = 'location / { add_header WWW-Authenticate Negotiate always; return 401 "no"; }'
    with nginx(environment.programs["nginx"], tmp_path, location, tls=(tls / "server.pem", tls / "server.key")) as port:
        fails(connector.check(config(fields={"port": port})), "401", '"service_name"')
    asked = (tmp_path / "access.log").read_text().splitlines()
    assert len(asked) == 2, asked


def test_a_ticket_that_trino_refuses_once_is_replaced(connector: Connector, config: Config, realm: Environment) -> None:
    """The relay stands before the plain port of this machine, where Trino asks for no ticket."""
    refused: list[Sent] = []

    def rule(sent: Sent) -> Fault | None:
        if refused or not sent.sql.startswith("SELECT"):
            return None
        refused.append(sent)
        # A ticket that was had just now would be kept: another request may have replaced it.
        time.sleep(2.5)
        return Fault("HTTP_401", Moment.POST, status=401)

    with relay(realm.http_port, rule) as gate:
        made = config(fields={"port": gate.port, "ssl_mode": {"mode": "disable"}})
        result = connector.check(made, environment={"LOG_LEVEL": "debug"})
    succeeds(result)
    assert len(refused) == 1
    assert len([text for text in result.logs("DEBUG") if "a ticket for" in text]) == 2


def test_no_output_has_a_secret(connector: Connector, config: Config, kdc: dict[str, Any]) -> None:
    secrets = {**kdc["users"], "keytab": Path(kdc["keytab"]).read_bytes()}
    for variable in ("LOG_LEVEL", "RUST_LOG"):
        for made in (config(), config(**with_password(kdc, "bob"))):
            result = connector.check(made, environment={variable: "trace"})
            output = result.stdout.decode() + result.stderr
            assert result.status["status"] == "SUCCEEDED", result.explain()
            assert secrets["bob"] not in output
            assert base64.b64encode(secrets["keytab"]).decode()[8:40] not in output
            assert "Negotiate Y" not in output


def test_every_message_of_kerberos_was_produced() -> None:
    """Run with the others of this file, of which it is the last."""
    missing = [text for text in documented.messages(documented.KERBEROS) if text not in documented.produced]
    # A machine without the library is in tests/it/kerberos.rs.
    assert missing == ["Kerberos needs MIT's library libkrb5.so.3"]
