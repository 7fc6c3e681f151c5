"""Writes the `etc` directory of a Trino server."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import security
import settings

JVM_OPTIONS = (
    "-server",
    # Trino itself chooses G1, for heaps of many gigabytes. For these small ones and the tests' small queries it takes a
    # twelfth more CPU time (48 live tests: 569 s of Trino, and 521 s with this one).
    "-XX:+UseParallelGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-OmitStackTraceInFastThrow",
    "-XX:ReservedCodeCacheSize=256M",
    "-Djdk.attach.allowAttachSelf=true",
    "-Djdk.nio.maxCachedBufferSize=2000000",
    "-Dfile.encoding=UTF-8",
    "-Duser.timezone=UTC",
    "--add-modules=jdk.incubator.vector",
    "--sun-misc-unsafe-memory-access=allow",
)


#: What 350 and 352 want to run on Java 17.
OLD_JVM_OPTIONS = (
    "-server",
    "-XX:+UseG1GC",
    "-Djdk.attach.allowAttachSelf=true",
    "-Dfile.encoding=UTF-8",
    "-Duser.timezone=UTC",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
)


@dataclass(frozen=True)
class Addresses:
    """Ports that Trino listens on, and those of the servers that it uses itself."""

    http: int
    https: int | None = None
    postgres: int | None = None
    s3: int | None = None
    jwks: int | None = None


def write(
    kind: settings.Kind, etc: Path, data: Path, addresses: Addresses, shown: dict[str, dict[str, str]]
) -> dict[str, Any]:
    """Writes the configuration, with the catalogs of systems; returns what a client needs for the https address, if
    there is one."""
    (etc / "catalog").mkdir(parents=True)
    for directory in ("trino", "iceberg", "tmp"):
        (data / directory).mkdir(parents=True, exist_ok=True)
    config = {
        "coordinator": "true",
        "node-scheduler.include-coordinator": "true",
        "http-server.http.port": str(addresses.http),
        "http-server.log.path": str(data / "trino" / "http-request.log"),
        "discovery.uri": f"http://{settings.HOST}:{addresses.http}",
        "query.max-memory-per-node": kind.query_memory,
        "memory.heap-headroom-per-node": kind.heap_headroom,
        # It would remember every query for 15 minutes. On a quick machine those of the tests do not fit into its heap.
        "query.min-expire-age": "1m",
    }
    if _is_old(kind):
        # Settings of its age.
        config |= {
            "discovery-server.enabled": "true",
            "query.max-memory": "1GB",
            "query.max-total-memory-per-node": "600MB",
        }
    login: dict[str, Any] = {}
    if kind.systems:
        # Tests make catalogs with tables of their own, where a catalog has none by itself.
        config["catalog.management"] = "dynamic"
        _write_access_control(etc, security.CATALOGS_ACCESS_RULES)
    if kind.complete:
        login = _write_security(etc, config, addresses)
        _write_spooling(etc, config, addresses)
        _write_resource_groups(etc)
    if kind.kerberos:
        login = _write_kerberos(etc, data / "kdc", config, addresses)
    if kind.jwks:
        login = _write_key_set(etc, data, config, addresses)
    _write_properties(etc / "config.properties", config)
    _write_properties(
        etc / "node.properties",
        {
            "node.environment": "test",
            "node.id": f"source-trino-{kind.name}",
            "node.data-dir": str(data / "trino"),
            "node.bind-ip": settings.HOST,
            "node.internal-address": settings.HOST,
        },
    )
    catalogs = _catalogs(data, addresses)
    for name, properties in ({name: catalogs[name] for name in kind.catalogs} | shown).items():
        _write_properties(etc / "catalog" / f"{name}.properties", properties)
    return login


def _plugins(kind: settings.Kind, home: Path, etc: Path) -> Path:
    """The directory of the plugins: the server's, or links to some of them."""
    if kind.plugins is None:
        return home / "plugin"
    links = etc / "plugin"
    links.mkdir()
    for name in kind.plugins:
        [place] = (home / each / name for each in ("plugin", "plugin-unused") if (home / each / name).exists())
        (links / name).symlink_to(place)
    return links


