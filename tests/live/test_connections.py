"""Every way in: who is proven how, certificates, proxies, gateways, tunnels, and what a person is told where it fails.

The messages are the table of docs/connections.md; the last test says that none of its lines goes without a test.
"""

from __future__ import annotations

import base64
import getpass
import json
import re
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from live_support import documented, forwarder
from live_support.connector import Connector, Result
from live_support.environment import Environment
from live_support.messages import configured, handwritten
from live_support.network import Bastion, free_port, nginx, running, tinyproxy
from live_support.oracle import Trino
from live_support.token_server import CLIENT_SECRET, Signer, TokenServer, token_server
from live_support.verdicts import fails, reads_regions, succeeds

Config = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def tokens(environment: Environment) -> Iterator[TokenServer]:
    with token_server(Signer.of_secret(Path(environment.trino["token_key"]))) as server:
        yield server


@pytest.fixture(scope="module")
def identity(environment: Environment) -> dict[str, str]:
    """The certificate of alice, for `ssl_mode`."""
    return {
        "client_certificate": Path(environment.trino["client_certificate"]).read_text(),
        "client_key": Path(environment.trino["client_key"]).read_text(),
    }


@pytest.fixture
def secure(config_https: Config, environment: Environment) -> Config:
    """https as alice: `secure(authentication=…, ssl_mode={…})`; of the SSL mode what is given is added."""

    def make(ssl_mode: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        ssl = {"mode": "verify-full", "ca_certificate": environment.authority} | (ssl_mode or {})
        ssl = {name: value for name, value in ssl.items() if value is not None}
        return config_https("tpch", "tiny", ssl_mode=ssl, **fields)

    return make


# Authentication


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


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_certificate_proves_the_user(
    connector: Connector, secure: Config, identity: dict[str, str], mode: str
) -> None:
    ssl = identity | {"mode": mode} | ({"ca_certificate": None} if mode == "require" else {})
    reads_regions(connector, secure(ssl, authentication={"method": "none"}))


def encrypted(key: str, directory: Path, *options: str) -> str:
    plain, secret = directory / "plain.key", directory / "secret.key"
    plain.write_text(key)
    command = ["openssl", "pkcs8", "-topk8", "-in", plain, "-out", secret, "-passout", "pass:key-secret-1", *options]
    subprocess.run(command, check=True, capture_output=True)
    return secret.read_text()


@pytest.mark.parametrize("options", [[], ["-scrypt"], ["-v2", "aes-128-cbc"]], ids=["default", "scrypt", "aes-128"])
def test_an_encrypted_key_is_opened(
    connector: Connector, secure: Config, identity: dict[str, str], tmp_path: Path, options: list[str]
) -> None:
    key = encrypted(identity["client_key"], tmp_path, *options)
    ssl = identity | {"client_key": key, "client_key_password": "key-secret-1"}
    succeeds(connector.check(secure(ssl, authentication={"method": "none"})))


def test_a_key_that_cannot_be_used_is_explained(
    connector: Connector, secure: Config, identity: dict[str, str], tmp_path: Path
) -> None:
    key = encrypted(identity["client_key"], tmp_path)
    other = tmp_path / "other.key"
    subprocess.run(["openssl", "genrsa", "-out", other, "2048"], check=True, capture_output=True)
    old = tmp_path / "old.key"
    subprocess.run(
        ["openssl", "rsa", "-in", other, "-traditional", "-aes128", "-passout", "pass:x12345", "-out", old],
        check=True, capture_output=True,
    )  # fmt: skip
    for changes, words in [
        ({"client_key": key}, ['"client_key_password"']),
        ({"client_key": key, "client_key_password": "wrong-secret-1"}, ['"client_key_password"']),
        ({"client_key": other.read_text()}, ['"client_key"', '"client_certificate"']),
        ({"client_key": old.read_text(), "client_key_password": "x12345"}, ['"client_key"', "openssl pkcs8"]),
        ({"client_key": "no key"}, ['"client_key"']),
        ({"client_key": None}, ["ssl_mode.client_key"]),
    ]:
        fails(connector.check(secure(identity | changes, authentication={"method": "none"})), *words)


#: What forms, variables and tools make of the line ends of a PEM text.
LINE_ENDS: dict[str, Callable[[str], str]] = {
    "backslash n": lambda pem: pem.replace("\n", "\\n"),
    "backslash r, backslash n, in quotes": lambda pem: '"' + pem.replace("\n", "\\r\\n") + '"',
    "escaped twice": lambda pem: pem.replace("\n", "\\\\n"),
    "CR": lambda pem: pem.replace("\n", "\r"),
    "CRLF with blanks": lambda pem: pem.replace("\n", "  \r\n"),
    "blanks": lambda pem: pem.replace("\n", " "),
    "tabs": lambda pem: pem.replace("\n", "\t"),
    "nothing": lambda pem: pem.replace("\n", ""),
    "indented": lambda pem: pem.replace("\n", "\n    "),
}


@pytest.mark.parametrize("form", LINE_ENDS.values(), ids=LINE_ENDS)
def test_line_ends_do_not_matter_in_any_key_or_certificate(
    connector: Connector,
    secure: Config,
    environment: Environment,
    identity: dict[str, str],
    bastion: Bastion,
    form: Callable[[str], str],
) -> None:
    """All four fields at once, against Trino and a bastion."""
    ssl = {name: form(pem) for name, pem in identity.items()} | {"ca_certificate": form(environment.authority)}
    tunnel = bastion.tunnel(ssh_key=form(bastion.user_key.read_text()))
    with bastion.up():
        succeeds(connector.check(secure(ssl, authentication={"method": "none"}, tunnel_method=tunnel)))


def test_a_damaged_certificate_of_a_chain_is_named(
    connector: Connector, secure: Config, environment: Environment, identity: dict[str, str]
) -> None:
    damaged = identity["client_certificate"].replace("-----END CERTIFICATE-----", "")
    ssl = identity | {"client_certificate": damaged + environment.authority}
    made = secure(ssl, authentication={"method": "none"})
    fails(connector.check(made), '"client_certificate"', "certificate 1 of 2 is cut off")


def test_a_certificate_of_x509_version_1_proves_the_user(
    connector: Connector, secure: Config, environment: Environment, tmp_path: Path
) -> None:
    """As `openssl x509 -req` makes it without extensions; Trino's TLS takes it."""
    authority = Path(environment.trino["ca_certificate"])
    key, request, certificate = tmp_path / "k.pem", tmp_path / "r.pem", tmp_path / "c.pem"
    command = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=alice", "-keyout", key, "-out", request]
    subprocess.run(command, check=True, capture_output=True)
    sign = ["openssl", "x509", "-req", "-in", request, "-CA", authority, "-CAkey", authority.with_suffix(".key")]
    subprocess.run([*sign, "-days", "30", "-set_serial", "7", "-out", certificate], check=True, capture_output=True)
    shown = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-text"], check=True, capture_output=True)
    assert b"Version: 1 (0x0)" in shown.stdout
    ssl = {"client_certificate": certificate.read_text(), "client_key": key.read_text()}
    reads_regions(connector, secure(ssl, authentication={"method": "none"}))


def test_a_misspelt_field_is_named_beside_the_missing_one(connector: Connector, secure: Config) -> None:
    made = secure()
    made["host"] = made.pop("hostname")
    fails(connector.check(made), 'there is "host"', 'did you mean "hostname"')


def test_a_certificate_that_trino_does_not_trust_is_explained(
    connector: Connector, secure: Config, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "k.pem", tmp_path / "c.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=alice"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    ssl = {"client_certificate": certificate.read_text(), "client_key": key.read_text()}
    fails(connector.check(secure(ssl, authentication={"method": "none"})), '"client_certificate"')


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


def session_of(result: Result, environment: Environment) -> dict[str, Any]:
    """What the server says of the session of the first query in the log."""
    query = next(match.group(1) for text in result.logs("DEBUG") if (match := re.search(r"query_id=(\S+)", text)))
    request = urllib.request.Request(f"{environment.trino['url']}/v1/query/{query}", headers={"X-Trino-User": "admin"})
    with urllib.request.urlopen(request) as answer:
        session: dict[str, Any] = json.load(answer)["session"]
    return session


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


# Certificates of the server


def test_another_name_may_be_expected(connector: Connector, secure: Config, environment: Environment) -> None:
    with forwarder.forward_to(environment.https_port) as port:
        there = {"hostname": forwarder.ADDRESS, "port": port}
        message = fails(connector.check(secure(**there)), "localhost", "127.0.0.1")
        assert forwarder.ADDRESS in message
        succeeds(connector.check(secure({"server_name": "localhost"}, **there)))
        fails(connector.check(secure({"server_name": "trino.example.com"}, **there)), "localhost")


def test_several_authorities_may_be_pasted(
    connector: Connector, secure: Config, environment: Environment, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Another authority/O=Acme"]
    subprocess.run([*command, "-keyout", tmp_path / "k", "-out", other], check=True, capture_output=True)
    succeeds(connector.check(secure({"ca_certificate": other.read_text() + environment.authority})))
    fails(connector.check(secure({"ca_certificate": other.read_text()})), "source-trino test authority")
    fails(connector.check(secure({"ca_certificate": environment.authority[:300]})), '"ca_certificate"')


def test_an_old_certificate_is_named_with_its_day(
    connector: Connector, secure: Config, environment: Environment, programs: dict[str, str], tmp_path: Path
) -> None:
    key, certificate = tmp_path / "k.pem", tmp_path / "c.pem"
    config_file = tmp_path / "ca.cnf"
    config_file.write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={tmp_path}/index\nserial={tmp_path}/serial\nnew_certs_dir={tmp_path}\n"
        "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=IP:127.0.0.1\n"
    )
    (tmp_path / "index").touch()
    (tmp_path / "serial").write_text("01\n")
    request = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"]
    subprocess.run([*request, "-keyout", key, "-out", tmp_path / "r"], check=True, capture_output=True)
    authority = Path(environment.trino["ca_certificate"])
    dates = ["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"]
    sign = ["openssl", "ca", "-batch", "-config", config_file, "-cert", authority, "-keyfile", authority.with_suffix(".key")]
    subprocess.run([*sign, "-extensions", "e", "-in", tmp_path / "r", "-out", certificate, *dates], check=True, capture_output=True)
    with nginx(programs["nginx"], tmp_path, "location / { return 404; }", tls=(certificate, key)) as port:
        fails(connector.check(secure(port=port)), "expired", "2021-01-01")


def test_the_systems_authorities_are_trusted(
    connector: Connector, secure: Config, environment: Environment
) -> None:
    made = secure({"ca_certificate": None})
    fails(connector.check(made), "source-trino test authority")
    succeeds(connector.check(made, environment={"SSL_CERT_FILE": environment.trino["ca_certificate"]}))


def test_the_systems_authorities_are_needed_only_where_they_count(
    connector: Connector, secure: Config, config: Config, tmp_path: Path
) -> None:
    """A slim image of a container has none."""
    none = {"SSL_CERT_FILE": str(tmp_path / "none"), "SSL_CERT_DIR": str(tmp_path)}
    for made in (config("tpch", "tiny"), secure(), secure({"mode": "require", "ca_certificate": None})):
        succeeds(connector.check(made, environment=none))
    refused = connector.check(secure({"ca_certificate": None}), environment=none)
    fails(refused, "authorities that this system trusts", "SSL_CERT_FILE", '"ca_certificate"')


# Proxies


@pytest.fixture(scope="module")
def programs(environment: Environment) -> dict[str, str]:
    """nginx, tinyproxy, sshd and what gives it accounts, which the set-up of the servers has installed."""
    return environment.programs


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


# Gateways


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


# SSH tunnels


@pytest.fixture
def bastion(programs: dict[str, str], tmp_path: Path) -> Bastion:
    return Bastion(programs, tmp_path)


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


def test_tables_that_cannot_be_read_are_explained(
    connector: Connector, config_https: Config, config: Config, private_schema: str, sql: Trino
) -> None:
    fails(connector.check(config_https("memory", private_schema, username="denied")), "SELECT", private_schema)
    with sql.schema("memory", "empty") as schema:
        fails(connector.check(config("memory", schema)), '"schema"', schema)


@pytest.mark.parametrize("is_authority", ["TRUE", "FALSE"])
def test_a_certificate_that_a_server_issued_itself_may_be_pasted(
    connector: Connector,
    config: Config,
    environment: Environment,
    programs: dict[str, str],
    tmp_path: Path,
    is_authority: str,
) -> None:
    """As openssl and as keytool make them: the first call themselves an authority."""
    key, certificate = tmp_path / "k.pem", tmp_path / "c.pem"
    extensions = ["-addext", f"basicConstraints=critical,CA:{is_authority}", "-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=lonely", *extensions]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    location = f"location / {{ proxy_set_header Host $http_host; proxy_pass http://127.0.0.1:{environment.http_port}; }}"
    with nginx(programs["nginx"], tmp_path, location, tls=(certificate, key)) as port:

        def check(host: str, mode: str, **ssl_mode: str) -> Result:
            made = config("tpch", "tiny", hostname=host, port=port, fetch_protocol="direct")
            return connector.check(made | {"ssl_mode": {"mode": mode} | ssl_mode})

        fails(check("localhost", "verify-full"), '"ca_certificate"', "CN=lonely")
        pem = certificate.read_text()
        succeeds(check("localhost", "verify-full", ca_certificate=pem))
        succeeds(check("127.0.0.1", "verify-ca", ca_certificate=pem))
        fails(check("127.0.0.1", "verify-full", ca_certificate=pem), "localhost")


def issued(directory: Path, authority: Path, subject: str, extensions: str | None) -> tuple[Path, Path]:
    """A certificate of an authority, and its key; without extensions, even empty ones, it is of version 1."""
    key, request, certificate, wanted = (directory / name for name in ("old.key", "old.csr", "old.pem", "old.ext"))
    command = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", key, "-out", request]
    subprocess.run(command, check=True, capture_output=True)
    sign = ["openssl", "x509", "-req", "-in", request, "-CA", authority, "-CAkey", authority.with_suffix(".key")]
    if extensions is not None:
        wanted.write_text(extensions)
        sign += ["-extfile", wanted]
    subprocess.run([*sign, "-days", "30", "-set_serial", "8", "-out", certificate], check=True, capture_output=True)
    return certificate, key


@pytest.mark.parametrize(
    ("subject", "extensions", "authority_is_enough", "words"),
    [
        ("/CN=localhost", "basicConstraints=CA:FALSE", True, ["no subject alternative name", '"verify-ca"']),
        ("/CN=localhost", None, False, ["X.509 version 1", '"require"']),
        ("/CN=x", "subjectAltName=DNS:127.0.0.1", True, ["127.0.0.1 as the name of a host", '"verify-ca"']),
    ],
    ids=["a common name alone", "version 1", "an address as a name"],
)
def test_certificates_of_old_installations(
    connector: Connector,
    config: Config,
    environment: Environment,
    programs: dict[str, str],
    tmp_path: Path,
    subject: str,
    extensions: str | None,
    authority_is_enough: bool,
    words: list[str],
) -> None:
    tls = issued(tmp_path, Path(environment.trino["ca_certificate"]), subject, extensions)
    location = f"location / {{ proxy_set_header Host $http_host; proxy_pass http://127.0.0.1:{environment.http_port}; }}"
    with nginx(programs["nginx"], tmp_path, location, tls=tls) as port:

        def check(mode: str, **ssl_mode: str) -> Result:
            host = "localhost" if "localhost" in subject else "127.0.0.1"
            made = config("tpch", "tiny", hostname=host, port=port, fetch_protocol="direct")
            return connector.check(made | {"ssl_mode": {"mode": mode} | ssl_mode})

        succeeds(check("require"))
        ours = {"ca_certificate": environment.authority}
        if authority_is_enough:
            succeeds(check("verify-ca", **ours))
        else:
            fails(check("verify-ca", **ours), *words)
            # Nor may it be pasted itself: the TLS library does not read its key.
            fails(check("verify-ca", ca_certificate=tls[0].read_text()), *words)
        fails(check("verify-full", **ours), *words)


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
    """Run with the others of this file, of which it is the last."""
    assert [text for text in documented.messages() if text not in documented.produced] == []
