"""A PostgreSQL cluster of our own, from the programs that the system's package brings."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import debian
import settings
from processes import Processes
from report import ServerError, step

#: PostgreSQL refuses to run as root; this account owns the cluster then.
_UNPRIVILEGED = "nobody"

#: Speed in place of safety: the cluster is thrown away.
_OPTIONS = {
    "listen_addresses": settings.HOST,
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


def find_programs() -> Path:
    """The directory with `initdb` and `postgres`; installs Debian's package where that is possible."""
    if found := _installed():
        return found
    return debian.install("postgresql", _installed)


def _installed() -> Path | None:
    """Debian keeps the server's programs beside PATH, one directory for each version."""
    places = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name.split(".")[0])
    )
    on_path = shutil.which("initdb")
    if on_path:
        places.insert(0, Path(on_path).resolve().parent)
    return next(
        (path for path in reversed(places) if (path / "initdb").exists() and (path / "postgres").exists()),
        None,
    )


def remove_data(data: Path) -> None:
    """Removes what earlier servers left outside the cache."""
    for pointer in data.glob("*.path"):
        shutil.rmtree(pointer.read_text().strip(), ignore_errors=True)


def start(processes: Processes, data: Path, port: int) -> None:
    """Makes a fresh cluster below `data`, starts it and makes the test database."""
    programs = find_programs()
    with step(f"starting PostgreSQL on port {port}"):
        cluster, as_user = _place(data)
        password = cluster.parent / "password"
        password.write_text(settings.POSTGRES_PASSWORD)
        password.chmod(0o644)
        _run(
            [
                *as_user,
                str(programs / "initdb"),
                "--pgdata",
                str(cluster),
                "--no-sync",
                "--no-instructions",
                "--username",
                settings.POSTGRES_USER,
                "--pwfile",
                str(password),
                "--auth",
                "scram-sha-256",
                "--encoding",
                "UTF8",
                "--locale",
                "C.UTF-8",
            ]
        )
        options = [f"--{name}={value}" for name, value in _OPTIONS.items()]
        processes.start(
            "postgres",
            [*as_user, str(programs / "postgres"), "-D", str(cluster), f"--port={port}", *options],
            cwd=Path("/"),
        )
        # The port is open a moment before the server takes logins; making the database waits for both.
        create = [
            str(programs / "createdb"),
            "-h",
            settings.HOST,
            "-p",
            str(port),
            "-U",
            settings.POSTGRES_USER,
            settings.POSTGRES_DATABASE,
        ]
        environment = {**os.environ, "PGPASSWORD": settings.POSTGRES_PASSWORD}

        def unready() -> str | None:
            done = subprocess.run(create, env=environment, capture_output=True, text=True, check=False)
            return done.stderr.strip() if done.returncode != 0 else None

        processes.wait_until_ready("postgres", unready, 60)


def _place(data: Path) -> tuple[Path, list[str]]:
    """Where the cluster's files go, and what to put before a command so that it does not run as root."""
    if os.geteuid() != 0:
        (data / "postgres").mkdir(parents=True)
        return data / "postgres" / "cluster", []
    # The cache of root often lies below a directory that nobody else may enter.
    place = Path(tempfile.mkdtemp(prefix="source-trino-postgres-", dir="/var/tmp"))
    (data / "postgres.path").write_text(f"{place}\n")
    account = pwd.getpwnam(_UNPRIVILEGED)
    os.chown(place, account.pw_uid, account.pw_gid)
    if shutil.which("setpriv"):
        identity = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        return place / "cluster", ["setpriv", *identity, "--"]
    return place / "cluster", ["runuser", "-u", _UNPRIVILEGED, "--"]


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ServerError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr).strip()}")
