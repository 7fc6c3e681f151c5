"""chDB, the engine of ClickHouse as a Python module, behind ClickHouse's HTTP interface."""

from __future__ import annotations

from pathlib import Path

import fetch
import settings

from .base import Properties, System

_HERE = Path(__file__).with_name("clickhouse")


def _python() -> Path:
    return fetch.python_environment("clickhouse", _HERE / "requirements.txt")


class ClickHouse(System):
    name = "clickhouse"
    ports = ("clickhouse",)

    @classmethod
    def fetch(cls, java: Path) -> None:
        _python()

    def start(self) -> None:
        self.run([_python(), _HERE / "server.py", self.place.data / "engine", str(self.port)])

    def catalogs(self) -> dict[str, Properties]:
        return {
            "clickhouse": {
                "connector.name": "clickhouse",
                "connection-url": f"jdbc:clickhouse://{settings.HOST}:{self.port}/?compress=0",
                "connection-user": "default",
                "connection-password": "",
            }
        }
