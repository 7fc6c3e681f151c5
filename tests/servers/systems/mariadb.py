"""MariaDB, which the catalog of MySQL understands as well."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import debian
import settings
from report import ServerError

from .base import Properties, System

_USER = _PASSWORD = "test"


class MariaDb(System):
    name = "mariadb"
    ports = ("mariadb",)

    @classmethod
    def fetch(cls, java: Path) -> None:
        debian.install("mariadb-server", lambda: debian.program("mariadbd"))

    def start(self) -> None:
        # It refuses to run as root unless it is told to; the account of the package may not enter the cache of root.
        account = ["--user=root"] if os.geteuid() == 0 else []
        cluster = self.place.data / "cluster"
        first = self.place.data / "first.sql"
        # The anonymous user of localhost goes before one of any host.
        hosts = ("%", "localhost")
        users = (f"CREATE USER {_USER}@'{host}' IDENTIFIED BY '{_PASSWORD}'" for host in hosts)
        rights = (f"GRANT ALL ON *.* TO {_USER}@'{host}'" for host in hosts)
        first.write_text("".join(f"{statement};\n" for statement in (*users, *rights)))
        install = ["mariadb-install-db", "--no-defaults", *account, f"--datadir={cluster}", "--skip-test-db"]
        done = subprocess.run(
            [*install, "--auth-root-authentication-method=normal", "--skip-name-resolve", "--cross-bootstrap"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise ServerError(f"mariadb-install-db failed:\n{done.stdout}{done.stderr}")
        options = {
            "datadir": cluster,
            "socket": self.place.data / "socket",
            "pid-file": self.place.data / "pid",
            "port": self.port,
            "bind-address": settings.HOST,
            "init-file": first,
            "innodb-buffer-pool-size": "64M",
            # Speed in place of safety: the data is thrown away.
            "innodb-flush-log-at-trx-commit": 0,
            "character-set-server": "utf8mb4",
            "collation-server": "utf8mb4_general_ci",
            "default-time-zone": "+00:00",
        }
        program = debian.program("mariadbd") or "mariadbd"
        self.run([program, "--no-defaults", *account, *(f"--{name}={value}" for name, value in options.items())])

    def catalogs(self) -> dict[str, Properties]:
        login = {"connection-user": _USER, "connection-password": _PASSWORD}
        return {
            name: {"connector.name": name, "connection-url": f"jdbc:{name}://{settings.HOST}:{self.port}"} | login
            for name in ("mariadb", "mysql")
        }

    def describe(self) -> dict[str, Any]:
        return super().describe() | {"user": _USER, "password": _PASSWORD}
