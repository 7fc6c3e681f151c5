"""How runs are judged that are about the way to Trino and not about its data."""

from __future__ import annotations

from typing import Any

from . import documented
from .connector import Connector, Result
from .messages import configured, handwritten


def succeeds(result: Result) -> None:
    """A check that found nothing wrong."""
    assert result.status == {"status": "SUCCEEDED"}, result.explain()


def fails(result: Result, *words: str) -> str:
    """The message of a failed check, which is in the table of the documentation."""
    assert (result.exit_code, result.status["status"]) == (0, "FAILED"), result.explain()
    message = str(result.status["message"])
    assert [word for word in words if word not in message] == [], message
    documented.assert_documented(message)
    return message


def reads_regions(connector: Connector, config: dict[str, Any], **options: Any) -> Result:
    """Reads a table of five rows, whole."""
    result = connector.read(config, configured([handwritten("region", "tiny", ["name"])]), **options)
    assert result.exit_code == 0, result.explain()
    assert sorted(row["name"] for row in result.data("region")) == ["AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"]
    return result
