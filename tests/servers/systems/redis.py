"""Redis."""

from __future__ import annotations

from pathlib import Path

import debian
import settings

from .base import Properties, System

#: What the tables of the catalog are; tests make catalogs with tables of their own.
_TABLES = Path(__file__).with_name("redis_tables")


class Redis(System):
    name = "redis"
    ports = ("redis",)

    @classmethod
    def fetch(cls, java: Path) -> None:
        debian.install("redis-server", lambda: debian.program("redis-server"))

    def start(self) -> None:
        program = debian.program("redis-server") or "redis-server"
        nothing_kept = ["--save", "", "--appendonly", "no"]
        self.run([program, "--port", str(self.port), "--bind", settings.HOST, *nothing_kept])

    def catalogs(self) -> dict[str, Properties]:
        return {
            "redis": {
                "connector.name": "redis",
                "redis.nodes": f"{settings.HOST}:{self.port}",
                "redis.table-description-dir": str(_TABLES),
                "redis.default-schema": "s",
                "redis.key-prefix-schema-table": "true",
                "redis.table-names": "s.plain,s.js",
            }
        }
