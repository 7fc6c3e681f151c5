"""Certificates, passwords, tokens and the access rules of the test server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import settings
from report import ServerError

#: How long certificates and tokens are good for. They are made anew at every start.
VALID_DAYS = 30

#: Name of the key in the key set.
KEY_ID = "key-1"

_NEW_KEY = ("-newkey", "rsa:2048", "-nodes")

_EVERY_TABLE_PRIVILEGE = ["SELECT", "INSERT", "DELETE", "UPDATE", "OWNERSHIP", "GRANT_SELECT"]

#: File-based access control. The first rule that matches decides; a kind of rule that is left out
#: altogether allows everything, but impersonation, which then is refused.
ACCESS_RULES: dict[str, Any] = {
    "catalogs": [
        {"user": "nobody", "allow": "none"},
        {"allow": "all"},
    ],
    "schemas": [
        # The owner of a schema sees all its tables.
        {"user": "denied", "catalog": "memory", "schema": "private", "owner": False},
        {"owner": True},
    ],
    "tables": [
        # Visible through the right to insert, but not to be read; `hidden` is not even visible.
        {"user": "denied", "catalog": "memory", "schema": "private", "table": "hidden", "privileges": []},
        {"user": "denied", "catalog": "memory", "schema": "private", "privileges": ["INSERT"]},
        {"privileges": _EVERY_TABLE_PRIVILEGE},
    ],
    "functions": [{"privileges": ["EXECUTE", "GRANT_EXECUTE", "OWNERSHIP"]}],
    "procedures": [{"privileges": ["EXECUTE", "GRANT_EXECUTE"]}],
    "queries": [{"allow": ["execute", "kill", "view"]}],
    "system_information": [{"allow": ["read", "write"]}],
    "impersonation": [{"original_user": "alice", "new_user": "bob"}],
}


#: The same for the servers of catalogs, where users have no passwords.
CATALOGS_ACCESS_RULES: dict[str, Any] = ACCESS_RULES | {
    "catalogs": [
        {"user": settings.WITHOUT_CATALOGS, "allow": "none"},
        # Only owners make catalogs.
        {"allow": "owner"},
    ],
    "schemas": [
        # The owner of a schema sees all its tables.
        {"user": settings.WITHOUT_RIGHTS, "owner": False},
        {"owner": True},
    ],
    "tables": [
        # Visible through the right to insert, but not to be read.
        {"user": settings.WITHOUT_RIGHTS, "schema": "information_schema", "privileges": ["SELECT"]},
        {"user": settings.WITHOUT_RIGHTS, "privileges": ["INSERT"]},
        {"privileges": _EVERY_TABLE_PRIVILEGE},
    ],
}


def write_access_rules(path: Path, rules: dict[str, Any]) -> None:
    """Writes rules as the file that Trino reads."""
    path.write_text(json.dumps(rules, indent=2) + "\n")


def write_password_file(path: Path) -> None:
    """Writes every user as `name:iterations:salt:hash`, the PBKDF2 form of Trino's password file."""
    iterations = 1000
    lines = []
    for user, password in settings.USERS.items():
        salt = os.urandom(16)
        # Trino 476 refuses every password whose hash was made with SHA-256.
        key = hashlib.pbkdf2_hmac("sha1", password.encode(), salt, iterations)
        lines.append(f"{user}:{iterations}:{salt.hex()}:{key.hex()}\n")
    path.write_text("".join(lines))
    path.chmod(0o600)


def write_token(key_file: Path) -> str:
    """Makes a JSON Web Token for the first user, and the file with the key that Trino checks it with."""
    key = os.urandom(32)
    key_file.write_text(base64.b64encode(key).decode())
    key_file.chmod(0o600)
    user = next(iter(settings.USERS))
    return _token({"alg": "HS256"}, user, lambda text: hmac.digest(key, text, "sha256"))


def write_key_set(directory: Path, key: Path) -> str:
    """Makes a private key, and `jwks.json` in a directory with its public one; returns a token that it has signed."""
    directory.mkdir()
    _openssl("genrsa", "-out", key, "2048")
    key.chmod(0o600)
    modulus = _openssl("rsa", "-in", key, "-noout", "-modulus").decode().strip().partition("=")[2]
    public = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID}
    # 65537, which openssl takes for every key.
    public |= {"n": _base64url(bytes.fromhex(modulus)), "e": _base64url(b"\1\0\1")}
    (directory / "jwks.json").write_text(json.dumps({"keys": [public]}, indent=2) + "\n")
    sign = ("dgst", "-sha256", "-sign", key)
    return _token({"alg": "RS256", "kid": KEY_ID}, settings.TOKEN_USER, lambda text: _openssl(*sign, data=text))


def _token(header: dict[str, str], user: str, sign: Callable[[bytes], bytes]) -> str:
    claims = {"sub": user, "exp": int(time.time()) + VALID_DAYS * 86400}
    signed = ".".join(_base64url(json.dumps(part).encode()) for part in ({"typ": "JWT"} | header, claims))
    return f"{signed}.{_base64url(sign(signed.encode()))}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass(frozen=True)
class Certificates:
    """PEM files; the server's holds its key and its certificate."""

    authority: Path
    server: Path
    client: Path
    client_key: Path


def write_certificates(directory: Path) -> Certificates:
    """Makes an authority, a server certificate for the loopback names and one for the first user."""
    directory.mkdir(parents=True, exist_ok=True)
    authority, authority_key = directory / "ca.pem", directory / "ca.key"
    subject = ["-subj", "/CN=source-trino test authority", "-days", str(VALID_DAYS)]
    usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    _openssl("req", "-x509", *_NEW_KEY, *subject, *usage, "-keyout", authority_key, "-out", authority)
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n"
    certificate, key = _issue(directory, "server", "localhost", names)
    client, client_key = _issue(
        directory, "client", next(iter(settings.USERS)), "extendedKeyUsage=clientAuth\n"
    )
    server = directory / "server-with-key.pem"
    server.write_text(key.read_text() + certificate.read_text())
    for secret in (authority_key, key, client_key, server):
        secret.chmod(0o600)
    return Certificates(authority, server, client, client_key)


def _issue(directory: Path, name: str, common_name: str, extensions: str) -> tuple[Path, Path]:
    """A certificate from the authority in the same directory, and its key."""
    certificate, key, request, wanted = (directory / f"{name}.{end}" for end in ("pem", "key", "csr", "ext"))
    wanted.write_text(
        extensions + "basicConstraints=critical,CA:FALSE\n"
        "keyUsage=critical,digitalSignature,keyEncipherment\n"
        "authorityKeyIdentifier=keyid\n"
        "subjectKeyIdentifier=hash\n"
    )
    _openssl("req", *_NEW_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={common_name}")
    authority = ["-CA", str(directory / "ca.pem"), "-CAkey", str(directory / "ca.key"), "-CAcreateserial"]
    validity = ["-days", str(VALID_DAYS), "-extfile", str(wanted)]
    _openssl("x509", "-req", "-in", request, *authority, *validity, "-out", certificate)
    return certificate, key


def _openssl(*arguments: str | Path, data: bytes = b"") -> bytes:
    """What it prints, given `data`."""
    try:
        done = subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=False)
    except FileNotFoundError:
        raise ServerError("the test certificates need the program openssl, which is not installed") from None
    if done.returncode != 0:
        raise ServerError(f"openssl {arguments[0]} failed:\n{done.stderr.decode(errors='replace').strip()}")
    return done.stdout
