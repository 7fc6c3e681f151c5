"""A KDC of MIT Kerberos, from Debian's package, with the principals of the tests.

Nothing of the system's own configuration is read or written: the database, the keytabs and `krb5.conf` are in the
directory of the servers.
"""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import debian
import settings
from processes import Processes
from report import ServerError, step

#: Program and package; the last one starts a program at another time.
PROGRAMS = {
    "krb5kdc": "krb5-kdc",
    "kdb5_util": "krb5-kdc",
    "kadmin.local": "krb5-admin-server",
    "faketime": "faketime",
}

#: How far the clock of the second KDC is ahead. Five minutes are allowed.
AHEAD = "+3h"


class Kdc:
    """The database of a realm, and the programs that serve it."""

    def __init__(self, directory: Path, port: int, port_ahead: int) -> None:
        self.directory = directory
        self.port, self.port_ahead = port, port_ahead
        self.configuration = directory / "krb5.conf"
        self.programs = programs()

    def create(self) -> None:
        """Makes the realm with its principals and keytabs."""
        self.directory.mkdir(parents=True)
        self.configuration.write_text(self._client_text(self.port))
        for name, port in (("kdc.conf", self.port), ("kdc-ahead.conf", self.port_ahead)):
            (self.directory / name).write_text(self._server_text(port))
        with step(f"making the Kerberos realm {settings.REALM}"):
            self._run("kdb5_util", "create", "-s", "-P", "master-secret", "-r", settings.REALM)
            self._admin("addprinc -randkey trino/localhost")
            self._admin(f"ktadd -k {self.keytab('trino')} trino/localhost")
            # The KDC knows this service, but Trino has no key of it.
            self._admin("addprinc -randkey other/localhost")
            self._admin("addprinc -randkey alice")
            self._admin(f"ktadd -k {self.keytab('alice-old')} alice")
            self._admin(f"ktadd -k {self.keytab('alice')} alice")
            for user, password in settings.KERBEROS_USERS.items():
                self._admin(f"addprinc +requires_preauth -pw {password} {user}")
            self._admin(f'modprinc -maxlife "{settings.SHORT_LIFE} seconds" short')
            self._admin('modprinc -pwexpire "2020-01-01" late')
            self._admin("modprinc -allow_tix locked")

    def start(self, processes: Processes) -> None:
        """Starts a KDC with the right time, and one with a clock that is ahead."""
        serve = [self.programs["krb5kdc"], "-n", "-P", str(self.directory / "kdc.pid")]
        processes.start("kdc", serve, cwd=self.directory, env=self._environment("kdc.conf"))
        ahead = [self.programs["faketime"], "-f", AHEAD, self.programs["krb5kdc"], "-n"]
        processes.start("kdc-ahead", ahead, cwd=self.directory, env=self._environment("kdc-ahead.conf"))
        for name, port in (("kdc", self.port), ("kdc-ahead", self.port_ahead)):
            processes.wait_until_ready(name, lambda port=port: _refuses(port), 20)

    def describe(self) -> dict[str, Any]:
        """What tests need to know."""
        return {
            "realm": settings.REALM,
            "kdc": f"{settings.HOST}:{self.port}",
            "kdc_ahead": f"{settings.HOST}:{self.port_ahead}",
            "krb5_conf": str(self.configuration),
            "keytab": str(self.keytab("alice")),
            "old_keytab": str(self.keytab("alice-old")),
            "service_name": "trino",
            "users": settings.KERBEROS_USERS,
            "short_life": settings.SHORT_LIFE,
        }

    def keytab(self, name: str) -> Path:
        return self.directory / f"{name}.keytab"

    def _client_text(self, port: int) -> str:
        return (
            f"[libdefaults]\n default_realm = {settings.REALM}\n dns_lookup_kdc = false\n rdns = false\n"
            f"[realms]\n {settings.REALM} = {{\n  kdc = {settings.HOST}:{port}\n }}\n"
        )

    def _server_text(self, port: int) -> str:
        return (
            f"[kdcdefaults]\n kdc_listen = {settings.HOST}:{port}\n kdc_tcp_listen = {settings.HOST}:{port}\n"
            f"[realms]\n {settings.REALM} = {{\n  database_name = {self.directory}/principal\n"
            f"  key_stash_file = {self.directory}/stash\n  acl_file = {self.directory}/kadm5.acl\n"
            f"  max_life = 1d\n }}\n"
            f"[logging]\n kdc = STDERR\n"
        )

    def _environment(self, server: str) -> dict[str, str]:
        return {
            **os.environ,
            "KRB5_CONFIG": str(self.configuration),
            "KRB5_KDC_PROFILE": str(self.directory / server),
        }

    def _admin(self, query: str) -> None:
        self._run("kadmin.local", "-r", settings.REALM, "-q", query)

    def _run(self, program: str, *arguments: str) -> None:
        command = [self.programs[program], *arguments]
        done = subprocess.run(command, env=self._environment("kdc.conf"), capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        # kadmin.local ends well although a query failed.
        if done.returncode != 0 or "while " in said:
            raise ServerError(f"{program} {' '.join(arguments)} failed:\n{said.strip()}")


def programs() -> dict[str, str]:
    """The paths of the programs of `PROGRAMS`, by name."""
    found = {name: debian.install(package, lambda name=name: debian.program(name)) for name, package in PROGRAMS.items()}
    return {name: str(path) for name, path in found.items()}


def _refuses(port: int) -> str | None:
    try:
        with socket.create_connection((settings.HOST, port), timeout=1):
            return None
    except OSError as error:
        return str(error)
