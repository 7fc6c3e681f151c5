"""One file for each catalog. A new one is listed here."""

from __future__ import annotations

from catalogs_support.cases import Catalog

from . import cassandra, clickhouse, duckdb, hive, hms, kafka, lake, mariadb, mongo, mysql, opensearch, redis

CATALOGS: dict[str, Catalog] = {
    catalog.name: catalog
    for module in (hive, hms, lake, mariadb, mysql, mongo, cassandra, duckdb, kafka, redis, opensearch, clickhouse)
    for catalog in module.CATALOGS
}
