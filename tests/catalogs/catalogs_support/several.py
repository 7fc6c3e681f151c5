"""Syncs of many streams at once, each with its own state: as a platform does it, and much cheaper than one by one."""

from __future__ import annotations

from collections import Counter
from typing import Any

from live_support.connector import Connector, Result
from live_support.syncs import incremental


class Several:
    """Reads all its streams again and again."""

    def __init__(
        self, connector: Connector, config: dict[str, Any], streams: list[dict[str, Any]], cursors: dict[str, str]
    ) -> None:
        self.connector, self.config = connector, config
        self.catalog = {
            "streams": [entry for stream in streams for entry in incremental(stream, cursors[stream["name"]])["streams"]]
        }
        self._states: dict[str, dict[str, Any]] = {}

    def read(self) -> Result:
        """One more sync. One stream that fails leaves the others alone; how each ended is for its test to judge."""
        result = self.connector.read(self.config, self.catalog, list(self._states.values()))
        for state in result.states:
            self._states[state["stream"]["stream_descriptor"]["name"]] = state
        return result


def ids(result: Result, stream: str) -> Counter[int]:
    """The numbers of the rows of a stream, which must have come to its end."""
    assert result.statuses(stream)[-1:] == ["COMPLETE"], f"{stream}: {result.explain()}"
    return Counter(int(row["id"]) for row in result.data(stream))
