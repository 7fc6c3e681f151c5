"""Work that many tests share, done once for each catalog, also where it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Once(Generic[Made]):
    """Calls `make` once for each name; a failure is raised again and not repeated."""

    def __init__(self, make: Callable[[str], Made]) -> None:
        self._make = make
        self._made: dict[str, Made | BaseException] = {}

    def __call__(self, name: str) -> Made:
        if name not in self._made:
            try:
                self._made[name] = self._make(name)
            except Exception as error:
                self._made[name] = error
        made = self._made[name]
        if isinstance(made, BaseException):
            raise made
        return made
