"""Brings the servers of one kind up and down, and tells how they are."""

from __future__ import annotations

import fcntl
import json
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import debian
import fetch
import java
import kerberos
import postgres
import s3
import settings
import trino_config
from processes import Processes, choose_port, not_listening, write_json
from report import ServerError, say, step
from systems import SYSTEMS, Place, System
from trino_client import QueryError, TrinoClient

#: Reads a table: a query without one is answered before the node is ready to read any.
_SMALL_QUERY = "SELECT count(*) FROM tpch.tiny.region"


class Fleet:
    """The servers of one kind, and the directory that holds all there is to know about them."""

    def __init__(self, kind: settings.Kind) -> None:
        self.kind = kind
        self.directory = settings.run_directory(kind)
        #: What tests and the demo read: addresses, users, certificates.
        self.description = self.directory / "servers.json"
        self.processes = Processes(self.directory)

    def describe(self) -> dict[str, Any] | None:
        """The content of `servers.json`; None while the servers are not up."""
        try:
            return json.loads(self.description.read_text())
        except (OSError, ValueError):
            return None

    def up(self) -> Path:
        """Starts the servers unless they run and answer already; returns the path of `servers.json`."""
        with only_one_at_a_time():
            described = self.describe()
            if described and self.is_healthy(described):
                say(f"the {self.kind.name} servers are up already: {described['trino']['url']}")
                if self.kind.complete:
                    # Newer tests may need another program.
                    write_json(self.description, described | {"programs": debian.network_programs()})
                return self.description
            # Both may fetch and install, which is no reason to touch what runs.
            runtime = java.find_java(self.kind)
            home = fetch.trino_home(self.kind) if self.kind.server_artifact else fetch.newest_home(runtime)
            if self.kind.complete:
                debian.network_programs()
            if self.kind.kerberos:
                kerberos.programs()
            if self.kind.systems:
                systems_java = java.find_compiler(settings.SYSTEMS_JAVA)
                for name in self.kind.systems:
                    SYSTEMS[name].fetch(systems_java)
            self._stop_and_clean()
            try:
                self._start(runtime, home)
            except BaseException:
                self._stop_and_clean()
                raise
            return self.description

    def down(self) -> list[str]:
        """Stops what `up` has started, removes its data and keeps its logs."""
        with only_one_at_a_time():
            return self._stop_and_clean()

    def is_healthy(self, described: dict[str, Any]) -> bool:
        """Whether every server still is the process that was started, and answers."""
        expected = {"trino"}
        if self.kind.complete:
            expected |= {"postgres", "s3"}
        if self.kind.jwks:
            expected |= {"jwks"}
        if self.kind.kerberos:
            expected |= {"kdc", "kdc-ahead"}
        expected |= {name for name in self.kind.systems if SYSTEMS[name].ports}
        if not expected <= self.processes.running().keys():
            return False
        if self.kind.complete:
            s3_port = int(described["s3"]["endpoint"].rpartition(":")[2])
            if not_listening(described["postgres"]["port"]) or not_listening(s3_port):
                return False
        ports = (system["port"] for system in described.get("systems", {}).values() if "port" in system)
        if any(not_listening(port) for port in ports):
            return False
        return _unready(described["trino"], self.kind) is None

    def _stop_and_clean(self) -> list[str]:
        self.description.unlink(missing_ok=True)
        stopped = self.processes.stop()
        data = self.directory / "data"
        postgres.remove_data(data)
        for directory in (data, self.directory / "etc"):
            shutil.rmtree(directory, ignore_errors=True)
        return stopped

    def _start(self, runtime: Path, home: Path) -> None:
        etc, data = self.directory / "etc", self.directory / "data"
        data.mkdir(parents=True)
        addresses = trino_config.Addresses(http=choose_port(self.kind.port))
        if self.kind.complete:
            https, database, storage = (choose_port(purpose) for purpose in ("https", "postgres", "s3"))
            addresses = trino_config.Addresses(addresses.http, https, database, storage)
            s3.start(self.processes, data, storage)
            postgres.start(self.processes, data, database)
        if self.kind.jwks:
            https, keys = (choose_port(purpose) for purpose in ("https", "keys"))
            addresses = trino_config.Addresses(addresses.http, https, jwks=keys)
        if self.kind.kerberos:
            addresses = trino_config.Addresses(addresses.http, choose_port("https"))
            kdc = kerberos.Kdc(data / "kdc", choose_port("kdc"), choose_port("kdc-ahead"))
            kdc.create()
            kdc.start(self.processes)
        login = {}
        systems = self._systems(data)
        shown = {name: properties for system in systems for name, properties in system.catalogs().items()}
        if self.kind.server_artifact:
            login = trino_config.write(self.kind, etc, data, addresses, shown)
            command = trino_config.command(self.kind, runtime, home, etc, data)
        else:
            command = trino_config.newest_command(self.kind, runtime, home, data, addresses)
        if self.kind.jwks:
            self._serve_keys(data / "jwks", addresses.jwks)
        described = self._description(addresses, login)
        described["trino"]["catalogs"] += shown
        if self.kind.kerberos:
            described["trino"]["kerberos"] = kdc.describe()
        if systems:
            self._start_systems(systems)
            described["systems"] = {system.name: system.describe() for system in systems}
        with step(f"starting Trino {self.kind.version} on {described['trino']['url']}"):
            described["trino"]["pid"] = self.processes.start("trino", command, cwd=self.directory)
            self.processes.wait_until_ready(
                "trino", lambda: _unready(described["trino"], self.kind), self.kind.start_limit
            )
        write_json(self.description, described)

    def _systems(self, data: Path) -> list[System]:
        """What is behind the catalogs, each with a directory and ports of its own."""
        systems = []
        for name in self.kind.systems:
            kind, warehouse = SYSTEMS[name], data / "warehouse"
            for directory in (data / name, warehouse):
                directory.mkdir(exist_ok=True)
            ports = {purpose: choose_port(purpose) for purpose in kind.ports}
            runtime = java.find_compiler(settings.SYSTEMS_JAVA)
            systems.append(kind(Place(data / name, warehouse, ports, runtime, self.processes)))
        return systems

    def _start_systems(self, systems: list[System]) -> None:
        """All at once, because each of them waits more than it works."""
        with step(f"starting {', '.join(system.name for system in systems)}"), ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda system: system.start(), systems))
            for system in systems:
                if system.ports:
                    self.processes.wait_until_ready(system.name, system.unready, system.start_limit)

    def _serve_keys(self, directory: Path, port: int) -> None:
        """A server for the key set, which Trino wants to have when it starts."""
        server = [sys.executable, "-m", "http.server", str(port), "--bind", settings.HOST]
        self.processes.start("jwks", server, cwd=directory)
        self.processes.wait_until_ready("jwks", lambda: not_listening(port), 20)

    def _description(self, addresses: trino_config.Addresses, login: dict[str, Any]) -> dict[str, Any]:
        trino = {
            "url": f"http://{settings.HOST}:{addresses.http}",
            "version": self.kind.version,
            "catalogs": list(self.kind.catalogs),
            **login,
        }
        if not self.kind.complete:
            return {"trino": trino}
        return {
            "trino": trino,
            "postgres": {
                "host": settings.HOST,
                "port": addresses.postgres,
                "user": settings.POSTGRES_USER,
                "password": settings.POSTGRES_PASSWORD,
                "database": settings.POSTGRES_DATABASE,
            },
            "s3": {
                "endpoint": f"http://{settings.HOST}:{addresses.s3}",
                "access_key": settings.S3_ACCESS_KEY,
                "secret_key": settings.S3_SECRET_KEY,
                "region": settings.S3_REGION,
            },
            "programs": debian.network_programs(),
        }


