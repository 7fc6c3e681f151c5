"""What a system behind a catalog has to be able to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import settings
from processes import Processes, not_listening

Properties = dict[str, str]


@dataclass(frozen=True)
class Place:
    """Where a system lives: the directory of its own, that of all files of tables, its ports by purpose."""

    data: Path
    warehouse: Path
    ports: dict[str, int]
    #: A Java of the age that most of them want.
    java: Path
    processes: Processes


class System:
    """Fetched, started, waited for, and shown by catalogs of Trino."""

    name: str
    #: The first one is where it answers; without one it is no process.
    ports: tuple[str, ...] = ()
    start_limit: float = 180

    def __init__(self, place: Place) -> None:
        self.place = place

    @classmethod
    def fetch(cls, java: Path) -> None:
        """Gets all that it is made of."""

    def start(self) -> None:
        """Starts it and waits for nothing."""

    def unready(self) -> str | None:
        """Why it is not to be used yet."""
        return not_listening(self.port) if self.ports else None

    def catalogs(self) -> dict[str, Properties]:
        """The properties of its catalogs."""
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """What clients of its own need."""
        return {"host": settings.HOST, "port": self.port} if self.ports else {}

    @property
    def port(self) -> int:
        return self.place.ports[self.ports[0]]

    def run(self, command: Sequence[str | Path], **options: Any) -> None:
        """Starts its process."""
        self.place.processes.start(self.name, [str(part) for part in command], cwd=self.place.data, **options)
