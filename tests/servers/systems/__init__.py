"""The systems behind the catalogs of `up catalogs`, one module each.

They need no distribution's archive: what is no package of Debian is made of jars or of a Python package.
"""

from __future__ import annotations

from .base import Place, System
from .cassandra import Cassandra
from .clickhouse import ClickHouse
from .hms import HiveMetastore
from .hudi import Hudi
from .kafka import Kafka
from .lake import Lake
from .mariadb import MariaDb
from .mongo import Mongo
from .opensearch import OpenSearch
from .redis import Redis

__all__ = ["SYSTEMS", "Place", "System"]

#: By name. They are started in this order, and none of them is waited for before all are.
SYSTEMS: dict[str, type[System]] = {
    system.name: system
    for system in (
        Cassandra, OpenSearch, HiveMetastore, Kafka, ClickHouse, MariaDb, Mongo, Redis, Lake, Hudi,
    )
}  # fmt: skip