def command(kind: settings.Kind, java: Path, home: Path, etc: Path, data: Path) -> list[str]:
    """The command that starts the server, without Trino's launcher, from the directory that holds `etc`.

    Trino looks for some of its files, such as `spooling-manager.properties`, in `etc` and nowhere else.
    """
    node = [f"-D{line}" for line in (etc / "node.properties").read_text().splitlines()]
    return [
        str(java),
        f"-Xmx{kind.heap}",
        *([f"-Xms{kind.first_heap}"] if kind.first_heap else []),
        *(["-XX:TieredStopAtLevel=1"] if kind.is_brief else []),
        *(OLD_JVM_OPTIONS if _is_old(kind) else JVM_OPTIONS),
        f"-Djava.io.tmpdir={data / 'tmp'}",
        *node,
        f"-Dconfig={etc / 'config.properties'}",
        f"-Dcatalog.config-dir={etc / 'catalog'}",
        f"-Dplugin.dir={_plugins(kind, home, etc)}",
        "-cp",
        f"{home / 'lib'}/*",
        "io.prestosql.server.PrestoServer" if _is_presto(kind) else "io.trino.server.TrinoServer",
    ]


def _is_old(kind: settings.Kind) -> bool:
    return kind.maximum_java == settings.OLDEST_JAVA


def _is_presto(kind: settings.Kind) -> bool:
    return kind.group == "io.prestosql"


def newest_command(
    kind: settings.Kind, java: Path, home: Path, data: Path, addresses: Addresses
) -> list[str]:
    """The command that starts the compiled project, which configures itself."""
    (data / "tmp").mkdir()
    return [
        str(java),
        f"-Xmx{kind.heap}",
        "--add-modules=jdk.incubator.vector",
        "--sun-misc-unsafe-memory-access=allow",
        "-Duser.timezone=UTC",
        # It leaves folders there.
        f"-Djava.io.tmpdir={data / 'tmp'}",
        "-cp",
        f"{home / 'target' / 'classes'}:{(home / 'classpath').read_text().strip()}",
        "Main",
        str(addresses.http),
        str(data),
    ]


def _write_security(etc: Path, config: dict[str, str], addresses: Addresses) -> dict[str, Any]:
    """https with logins beside http without, and rules about who may do what."""
    certificates = security.write_certificates(etc / "tls")
    token = security.write_token(etc / "token.key")
    config |= _https(certificates, addresses) | {
        "http-server.https.truststore.path": str(certificates.authority),
        "http-server.authentication.type": "CERTIFICATE,PASSWORD,JWT",
        "http-server.authentication.certificate.user-mapping.pattern": "CN=(.*)",
        "http-server.authentication.jwt.key-file": str(etc / "token.key"),
    }
    security.write_password_file(etc / "password.db")
    _write_properties(
        etc / "password-authenticator.properties",
        {"password-authenticator.name": "file", "file.password-file": str(etc / "password.db")},
    )
    _write_access_control(etc, security.ACCESS_RULES)
    return {
        "https_url": f"https://{settings.HOST}:{addresses.https}",
        "ca_certificate": str(certificates.authority),
        "users": settings.USERS,
        "client_certificate": str(certificates.client),
        "client_key": str(certificates.client_key),
        "token": token,
        "token_key": str(etc / "token.key"),
        "queue_tag": settings.QUEUE_TAG,
    }


def _write_access_control(etc: Path, rules: dict[str, Any]) -> None:
    security.write_access_rules(etc / "rules.json", rules)
    _write_properties(
        etc / "access-control.properties",
        {"access-control.name": "file", "security.config-file": str(etc / "rules.json")},
    )


def _write_key_set(etc: Path, data: Path, config: dict[str, str], addresses: Addresses) -> dict[str, Any]:
    """https with tokens, whose keys Trino asks a JWKS server for."""
    certificates = security.write_certificates(etc / "tls")
    key = etc / "token.pem"
    token = security.write_key_set(data / "jwks", key)
    url = f"http://{settings.HOST}:{addresses.jwks}/jwks.json"
    config |= _https(certificates, addresses) | {
        "http-server.authentication.type": "JWT",
        "http-server.authentication.jwt.key-file": url,
    }
    return {
        "https_url": f"https://{settings.HOST}:{addresses.https}",
        "ca_certificate": str(certificates.authority),
        "token": token,
        "token_key": str(key),
        "token_key_id": security.KEY_ID,
        "jwks_url": url,
    }


def _write_kerberos(etc: Path, kdc: Path, config: dict[str, str], addresses: Addresses) -> dict[str, Any]:
    """https with Kerberos; the user is the first part of the principal."""
    certificates = security.write_certificates(etc / "tls")
    config |= _https(certificates, addresses) | {
        "http-server.authentication.type": "KERBEROS",
        "http-server.authentication.krb5.service-name": "trino",
        "http-server.authentication.krb5.principal-hostname": "localhost",
        "http-server.authentication.krb5.keytab": str(kdc / "trino.keytab"),
        "http-server.authentication.krb5.user-mapping.pattern": "(.*)@.*",
        "http.authentication.krb5.config": str(kdc / "krb5.conf"),
    }
    return {
        "https_url": f"https://{settings.HOST}:{addresses.https}",
        "ca_certificate": str(certificates.authority),
    }


