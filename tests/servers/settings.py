"""What is started, where it is kept and under which names: every constant of the test servers.

Nothing here does any work. A new catalog, plugin, user or port is an edit of this file (and, for a
catalog, of `trino_config.py`, which writes its properties).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

TRINO_VERSION = "476"
MINIMUM_JAVA = 24

#: There is no tarball of it; it is compiled from `newest/`, whose `pom.xml` says the version again.
NEWEST_VERSION = "483"
NEWEST_MINIMUM_JAVA = 25

#: The last release before the renaming: its headers begin with `X-Presto-`. It does not run on a newer Java.
OLDEST_VERSION = "350"
OLDEST_JAVA = 17
#: Nearly as old, with the headers of today: it cannot send a page again either (that came with 363).
RENAMED_VERSION = "352"
OLDEST_PLUGINS = frozenset({"memory", "tpch"})

#: Where every server listens; never anything but loopback.
HOST = "127.0.0.1"

#: Ports that are tried first. Another free port is taken where one of them is in use.
PREFERRED_PORTS = {
    "http": 18476,
    "jwks": 18477,
    "newest": 18483,
    "oldest": 18350,
    "renamed": 18352,
    "https": 18443,
    "postgres": 15476,
    "s3": 19476,
    "keys": 19477,
    "catalogs": 18478,
    "kerberos": 18479,
    "kdc": 19478,
    "kdc-ahead": 19479,
    "cassandra": 19480,
    "cassandra-storage": 19481,
    "clickhouse": 19482,
    "hms": 19483,
    "kafka": 19484,
    "kafka-controller": 19485,
    "mariadb": 19486,
    "mongo": 19487,
    "opensearch": 19488,
    "opensearch-transport": 19489,
    "redis": 19490,
}

#: Users of the password file, for requests over https. Over http any name is taken unchecked.
USERS = {"alice": "alice-secret", "denied": "denied-secret"}

#: Users of `catalogs`, who are told apart by name: one may read nothing, and one does not see a catalog.
WITHOUT_RIGHTS = "denied"
WITHOUT_CATALOGS = "nobody"

#: The Java that all systems behind catalogs run on; some are compiled with it.
SYSTEMS_JAVA = 17

#: The user of the token that is made beside the keys of a JWKS server.
TOKEN_USER = "alice"

#: The realm of the Kerberos tests, and its principals with passwords; alice has a keytab. `short` gets tickets that
#: live so many seconds, the password of `late` has expired, and `locked` may not log in.
REALM = "TEST.SOURCE-TRINO"
KERBEROS_USERS = {name: f"{name}-secret-1" for name in ("bob", "short", "late", "locked")}
SHORT_LIFE = 3

#: Tag of queries that run one at a time, with room for one more in the queue.
QUEUE_TAG = "one-at-a-time"

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
    """One set of servers: what `up demo`, `up full`, `up newest` and the others differ in."""

    name: str
    #: Maven artifact of the server, and of the plugins that are added to it. Without one, the server is made
    #: of the project `newest/`.
    server_artifact: str | None
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
    #: The heap that it begins with, for a server that will need much: it collects garbage all the time while its heap
    #: is small and grows.
    first_heap: str | None = None
    #: Whether it serves a few tests only, for which the JVM's best code would cost more than it saves.
    is_brief: bool = False
    version: str = TRINO_VERSION
    minimum_java: int = MINIMUM_JAVA
    maximum_java: int | None = None
    #: The name of its preferred port.
    port: str = "http"
    #: The Maven group of its artifacts.
    group: str = "io.trino"
    #: What its headers begin with.
    headers: str = "X-Trino-"
    #: Which plugins of a whole server stay; None for all.
    kept_plugins: frozenset[str] | None = None
    #: Whether there is https with tokens, whose keys Trino has from a JWKS server.
    jwks: bool = False
    #: Whether there is https with Kerberos, and a KDC.
    kerberos: bool = False
    #: The kind whose unpacked server is used, if it is not one of its own.
    home: str | None = None
    #: Which plugins of that kind it has, those included that were moved away there; None for all that stayed.
    plugins: frozenset[str] | None = None
    #: Names of `systems.SYSTEMS` that are started with it, and whose catalogs it has.
    systems: tuple[str, ...] = ()


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
        first_heap="2G",
        kept_plugins=KEPT_PLUGINS,
    ),
    # As a provider of identities has it: keys that are published, and no other login.
    "jwks": Kind(
        name="jwks",
        server_artifact="trino-server",
        plugin_artifacts=(),
        catalogs=("tpch",),
        heap="1500M",
        query_memory="500MB",
        heap_headroom="300MB",
        complete=False,
        start_limit=180,
        port="jwks",
        kept_plugins=KEPT_PLUGINS,
        is_brief=True,
        jwks=True,
        home="full",
        plugins=frozenset({"tpch"}),
    ),
    # Every other system that Trino shows as a catalog, and that runs here.
    "catalogs": Kind(
        name="catalogs",
        server_artifact="trino-server",
        plugin_artifacts=(),
        catalogs=("tpch", "memory"),
        heap="3G",
        query_memory="1GB",
        heap_headroom="512MB",
        complete=False,
        start_limit=300,
        port="catalogs",
        kept_plugins=KEPT_PLUGINS,
        home="full",
        plugins=KEPT_PLUGINS
        | {"cassandra", "clickhouse", "duckdb", "hudi", "kafka", "mongodb", "opensearch", "redis"},
        systems=(
            "cassandra", "opensearch", "hms", "kafka", "clickhouse", "mariadb", "mongo", "redis", "lake", "hudi",
        ),
    ),
    # Small limits on memory are for the others: this one has the defaults of Trino's own tests.
    "newest": Kind(
        name="newest",
        server_artifact=None,
        plugin_artifacts=(),
        catalogs=("tpch", "memory", "iceberg"),
        heap="2G",
        query_memory="",
        heap_headroom="",
        complete=False,
        start_limit=300,
        version=NEWEST_VERSION,
        minimum_java=NEWEST_MINIMUM_JAVA,
        port="newest",
    ),
    "oldest": Kind(
        name="oldest",
        server_artifact="presto-server",
        plugin_artifacts=(),
        catalogs=("tpch", "memory"),
        heap="1500M",
        query_memory="500MB",
        heap_headroom="300MB",
        complete=False,
        start_limit=180,
        version=OLDEST_VERSION,
        minimum_java=OLDEST_JAVA,
        maximum_java=OLDEST_JAVA,
        port="oldest",
        group="io.prestosql",
        headers="X-Presto-",
        is_brief=True,
        kept_plugins=OLDEST_PLUGINS,
    ),
}
# The systems that most people have, which `make test` has the time for.
KINDS["common-catalogs"] = replace(
    KINDS["catalogs"],
    name="common-catalogs",
    plugins=KEPT_PLUGINS | {"cassandra", "duckdb", "kafka", "mongodb", "redis"},
    systems=("cassandra", "hms", "kafka", "mariadb", "mongo", "redis", "lake"),
)
KINDS["kerberos"] = replace(
    KINDS["jwks"], name="kerberos", start_limit=300, port="kerberos", jwks=False, kerberos=True
)
KINDS["renamed"] = replace(
    KINDS["oldest"],
    name="renamed",
    server_artifact="trino-server",
    version=RENAMED_VERSION,
    port="renamed",
    group=Kind.group,
    headers=Kind.headers,
)


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
