"""Certificates, the password file and the access rules of the test server."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import settings
from report import ServerError

_EVERY_TABLE_PRIVILEGE = ["SELECT", "INSERT", "DELETE", "UPDATE", "OWNERSHIP", "GRANT_SELECT"]

#: File-based access control. The first rule that matches decides; a kind of rule that is left out
#: altogether allows everything, but impersonation, which then is refused.
ACCESS_RULES: dict[str, Any] = {
    "catalogs": [
        {"user": "nobody", "allow": "none"},
        {"allow": "all"},
    ],
    "schemas": [{"owner": True}],
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


def write_access_rules(path: Path) -> None:
    """Writes the rules as the file that Trino reads."""
    path.write_text(json.dumps(ACCESS_RULES, indent=2) + "\n")


def write_password_file(path: Path) -> None:
    """Writes every user as `name:iterations:salt:hash`, the PBKDF2 form of Trino's password file."""
    iterations = 1000
    lines = []
    for user, password in settings.USERS.items():
        salt = os.urandom(16)
        key = hashlib.pbkdf2_hmac("sha1", password.encode(), salt, iterations)
        lines.append(f"{user}:{iterations}:{salt.hex()}:{key.hex()}\n")
    path.write_text("".join(lines))
    path.chmod(0o600)


def write_certificates(directory: Path) -> tuple[Path, Path]:
    """Makes a certificate authority and a server certificate for the loopback names.

    Returns the authority's certificate, for clients, and the server's PEM file with key and certificate.
    """
    directory.mkdir(parents=True, exist_ok=True)
    ca_key, ca = directory / "ca.key", directory / "ca.pem"
    key, request, certificate = (directory / f"server.{end}" for end in ("key", "csr", "crt"))
    extensions = directory / "server.ext"
    extensions.write_text(
        "subjectAltName=DNS:localhost,IP:127.0.0.1\n"
        "basicConstraints=critical,CA:FALSE\n"
        "keyUsage=critical,digitalSignature,keyEncipherment\n"
        "extendedKeyUsage=serverAuth\n"
        "authorityKeyIdentifier=keyid\n"
        "subjectKeyIdentifier=hash\n"
    )
    new_key = ["-newkey", "rsa:2048", "-noenc"]
    _openssl("req", "-x509", *new_key, "-keyout", ca_key, "-out", ca, "-days", "30",
             "-subj", "/CN=source-trino test authority",
             "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
    _openssl("req", *new_key, "-keyout", key, "-out", request, "-subj", "/CN=localhost")
    _openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial",
             "-days", "30", "-extfile", extensions, "-out", certificate)  # fmt: skip
    server = directory / "server.pem"
    server.write_text(key.read_text() + certificate.read_text())
    for secret in (ca_key, key, server):
        secret.chmod(0o600)
    return ca, server


def _openssl(*arguments: str | Path) -> None:
    try:
        done = subprocess.run(
            ["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise ServerError("the test certificates need the program openssl, which is not installed") from None
    if done.returncode != 0:
        raise ServerError(f"openssl {arguments[0]} failed:\n{done.stderr.strip()}")