def _https(certificates: security.Certificates, addresses: Addresses) -> dict[str, str]:
    """https beside plain http, which lets everybody in."""
    return {
        "http-server.https.enabled": "true",
        "http-server.https.port": str(addresses.https),
        "http-server.https.keystore.path": str(certificates.server),
        "http-server.authentication.allow-insecure-over-http": "true",
        "internal-communication.shared-secret": secrets.token_urlsafe(48),
    }


def _write_resource_groups(etc: Path) -> None:
    """One group for queries with a certain tag, which runs one and lets one wait, and one for all others."""
    groups = {
        "rootGroups": [
            {"name": "queue", "softMemoryLimit": "50%", "hardConcurrencyLimit": 1, "maxQueued": 1},
            {"name": "all", "softMemoryLimit": "100%", "hardConcurrencyLimit": 1000, "maxQueued": 10000},
        ],
        "selectors": [{"clientTags": [settings.QUEUE_TAG], "group": "queue"}, {"group": "all"}],
    }
    (etc / "resource-groups.json").write_text(json.dumps(groups, indent=2) + "\n")
    _write_properties(
        etc / "resource-groups.properties",
        {"resource-groups.configuration-manager": "file", "resource-groups.config-file": str(etc / "resource-groups.json")},
    )


def _write_spooling(etc: Path, config: dict[str, str], addresses: Addresses) -> None:
    """Spooled results in S3. A client that does not ask for an encoding still gets direct ones."""
    config |= {
        "protocol.spooling.enabled": "true",
        "protocol.spooling.shared-secret-key": base64.b64encode(secrets.token_bytes(32)).decode(),
        "protocol.spooling.retrieval-mode": "STORAGE",
    }
    _write_properties(
        etc / "spooling-manager.properties",
        {
            "spooling-manager.name": "filesystem",
            "fs.s3.enabled": "true",
            "fs.location": f"s3://{settings.SPOOL_BUCKET}/segments/",
            **_s3(addresses),
            # Encryption needs https to the storage.
            "fs.segment.encryption": "false",
            "fs.segment.ttl": "12h",
            "fs.segment.direct.ttl": "1h",
            "fs.segment.pruning.enabled": "false",
            "fs.segment.explicit-ack": "true",
        },
    )


def _s3(addresses: Addresses) -> dict[str, str]:
    return {
        "s3.endpoint": f"http://{settings.HOST}:{addresses.s3}",
        "s3.region": settings.S3_REGION,
        "s3.path-style-access": "true",
        "s3.aws-access-key": settings.S3_ACCESS_KEY,
        "s3.aws-secret-key": settings.S3_SECRET_KEY,
    }


def _catalogs(data: Path, addresses: Addresses) -> dict[str, dict[str, str]]:
    """The properties of every catalog by name; which of them a server gets is in the settings."""
    database = f"{settings.HOST}:{addresses.postgres}/{settings.POSTGRES_DATABASE}"
    return {
        "tpch": {"connector.name": "tpch"},
        "memory": {"connector.name": "memory", "memory.max-data-per-node": "512MB"},
        "blackhole": {"connector.name": "blackhole"},
        "faker": {"connector.name": "faker"},
        "iceberg": {
            "connector.name": "iceberg",
            "iceberg.catalog.type": "TESTING_FILE_METASTORE",
            "hive.metastore.catalog.dir": "local:///",
            "fs.native-local.enabled": "true",
            "local.location": str(data / "iceberg"),
        },
        # On S3, because Trino refuses to change Delta tables on a local file system.
        "delta": {
            "connector.name": "delta_lake",
            "hive.metastore": "file",
            "hive.metastore.catalog.dir": f"s3://{settings.LAKE_BUCKET}/delta",
            "fs.native-s3.enabled": "true",
            **_s3(addresses),
            "delta.enable-non-concurrent-writes": "true",
        },
        "postgresql": {
            "connector.name": "postgresql",
            "connection-url": f"jdbc:postgresql://{database}",
            "connection-user": settings.POSTGRES_USER,
            "connection-password": settings.POSTGRES_PASSWORD,
            "case-insensitive-name-matching": "true",
            # Extra credentials of a session come before the two above.
            "user-credential-name": "postgresql_user",
            "password-credential-name": "postgresql_password",
        },
    }


def _write_properties(path: Path, properties: dict[str, str]) -> None:
    path.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
