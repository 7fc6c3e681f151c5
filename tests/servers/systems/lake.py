"""Catalogs of files alone: Hive, one metastore for three formats as Glue is one, and DuckDB, which runs in Trino."""

from __future__ import annotations

from typing import Any

from .base import Properties, System


class Lake(System):
    name = "lake"

    def describe(self) -> dict[str, Any]:
        return {"warehouse": str(self.place.warehouse)}

    def catalogs(self) -> dict[str, Properties]:
        def kept_in(metastore: str) -> Properties:
            return {
                "hive.metastore.catalog.dir": f"local:///{metastore}",
                "fs.native-local.enabled": "true",
                "local.location": str(self.place.warehouse),
            }

        hive = {
            "connector.name": "hive",
            "hive.metastore": "file",
            "hive.non-managed-table-writes-enabled": "true",
            "hive.non-managed-table-creates-enabled": "true",
            "hive.hive-views.enabled": "true",
            "hive.metastore.disable-location-checks": "true",
        }
        iceberg = {"connector.name": "iceberg", "iceberg.catalog.type": "TESTING_FILE_METASTORE"} | kept_in("lake")
        return {
            "hive": hive | kept_in("hive"),
            "hive_us": hive | kept_in("hive") | {"hive.timestamp-precision": "MICROSECONDS"},
            "hive_ns": hive | kept_in("hive") | {"hive.timestamp-precision": "NANOSECONDS"},
            "hive_few": hive | kept_in("hive") | {"hive.max-partitions-per-scan": "100"},
            # One metastore for three formats: each catalog sends the tables of the others on.
            "lake_hive": hive
            | kept_in("lake")
            | {"hive.iceberg-catalog-name": "lake_iceberg", "hive.delta-lake-catalog-name": "lake_delta"},
            "lake_iceberg": iceberg | {"iceberg.hive-catalog-name": "lake_hive"},
            "lake_iceberg_alone": iceberg,
            "lake_delta": {
                "connector.name": "delta_lake",
                "hive.metastore": "file",
                "delta.enable-non-concurrent-writes": "true",
                "delta.hive-catalog-name": "lake_hive",
            }
            | kept_in("lake"),
            "duckdb": {
                "connector.name": "duckdb",
                "connection-url": f"jdbc:duckdb:{self.place.data / 'duck.db'}",
                "connection-user": "",
            },
        }
