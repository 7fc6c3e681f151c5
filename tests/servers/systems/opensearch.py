"""OpenSearch: its node in a program of a few lines."""

from __future__ import annotations

from pathlib import Path

import fetch
import settings

from .base import Properties, System

_PROGRAM = fetch.Jars(
    "opensearch",
    (
        "org.opensearch:opensearch:2.19.3",
        "org.opensearch.plugin:transport-netty4-client:2.19.3",
        "org.apache.logging.log4j:log4j-core:2.21.0",
    ),
    Path(__file__).with_name("opensearch"),
)


class OpenSearch(System):
    name = "opensearch"
    ports = ("opensearch", "opensearch-transport")

    @classmethod
    def fetch(cls, java: Path) -> None:
        fetch.jars(_PROGRAM, java)

    def start(self) -> None:
        program = fetch.jars(_PROGRAM, self.place.java)
        java = [self.place.java, "-Xmx512m", "-Dopensearch.networkaddress.cache.ttl=60", "-cp", program]
        ports = [str(self.place.ports[purpose]) for purpose in self.ports]
        self.run([*java, "OpenSearch", self.place.data, *ports])

    def catalogs(self) -> dict[str, Properties]:
        return {
            "opensearch": {
                "connector.name": "opensearch",
                "opensearch.host": settings.HOST,
                "opensearch.port": str(self.port),
                "opensearch.default-schema-name": "default",
            }
        }
