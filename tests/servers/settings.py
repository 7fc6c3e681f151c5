"""What is started, where it is kept and under which names: every constant of the test servers.

Nothing here does any work. A new catalog, plugin, user or port is an edit of this file (and, for a
catalog, of `trino_config.py`, which writes its properties).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TRINO_VERSION = "476"
MINIMUM_JAVA = 24

#: Where every server listens; never anything but loopback.
HOST = "127.0.0.1"

#: Ports that are tried first. Another free port is taken where one of them is in use.
PREFERRED_PORTS = {"http": 18476, "https": 18443, "postgres": 15476, "s3": 19476}

#: Users of the password file, for requests over https. Over http any name is taken unchecked.
USERS = {"alice": "alice-secret", "denied": "denied-secret"}

#: The PostgreSQL account and database that the `postgresql` catalog shows.
POSTGRES_USER = "trino"
POSTGRES_PASSWORD = "trino-secret"
POSTGRES_DATABASE = "source"

#: The S3 stand-in checks no signature, but its clients want to be given keys.
S3_ACCESS_KEY = "test"
S3_SECRET_KEY = "test-secret"
S3_REGION = "us-east-1"
LAKE_BUCKET = "lake"
SPOOL_BUCKET = "spool"
S3_BUCKETS = (LAKE_BUCKET, SPOOL_BUCKET)

#: Plugins of the whole Trino server that stay; the others only slow its start and are moved away.
KEPT_PLUGINS = frozenset(
    {
        "blackhole",
        "delta-lake",
        "exchange-filesystem",
        "faker",
        "functions-python",
        "geospatial",
        "hive",
        "iceberg",
        "mariadb",
        "memory",
        "mysql",
        "password-authenticators",
        "postgresql",
        "resource-group-managers",
        "session-property-managers",
        "spooling-filesystem",
        "tpch",
    }
)


@dataclass(frozen=True)
class Kind:
    """One set of servers: what `up demo` and `up full` differ in."""

    name: str
    #: Maven artifact of the server, and of the plugins that are added to it.
    server_artifact: str
    plugin_artifacts: tuple[str, ...]
    catalogs: tuple[str, ...]
    #: Heap of the Java process; the two limits below have to fit in it.
    heap: str
    query_memory: str
    heap_headroom: str
    #: Whether PostgreSQL, S3, https with passwords, and spooling are there too.
    complete: bool
    #: How long Trino may take to get ready, in seconds. A busy two-core machine needs about 60.
    start_limit: float


KINDS = {
    "demo": Kind(
        name="demo",
        server_artifact="trino-server-core",
        plugin_artifacts=("trino-tpch", "trino-memory"),
        catalogs=("tpch", "memory"),
        heap="1500M",
        query_memory="500MB",
        heap_headroom="300MB",
        complete=False,
        start_limit=180,
    ),
    "full": Kind(
        name="full",
        server_artifact="trino-server",
        plugin_artifacts=(),
        catalogs=("tpch", "memory", "blackhole", "faker", "iceberg", "delta", "postgresql"),
        heap="4G",
        query_memory="1536MB",
        heap_headroom="1GB",
        complete=True,
        start_limit=300,
    ),
}


def cache_directory() -> Path:
    """The one directory that everything is kept in: downloads, servers, their data and their state."""
    chosen = os.environ.get("SOURCE_TRINO_CACHE")
    if chosen:
        return Path(chosen).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "source-trino"


def run_directory(kind: Kind) -> Path:
    """State, configuration, data and logs of one kind's servers."""
    return cache_directory() / "run" / kind.name
