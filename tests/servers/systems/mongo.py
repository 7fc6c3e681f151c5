"""mongo-java-server, which speaks MongoDB's protocol and keeps all in memory."""

from __future__ import annotations

from pathlib import Path

import fetch
import settings

from .base import Properties, System

_PROGRAM = fetch.Jars(
    "mongo",
    ("de.bwaldvogel:mongo-java-server:1.47.0", "org.slf4j:slf4j-simple:2.0.16"),
    Path(__file__).with_name("mongo"),
)


class Mongo(System):
    name = "mongo"
    ports = ("mongo",)

    @classmethod
    def fetch(cls, java: Path) -> None:
        fetch.jars(_PROGRAM, java)

    def start(self) -> None:
        program = fetch.jars(_PROGRAM, self.place.java)
        self.run([self.place.java, "-Xmx256m", "-cp", program, "Mongo", str(self.port)])

    def catalogs(self) -> dict[str, Properties]:
        url = f"mongodb://{settings.HOST}:{self.port}/"
        return {
            "mongo": {
                "connector.name": "mongodb",
                "mongodb.connection-url": url,
                "mongodb.case-insensitive-name-matching": "true",
            }
        }