def _unready(trino: dict[str, Any], kind: settings.Kind) -> str | None:
    """Why Trino is not to be used yet; None when it has all its catalogs and answers on every address."""
    plain = TrinoClient(trino["url"], timeout=60, prefix=kind.headers)
    try:
        if plain.info()["starting"]:
            return "it is still starting"
        missing = set(trino["catalogs"]) - {row["Catalog"] for row in plain.rows("SHOW CATALOGS")}
        if missing:
            return f"it has no catalog {', '.join(sorted(missing))} yet"
        plain.rows(_SMALL_QUERY)
        # This login needs more than Python has by itself.
        if "https_url" in trino and not kind.kerberos:
            secure = TrinoClient(trino["https_url"], ca_certificate=trino["ca_certificate"], timeout=60)
            if "users" in trino:
                secure.user, secure.password = next(iter(trino["users"].items()))
            else:
                secure.user, secure.headers = settings.TOKEN_USER, {"Authorization": f"Bearer {trino['token']}"}
            secure.rows(_SMALL_QUERY)
    except QueryError as error:
        return str(error)
    return None


@contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Keeps two runs from fetching, starting or stopping at the same time; the second one waits."""
    path = settings.cache_directory() / "servers.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("waiting for another run of tests/servers to finish")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def kind_of(name: str) -> settings.Kind:
    """The kind with this name."""
    try:
        return settings.KINDS[name]
    except KeyError:
        raise ServerError(
            f"there are no servers called {name}; there are {', '.join(settings.KINDS)}"
        ) from None
