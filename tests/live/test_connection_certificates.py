"""Certificates and keys: those that prove the user, and those by which the server is known, as people paste them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live_support import forwarder
from live_support.connector import Connector, Result
from live_support.environment import Environment
from live_support.keys import encrypted
from live_support.network import Bastion, nginx
from live_support.verdicts import fails, reads_regions, succeeds

Config = Callable[..., dict[str, Any]]


# Certificates of the user


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_certificate_proves_the_user(
    connector: Connector, secure: Config, identity: dict[str, str], mode: str
) -> None:
    ssl = identity | {"mode": mode} | ({"ca_certificate": None} if mode == "require" else {})
    reads_regions(connector, secure(ssl, authentication={"method": "none"}))


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


def test_a_certificate_that_trino_does_not_trust_is_explained(
    connector: Connector, secure: Config, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "k.pem", tmp_path / "c.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=alice"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    ssl = {"client_certificate": certificate.read_text(), "client_key": key.read_text()}
    fails(connector.check(secure(ssl, authentication={"method": "none"})), '"client_certificate"')


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
