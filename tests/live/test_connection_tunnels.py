"""SSH tunnels: keys of every form, passwords, sessions that break, and what is told where they fail."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from typing import Any

import pytest
from live_support.connector import Connector
from live_support.environment import Environment
from live_support.messages import configured, handwritten
from live_support.network import Bastion, free_port
from live_support.verdicts import fails, reads_regions

Config = Callable[..., dict[str, Any]]


KEYS = {
    "OpenSSH ed25519": (["-t", "ed25519"], ""),
    "OpenSSH with a passphrase": (["-t", "ed25519"], "key-secret-1"),
    "OpenSSH RSA": (["-t", "rsa", "-b", "2048"], ""),
    "PEM RSA": (["-t", "rsa", "-b", "2048", "-m", "PEM"], ""),
    "PKCS#8 RSA": (["-t", "rsa", "-b", "2048", "-m", "PKCS8"], ""),
    "PKCS#8 with a passphrase": (["-t", "rsa", "-b", "2048", "-m", "PKCS8"], "key-secret-1"),
    "PKCS#8 ECDSA": (["-t", "ecdsa", "-b", "256", "-m", "PKCS8"], ""),
    "OpenSSH ECDSA": (["-t", "ecdsa", "-b", "384"], ""),
}


def test_a_tunnel_takes_keys_of_every_form(connector: Connector, secure: Config, bastion: Bastion) -> None:
    with bastion.up():
        for number, (name, (options, passphrase)) in enumerate(KEYS.items()):
            key = bastion.key(f"key{number}", *options, passphrase=passphrase)
            tunnel = bastion.tunnel(ssh_key=key.read_text(), ssh_key_passphrase=passphrase or None)
            result = connector.check(secure(tunnel_method=tunnel))
            assert result.status == {"status": "SUCCEEDED"}, f"{name}: {result.explain()}"


@pytest.mark.parametrize(
    "offered",
    [
        ["PasswordAuthentication yes", "KbdInteractiveAuthentication no"],
        ["PasswordAuthentication no", "KbdInteractiveAuthentication yes"],
        ["PasswordAuthentication yes", "KbdInteractiveAuthentication yes"],
    ],
    ids=["password", "keyboard-interactive", "both"],
)
def test_a_tunnel_takes_a_password(connector: Connector, secure: Config, bastion: Bastion, offered: list[str]) -> None:
    with bastion.with_passwords(*offered):
        made = secure(tunnel_method=bastion.password_tunnel())
        result = reads_regions(connector, made, environment={"RUST_LOG": "trace"})
        assert bastion.PASSWORD not in result.stdout.decode() + result.stderr
        wrong = connector.check(secure(tunnel_method=bastion.password_tunnel("wrong-secret-1")))
        fails(wrong, '"tunnel_user"', '"tunnel_user_password"', getpass.getuser())


def test_a_second_factor_is_explained(connector: Connector, secure: Config, bastion: Bastion) -> None:
    """A tunnel has one proof: nobody is there to be asked for another."""
    with bastion.with_passwords(second_factor=True):
        fails(connector.check(secure(tunnel_method=bastion.password_tunnel())), '"tunnel_user_password"', "Password:")
    with bastion.with_passwords("AuthenticationMethods publickey,keyboard-interactive"):
        fails(connector.check(secure(tunnel_method=bastion.tunnel())), '"ssh_key"', "keyboard-interactive")


def test_a_login_that_is_not_offered_is_explained(connector: Connector, secure: Config, bastion: Bastion) -> None:
    with bastion.up("PasswordAuthentication no", "KbdInteractiveAuthentication no"):
        made = secure(tunnel_method=bastion.password_tunnel())
        fails(connector.check(made), '"tunnel_user_password"', "publickey", '"tunnel_method"')


@pytest.mark.parametrize("protocol", ["direct", "spooled"])
def test_a_table_is_read_through_a_tunnel(
    connector: Connector, config: Config, bastion: Bastion, protocol: str
) -> None:
    host_key = bastion.host_key.with_suffix(".pub").read_text()
    tunnel = bastion.tunnel(tunnel_host_key=host_key, tunnel_port=str(bastion.port))
    with bastion.up():
        reads_regions(connector, config("tpch", "tiny", tunnel_method=tunnel, fetch_protocol=protocol))


def test_a_tunnel_that_breaks_loses_no_row(
    connector: Connector, config: Config, bastion: Bastion
) -> None:
    catalog = configured([handwritten("lineitem", "sf1", ["orderkey", "linenumber"])])
    made = config("tpch", "sf1", tunnel_method=bastion.tunnel(), fetch_protocol="direct", concurrency=1)
    with bastion.up():
        process = connector.start(*connector.read_arguments(made, catalog))
        assert process.stdout is not None
        rows, cuts = set(), 0
        for line in process.stdout:
            if line.startswith(b'{"type":"RECORD"'):
                data = json.loads(line)["record"]["data"]
                row = (data["orderkey"], data["linenumber"])
                assert row not in rows
                rows.add(row)
                if len(rows) in (200_000, 1_000_000):
                    cuts += bastion.cut() > 0
        assert process.wait(60) == 0
    assert (len(rows), cuts) == (6_001_215, 2)


def test_a_tunnel_that_fails_is_explained(
    connector: Connector, secure: Config, environment: Environment, bastion: Bastion
) -> None:
    stranger = bastion.key("stranger")
    (bastion.directory / "authorized").write_text(bastion.user_key.with_suffix(".pub").read_text())
    locked = bastion.key("locked", passphrase="key-secret-1")
    cut_off = stranger.read_text()[:120] + "\n-----END OPENSSH PRIVATE KEY-----"
    other_host = bastion.user_key.with_suffix(".pub").read_text()
    password = {"tunnel_method": "SSH_PASSWORD_AUTH", "tunnel_user_password": "wrong-secret-1", "ssh_key": None}
    cases: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
        ({"ssh_key": stranger.read_text()}, {}, ['"ssh_key"', '"tunnel_user"', getpass.getuser()]),
        ({"ssh_key": locked.read_text()}, {}, ['"ssh_key_passphrase"']),
        ({"ssh_key": locked.read_text(), "ssh_key_passphrase": "wrong-secret-1"}, {}, ['"ssh_key_passphrase"']),
        (password, {}, ['"tunnel_user_password"']),
        ({"tunnel_host_key": other_host}, {}, ['"tunnel_host_key"', "ssh-ed25519"]),
        ({"ssh_key": cut_off}, {}, ['"ssh_key"', "-----BEGIN"]),
        ({"tunnel_port": free_port()}, {}, ['"tunnel_port"']),
        ({"tunnel_port": environment.http_port}, {}, ['"tunnel_port"', "SSH"]),
        ({"tunnel_host": "no-such-bastion.invalid"}, {}, ['"tunnel_host"']),
        ({}, {"port": free_port()}, ['"port"', '"tunnel_host"']),
        ({}, {"http_proxy": "http://127.0.0.1:3128"}, ["http_proxy", '"tunnel_method"']),
    ]
    with bastion.up():
        for tunnel, changes, words in cases:
            result = connector.check(secure(tunnel_method=bastion.tunnel(**tunnel), **changes))
            fails(result, *words)
            assert "secret-1" not in result.stdout.decode() + result.stderr


def test_a_tunnel_that_may_not_pass_on_is_explained(connector: Connector, secure: Config, bastion: Bastion) -> None:
    with bastion.up("AllowTcpForwarding no"):
        fails(connector.check(secure(tunnel_method=bastion.tunnel())), "AllowTcpForwarding")
